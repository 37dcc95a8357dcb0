"""Everything people see of rounds: all counters, weapons, awards, duels, ratings, and what admins chose.

What is made of the files is emptied where it changes: the bot makes it anew from the raw bytes when it starts
(`bot.services.round_rebuild`).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FLAG = sa.Boolean().with_variant(sa.Integer(), "sqlite")

_KNOWN = (
    *("side", "kills", "deaths", "damage_given", "damage_received"),
    *("team_damage_given", "team_damage_received", "gibs", "self_kills", "team_kills", "team_gibs"),
    *("gun_shots", "gun_hits", "head_hits", "revives", "xp", "team_seconds", "alive_seconds"),
)
_PERHAPS = (
    *("headshot_kills", "useful_kills", "denied_seconds", "dynamite_planted", "dynamite_defused"),
    *("double_kills", "triple_kills", "quad_kills", "penta_kills", "hexa_kills"),
)


def upgrade() -> None:
    """Create the new tables, widen two, and begin the players of rounds anew."""
    _widen_guilds()
    _widen_rounds()
    _renew_round_players()
    _create_round_weapons()
    _create_endstats()
    _create_player_ratings()
    _create_choices()
    _create_evenings()
    _create_people()


def _widen_guilds() -> None:
    op.add_column("guilds", sa.Column("weekly_players", FLAG, server_default="1", nullable=False))
    op.add_column("guilds", sa.Column("audit_channel_id", BIGINT, nullable=True))


def _widen_rounds() -> None:
    op.add_column("rounds", sa.Column("limit_seconds", BIGINT, server_default="0", nullable=False))
    op.add_column("rounds", sa.Column("attackers_succeeded", FLAG, nullable=True))


def _renew_round_players() -> None:
    op.drop_table("round_players")
    op.create_table(
        "round_players",
        sa.Column("guid", sa.Text(), nullable=False),
        sa.Column("round_id", BIGINT, nullable=False),
        *[sa.Column(name, BIGINT, nullable=False) for name in _KNOWN],
        *[sa.Column(name, BIGINT, nullable=True) for name in _PERHAPS],
        sa.Column("counter_reset", FLAG, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        _reference("round_players", "round_id", "rounds"),
        sa.PrimaryKeyConstraint("guid", "round_id", name=op.f("pk_round_players")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_round_players_round_id", "round_players", ["round_id"], unique=False)


def _create_round_weapons() -> None:
    op.create_table(
        "round_weapons",
        sa.Column("guid", sa.Text(), nullable=False),
        sa.Column("round_id", BIGINT, nullable=False),
        sa.Column("weapon", BIGINT, autoincrement=False, nullable=False),
        *[
            sa.Column(name, BIGINT, nullable=False)
            for name in ("hits", "shots", "kills", "deaths", "head_hits")
        ],
        _reference("round_weapons", "round_id", "rounds"),
        sa.PrimaryKeyConstraint("guid", "round_id", "weapon", name=op.f("pk_round_weapons")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_round_weapons_round_id", "round_weapons", ["round_id"], unique=False)


def _create_endstats() -> None:
    op.create_table(
        "round_awards",
        sa.Column("round_id", BIGINT, nullable=False),
        sa.Column("number", BIGINT, autoincrement=False, nullable=False),
        sa.Column("file_id", BIGINT, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        _reference("round_awards", "round_id", "rounds"),
        _reference("round_awards", "file_id", "round_files"),
        sa.PrimaryKeyConstraint("round_id", "number", name=op.f("pk_round_awards")),
        sqlite_strict=True,
    )
    op.create_table(
        "round_duels",
        sa.Column("guid", sa.Text(), nullable=False),
        sa.Column("round_id", BIGINT, nullable=False),
        sa.Column("opponent_guid", sa.Text(), nullable=False),
        sa.Column("file_id", BIGINT, nullable=False),
        sa.Column("kills", BIGINT, nullable=False),
        sa.Column("deaths", BIGINT, nullable=False),
        _reference("round_duels", "round_id", "rounds"),
        _reference("round_duels", "file_id", "round_files"),
        sa.PrimaryKeyConstraint("guid", "round_id", "opponent_guid", name=op.f("pk_round_duels")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_round_duels_round_id", "round_duels", ["round_id"], unique=False)


def _create_player_ratings() -> None:
    op.create_table(
        "player_ratings",
        sa.Column("guid", sa.Text(), nullable=False),
        sa.Column("mean", BIGINT, nullable=False),
        sa.Column("deviation", BIGINT, nullable=False),
        sa.Column("maps", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("guid", name=op.f("pk_player_ratings")),
        sqlite_strict=True,
    )


def _create_choices() -> None:
    op.create_table(
        "round_choices",
        sa.Column("guild_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("server", sa.Text(), nullable=False),
        *[
            sa.Column(name, FLAG, server_default="1", nullable=False)
            for name in ("monitoring", "posts", "evenings", "milestones")
        ],
        sa.PrimaryKeyConstraint("guild_id", "server", name=op.f("pk_round_choices")),
        sqlite_strict=True,
    )
    op.create_table(
        "voided_rounds",
        sa.Column("file_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("voided_by", BIGINT, nullable=False),
        sa.Column("voided_at", BIGINT, nullable=False),
        _reference("voided_rounds", "file_id", "round_files"),
        sa.PrimaryKeyConstraint("file_id", name=op.f("pk_voided_rounds")),
        sqlite_strict=True,
    )
    for table, column in (("ignored_maps", "map"), ("ignored_players", "guid")):
        op.create_table(
            table,
            sa.Column("server", sa.Text(), nullable=False),
            sa.Column(column, sa.Text(), nullable=False),
            sa.PrimaryKeyConstraint("server", column, name=op.f(f"pk_{table}")),
            sqlite_strict=True,
        )


def _create_evenings() -> None:
    op.create_table(
        "evening_teams",
        sa.Column("file_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("team", BIGINT, autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        _reference("evening_teams", "file_id", "round_files"),
        sa.PrimaryKeyConstraint("file_id", "team", name=op.f("pk_evening_teams")),
        sqlite_strict=True,
    )
    op.create_table(
        "evening_members",
        sa.Column("file_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("guid", sa.Text(), nullable=False),
        sa.Column("team", BIGINT, nullable=False),
        _reference("evening_members", "file_id", "round_files"),
        sa.PrimaryKeyConstraint("file_id", "guid", name=op.f("pk_evening_members")),
        sqlite_strict=True,
    )
    op.create_table(
        "evening_posts",
        sa.Column("round_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("event_key", sa.Text(), nullable=False),
        _reference("evening_posts", "round_id", "rounds"),
        sa.PrimaryKeyConstraint("round_id", name=op.f("pk_evening_posts")),
        sqlite_strict=True,
    )


def _create_people() -> None:
    op.create_table(
        "player_links",
        sa.Column("guild_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("user_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("guid", sa.Text(), nullable=False),
        sa.Column("linked_by", BIGINT, nullable=False),
        sa.Column("linked_at", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("guild_id", "user_id", name=op.f("pk_player_links")),
        sa.UniqueConstraint("guild_id", "guid", name=op.f("uq_player_links_guild_id_guid")),
        sqlite_strict=True,
    )
    op.create_table(
        "milestones",
        sa.Column("guild_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("guid", sa.Text(), nullable=False),
        sa.Column("counter", sa.Text(), nullable=False),
        sa.Column("threshold", BIGINT, autoincrement=False, nullable=False),
        sa.Column("reached_at", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("guild_id", "guid", "counter", "threshold", name=op.f("pk_milestones")),
        sqlite_strict=True,
    )
    op.create_table(
        "audit_log",
        sa.Column("id", BIGINT, autoincrement=True, nullable=False),
        sa.Column("guild_id", BIGINT, nullable=False),
        sa.Column("user_id", BIGINT, nullable=False),
        sa.Column("at", BIGINT, nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
        sqlite_strict=True,
    )


def _reference(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    """Refer to the id of another table, and go with its row."""
    name = op.f(f"fk_{table}_{column}")
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=name, ondelete="CASCADE")
