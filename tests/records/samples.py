"""Records for tests."""

from __future__ import annotations

from rtc_server.records.interactions import Interaction, InteractionMember
from rtc_server.records.messages import Message, MessageKind
from signaling.sessions.states import InteractionPhase, Role


def an_interaction(
    number: int = 1, taxpayer: str = "p1", revision: int = 1, **changes: object
) -> Interaction:
    values: dict[str, object] = {
        "interaction_id": f"i{number:04}",
        "revision": revision,
        "taxpayer_id": taxpayer,
        "taxpayer_name": "张*",
        "authority": "440000",
        "centre_id": "gd",
        "agent_id": "agent01",
        "phase": InteractionPhase.OPEN,
        "opened_at": 1_000 * number,
    }
    return Interaction(**{**values, **changes})  # type: ignore[arg-type]


def a_member(
    number: int = 1, person: str = "p1", role: Role = Role.TAXPAYER, revision: int = 1, **changes: object
) -> InteractionMember:
    values: dict[str, object] = {
        "interaction_id": f"i{number:04}",
        "person_id": person,
        "revision": revision,
        "role": role,
        "display_name": "张*",
        "joined_at": 1_000 * number,
    }
    return InteractionMember(**{**values, **changes})  # type: ignore[arg-type]


def a_message(
    number: int, seq: int, text: str = "您好", sender: str | None = "p1", **changes: object
) -> Message:
    values: dict[str, object] = {
        "interaction_id": f"i{number:04}",
        "seq": seq,
        "sender_id": sender,
        "client_message_id": f"c{seq}" if sender is not None else None,
        "kind": MessageKind.TEXT if sender is not None else MessageKind.SYSTEM,
        "text": text,
        "sent_at": 1_000 * number + seq,
    }
    return Message(**{**values, **changes})  # type: ignore[arg-type]
