"""Time-limited TURN credentials ("A REST API For Access To TURN Services", draft-uberti-behave-turn-rest-00 §2.2).

The user name is ``<expiry>:<user>``, the password ``base64(HMAC-SHA1(secret, user name))``. coturn checks both with
the same secret (``use-auth-secret``) and counts its quotas by ``<user>``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field

_PSEUDONYM_BYTES = 9


@dataclass(frozen=True, slots=True)
class Credentials:
    """``expires_at`` in seconds since the epoch."""

    username: str
    password: str = field(repr=False)
    expires_at: int


def issue(secret: str, user: str, *, now: float, lifetime_s: int) -> Credentials:
    """Credentials of ``user`` until ``now + lifetime_s``. ``user`` stands in them as it is; see ``pseudonym``."""
    expires_at = int(now) + lifetime_s
    username = f"{expires_at}:{user}"
    return Credentials(username, password_of(secret, username), expires_at)


def password_of(secret: str, username: str) -> str:
    """HMAC-SHA1 is what the draft and coturn say; it is not weakened by collisions of SHA-1 (RFC 6151 §2.3 on HMAC)."""
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def pseudonym(secret: str, person_id: str) -> str:
    """A stable name for a person that tells nobody who it is: user names are sent in clear and logged by relays."""
    digest = hmac.new(secret.encode(), b"turn-user:" + person_id.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:_PSEUDONYM_BYTES]).decode()
