"""What the window may do with sound, and answers read aloud for browsers without a Chinese voice."""

from __future__ import annotations

from aiohttp import web

from rtc_server.identity.policy import Permission
from rtc_server.rest.context import SETTINGS
from rtc_server.rest.limits import count
from rtc_server.rest.resource import Call, Entry, View
from rtc_server.speech.service import Recognition
from signaling.errors import ErrorCode, Refused


class VoiceView(View):
    """``recognition``: whether one may dictate. ``reading``: whether the server reads answers out."""

    recognition: Recognition
    max_seconds: int
    reading: bool


async def _state(call: Call) -> VoiceView:
    speech = call.desk.speech
    return VoiceView(
        recognition=speech.recognition,
        max_seconds=speech.settings.max_seconds,
        reading=call.desk.voice.available,
    )


async def _read_out(call: Call) -> web.Response:
    question = call.desk.knowledge.base.by_id.get(call.id("question_id"))
    if question is None:
        raise Refused(ErrorCode.NOT_FOUND)
    rate = call.request.app[SETTINGS].speech.voice_rate
    await count(call.request, rate, "voice", call.person.person_id)
    sound = await call.desk.voice.read_out(question.answer)
    return web.Response(
        body=sound, content_type="audio/mpeg", headers={"Cache-Control": "private, max-age=3600"}
    )


_P = Permission.ASK_ASSISTANT

ENTRIES = (
    Entry("GET", "/api/assistant/voice", _P, _state, "Whether one may dictate and be read to", answer=VoiceView),
    Entry("GET", "/api/assistant/questions/{question_id}/voice", _P, _read_out, "An answer read aloud: audio/mpeg"),
)  # fmt: skip
