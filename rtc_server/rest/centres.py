"""The centre a member of staff asks about, and the one a taxpayer turns to."""

from __future__ import annotations

from rtc_server.rest.resource import Call
from signaling.errors import BadInput, ErrorCode, Refused


def own_centre(call: Call, centre_id: str | None) -> str | None:
    """The centre of a member of staff whose list is asked for; None: they work for none. Raises ``Refused``."""
    mine = sorted(call.desk.organisation.centres_of(call.person.person_id))
    if not centre_id:
        return mine[0] if mine else None
    if centre_id not in mine:
        raise Refused(ErrorCode.RECORD_NOT_FOUND)
    return centre_id


def taxpayer_centre(call: Call, centre_id: str | None) -> tuple[str, str | None]:
    """The centre a taxpayer turns to, their own or one they name, and the region code of their authority.

    Raises ``Refused`` with ``queue_no_centre``.
    """
    region = call.desk.casework.authority_of(call.person)
    if centre_id is not None:
        if call.desk.organisation.centre(centre_id) is None:
            raise BadInput(ErrorCode.BAD_MESSAGE)
        return centre_id, region
    own = call.desk.organisation.centre_for(region)
    if own is None:
        raise Refused(ErrorCode.QUEUE_NO_CENTRE)
    return own.centre_id, region
