"""Tokens of devices: whose they are, and until when."""

from __future__ import annotations

import time

import pytest

from media.types import Source
from rtc_server.identity.stream_tokens import StreamTokens
from signaling.errors import ErrorCode, IdentityError
from signaling.sessions.meeting_streams import Stream, StreamAccess
from signaling.sessions.states import Role

KEY = b"k" * 32


def link(expires_in_s: int) -> Stream:
    now_ms = int(time.time() * 1000)
    return Stream(
        "link", StreamAccess.PUBLISH, "OBS", Source.CAMERA, "agent01", Role.AGENT, now_ms - 7_200_000,
        now_ms + expires_in_s * 1000,
    )  # fmt: skip


def refusal(tokens: StreamTokens, token: str) -> ErrorCode:
    with pytest.raises(IdentityError) as refused:
        tokens.read(token)
    return refused.value.code


def test_a_token_holds_for_its_link_until_the_link_expires() -> None:
    tokens = StreamTokens(KEY)
    token = tokens.mint("meeting", link(60))
    claims = tokens.read(token)
    assert (claims.sub, claims.meeting, claims.access) == ("link", "meeting", StreamAccess.PUBLISH)
    assert refusal(StreamTokens(b"x" * 32), token) is ErrorCode.TOKEN_INVALID
    assert refusal(tokens, "") is ErrorCode.TOKEN_MISSING
    assert refusal(tokens, tokens.mint("meeting", link(-60))) is ErrorCode.TOKEN_EXPIRED
