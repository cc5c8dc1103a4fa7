"""Recordings of meetings, and what everybody answered when asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "meeting_recording",
        sa.Column("recording_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("meeting_id", sa.Text(), nullable=False),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["meeting_id"],
            ["meeting.meeting_id"],
            name=op.f("fk_meeting_recording_meeting_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("recording_id", name=op.f("pk_meeting_recording")),
    )
    with op.batch_alter_table("meeting_recording", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_meeting_recording_meeting_id_started_at"),
            ["meeting_id", "started_at"],
            unique=False,
        )
    op.create_table(
        "meeting_consent",
        sa.Column("consent_id", sa.Text(), nullable=False),
        sa.Column("recording_id", sa.Text(), nullable=False),
        sa.Column("meeting_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("consent", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["meeting_id"],
            ["meeting.meeting_id"],
            name=op.f("fk_meeting_consent_meeting_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("consent_id", name=op.f("pk_meeting_consent")),
    )
    with op.batch_alter_table("meeting_consent", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_meeting_consent_recording_id_at"), ["recording_id", "at"], unique=False
        )


def downgrade() -> None:
    op.drop_table("meeting_consent")
    op.drop_table("meeting_recording")
