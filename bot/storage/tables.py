"""Every table but those of posts, of rounds and of recorded lives: `post_tables`, `round_tables`, `stream_tables`."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
    text,
)

from bot.storage import post_tables, round_tables, schema, stream_tables
from bot.storage.schema import id_column, table
from bot.storage.types import BIGINT, Flag, Instant, Json, Real, Words

metadata = schema.metadata
ELSEWHERE = (
    post_tables,
    round_tables,
    stream_tables,
)  # their tables are in `metadata` because they are imported here

# --- Communities -------------------------------------------------------------------------------

guilds = table(
    "guilds",
    Column("guild_id", BIGINT, primary_key=True, autoincrement=False),
    Column("language", Text, nullable=False, server_default="en"),
    Column("time_zone", Text, nullable=False, server_default="UTC"),
    Column("lives_channel_id", BIGINT),
    Column("rounds_channel_id", BIGINT),
    Column("admin_channel_id", BIGINT),
    Column("set_up_by", BIGINT),
    Column("set_up_at", Instant),
    Column("left_at", Instant),  # the bot was removed; rows are kept for a grace period
    Column("country", Text, nullable=False, server_default=""),  # whose public holidays count
    Column("daily_scores", Flag, nullable=False, server_default="0"),
    Column("weekly_players", Flag, nullable=False, server_default="1"),  # the week's table of players
    Column("weekly_streams", Flag, nullable=False, server_default="1"),  # the week's digest of recorded lives
    Column("audit_channel_id", BIGINT),  # where admins' changes are told; else where their notices go
    Column("personal_roles", Flag, nullable=False, server_default="0"),  # the bot may make roles of its own
)

destinations = table(
    "destinations",  # channels that refuse our messages
    Column("channel_id", BIGINT, primary_key=True, autoincrement=False),
    Column("guild_id", BIGINT, nullable=False),
    Column("reason", Words, nullable=False),
    Column("blocked_since", Instant, nullable=False),
    Column("tries", BIGINT, nullable=False, server_default="1"),
    Column("next_try_at", Instant, nullable=False),
)

# --- Lives -------------------------------------------------------------------------------------

accounts = table(
    "accounts",
    id_column(),
    Column("platform", Text, nullable=False),
    Column("platform_id", BIGINT),  # stable; unknown until the platform first named the person
    Column("handle", Text, nullable=False),
    Column("nickname", Text, nullable=False, server_default=""),
    Column("followers", BIGINT),
    Column("profile_state", Text, nullable=False),
    Column("added_at", Instant, nullable=False),
    Column("last_checked_at", Instant),
    Column("last_answer", Text),
    Column("last_reason", Words, nullable=False, server_default=""),
    Column("next_check_at", Instant, nullable=False),
    Column("leased_until", Instant),
    Column("epoch", BIGINT, nullable=False, server_default="0"),
    UniqueConstraint("platform", "platform_id"),
    Index("ix_accounts_next_check_at", "next_check_at"),
    # The few that are being checked now.
    Index(
        "ix_accounts_leased_until",
        "leased_until",
        sqlite_where=text("leased_until IS NOT NULL"),
        postgresql_where=text("leased_until IS NOT NULL"),
    ),
)

subscriptions = table(
    "subscriptions",
    id_column(),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("guild_id", BIGINT, nullable=False),
    Column("channel_id", BIGINT, nullable=False),
    Column("role_id", BIGINT),
    Column("paused", Flag, nullable=False, server_default="0"),
    Column("created_by", BIGINT, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("account_id", "channel_id"),
    Index("ix_subscriptions_guild_id", "guild_id"),
)

lives = table(
    "lives",
    id_column(),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("phase", Text, nullable=False),  # bot.core.live.transitions.Phase
    Column("started_at", Instant, nullable=False),
    Column("found_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    Column("doubted_at", Instant),
    Column("paused_at", Instant),
    Column("ended_at", Instant),
    Column("title", Text, nullable=False),
    Column("cover_url", Text, nullable=False),
    Column("viewers", BIGINT),
    Column("peak_viewers", BIGINT),
    Column("diamonds", BIGINT),  # unknown without a recorder
    # At most one live of an account is going on at a time.
    Index(
        "uq_lives_open",
        "account_id",
        unique=True,
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
    Index("ix_lives_account_id_started_at", "account_id", "started_at"),
)

live_rooms = table(
    "live_rooms",
    Column("live_id", ForeignKey("lives.id", ondelete="CASCADE"), primary_key=True),
    Column("room_id", BIGINT, primary_key=True, autoincrement=False),
    Column("started_at", Instant, nullable=False),
)

requests = table(
    "requests",  # the budget ledger: a row is written before a request leaves
    id_column(),
    Column("ledger", Text, nullable=False),  # bot.core.live.budget.Ledger
    Column("purpose", Text, nullable=False),
    Column("account_id", BIGINT),
    Column("guild_id", BIGINT),  # the guild whose people asked; empty for the bot's own plan
    Column("asked_at", Instant, nullable=False),
    Column("answer", Text),
    Column("reason", Words, nullable=False, server_default=""),
    Index("ix_requests_ledger_asked_at", "ledger", "asked_at"),
    Index("ix_requests_account_id_asked_at", "account_id", "asked_at"),
)

# --- Predictions --------------------------------------------------------------------------------

account_overrides = table(
    "account_overrides",  # what a guild's admins asked for one account
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    Column("guild_id", BIGINT, primary_key=True, autoincrement=False),
    Column("policy", Text, nullable=False, server_default=""),
    Column("priority", Real, nullable=False, server_default="1000000"),
    Column("pinned_seconds", BIGINT),
    Column("boosted_until", Instant),
    Column("boosted_seconds", BIGINT),
    Column("frozen", Flag, nullable=False, server_default="0"),
    Column("set_by", BIGINT, nullable=False),
    Column("set_at", Instant, nullable=False),
)

predictions = table(
    "predictions",  # what was said of an hour before it began, and whether a live was seen to start in it
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    Column("hour", Instant, primary_key=True),
    Column("policy", Text, nullable=False),  # whose model said it, whichever planned the checks
    Column("probability", Real, nullable=False),
    Column("live", Real, nullable=False),
    Column("confidence", Real, nullable=False),
    Column("recommendation", Text, nullable=False),  # bot.core.live.predictions.Recommendation
    Column("expected_missed", Real, nullable=False, server_default="0"),
    Column("started", Flag),  # empty until the hour is over and somebody looked
    Index("ix_predictions_hour", "hour"),
)

day_scores = table(
    "day_scores",  # how each day of the deployment came out: bot.core.live.predictions.DayScore
    Column("day", Text, primary_key=True),  # ISO
    Column("figures", Json, nullable=False),
)

special_events = table(
    "special_events",
    id_column(),
    Column("guild_id", BIGINT, nullable=False),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE")),  # empty: all of the guild's
    Column("day", Text, nullable=False),  # ISO
    Column("name", Text, nullable=False),
    Column("created_by", BIGINT, nullable=False),
    Column("created_at", Instant, nullable=False),
    Index("ix_special_events_guild_id_day", "guild_id", "day"),
)

status_boards = table(
    "status_boards",
    Column("channel_id", BIGINT, primary_key=True, autoincrement=False),
    Column("guild_id", BIGINT, nullable=False),
    Column("event_key", Text, nullable=False),  # of its message in the outbox
    Column("created_by", BIGINT, nullable=False),
    Column("put_at", Instant),
)

sources = table(
    "sources",  # the health of each outside source, so that a restart does not forget a block
    Column("name", Text, primary_key=True),
    Column("failures", BIGINT, nullable=False),
    Column("down_since", Instant),
    Column("closed_until", Instant),  # no request before this instant (circuit breaker)
    Column("last_ok_at", Instant),
    Column("last_error_at", Instant),
    Column("last_error", Words, nullable=False, server_default=""),
    Column("last_blocked_at", Instant),
)

# --- Telling people ----------------------------------------------------------------------------

outbox = table(
    "outbox",  # one row per event and channel: the message that should stand there
    id_column(),
    Column("event_key", Text, nullable=False),
    Column("guild_id", BIGINT, nullable=False),
    Column("channel_id", BIGINT, nullable=False),  # for a direct message: the id of the user
    Column("direct", Flag, nullable=False, server_default="0"),
    Column("message", Json, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("revision", BIGINT, nullable=False, server_default="1"),
    Column("delivered_revision", BIGINT, nullable=False, server_default="0"),
    Column("state", Text, nullable=False),  # bot.core.delivery.OutboxState
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("next_try_at", Instant, nullable=False),
    Column("tries", BIGINT, nullable=False, server_default="0"),
    Column("first_tried_at", Instant),  # set before the first send, so that a crash leaves a trace
    Column("message_id", BIGINT),
    Column("delivered_at", Instant),
    Column("error", Words, nullable=False, server_default=""),
    # What people subscribe to; empty for answers and tests, which no subscription steers.
    Column("kind", Text, nullable=False, server_default=""),  # bot.core.notifications.kinds.Kind
    Column("subject", Text, nullable=False, server_default=""),
    Column("facts", Json),  # what its template may name and its rules ask for
    Column("held_by", Text, nullable=False, server_default=""),  # bot.core.notifications.deciding.Rule
    Column("held_until", Instant),  # empty: only a change frees it
    Column("told_at", Instant),  # when it was let out
    Column("why", Words, nullable=False, server_default=""),  # it is held, was skipped, or pinged nobody
    Column("merged_into", Text, nullable=False, server_default=""),  # the event whose message tells of it
    Column("placement", Json),  # bot.core.notifications.placement.Placement
    Column("thread_id", BIGINT),  # of the forum post, or the thread that was opened for it
    Column("in_thread", Flag, nullable=False, server_default="0"),  # it stands in that thread itself
    Column("published", Flag, nullable=False, server_default="0"),
    Column("remove_after_hours", BIGINT, nullable=False, server_default="0"),  # 0: it stays
    Column("remove_at", Instant),  # when its subscription wants it gone
    Column("removing", Flag, nullable=False, server_default="0"),
    Column("generation", BIGINT, nullable=False, server_default="0"),  # how often it was posted anew
    Column("old_message_id", BIGINT),  # to be deleted: it is posted anew
    Column("posted_at", Instant),  # when it was posted, the last time if that was anew
    UniqueConstraint("event_key", "channel_id"),
    Index("ix_outbox_state_next_try_at", "state", "next_try_at"),
    Index("ix_outbox_guild_id_id", "guild_id", "id"),
    Index("ix_outbox_channel_id_kind_subject", "channel_id", "kind", "subject"),
    Index(
        "ix_outbox_remove_at",
        "remove_at",
        sqlite_where=text("remove_at IS NOT NULL"),
        postgresql_where=text("remove_at IS NOT NULL"),
    ),
)

notification_rules = table(
    "notification_rules",  # what was chosen for a kind, or for one account or server, in a channel
    Column("channel_id", BIGINT, primary_key=True, autoincrement=False),
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),  # empty: all of the kind
    Column("guild_id", BIGINT, nullable=False),
    Column("options", Json, nullable=False),  # bot.core.notifications.options.Options
    Column("off", Flag, nullable=False, server_default="0"),  # not told here, though /setup or /live say so
    Column("adds", Flag, nullable=False, server_default="1"),  # told here though nothing else says so
    Column("paused_until", Instant),
    Column("created_by", BIGINT, nullable=False),
    Column("created_at", Instant, nullable=False),
    Index("ix_notification_rules_guild_id_kind", "guild_id", "kind"),
)

notification_defaults = table(
    "notification_defaults",  # what a guild chose for all messages of a kind
    Column("guild_id", BIGINT, primary_key=True, autoincrement=False),
    Column("kind", Text, primary_key=True),
    Column("options", Json, nullable=False),
)

offered_roles = table(
    "offered_roles",  # roles that members take and leave by a button
    Column("guild_id", BIGINT, primary_key=True, autoincrement=False),
    Column("role_id", BIGINT, primary_key=True, autoincrement=False),
)

personal_roles = table(
    "personal_roles",  # roles that the bot keeps for those who asked for an account
    Column("guild_id", BIGINT, primary_key=True, autoincrement=False),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", BIGINT, nullable=False),
)

notes = table(
    "notes",  # small facts the bot keeps about itself, e.g. the hash of the synced command tree
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
