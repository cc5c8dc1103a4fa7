"""The audit log as a list: one index that holds what it is filtered and paged by."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_log_at_entry_id"))
        batch_op.create_index(
            "ix_audit_log_list", ["at", "entry_id", "action", "actor_id", "subject"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_log_list")
        batch_op.create_index(batch_op.f("ix_audit_log_at_entry_id"), ["at", "entry_id"], unique=False)
