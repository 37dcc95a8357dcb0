"""The tables of rounds: the files, what is made of them, and what people chose about them."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Text, UniqueConstraint

from bot.storage.schema import id_column, table
from bot.storage.types import BIGINT, Flag, Instant, Json, Real, Words

# --- Rounds ------------------------------------------------------------------------------------

round_files = table(
    "round_files",
    id_column(),
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

rounds = table(
    "rounds",
    id_column(),
    Column("file_id", ForeignKey("round_files.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("server", Text, nullable=False),
    Column("map", Text, nullable=False),
    Column("round", BIGINT, nullable=False),
    Column("ended_at", Instant, nullable=False),
    Column("imported_at", Instant, nullable=False),
    Column("played_seconds", BIGINT),
    Column("limit_seconds", BIGINT, nullable=False, server_default="0"),
    Column("winner_side", BIGINT, nullable=False),
    Column("defender_side", BIGINT, nullable=False),
    Column("attackers_succeeded", Flag),
    Column("flags", Json, nullable=False),
    Column("counted", Flag, nullable=False),  # what tables read: by its flags, and not left out by an admin
    Column("partner_round_id", BIGINT),
    Index("ix_rounds_server_ended_at", "server", "ended_at"),
)

# Kept by player, so that the sums of all, and all of one, are read without sorting.
round_players = table(
    "round_players",
    Column("guid", Text, primary_key=True),
    Column("round_id", ForeignKey("rounds.id", ondelete="CASCADE"), primary_key=True),
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
    Column("team_gibs", BIGINT, nullable=False),
    Column("gun_shots", BIGINT, nullable=False),
    Column("gun_hits", BIGINT, nullable=False),
    Column("head_hits", BIGINT, nullable=False),
    Column("revives", BIGINT, nullable=False),
    Column("xp", BIGINT, nullable=False),
    Column("team_seconds", BIGINT, nullable=False),
    Column("alive_seconds", BIGINT, nullable=False),
    # Unknown, not 0, where the script does not count them.
    Column("headshot_kills", BIGINT),
    Column("useful_kills", BIGINT),
    Column("denied_seconds", BIGINT),
    Column("dynamite_planted", BIGINT),
    Column("dynamite_defused", BIGINT),
    Column("double_kills", BIGINT),
    Column("triple_kills", BIGINT),
    Column("quad_kills", BIGINT),
    Column("penta_kills", BIGINT),
    Column("hexa_kills", BIGINT),
    Column("counter_reset", Flag, nullable=False),
    Column("name", Text, nullable=False),
    Index("ix_round_players_round_id", "round_id"),
    sqlite_with_rowid=False,
)

round_weapons = table(
    "round_weapons",
    Column("guid", Text, primary_key=True),
    Column("round_id", ForeignKey("rounds.id", ondelete="CASCADE"), primary_key=True),
    Column("weapon", BIGINT, primary_key=True, autoincrement=False),  # its number in the file
    Column("hits", BIGINT, nullable=False),
    Column("shots", BIGINT, nullable=False),
    Column("kills", BIGINT, nullable=False),
    Column("deaths", BIGINT, nullable=False),
    Column("head_hits", BIGINT, nullable=False),
    Index("ix_round_weapons_round_id", "round_id"),
    sqlite_with_rowid=False,
)

round_awards = table(
    "round_awards",  # of the endstats file of a round
    Column("round_id", ForeignKey("rounds.id", ondelete="CASCADE"), primary_key=True),
    Column("number", BIGINT, primary_key=True, autoincrement=False),  # its place in the file
    Column("file_id", ForeignKey("round_files.id", ondelete="CASCADE"), nullable=False),
    Column("title", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("value", Text, nullable=False),
)

round_duels = table(
    "round_duels",  # of the endstats file of a round, seen from `guid`
    Column("guid", Text, primary_key=True),
    Column("round_id", ForeignKey("rounds.id", ondelete="CASCADE"), primary_key=True),
    Column("opponent_guid", Text, primary_key=True),
    Column("file_id", ForeignKey("round_files.id", ondelete="CASCADE"), nullable=False),
    Column("kills", BIGINT, nullable=False),
    Column("deaths", BIGINT, nullable=False),
    Index("ix_round_duels_round_id", "round_id"),
    sqlite_with_rowid=False,
)

player_ratings = table(
    "player_ratings",  # made anew from all counted maps whenever they change
    Column("guid", Text, primary_key=True),
    Column("mean", Real, nullable=False),
    Column("deviation", Real, nullable=False),
    Column("maps", BIGINT, nullable=False),
)

# --- What admins and players chose about rounds --------------------------------------------------

round_choices = table(
    "round_choices",  # a guild's switches for a server; without a row everything is on
    Column("guild_id", BIGINT, primary_key=True, autoincrement=False),
    Column("server", Text, primary_key=True),
    Column("monitoring", Flag, nullable=False, server_default="1"),
    Column("posts", Flag, nullable=False, server_default="1"),
    Column("evenings", Flag, nullable=False, server_default="1"),
    Column("milestones", Flag, nullable=False, server_default="1"),
)

voided_rounds = table(
    "voided_rounds",  # by the file, which stays when a round is made anew
    Column(
        "file_id", ForeignKey("round_files.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    ),
    Column("voided_by", BIGINT, nullable=False),
    Column("voided_at", Instant, nullable=False),
)

ignored_maps = table(
    "ignored_maps",
    Column("server", Text, primary_key=True),
    Column("map", Text, primary_key=True),
)

ignored_players = table(
    "ignored_players",
    Column("server", Text, primary_key=True),
    Column("guid", Text, primary_key=True),
)

evening_teams = table(
    "evening_teams",  # what a team of the evening with this round is called; teams are 0 and 1
    Column(
        "file_id", ForeignKey("round_files.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    ),
    Column("team", BIGINT, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
)

evening_members = table(
    "evening_members",  # who was put into a team of the evening with this round by an admin
    Column(
        "file_id", ForeignKey("round_files.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    ),
    Column("guid", Text, primary_key=True),
    Column("team", BIGINT, nullable=False),
)

evening_posts = table(
    "evening_posts",  # which rounds stand in which summary, so that a late round edits it
    Column("round_id", ForeignKey("rounds.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("event_key", Text, nullable=False),
)

player_links = table(
    "player_links",  # which player a member of a guild is
    Column("guild_id", BIGINT, primary_key=True, autoincrement=False),
    Column("user_id", BIGINT, primary_key=True, autoincrement=False),
    Column("guid", Text, nullable=False),
    Column("linked_by", BIGINT, nullable=False),
    Column("linked_at", Instant, nullable=False),
    UniqueConstraint("guild_id", "guid"),
)

milestones = table(
    "milestones",  # reached for good, told once ever
    Column("guild_id", BIGINT, primary_key=True, autoincrement=False),
    Column("guid", Text, primary_key=True),
    Column("counter", Text, primary_key=True),
    Column("threshold", BIGINT, primary_key=True, autoincrement=False),
    Column("reached_at", Instant, nullable=False),
)

audit_log = table(
    "audit_log",  # what admins changed
    id_column(),
    Column("guild_id", BIGINT, nullable=False),
    Column("user_id", BIGINT, nullable=False),
    Column("at", Instant, nullable=False),
    Column("what", Words, nullable=False),
)
