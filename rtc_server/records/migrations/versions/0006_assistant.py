"""What people asked the assistant, and their favourites; tickets are found by who drew them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "assistant_turn",
        sa.Column("turn_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("question_id", sa.Text(), nullable=True),
        sa.Column("question_ids", sa.JSON(), nullable=False),
        sa.Column("clarification_id", sa.Text(), nullable=True),
        sa.Column("offer_human", sa.Boolean(), nullable=False),
        sa.Column("rounds", sa.Integer(), nullable=False),
        sa.Column("misses", sa.Integer(), nullable=False),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("page", sa.Text(), nullable=True),
        sa.Column("feedback", sa.Text(), nullable=True),
        sa.Column("feedback_reason", sa.Text(), nullable=True),
        sa.Column("work", sa.Text(), nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("turn_id", name=op.f("pk_assistant_turn")),
    )
    with op.batch_alter_table("assistant_turn", schema=None) as batch_op:
        for first, second in (("person_id", "at"), ("at", "question_id"), ("work", "at")):
            batch_op.create_index(
                batch_op.f(f"ix_assistant_turn_{first}_{second}"), [first, second], unique=False
            )
    op.create_table(
        "assistant_favourite",
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("question_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kept", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "question_id", name=op.f("pk_assistant_favourite")),
    )
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_ticket_taxpayer_id_joined_at"), ["taxpayer_id", "joined_at"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ticket_taxpayer_id_joined_at"))
    op.drop_table("assistant_favourite")
    op.drop_table("assistant_turn")
