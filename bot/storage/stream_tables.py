"""The tables of recorded lives: who records, what happened minute by minute, and who took part.

`recordings`, `contributions` and `contribution_gifts` are kept for ever: every leaderboard is made from them. `stream_minutes`
and `stream_gifts` are details that retention exports and deletes.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Text, UniqueConstraint, text

from bot.storage.schema import id_column, table
from bot.storage.types import BIGINT, Flag, Instant, Json, Real, Words


def _live(*, primary_key: bool = False) -> Column[int]:
    return Column(
        "live_id", ForeignKey("lives.id", ondelete="CASCADE"), primary_key=primary_key, nullable=False
    )


def _count(name: str) -> Column[int]:
    return Column(name, BIGINT, nullable=False, server_default="0")


recordings = table(
    "recordings",  # one row for each live that is or was recorded: who holds it, and its totals
    _live(primary_key=True),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("state", Text, nullable=False),  # bot.core.streams.recording.RecordingState
    Column("room_id", BIGINT, nullable=False),  # the room to be in
    # The lease: written by the recorder that holds the room, given up when it ends.
    Column("holder", Text, nullable=False, server_default=""),
    Column("leased_until", Instant),
    Column("epoch", BIGINT, nullable=False, server_default="0"),
    Column("wanted_at", Instant, nullable=False),
    Column("stopped_by", BIGINT),  # the user who stopped it by hand
    Column("trouble", Words, nullable=False, server_default=""),  # why it does not record in full now
    # What the recorder reports; `bot.services.live_monitor` alone moves the live.
    Column("ended_seen_at", Instant),
    Column("paused_seen_at", Instant),
    Column("first_connected_at", Instant),
    Column("last_event_at", Instant),
    Column("connected_seconds", Real, nullable=False, server_default="0"),
    _count("connections"),
    Column("viewers", BIGINT),
    Column("viewers_at", Instant),
    Column("peak_viewers", BIGINT),
    Column("peak_at", Instant),
    Column("viewer_seconds", Real, nullable=False, server_default="0"),  # of time-weighted viewers
    Column("watched_seconds", Real, nullable=False, server_default="0"),  # in which the count was known
    Column("entered", BIGINT),  # people who came in, as the platform counts them, over all rooms
    Column("room_likes", BIGINT),  # likes as the platform counts them, over all rooms; `likes` are those seen
    *[
        _count(name)
        for name in ("comments", "likes", "gifts", "diamonds", "estimated_diamonds", "unvalued_gifts")
    ],
    *[
        _count(name)
        for name in ("guest_gifts", "guest_diamonds", "follows", "shares", "joins", "subscriptions")
    ],
    *[_count(name) for name in ("people", "commenters", "likers", "gifters")],
    *[_count(name) for name in ("dropped_joins", "coalesced_likes")],
    _count("batches"),  # saved ones: none is saved twice
    Column(
        "memory", Json
    ),  # what a restarted recorder must know: the last message ids, the likes of earlier rooms
    Index("ix_recordings_account_id", "account_id"),
    Index("ix_recordings_state", "state"),
)

stream_minutes = table(
    "stream_minutes",
    _live(primary_key=True),
    Column("minute", Instant, primary_key=True),  # its first instant
    Column(
        "minutes", BIGINT, nullable=False, server_default="1"
    ),  # how long the row is: 1, once thinned 5 or 10
    Column("viewers_first", BIGINT),
    Column("viewers_last", BIGINT),
    Column("viewers_min", BIGINT),
    Column("viewers_max", BIGINT),
    Column("viewer_seconds", Real, nullable=False, server_default="0"),
    Column("watched_seconds", Real, nullable=False, server_default="0"),
    Column("connected_seconds", Real, nullable=False, server_default="0"),
    *[_count(name) for name in ("comments", "likes", "gifts", "diamonds", "estimated_diamonds")],
    *[
        _count(name)
        for name in ("guest_gifts", "guest_diamonds", "follows", "shares", "joins", "subscriptions")
    ],
    *[_count(name) for name in ("people", "commenters", "gifters", "dropped_joins", "coalesced_likes")],
    Column("activity", Real),  # the simple activity score, 0..1
    Column("influence", Real),  # the simple correlation score, -1..1
)

stream_gifts = table(
    "stream_gifts",  # one row for each gift or streak of a gift
    id_column(),
    _live(),
    Column("person_id", BIGINT, nullable=False),
    # A guest on the stage; 0: the host, -1: a guest whom nobody knows, or who asked to be forgotten.
    Column("to_person_id", BIGINT, nullable=False, server_default="0"),
    Column("gift_id", BIGINT, nullable=False),
    Column("group_id", BIGINT, nullable=False),
    Column("count", BIGINT, nullable=False),
    Column("diamonds_each", BIGINT),  # empty: nobody knows
    Column("value_from", Text, nullable=False),  # bot.core.streams.values.ValueSource
    Column("first_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    UniqueConstraint("live_id", "person_id", "gift_id", "group_id", "to_person_id"),
    Index("ix_stream_gifts_live_id_first_at", "live_id", "first_at"),
)

gift_kinds = table(
    "gift_kinds",  # what gifts were worth when they were last seen
    Column("gift_id", BIGINT, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("diamonds", BIGINT),
    Column("streakable", Flag),
    Column("seen_at", Instant, nullable=False),
)

stream_people = table(
    "stream_people",
    Column("person_id", BIGINT, primary_key=True, autoincrement=False),
    Column("handle", Text, nullable=False),
    Column("nickname", Text, nullable=False),
    Column("seen_at", Instant, nullable=False),
)

contributions = table(
    "contributions",  # what one person did in one live; gifts and diamonds are the host's
    _live(primary_key=True),
    Column("person_id", BIGINT, primary_key=True, autoincrement=False),
    Column("account_id", BIGINT, nullable=False),
    *[_count(name) for name in ("comments", "likes", "gifts", "diamonds", "estimated_diamonds")],
    *[
        _count(name)
        for name in ("guest_gifts", "guest_diamonds", "follows", "shares", "joins", "subscriptions")
    ],
    Column("first_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("last_comment_at", Instant),
    Column("last_gift_at", Instant),
    # All that a table of supporters reads of a live, without those who gave nothing.
    Index(
        "ix_contributions_given",
        *["live_id", "person_id", "gifts", "diamonds", "estimated_diamonds", "last_gift_at"],
        sqlite_where=text("gifts > 0"),
        postgresql_where=text("gifts > 0"),
    ),
    Index("ix_contributions_person_id", "person_id"),
)

contribution_gifts = table(
    "contribution_gifts",  # which gifts: for the number of kinds
    _live(primary_key=True),
    Column("person_id", BIGINT, primary_key=True, autoincrement=False),
    Column("gift_id", BIGINT, primary_key=True, autoincrement=False),
    _count("count"),
    _count("diamonds"),
    Index("ix_contribution_gifts_person_id_live_id_gift_id", "person_id", "live_id", "gift_id"),
)

supporter_sums = table(
    "supporter_sums",  # sums of `contributions`, so that tables over long spans are quick: bot.storage.gift_sums
    # In which the lives began, in UTC: 202603 for March 2026; 0: in whichever.
    Column("month", BIGINT, primary_key=True, autoincrement=False),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    Column("person_id", BIGINT, primary_key=True, autoincrement=False),
    *[_count(name) for name in ("gifts", "diamonds", "estimated_diamonds")],
    Column("last_gift_at", Instant),
    Index("ix_supporter_sums_person_id", "person_id"),
    sqlite_with_rowid=False,
)

supporter_kinds = table(
    "supporter_kinds",  # which gifts a person ever gave an account: `contribution_gifts` in short
    Column("person_id", BIGINT, primary_key=True, autoincrement=False),
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    Column("gift_id", BIGINT, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

stream_comments = table(
    "stream_comments",  # only where an admin switched it on
    _live(primary_key=True),
    Column("message_id", BIGINT, primary_key=True, autoincrement=False),
    Column("person_id", BIGINT, nullable=False),
    Column("at", Instant, nullable=False),
    Column("words", Text, nullable=False),
    Index("ix_stream_comments_at", "at"),
    Index("ix_stream_comments_person_id", "person_id"),
)

stream_findings = table(
    "stream_findings",  # what moved the viewers of a live, once it is over: spikes, correlations, the sentence
    _live(primary_key=True),
    Column("found_at", Instant, nullable=False),
    Column("findings", Json, nullable=False),
)

stream_choices = table(
    "stream_choices",  # what a guild's admins chose for one account; without a row: recorded, nothing else
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    Column("guild_id", BIGINT, primary_key=True, autoincrement=False),
    Column("record", Flag, nullable=False, server_default="1"),
    Column("keep_comments", Flag, nullable=False, server_default="0"),
    Column("live_edits", Flag, nullable=False, server_default="0"),  # the alert shows how the live goes
    Column("set_by", BIGINT, nullable=False),
    Column("set_at", Instant, nullable=False),
)

stream_archives = table(
    "stream_archives",  # files that details were exported to before they were deleted
    id_column(),
    Column("file", Text, nullable=False, unique=True),  # its name in the archive folder
    Column("begins_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("rows", BIGINT, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("lives", Json, nullable=False),  # by live: the last minute and the last gift that are in it
    Column("verified_at", Instant, nullable=False),
    Column("deleted_at", Instant),  # when the last of its rows had left the database, or it was found damaged
)

database_sizes = table(
    "database_sizes",
    Column("day", Text, primary_key=True),  # ISO
    Column("bytes", BIGINT, nullable=False),
)

forgotten_people = table(
    "forgotten_people",  # who asked not to be recorded, known by a keyed hash alone
    Column("digest", Text, primary_key=True),
    Column("at", Instant, nullable=False),
)
