from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from rtc_server.config import load
from rtc_server.keys import KeyFileError, load_keys


def test_demo_secrets_are_made_once_and_for_us_alone(tmp_path: Path) -> None:
    settings = load(demo=True, data=tmp_path / "data")
    first = load_keys(settings)
    assert first.own_tokens
    assert first.relay
    assert first.own_tokens != first.relay
    assert load_keys(settings) == first
    for file in (tmp_path / "data" / "secrets").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_outside_demo_mode_nothing_is_invented(tmp_path: Path) -> None:
    keys = load_keys(load(data=tmp_path / "data"))
    assert keys.own_tokens is None
    assert keys.relay is None
    assert not (tmp_path / "data").exists()


def test_a_secret_others_can_read_is_refused(tmp_path: Path) -> None:
    settings = load(demo=True, data=tmp_path)
    load_keys(settings)
    os.chmod(tmp_path / "secrets" / "turn_secret", 0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        load_keys(settings)


def test_a_damaged_secret_is_refused(tmp_path: Path) -> None:
    settings = load(demo=True, data=tmp_path)
    load_keys(settings)
    (tmp_path / "secrets" / "token_secret").write_text("")
    with pytest.raises(KeyFileError, match="damaged"):
        load_keys(settings)


def test_keys_do_not_print_themselves(tmp_path: Path) -> None:
    keys = load_keys(load(demo=True, data=tmp_path))
    assert keys.own_tokens
    assert keys.own_tokens not in repr(keys)
