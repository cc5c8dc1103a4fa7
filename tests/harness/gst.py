"""Runs ``gst_device.py`` beside the tests and reads what it says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SYSTEM_PYTHON = "/usr/bin/python3"
SCRIPT = Path(__file__).with_name("gst_device.py")


@dataclass
class GstDevice:
    """``said``: its lines by their first word."""

    process: asyncio.subprocess.Process
    said: dict[str, list[str]] = field(default_factory=dict)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def heard(self, word: str) -> list[str]:
        return self.said.get(word, [])

    async def until(self, condition: Callable[[], bool], within: float = 30) -> None:
        try:
            async with asyncio.timeout(within):
                while not condition():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise TimeoutError(
                f"said { ({word: lines[-5:] for word, lines in self.said.items()}) }"
            ) from None

    async def read(self) -> None:
        assert self.process.stdout is not None
        async for raw in self.process.stdout:
            word, _, rest = raw.decode(errors="replace").strip().partition(" ")
            self.said.setdefault(word, []).append(rest)
            self._news.set()

    async def finish(self) -> None:
        """It deletes its session and ends."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        await asyncio.wait_for(self.process.wait(), 15)


@asynccontextmanager
async def gst_device(mode: str, codec: str, link: dict[str, str], folder: Path) -> AsyncIterator[GstDevice]:
    """``mode``: ``publish`` or ``view``; ``codec``: VP8 or H264; its certificate is kept in ``folder``."""
    certificate = folder / "device.pem"
    certificate.write_text(_certificate())
    process = await asyncio.create_subprocess_exec(
        SYSTEM_PYTHON,
        str(SCRIPT),
        mode,
        codec,
        link["url"],
        link["token"],
        str(certificate),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "GST_REGISTRY_FORK": "no"},
    )
    device = GstDevice(process)
    reader = asyncio.create_task(device.read())
    try:
        yield device
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await reader


def _certificate() -> str:
    """An ECDSA key and its certificate, as browsers make them (RFC 8827 section 6.5)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "device")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return (
        made.public_bytes(serialization.Encoding.PEM) + private
    ).decode()  # GStreamer reads them in this order
