"""Recordings of calls, and what everybody answered when asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "call_recording",
        sa.Column("recording_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("interaction_id", sa.Text(), nullable=False),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["interaction_id"],
            ["interaction.interaction_id"],
            name=op.f("fk_call_recording_interaction_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("recording_id", name=op.f("pk_call_recording")),
    )
    with op.batch_alter_table("call_recording", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_call_recording_interaction_id_started_at"),
            ["interaction_id", "started_at"],
            unique=False,
        )
    op.create_table(
        "recording_consent",
        sa.Column("consent_id", sa.Text(), nullable=False),
        sa.Column("recording_id", sa.Text(), nullable=False),
        sa.Column("interaction_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("consent", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["interaction_id"],
            ["interaction.interaction_id"],
            name=op.f("fk_recording_consent_interaction_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("consent_id", name=op.f("pk_recording_consent")),
    )
    with op.batch_alter_table("recording_consent", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_recording_consent_recording_id_at"), ["recording_id", "at"], unique=False
        )


def downgrade() -> None:
    op.drop_table("recording_consent")
    op.drop_table("call_recording")
