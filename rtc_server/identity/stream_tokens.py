"""Tokens of devices (WHIP, WHEP): each names one link of one meeting, and signs nobody in.

Signed with a key and made for an audience of their own, so that neither kind of token is ever taken for the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import jwt
from jwt.exceptions import ExpiredSignatureError, PyJWTError
from pydantic import BaseModel, ConfigDict, ValidationError

from rtc_server.config import Algorithm
from signaling.errors import ErrorCode, IdentityError
from signaling.sessions.meeting_streams import Stream, StreamAccess
from signaling.wire.base import Identifier

ISSUER = "rtc-server"
AUDIENCE = "rtc-server-stream"
MAX_TOKEN_CHARS = 1024


class StreamClaims(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    sub: Identifier
    """The link."""
    meeting: Identifier
    access: StreamAccess


@dataclass(frozen=True, slots=True)
class StreamTokens:
    key: bytes

    def mint(self, meeting_id: str, stream: Stream) -> str:
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": stream.stream_id,
            "meeting": meeting_id,
            "access": stream.access.value,
            "iat": stream.created_at // 1000,
            "exp": stream.expires_at // 1000,
        }
        return jwt.encode(claims, self.key, algorithm=Algorithm.HS256.value)

    def read(self, token: str) -> StreamClaims:
        """Raises ``IdentityError``: ``token_missing``, ``token_invalid`` or ``token_expired``."""
        if not token:
            raise IdentityError(ErrorCode.TOKEN_MISSING)
        if len(token) > MAX_TOKEN_CHARS:
            raise IdentityError(ErrorCode.TOKEN_INVALID)
        try:
            payload = jwt.decode(
                token,
                self.key,
                algorithms=[Algorithm.HS256.value],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={"require": ["iss", "aud", "sub", "exp"]},
            )
            return StreamClaims.model_validate(payload)
        except ExpiredSignatureError:
            raise IdentityError(ErrorCode.TOKEN_EXPIRED) from None
        except (PyJWTError, ValidationError):
            raise IdentityError(ErrorCode.TOKEN_INVALID) from None
