"""Settings: defaults, then a TOML file, then ``RTC_…`` environment variables, then command-line flags.

``docs/operations.md`` tells every setting in prose. A nested setting is ``RTC_<SECTION>_<NAME>``, e.g.
``RTC_TURN_START=false``; a list may be given as JSON or separated by commas.
"""

from __future__ import annotations

import json
import os
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    IPvAnyAddress,
    IPvAnyNetwork,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from rtc_server.records.journal import FsyncPolicy
from signaling.sessions.states import Role

MIN_SECRET_BYTES = 32
"""RFC 7518 §3.2: an HS256 key is at least as long as its hash."""

DEFAULT_PORT = 8080
REPOSITORY = Path(__file__).resolve().parents[1]


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text.startswith("["):
        return json.loads(text)
    return [part.strip() for part in text.split(",") if part.strip()]


def _origin(value: str) -> str:
    parts = urlsplit(value)
    if (
        parts.scheme not in {"http", "https"}
        or not parts.netloc
        or parts.path not in {"", "/"}
        or parts.query
    ):
        raise ValueError(f"{value!r} is not an origin like https://etax.example.gov.cn")
    return f"{parts.scheme}://{parts.netloc}".lower()


def _long_enough(secret: SecretStr | None) -> SecretStr | None:
    if secret is not None and len(secret.get_secret_value().encode()) < MIN_SECRET_BYTES:
        raise ValueError(
            f"a secret must have at least {MIN_SECRET_BYTES} bytes; make one with: openssl rand -base64 48"
        )
    return secret


Origin = Annotated[str, BeforeValidator(lambda v: _origin(str(v)))]
Origins = Annotated[tuple[Origin, ...], NoDecode, BeforeValidator(_split)]
Strings = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Addresses = Annotated[tuple[IPvAnyAddress, ...], NoDecode, BeforeValidator(_split)]
Networks = Annotated[tuple[IPvAnyNetwork, ...], NoDecode, BeforeValidator(_split)]
Port = Annotated[int, Field(ge=0, le=65535)]


