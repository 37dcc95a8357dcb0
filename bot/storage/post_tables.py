"""The tables of profiles: what is read of them every day, the jobs that do it, and the pictures that are kept.

A profile is an account (`tables.accounts`) that a community watches for its posts. Snapshots older than retention
allows are thinned, after they were exported; everything else is kept for ever.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Text, text

from bot.core.posts.models import COUNTED
from bot.storage.schema import id_column, table
from bot.storage.types import BIGINT, Flag, Instant, Json, Words

COUNTS = COUNTED


def _account(*, primary_key: bool = False) -> Column[int]:
    return Column(
        "account_id",
        ForeignKey("accounts.id", ondelete="CASCADE"),
        primary_key=primary_key,
        nullable=False,
        autoincrement=False,
    )


def _counts() -> list[Column[int]]:
    """Give what is counted of a post; empty where the source did not say, never 0."""
    return [Column(name, BIGINT) for name in COUNTS]


profiles = table(
    "profiles",  # one row for each account whose posts anybody watches, or watched
    _account(primary_key=True),
    Column("sec_uid", Text, nullable=False, server_default=""),  # how the platform names it for its listing
    Column("followers", BIGINT),  # the last that a source told
    Column("total_likes", BIGINT),
    Column("counted_at", Instant),  # when it told them
    Column("last_run_at", Instant),  # of the last run that was completed
    Column("full_read_at", Instant),  # of the last run that read all pages
    Column("next_run_at", Instant, nullable=False),
    # The trouble of the runs since the last completed one: bot.core.posts.models.Trouble, empty where there is none.
    Column("trouble", Text, nullable=False, server_default=""),
    Column("trouble_words", Words, nullable=False, server_default=""),
    Column("failing_since", Instant),
    Index("ix_profiles_next_run_at", "next_run_at"),
)

profile_watches = table(
    "profile_watches",  # a guild that watches a profile, and what it chose
    _account(primary_key=True),
    Column("guild_id", BIGINT, primary_key=True, autoincrement=False),
    Column("interval_hours", BIGINT, nullable=False),  # the shortest of those that are not paused holds
    Column("paused", Flag, nullable=False, server_default="0"),
    Column(
        "report", Text, nullable=False, server_default=""
    ),  # bot.core.posts.models.ReportEvery, empty: none
    Column("report_channel_id", BIGINT),
    Column("report_since", Instant),  # when it was chosen: what was due before is not made up
    Column("created_by", BIGINT, nullable=False),
    Column("created_at", Instant, nullable=False),
    Index("ix_profile_watches_guild_id", "guild_id"),
)

profile_runs = table(
    "profile_runs",  # the log of runs
    id_column(),
    _account(),
    Column("state", Text, nullable=False),  # bot.core.posts.models.RunState
    Column("reason", Text, nullable=False),  # bot.core.posts.models.RunReason
    Column("is_full", Flag, nullable=False),  # it is to read all pages
    Column("asked_by", BIGINT),  # the user who asked for it, and where
    Column("asked_in_guild_id", BIGINT),
    Column("queued_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("attempts", BIGINT, nullable=False, server_default="0"),
    *[Column(name, BIGINT, nullable=False, server_default="0") for name in ("posts", "pages", "requests")],
    Column("new_posts", BIGINT, nullable=False, server_default="0"),
    Column("credits_left", BIGINT),
    Column("source", Text, nullable=False, server_default=""),  # the last that was asked
    Column("is_complete", Flag, nullable=False, server_default="0"),  # it read all that it was to read
    # Of the page that is being written the posts that are not yet, so that a kill leaves no half of it.
    Column("unwritten", Json),
    Column(
        "trouble", Text, nullable=False, server_default=""
    ),  # bot.core.posts.models.Trouble of the last attempt
    Column("error", Words, nullable=False, server_default=""),
    Index("ix_profile_runs_account_id_id", "account_id", "id"),
    # At most one run of a profile is waited for.
    Index(
        "uq_profile_runs_open",
        "account_id",
        unique=True,
        sqlite_where=text("finished_at IS NULL"),
        postgresql_where=text("finished_at IS NULL"),
    ),
)

profile_run_askers = table(
    "profile_run_askers",  # where the end of a run is waited for; a row goes when it was told there
    Column(
        "run_id",
        ForeignKey("profile_runs.id", ondelete="CASCADE"),
        primary_key=True,
        nullable=False,
        autoincrement=False,
    ),
    Column("channel_id", BIGINT, primary_key=True, autoincrement=False),
    Column("guild_id", BIGINT, nullable=False),
    Column("user_id", BIGINT, nullable=False),
    Column("asked_at", Instant, nullable=False),
)

posts = table(
    "posts",
    Column("post_id", BIGINT, primary_key=True, autoincrement=False),  # the platform's own number
    _account(),
    Column("posted_at", Instant, nullable=False),
    Column("caption", Text, nullable=False, server_default=""),
    Column("url", Text, nullable=False),
    Column(
        "cover_url", Text, nullable=False, server_default=""
    ),  # the last link that a source gave; it expires
    Column("duration_seconds", BIGINT),
    Column("first_seen_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    Column("missed_runs", BIGINT, nullable=False, server_default="0"),  # complete runs in a row without it
    Column("gone_at", Instant),  # when it was marked as gone
    # The last known value of each, so that sums and tables need no snapshots.
    *_counts(),
    Column("counted_at", Instant, nullable=False),
    Index("ix_posts_account_id_posted_at", "account_id", "posted_at"),
)

post_snapshots = table(
    "post_snapshots",  # one row for each post and run
    Column("post_id", ForeignKey("posts.post_id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("run_id", BIGINT, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    *_counts(),
    Column("source", Text, nullable=False),
    Index("ix_post_snapshots_at", "at"),
    sqlite_with_rowid=False,
)

profile_snapshots = table(
    "profile_snapshots",  # one row for each profile and completed run: sums over its known posts
    _account(primary_key=True),
    Column("run_id", BIGINT, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("posts", BIGINT, nullable=False),
    *_counts(),
    Column("followers", BIGINT),
    Column("total_likes", BIGINT),  # as the platform counts them, over all posts there ever were
    Column("source", Text, nullable=False),
    Index("ix_profile_snapshots_account_id_at", "account_id", "at"),
    sqlite_with_rowid=False,
)

profile_milestones = table(
    "profile_milestones",  # what was passed, once ever
    _account(primary_key=True),
    Column("post_id", BIGINT, primary_key=True, autoincrement=False),  # 0: of the profile itself
    Column("measure", Text, primary_key=True),
    Column("value", BIGINT, primary_key=True, autoincrement=False),
    Column("passed_at", Instant),  # empty: before anybody looked
)

post_archives = table(
    "post_archives",  # files that snapshots were exported to before they were thinned
    id_column(),
    Column("file", Text, nullable=False, unique=True),  # its name in the archive folder
    Column("begins_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("rows", BIGINT, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("verified_at", Instant, nullable=False),
    Column("deleted_at", Instant),
)

media = table(
    "media",  # pictures of posts and profiles, kept because their links expire
    Column("owner", Text, primary_key=True),  # bot.core.posts.models.MediaOwner: "post" or "profile"
    Column("owner_id", BIGINT, primary_key=True, autoincrement=False),
    Column("source_url", Text, nullable=False),  # where it was last fetched from, or tried
    Column("file", Text, nullable=False, server_default=""),  # its name in the media folder; empty: none yet
    Column("media_type", Text, nullable=False, server_default=""),
    Column("bytes", BIGINT),
    Column("sha256", Text, nullable=False, server_default=""),
    Column("fetched_at", Instant),
    Column("error", Words, nullable=False, server_default=""),  # why the last try failed
    Column("tried_at", Instant),
)

jobs = table(
    "jobs",  # the queue of one host: bot.jobs.queue. The terms are procrastinate's
    id_column(),
    Column("queue", Text, nullable=False),
    Column("kind", Text, nullable=False),  # a key of bot.jobs.catalog
    Column("lock", Text, nullable=False, server_default=""),  # of those with the same one, one runs at a time
    Column("queueing_lock", Text, nullable=False, server_default=""),  # one of them waits or runs at a time
    Column("priority", BIGINT, nullable=False, server_default="0"),  # higher goes first
    Column("args", Json, nullable=False),
    Column("state", Text, nullable=False),  # bot.core.jobs.JobState
    Column("scheduled_at", Instant, nullable=False),  # not before
    Column("attempts", BIGINT, nullable=False, server_default="0"),  # how often it was started
    Column("holder", Text, nullable=False, server_default=""),
    Column("leased_until", Instant),
    Column("epoch", BIGINT, nullable=False, server_default="0"),
    Column("error", Words, nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Index(
        "uq_jobs_queueing_lock",
        "queueing_lock",
        unique=True,
        sqlite_where=text("state IN ('todo', 'doing') AND queueing_lock <> ''"),
        postgresql_where=text("state IN ('todo', 'doing') AND queueing_lock <> ''"),
    ),
    Index(
        "ix_jobs_todo",
        "queue",
        "priority",
        "scheduled_at",
        sqlite_where=text("state = 'todo'"),
        postgresql_where=text("state = 'todo'"),
    ),
    Index(
        "ix_jobs_doing",
        "leased_until",
        sqlite_where=text("state = 'doing'"),
        postgresql_where=text("state = 'doing'"),
    ),
    Index("ix_jobs_finished_at", "finished_at"),
)
