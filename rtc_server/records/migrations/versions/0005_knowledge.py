"""The knowledge of the assistant: questions, their versions, the parts edited as a whole, and a counter of changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "knowledge_question",
        sa.Column("question_id", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("searched", sa.Text(), nullable=False),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("valid_from", sa.Text(), nullable=True),
        sa.Column("valid_until", sa.Text(), nullable=True),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("question_id", name=op.f("pk_knowledge_question")),
    )
    with op.batch_alter_table("knowledge_question", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_knowledge_question_topic_question_id"), ["topic", "question_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_knowledge_question_updated_at_question_id"),
            ["updated_at", "question_id"],
            unique=False,
        )
    op.create_table(
        "knowledge_version",
        sa.Column("question_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("content", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("saved_at", sa.BigInteger(), nullable=False),
        sa.Column("saved_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("question_id", "revision", name=op.f("pk_knowledge_version")),
    )
    op.create_table(
        "knowledge_part",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_knowledge_part")),
    )
    state = op.create_table(
        "knowledge_state",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_knowledge_state")),
    )
    op.bulk_insert(state, [{"name": "knowledge", "version": 0}])


def downgrade() -> None:
    op.drop_table("knowledge_state")
    op.drop_table("knowledge_part")
    op.drop_table("knowledge_version")
    op.drop_table("knowledge_question")
