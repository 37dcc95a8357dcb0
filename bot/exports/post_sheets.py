"""The sheets of a profile: its posts, their snapshots, what the profile counted, and the log of runs.

Missing is an empty cell, never 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.core.posts.export import ProfileOrder
from bot.core.posts.models import COUNTED
from bot.exports.cells import Column, Kind, Value
from bot.exports.sheets import Sheet, column

_LOCAL, _UTC, _COUNT, _TEXT = Kind.LOCAL, Kind.UTC, Kind.COUNT, Kind.TEXT


def _counted() -> tuple[Column, ...]:
    return tuple(column(name.capitalize(), _COUNT) for name in COUNTED)


def _counts(row: Any) -> tuple[Value, ...]:
    return tuple(getattr(row, name) for name in COUNTED)


def posts_sheet(zone: str) -> Sheet:
    """Give the sheet with one row for each post and its last known counts."""
    columns = (
        column("Post", _TEXT, 22),
        column(f"Posted ({zone})", _LOCAL, 24),
        column("Posted (UTC)", _UTC, 20),
        column("Caption", _TEXT, 50),
        column("Link", _TEXT, 40),
        column("Duration", Kind.SPAN),
        *_counted(),
        column(f"Counted ({zone})", _LOCAL, 24),
        column(f"First seen ({zone})", _LOCAL, 24),
        column(f"Last seen ({zone})", _LOCAL, 24),
        column(f"Gone since ({zone})", _LOCAL, 24),
    )
    return Sheet(title="Posts", columns=columns)


def post_row(row: Any) -> Sequence[Value]:
    """Give the row of a post."""
    return (
        str(row.post_id),
        row.posted_at,
        row.posted_at,
        row.caption,
        row.url,
        None if row.duration_seconds is None else timedelta(seconds=row.duration_seconds),
        *_counts(row),
        row.counted_at,
        row.first_seen_at,
        row.last_seen_at,
        row.gone_at,
    )


def snapshots_sheet(zone: str) -> Sheet:
    """Give the sheet with one row for each post and run."""
    columns = (
        column("Post", _TEXT, 22),
        column(f"At ({zone})", _LOCAL, 24),
        column("At (UTC)", _UTC, 20),
        column("Age", Kind.SPAN, 14),
        *_counted(),
        column("Source", _TEXT, 16),
    )
    return Sheet(title="Snapshots", columns=columns)


def snapshot_row(row: Any) -> Sequence[Value]:
    """Give the row of a snapshot."""
    age = max(row.at - row.posted_at, timedelta(0))
    return (str(row.post_id), row.at, row.at, age, *_counts(row), row.source)


def samples_sheet(zone: str) -> Sheet:
    """Give the sheet with one row for each completed run: sums over the known posts."""
    columns = (
        column(f"At ({zone})", _LOCAL, 24),
        column("At (UTC)", _UTC, 20),
        column("Known posts", _COUNT),
        *_counted(),
        column("Followers", _COUNT),
        column("Likes of all posts ever (platform)", _COUNT),
        column("Source", _TEXT, 16),
    )
    return Sheet(title="Profile", columns=columns)


def sample_row(row: Any) -> Sequence[Value]:
    """Give the row of what a profile counted."""
    return (row.at, row.at, row.posts, *_counts(row), row.followers, row.total_likes, row.source)


def runs_sheet(zone: str) -> Sheet:
    """Give the sheet with the log of runs."""
    columns = (
        column("Run", _COUNT),
        column("State", _TEXT, 12),
        column("Reason", _TEXT, 10),
        *(column(f"{name} ({zone})", _LOCAL, 24) for name in ("Queued", "Started", "Finished")),
        *(column(name, _COUNT) for name in ("Posts", "New posts", "Pages", "Requests", "Credits left")),
        column("Source", _TEXT, 16),
        column("All pages", _TEXT, 8),
        column("To the end", _TEXT, 8),
        column("Error", _TEXT, 50),
    )
    return Sheet(title="Runs", columns=columns)


def run_row(row: Any) -> Sequence[Value]:
    """Give the row of a run."""
    return (
        row.id,
        row.state,
        row.reason,
        row.queued_at,
        row.started_at,
        row.finished_at,
        *(row.posts, row.new_posts, row.pages, row.requests, row.credits_left),
        row.source,
        "yes" if row.is_full else "no",
        "yes" if row.is_complete else "no",
        row.error,
    )


SUMMARY = Sheet(
    title="Summary",
    columns=(
        column("Account", _TEXT, 24),
        column("Known posts", _COUNT),
        column("Gone posts", _COUNT),
        *_counted(),
        column("Followers", _COUNT),
        column("Completed runs", _COUNT),
    ),
)


@dataclass(slots=True)
class Totals:
    """What a profile comes to: sums of the last known counts of its posts, None where nobody told any."""

    posts: int = 0
    gone: int = 0
    runs: int = 0
    followers: int | None = None
    sums: dict[str, int] = field(default_factory=dict)

    def add(self, post: Any) -> None:
        """Count a post."""
        self.posts += 1
        self.gone += post.gone_at is not None
        for name in COUNTED:
            if (count := getattr(post, name)) is not None:
                self.sums[name] = self.sums.get(name, 0) + count

    def row(self, handle: str) -> Sequence[Value]:
        """Give the row of the summary."""
        counts = (self.sums.get(name) for name in COUNTED)
        return (f"@{handle}", self.posts, self.gone, *counts, self.followers, self.runs)


def notes(order: ProfileOrder) -> Iterator[str]:
    """Say what the export is of, and how it is to be read."""
    now = f"{order.asked_at.astimezone(ZoneInfo(order.zone)):%Y-%m-%d %H:%M}"
    yield f"All that is kept of @{order.handle}; exported at {now} ({order.zone})."
    yield f"Times are those of {order.zone}, where a column does not say UTC. An empty cell is not known."
    yield "Sums are over the posts that are known here, with the last known counts of those that are gone."
    yield "A run reads the newest posts, or all pages; to the end means that it read all that it was to read."
    yield "Counts can fall: the platform takes some back. Between two runs nobody looked."
    yield (
        "Old snapshots are thinned (POST_DETAILS_DAYS): first one a day is left, later one a week; the files in "
        "`archive` of the data folder hold the others."
    )
    yield "What was read while it was exported may have more in one sheet than in another."
