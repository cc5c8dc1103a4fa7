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
    CHECK_DEVICES = "check_devices"
    """Open the page that checks devices and network before a call."""
    APPLY_FOR_MEDIATION = "apply_for_mediation"
    READ_MEDIATIONS = "read_mediations"
    """One's own applications; staff: those of their centres."""
    DISPATCH_MEDIATION = "dispatch_mediation"
    """Give an application of one's centre to an agent."""
    MANAGE_STREAMS = "manage_streams"
    """Links of devices in a meeting one hosts; whether one does is asked of the meeting."""
    OWN_HISTORY = "own_history"
    """Read everything ever said with oneself."""
    ASK_ASSISTANT = "ask_assistant"
    """Talk with 悦悦, judge her answers, keep favourites."""
    SEND_FILES = "send_files"
    """In an open interaction one takes part in; with a case; with an answer one edits."""
    READ_FILES = "read_files"
    """Of interactions one may see, and those of answers."""
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
    EDITOR_PAGE = "editor_page"
    OWN_CENTRE = "own_centre"
    """One's own personal centre: appointments, inquiries, work orders, one's authority."""
    OWN_NOTICES = "own_notices"
    """One's own inbox, a taxpayer's or one of the staff: notices, things to do, favourites, surveys."""
    CASEWORK = "casework"
    """The staff side of all that, for the centres one works for."""
    RUN_SLOTS = "run_slots"
    """How many appointments a slot takes."""
    ASSIGN_CASES = "assign_cases"
    """Give an inquiry or a work order to an agent."""
    PUSH_NOTICES = "push_notices"
    """To everybody of an audience."""
    READ_SLOTS = "read_slots"
    EDIT_KNOWLEDGE = "edit_knowledge"
    """What the assistant knows: questions, import, export, and how she does."""


_SERVING = frozenset(
    {
        Permission.OWN_SESSION,
        Permission.DESK,
        Permission.MEETING,
        Permission.CHECK_DEVICES,
        Permission.READ_MEDIATIONS,
        Permission.DISPATCH_MEDIATION,
        Permission.MANAGE_STREAMS,
        Permission.SEND_FILES,
        Permission.READ_FILES,
        Permission.SERVE,
        Permission.REVEAL,
        Permission.PLAY_RECORDINGS,
        Permission.READ_CANNED_REPLIES,
        Permission.EDIT_OWN_CANNED_REPLIES,
        Permission.READ_WRAP_UP_CODES,
        Permission.OWN_NOTICES,
        Permission.CASEWORK,
        Permission.READ_SLOTS,
    }
)

PERMISSIONS: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.TAXPAYER: frozenset(
            {
                Permission.OWN_SESSION,
                Permission.WINDOW,
                Permission.MEETING,
                Permission.CHECK_DEVICES,
                Permission.APPLY_FOR_MEDIATION,
                Permission.READ_MEDIATIONS,
                Permission.OWN_HISTORY,
                Permission.ASK_ASSISTANT,
                Permission.OWN_CENTRE,
                Permission.OWN_NOTICES,
                Permission.READ_SLOTS,
                Permission.SEND_FILES,
                Permission.READ_FILES,
            }
        ),
        Role.AGENT: _SERVING,
        Role.SUPERVISOR: _SERVING
        | {
            Permission.EDIT_SHARED_CANNED_REPLIES,
            Permission.RUN_SLOTS,
            Permission.ASSIGN_CASES,
            Permission.PUSH_NOTICES,
        },
        Role.EDITOR: frozenset(
            {
                Permission.OWN_SESSION,
                Permission.READ_CANNED_REPLIES,
                Permission.EDIT_SHARED_CANNED_REPLIES,
                Permission.EDITOR_PAGE,
                Permission.EDIT_KNOWLEDGE,
                Permission.SEND_FILES,
                Permission.READ_FILES,
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
                Permission.EDITOR_PAGE,
                Permission.EDIT_KNOWLEDGE,
                Permission.SEND_FILES,
                Permission.READ_FILES,
            }
        ),
    }
)


def may(role: Role, permission: Permission) -> bool:
    return permission in PERMISSIONS[role]
