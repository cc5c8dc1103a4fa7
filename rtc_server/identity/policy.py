"""What each role may do with our pages and REST resources, as one table.

What a role may do inside a session is ``signaling.sessions.policy``; a page one may open grants nothing there.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from signaling.sessions.states import Role


class Permission(StrEnum):
    OWN_SESSION = "own_session"
    """Sign in and out of our own pages, and read who one is."""
    WINDOW = "window"
    """Use the embedded window as a taxpayer."""
    DESK = "desk"
    """Open the agent's workstation."""


PERMISSIONS: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.TAXPAYER: frozenset({Permission.OWN_SESSION, Permission.WINDOW}),
        Role.AGENT: frozenset({Permission.OWN_SESSION, Permission.DESK}),
        Role.SUPERVISOR: frozenset({Permission.OWN_SESSION, Permission.DESK}),
        Role.EDITOR: frozenset({Permission.OWN_SESSION}),
        Role.ADMINISTRATOR: frozenset({Permission.OWN_SESSION}),
    }
)


def may(role: Role, permission: Permission) -> bool:
    return permission in PERMISSIONS[role]
