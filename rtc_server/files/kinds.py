"""Which files are taken: by the ending of the name, and what the content of each must look like."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

MAX_NAME_CHARS = 120
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
_DIRECTION = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They make ``cod.exe`` look like ``exe.doc`` (Unicode Technical Report 36 §2.4)."""


class Family(StrEnum):
    """How a content is checked."""

    PICTURE = "picture"
    PDF = "pdf"
    OLE = "ole"
    """Compound files of older office programs (MS-CFB)."""
    PACKAGE = "package"
    """Documents that are ZIP containers: OOXML, OFD."""
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class FileType:
    media_type: str
    family: Family
    must_hold: tuple[str, ...] = ()
    """Of a package: an entry that begins with each of these."""


@dataclass(frozen=True, slots=True)
class Good:
    """A file that may be kept. ``name`` may have got another ending; pictures know their size in pixels."""

    name: str
    media_type: str
    width: int | None = None
    height: int | None = None


def _ooxml(kind: str, folder: str) -> FileType:
    return FileType(
        f"application/vnd.openxmlformats-officedocument.{kind}",
        Family.PACKAGE,
        ("[Content_Types].xml", f"{folder}/"),
    )


TYPES: Mapping[str, FileType] = MappingProxyType(
    {
        "jpg": FileType("image/jpeg", Family.PICTURE),
        "jpeg": FileType("image/jpeg", Family.PICTURE),
        "png": FileType("image/png", Family.PICTURE),
        "gif": FileType("image/gif", Family.PICTURE),
        "webp": FileType("image/webp", Family.PICTURE),
        "bmp": FileType("image/bmp", Family.PICTURE),
        "pdf": FileType("application/pdf", Family.PDF),
        "doc": FileType("application/msword", Family.OLE),
        "xls": FileType("application/vnd.ms-excel", Family.OLE),
        "ppt": FileType("application/vnd.ms-powerpoint", Family.OLE),
        "docx": _ooxml("wordprocessingml.document", "word"),
        "xlsx": _ooxml("spreadsheetml.sheet", "xl"),
        "pptx": _ooxml("presentationml.presentation", "ppt"),
        "ofd": FileType("application/ofd", Family.PACKAGE, ("OFD.xml",)),
        "txt": FileType("text/plain", Family.TEXT),
        "csv": FileType("text/csv", Family.TEXT),
    }
)
"""The allow-list. OFD (GB/T 33190) is the format of electronic invoices."""


def ending(name: str) -> str:
    """Lower case, without the dot; empty when there is none."""
    head, dot, tail = name.rpartition(".")
    return tail.strip().lower() if dot and head else ""


def endings(name: str) -> frozenset[str]:
    """All of them: ``a.exe.txt`` is refused for the first one too."""
    return frozenset(part.strip().lower() for part in name.split(".")[1:])


def clean_name(name: str) -> str | None:
    """As it is kept and shown: one path component of printable characters; None when nothing is left of it."""
    text = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    text = "".join(
        letter
        for letter in text
        if letter not in _DIRECTION and unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co", "Cn")
    )
    text = _FORBIDDEN.sub("_", text).strip(" .")
    if not text:
        return None
    if len(text) <= MAX_NAME_CHARS:
        return text
    stem, _, tail = text.rpartition(".")
    return f"{stem[: MAX_NAME_CHARS - len(tail) - 1]}.{tail}" if stem and len(tail) <= 10 else None


def with_ending(name: str, new: str) -> str:
    return name if ending(name) == new else f"{name.rpartition('.')[0] or name}.{new}"