class Section(BaseModel):
    """A group of settings: an unknown name is a mistake and refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Algorithm(StrEnum):
    """Signature algorithms (RFC 7518, RFC 8037). An issuer has exactly one."""

    HS256 = "HS256"
    RS256 = "RS256"
    ES256 = "ES256"
    EDDSA = "EdDSA"


class TrustedIssuer(Section):
    """A host platform whose tokens are taken."""

    issuer: Annotated[str, Field(min_length=1, max_length=256)]
    """The ``iss`` claim, compared exactly."""
    audience: Annotated[str, Field(min_length=1, max_length=256)] = "rtc-server"
    algorithm: Algorithm
    secret: SecretStr | None = None
    """HS256 only."""
    jwks_url: str | None = None
    """RS256, ES256 and EdDSA: where the public keys are (RFC 7517). ``https``, or loopback."""
    roles: Annotated[tuple[Role, ...], NoDecode, BeforeValidator(_split)] = (Role.TAXPAYER,)
    """Roles this issuer may assert."""
    person_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{0,16}$")] = ""
    """Put before ``sub`` to make the person id; keeps the people of two issuers apart."""
    max_lifetime_s: Annotated[int, Field(ge=60, le=7 * 86400)] = 12 * 3600

    @field_validator("secret")
    @classmethod
    def _secret_length(cls, value: SecretStr | None) -> SecretStr | None:
        return _long_enough(value)

    @model_validator(mode="after")
    def _one_key_source(self) -> Self:
        if self.algorithm is Algorithm.HS256:
            if self.secret is None or self.jwks_url is not None:
                raise ValueError(f"issuer {self.issuer}: HS256 takes `secret` and no `jwks_url`")
            return self
        if self.jwks_url is None or self.secret is not None:
            raise ValueError(f"issuer {self.issuer}: {self.algorithm} takes `jwks_url` and no `secret`")
        url = urlsplit(self.jwks_url)
        if url.scheme != "https" and not (url.scheme == "http" and _is_loopback(url.hostname or "")):
            raise ValueError(f"issuer {self.issuer}: jwks_url must be https")
        return self


class MediaSettings(Section):
    """The packet engine (``media.types.EngineConfig``)."""

    bind_ip: IPvAnyAddress | None = None
    """None: loopback in demo mode, otherwise all IPv4 addresses."""
    advertised_ips: Addresses = ()
    """Put into SDP as ICE candidates; the addresses browsers reach. Required outside demo mode."""
    port_base: Port = 0
    """Worker *i* owns UDP and TCP port ``port_base + i``. 0: the system chooses (demo only)."""
    workers: Annotated[int, Field(ge=0, le=256)] = 0
    """0: one per core."""
    ice_tcp: bool = True


class TurnPeers(StrEnum):
    MEDIA = "media"
    """A relayed packet may only go to the media addresses: nobody can use the relay for anything else."""
    PUBLIC = "public"
    """… or to any public address."""


class TurnSettings(Section):
    """The relay (coturn)."""

    start: bool | None = None
    """Start and supervise coturn ourselves. None: in demo mode, when it is installed."""
    binary: str = "turnserver"
    secret: SecretStr | None = None
    """Shared with coturn (``static-auth-secret``). Required where a relay is used outside demo mode."""
    urls: Strings = ()
    """An existing relay: RTCIceServer URLs, e.g. ``turn:turn.example.gov.cn:3478?transport=udp``."""
    host: str | None = None
    """The name or address browsers reach our coturn at. None: the first media address."""
    listen_ips: Addresses = ()
    """None given: the media bind address."""
    relay_ips: Addresses = ()
    external_ip: IPvAnyAddress | None = None
    """The public address, when our coturn stands behind a 1:1 NAT."""
    port: Port | None = None
    """UDP and TCP. None: 3478; in demo mode a free one when that is taken."""
    tls_port: Port | None = None
    """TLS. None: 5349; in demo mode a free one when that is taken. 0: no TLS."""
    min_port: Annotated[int, Field(ge=1024, le=65535)] = 49152
    max_port: Annotated[int, Field(ge=1024, le=65535)] = 65535
    realm: str = "rtc-server"
    tls_cert: Path | None = None
    tls_key: Path | None = None
    """None: the certificate of the HTTPS port; in demo mode one of our own making."""
    credential_lifetime_s: Annotated[int, Field(ge=60, le=86400)] = 3600
    user_quota: Annotated[int, Field(ge=1)] = 12
    """Allocations a person may have at once. A browser makes one per server URL and peer connection."""
    total_quota: Annotated[int, Field(ge=1)] = 1200
    peers: TurnPeers = TurnPeers.MEDIA
    probe_interval_s: Annotated[float, Field(ge=1)] = 30.0

    @field_validator("secret")
    @classmethod
    def _secret_length(cls, value: SecretStr | None) -> SecretStr | None:
        return _long_enough(value)


class SessionTimes(Section):
    """How long each state of a session may last (``signaling.sessions.settings``), in seconds."""

    ring_timeout_s: Annotated[float, Field(gt=0)] = 30.0
    permission_timeout_s: Annotated[float, Field(gt=0)] = 60.0
    connecting_timeout_s: Annotated[float, Field(gt=0)] = 20.0
    reconnect_grace_s: Annotated[float, Field(gt=0)] = 30.0
    abandoned_timeout_s: Annotated[float, Field(gt=0)] = 120.0
    media_lost_timeout_s: Annotated[float, Field(gt=0)] = 30.0
    silence_warn_s: Annotated[float, Field(ge=0)] = 600.0
    """Nobody wrote and nothing ran for so long: it is said that it will end. 0: never."""
    silence_end_s: Annotated[float, Field(gt=0)] = 120.0
    """From that until it ends."""


class JournalSettings(Section):
    """The journal that takes every message before it is acknowledged (``rtc_server.records``)."""

    fsync: FsyncPolicy = FsyncPolicy.INTERVAL
    """``always``: nothing acknowledged is lost with the power; ``interval``: at most a second of it; ``never``."""


class FileSettings(Section):
    """Files people send in conversations (``rtc_server.files``). Sizes in bytes."""

    max_bytes: Annotated[int, Field(ge=1024, le=20 * 1024 * 1024)] = 20 * 1024 * 1024
    """A file must be smaller than this."""
    uploads_at_once: Annotated[int, Field(ge=1, le=100)] = 10
    """That one person may have begun and not finished."""
    rate: str = "60/hour"
    """Files a person may begin."""
    daily_megabytes: Annotated[int, Field(ge=1)] = 500
    """A person may send in a day."""
    abandoned_s: Annotated[float, Field(gt=0)] = 3600.0
    """An upload nobody goes on with for so long is deleted."""
    link_lifetime_s: Annotated[int, Field(ge=10, le=3600)] = 300
    min_free_bytes: Annotated[int, Field(ge=0)] = 1024 * 1024 * 1024
    """With less free space on the disk no upload begins."""
    max_pixels: Annotated[int, Field(ge=1)] = 50_000_000
    """Of a picture, before it is decoded."""
    clamd_host: str | None = None
    """None: files are not scanned for viruses."""
    clamd_port: Port = 3310
    clamd_timeout_s: Annotated[float, Field(gt=0)] = 30.0


class SpeechSettings(Section):
    """Dictation and reading out (``rtc_server.speech``, docs/voice.md)."""

    model: Path | None = None
    """A folder with a Whisper model for faster-whisper (CTranslate2). None: the microphone button says that it is off."""
    threads: Annotated[int, Field(ge=1, le=64)] = 2
    """Of the recognising process."""
    nice: Annotated[int, Field(ge=0, le=19)] = 5
    """Calls and messages go before it."""
    streams: Annotated[int, Field(ge=1, le=100)] = 4
    """People who may dictate at once; they take turns with the one process."""
    max_seconds: Annotated[int, Field(ge=5, le=120)] = 60
    rate: str = "20/minute"
    """How often a person may begin to dictate."""
    words: Strings = ()
    """Words the model is told to expect, beside the questions of the knowledge."""
    voice: bool = True
    """Read answers out for browsers without a Chinese voice of their own."""
    voice_rate: str = "30/minute"
    """Answers a person may have read out by the server."""
    voice_cache_megabytes: Annotated[int, Field(ge=1, le=1024)] = 32


class Limits(Section):
    """Requests an address may make, in the notation of ``limits`` (RFC 6585 429 beyond)."""

    api: str = "600/minute"
    sign_in: str = "30/minute"
    """``POST /api/session``."""
    pages: str = "1200/minute"
    suggestions: str = "6000/minute"
    """Type-ahead beside ``api``: a hall of taxpayers may stand behind one address."""
    questions_per_person: str = "30/minute"
    """What a person may ask 悦悦."""
    suggestions_per_person: str = "600/minute"
    body_bytes: Annotated[int, Field(ge=1024)] = 64 * 1024
    texts_burst: Annotated[int, Field(ge=1)] = 10
    """Messages of conversations a connection may send at once …"""
    texts_per_second: Annotated[float, Field(gt=0)] = 2.0
    """… and then in the long run."""


MIN_AUDIT_DAYS = 180
"""Cybersecurity Law of the People's Republic of China, article 21 (3): network logs, six months at least."""
Days = Annotated[int, Field(ge=0, le=36_500)]


