"""What conversations need to be restored whole: who spoke, cards, held-back shares, where a waiting person came from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sender_role", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("sender_name", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("card", sa.Text(), nullable=True))
    with op.batch_alter_table("call_record", schema=None) as batch_op:
        batch_op.add_column(sa.Column("paused", sa.Boolean(), nullable=True))
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.add_column(sa.Column("taxpayer_name", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("context", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.drop_column("context")
        batch_op.drop_column("taxpayer_name")
    with op.batch_alter_table("call_record", schema=None) as batch_op:
        batch_op.drop_column("paused")
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_column("card")
        batch_op.drop_column("sender_name")
        batch_op.drop_column("sender_role")
