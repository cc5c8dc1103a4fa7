"""Notices are for staff too: whose a delivery is, is a person."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # SQLite and PostgreSQL alike; the indexes follow.
    op.execute("ALTER TABLE notice_delivery RENAME COLUMN taxpayer_id TO person_id")


def downgrade() -> None:
    op.execute("ALTER TABLE notice_delivery RENAME COLUMN person_id TO taxpayer_id")
