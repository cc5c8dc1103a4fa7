"""Tokens of host platforms and our own: JWT (RFC 7519) in, ``Person`` out.

The algorithm is pinned by issuer, so that neither ``none`` nor an HMAC keyed with a public key is ever tried
(RFC 8725 §3.1). Nothing of a token reaches a log but its key id.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import aiohttp
import jwt
import structlog
from jwt.exceptions import (
    ExpiredSignatureError,
    InvalidAudienceError,
    InvalidIssuerError,
    PyJWTError,
)
from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, TypeAdapter, ValidationError

from rtc_server.config import Algorithm, Settings, TrustedIssuer
from rtc_server.identity.accounts import Account
from rtc_server.identity.jwks import Jwks, JwksTiming, KeysUnavailable
from rtc_server.identity.masking import mask_name
from rtc_server.identity.profiles import PersonalData, Profiles
from signaling.errors import ErrorCode, IdentityError
from signaling.rooms.ports import Person
from signaling.sessions.states import Role
from signaling.wire.base import Identifier

OWN_ISSUER = "rtc-server"
OWN_AUDIENCE = "rtc-server"
OWN_PREFIX = "own."
"""Outside demo mode the people of our own tokens are kept apart from those of host platforms."""
MAX_TOKEN_CHARS = 4096
LEEWAY_S = 30
MAX_OWN_LIFETIME_S = 24 * 3600
REQUIRED_CLAIMS = ["iss", "sub", "role", "name", "exp", "aud"]

_KEY_ID = re.compile(r"^[A-Za-z0-9_.:=-]{1,64}$")
_IDENTIFIER: TypeAdapter[str] = TypeAdapter(Identifier)
_STAFF_SEEN_BY_OTHERS = frozenset({Role.AGENT, Role.SUPERVISOR})

Word = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$"),
]
Seconds = Annotated[int, BeforeValidator(lambda value: int(value) if isinstance(value, float) else value)]
"""NumericDate may have a fraction (RFC 7519 §2)."""
StaffNumber = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,16}$")]
Phone = Annotated[str, StringConstraints(pattern=r"^\+?[0-9 -]{3,20}$")]

log = structlog.get_logger(__name__)


class Claims(BaseModel):
    """What we read of a token; other claims are ignored (RFC 7519 §4)."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    sub: str
    role: Role
    name: Word
    exp: Seconds
    iat: Seconds | None = None
    authority: Word | None = None
    region: Word | None = None
    staff_number: StaffNumber | None = None
    phone: Phone | None = None
    company: Word | None = None


@dataclass(frozen=True, slots=True)
class _Issuer:
    settings: TrustedIssuer
    jwks: Jwks | None


class _Unacceptable(Exception):
    """A token that is well signed and still not one we take."""


