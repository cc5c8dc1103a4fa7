"""What a command costs must not grow with the number of people who wait."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from time import thread_time

import pytest

from signaling.sessions import queue_messages as q
from signaling.sessions.queue import handle
from signaling.sessions.queue_states import CentreSettings, QueueState


@pytest.fixture
def no_collector() -> Iterator[None]:
    """It walks over everything that earlier tests left, at moments of its own."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def serve_everybody(waiting: int, agents: int = 100) -> tuple[float, float, int]:
    """Seconds for a join, seconds for an answer and an end, and positions told, each per taxpayer."""
    state, now = QueueState(), 0
    state, _ = handle(state, q.ConfigureCentre("c", CentreSettings()), now)
    for number in range(agents):
        state, _ = handle(
            state, q.AgentSignedIn(f"a{number:03}", frozenset({"c"}), frozenset({"vat"}), 1), now
        )
    offers: list[q.OfferMade] = []
    told = 0

    def run(command: q.Command) -> None:
        nonlocal state, told
        state, effects = handle(state, command, now)
        for effect in effects:
            if isinstance(effect, q.OfferMade):
                offers.append(effect)
            elif isinstance(effect, q.PositionsChanged):
                told += len(effect.positions)

    start = thread_time()
    for number in range(waiting):
        skills = frozenset({"vat"}) if number % 3 == 0 else frozenset[str]()
        run(q.Join(f"t{number}", f"p{number}", "c", True, skills, f"a{number % agents:03}"))
    joined = thread_time() - start
    start = thread_time()
    served = 0
    while offers:
        offer = offers.pop(0)
        now += 10  # a hundred answers a second
        run(q.AcceptOffer(offer.agent_id, offer.ticket_id))
        run(q.ConversationEnded(offer.ticket_id))
        served += 1
    assert served == waiting
    assert len(state.tickets) == 0
    return joined / waiting, (thread_time() - start) / waiting, told


@pytest.mark.usefixtures("no_collector")
def test_cost_per_taxpayer_is_flat() -> None:
    serve_everybody(200)
    small_join, small_serve, _ = serve_everybody(500)
    join, serve, told = serve_everybody(2_000)
    print(f"join {join * 1e6:.0f} µs, answer and end {serve * 1e6:.0f} µs, {told} positions told")
    # An honest n² would show a factor of four; the bound leaves room for a busy machine.
    assert join < 2.5 * small_join
    assert serve < 2.5 * small_serve
    # Each of 2,000 is told at most once a second over the 20 s that this lasts.
    assert told <= 2_000 * 21
