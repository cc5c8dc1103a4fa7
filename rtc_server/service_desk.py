"""Opens and closes what the human service lasts on: records, organisation, files."""

from __future__ import annotations

from chatbot import demo as demo_knowledge
from rtc_server import demo_data
from rtc_server.assistant.service import AssistantService
from rtc_server.casework.mediations import MeetingNotices
from rtc_server.casework.service import CaseworkService
from rtc_server.config import Settings
from rtc_server.files.links import Links
from rtc_server.files.scanner import scanner_of
from rtc_server.files.service import FileService
from rtc_server.identity.profiles import Profiles
from rtc_server.knowledge.service import KnowledgeService
from rtc_server.organisation import demo
from rtc_server.organisation.service import OrganisationService
from rtc_server.recordings.shelf import Shelf
from rtc_server.records.database import database_url
from rtc_server.records.keeper import Records
from rtc_server.records.recording import Recording
from rtc_server.rest.service import ServiceDesk
from rtc_server.retention.rules import Kept
from rtc_server.retention.service import Plan, Retention
from rtc_server.speech.service import SpeechService
from rtc_server.speech.voice import VoiceService


async def open_desk(settings: Settings, link_key: bytes, profiles: Profiles) -> ServiceDesk:
    """``begin_desk`` is due afterwards. In demo mode an empty database gets the organisation of the demo.

    Raises ``JournalLocked``, ``RecordsUnavailable``, ValueError for the address of the database, and what its driver
    raises when it does not answer.
    """
    address = settings.database_url.get_secret_value() if settings.database_url is not None else None
    records = await Records.open(
        database_url(address, settings.data), settings.data / "journal", fsync=settings.journal.fsync
    )
    try:
        organisation = OrganisationService()
        recording = Recording(records, organisation.staff_number)
        organisation.attach(recording)
        await organisation.load((demo.organisation(), demo.SKILLS) if settings.demo else None)
        if settings.demo:
            await demo_data.load(recording)
        files = FileService(settings.files, settings.data / "files", recording, scanner_of(settings.files))
        await files.start()
        knowledge = KnowledgeService(recording, settings.data / "knowledge" / "vectors.npz")
        await knowledge.load(demo_knowledge.knowledge() if settings.demo else None)
        assistant = AssistantService(knowledge, recording, organisation)
        casework = CaseworkService(recording, organisation)
        retention = Retention(records.database, retention_plan(settings), settings.data)
    except BaseException:
        await records.close()
        raise
    links = Links(link_key, settings.files.link_lifetime_s)
    shelf = Shelf(settings.data / "recordings")
    speech = SpeechService(settings.speech, lambda: knowledge.base)
    voice = VoiceService(settings.speech)
    return ServiceDesk(
        recording,
        organisation,
        files,
        links,
        profiles,
        knowledge,
        shelf,
        assistant,
        casework,
        speech,
        voice,
        retention,
        MeetingNotices(recording, casework),
    )


def retention_plan(settings: Settings) -> Plan:
    kept = settings.retention
    return Plan({kind: getattr(kept, kind.value) for kind in Kept}, kept.unattached_files_h, kept.hour)


def begin_desk(desk: ServiceDesk, *, index_after_s: float = 0.0) -> None:
    """What goes on beside the work, once people can come in: nobody who returns to a call waits for it."""
    desk.knowledge.start(index_after_s)
    desk.assistant.start()
    desk.casework.start()
    desk.meeting_notices.start()
    desk.retention.start()


async def close_desk(desk: ServiceDesk) -> None:
    await desk.speech.stop()
    await desk.voice.stop()
    await desk.retention.stop()
    await desk.shelf.stop()
    await desk.assistant.stop()
    await desk.meeting_notices.stop()
    await desk.casework.stop()
    await desk.knowledge.stop()
    await desk.files.stop()
    await desk.recording.close()
