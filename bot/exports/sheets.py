"""The sheets of an export: their columns, and the rows that recorded lives make. Their titles are English in every guild.

Missing is an empty cell, never 0. What is an estimate says so in its title. The recorded share (connected time by
the time of the live) stands beside every total.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.core.streams.export import ExportOrder
from bot.core.streams.findings import LAGS
from bot.core.streams.models import RecordedLive
from bot.exports.cells import Column, Kind, Value

MINUTE = timedelta(minutes=1)
_LOCAL, _UTC = Kind.LOCAL, Kind.UTC


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """A sheet with a line of titles; `title` is its name in the workbook, and that of its CSV file."""

    title: str
    columns: tuple[Column, ...]


def column(title: str, kind: Kind, width: int = 0) -> Column:
    """Give a column; where no width is asked for, its title stands in two lines."""
    longest = max(len(word) for word in title.split())
    return Column(title=title, kind=kind, width=width or max(10, longest + 3, len(title) // 2 + 4))


def _counts(*titles: str) -> tuple[Column, ...]:
    return tuple(column(title, Kind.COUNT) for title in titles)


_GIFTS = (*_counts("Gifts", "Diamonds", "of these estimated"), column("US dollars (estimate)", Kind.MONEY))
_GUESTS = _counts("Guest gifts", "Guest diamonds")
_SHARE = column("Recorded share", Kind.SHARE)


def sessions_sheet(zone: str) -> Sheet:
    """Give the sheet with one row for each live."""
    columns = (
        column("Session", Kind.COUNT),
        column("Account", Kind.TEXT, 20),
        column("Name", Kind.TEXT, 20),
        column("Title", Kind.TEXT, 30),
        column("State", Kind.TEXT, 11),
        column(f"Started ({zone})", _LOCAL, 24),
        column("Started (UTC)", _UTC, 20),
        column(f"Ended ({zone})", _LOCAL, 24),
        column("Duration", Kind.SPAN),
        _SHARE,
        column("Recorded", Kind.SPAN),
        *_counts("Connections", "Peak viewers"),
        column(f"Peak at ({zone})", _LOCAL, 24),
        column("Mean viewers", Kind.REAL),
        *_counts("Entered (platform)", "Comments", "Likes seen", "Likes (platform)"),
        *_GIFTS,
        *_counts("Gifts of unknown value"),
        *_GUESTS,
        *_counts("Follows", "Shares", "Joins", "Subscriptions", "People", "Commenters", "Likers", "Gifters"),
        *_counts("Joins left out", "Likes put together"),
    )
    return Sheet(title="Sessions", columns=columns)


def session_row(live: RecordedLive, order: ExportOrder) -> Sequence[Value]:
    """Give the row of a live; one that goes on has no end, and a duration until the export."""
    return (
        live.live_id,
        live.handle,
        live.nickname,
        live.title,
        live.state.value,
        live.started_at,
        live.started_at,
        live.ended_at,
        live.span(order.asked_at),
        live.recorded_share(order.asked_at),
        timedelta(seconds=live.connected_seconds),
        live.connections,
        live.peak_viewers,
        live.peak_at,
        live.mean_viewers,
        live.entered,
        live.comments,
        live.likes,
        live.room_likes,
        live.gifts,
        live.diamonds,
        live.estimated_diamonds,
        live.diamonds * order.usd_per_diamond,
        live.unvalued_gifts,
        live.guest_gifts,
        live.guest_diamonds,
        live.follows,
        live.shares,
        live.joins,
        live.subscriptions,
        live.people,
        live.commenters,
        live.likers,
        live.gifters,
        live.dropped_joins,
        live.coalesced_likes,
    )


def intervals_sheet(zone: str) -> Sheet:
    """Give the sheet with one row for each interval as it is kept: a minute, once thinned 5 or 10."""
    columns = (
        column("Session", Kind.COUNT),
        column("Account", Kind.TEXT, 20),
        column(f"From ({zone})", _LOCAL, 24),
        column("From (UTC)", _UTC, 20),
        column("Length", Kind.SPAN),
        _SHARE,
        *_counts("First viewers", "Last viewers", "Fewest viewers", "Most viewers"),
        column("Mean viewers", Kind.REAL),
        *_counts("Comments", "Likes seen"),
        *_GIFTS,
        *_GUESTS,
        *_counts("Follows", "Shares", "Joins", "Subscriptions", "People", "Commenters", "Gifters"),
        *_counts("Joins left out", "Likes put together"),
        column("Activity score", Kind.REAL),
        column("Simple correlation score", Kind.REAL),
    )
    return Sheet(title="Intervals", columns=columns)


def interval_row(live: RecordedLive, row: Any, order: ExportOrder) -> Sequence[Value]:
    """Give the row of an interval; the first and the last one of a live are as long as it was on in them."""
    begun = max(row.minute, live.started_at)
    ended = min(row.minute + row.minutes * MINUTE, live.ended_at or order.asked_at)
    length = ended - begun if ended > begun else row.minutes * MINUTE
    return (
        live.live_id,
        live.handle,
        row.minute,
        row.minute,
        length,
        min(1.0, row.connected_seconds / length.total_seconds()),
        row.viewers_first,
        row.viewers_last,
        row.viewers_min,
        row.viewers_max,
        row.viewer_seconds / row.watched_seconds if row.watched_seconds else None,
        row.comments,
        row.likes,
        row.gifts,
        row.diamonds,
        row.estimated_diamonds,
        row.diamonds * order.usd_per_diamond,
        row.guest_gifts,
        row.guest_diamonds,
        row.follows,
        row.shares,
        row.joins,
        row.subscriptions,
        row.people,
        row.commenters,
        row.gifters,
        row.dropped_joins,
        row.coalesced_likes,
        row.activity,
        row.influence,
    )


def contributions_sheet(zone: str) -> Sheet:
    """Give the sheet with one row for each person in each live."""
    columns = (
        column("Session", Kind.COUNT),
        column("Account", Kind.TEXT, 20),
        column(f"Started ({zone})", _LOCAL, 24),
        _SHARE,
        column("Person", Kind.TEXT, 22),  # longer than a number in a spreadsheet may be
        column("Handle", Kind.TEXT, 20),
        column("Name", Kind.TEXT, 20),
        *_counts("Comments", "Likes seen"),
        *_GIFTS,
        *_counts("Kinds of gifts"),
        *_GUESTS,
        *_counts("Follows", "Shares", "Joins", "Subscriptions"),
        column(f"First seen ({zone})", _LOCAL, 24),
        column(f"Last seen ({zone})", _LOCAL, 24),
        column(f"Last gift ({zone})", _LOCAL, 24),
    )
    return Sheet(title="Contributions", columns=columns)


def contribution_row(live: RecordedLive, share: float, row: Any, order: ExportOrder) -> Sequence[Value]:
    """Give the row of a person in a live; `share` is what of the live was recorded."""
    return (
        live.live_id,
        live.handle,
        live.started_at,
        share,
        str(row.person_id),
        row.handle,
        row.nickname,
        row.comments,
        row.likes,
        row.gifts,
        row.diamonds,
        row.estimated_diamonds,
        row.diamonds * order.usd_per_diamond,
        row.kinds,
        row.guest_gifts,
        row.guest_diamonds,
        row.follows,
        row.shares,
        row.joins,
        row.subscriptions,
        row.first_at,
        row.last_at,
        row.last_gift_at,
    )


def correlations_sheet(zone: str) -> Sheet:
    """Give the sheet with one row for each activity of a live whose viewers were looked into."""
    columns = (
        column("Session", Kind.COUNT),
        column("Account", Kind.TEXT, 20),
        column(f"Started ({zone})", _LOCAL, 24),
        _SHARE,
        column("Evidence", Kind.TEXT),
        *_counts("Minutes compared"),
        column("Activity", Kind.TEXT, 14),
        column("Viewers", Kind.TEXT, 14),
        column("Lag in minutes (above 0: activity first)", Kind.COUNT),
        column("Correlation (partial)", Kind.CHANCE),
        *(column(title, Kind.CHANCE) for title in ("95 % from", "95 % to", "p (corrected)")),
        column("Simple correlation score", Kind.REAL),
        *(column(f"r at {lag:+} min", Kind.CHANCE) for lag in LAGS),
    )
    return Sheet(title="Correlations", columns=columns)


def correlation_rows(
    live: RecordedLive, share: float, findings: Mapping[str, Any]
) -> Iterator[Sequence[Value]]:
    """Give the rows of what was found about a live; one alone where nothing could be compared."""
    told = (live.live_id, live.handle, live.started_at, share, findings["evidence"], findings["minutes"])
    for effect in findings["effects"] or [{}]:
        by_lag = tuple(effect.get("by_lag") or ()) or (None,) * len(LAGS)
        named = ("activity", "role", "lag", "r", "low", "high", "p", "simple")
        yield (*told, *(effect.get(name) for name in named), *by_lag)
