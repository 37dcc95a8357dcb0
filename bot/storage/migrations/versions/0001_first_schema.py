"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FLAG = sa.Boolean().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create every table, those that are referred to first."""
    _create_accounts()
    _create_destinations()
    _create_guilds()
    _create_notes()
    _create_outbox()
    _create_requests()
    _create_round_files()
    _create_sources()
    _create_lives()
    _create_rounds()
    _create_subscriptions()
    _create_live_rooms()
    _create_round_players()


def _create_accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", BIGINT, autoincrement=True, nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("platform_id", BIGINT, nullable=True),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("nickname", sa.Text(), server_default="", nullable=False),
        sa.Column("followers", BIGINT, nullable=True),
        sa.Column("profile_state", sa.Text(), nullable=False),
        sa.Column("added_at", BIGINT, nullable=False),
        sa.Column("last_checked_at", BIGINT, nullable=True),
        sa.Column("last_answer", sa.Text(), nullable=True),
        sa.Column("last_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("next_check_at", BIGINT, nullable=False),
        sa.Column("leased_until", BIGINT, nullable=True),
        sa.Column("epoch", BIGINT, server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("platform", "platform_id", name=op.f("uq_accounts_platform_platform_id")),
        sqlite_strict=True,
    )
    op.create_index("ix_accounts_next_check_at", "accounts", ["next_check_at"], unique=False)


def _create_destinations() -> None:
    op.create_table(
        "destinations",
        sa.Column("channel_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("guild_id", BIGINT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("blocked_since", BIGINT, nullable=False),
        sa.Column("tries", BIGINT, server_default="1", nullable=False),
        sa.Column("next_try_at", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("channel_id", name=op.f("pk_destinations")),
        sqlite_strict=True,
    )


def _create_guilds() -> None:
    op.create_table(
        "guilds",
        sa.Column("guild_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("language", sa.Text(), server_default="en", nullable=False),
        sa.Column("time_zone", sa.Text(), server_default="UTC", nullable=False),
        sa.Column("lives_channel_id", BIGINT, nullable=True),
        sa.Column("rounds_channel_id", BIGINT, nullable=True),
        sa.Column("admin_channel_id", BIGINT, nullable=True),
        sa.Column("set_up_by", BIGINT, nullable=True),
        sa.Column("set_up_at", BIGINT, nullable=True),
        sa.Column("left_at", BIGINT, nullable=True),
        sa.PrimaryKeyConstraint("guild_id", name=op.f("pk_guilds")),
        sqlite_strict=True,
    )


def _create_notes() -> None:
    op.create_table(
        "notes",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_notes")),
        sqlite_strict=True,
    )


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", BIGINT, autoincrement=True, nullable=False),
        sa.Column("event_key", sa.Text(), nullable=False),
        sa.Column("guild_id", BIGINT, nullable=False),
        sa.Column("channel_id", BIGINT, nullable=False),
        sa.Column("direct", FLAG, server_default="0", nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("revision", BIGINT, server_default="1", nullable=False),
        sa.Column("delivered_revision", BIGINT, server_default="0", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", BIGINT, nullable=False),
        sa.Column("expires_at", BIGINT, nullable=True),
        sa.Column("next_try_at", BIGINT, nullable=False),
        sa.Column("tries", BIGINT, server_default="0", nullable=False),
        sa.Column("first_tried_at", BIGINT, nullable=True),
        sa.Column("message_id", BIGINT, nullable=True),
        sa.Column("delivered_at", BIGINT, nullable=True),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("event_key", "channel_id", name=op.f("uq_outbox_event_key_channel_id")),
        sqlite_strict=True,
    )
    op.create_index("ix_outbox_state_next_try_at", "outbox", ["state", "next_try_at"], unique=False)


def _create_requests() -> None:
    op.create_table(
        "requests",
        sa.Column("id", BIGINT, autoincrement=True, nullable=False),
        sa.Column("ledger", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("account_id", BIGINT, nullable=True),
        sa.Column("guild_id", BIGINT, nullable=True),
        sa.Column("asked_at", BIGINT, nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
        sqlite_strict=True,
    )
    op.create_index("ix_requests_account_id_asked_at", "requests", ["account_id", "asked_at"], unique=False)
    op.create_index("ix_requests_ledger_asked_at", "requests", ["ledger", "asked_at"], unique=False)


def _create_round_files() -> None:
    op.create_table(
        "round_files",
        sa.Column("id", BIGINT, autoincrement=True, nullable=False),
        sa.Column("server", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("size", BIGINT, nullable=False),
        sa.Column("modified_at", BIGINT, nullable=False),
        sa.Column("first_seen_at", BIGINT, nullable=False),
        sa.Column("listed_at", BIGINT, nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("tries", BIGINT, server_default="0", nullable=False),
        sa.Column("next_try_at", BIGINT, nullable=True),
        sa.Column("silent", FLAG, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round_files")),
        sa.UniqueConstraint("server", "name", name=op.f("uq_round_files_server_name")),
        sqlite_strict=True,
    )
    op.create_index("ix_round_files_server_sha256", "round_files", ["server", "sha256"], unique=False)


def _create_sources() -> None:
    op.create_table(
        "sources",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("failures", BIGINT, nullable=False),
        sa.Column("down_since", BIGINT, nullable=True),
        sa.Column("closed_until", BIGINT, nullable=True),
        sa.Column("last_ok_at", BIGINT, nullable=True),
        sa.Column("last_error_at", BIGINT, nullable=True),
        sa.Column("last_error", sa.Text(), server_default="", nullable=False),
        sa.Column("last_blocked_at", BIGINT, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sources")),
        sqlite_strict=True,
    )


def _create_lives() -> None:
    op.create_table(
        "lives",
        sa.Column("id", BIGINT, autoincrement=True, nullable=False),
        sa.Column("account_id", BIGINT, nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("started_at", BIGINT, nullable=False),
        sa.Column("found_at", BIGINT, nullable=False),
        sa.Column("last_seen_at", BIGINT, nullable=False),
        sa.Column("doubted_at", BIGINT, nullable=True),
        sa.Column("paused_at", BIGINT, nullable=True),
        sa.Column("ended_at", BIGINT, nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("cover_url", sa.Text(), nullable=False),
        sa.Column("viewers", BIGINT, nullable=True),
        sa.Column("peak_viewers", BIGINT, nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_lives_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lives")),
        sqlite_strict=True,
    )
    op.create_index("ix_lives_account_id_started_at", "lives", ["account_id", "started_at"], unique=False)
    op.create_index(
        "uq_lives_open",
        "lives",
        ["account_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def _create_rounds() -> None:
    op.create_table(
        "rounds",
        sa.Column("id", BIGINT, autoincrement=True, nullable=False),
        sa.Column("file_id", BIGINT, nullable=False),
        sa.Column("server", sa.Text(), nullable=False),
        sa.Column("map", sa.Text(), nullable=False),
        sa.Column("round", BIGINT, nullable=False),
        sa.Column("ended_at", BIGINT, nullable=False),
        sa.Column("imported_at", BIGINT, nullable=False),
        sa.Column("played_seconds", BIGINT, nullable=True),
        sa.Column("winner_side", BIGINT, nullable=False),
        sa.Column("defender_side", BIGINT, nullable=False),
        sa.Column("flags", sa.Text(), nullable=False),
        sa.Column("counted", FLAG, nullable=False),
        sa.Column("partner_round_id", BIGINT, nullable=True),
        sa.ForeignKeyConstraint(
            ["file_id"], ["round_files.id"], name=op.f("fk_rounds_file_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rounds")),
        sa.UniqueConstraint("file_id", name=op.f("uq_rounds_file_id")),
        sqlite_strict=True,
    )
    op.create_index("ix_rounds_server_ended_at", "rounds", ["server", "ended_at"], unique=False)


def _create_subscriptions() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("id", BIGINT, autoincrement=True, nullable=False),
        sa.Column("account_id", BIGINT, nullable=False),
        sa.Column("guild_id", BIGINT, nullable=False),
        sa.Column("channel_id", BIGINT, nullable=False),
        sa.Column("role_id", BIGINT, nullable=True),
        sa.Column("paused", FLAG, server_default="0", nullable=False),
        sa.Column("created_by", BIGINT, nullable=False),
        sa.Column("created_at", BIGINT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_subscriptions_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
        sa.UniqueConstraint("account_id", "channel_id", name=op.f("uq_subscriptions_account_id_channel_id")),
        sqlite_strict=True,
    )
    op.create_index("ix_subscriptions_guild_id", "subscriptions", ["guild_id"], unique=False)


def _create_live_rooms() -> None:
    op.create_table(
        "live_rooms",
        sa.Column("live_id", BIGINT, nullable=False),
        sa.Column("room_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("started_at", BIGINT, nullable=False),
        sa.ForeignKeyConstraint(
            ["live_id"], ["lives.id"], name=op.f("fk_live_rooms_live_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("live_id", "room_id", name=op.f("pk_live_rooms")),
        sqlite_strict=True,
    )


def _create_round_players() -> None:
    op.create_table(
        "round_players",
        sa.Column("round_id", BIGINT, nullable=False),
        sa.Column("guid", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("side", BIGINT, nullable=False),
        sa.Column("kills", BIGINT, nullable=False),
        sa.Column("deaths", BIGINT, nullable=False),
        sa.Column("damage_given", BIGINT, nullable=False),
        sa.Column("damage_received", BIGINT, nullable=False),
        sa.Column("team_damage_given", BIGINT, nullable=False),
        sa.Column("team_damage_received", BIGINT, nullable=False),
        sa.Column("gibs", BIGINT, nullable=False),
        sa.Column("self_kills", BIGINT, nullable=False),
        sa.Column("team_kills", BIGINT, nullable=False),
        sa.Column("gun_shots", BIGINT, nullable=False),
        sa.Column("gun_hits", BIGINT, nullable=False),
        sa.Column("head_hits", BIGINT, nullable=False),
        sa.Column("headshot_kills", BIGINT, nullable=False),
        sa.Column("revives", BIGINT, nullable=False),
        sa.Column("team_seconds", BIGINT, nullable=False),
        sa.Column("alive_seconds", BIGINT, nullable=False),
        sa.Column("counter_reset", FLAG, nullable=False),
        sa.ForeignKeyConstraint(
            ["round_id"], ["rounds.id"], name=op.f("fk_round_players_round_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("round_id", "guid", name=op.f("pk_round_players")),
        sqlite_strict=True,
    )
