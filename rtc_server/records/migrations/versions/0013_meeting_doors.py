"""Of meetings, over a restart: who is held muted, raised hands, the lobby, and the links of devices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def _of_meeting(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["meeting_id"],
        ["meeting.meeting_id"],
        name=op.f(f"fk_{table}_meeting_id_meeting"),
        ondelete="CASCADE",
    )


def upgrade() -> None:
    with op.batch_alter_table("meeting_member", schema=None) as batch_op:
        batch_op.add_column(sa.Column("held", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("hand_raised_at", sa.BigInteger(), nullable=True))
    op.create_table(
        "meeting_waiting",
        sa.Column("meeting_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("left_at", sa.BigInteger(), nullable=True),
        _of_meeting("meeting_waiting"),
        sa.PrimaryKeyConstraint("meeting_id", "person_id", name=op.f("pk_meeting_waiting")),
    )
    op.create_table(
        "meeting_stream",
        sa.Column("meeting_id", sa.Text(), nullable=False),
        sa.Column("stream_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("access", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("creator_role", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        _of_meeting("meeting_stream"),
        sa.PrimaryKeyConstraint("meeting_id", "stream_id", name=op.f("pk_meeting_stream")),
    )


def downgrade() -> None:
    op.drop_table("meeting_stream")
    op.drop_table("meeting_waiting")
    with op.batch_alter_table("meeting_member", schema=None) as batch_op:
        batch_op.drop_column("hand_raised_at")
        batch_op.drop_column("held")
