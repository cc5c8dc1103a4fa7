"""Lists of questions, those there are and those removed, of what the assistant could not answer, of canned replies and of one's
own appointments: indexes that hold what each is filtered, grouped and paged by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_OWN = ["taxpayer_id", "starts_at", "appointment_id"]
_FILTERS = ["state", "progress", "method", "origin", "service", "number"]
_ON_THE_LIST = sa.text("work IS NOT NULL")
_REMOVED = sa.text("content IS NULL")


def upgrade() -> None:
    op.drop_index("ix_knowledge_question_topic_question_id", "knowledge_question")
    op.drop_index("ix_knowledge_question_updated_at_question_id", "knowledge_question")
    op.create_index(
        "ix_knowledge_question_list",
        "knowledge_question",
        ["updated_at", "question_id", "topic", "pinned", "valid_from", "valid_until"],
    )
    op.create_index(
        "ix_knowledge_version_removed",
        "knowledge_version",
        ["saved_at", "question_id", "revision"],
        sqlite_where=_REMOVED,
        postgresql_where=_REMOVED,
    )
    op.drop_index("ix_assistant_turn_work_at", "assistant_turn")
    op.create_index(
        "ix_assistant_turn_work",
        "assistant_turn",
        ["work", "asked", "question_id", "at", "turn_id", "feedback_reason"],
        sqlite_where=_ON_THE_LIST,
        postgresql_where=_ON_THE_LIST,
    )
    op.drop_index("ix_canned_reply_centre_id", "canned_reply")
    op.create_index("ix_canned_reply_centre_id_owner_id", "canned_reply", ["centre_id", "owner_id"])
    op.drop_index("ix_appointment_own", "appointment")
    op.create_index("ix_appointment_own", "appointment", [*_OWN, *_FILTERS])


def downgrade() -> None:
    op.drop_index("ix_appointment_own", "appointment")
    op.create_index("ix_appointment_own", "appointment", _OWN)
    op.drop_index("ix_canned_reply_centre_id_owner_id", "canned_reply")
    op.create_index("ix_canned_reply_centre_id", "canned_reply", ["centre_id"])
    op.drop_index("ix_assistant_turn_work", "assistant_turn")
    op.create_index("ix_assistant_turn_work_at", "assistant_turn", ["work", "at"])
    op.drop_index("ix_knowledge_version_removed", "knowledge_version")
    op.drop_index("ix_knowledge_question_list", "knowledge_question")
    op.create_index(
        "ix_knowledge_question_updated_at_question_id", "knowledge_question", ["updated_at", "question_id"]
    )
    op.create_index("ix_knowledge_question_topic_question_id", "knowledge_question", ["topic", "question_id"])