class RetentionSettings(Section):
    """Days each kind is kept after it was over; 0: for ever."""

    conversations: Days = 1_095
    """With messages, calls, ratings, confirmation forms and queue tickets."""
    files: Days = 1_095
    """Of conversations; the line that a file was sent stays as long as the conversation."""
    recordings: Days = 180
    assistant: Days = 365
    notices: Days = 730
    appointments: Days = 1_095
    inquiries: Days = 1_095
    work_orders: Days = 1_095
    mediations: Days = 3_650
    agent_status: Days = 365
    audit: Days = 1_095
    unattached_files_h: Annotated[int, Field(ge=0, le=8_760)] = 24
    """Hours; of files that were uploaded for a case and never attached to one."""
    hour: Annotated[int, Field(ge=0, le=23)] = 2
    """When the run of the night begins, by the clock of the service."""

    @model_validator(mode="after")
    def _law(self) -> Self:
        if 0 < self.audit < MIN_AUDIT_DAYS:
            raise ValueError(f"the audit log is kept {MIN_AUDIT_DAYS} days at least")
        return self


class Settings(BaseSettings):
    """Everything an operator can say."""

    model_config = SettingsConfigDict(
        env_prefix="RTC_",
        env_nested_delimiter="_",
        env_nested_max_split=1,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    demo: bool = False
    host: str | None = None
    """Where HTTP listens. None: 127.0.0.1 in demo mode, otherwise all IPv4 addresses."""
    port: Port = DEFAULT_PORT
    data: Path = Path(".data")
    direct_calls: bool | None = None
    """Whether a taxpayer may choose an agent from a list, without the queue. None: in demo mode."""
    public_url: Origin | None = None
    """How browsers reach us, when that is not what the ``Host`` header says."""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    cors_origins: Origins = ()
    """Sites that embed the window by its script tag."""
    frame_ancestors: Origins = ()
    """Sites that may show our own pages in a frame."""
    portal_origins: Origins = ()
    """Sites that may hand a signed-in member of staff over to our own pages (``POST /sign-in``)."""
    trusted_proxies: Networks = ()
    """Reverse proxies whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed."""
    issuers: tuple[TrustedIssuer, ...] = ()
    database_url: SecretStr | None = None
    """``postgresql://user:password@host/database``. None: SQLite in the data folder."""
    token_secret: SecretStr | None = None
    """Signs and checks the server's own tokens (``rtc-server token``). Made in demo mode."""
    metrics_token: SecretStr | None = None
    """Bearer token for ``/metrics`` from other addresses than loopback."""
    log_format: Literal["auto", "json", "console"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    drain_s: Annotated[float, Field(ge=0)] | None = None
    """How long a stop waits for running assistances and calls. None: 30, in demo mode 0."""
    client_dist: Path = REPOSITORY / "web_client" / "dist"
    media: MediaSettings = MediaSettings()
    turn: TurnSettings = TurnSettings()
    sessions: SessionTimes = SessionTimes()
    limits: Limits = Limits()
    journal: JournalSettings = JournalSettings()
    files: FileSettings = FileSettings()
    speech: SpeechSettings = SpeechSettings()
    retention: RetentionSettings = RetentionSettings()

    @field_validator("token_secret", "metrics_token")
    @classmethod
    def _secret_length(cls, value: SecretStr | None) -> SecretStr | None:
        return _long_enough(value)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key go together")
        if (self.turn.tls_cert is None) != (self.turn.tls_key is None):
            raise ValueError("turn.tls_cert and turn.tls_key go together")
        if self.turn.min_port >= self.turn.max_port:
            raise ValueError("turn.min_port must be below turn.max_port")
        names = [issuer.issuer for issuer in self.issuers]
        if len(set(names)) != len(names):
            raise ValueError("every issuer may be named once")
        prefixes = [issuer.person_prefix for issuer in self.issuers]
        if len(set(prefixes)) != len(prefixes):
            raise ValueError(
                "issuers need different person_prefix values, or their people could be mistaken for each other"
            )
        return self

    @property
    def listen_host(self) -> str:
        return self.host or ("127.0.0.1" if self.demo else "0.0.0.0")  # noqa: S104 - the operator's default

    @property
    def tls(self) -> bool:
        return self.tls_cert is not None

    @property
    def drain_deadline_s(self) -> float:
        return self.drain_s if self.drain_s is not None else (0.0 if self.demo else 30.0)

    @property
    def workers(self) -> int:
        return self.media.workers or len(os.sched_getaffinity(0))

    @property
    def media_ips(self) -> tuple[IPv4Address | IPv6Address, ...]:
        """What browsers are told, and what the relay may reach."""
        return self.media.advertised_ips or ((IPv4Address("127.0.0.1"),) if self.demo else ())

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = os.environ.get("RTC_CONFIG")
        toml = (TomlConfigSettingsSource(settings_cls, Path(file)),) if file else ()
        return (init_settings, env_settings, *toml)


def missing(settings: Settings) -> list[str]:
    """What an operator must still say before this can serve outside demo mode, in words."""
    if settings.demo:
        return []
    faults = []
    if not settings.issuers and settings.token_secret is None:
        faults.append(
            "no tokens can be checked: set `issuers` (host platforms) or RTC_TOKEN_SECRET (own tokens)"
        )
    if not settings.media.advertised_ips:
        faults.append("RTC_MEDIA_ADVERTISED_IPS: the address browsers reach the media ports at")
    if settings.cors_origins and settings.public_url is None:
        faults.append("RTC_PUBLIC_URL: our own origin, beside the origins of other sites in `cors_origins`")
    if settings.media.port_base == 0:
        faults.append("RTC_MEDIA_PORT_BASE: the first media port, to be opened in the firewall")
    if (settings.turn.start or settings.turn.urls) and settings.turn.secret is None:
        faults.append("RTC_TURN_SECRET: the secret shared with coturn (static-auth-secret)")
    return faults


def load(**flags: Any) -> Settings:
    """Settings with command-line flags (those that are not None) over everything else.

    Raises ``pydantic.ValidationError``, without any value in its text.
    """
    return Settings(**{name: value for name, value in flags.items() if value is not None})


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address: IPv4Address | IPv6Address = IPv4Address(host)
    except ValueError:
        try:
            address = IPv6Address(host)
        except ValueError:
            return False
    return address.is_loopback
