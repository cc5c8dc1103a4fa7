"""An agent chosen by name, without the queue: for demonstrations and tests of media."""

from __future__ import annotations

from typing import ClassVar

from signaling.wire.base import Identifier, Request, WireModel
from signaling.wire.requests.interactions import Opened
from signaling.wire.views import AgentView


class Agents(WireModel):
    agents: list[AgentView]


class ListAgents(Request):
    """The agents a taxpayer may call directly."""

    EVENT: ClassVar[str] = "agent.list"
    RESPONSE: ClassVar[type[WireModel]] = Agents


class OpenInteraction(Request):
    """A taxpayer begins an interaction with an agent, or gets back the open one with the same agent."""

    EVENT: ClassVar[str] = "interaction.open"
    RESPONSE: ClassVar[type[WireModel]] = Opened
    agent_id: Identifier
