"""Guests in interactions and their invitations, collaborations of agents, and the service confirmation form."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Columns are added in place: rebuilding a table others refer to would drop their rows in SQLite.
    op.add_column("interaction", sa.Column("kind", sa.Text(), server_default="service", nullable=False))
    op.add_column("interaction_member", sa.Column("guest_of", sa.Text(), nullable=True))
    op.add_column(
        "interaction_member", sa.Column("history_from", sa.Integer(), server_default="1", nullable=False)
    )
    op.add_column("interaction_member", sa.Column("history_to", sa.Integer(), nullable=True))
    op.add_column(
        "interaction_member", sa.Column("in_call", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.create_table(
        "invitation",
        sa.Column("invitation_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("interaction_id", sa.Text(), nullable=False),
        sa.Column("from_agent", sa.Text(), nullable=False),
        sa.Column("from_number", sa.Text(), nullable=False),
        sa.Column("to_agent", sa.Text(), nullable=False),
        sa.Column("to_number", sa.Text(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("share_history", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["interaction_id"],
            ["interaction.interaction_id"],
            name=op.f("fk_invitation_interaction_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("invitation_id", name=op.f("pk_invitation")),
    )
    with op.batch_alter_table("invitation", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_invitation_interaction_id_asked_at"), ["interaction_id", "asked_at"], unique=False
        )
    op.create_table(
        "confirmation",
        sa.Column("confirmation_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("interaction_id", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("sender_id", sa.Text(), nullable=False),
        sa.Column("receiver_id", sa.Text(), nullable=False),
        sa.Column("taxpayer_id", sa.Text(), nullable=True),
        sa.Column("handler_id", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("confirmation_id", name=op.f("pk_confirmation")),
    )
    with op.batch_alter_table("confirmation", schema=None) as batch_op:
        for columns in (
            ["interaction_id"],
            ["sender_id", "sent_at"],
            ["receiver_id", "sent_at"],
            ["taxpayer_id", "sent_at"],
            ["handler_id", "sent_at"],
            ["phase", "sent_at"],
        ):
            batch_op.create_index(batch_op.f("ix_confirmation_" + "_".join(columns)), columns, unique=False)
    op.create_table(
        "confirmation_step",
        sa.Column("confirmation_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("confirmation_id", "number", name=op.f("pk_confirmation_step")),
    )


def downgrade() -> None:
    op.drop_table("confirmation_step")
    op.drop_table("confirmation")
    op.drop_table("invitation")
    for column in ("in_call", "history_to", "history_from", "guest_of"):
        op.drop_column("interaction_member", column)
    op.drop_column("interaction", "kind")
