"""What `/profile compare` shows: two profiles beside each other, and what both gained over the same days."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.core.announcements import Message, MessageField, Tone
from bot.core.charts import LineChart
from bot.core.markup import stamp
from bot.core.posts.figures import DASH, NAMES, ProfileName, short
from bot.core.posts.growth import Growth, Measure, Point, growth_over, points
from bot.core.posts.models import ProfileSample
from bot.core.posts.trend import line
from bot.core.rounds.columns import code_block
from bot.texts import join, text

COMPARED_DAYS = (1, 7, 30)
_WIDTH = 9
_TOTALS = (Measure.VIEWS, Measure.LIKES, Measure.COMMENTS, Measure.SHARES, Measure.SAVES)


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparedProfile:
    """A profile with its samples, the oldest first, and its followers as last told."""

    name: ProfileName
    samples: Sequence[ProfileSample]
    followers: int | None

    @property
    def last(self) -> ProfileSample | None:
        """Give the newest sample."""
        return self.samples[-1] if self.samples else None


def profile_comparison_message(sides: tuple[ComparedProfile, ComparedProfile], zone: str) -> Message:
    """Give both profiles beside each other."""
    heads = [
        join("", [letter, ": **", side.name.shown, "** · ", _read(side)])
        for letter, side in zip("AB", sides, strict=True)
    ]
    fields = (
        MessageField(name=text("Side by side"), value=code_block(_rows(sides)), inline=False),
        MessageField(name=text("Views gained"), value=code_block(_growth_rows(sides)), inline=False),
    )
    return Message(
        title=text("{one} and {other}", one=sides[0].name.shown, other=sides[1].name.shown),
        tone=Tone.NOTICE,
        body=join("\n", heads),
        fields=fields,
        footer=text("Totals are sums over known posts; growth is told between real readings only."),
        chart=_chart(sides, zone),
    )


def _read(side: ComparedProfile) -> str:
    if side.last is None:
        return text("not read yet")
    return text("read {when}", when=stamp(side.last.at))


def _rows(sides: Sequence[ComparedProfile]) -> Iterator[str]:
    yield _row(["A", "B"], "")
    yield _row([short(side.followers) for side in sides], NAMES["followers"])
    yield _row([short(None if side.last is None else side.last.posts) for side in sides], text("Known posts"))
    for measure in _TOTALS:
        counts = [_count(side.last, measure) for side in sides]
        yield _row([short(count) for count in counts], NAMES[measure.value])
    per_post = [_per_post(side.last) for side in sides]
    yield _row([short(count) for count in per_post], text("Views per post"))


def _count(sample: ProfileSample | None, measure: Measure) -> int | None:
    known = () if sample is None else points([sample], measure)
    return known[0].value if known else None


def _per_post(sample: ProfileSample | None) -> float | None:
    if sample is None or not sample.posts or sample.counts.views is None:
        return None
    return sample.counts.views / sample.posts


def _growth_rows(sides: Sequence[ComparedProfile]) -> Iterator[str]:
    yield _row(["A", "B"], "")
    known = [points(side.samples, Measure.VIEWS) for side in sides]
    for days in COMPARED_DAYS:
        grown = [growth_over(one, days) for one in known]
        gained = [short(None if one is None else one.gained, signed=True) for one in grown]
        yield _row(gained, text("in about {days} d", days=days))
        yield _row([_hours(one) for one in grown], text("hours apart"))


def _hours(growth: Growth | None) -> str:
    return DASH if growth is None else str(round(growth.hours))


def _row(cells: Sequence[str], label: str) -> str:
    return join("", [*(f"{cell:>{_WIDTH}}" for cell in cells), "  ", label])


def _chart(sides: Sequence[ComparedProfile], zone: str) -> LineChart | None:
    """Draw up what both gained since the first instant at which both had been read; None where that is nowhere."""
    known = [points(side.samples, Measure.VIEWS) for side in sides]
    if not all(known):
        return None
    since = max(one[0].at for one in known)
    gained = [_since(one, since) for one in known]
    if not all(len(one) > 1 for one in gained):
        return None
    return LineChart(
        title=text("Views gained"),
        subtitle=text("since {when}, when both were being read", when=since),
        value_axis=text("views gained over all known posts"),
        lines=tuple(line(side.name.plain, one) for side, one in zip(sides, gained, strict=True)),
        zone=zone,
        dotted=True,
    )


def _since(known: Sequence[Point], since: datetime) -> tuple[Point, ...]:
    """Give what was gained since the last reading at or before an instant; both begin where they were read."""
    begins = max(number for number, point in enumerate(known) if point.at <= since)
    first = known[begins]
    return tuple(Point(at=point.at, value=point.value - first.value) for point in known[begins:])
