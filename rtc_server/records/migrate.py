"""Runs the migrations with Alembic on a connection that exists already."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

MIGRATIONS = Path(__file__).parent / "migrations"


def config() -> Config:
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    made.set_main_option("path_separator", "os")
    return made


def upgrade(connection: Connection) -> None:
    """To the newest version; nothing when it is there already."""
    made = config()
    made.attributes["connection"] = connection
    command.upgrade(made, "head")


def downgrade(connection: Connection) -> None:
    """Away with everything; for tests of the migrations."""
    made = config()
    made.attributes["connection"] = connection
    command.downgrade(made, "base")
