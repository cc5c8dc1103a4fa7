"""What REST resources work with, in one object of the application."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from rtc_server.assistant.service import AssistantService
from rtc_server.casework.mediations import MeetingNotices
from rtc_server.casework.service import CaseworkService
from rtc_server.files.links import Links
from rtc_server.files.service import FileService
from rtc_server.identity.profiles import Profiles
from rtc_server.knowledge.service import KnowledgeService
from rtc_server.organisation.service import OrganisationService
from rtc_server.recordings.shelf import Shelf
from rtc_server.records.recording import Recording
from rtc_server.retention.service import Retention
from rtc_server.speech.service import SpeechService
from rtc_server.speech.voice import VoiceService


@dataclass(frozen=True, slots=True)
class ServiceDesk:
    recording: Recording
    organisation: OrganisationService
    files: FileService
    links: Links
    profiles: Profiles
    knowledge: KnowledgeService
    shelf: Shelf
    assistant: AssistantService
    casework: CaseworkService
    speech: SpeechService
    voice: VoiceService
    retention: Retention
    meeting_notices: MeetingNotices


SERVICE_DESK = web.AppKey("service_desk", ServiceDesk)
