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
    ADMIN_PAGE = "admin_page"
    MEETING = "meeting"
    """Open the page of a meeting; who gets in is decided there."""
    APPLY_FOR_MEDIATION = "apply_for_mediation"
    READ_MEDIATIONS = "read_mediations"
    """One's own applications; staff: those of their centres."""
    DISPATCH_MEDIATION = "dispatch_mediation"
    """Give an application of one's centre to an agent."""
    OWN_HISTORY = "own_history"
    """Read everything ever said with oneself."""
    SEND_FILES = "send_files"
    """In an open interaction one takes part in."""
    READ_FILES = "read_files"
    """Of interactions one may see."""
    SERVE = "serve"
    """History, masked profile, notes and tags of a taxpayer whose interaction one may see."""
    REVEAL = "reveal"
    """See a taxpayer's data unmasked. Recorded."""
    PLAY_RECORDINGS = "play_recordings"
    """Of calls of an interaction one may see. Each viewing is recorded."""
    READ_CANNED_REPLIES = "read_canned_replies"
    EDIT_OWN_CANNED_REPLIES = "edit_own_canned_replies"
    EDIT_SHARED_CANNED_REPLIES = "edit_shared_canned_replies"
    READ_WRAP_UP_CODES = "read_wrap_up_codes"
    ADMINISTER = "administer"
    """Centres, hours, people, settings, wrap-up codes."""
    READ_AUDIT = "read_audit"
    EDIT_KNOWLEDGE = "edit_knowledge"
    """What the assistant knows: questions, import, export, and how she does."""


_SERVING = frozenset(
    {
        Permission.OWN_SESSION,
        Permission.DESK,
        Permission.MEETING,
        Permission.READ_MEDIATIONS,
        Permission.DISPATCH_MEDIATION,
        Permission.SEND_FILES,
        Permission.READ_FILES,
        Permission.SERVE,
        Permission.REVEAL,
        Permission.PLAY_RECORDINGS,
        Permission.READ_CANNED_REPLIES,
        Permission.EDIT_OWN_CANNED_REPLIES,
        Permission.READ_WRAP_UP_CODES,
    }
)

PERMISSIONS: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.TAXPAYER: frozenset(
            {
                Permission.OWN_SESSION,
                Permission.WINDOW,
                Permission.MEETING,
                Permission.APPLY_FOR_MEDIATION,
                Permission.READ_MEDIATIONS,
                Permission.OWN_HISTORY,
                Permission.SEND_FILES,
                Permission.READ_FILES,
            }
        ),
        Role.AGENT: _SERVING,
        Role.SUPERVISOR: _SERVING | {Permission.EDIT_SHARED_CANNED_REPLIES},
        Role.EDITOR: frozenset(
            {
                Permission.OWN_SESSION,
                Permission.READ_CANNED_REPLIES,
                Permission.EDIT_SHARED_CANNED_REPLIES,
                Permission.EDIT_KNOWLEDGE,
            }
        ),
        Role.ADMINISTRATOR: frozenset(
            {
                Permission.OWN_SESSION,
                Permission.ADMIN_PAGE,
                Permission.READ_CANNED_REPLIES,
                Permission.EDIT_SHARED_CANNED_REPLIES,
                Permission.READ_WRAP_UP_CODES,
                Permission.ADMINISTER,
                Permission.READ_AUDIT,
                Permission.EDIT_KNOWLEDGE,
            }
        ),
    }
)


def may(role: Role, permission: Permission) -> bool:
    return permission in PERMISSIONS[role]
