"""Profiles and posts: runs, snapshots, pictures, and the queue of jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FLAG = sa.Boolean().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create every table of profiles, and the queue."""
    _create_jobs()
    _create_media()
    _create_post_archives()
    _create_posts()
    _create_profile_milestones()
    _create_profile_runs()
    _create_profile_run_askers()
    _create_profile_snapshots()
    _create_profile_watches()
    _create_profiles()
    _create_post_snapshots()


def _create_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", BIGINT, autoincrement=True, nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("lock", sa.Text(), server_default="", nullable=False),
        sa.Column("queueing_lock", sa.Text(), server_default="", nullable=False),
        sa.Column("priority", BIGINT, server_default="0", nullable=False),
        sa.Column("args", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("scheduled_at", BIGINT, nullable=False),
        sa.Column("attempts", BIGINT, server_default="0", nullable=False),
        sa.Column("holder", sa.Text(), server_default="", nullable=False),
        sa.Column("leased_until", BIGINT, nullable=True),
        sa.Column("epoch", BIGINT, server_default="0", nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", BIGINT, nullable=False),
        sa.Column("started_at", BIGINT, nullable=True),
        sa.Column("finished_at", BIGINT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_jobs_doing",
        "jobs",
        ["leased_until"],
        unique=False,
        sqlite_where=sa.text("state = 'doing'"),
        postgresql_where=sa.text("state = 'doing'"),
    )
    op.create_index(op.f("ix_jobs_finished_at"), "jobs", ["finished_at"], unique=False)
    op.create_index(
        "ix_jobs_todo",
        "jobs",
        ["queue", "priority", "scheduled_at"],
        unique=False,
        sqlite_where=sa.text("state = 'todo'"),
        postgresql_where=sa.text("state = 'todo'"),
    )
    op.create_index(
        "uq_jobs_queueing_lock",
        "jobs",
        ["queueing_lock"],
        unique=True,
        sqlite_where=sa.text("state IN ('todo', 'doing') AND queueing_lock <> ''"),
        postgresql_where=sa.text("state IN ('todo', 'doing') AND queueing_lock <> ''"),
    )


def _create_media() -> None:
    op.create_table(
        "media",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("owner_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("source_url", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), server_default="", nullable=False),
        sa.Column("media_type", sa.Text(), server_default="", nullable=False),
        sa.Column("bytes", BIGINT, nullable=True),
        sa.Column("sha256", sa.Text(), server_default="", nullable=False),
        sa.Column("fetched_at", BIGINT, nullable=True),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("tried_at", BIGINT, nullable=True),
        sa.PrimaryKeyConstraint("owner", "owner_id", name=op.f("pk_media")),
        sqlite_strict=True,
    )


def _create_post_archives() -> None:
    op.create_table(
        "post_archives",
        sa.Column("id", BIGINT, autoincrement=True, nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("begins_at", BIGINT, nullable=False),
        sa.Column("ends_at", BIGINT, nullable=False),
        sa.Column("rows", BIGINT, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("verified_at", BIGINT, nullable=False),
        sa.Column("deleted_at", BIGINT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post_archives")),
        sa.UniqueConstraint("file", name=op.f("uq_post_archives_file")),
        sqlite_strict=True,
    )


def _create_posts() -> None:
    op.create_table(
        "posts",
        sa.Column("post_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("account_id", BIGINT, nullable=False),
        sa.Column("posted_at", BIGINT, nullable=False),
        sa.Column("caption", sa.Text(), server_default="", nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("cover_url", sa.Text(), server_default="", nullable=False),
        sa.Column("duration_seconds", BIGINT, nullable=True),
        sa.Column("first_seen_at", BIGINT, nullable=False),
        sa.Column("last_seen_at", BIGINT, nullable=False),
        sa.Column("missed_runs", BIGINT, server_default="0", nullable=False),
        sa.Column("gone_at", BIGINT, nullable=True),
        sa.Column("views", BIGINT, nullable=True),
        sa.Column("likes", BIGINT, nullable=True),
        sa.Column("comments", BIGINT, nullable=True),
        sa.Column("shares", BIGINT, nullable=True),
        sa.Column("saves", BIGINT, nullable=True),
        sa.Column("counted_at", BIGINT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_posts_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("post_id", name=op.f("pk_posts")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_posts_account_id_posted_at"), "posts", ["account_id", "posted_at"], unique=False)


def _create_profile_milestones() -> None:
    op.create_table(
        "profile_milestones",
        sa.Column("account_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("post_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("value", BIGINT, autoincrement=False, nullable=False),
        sa.Column("passed_at", BIGINT, nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_profile_milestones_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(
            "account_id", "post_id", "measure", "value", name=op.f("pk_profile_milestones")
        ),
        sqlite_strict=True,
    )


def _create_profile_runs() -> None:
    op.create_table(
        "profile_runs",
        sa.Column("id", BIGINT, autoincrement=True, nullable=False),
        sa.Column("account_id", BIGINT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("is_full", FLAG, nullable=False),
        sa.Column("asked_by", BIGINT, nullable=True),
        sa.Column("asked_in_guild_id", BIGINT, nullable=True),
        sa.Column("queued_at", BIGINT, nullable=False),
        sa.Column("started_at", BIGINT, nullable=True),
        sa.Column("finished_at", BIGINT, nullable=True),
        sa.Column("attempts", BIGINT, server_default="0", nullable=False),
        sa.Column("posts", BIGINT, server_default="0", nullable=False),
        sa.Column("pages", BIGINT, server_default="0", nullable=False),
        sa.Column("requests", BIGINT, server_default="0", nullable=False),
        sa.Column("new_posts", BIGINT, server_default="0", nullable=False),
        sa.Column("credits_left", BIGINT, nullable=True),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.Column("is_complete", FLAG, server_default="0", nullable=False),
        sa.Column("unwritten", sa.Text(), nullable=True),
        sa.Column("trouble", sa.Text(), server_default="", nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_profile_runs_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_profile_runs")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_profile_runs_account_id_id"), "profile_runs", ["account_id", "id"], unique=False)
    op.create_index(
        "uq_profile_runs_open",
        "profile_runs",
        ["account_id"],
        unique=True,
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    )


def _create_profile_run_askers() -> None:
    op.create_table(
        "profile_run_askers",
        sa.Column("run_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("channel_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("guild_id", BIGINT, nullable=False),
        sa.Column("user_id", BIGINT, nullable=False),
        sa.Column("asked_at", BIGINT, nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["profile_runs.id"], name=op.f("fk_profile_run_askers_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "channel_id", name=op.f("pk_profile_run_askers")),
        sqlite_strict=True,
    )


def _create_profile_snapshots() -> None:
    op.create_table(
        "profile_snapshots",
        sa.Column("account_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("run_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("at", BIGINT, nullable=False),
        sa.Column("posts", BIGINT, nullable=False),
        sa.Column("views", BIGINT, nullable=True),
        sa.Column("likes", BIGINT, nullable=True),
        sa.Column("comments", BIGINT, nullable=True),
        sa.Column("shares", BIGINT, nullable=True),
        sa.Column("saves", BIGINT, nullable=True),
        sa.Column("followers", BIGINT, nullable=True),
        sa.Column("total_likes", BIGINT, nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_profile_snapshots_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "run_id", name=op.f("pk_profile_snapshots")),
        sqlite_with_rowid=False,
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_profile_snapshots_account_id_at"), "profile_snapshots", ["account_id", "at"], unique=False
    )


def _create_profile_watches() -> None:
    op.create_table(
        "profile_watches",
        sa.Column("account_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("guild_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("interval_hours", BIGINT, nullable=False),
        sa.Column("paused", FLAG, server_default="0", nullable=False),
        sa.Column("report", sa.Text(), server_default="", nullable=False),
        sa.Column("report_channel_id", BIGINT, nullable=True),
        sa.Column("report_since", BIGINT, nullable=True),
        sa.Column("created_by", BIGINT, nullable=False),
        sa.Column("created_at", BIGINT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_profile_watches_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "guild_id", name=op.f("pk_profile_watches")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_profile_watches_guild_id"), "profile_watches", ["guild_id"], unique=False)


def _create_profiles() -> None:
    op.create_table(
        "profiles",
        sa.Column("account_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("sec_uid", sa.Text(), server_default="", nullable=False),
        sa.Column("followers", BIGINT, nullable=True),
        sa.Column("total_likes", BIGINT, nullable=True),
        sa.Column("counted_at", BIGINT, nullable=True),
        sa.Column("last_run_at", BIGINT, nullable=True),
        sa.Column("full_read_at", BIGINT, nullable=True),
        sa.Column("next_run_at", BIGINT, nullable=False),
        sa.Column("trouble", sa.Text(), server_default="", nullable=False),
        sa.Column("trouble_words", sa.Text(), server_default="", nullable=False),
        sa.Column("failing_since", BIGINT, nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_profiles_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_profiles")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_profiles_next_run_at"), "profiles", ["next_run_at"], unique=False)


def _create_post_snapshots() -> None:
    op.create_table(
        "post_snapshots",
        sa.Column("post_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("run_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("at", BIGINT, nullable=False),
        sa.Column("views", BIGINT, nullable=True),
        sa.Column("likes", BIGINT, nullable=True),
        sa.Column("comments", BIGINT, nullable=True),
        sa.Column("shares", BIGINT, nullable=True),
        sa.Column("saves", BIGINT, nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["post_id"], ["posts.post_id"], name=op.f("fk_post_snapshots_post_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("post_id", "run_id", name=op.f("pk_post_snapshots")),
        sqlite_with_rowid=False,
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_post_snapshots_at"), "post_snapshots", ["at"], unique=False)
