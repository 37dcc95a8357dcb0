"""Recorded lives: minutes, gifts, who took part, what was found, and what admins chose."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FLAG = sa.Boolean().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create every table of recorded lives, and the switch of the weekly digest."""
    op.add_column("guilds", sa.Column("weekly_streams", FLAG, server_default="1", nullable=False))
    _create_database_sizes()
    _create_forgotten_people()
    _create_gift_kinds()
    _create_stream_archives()
    _create_stream_people()
    _create_stream_choices()
    _create_contribution_gifts()
    _create_contributions()
    _create_recordings()
    _create_stream_comments()
    _create_stream_findings()
    _create_stream_gifts()
    _create_stream_minutes()
    _create_supporter_sums()
    _create_supporter_kinds()


def _create_database_sizes() -> None:
    op.create_table(
        "database_sizes",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("bytes", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_database_sizes")),
        sqlite_strict=True,
    )


def _create_forgotten_people() -> None:
    op.create_table(
        "forgotten_people",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("at", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_forgotten_people")),
        sqlite_strict=True,
    )


def _create_gift_kinds() -> None:
    op.create_table(
        "gift_kinds",
        sa.Column("gift_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("diamonds", BIGINT, nullable=True),
        sa.Column("streakable", FLAG, nullable=True),
        sa.Column("seen_at", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("gift_id", name=op.f("pk_gift_kinds")),
        sqlite_strict=True,
    )


def _create_stream_archives() -> None:
    op.create_table(
        "stream_archives",
        sa.Column("id", BIGINT, autoincrement=True, nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("begins_at", BIGINT, nullable=False),
        sa.Column("ends_at", BIGINT, nullable=False),
        sa.Column("rows", BIGINT, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("lives", sa.Text(), nullable=False),
        sa.Column("verified_at", BIGINT, nullable=False),
        sa.Column("deleted_at", BIGINT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stream_archives")),
        sa.UniqueConstraint("file", name=op.f("uq_stream_archives_file")),
        sqlite_strict=True,
    )


def _create_stream_people() -> None:
    op.create_table(
        "stream_people",
        sa.Column("person_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("nickname", sa.Text(), nullable=False),
        sa.Column("seen_at", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_stream_people")),
        sqlite_strict=True,
    )


def _create_stream_choices() -> None:
    op.create_table(
        "stream_choices",
        sa.Column("account_id", BIGINT, nullable=False),
        sa.Column("guild_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("record", FLAG, server_default="1", nullable=False),
        sa.Column("keep_comments", FLAG, server_default="0", nullable=False),
        sa.Column("live_edits", FLAG, server_default="0", nullable=False),
        sa.Column("set_by", BIGINT, nullable=False),
        sa.Column("set_at", BIGINT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_stream_choices_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "guild_id", name=op.f("pk_stream_choices")),
        sqlite_strict=True,
    )


def _create_contribution_gifts() -> None:
    op.create_table(
        "contribution_gifts",
        sa.Column("live_id", BIGINT, nullable=False),
        sa.Column("person_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("gift_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("count", BIGINT, server_default="0", nullable=False),
        sa.Column("diamonds", BIGINT, server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["live_id"], ["lives.id"], name=op.f("fk_contribution_gifts_live_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("live_id", "person_id", "gift_id", name=op.f("pk_contribution_gifts")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_contribution_gifts_person_id_live_id_gift_id",
        "contribution_gifts",
        ["person_id", "live_id", "gift_id"],
        unique=False,
    )


def _create_contributions() -> None:
    op.create_table(
        "contributions",
        sa.Column("live_id", BIGINT, nullable=False),
        sa.Column("person_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("account_id", BIGINT, nullable=False),
        sa.Column("comments", BIGINT, server_default="0", nullable=False),
        sa.Column("likes", BIGINT, server_default="0", nullable=False),
        sa.Column("gifts", BIGINT, server_default="0", nullable=False),
        sa.Column("diamonds", BIGINT, server_default="0", nullable=False),
        sa.Column("estimated_diamonds", BIGINT, server_default="0", nullable=False),
        sa.Column("guest_gifts", BIGINT, server_default="0", nullable=False),
        sa.Column("guest_diamonds", BIGINT, server_default="0", nullable=False),
        sa.Column("follows", BIGINT, server_default="0", nullable=False),
        sa.Column("shares", BIGINT, server_default="0", nullable=False),
        sa.Column("joins", BIGINT, server_default="0", nullable=False),
        sa.Column("subscriptions", BIGINT, server_default="0", nullable=False),
        sa.Column("first_at", BIGINT, nullable=False),
        sa.Column("last_at", BIGINT, nullable=False),
        sa.Column("last_comment_at", BIGINT, nullable=True),
        sa.Column("last_gift_at", BIGINT, nullable=True),
        sa.ForeignKeyConstraint(
            ["live_id"], ["lives.id"], name=op.f("fk_contributions_live_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("live_id", "person_id", name=op.f("pk_contributions")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_contributions_given",
        "contributions",
        ["live_id", "person_id", "gifts", "diamonds", "estimated_diamonds", "last_gift_at"],
        unique=False,
        sqlite_where=sa.text("gifts > 0"),
        postgresql_where=sa.text("gifts > 0"),
    )
    op.create_index("ix_contributions_person_id", "contributions", ["person_id"], unique=False)


def _create_recordings() -> None:
    op.create_table(
        "recordings",
        sa.Column("live_id", BIGINT, nullable=False),
        sa.Column("account_id", BIGINT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("room_id", BIGINT, nullable=False),
        sa.Column("holder", sa.Text(), server_default="", nullable=False),
        sa.Column("leased_until", BIGINT, nullable=True),
        sa.Column("epoch", BIGINT, server_default="0", nullable=False),
        sa.Column("wanted_at", BIGINT, nullable=False),
        sa.Column("stopped_by", BIGINT, nullable=True),
        sa.Column("trouble", sa.Text(), server_default="", nullable=False),
        sa.Column("ended_seen_at", BIGINT, nullable=True),
        sa.Column("paused_seen_at", BIGINT, nullable=True),
        sa.Column("first_connected_at", BIGINT, nullable=True),
        sa.Column("last_event_at", BIGINT, nullable=True),
        sa.Column("connected_seconds", BIGINT, server_default="0", nullable=False),
        sa.Column("connections", BIGINT, server_default="0", nullable=False),
        sa.Column("viewers", BIGINT, nullable=True),
        sa.Column("viewers_at", BIGINT, nullable=True),
        sa.Column("peak_viewers", BIGINT, nullable=True),
        sa.Column("peak_at", BIGINT, nullable=True),
        sa.Column("viewer_seconds", BIGINT, server_default="0", nullable=False),
        sa.Column("watched_seconds", BIGINT, server_default="0", nullable=False),
        sa.Column("entered", BIGINT, nullable=True),
        sa.Column("room_likes", BIGINT, nullable=True),
        sa.Column("comments", BIGINT, server_default="0", nullable=False),
        sa.Column("likes", BIGINT, server_default="0", nullable=False),
        sa.Column("gifts", BIGINT, server_default="0", nullable=False),
        sa.Column("diamonds", BIGINT, server_default="0", nullable=False),
        sa.Column("estimated_diamonds", BIGINT, server_default="0", nullable=False),
        sa.Column("unvalued_gifts", BIGINT, server_default="0", nullable=False),
        sa.Column("guest_gifts", BIGINT, server_default="0", nullable=False),
        sa.Column("guest_diamonds", BIGINT, server_default="0", nullable=False),
        sa.Column("follows", BIGINT, server_default="0", nullable=False),
        sa.Column("shares", BIGINT, server_default="0", nullable=False),
        sa.Column("joins", BIGINT, server_default="0", nullable=False),
        sa.Column("subscriptions", BIGINT, server_default="0", nullable=False),
        sa.Column("people", BIGINT, server_default="0", nullable=False),
        sa.Column("commenters", BIGINT, server_default="0", nullable=False),
        sa.Column("likers", BIGINT, server_default="0", nullable=False),
        sa.Column("gifters", BIGINT, server_default="0", nullable=False),
        sa.Column("dropped_joins", BIGINT, server_default="0", nullable=False),
        sa.Column("coalesced_likes", BIGINT, server_default="0", nullable=False),
        sa.Column("batches", BIGINT, server_default="0", nullable=False),
        sa.Column("memory", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_recordings_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["live_id"], ["lives.id"], name=op.f("fk_recordings_live_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("live_id", name=op.f("pk_recordings")),
        sqlite_strict=True,
    )
    op.create_index("ix_recordings_account_id", "recordings", ["account_id"], unique=False)
    op.create_index("ix_recordings_state", "recordings", ["state"], unique=False)


def _create_stream_comments() -> None:
    op.create_table(
        "stream_comments",
        sa.Column("live_id", BIGINT, nullable=False),
        sa.Column("message_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("person_id", BIGINT, nullable=False),
        sa.Column("at", BIGINT, nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["live_id"], ["lives.id"], name=op.f("fk_stream_comments_live_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("live_id", "message_id", name=op.f("pk_stream_comments")),
        sqlite_strict=True,
    )
    op.create_index("ix_stream_comments_at", "stream_comments", ["at"], unique=False)
    op.create_index("ix_stream_comments_person_id", "stream_comments", ["person_id"], unique=False)


def _create_stream_findings() -> None:
    op.create_table(
        "stream_findings",
        sa.Column("live_id", BIGINT, nullable=False),
        sa.Column("found_at", BIGINT, nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["live_id"], ["lives.id"], name=op.f("fk_stream_findings_live_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("live_id", name=op.f("pk_stream_findings")),
        sqlite_strict=True,
    )


def _create_stream_gifts() -> None:
    op.create_table(
        "stream_gifts",
        sa.Column("id", BIGINT, autoincrement=True, nullable=False),
        sa.Column("live_id", BIGINT, nullable=False),
        sa.Column("person_id", BIGINT, nullable=False),
        sa.Column("to_person_id", BIGINT, server_default="0", nullable=False),
        sa.Column("gift_id", BIGINT, nullable=False),
        sa.Column("group_id", BIGINT, nullable=False),
        sa.Column("count", BIGINT, nullable=False),
        sa.Column("diamonds_each", BIGINT, nullable=True),
        sa.Column("value_from", sa.Text(), nullable=False),
        sa.Column("first_at", BIGINT, nullable=False),
        sa.Column("last_at", BIGINT, nullable=False),
        sa.ForeignKeyConstraint(
            ["live_id"], ["lives.id"], name=op.f("fk_stream_gifts_live_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stream_gifts")),
        sa.UniqueConstraint(
            "live_id",
            "person_id",
            "gift_id",
            "group_id",
            "to_person_id",
            name=op.f("uq_stream_gifts_live_id_person_id_gift_id_group_id_to_person_id"),
        ),
        sqlite_strict=True,
    )
    op.create_index("ix_stream_gifts_live_id_first_at", "stream_gifts", ["live_id", "first_at"], unique=False)


def _create_stream_minutes() -> None:
    op.create_table(
        "stream_minutes",
        sa.Column("live_id", BIGINT, nullable=False),
        sa.Column("minute", BIGINT, nullable=False),
        sa.Column("minutes", BIGINT, server_default="1", nullable=False),
        sa.Column("viewers_first", BIGINT, nullable=True),
        sa.Column("viewers_last", BIGINT, nullable=True),
        sa.Column("viewers_min", BIGINT, nullable=True),
        sa.Column("viewers_max", BIGINT, nullable=True),
        sa.Column("viewer_seconds", BIGINT, server_default="0", nullable=False),
        sa.Column("watched_seconds", BIGINT, server_default="0", nullable=False),
        sa.Column("connected_seconds", BIGINT, server_default="0", nullable=False),
        sa.Column("comments", BIGINT, server_default="0", nullable=False),
        sa.Column("likes", BIGINT, server_default="0", nullable=False),
        sa.Column("gifts", BIGINT, server_default="0", nullable=False),
        sa.Column("diamonds", BIGINT, server_default="0", nullable=False),
        sa.Column("estimated_diamonds", BIGINT, server_default="0", nullable=False),
        sa.Column("guest_gifts", BIGINT, server_default="0", nullable=False),
        sa.Column("guest_diamonds", BIGINT, server_default="0", nullable=False),
        sa.Column("follows", BIGINT, server_default="0", nullable=False),
        sa.Column("shares", BIGINT, server_default="0", nullable=False),
        sa.Column("joins", BIGINT, server_default="0", nullable=False),
        sa.Column("subscriptions", BIGINT, server_default="0", nullable=False),
        sa.Column("people", BIGINT, server_default="0", nullable=False),
        sa.Column("commenters", BIGINT, server_default="0", nullable=False),
        sa.Column("gifters", BIGINT, server_default="0", nullable=False),
        sa.Column("dropped_joins", BIGINT, server_default="0", nullable=False),
        sa.Column("coalesced_likes", BIGINT, server_default="0", nullable=False),
        sa.Column("activity", BIGINT, nullable=True),
        sa.Column("influence", BIGINT, nullable=True),
        sa.ForeignKeyConstraint(
            ["live_id"], ["lives.id"], name=op.f("fk_stream_minutes_live_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("live_id", "minute", name=op.f("pk_stream_minutes")),
        sqlite_strict=True,
    )


def _create_supporter_sums() -> None:
    op.create_table(
        "supporter_sums",
        sa.Column("month", BIGINT, autoincrement=False, nullable=False),
        sa.Column("account_id", BIGINT, nullable=False),
        sa.Column("person_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("gifts", BIGINT, server_default="0", nullable=False),
        sa.Column("diamonds", BIGINT, server_default="0", nullable=False),
        sa.Column("estimated_diamonds", BIGINT, server_default="0", nullable=False),
        sa.Column("last_gift_at", BIGINT, nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_supporter_sums_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("month", "account_id", "person_id", name=op.f("pk_supporter_sums")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_supporter_sums_person_id", "supporter_sums", ["person_id"], unique=False)


def _create_supporter_kinds() -> None:
    op.create_table(
        "supporter_kinds",
        sa.Column("person_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("account_id", BIGINT, nullable=False),
        sa.Column("gift_id", BIGINT, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_supporter_kinds_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", "account_id", "gift_id", name=op.f("pk_supporter_kinds")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
