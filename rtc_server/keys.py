"""Secrets of the server: from the settings, or, in demo mode only, made once and kept in the data folder."""

from __future__ import annotations

import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from rtc_server.config import Settings

SECRET_BYTES = 48


class KeyFileError(Exception):
    """A secret's file cannot be trusted or read; the text says what to do and holds no secret."""


@dataclass(frozen=True, slots=True)
class Keys:
    """``own_tokens`` None: no own tokens. ``relay`` None: no relay credentials. ``links`` signs links to files: links do
    not outlive the process where it is not derived from a secret of the settings."""

    own_tokens: str | None = field(repr=False)
    relay: str | None = field(repr=False)
    links: bytes = field(repr=False, default_factory=lambda: secrets.token_bytes(32))

    @property
    def streams(self) -> bytes:
        """Signs tokens of devices."""
        return hmac.digest(self.links, b"tokens of devices", "sha256")


def load_keys(settings: Settings) -> Keys:
    """Raises ``KeyFileError``."""
    demo_folder = settings.data / "secrets" if settings.demo else None
    own_tokens = _value(settings.token_secret, demo_folder, "token_secret")
    relay = _value(settings.turn.secret, demo_folder, "turn_secret")
    if own_tokens is None:
        return Keys(own_tokens, relay)
    return Keys(own_tokens, relay, hmac.digest(own_tokens.encode(), b"links to files", "sha256"))


def _value(setting: SecretStr | None, folder: Path | None, name: str) -> str | None:
    if setting is not None:
        return setting.get_secret_value()
    return None if folder is None else _kept(folder / name)


def _kept(path: Path) -> str:
    """The secret in ``path``, made on first use. Two servers that start at once get the same one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(SECRET_BYTES))
        try:
            os.link(draft, path)  # atomic, and fails where another was first
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    if path.stat().st_mode & 0o077:
        raise KeyFileError(f"{path} can be read by others: chmod 600 it, or delete it to have a new one made")
    value = path.read_text().strip()
    if len(value) < SECRET_BYTES:
        raise KeyFileError(f"{path} is damaged: delete it to have a new one made")
    return value
