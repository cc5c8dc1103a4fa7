from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import jwt
import pytest
import pytest_asyncio
import structlog
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from rtc_server.config import Algorithm, TrustedIssuer
from rtc_server.identity.directory import KnownAgents, NotingAuthenticator
from rtc_server.identity.jwks import JwksTiming
from rtc_server.identity.tokens import TokenAuthenticator, printable_key_id
from rtc_server.logs import configure
from signaling.errors import ErrorCode, IdentityError
from signaling.sessions.states import Role

SECRET = "shared by the host platform and us, for tests"
ISSUER = "https://etax.example"
AUDIENCE = "rtc-server"

Refusal = Callable[[str], Awaitable[ErrorCode]]


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    base = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "p-1",
        "role": "taxpayer",
        "name": "张三",
        "iat": now,
        "exp": now + 600,
        "region": "广东",
    }
    return {name: value for name, value in (base | changes).items() if value is not None}


def signed(secret: str = SECRET, key_id: str | None = "k1", **changes: Any) -> str:
    headers = {"kid": key_id} if key_id else None
    return jwt.encode(claims(**changes), secret, algorithm="HS256", headers=headers)


def issuer(**changes: Any) -> TrustedIssuer:
    base = {"issuer": ISSUER, "algorithm": "HS256", "secret": SECRET, "roles": list(Role)}
    return TrustedIssuer.model_validate(base | changes)


@pytest_asyncio.fixture
async def hs256() -> AsyncIterator[TokenAuthenticator]:
    authenticator = TokenAuthenticator([issuer()])
    yield authenticator
    await authenticator.close()


async def refusal(authenticator: TokenAuthenticator, token: str) -> ErrorCode:
    with pytest.raises(IdentityError) as caught:
        await authenticator.authenticate(token)
    assert caught.value.__cause__ is None, "a traceback must not carry what the library said of the token"
    return caught.value.code


async def test_a_good_token_becomes_a_masked_person(hs256: TokenAuthenticator) -> None:
    person = await hs256.authenticate(signed())
    assert person.person_id == "p-1"
    assert person.role is Role.TAXPAYER
    assert person.display_name == "张*"
    assert person.region == "广东"
    assert person.expires_at > time.time()


async def test_an_agent_is_shown_by_number(hs256: TokenAuthenticator) -> None:
    person = await hs256.authenticate(
        signed(sub="agent", role="agent", name="陈志强", authority="某某税务局", staff_number="101")
    )
    assert person.display_name == "101"
    assert person.authority == "某某税务局"


@pytest.mark.parametrize("missing", ["sub", "role", "name", "exp", "aud"])
async def test_required_claims(hs256: TokenAuthenticator, missing: str) -> None:
    assert await refusal(hs256, signed(**{missing: None})) in {
        ErrorCode.TOKEN_INVALID,
        ErrorCode.TOKEN_FOREIGN,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"role": "king"},
        {"role": 1},
        {"name": ""},
        {"name": "a\nb"},
        {"name": "x" * 101},
        {"sub": "has space"},
        {"sub": "x" * 65},
        {"sub": ""},
        {"sub": 5},
        {"exp": "soon"},
        {"iat": int(time.time()) + 3600},
        {"nbf": int(time.time()) + 3600},
        {"exp": int(time.time()) + 13 * 3600},
        {"iat": None, "exp": int(time.time()) + 13 * 3600},
        {"role": "agent", "authority": "某某税务局"},
        {"role": "agent", "staff_number": "101"},
        {"role": "agent", "authority": "某某税务局", "staff_number": "王"},
    ],
)
async def test_claims_out_of_bounds(hs256: TokenAuthenticator, changes: dict[str, Any]) -> None:
    assert await refusal(hs256, signed(**changes)) is ErrorCode.TOKEN_INVALID


async def test_stable_codes(hs256: TokenAuthenticator) -> None:
    now = int(time.time())
    assert await refusal(hs256, "") is ErrorCode.TOKEN_MISSING
    assert await refusal(hs256, "not a token") is ErrorCode.TOKEN_INVALID
    assert await refusal(hs256, "a.b.c") is ErrorCode.TOKEN_INVALID
    assert await refusal(hs256, signed() + "x" * 5000) is ErrorCode.TOKEN_INVALID
    assert (
        await refusal(hs256, signed(secret="another secret that is long enough!!")) is ErrorCode.TOKEN_INVALID
    )
    assert await refusal(hs256, signed(iat=now - 600, exp=now - 60)) is ErrorCode.TOKEN_EXPIRED
    assert await refusal(hs256, signed(iss="https://elsewhere.example")) is ErrorCode.TOKEN_FOREIGN
    assert await refusal(hs256, signed(aud="another-system")) is ErrorCode.TOKEN_FOREIGN
    assert await refusal(hs256, signed(iss=None)) is ErrorCode.TOKEN_INVALID


