"""With an application for mediation comes how to reach the taxpayer, and material."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mediation_application", sa.Column("contact", sa.Text(), nullable=True))
    op.add_column("mediation_application", sa.Column("attachments", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("mediation_application", "attachments")
    op.drop_column("mediation_application", "contact")
