from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest
from pydantic import ValidationError

from rtc_server.config import Algorithm, Settings, load, missing

LONG = "0123456789abcdef0123456789abcdef"


def test_demo_mode_listens_on_loopback_unless_told_otherwise() -> None:
    assert load(demo=True).listen_host == "127.0.0.1"
    assert load(demo=True, host="0.0.0.0").listen_host == "0.0.0.0"
    assert load(demo=False).listen_host == "0.0.0.0"


def test_demo_mode_needs_nothing_more() -> None:
    assert missing(load(demo=True)) == []


def test_an_operator_is_told_everything_that_is_missing() -> None:
    text = "\n".join(missing(load(turn={"start": True}, cors_origins=["https://a.example"])))
    for name in (
        "issuers",
        "RTC_TOKEN_SECRET",
        "RTC_MEDIA_ADVERTISED_IPS",
        "RTC_MEDIA_PORT_BASE",
        "RTC_TURN_SECRET",
        "RTC_PUBLIC_URL",
    ):
        assert name in text


def test_sections_and_lists_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RTC_TURN_START", "false")
    monkeypatch.setenv("RTC_TURN_TLS_PORT", "0")
    monkeypatch.setenv("RTC_MEDIA_ADVERTISED_IPS", "192.0.2.1, 2001:db8::1")
    monkeypatch.setenv("RTC_CORS_ORIGINS", '["https://Etax.example.gov.cn/"]')
    monkeypatch.setenv("RTC_SESSIONS_RING_TIMEOUT_S", "2.5")
    monkeypatch.setenv("RTC_TLS_CERT", "cert.pem")
    monkeypatch.setenv("RTC_TLS_KEY", "key.pem")
    settings = load()
    assert settings.turn.start is False
    assert settings.turn.tls_port == 0
    assert settings.media.advertised_ips == (ip_address("192.0.2.1"), ip_address("2001:db8::1"))
    assert settings.cors_origins == ("https://etax.example.gov.cn",)
    assert settings.sessions.ring_timeout_s == 2.5
    assert settings.tls


def test_flags_win_over_environment_over_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "server.toml"
    file.write_text('port = 1\nlog_level = "error"\ndata = "from-file"\n[turn]\nrealm = "file"\n')
    monkeypatch.setenv("RTC_CONFIG", str(file))
    monkeypatch.setenv("RTC_PORT", "2")
    monkeypatch.setenv("RTC_DATA", "from-environment")
    settings = load(port=3, data=None)
    assert (settings.port, settings.data, settings.log_level) == (3, Path("from-environment"), "error")
    assert settings.turn.realm == "file"


def test_issuers_come_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "server.toml"
    file.write_text(
        '[[issuers]]\nissuer = "etax"\nalgorithm = "ES256"\njwks_url = "https://etax.example.gov.cn/jwks"\n'
    )
    monkeypatch.setenv("RTC_CONFIG", str(file))
    assert load().issuers[0].algorithm is Algorithm.ES256


@pytest.mark.parametrize(
    "issuer",
    [
        {"issuer": "a", "algorithm": "HS256", "secret": "short"},
        {"issuer": "a", "algorithm": "HS256"},
        {"issuer": "a", "algorithm": "HS256", "secret": LONG, "jwks_url": "https://a/jwks"},
        {"issuer": "a", "algorithm": "RS256", "secret": LONG},
        {"issuer": "a", "algorithm": "RS256", "jwks_url": "http://a.example/jwks"},
        {"issuer": "a", "algorithm": "none", "secret": LONG},
        {"issuer": "a", "algorithm": "HS256", "secret": LONG, "role": "agent"},
    ],
)
def test_a_weak_or_contradictory_issuer_is_refused(issuer: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Settings(issuers=(issuer,))  # type: ignore[arg-type]


def test_two_issuers_cannot_share_people() -> None:
    one = {"issuer": "a", "algorithm": "HS256", "secret": LONG}
    with pytest.raises(ValidationError, match="person_prefix"):
        Settings(issuers=(one, one | {"issuer": "b"}))  # type: ignore[arg-type]
    Settings(issuers=(one, one | {"issuer": "b", "person_prefix": "b."}))  # type: ignore[arg-type]


def test_a_refused_secret_is_not_in_the_message() -> None:
    with pytest.raises(ValidationError) as caught:
        load(token_secret="too-short-secret")
    assert "too-short-secret" not in str(caught.value)


def test_secrets_are_not_in_the_representation() -> None:
    assert LONG not in repr(load(token_secret=LONG, turn={"secret": LONG}))


@pytest.mark.parametrize("origin", ["etax.example.gov.cn", "https://a/path", "*", "ftp://a"])
def test_an_origin_is_an_origin(origin: str) -> None:
    with pytest.raises(ValidationError):
        load(cors_origins=[origin])