async def test_a_clock_slightly_off_is_forgiven(hs256: TokenAuthenticator) -> None:
    now = int(time.time())
    await hs256.authenticate(signed(exp=now - 5, iat=now - 600))
    await hs256.authenticate(signed(iat=now + 5))


async def test_times_may_have_a_fraction(hs256: TokenAuthenticator) -> None:
    now = time.time()
    person = await hs256.authenticate(signed(iat=now - 0.5, exp=now + 60.75))
    assert person.expires_at == int(now + 60.75)


async def test_a_changed_payload_is_refused(hs256: TokenAuthenticator) -> None:
    header, _, signature = signed().split(".")
    forged = base64.urlsafe_b64encode(json.dumps(claims(role="administrator")).encode()).rstrip(b"=").decode()
    assert await refusal(hs256, f"{header}.{forged}.{signature}") is ErrorCode.TOKEN_INVALID


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "HS384", "HS512"])
async def test_only_the_pinned_algorithm(hs256: TokenAuthenticator, algorithm: str) -> None:
    header = base64.urlsafe_b64encode(json.dumps({"alg": algorithm}).encode()).rstrip(b"=").decode()
    body = signed().split(".")[1]
    signature = "" if algorithm.lower() == "none" else signed().split(".")[2]
    assert await refusal(hs256, f"{header}.{body}.{signature}") is ErrorCode.TOKEN_INVALID


async def test_an_issuer_asserts_only_its_roles() -> None:
    authenticator = TokenAuthenticator([issuer(roles=["taxpayer"])])
    await authenticator.authenticate(signed())
    agent = signed(role="agent", authority="某某税务局", staff_number="101")
    assert await refusal(authenticator, agent) is ErrorCode.TOKEN_INVALID


async def test_people_of_two_issuers_are_apart() -> None:
    other = issuer(
        issuer="https://b.example", person_prefix="b.", secret="the other platform's own long secret"
    )
    authenticator = TokenAuthenticator([issuer(), other])
    mine = await authenticator.authenticate(signed())
    theirs = await authenticator.authenticate(
        signed(secret="the other platform's own long secret", iss="https://b.example")
    )
    assert mine.person_id == "p-1"
    assert theirs.person_id == "b.p-1"
    crossed = signed(secret="the other platform's own long secret")
    assert await refusal(authenticator, crossed) is ErrorCode.TOKEN_INVALID


async def test_agents_who_signed_in_are_in_the_directory(hs256: TokenAuthenticator) -> None:
    known = KnownAgents()
    noting = NotingAuthenticator(hs256, known)
    await noting.authenticate(signed())
    assert await known.agents() == []
    await noting.authenticate(signed(sub="a1", role="agent", authority="某某税务局", staff_number="101"))
    (entry,) = await known.agents()
    assert (entry.person_id, entry.staff_number, entry.authority) == ("a1", "101", "某某税务局")


# What reaches a log


@pytest.fixture
def log_text() -> Iterator[io.StringIO]:
    import logging

    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure("json", "debug", stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


async def test_a_log_holds_the_key_id_and_nothing_else(
    hs256: TokenAuthenticator, log_text: io.StringIO
) -> None:
    now = int(time.time())
    tokens = [
        signed(secret="another secret that is long enough!!", name="张三丰"),
        signed(iat=now - 600, exp=now - 60, name="张三丰", phone="13412343624"),
        signed(iss="https://elsewhere.example", sub="somebody-known"),
        signed(role="king", sub="somebody-known"),
    ]
    for token in tokens:
        with pytest.raises(IdentityError):
            await hs256.authenticate(token)
    text = log_text.getvalue()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["key_id"] for line in lines] == ["k1"] * len(tokens)
    assert {line["code"] for line in lines} == {"token_invalid", "token_expired", "token_foreign"}
    assert all(set(line) == {"event", "level", "logger", "timestamp", "code", "key_id"} for line in lines)
    for token in tokens:
        assert not any(part in text for part in token.split("."))
    for private in ("张", "13412343624", "somebody-known", "elsewhere", "king"):
        assert private not in text


def test_a_strange_key_id_is_not_printed() -> None:
    assert printable_key_id("2026-11.a_b") == "2026-11.a_b"
    for strange in ("a b", "张三", "x" * 65, "a\nb", 5, {"a": 1}):
        assert printable_key_id(strange) == "unprintable"
    assert printable_key_id(None) is None


