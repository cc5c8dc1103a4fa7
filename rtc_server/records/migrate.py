"""Runs the migrations with Alembic on a connection that exists already. Alembic is imported only when there is one to run:
that alone takes half a second of a start."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"


def newest() -> str:
    """The version of the tables this program was written for: the last of the numbered files."""
    return max(path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def config() -> Config:
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    made.set_main_option("path_separator", "os")
    return made


def upgrade(connection: Connection) -> None:
    """To the newest version; nothing when it is there already."""
    if inspect(connection).has_table("alembic_version"):
        version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
        if version == newest():
            return
    from alembic import command

    made = config()
    made.attributes["connection"] = connection
    command.upgrade(made, "head")


def downgrade(connection: Connection) -> None:
    """Away with everything; for tests of the migrations."""
    from alembic import command

    made = config()
    made.attributes["connection"] = connection
    command.downgrade(made, "base")
