"""Every list of rows over HTTP is measured by ``rtc-server bench lists``, and its way of asking works."""

from __future__ import annotations

import typing

from rtc_server.bench.list_queries import BOUNDED, MEASURED
from rtc_server.bench.lists import measure
from rtc_server.identity.accounts import ACCOUNTS
from rtc_server.identity.policy import may
from rtc_server.rest.resource import Entry
from rtc_server.rest.resources import resources


def _is_list(entry: Entry) -> bool:
    """Answers with a list of something, and is not the reading of one thing by its id."""
    if entry.method != "GET" or entry.answer is None or entry.path.endswith("}"):
        return False
    return any(typing.get_origin(one.annotation) is list for one in entry.answer.model_fields.values())


def test_no_list_is_forgotten() -> None:
    lists = {entry.path for entry in resources().entries if _is_list(entry)}
    measured = {one.path for one in MEASURED}
    assert len(lists) > 30
    assert lists == measured | set(BOUNDED)
    assert not measured & set(BOUNDED)


def test_who_asks_for_a_list_may() -> None:
    permissions = {entry.path: entry.permission for entry in resources().entries if _is_list(entry)}
    for one in MEASURED:
        assert may(ACCOUNTS[one.account].role, permissions[one.path]), one


def test_every_filter_of_a_list_is_asked_for() -> None:
    queries = {entry.path: entry.query for entry in resources().entries if _is_list(entry)}
    for path in {one.path for one in MEASURED}:
        query = queries[path]
        known = set(query.model_fields) if query is not None else set()
        asked = {
            part.partition("=")[0]
            for one in MEASURED
            if one.path == path
            for text in one.queries
            for part in text.split("&")
            if part
        }
        assert asked <= known, path
        assert known - asked <= {
            "size",
            "sort",
            "centre_id",
            "limit",
            "interaction_id",
            *_SHARED.get(path, ()),
        }, path


_SHARED = {
    "/api/centre/appointments": ("method", "origin", "service", "progress"),
    "/api/centre/inquiries": ("number",),
    "/api/centre/work-orders": ("number",),
    "/api/centre/mediations": ("accepted_from", "accepted_before"),
    "/api/knowledge/work": ("order",),
    "/api/knowledge/removed": ("order",),
}
"""What the staff's list of the same rows is asked with; and what changes nothing."""


async def test_the_measurement_asks_what_the_server_answers() -> None:
    found, plans = await measure(None, 1_000, asked_each=1)
    assert {row.path for row in found} == {one.path for one in MEASURED}
    assert len(plans) == len(MEASURED)
    totals = {(row.account, row.path): row.total for row in found if row.query == ""}
    for (account, path), total in totals.items():
        # A turn with the assistant is listed for a day, and these rows are older.
        assert total > 0 or path == "/api/assistant/turns", (account, path)
    assert any("ix_inquiry_list" in line for lines in plans.values() for line in lines)
