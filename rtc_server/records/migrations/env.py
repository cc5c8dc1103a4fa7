"""Alembic's entry. It is always run with a connection made by ``rtc_server.records.database``."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, text

from rtc_server.records.schema import metadata

_MIGRATION_LOCK = 0x72746373
"""Any number that nothing else in this database uses."""


def run() -> None:
    connection: Connection | None = context.config.attributes.get("connection")
    if connection is None:
        raise RuntimeError("migrations run through rtc_server.records.database.Database.migrate")
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    context.run_migrations()


run()
