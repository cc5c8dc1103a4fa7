"""Tax authorities (税务机关) as a tree: province, city, county.

Region codes follow GB/T 2260 (codes for the administrative divisions of China): six digits, two for the province, two for
the city, two for the county; what is not needed is 00.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

_CODE_DIGITS = 6


class AuthorityLevel(StrEnum):
    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"


@dataclass(frozen=True, slots=True)
class Authority:
    """``code`` is the region code; ``parent`` the code of the authority above, None for a province."""

    code: str
    name: str
    short_name: str
    parent: str | None = None

    def __post_init__(self) -> None:
        if not is_region_code(self.code):
            raise ValueError(f"not a region code: {self.code!r}")

    @property
    def level(self) -> AuthorityLevel:
        return level_of(self.code)


def is_region_code(code: str) -> bool:
    """Six ASCII digits with a province, and no county without a city."""
    if len(code) != _CODE_DIGITS or not (code.isascii() and code.isdigit()) or code.startswith("00"):
        return False
    return code[2:4] != "00" or code[4:6] == "00"


def level_of(code: str) -> AuthorityLevel:
    if code.endswith("0000"):
        return AuthorityLevel.PROVINCE
    return AuthorityLevel.CITY if code.endswith("00") else AuthorityLevel.COUNTY


def parent_code(code: str) -> str | None:
    """The region above by the code alone."""
    match level_of(code):
        case AuthorityLevel.PROVINCE:
            return None
        case AuthorityLevel.CITY:
            return f"{code[:2]}0000"
        case AuthorityLevel.COUNTY:
            return f"{code[:4]}00"


class AuthorityTree:
    """Raises ValueError for a code given twice, an unknown parent or a circle."""

    def __init__(self, authorities: Iterable[Authority]) -> None:
        self._by_code: dict[str, Authority] = {}
        for authority in authorities:
            if authority.code in self._by_code:
                raise ValueError(f"authority {authority.code} is given twice")
            self._by_code[authority.code] = authority
        self._by_name = {authority.name: authority for authority in self._by_code.values()}
        self._by_name |= {authority.short_name: authority for authority in self._by_code.values()}
        for authority in self._by_code.values():
            if authority.parent is not None and authority.parent not in self._by_code:
                raise ValueError(f"authority {authority.code} has the unknown parent {authority.parent}")
            if len(list(self.upwards(authority.code))) == 0:
                raise ValueError(f"authority {authority.code} is its own ancestor")

    def __iter__(self) -> Iterator[Authority]:
        return iter(sorted(self._by_code.values(), key=lambda authority: authority.code))

    def get(self, code: str) -> Authority | None:
        return self._by_code.get(code)

    def find(self, text: str) -> Authority | None:
        """By code, by name or by short name: host platforms name the authority of a person in any of these ways."""
        return self._by_code.get(text) or self._by_name.get(text)

    def upwards(self, code: str) -> Iterator[Authority]:
        """The authority itself, then the ones above it; nothing for an unknown one or a circle."""
        line: dict[str, Authority] = {}
        here = self._by_code.get(code)
        while here is not None:
            if here.code in line:
                return iter(())
            line[here.code] = here
            here = self._by_code.get(here.parent) if here.parent is not None else None
        return iter(line.values())

    def children(self, code: str | None) -> list[Authority]:
        """Directly below, in order of code; of None, the provinces."""
        return [authority for authority in self if authority.parent == code]
