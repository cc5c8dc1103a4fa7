"""Cases of the personal centre: appointments with their slots, inquiries, notices, work orders; numbers; files of cases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "appointment",
        sa.Column("appointment_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("taxpayer_id", sa.Text(), nullable=False),
        sa.Column("taxpayer_name", sa.Text(), nullable=False),
        sa.Column("centre_id", sa.Text(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=True),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("progress", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("attachments", sa.JSON(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=True),
        sa.Column("agent_id", sa.Text(), nullable=True),
        sa.Column("interaction_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("reminded_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("appointment_id", name=op.f("pk_appointment")),
    )
    with op.batch_alter_table("appointment", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_appointment_centre_id_created_at_appointment_id"),
            ["centre_id", "created_at", "appointment_id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_appointment_centre_starts", ["centre_id", "starts_at", "appointment_id"], unique=False
        )
        batch_op.create_index(
            "ix_appointment_centre_state", ["centre_id", "state", "starts_at", "appointment_id"], unique=False
        )
        batch_op.create_index("ix_appointment_number", ["number"], unique=True)
        batch_op.create_index(
            batch_op.f("ix_appointment_state_starts_at"), ["state", "starts_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_appointment_taxpayer_id_created_at_appointment_id"),
            ["taxpayer_id", "created_at", "appointment_id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_appointment_taxpayer_starts", ["taxpayer_id", "starts_at", "appointment_id"], unique=False
        )
    op.create_table(
        "appointment_capacity",
        sa.Column("centre_id", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("centre_id", "method", name=op.f("pk_appointment_capacity")),
    )
    op.create_table(
        "appointment_hold",
        sa.Column("taxpayer_id", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("taxpayer_id", "starts_at", name=op.f("pk_appointment_hold")),
    )
    op.create_table(
        "appointment_slot",
        sa.Column("centre_id", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("booked", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("centre_id", "method", "starts_at", name=op.f("pk_appointment_slot")),
    )
    op.create_table(
        "inquiry",
        sa.Column("inquiry_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("taxpayer_id", sa.Text(), nullable=False),
        sa.Column("taxpayer_name", sa.Text(), nullable=False),
        sa.Column("centre_id", sa.Text(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("attachments", sa.JSON(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=True),
        sa.Column("assigned_at", sa.BigInteger(), nullable=True),
        sa.Column("assigned_by", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answer_attachments", sa.JSON(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("inquiry_id", name=op.f("pk_inquiry")),
    )
    with op.batch_alter_table("inquiry", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_inquiry_agent_id_created_at_inquiry_id"),
            ["agent_id", "created_at", "inquiry_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_inquiry_centre_id_created_at_inquiry_id"),
            ["centre_id", "created_at", "inquiry_id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_inquiry_centre_state", ["centre_id", "state", "created_at", "inquiry_id"], unique=False
        )
        batch_op.create_index("ix_inquiry_number", ["number"], unique=True)
        batch_op.create_index(
            batch_op.f("ix_inquiry_taxpayer_id_created_at_inquiry_id"),
            ["taxpayer_id", "created_at", "inquiry_id"],
            unique=False,
        )
    op.create_table(
        "notice",
        sa.Column("notice_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("todo", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("publish_at", sa.BigInteger(), nullable=False),
        sa.Column("centre_id", sa.Text(), nullable=True),
        sa.Column("links", sa.JSON(), nullable=False),
        sa.Column("attachments", sa.JSON(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=True),
        sa.Column("taxpayer_kind", sa.Text(), nullable=True),
        sa.Column("tag", sa.Text(), nullable=True),
        sa.Column("people", sa.JSON(), nullable=False),
        sa.Column("survey", sa.JSON(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("recipients", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_notice")),
    )
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_notice_centre_id_created_at_notice_id"),
            ["centre_id", "created_at", "notice_id"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_notice_state_publish_at"), ["state", "publish_at"], unique=False)
    op.create_table(
        "notice_delivery",
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("notice_id", sa.Text(), nullable=False),
        sa.Column("taxpayer_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("todo", sa.Boolean(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=True),
        sa.Column("favourite_at", sa.BigInteger(), nullable=True),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_notice_delivery")),
    )
    with op.batch_alter_table("notice_delivery", schema=None) as batch_op:
        batch_op.create_index(
            "ix_notice_delivery_inbox",
            ["taxpayer_id", "withdrawn", "received_at", "delivery_id"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_notice_delivery_notice_id"), ["notice_id"], unique=False)
    op.create_table(
        "number_sequence",
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("prefix", name=op.f("pk_number_sequence")),
    )
    op.create_table(
        "survey_answer",
        sa.Column("notice_id", sa.Text(), nullable=False),
        sa.Column("taxpayer_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("notice_id", "taxpayer_id", name=op.f("pk_survey_answer")),
    )
    with op.batch_alter_table("survey_answer", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_survey_answer_taxpayer_id_answered_at_notice_id"),
            ["taxpayer_id", "answered_at", "notice_id"],
            unique=False,
        )
    op.create_table(
        "taxpayer",
        sa.Column("taxpayer_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("taxpayer_id", name=op.f("pk_taxpayer")),
    )
    with op.batch_alter_table("taxpayer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_taxpayer_authority"), ["authority"], unique=False)
    op.create_table(
        "taxpayer_choice",
        sa.Column("taxpayer_id", sa.Text(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("chosen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("taxpayer_id", name=op.f("pk_taxpayer_choice")),
    )
    with op.batch_alter_table("taxpayer_choice", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_taxpayer_choice_chosen_at"), ["chosen_at"], unique=False)
    op.create_table(
        "work_order",
        sa.Column("work_order_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("taxpayer_id", sa.Text(), nullable=False),
        sa.Column("taxpayer_name", sa.Text(), nullable=False),
        sa.Column("centre_id", sa.Text(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=True),
        sa.Column("interaction_id", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("progress", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("urged", sa.Integer(), nullable=False),
        sa.Column("urged_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("resolved", sa.Boolean(), nullable=True),
        sa.Column("rated_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("work_order_id", name=op.f("pk_work_order")),
    )
    with op.batch_alter_table("work_order", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_work_order_centre_id_created_at_work_order_id"),
            ["centre_id", "created_at", "work_order_id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_work_order_centre_state", ["centre_id", "state", "created_at", "work_order_id"], unique=False
        )
        batch_op.create_index("ix_work_order_number", ["number"], unique=True)
        batch_op.create_index(
            batch_op.f("ix_work_order_taxpayer_id_created_at_work_order_id"),
            ["taxpayer_id", "created_at", "work_order_id"],
            unique=False,
        )
    op.create_table(
        "work_order_step",
        sa.Column("work_order_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("work_order_id", "seq", name=op.f("pk_work_order_step")),
    )
    with op.batch_alter_table("file", schema=None) as batch_op:
        batch_op.alter_column("interaction_id", existing_type=sa.TEXT(), nullable=True)
    with op.batch_alter_table("mediation_application", schema=None) as batch_op:
        batch_op.add_column(sa.Column("centre_id", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("expected_at", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("reason", sa.Text(), nullable=True))
        batch_op.create_index(
            "ix_mediation_application_centre", ["centre_id", "applied_at", "application_id"], unique=False
        )
    # Numbers given before there was a sequence are not given again.
    op.execute(
        "INSERT INTO number_sequence (prefix, last) "
        "SELECT substr(number, 1, length(number) - 4), max(CAST(substr(number, length(number) - 3) AS INTEGER)) "
        "FROM mediation_application GROUP BY substr(number, 1, length(number) - 4)"
    )


def downgrade() -> None:
    op.execute("DELETE FROM file WHERE interaction_id IS NULL")
    op.drop_index("ix_mediation_application_centre", "mediation_application")
    # Not in a batch: a table that is rebuilt takes with it what refers to it.
    for column in ("reason", "expected_at", "centre_id"):
        op.drop_column("mediation_application", column)
    with op.batch_alter_table("file", schema=None) as batch_op:
        batch_op.alter_column("interaction_id", existing_type=sa.TEXT(), nullable=False)
    op.drop_table("work_order_step")
    op.drop_table("work_order")
    op.drop_table("taxpayer_choice")
    op.drop_table("taxpayer")
    op.drop_table("survey_answer")
    op.drop_table("number_sequence")
    op.drop_table("notice_delivery")
    op.drop_table("notice")
    op.drop_table("inquiry")
    op.drop_table("appointment_slot")
    op.drop_table("appointment_hold")
    op.drop_table("appointment_capacity")
    op.drop_table("appointment")
