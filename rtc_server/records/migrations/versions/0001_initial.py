"""All tables of the first version. Over 500 lines: one step of the schema, and never changed again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "agent_status_change",
        sa.Column("change_id", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("change_id", name=op.f("pk_agent_status_change")),
    )
    with op.batch_alter_table("agent_status_change", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_agent_status_change_agent_id_at"), ["agent_id", "at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_agent_status_change_at"), ["at"], unique=False)

    op.create_table(
        "audit_log",
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_audit_log")),
    )
    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_log_actor_id_at"), ["actor_id", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_log_at_entry_id"), ["at", "entry_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_log_subject_at"), ["subject", "at"], unique=False)

    op.create_table(
        "authority",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("short_name", sa.Text(), nullable=False),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["parent"], ["authority.code"], name=op.f("fk_authority_parent")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_authority")),
    )
    with op.batch_alter_table("authority", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_authority_parent"), ["parent"], unique=False)

    op.create_table(
        "canned_reply",
        sa.Column("reply_id", sa.Text(), nullable=False),
        sa.Column("centre_id", sa.Text(), nullable=True),
        sa.Column("owner_id", sa.Text(), nullable=True),
        sa.Column("group", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("shortcut", sa.Text(), nullable=True),
        sa.Column("sort_order", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("reply_id", name=op.f("pk_canned_reply")),
    )
    with op.batch_alter_table("canned_reply", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_canned_reply_centre_id"), ["centre_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_canned_reply_owner_id"), ["owner_id"], unique=False)

    op.create_table(
        "centre",
        sa.Column("centre_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("greeting", sa.Text(), nullable=False),
        sa.Column("default_capacity", sa.Integer(), nullable=False),
        sa.Column("blocked_file_types", sa.JSON(), nullable=False),
        sa.Column("wait_timeout_ms", sa.BigInteger(), nullable=False),
        sa.Column("offer_ring_ms", sa.BigInteger(), nullable=False),
        sa.Column("grace_ms", sa.BigInteger(), nullable=False),
        sa.Column("decline_pause_ms", sa.BigInteger(), nullable=False),
        sa.Column("after_work_ms", sa.BigInteger(), nullable=False),
        sa.Column("positions_interval_ms", sa.BigInteger(), nullable=False),
        sa.Column("max_passed_over", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("centre_id", name=op.f("pk_centre")),
    )
    op.create_table(
        "interaction",
        sa.Column("interaction_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("taxpayer_id", sa.Text(), nullable=False),
        sa.Column("taxpayer_name", sa.Text(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=True),
        sa.Column("centre_id", sa.Text(), nullable=True),
        sa.Column("agent_id", sa.Text(), nullable=True),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("close_reason", sa.Text(), nullable=True),
        sa.Column("context", sa.Text(), nullable=True),
        sa.Column("wrap_up_code", sa.Text(), nullable=True),
        sa.Column("wrap_up_note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("interaction_id", name=op.f("pk_interaction")),
    )
    with op.batch_alter_table("interaction", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_interaction_agent_id_opened_at"), ["agent_id", "opened_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_interaction_centre_id_opened_at"), ["centre_id", "opened_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_interaction_opened_at"), ["opened_at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_interaction_phase_opened_at"), ["phase", "opened_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_interaction_taxpayer_id_opened_at"), ["taxpayer_id", "opened_at"], unique=False
        )

    op.create_table(
        "note",
        sa.Column("note_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("taxpayer_id", sa.Text(), nullable=False),
        sa.Column("interaction_id", sa.Text(), nullable=True),
        sa.Column("author_id", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("note_id", name=op.f("pk_note")),
    )
    with op.batch_alter_table("note", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_note_taxpayer_id_created_at"), ["taxpayer_id", "created_at"], unique=False
        )

    op.create_table(
        "setting",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "name", name=op.f("pk_setting")),
    )
    op.create_table(
        "skill",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_skill")),
    )
    op.create_table(
        "tag",
        sa.Column("taxpayer_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("author_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("taxpayer_id", "name", name=op.f("pk_tag")),
    )
    op.create_table(
        "ticket",
        sa.Column("ticket_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("taxpayer_id", sa.Text(), nullable=False),
        sa.Column("centre_id", sa.Text(), nullable=False),
        sa.Column("skills", sa.JSON(), nullable=False),
        sa.Column("place_class", sa.Integer(), nullable=False),
        sa.Column("place_number", sa.BigInteger(), nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("last_agent", sa.Text(), nullable=True),
        sa.Column("agent_id", sa.Text(), nullable=True),
        sa.Column("served_by", sa.JSON(), nullable=False),
        sa.Column("directed_to", sa.Text(), nullable=True),
        sa.Column("gone_at", sa.BigInteger(), nullable=True),
        sa.Column("gone_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_ticket")),
    )
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_ticket_centre_id_joined_at"), ["centre_id", "joined_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_ticket_gone_at"), ["gone_at"], unique=False)

    op.create_table(
        "wrap_up_code",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("centre_id", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sort_order", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_wrap_up_code")),
    )
    op.create_table(
        "call_record",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("interaction_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("accepted_at", sa.BigInteger(), nullable=True),
        sa.Column("connected_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["interaction_id"],
            ["interaction.interaction_id"],
            name=op.f("fk_call_record_interaction_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_call_record")),
    )
    with op.batch_alter_table("call_record", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_call_record_interaction_id_requested_at"),
            ["interaction_id", "requested_at"],
            unique=False,
        )

    op.create_table(
        "centre_authority",
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("centre_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authority"], ["authority.code"], name=op.f("fk_centre_authority_authority"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["centre_id"],
            ["centre.centre_id"],
            name=op.f("fk_centre_authority_centre_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("authority", name=op.f("pk_centre_authority")),
    )
    with op.batch_alter_table("centre_authority", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_centre_authority_centre_id"), ["centre_id"], unique=False)

    op.create_table(
        "file",
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("interaction_id", sa.Text(), nullable=False),
        sa.Column("sender_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["interaction_id"],
            ["interaction.interaction_id"],
            name=op.f("fk_file_interaction_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("file_id", name=op.f("pk_file")),
    )
    with op.batch_alter_table("file", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_file_interaction_id_created_at"), ["interaction_id", "created_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_file_state_created_at"), ["state", "created_at"], unique=False)

    op.create_table(
        "holiday",
        sa.Column("centre_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("shifts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["centre_id"], ["centre.centre_id"], name=op.f("fk_holiday_centre_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("centre_id", "day", name=op.f("pk_holiday")),
    )
    op.create_table(
        "interaction_member",
        sa.Column("interaction_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.Column("left_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["interaction_id"],
            ["interaction.interaction_id"],
            name=op.f("fk_interaction_member_interaction_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("interaction_id", "person_id", name=op.f("pk_interaction_member")),
    )
    with op.batch_alter_table("interaction_member", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_interaction_member_person_id"), ["person_id"], unique=False)

    op.create_table(
        "message",
        sa.Column("interaction_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sender_id", sa.Text(), nullable=True),
        sa.Column("client_message_id", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.Column("file_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["interaction_id"],
            ["interaction.interaction_id"],
            name=op.f("fk_message_interaction_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("interaction_id", "seq", name=op.f("pk_message")),
        sa.UniqueConstraint(
            "interaction_id",
            "sender_id",
            "client_message_id",
            name=op.f("uq_message_interaction_id_sender_id_client_message_id"),
        ),
    )
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_message_sent_at"), ["sent_at"], unique=False)

    op.create_table(
        "rating",
        sa.Column("interaction_id", sa.Text(), nullable=False),
        sa.Column("taxpayer_id", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=True),
        sa.Column("solved", sa.Boolean(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("rated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["interaction_id"],
            ["interaction.interaction_id"],
            name=op.f("fk_rating_interaction_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("interaction_id", name=op.f("pk_rating")),
    )
    with op.batch_alter_table("rating", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_rating_agent_id_rated_at"), ["agent_id", "rated_at"], unique=False
        )

    op.create_table(
        "staff",
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("staff_number", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["authority"], ["authority.code"], name=op.f("fk_staff_authority")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_staff")),
        sa.UniqueConstraint("authority", "staff_number", name=op.f("uq_staff_authority_staff_number")),
    )
    op.create_table(
        "transfer",
        sa.Column("transfer_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("interaction_id", sa.Text(), nullable=False),
        sa.Column("from_agent", sa.Text(), nullable=False),
        sa.Column("to_agent", sa.Text(), nullable=True),
        sa.Column("to_centre", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("taken_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["interaction_id"],
            ["interaction.interaction_id"],
            name=op.f("fk_transfer_interaction_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("transfer_id", name=op.f("pk_transfer")),
    )
    with op.batch_alter_table("transfer", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_transfer_interaction_id_asked_at"), ["interaction_id", "asked_at"], unique=False
        )

    op.create_table(
        "working_hours",
        sa.Column("centre_id", sa.Text(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("start_minute", sa.Integer(), nullable=False),
        sa.Column("end_minute", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["centre_id"], ["centre.centre_id"], name=op.f("fk_working_hours_centre_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("centre_id", "weekday", "start_minute", name=op.f("pk_working_hours")),
    )
    op.create_table(
        "staff_centre",
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("centre_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["centre_id"], ["centre.centre_id"], name=op.f("fk_staff_centre_centre_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["staff.person_id"], name=op.f("fk_staff_centre_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", "centre_id", name=op.f("pk_staff_centre")),
    )
    op.create_table(
        "staff_skill",
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("skill", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["staff.person_id"], name=op.f("fk_staff_skill_person_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["skill"], ["skill.code"], name=op.f("fk_staff_skill_skill"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", "skill", name=op.f("pk_staff_skill")),
    )


def downgrade() -> None:
    op.drop_table("staff_skill")
    op.drop_table("staff_centre")
    op.drop_table("working_hours")
    with op.batch_alter_table("transfer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_transfer_interaction_id_asked_at"))

    op.drop_table("transfer")
    op.drop_table("staff")
    with op.batch_alter_table("rating", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rating_agent_id_rated_at"))

    op.drop_table("rating")
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_message_sent_at"))

    op.drop_table("message")
    with op.batch_alter_table("interaction_member", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_interaction_member_person_id"))

    op.drop_table("interaction_member")
    op.drop_table("holiday")
    with op.batch_alter_table("file", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_file_state_created_at"))
        batch_op.drop_index(batch_op.f("ix_file_interaction_id_created_at"))

    op.drop_table("file")
    with op.batch_alter_table("centre_authority", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_centre_authority_centre_id"))

    op.drop_table("centre_authority")
    with op.batch_alter_table("call_record", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_call_record_interaction_id_requested_at"))

    op.drop_table("call_record")
    op.drop_table("wrap_up_code")
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ticket_gone_at"))
        batch_op.drop_index(batch_op.f("ix_ticket_centre_id_joined_at"))

    op.drop_table("ticket")
    op.drop_table("tag")
    op.drop_table("skill")
    op.drop_table("setting")
    with op.batch_alter_table("note", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_note_taxpayer_id_created_at"))

    op.drop_table("note")
    with op.batch_alter_table("interaction", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_interaction_taxpayer_id_opened_at"))
        batch_op.drop_index(batch_op.f("ix_interaction_phase_opened_at"))
        batch_op.drop_index(batch_op.f("ix_interaction_opened_at"))
        batch_op.drop_index(batch_op.f("ix_interaction_centre_id_opened_at"))
        batch_op.drop_index(batch_op.f("ix_interaction_agent_id_opened_at"))

    op.drop_table("interaction")
    op.drop_table("centre")
    with op.batch_alter_table("canned_reply", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_canned_reply_owner_id"))
        batch_op.drop_index(batch_op.f("ix_canned_reply_centre_id"))

    op.drop_table("canned_reply")
    with op.batch_alter_table("authority", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_authority_parent"))

    op.drop_table("authority")
    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_log_subject_at"))
        batch_op.drop_index(batch_op.f("ix_audit_log_at_entry_id"))
        batch_op.drop_index(batch_op.f("ix_audit_log_actor_id_at"))

    op.drop_table("audit_log")
    with op.batch_alter_table("agent_status_change", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_agent_status_change_at"))
        batch_op.drop_index(batch_op.f("ix_agent_status_change_agent_id_at"))

    op.drop_table("agent_status_change")
