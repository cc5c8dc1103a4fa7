"""Whether the content of a file is what its name says, and harmless as far as that can be seen. Without I/O but the file."""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import puremagic
from PIL import Image, ImageOps

from rtc_server.files.kinds import Family, FileType, Good, with_ending
from signaling.errors import BadInput, ErrorCode

_HEAD_BYTES = 8192
_MAX_ENTRIES = 5_000
_MAX_UNPACKED = 400 * 1024 * 1024
_MAX_RATIO = 200
_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MACROS = ("_VBA_PROJECT".encode("utf-16-le"), "\x01Ole10Native".encode("utf-16-le"))
_MARKUP = re.compile(rb"<\s*(!doctype\s+html|html|head|body|script|svg|iframe|object|embed)\b", re.IGNORECASE)
_ACTIVE_ENTRIES = re.compile(
    r"(vbaproject\.bin|\.(exe|dll|com|scr|bat|cmd|ps1|vbs|js|jar|hta|msi|lnk|sh|zip|rar|7z|gz)$|(^|/)\.\.(/|$)|^/)",
    re.IGNORECASE,
)
_DANGEROUS = frozenset(
    [
        *("exe", "dll", "com", "scr", "sys", "msi", "cab", "elf", "so", "class", "jar", "apk", "dex", "lnk"),
        *("zip", "rar", "7z", "gz", "tgz", "bz2", "xz", "tar", "iso", "zst", "lz", "arj", "ace"),
        *("html", "htm", "svg", "swf", "hta", "sh", "bat", "ps1"),
    ]
)
"""What a text must not turn out to be, as ``puremagic`` names it."""
_PICTURES: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "JPEG": ("JPEG", "jpg", "image/jpeg"),
        "PNG": ("PNG", "png", "image/png"),
        "GIF": ("PNG", "png", "image/png"),
        "BMP": ("PNG", "png", "image/png"),
        "WEBP": ("WEBP", "webp", "image/webp"),
    }
)
"""What comes in: what it is written anew as, its ending, its media type. Of a moving picture the first frame is kept."""


def inspect(path: Path, name: str, kind: FileType, max_pixels: int) -> Good:
    """A picture is written anew in place, without anything that was hidden in it. Takes as long as decoding takes.

    Raises ``BadInput`` with ``file_type_refused`` or ``file_damaged``.
    """
    if kind.family is Family.PICTURE:
        return _picture(path, name, max_pixels)
    _CHECKS[kind.family](path, kind)
    return Good(name, kind.media_type)


def _picture(path: Path, name: str, max_pixels: int) -> Good:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=list(_PICTURES)) as source:
                if source.width * source.height > max_pixels or source.format is None:
                    raise BadInput(ErrorCode.FILE_DAMAGED)
                target, ending, media_type = _PICTURES[source.format]
                upright = ImageOps.exif_transpose(source)
                clean = _plain(upright, target)
        draft = path.with_name(f"{path.name}.new")
        options = {"JPEG": {"quality": 88, "optimize": True}, "WEBP": {"quality": 88}}.get(target, {})
        clean.save(draft, target, **options)
    except BadInput:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError) as error:
        raise BadInput(ErrorCode.FILE_DAMAGED) from error
    except Warning as error:
        raise BadInput(ErrorCode.FILE_DAMAGED) from error
    draft.replace(path)
    return Good(with_ending(name, ending), media_type, clean.width, clean.height)


def _plain(picture: Image.Image, target: str) -> Image.Image:
    """The pixels alone: no EXIF, no comments, no colour profile, no palette."""
    has_alpha = picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
    mode = "RGBA" if has_alpha and target != "JPEG" else "RGB"
    converted = picture.convert(mode)
    clean = Image.new(mode, converted.size)
    clean.paste(converted)
    return clean


def _pdf(path: Path, _: FileType) -> None:
    if not _head(path).startswith(b"%PDF-"):
        raise BadInput(ErrorCode.FILE_DAMAGED)


def _ole(path: Path, _: FileType) -> None:
    content = path.read_bytes()
    if not content.startswith(_OLE_MAGIC):
        raise BadInput(ErrorCode.FILE_DAMAGED)
    if any(mark in content for mark in _MACROS):
        raise BadInput(ErrorCode.FILE_TYPE_REFUSED)


def _package(path: Path, kind: FileType) -> None:
    try:
        with zipfile.ZipFile(path) as package:
            entries = package.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, UnicodeDecodeError) as error:
        raise BadInput(ErrorCode.FILE_DAMAGED) from error
    names = [entry.filename for entry in entries]
    if not all(any(name.startswith(wanted) for name in names) for wanted in kind.must_hold):
        raise BadInput(ErrorCode.FILE_TYPE_REFUSED)
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    bomb = unpacked > _MAX_UNPACKED or (unpacked > 1 << 20 and unpacked > packed * _MAX_RATIO)
    if len(entries) > _MAX_ENTRIES or bomb or any(entry.flag_bits & 0x1 for entry in entries):
        raise BadInput(ErrorCode.FILE_DAMAGED)
    if any(_ACTIVE_ENTRIES.search(name) for name in names):
        raise BadInput(ErrorCode.FILE_TYPE_REFUSED)
    if not _head(path).startswith(b"PK\x03\x04"):
        raise BadInput(ErrorCode.FILE_DAMAGED)


def _text(path: Path, _: FileType) -> None:
    content = path.read_bytes()
    head = content[:_HEAD_BYTES]
    if head.startswith((b"#!", b"MZ", b"\x7fELF", b"PK\x03\x04")) or _MARKUP.search(content):
        raise BadInput(ErrorCode.FILE_TYPE_REFUSED)
    if _detected(head) & _DANGEROUS:
        raise BadInput(ErrorCode.FILE_TYPE_REFUSED)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text and not _MARKUP.search(text.encode()):
            return
    raise BadInput(ErrorCode.FILE_TYPE_REFUSED)


def _detected(head: bytes) -> set[str]:
    """Endings ``puremagic`` finds likely by magic numbers of three bytes and more."""
    if not head:
        return set()
    try:
        matches = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return set()
    return {match.extension.lstrip(".").lower() for match in matches if len(match.byte_match) >= 3}


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES)


_CHECKS: Mapping[Family, Callable[[Path, FileType], None]] = MappingProxyType(
    {Family.PDF: _pdf, Family.OLE: _ole, Family.PACKAGE: _package, Family.TEXT: _text}
)
