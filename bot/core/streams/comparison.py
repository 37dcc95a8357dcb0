"""What `/stream compare` shows: two lives, or two accounts over their last lives, beside each other.

Lives are not equally long nor recorded in full, so beside each total stands how much of it came in an hour of
recording. The table is monospaced, numbers first and their names last, so that a translated name moves no column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.core.announcements import Message, MessageField, Tone
from bot.core.charts import Line, LineChart
from bot.core.markup import stamp
from bot.core.rounds.chart import clock
from bot.core.rounds.columns import code_block
from bot.core.streams.figures import host_name, share_words
from bot.core.streams.intervals import sum_up
from bot.core.streams.models import RecordedLive, StreamMinute
from bot.texts import Text, join, text, texts

ACCOUNT_DAYS = 30
"""So far back the lives of an account are summed."""
_WIDTH = 9
_UNKNOWN = "?"
_COUNTED: tuple[tuple[str, Text, Text], ...] = (
    # TRANSLATORS: the names of rows of a monospaced table on a phone: at most 17 letters each.
    ("comments", text("Comments"), text("Comments/hour")),
    ("likes", text("Likes seen"), text("Likes seen/hour")),
    ("follows", text("Followers won"), text("Followers/hour")),
    ("shares", text("Shares"), text("Shares/hour")),
    ("gifts", text("Gifts"), text("Gifts/hour")),
    ("diamonds", text("Diamonds"), text("Diamonds/hour")),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparedSide:
    """One live, or the lives of an account; `minutes` is the course of a single live."""

    lives: Sequence[RecordedLive]
    minutes: Sequence[StreamMinute] = ()

    @property
    def hours(self) -> float:
        """Give how long was recorded."""
        return sum(live.connected_seconds for live in self.lives) / 3600

    def span(self, now: datetime) -> timedelta:
        """Give how long the lives were together."""
        return sum((live.span(now) for live in self.lives), timedelta(0))

    def share(self, now: datetime) -> float:
        """Give the recorded part of the lives, 0..1."""
        seconds = self.span(now).total_seconds()
        return min(1.0, 3600 * self.hours / seconds) if seconds else 0.0

    @property
    def mean_viewers(self) -> float | None:
        """Give the mean over all the time in which a count was known."""
        watched = sum(live.watched_seconds for live in self.lives)
        return sum(live.viewer_seconds for live in self.lives) / watched if watched else None

    @property
    def peak_viewers(self) -> int | None:
        """Give the highest count that was seen."""
        return max((live.peak_viewers for live in self.lives if live.peak_viewers is not None), default=None)

    def total(self, name: str) -> int | None:
        """Give a sum of what was seen; None where nobody ever looked."""
        counted = [live for live in self.lives if live.first_connected_at is not None]
        return sum(getattr(live, name) for live in counted) if counted else None


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamComparison:
    """Two lives, or where `of_accounts` two accounts, as they stand at `now`."""

    sides: tuple[ComparedSide, ComparedSide]
    of_accounts: bool
    now: datetime
    interval_minutes: int = 5


def stream_comparison_message(comparison: StreamComparison) -> Message:
    """Give both sides beside each other; of two lives also their viewers from the first minute on."""
    names = [host_name(side.lives[0]) for side in comparison.sides]
    lines = [
        join("", [letter, ": **", name, "**", " · ", _what(side, comparison)])
        for letter, name, side in zip("AB", names, comparison.sides, strict=True)
    ]
    footnote = text("Totals are of what was recorded; hours are hours of recording.")
    return Message(
        title=text("{one} and {other}", one=names[0], other=names[1]),
        tone=Tone.NOTICE,
        body=join("\n", lines),
        fields=(MessageField(name=text("Side by side"), value=code_block(_rows(comparison)), inline=False),),
        footer=footnote,
        chart=None if comparison.of_accounts else _chart(comparison),
    )


def _what(side: ComparedSide, comparison: StreamComparison) -> str:
    if comparison.of_accounts:
        return texts(
            "{count} live of the last {days} days",
            "{count} lives of the last {days} days",
            len(side.lives),
            days=ACCOUNT_DAYS,
        )
    return text("live of {when}", when=stamp(side.lives[0].started_at, "f"))


def _rows(comparison: StreamComparison) -> Iterator[str]:
    sides, now = comparison.sides, comparison.now
    yield _row(["A", "B"], "")
    yield _row(
        [clock(round(side.span(now) / timedelta(minutes=1))) for side in sides], text("Duration (h:mm)")
    )
    yield _row([share_words(side.share(now)) for side in sides], text("Recorded"))
    yield _row([_cell(side.peak_viewers) for side in sides], text("Most viewers"))
    yield _row([_cell(side.mean_viewers) for side in sides], text("Mean viewers"))
    for name, total, per_hour in _COUNTED:
        counts = [side.total(name) for side in sides]
        yield _row([_cell(count) for count in counts], total)
        yield _row([_rate(count, side) for count, side in zip(counts, sides, strict=True)], per_hour)


def _cell(count: float | None) -> str:
    return _UNKNOWN if count is None else str(round(count))


def _rate(count: int | None, side: ComparedSide) -> str:
    if count is None or not side.hours:
        return _UNKNOWN
    rate = count / side.hours
    return f"{rate:.1f}" if rate < 100 else f"{rate:.0f}"


def _row(cells: Sequence[str], label: str) -> str:
    return join("", [*(f"{cell:>{_WIDTH}}" for cell in cells), "  ", label])


def _chart(comparison: StreamComparison) -> LineChart | None:
    """Draw up the viewers of both lives over the time since each began; None where one has no course any more."""
    lines = tuple(
        _line(letter, side, comparison) for letter, side in zip("AB", comparison.sides, strict=True)
    )
    if not all(line.points for line in lines):
        return None
    return LineChart(
        title=text("Viewers since the beginning"),
        value_axis=text("viewers by hours and minutes since each live began"),
        lines=lines,
    )


def _line(letter: str, side: ComparedSide, comparison: StreamComparison) -> Line:
    live, zero = side.lives[0], datetime(2000, 1, 1, tzinfo=UTC)
    points = [
        (zero + max(row.minute - live.started_at, timedelta(0)), row.viewers)
        for row in sum_up(side.minutes, comparison.interval_minutes)
        if row.viewers is not None
    ]
    name = f"{letter}: {live.nickname or live.handle}"
    return Line(name=name, points=tuple(points))
