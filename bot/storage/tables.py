"""Every table. Instants are integer microseconds UTC, ids are 64 bits, SQLite tables are STRICT."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from bot.storage.types import BIGINT, Flag, Instant, Json, Real, Words

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[Any]:
    return Column("id", BIGINT, primary_key=True, autoincrement=True)


def _table(name: str, *parts: Any) -> Table:
    return Table(name, metadata, *parts, sqlite_strict=True)


# --- Communities -------------------------------------------------------------------------------

guilds = _table(
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
)

destinations = _table(
    "destinations",  # channels that refuse our messages
    Column("channel_id", BIGINT, primary_key=True, autoincrement=False),
    Column("guild_id", BIGINT, nullable=False),
    Column("reason", Words, nullable=False),
    Column("blocked_since", Instant, nullable=False),
    Column("tries", BIGINT, nullable=False, server_default="1"),
    Column("next_try_at", Instant, nullable=False),
)

# --- Lives -------------------------------------------------------------------------------------

accounts = _table(
    "accounts",
    _id(),
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

subscriptions = _table(
    "subscriptions",
    _id(),
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

lives = _table(
    "lives",
    _id(),
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

live_rooms = _table(
    "live_rooms",
    Column("live_id", ForeignKey("lives.id", ondelete="CASCADE"), primary_key=True),
    Column("room_id", BIGINT, primary_key=True, autoincrement=False),
    Column("started_at", Instant, nullable=False),
)

requests = _table(
    "requests",  # the budget ledger: a row is written before a request leaves
    _id(),
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

account_overrides = _table(
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

predictions = _table(
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

day_scores = _table(
    "day_scores",  # how each day of the deployment came out: bot.core.live.predictions.DayScore
    Column("day", Text, primary_key=True),  # ISO
    Column("figures", Json, nullable=False),
)

special_events = _table(
    "special_events",
    _id(),
    Column("guild_id", BIGINT, nullable=False),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE")),  # empty: all of the guild's
    Column("day", Text, nullable=False),  # ISO
    Column("name", Text, nullable=False),
    Column("created_by", BIGINT, nullable=False),
    Column("created_at", Instant, nullable=False),
    Index("ix_special_events_guild_id_day", "guild_id", "day"),
)

status_boards = _table(
    "status_boards",
    Column("channel_id", BIGINT, primary_key=True, autoincrement=False),
    Column("guild_id", BIGINT, nullable=False),
    Column("event_key", Text, nullable=False),  # of its message in the outbox
    Column("created_by", BIGINT, nullable=False),
    Column("put_at", Instant),
)

sources = _table(
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

# --- Rounds ------------------------------------------------------------------------------------

round_files = _table(
    "round_files",
    _id(),
    Column("server", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("state", Text, nullable=False),  # bot.core.rounds.files
    Column("size", BIGINT, nullable=False),
    Column("modified_at", Instant, nullable=False),
    Column("first_seen_at", Instant, nullable=False),
    Column("listed_at", Instant, nullable=False),
    Column("reason", Words, nullable=False, server_default=""),
    Column("tries", BIGINT, nullable=False, server_default="0"),
    Column("next_try_at", Instant),
    Column("silent", Flag, nullable=False),  # found in a backfill: imported, never posted
    Column("sha256", Text),
    Column("content", LargeBinary),  # the raw bytes; everything below can be made anew from them
    UniqueConstraint("server", "name"),
    Index("ix_round_files_server_sha256", "server", "sha256"),
)

rounds = _table(
    "rounds",
    _id(),
    Column("file_id", ForeignKey("round_files.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("server", Text, nullable=False),
    Column("map", Text, nullable=False),
    Column("round", BIGINT, nullable=False),
    Column("ended_at", Instant, nullable=False),
    Column("imported_at", Instant, nullable=False),
    Column("played_seconds", BIGINT),
    Column("winner_side", BIGINT, nullable=False),
    Column("defender_side", BIGINT, nullable=False),
    Column("flags", Json, nullable=False),
    Column("counted", Flag, nullable=False),
    Column("partner_round_id", BIGINT),
    Index("ix_rounds_server_ended_at", "server", "ended_at"),
)

round_players = _table(
    "round_players",
    Column("round_id", ForeignKey("rounds.id", ondelete="CASCADE"), primary_key=True),
    Column("guid", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("side", BIGINT, nullable=False),
    Column("kills", BIGINT, nullable=False),
    Column("deaths", BIGINT, nullable=False),
    Column("damage_given", BIGINT, nullable=False),
    Column("damage_received", BIGINT, nullable=False),
    Column("team_damage_given", BIGINT, nullable=False),
    Column("team_damage_received", BIGINT, nullable=False),
    Column("gibs", BIGINT, nullable=False),
    Column("self_kills", BIGINT, nullable=False),
    Column("team_kills", BIGINT, nullable=False),
    Column("gun_shots", BIGINT, nullable=False),
    Column("gun_hits", BIGINT, nullable=False),
    Column("head_hits", BIGINT, nullable=False),
    Column("headshot_kills", BIGINT, nullable=False),
    Column("revives", BIGINT, nullable=False),
    Column("team_seconds", BIGINT, nullable=False),
    Column("alive_seconds", BIGINT, nullable=False),
    Column("counter_reset", Flag, nullable=False),
)

# --- Telling people ----------------------------------------------------------------------------

outbox = _table(
    "outbox",  # one row per event and channel: the message that should stand there
    _id(),
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
    UniqueConstraint("event_key", "channel_id"),
    Index("ix_outbox_state_next_try_at", "state", "next_try_at"),
)

notes = _table(
    "notes",  # small facts the bot keeps about itself, e.g. the hash of the synced command tree
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