# Public keys of an issuer


class Platform:
    """A host platform with a real JWKS endpoint."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = []
        self.asked = 0
        self.answer: Callable[[], web.StreamResponse] | None = None
        app = web.Application()
        app.router.add_get("/jwks", self._jwks)
        app.router.add_get("/elsewhere", self._jwks)
        self.server = TestServer(app)

    async def _jwks(self, _request: web.Request) -> web.StreamResponse:
        self.asked += 1
        return self.answer() if self.answer else web.json_response({"keys": self.keys})

    def publish(self, key: Any, key_id: str | None, **extra: Any) -> None:
        algorithm = jwt.get_algorithm_by_name(ALGORITHM_OF[type(key).__name__])
        jwk = json.loads(algorithm.to_jwk(key.public_key()))
        self.keys.append(jwk | ({"kid": key_id} if key_id else {}) | extra)

    @property
    def url(self) -> str:
        return str(self.server.make_url("/jwks"))


ALGORITHM_OF = {"RSAPrivateKey": "RS256", "ECPrivateKey": "ES256", "Ed25519PrivateKey": "EdDSA"}


def new_key(algorithm: str) -> Any:
    if algorithm == "RS256":
        return rsa.generate_private_key(65537, 2048)
    return (
        ec.generate_private_key(ec.SECP256R1())
        if algorithm == "ES256"
        else ed25519.Ed25519PrivateKey.generate()
    )


def signed_with(key: Any, key_id: str | None, algorithm: str, **changes: Any) -> str:
    return jwt.encode(
        claims(**changes), key, algorithm=algorithm, headers={"kid": key_id} if key_id else None
    )


class ManualClock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest_asyncio.fixture
async def platform() -> AsyncIterator[Platform]:
    platform = Platform()
    await platform.server.start_server()
    yield platform
    await platform.server.close()


Open = Callable[..., TokenAuthenticator]


@pytest_asyncio.fixture
async def with_jwks(platform: Platform) -> AsyncIterator[Open]:
    opened: list[TokenAuthenticator] = []

    def open_it(
        algorithm: str = "ES256", clock: ManualClock | None = None, timeout: float = 5
    ) -> TokenAuthenticator:
        trusted = TrustedIssuer.model_validate(
            {"issuer": ISSUER, "algorithm": algorithm, "jwks_url": platform.url, "roles": list(Role)}
        )
        authenticator = TokenAuthenticator([trusted], jwks_timing=JwksTiming(timeout=timeout))
        if clock is not None:
            jwks = authenticator._issuers[ISSUER].jwks
            assert jwks is not None
            jwks._clock = clock
        opened.append(authenticator)
        return authenticator

    yield open_it
    for authenticator in opened:
        await authenticator.close()


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_public_key_algorithms(platform: Platform, with_jwks: Open, algorithm: str) -> None:
    key = new_key(algorithm)
    platform.publish(key, "k1", use="sig")
    authenticator = with_jwks(algorithm)
    assert (await authenticator.authenticate(signed_with(key, "k1", algorithm))).person_id == "p-1"
    stranger = new_key(algorithm)
    assert await refusal(authenticator, signed_with(stranger, "k1", algorithm)) is ErrorCode.TOKEN_INVALID
    assert platform.asked == 1


async def test_a_public_key_is_never_an_hmac_secret(platform: Platform, with_jwks: Open) -> None:
    """The classic confusion: HS256 keyed with the PEM everybody can read (RFC 8725 §2.1)."""
    key = new_key("RS256")
    platform.publish(key, "k1")
    pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )

    def part(value: dict[str, Any]) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    signing_input = part({"alg": "HS256", "kid": "k1"}) + b"." + part(claims())
    signature = hmac.new(pem, signing_input, hashlib.sha256).digest()
    token = (signing_input + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()
    assert await refusal(with_jwks("RS256"), token) is ErrorCode.TOKEN_INVALID


async def test_keys_rotate(platform: Platform, with_jwks: Open) -> None:
    clock = ManualClock()
    old, new = new_key("ES256"), new_key("ES256")
    platform.publish(old, "old")
    authenticator = with_jwks(clock=clock)
    await authenticator.authenticate(signed_with(old, "old", "ES256"))

    platform.keys.clear()
    platform.publish(new, "new")
    assert await refusal(authenticator, signed_with(new, "new", "ES256")) is ErrorCode.TOKEN_INVALID
    assert platform.asked == 1, "within the cooldown"
    clock.now += 31
    await authenticator.authenticate(signed_with(new, "new", "ES256"))
    assert platform.asked == 2
    assert await refusal(authenticator, signed_with(old, "old", "ES256")) is ErrorCode.TOKEN_INVALID


async def test_invented_key_ids_do_not_hammer_the_issuer(platform: Platform, with_jwks: Open) -> None:
    key = new_key("ES256")
    platform.publish(key, "k1")
    authenticator = with_jwks(clock=ManualClock())
    for number in range(20):
        assert (
            await refusal(authenticator, signed_with(key, f"x{number}", "ES256")) is ErrorCode.TOKEN_INVALID
        )
    assert platform.asked == 1


async def test_an_issuer_that_is_down_keeps_its_keys_a_day(platform: Platform, with_jwks: Open) -> None:
    clock = ManualClock()
    key = new_key("ES256")
    platform.publish(key, "k1")
    authenticator = with_jwks(clock=clock)
    await authenticator.authenticate(signed_with(key, "k1", "ES256"))
    platform.answer = lambda: web.Response(status=503)
    clock.now += 3600
    await authenticator.authenticate(signed_with(key, "k1", "ES256"))
    clock.now += 24 * 3600
    assert await refusal(authenticator, signed_with(key, "k1", "ES256")) is ErrorCode.INTERNAL_ERROR


@pytest.mark.parametrize(
    "answer",
    [
        lambda: web.Response(status=404),
        lambda: web.Response(text="<html>"),
        lambda: web.json_response([]),
        lambda: web.json_response({"keys": "none"}),
        lambda: web.Response(text='{"keys": [' + " " * 300_000 + "]}"),
        lambda: web.Response(status=302, headers={"Location": "/elsewhere"}),
    ],
)
async def test_a_bad_key_set_is_no_key_set(
    platform: Platform, with_jwks: Open, answer: Callable[[], web.StreamResponse]
) -> None:
    platform.answer = answer
    key = new_key("ES256")
    assert await refusal(with_jwks(), signed_with(key, "k1", "ES256")) is ErrorCode.INTERNAL_ERROR


async def test_an_issuer_that_does_not_answer_is_given_up(platform: Platform, with_jwks: Open) -> None:
    async def hang(_request: web.Request) -> web.StreamResponse:
        await web_wait.wait()
        return web.Response()

    import asyncio

    web_wait = asyncio.Event()
    app = web.Application()
    app.router.add_get("/jwks", hang)
    slow = TestServer(app)
    await slow.start_server()
    trusted = TrustedIssuer.model_validate(
        {"issuer": ISSUER, "algorithm": "ES256", "jwks_url": str(slow.make_url("/jwks"))}
    )
    authenticator = TokenAuthenticator([trusted], jwks_timing=JwksTiming(timeout=0.2))
    try:
        token = signed_with(new_key("ES256"), "k1", "ES256")
        assert await refusal(authenticator, token) is ErrorCode.INTERNAL_ERROR
    finally:
        web_wait.set()
        await authenticator.close()
        await slow.close()


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
async def test_unusable_keys_of_a_set_are_passed_over(platform: Platform, with_jwks: Open) -> None:
    good, for_encryption = new_key("RS256"), new_key("RS256")
    weak = rsa.generate_private_key(65537, 1024)
    platform.publish(for_encryption, "enc", use="enc")
    platform.publish(weak, "weak")
    platform.publish(new_key("ES256"), "other-kind")
    platform.keys.append({"kty": "oct", "kid": "secret", "k": "c2VjcmV0"})
    platform.keys.append({"kty": "RSA", "kid": "broken"})
    platform.publish(good, "good")
    authenticator = with_jwks("RS256")
    await authenticator.authenticate(signed_with(good, "good", "RS256"))
    for key, key_id in ((for_encryption, "enc"), (weak, "weak")):
        assert await refusal(authenticator, signed_with(key, key_id, "RS256")) is ErrorCode.TOKEN_INVALID


async def test_without_a_key_id_the_only_key_is_taken(platform: Platform, with_jwks: Open) -> None:
    key = new_key("ES256")
    platform.publish(key, None)
    authenticator = with_jwks()
    await authenticator.authenticate(signed_with(key, None, "ES256"))


async def test_many_at_once_ask_the_issuer_once(platform: Platform, with_jwks: Open) -> None:
    import asyncio

    key = new_key("ES256")
    platform.publish(key, "k1")
    authenticator = with_jwks()
    token = signed_with(key, "k1", "ES256")
    await asyncio.gather(*(authenticator.authenticate(token) for _ in range(20)))
    assert platform.asked == 1


def test_every_algorithm_is_tested() -> None:
    assert set(ALGORITHM_OF.values()) | {"HS256"} == {algorithm.value for algorithm in Algorithm}
