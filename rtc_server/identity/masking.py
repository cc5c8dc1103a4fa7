"""How a person's data is shown to whoever need not see it (H8)."""

from __future__ import annotations

import re

_ORGANISATION = re.compile(r"(公司|企业|集团|合作社|事务所|商行|商店|工厂|厂|店|中心|院|校|银行|部|社)$")
_LEGAL_FORM = re.compile(r"(股份有限公司|有限责任公司|有限公司|公司|集团|合作社|事务所|合伙企业|企业)$")
_PLACE = re.compile(r"^(.{2,8}?[市县区州])")
_MOBILE = re.compile(r"^(?:\+?86)?(1\d{10})$")
_COMPOUND_SURNAMES = frozenset(
    [
        "欧阳",
        "司马",
        "上官",
        "诸葛",
        "东方",
        "皇甫",
        "尉迟",
        "公孙",
        "慕容",
        "令狐",
        "司徒",
        "端木",
        "夏侯",
        "长孙",
        "宇文",
    ]
)
_SHORT_NAME = 4
_HIDDEN = "*****"


def mask_name(name: str) -> str:
    """张三 → 张*, 欧阳修 → 欧阳*, 中山市某某贸易有限公司 → 中山市*****有限公司; anything else keeps its first letter.

    The number of stars does not tell the length.
    """
    text = name.strip()
    if not text:
        return "*"
    if len(text) > _SHORT_NAME and _ORGANISATION.search(text):
        return _mask_organisation(text)
    surname = text[:2] if text[:2] in _COMPOUND_SURNAMES and len(text) > 2 else text[:1]
    return f"{surname}*"


def _mask_organisation(text: str) -> str:
    form = _LEGAL_FORM.search(text)
    tail = form.group(1) if form else ""
    body = text[: len(text) - len(tail)]
    place = _PLACE.match(body)
    head = place.group(1) if place and len(place.group(1)) < len(body) else body[:1]
    return f"{head}{_HIDDEN}{tail}"


def is_masked_organisation(name: str) -> bool:
    """Whether ``mask_name`` took the name it made this of for that of an organisation."""
    return _HIDDEN in name


def mask_phone(phone: str) -> str:
    """13412343624 → 134****3624; anything that is not a mobile number is hidden whole."""
    compact = re.sub(r"[\s-]", "", phone)
    mobile = _MOBILE.match(compact)
    if not mobile:
        return "***"
    digits = mobile.group(1)
    return f"{digits[:3]}****{digits[-4:]}"
