"""Mediation applications and their meetings: members, chat, notes with every edit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
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
    op.create_table(
        "mediation_application",
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("taxpayer_id", sa.Text(), nullable=False),
        sa.Column("taxpayer_name", sa.Text(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("applied_at", sa.BigInteger(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("meeting_id", sa.Text(), nullable=True),
        sa.Column("agent_id", sa.Text(), nullable=True),
        sa.Column("dispatched_at", sa.BigInteger(), nullable=True),
        sa.Column("dispatched_by", sa.Text(), nullable=True),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("application_id", name=op.f("pk_mediation_application")),
    )
    for columns in (
        ["number"],
        ["taxpayer_id", "applied_at"],
        ["agent_id", "applied_at"],
        ["phase", "applied_at"],
    ):
        name = "_".join(["ix_mediation_application", *columns])
        op.create_index(op.f(name), "mediation_application", columns)
    op.create_table(
        "meeting",
        sa.Column("meeting_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("host_id", sa.Text(), nullable=True),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["mediation_application.application_id"],
            name=op.f("fk_meeting_application_id_mediation_application"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("meeting_id", name=op.f("pk_meeting")),
    )
    op.create_index(op.f("ix_meeting_application_id"), "meeting", ["application_id"])
    op.create_index(op.f("ix_meeting_phase"), "meeting", ["phase"])
    op.create_table(
        "meeting_member",
        sa.Column("meeting_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("meeting_role", sa.Text(), nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.Column("left_at", sa.BigInteger(), nullable=True),
        sa.Column("removed", sa.Boolean(), nullable=False),
        _of_meeting("meeting_member"),
        sa.PrimaryKeyConstraint("meeting_id", "person_id", name=op.f("pk_meeting_member")),
    )
    op.create_index(op.f("ix_meeting_member_person_id"), "meeting_member", ["person_id"])
    op.create_table(
        "meeting_message",
        sa.Column("meeting_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sender_id", sa.Text(), nullable=True),
        sa.Column("client_message_id", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.Column("sender_role", sa.Text(), nullable=True),
        sa.Column("sender_name", sa.Text(), nullable=True),
        _of_meeting("meeting_message"),
        sa.PrimaryKeyConstraint("meeting_id", "seq", name=op.f("pk_meeting_message")),
        sa.UniqueConstraint(
            "meeting_id",
            "sender_id",
            "client_message_id",
            name=op.f("uq_meeting_message_meeting_id_sender_id_client_message_id"),
        ),
    )
    op.create_table(
        "meeting_note_edit",
        sa.Column("meeting_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("author_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("edit", sa.Text(), nullable=False),
        _of_meeting("meeting_note_edit"),
        sa.PrimaryKeyConstraint("meeting_id", "seq", name=op.f("pk_meeting_note_edit")),
    )
    op.create_table(
        "meeting_notes",
        sa.Column("meeting_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        _of_meeting("meeting_notes"),
        sa.PrimaryKeyConstraint("meeting_id", name=op.f("pk_meeting_notes")),
    )


def downgrade() -> None:
    for table in (
        "meeting_notes",
        "meeting_note_edit",
        "meeting_message",
        "meeting_member",
        "meeting",
        "mediation_application",
    ):
        op.drop_table(table)
