"""Where a redirect may go."""

from __future__ import annotations

from urllib.parse import urlsplit


def local_path(target: str) -> str | None:
    """``target`` when it is a path on this server, else None: no redirect leaves it (CWE-601).

    A browser reads ``//host``, ``/\\host`` and control characters inside as other sites, so these are refused.
    """
    if not target.startswith("/") or target.startswith(("//", "/\\")) or "\\" in target:
        return None
    if any(ord(letter) < 0x20 or ord(letter) == 0x7F for letter in target):
        return None
    parts = urlsplit(target)
    return target if not parts.scheme and not parts.netloc else None
