"""What a restart needs: the status an agent had chosen, the note of a transfer; and how much a person sent in a day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("agent_status_change", schema=None) as batch_op:
        batch_op.add_column(sa.Column("chosen", sa.Text(), nullable=True))
    with op.batch_alter_table("transfer", schema=None) as batch_op:
        batch_op.add_column(sa.Column("note", sa.Text(), nullable=True))
    with op.batch_alter_table("file", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_file_sender_id_created_at"), ["sender_id", "created_at"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("file", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_file_sender_id_created_at"))
    with op.batch_alter_table("transfer", schema=None) as batch_op:
        batch_op.drop_column("note")
    with op.batch_alter_table("agent_status_change", schema=None) as batch_op:
        batch_op.drop_column("chosen")
