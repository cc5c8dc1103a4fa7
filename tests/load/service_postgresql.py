"""``python -m tests.load.service_postgresql``: ``rtc-server loadtest service --json`` against a PostgreSQL of its own, a fresh
one for each count of taxpayers."""

from __future__ import annotations

import sys

from rtc_server.loadtest import service
from tests.records.postgres import PostgresServer


def main(counts: list[int]) -> int:
    worst = 0
    for taxpayers in counts:
        server = PostgresServer()
        try:
            plan = service.Plan(database_url=server.url("postgres"))
            worst = max(worst, service.run(plan, (taxpayers,), as_json=True))
        finally:
            server.remove()
    return worst


if __name__ == "__main__":
    sys.exit(main([int(each) for each in sys.argv[1:]] or [100, 2_000]))