class TokenAuthenticator:
    """Implements ``signaling.rooms.ports.Authenticator``."""

    def __init__(
        self,
        issuers: Iterable[TrustedIssuer],
        *,
        jwks_timing: JwksTiming | None = None,
        clock: Callable[[], float] = time.time,
        profiles: Profiles | None = None,
    ) -> None:
        """``profiles`` is told what the tokens of taxpayers say about them."""
        self._profiles = profiles
        self._session: aiohttp.ClientSession | None = None
        self._clock = clock
        self._issuers: Mapping[str, _Issuer] = {
            settings.issuer: _Issuer(
                settings,
                Jwks(settings.jwks_url, settings.algorithm, self._http, timing=jwks_timing)
                if settings.jwks_url
                else None,
            )
            for settings in issuers
        }

    async def authenticate(self, token: str) -> Person:
        """Raises ``IdentityError``: ``token_missing``, ``token_invalid``, ``token_expired`` or ``token_foreign``;
        ``internal_error`` when the issuer's keys cannot be had."""
        key_id: str | None = None
        try:
            if not token:
                raise IdentityError(ErrorCode.TOKEN_MISSING)
            if len(token) > MAX_TOKEN_CHARS:
                raise IdentityError(ErrorCode.TOKEN_INVALID)
            try:
                header = jwt.get_unverified_header(token)
            except PyJWTError as error:
                raise IdentityError(ErrorCode.TOKEN_INVALID) from error
            key_id = header.get("kid")
            return await self._verify(token, header)
        except IdentityError as error:
            # Nothing else may be said here: a refused token is still somebody's.
            log.info("token_refused", code=error.code.value, key_id=printable_key_id(key_id))
            raise IdentityError(error.code) from None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(auto_decompress=False)
        return self._session

    async def _verify(self, token: str, header: Mapping[str, Any]) -> Person:
        issuer = self._issuer_of(token)
        settings = issuer.settings
        if header.get("alg") != settings.algorithm.value:
            raise IdentityError(ErrorCode.TOKEN_INVALID)
        try:
            payload = jwt.decode(
                token,
                await self._key(issuer, header.get("kid")),
                algorithms=[settings.algorithm.value],
                audience=settings.audience,
                issuer=settings.issuer,
                leeway=LEEWAY_S,
                options={"require": REQUIRED_CLAIMS},
            )
            claims = Claims.model_validate(payload)
            return self._person(settings, claims)
        except ExpiredSignatureError as error:
            raise IdentityError(ErrorCode.TOKEN_EXPIRED) from error
        except (InvalidAudienceError, InvalidIssuerError) as error:
            raise IdentityError(ErrorCode.TOKEN_FOREIGN) from error
        except (PyJWTError, ValidationError, _Unacceptable) as error:
            raise IdentityError(ErrorCode.TOKEN_INVALID) from error
        except KeysUnavailable as error:
            raise IdentityError(ErrorCode.INTERNAL_ERROR) from error

    def _issuer_of(self, token: str) -> _Issuer:
        """By the claim, which is not verified yet: it only chooses which key must have signed it."""
        try:
            claimed = jwt.decode(token, options={"verify_signature": False}).get("iss")
        except PyJWTError as error:
            raise IdentityError(ErrorCode.TOKEN_INVALID) from error
        issuer = self._issuers.get(claimed) if isinstance(claimed, str) else None
        if issuer is None:
            raise IdentityError(ErrorCode.TOKEN_FOREIGN if claimed else ErrorCode.TOKEN_INVALID)
        return issuer

    async def _key(self, issuer: _Issuer, key_id: str | None) -> Any:
        if issuer.jwks is None:
            secret = issuer.settings.secret
            if secret is None:
                raise KeysUnavailable
            return secret.get_secret_value()
        key = await issuer.jwks.key(key_id)
        if key is None:
            raise _Unacceptable("no such key")
        return key.key

    def _person(self, settings: TrustedIssuer, claims: Claims) -> Person:
        if claims.role not in settings.roles:
            raise _Unacceptable("role not granted to this issuer")
        issued_at = claims.iat if claims.iat is not None else self._clock()
        if claims.exp - issued_at > settings.max_lifetime_s + LEEWAY_S:
            raise _Unacceptable("lives too long")
        if claims.role is Role.AGENT and claims.authority is None:
            raise _Unacceptable("an agent without an authority")
        person_id = _IDENTIFIER.validate_python(settings.person_prefix + claims.sub)
        if self._profiles is not None and claims.role is Role.TAXPAYER:
            data = PersonalData(claims.name, claims.phone, claims.company, claims.authority, claims.region)
            self._profiles.note(person_id, data)
        return Person(
            person_id=person_id,
            role=claims.role,
            display_name=_shown_name(claims),
            authority=claims.authority,
            region=claims.region,
            expires_at=claims.exp,
        )


def _shown_name(claims: Claims) -> str:
    if claims.role in _STAFF_SEEN_BY_OTHERS:
        if claims.staff_number is None:
            raise _Unacceptable("staff without a number")
        return claims.staff_number
    return claims.staff_number or mask_name(claims.name)


def printable_key_id(key_id: object) -> str | None:
    """A key id as a log may show it: an attacker chooses it, so it is plain or not shown."""
    if key_id is None:
        return None
    return key_id if isinstance(key_id, str) and _KEY_ID.match(key_id) else "unprintable"


class TokenMinter:
    """Makes the server's own tokens."""

    def __init__(self, secret: str, *, clock: Callable[[], float] = time.time) -> None:
        self._secret = secret
        self._clock = clock

    def mint(self, account: Account, lifetime_s: int) -> str:
        """A token of ``account``; ``lifetime_s`` is at most ``MAX_OWN_LIFETIME_S``."""
        now = int(self._clock())
        claims = {
            "iss": OWN_ISSUER,
            "aud": OWN_AUDIENCE,
            "sub": account.account,
            "role": account.role.value,
            "name": account.name,
            "iat": now,
            "exp": now + min(lifetime_s, MAX_OWN_LIFETIME_S),
            "authority": account.authority,
            "region": account.region,
            "staff_number": account.staff_number,
            "phone": account.phone,
            "company": account.company,
        }
        present = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(present, self._secret, algorithm=Algorithm.HS256.value, headers={"kid": "own"})


def trusted_issuers(settings: Settings, own_secret: str | None) -> list[TrustedIssuer]:
    """The configured issuers, and ourselves where we sign tokens."""
    issuers = list(settings.issuers)
    if own_secret is not None:
        issuers.append(
            TrustedIssuer.model_validate(
                {
                    "issuer": OWN_ISSUER,
                    "audience": OWN_AUDIENCE,
                    "algorithm": Algorithm.HS256,
                    "secret": own_secret,
                    "roles": tuple(Role),
                    "person_prefix": "" if settings.demo else OWN_PREFIX,
                    "max_lifetime_s": MAX_OWN_LIFETIME_S,
                }
            )
        )
    return issuers
