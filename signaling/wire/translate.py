"""From the wire: a Socket.IO payload to a checked request, a request to a command; any exception to a wire error."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping

from pydantic import ValidationError

from signaling.errors import SENTENCES, BadInput, DomainError, ErrorCode
from signaling.sessions import commands
from signaling.sessions.model import FileRef
from signaling.wire import requests
from signaling.wire.base import MAX_MESSAGE_BYTES, WIRE_VERSION, Handshake, Request, WireError

_log = logging.getLogger(__name__)

_REQUESTS: Mapping[str, type[Request]] = {request.EVENT: request for request in requests.REQUESTS}


def parse_request(event: str, payload: str | bytes) -> Request:
    """``payload`` is JSON. Raises ``BadInput``: ``unknown_message``, ``message_too_large``, ``bad_message``."""
    model = _REQUESTS.get(event)
    if model is None:
        raise BadInput(ErrorCode.UNKNOWN_MESSAGE)
    if len(payload) > MAX_MESSAGE_BYTES:
        raise BadInput(ErrorCode.MESSAGE_TOO_LARGE)
    try:
        # JSON mode coerces nothing: ``"5"`` is no number.
        return model.model_validate_json(payload)
    except ValidationError as error:
        # Only where it is wrong and how: the values may be private.
        faults = [{"at": fault["loc"], "type": fault["type"]} for fault in error.errors(include_input=False)]
        _log.info("request refused", extra={"event_name": event, "faults": faults[:5]})
        raise BadInput(ErrorCode.BAD_MESSAGE) from None


def parse_handshake(auth: object) -> Handshake:
    """Raises ``BadInput`` with ``bad_message``, or ``version_unsupported`` when the shape is of another version."""
    try:
        return Handshake.model_validate_json(_as_json(auth if auth is not None else {}))
    except ValidationError:
        version = auth.get("version") if isinstance(auth, dict) else None
        other = isinstance(version, int) and version != WIRE_VERSION
        raise BadInput(ErrorCode.VERSION_UNSUPPORTED if other else ErrorCode.BAD_MESSAGE) from None


def _as_json(payload: object) -> bytes:
    try:
        text = json.dumps(payload, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        raise BadInput(ErrorCode.BAD_MESSAGE) from None
    if len(text) > MAX_MESSAGE_BYTES:
        raise BadInput(ErrorCode.MESSAGE_TOO_LARGE)
    return text


_SIMPLE: Mapping[type[Request], type[commands.Deed]] = {
    requests.RequestAssistance: commands.RequestAssistance,
    requests.AcceptAssistance: commands.AcceptAssistance,
    requests.DeclineAssistance: commands.DeclineAssistance,
    requests.PauseAssistance: commands.PauseAssistance,
    requests.ResumeAssistance: commands.ResumeAssistance,
    requests.HangUpAssistance: commands.HangUpAssistance,
    requests.AskCall: commands.AskCall,
    requests.StartCall: commands.StartCall,
    requests.AcceptCall: commands.AcceptCall,
    requests.DeclineCall: commands.DeclineCall,
    requests.HangUpCall: commands.HangUpCall,
    requests.StartRecording: commands.StartRecording,
    requests.StopRecording: commands.StopRecording,
    requests.CancelInvitation: commands.EndInvitation,
    requests.LeaveInvitation: commands.LeaveInvited,
}
"""Requests that say nothing but themselves."""


def to_command(request: Request, actor_id: str, file: FileRef | None = None) -> commands.Deed | None:
    """The command a request stands for; None for queries and negotiations of media."""
    simple = _SIMPLE.get(type(request))
    if simple is not None:
        return simple(actor_id)
    match request:
        case requests.SendMessage():
            return commands.PostMessage(actor_id, request.client_message_id, request.text or "", file)
        case requests.CloseInteraction():
            return commands.CloseInteraction(actor_id, request.cause)
        case requests.ReadMessages():
            return commands.ReadUpTo(actor_id, request.seq)
        case requests.ReportAssistanceProblem():
            return commands.ReportAssistanceProblem(actor_id, request.problem)
        case requests.ReportCallProblem():
            return commands.ReportCallProblem(actor_id, request.problem)
        case requests.AnswerRecording():
            return commands.AnswerRecording(actor_id, request.given)
        case requests.Mute():
            return commands.MuteSource(actor_id, request.source, request.muted)
        case _:
            return None


def to_wire_error(error: BaseException) -> WireError:
    """What a person is told of any failure. What is not a domain error is a fault of ours: logged by its type and
    place alone, since its words may quote what a person wrote."""
    if isinstance(error, DomainError):
        return WireError(code=error.code, message=error.sentence, retry_after_ms=error.retry_after_ms)
    _log.error("internal error", extra={"error_type": type(error).__name__, "at": place_of(error)})
    return WireError(code=ErrorCode.INTERNAL_ERROR, message=SENTENCES[ErrorCode.INTERNAL_ERROR])


def place_of(error: BaseException) -> str:
    """Innermost frame of ours: file, line, function."""
    trace, place = error.__traceback__, "unknown"
    while trace is not None:
        code = trace.tb_frame.f_code
        if "site-packages" not in code.co_filename:
            place = f"{code.co_filename.rsplit('/', 2)[-1]}:{trace.tb_lineno} {code.co_name}"
        trace = trace.tb_next
    return place
