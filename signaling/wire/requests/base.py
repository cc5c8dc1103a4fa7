"""What requests about one interaction share."""

from __future__ import annotations

from signaling.wire.base import Identifier, Request


class InteractionRequest(Request):
    """A request about one interaction; the sender must be a member of it."""

    interaction_id: Identifier
