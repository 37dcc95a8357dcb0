"""The sheet Summary: each account's totals, and what must be known to read the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.core.streams.export import ExportOrder
from bot.core.streams.models import RecordedLive
from bot.exports.cells import Kind, Value
from bot.exports.sheets import Sheet, column

SUMMED = (
    *("comments", "likes", "gifts", "diamonds", "estimated_diamonds", "unvalued_gifts"),
    *("guest_gifts", "guest_diamonds", "follows", "shares", "subscriptions"),
)
_TITLES = (
    *("Comments", "Likes seen", "Gifts", "Diamonds", "of these estimated", "Gifts of unknown value"),
    *("Guest gifts", "Guest diamonds", "Follows", "Shares", "Subscriptions"),
)
ALL = "All accounts"
SUMMARY = Sheet(
    title="Summary",
    columns=(
        column("Account", Kind.TEXT, 24),
        column("Lives", Kind.COUNT),
        column("Duration", Kind.SPAN),
        column("Recorded share", Kind.SHARE),
        column("Peak viewers", Kind.COUNT),
        column("Mean viewers", Kind.REAL),
        *(column(title, Kind.COUNT) for title in _TITLES),
        column("US dollars (estimate)", Kind.MONEY),
    ),
)
_NO_TIME = timedelta(0)


@dataclass(slots=True)
class Totals:
    """What the lives of one account come to."""

    lives: int = 0
    span: timedelta = _NO_TIME
    connected: timedelta = _NO_TIME
    peak: int | None = None
    viewer_seconds: float = 0.0
    watched_seconds: float = 0.0
    sums: list[int] = field(default_factory=lambda: [0] * len(SUMMED))

    def add(self, live: RecordedLive, now: datetime) -> None:
        """Count a live."""
        span = live.span(now)
        self.lives += 1
        self.span += span
        self.connected += live.recorded_share(now) * span
        if live.peak_viewers is not None:
            self.peak = max(self.peak or 0, live.peak_viewers)
        self.viewer_seconds += live.viewer_seconds
        self.watched_seconds += live.watched_seconds
        self.sums = [known + getattr(live, name) for known, name in zip(self.sums, SUMMED, strict=True)]

    def row(self, name: str, usd_per_diamond: float) -> Sequence[Value]:
        """Give the row of the sheet."""
        return (
            name,
            self.lives,
            self.span,
            self.connected / self.span if self.span else None,
            self.peak,
            self.viewer_seconds / self.watched_seconds if self.watched_seconds else None,
            *self.sums,
            self.sums[SUMMED.index("diamonds")] * usd_per_diamond,
        )


def notes(order: ExportOrder) -> Iterator[str]:
    """Say what the export is of, and how it is to be read."""
    zone = ZoneInfo(order.zone)
    since, until, now = (
        f"{instant.astimezone(zone):%Y-%m-%d %H:%M}" for instant in (order.since, order.until, order.asked_at)
    )
    which = f"Lives that began at {since} or later, and before {until}"
    yield f"{which if order.live_id is None else f'The live that began at {since}'} ({order.zone}); exported at {now}."
    yield f"Times are those of {order.zone}, where a column does not say UTC."
    yield (
        "Recorded share: the part of the time in which the recording was connected. Counts are of what was seen in it; "
        "counts marked (platform) are TikTok's own. An empty cell is not known."
    )
    yield (
        "Diamonds include those of gifts whose value is an estimate; US dollars are an estimate at "
        f"{order.usd_per_diamond:g} for each diamond. Gifts to guests are counted apart."
    )
    yield (
        "Intervals are kept for some months only (STREAM_DETAILS_DAYS), by the minute at first, later in longer ones. "
        "Sums of people over intervals count somebody several times."
    )
    yield (
        "Person is TikTok's own number of somebody. Where CSV is opened in a spreadsheet, import that column as text, or "
        "its last digits are lost."
    )
    yield "Correlations are there for lives that are over. A correlation is no proof of a cause."
    yield "What went on while it was exported may have more in one sheet than in another."
