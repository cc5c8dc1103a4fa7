"""``python -m tests.load.lists_postgresql``: ``rtc-server bench lists --json`` against a PostgreSQL of its own."""

from __future__ import annotations

import sys

from rtc_server.bench import lists
from tests.records.postgres import PostgresServer


def main() -> int:
    server = PostgresServer()
    try:
        return lists.run(as_json=True, database_url=server.url("postgres"))
    finally:
        server.remove()


if __name__ == "__main__":
    sys.exit(main())
