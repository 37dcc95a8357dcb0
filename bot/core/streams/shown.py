"""A recorded live with what is shown of it beside its totals: its course, the dear gifts, the supporters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.announcements import Message, MessageField, Tone
from bot.core.charts import CourseChart, Line, Marks
from bot.core.live.posts import duration
from bot.core.markup import escape, stamp
from bot.core.streams.activities import Activity
from bot.core.streams.figures import (
    activity_fields,
    count_words,
    host_name,
    host_url,
    recorded_field,
    supporter_lines,
    viewer_fields,
)
from bot.core.streams.intervals import sum_up
from bot.core.streams.models import GivenGift, RecordedLive, StreamMinute, Supporter
from bot.core.streams.recording import RecordingState
from bot.core.streams.spikes import Spike
from bot.core.streams.values import STANDARD_TIERS, GiftTier, Tiers
from bot.texts import Text, join, number, text, texts

MOST_SUPPORTERS = 5
MOST_FLAGS = 5
MOST_GIFTS = 3
SHORT = timedelta(minutes=30)
"""A shorter live is drawn minute by minute: of intervals it has too few."""
STALE = timedelta(minutes=3)
"""An older count of viewers is told with its age."""
MINUTE = timedelta(minutes=1)
_LEAST_GAP = 2 * MINUTE  # a reconnect; shorter ones are seconds of two minutes
_TITLE = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownLive:
    """What is known of a live at `now`.

    `minutes` are rows as they are stored. `interval_minutes` is what this machine shows, `reason` says why where it
    is more than usual.
    """

    live: RecordedLive
    now: datetime
    minutes: Sequence[StreamMinute] = ()
    supporters: Sequence[Supporter] = ()
    gifts: Sequence[GivenGift] = ()
    spikes: Sequence[Spike] = ()
    interval_minutes: int = 5
    reason: str = ""
    usd_per_diamond: float = 0.0
    tiers: Tiers = STANDARD_TIERS
    zone: str = "UTC"

    @property
    def ends_at(self) -> datetime:
        """Give the end of the live, or the instant up to which it is shown."""
        return self.live.ended_at or self.now

    @property
    def step(self) -> int:
        """Give the minutes of one interval of the chart."""
        return 1 if self.ends_at - self.live.started_at < SHORT else self.interval_minutes


# In the order of their rows; dear gifts spike with many.
_ROWS: Mapping[Text, frozenset[Activity]] = {
    text("Many comments"): frozenset({Activity.COMMENTS}),
    text("Many likes"): frozenset({Activity.LIKES}),
    text("Many gifts"): frozenset({Activity.GIFTS, Activity.DIAMONDS}),
    text("Many follows"): frozenset({Activity.FOLLOWS}),
    text("Many shares"): frozenset({Activity.SHARES}),
}


def now_message(shown: ShownLive) -> Message:
    """Say how a live goes that is on."""
    live = shown.live
    return Message(
        title=text("🔴 {name}: the live so far", name=host_name(live)),
        tone=Tone.LIVE,
        body=join("\n", [escape(live.title, 200), *_trouble(live)]),
        url=f"{host_url(live)}/live",
        fields=(
            MessageField(name=text("Viewers now"), value=viewers_now(live, shown.now)),
            *viewer_fields(live),
            MessageField(name=text("Started"), value=stamp(live.started_at)),
            MessageField(name=text("Duration"), value=duration(live.span(shown.now))),
            recorded_field(live, shown.now),
            *activity_fields(live, shown.usd_per_diamond),
            *dear_gifts_field(shown),
            *supporters_field(shown.supporters),
        ),
        footer=shown.reason,
        chart=course_chart(shown),
    )


def viewers_now(live: RecordedLive, now: datetime) -> str:
    """Say how many watch; an old count with its age."""
    if live.viewers is None or live.viewers_at is None or now - live.viewers_at <= STALE:
        return count_words(live.viewers)
    return text("{count}, {span} ago", count=number(live.viewers), span=duration(now - live.viewers_at))


def supporters_field(supporters: Sequence[Supporter]) -> tuple[MessageField, ...]:
    """Name who gave most; nothing where nobody gave."""
    if not supporters:
        return ()
    lines = supporter_lines(supporters[:MOST_SUPPORTERS])
    return (MessageField(name=text("Top supporters"), value=join("\n", lines), inline=False),)


def dear_gifts_field(shown: ShownLive) -> tuple[MessageField, ...]:
    """Name the dearest gifts, and their tier where it is above the standard; nothing where there was none."""
    lines = [_dear_gift(gift, shown.tiers) for gift in shown.gifts[:MOST_GIFTS]]
    if not lines:
        return ()
    return (MessageField(name=text("Dearest gifts"), value=join("\n", lines), inline=False),)


def _dear_gift(gift: GivenGift, tiers: Tiers) -> str:
    names = {GiftTier.SPECIAL: text("special"), GiftTier.PREMIUM: text("premium")}
    tier = names.get(tiers.of(gift.each) or GiftTier.STANDARD)
    diamonds = texts("{count} diamond", "{count} diamonds", gift.diamonds)
    return join(" · ", [_called(gift, escape(gift.name, _TITLE)), diamonds, *([tier] if tier else [])])


def _called(gift: GivenGift, name: str) -> str:
    """Call a gift by its `name`, and how often it was given."""
    name = name or text("Gift")
    return join(" ", [name, f"×{gift.count}"]) if gift.count > 1 else name  # noqa: RUF001 - times


def _trouble(live: RecordedLive) -> list[str]:
    """Say why a recording is not whole now."""
    said = {
        RecordingState.WAITING: text("⚠️ The recorder is not connected now; it tries again."),
        RecordingState.DEGRADED: text(
            "⚠️ The signing service is not to be had: only viewers are counted, the rest is missed."
        ),
        RecordingState.STOPPED: text("The recording was stopped by hand."),
    }.get(live.state)
    return [line for line in (said or "", escape(live.trouble) if said else "") if line]


def course_chart(shown: ShownLive) -> CourseChart | None:
    """Draw up the viewers over time with spikes and gifts; None where no count and no gift is known."""
    rows = [row for row in shown.minutes if row.watched_seconds > 0]
    diamonds = [row for row in sum_up(shown.minutes, shown.step) if row.diamonds]
    if not rows and not diamonds:
        return None
    live = shown.live
    stretches = _stretches(rows)
    return CourseChart(
        title=text("Viewers of {name}", name=_plain_name(live)),
        subtitle=join(" · ", _facts(shown)),
        value_axis=_axis(shown.step),
        begins_at=live.started_at,
        ends_at=max(shown.ends_at, live.started_at + MINUTE),
        zone=shown.zone,
        runs=tuple(Line(name="", points=_points(stretch, shown)) for stretch in stretches),
        gaps=_gaps(stretches, live.started_at, shown.ends_at),
        gap_name=text("not recorded"),
        flags=tuple(_flag(gift) for gift in shown.gifts[:MOST_FLAGS]),
        rows=tuple(_spikes(shown.spikes)),
        columns=Line(
            name=text("Diamonds") if diamonds else "",
            points=tuple((row.minute, float(row.diamonds)) for row in diamonds),
        ),
        column_minutes=shown.step,
    )


def _plain_name(live: RecordedLive) -> str:
    """Name the host without markup; the handle can be drawn where no font has the name."""
    return f"{live.nickname[:_TITLE]} (@{live.handle})" if live.nickname else f"@{live.handle}"


def _facts(shown: ShownLive) -> list[str]:
    live = shown.live
    facts: list[str] = [text("began {when}", when=live.started_at), duration(live.span(shown.now))]
    if live.peak_viewers is not None:
        facts.append(text("most {count}", count=number(live.peak_viewers)))
    if live.mean_viewers is not None:
        facts.append(text("mean {count}", count=count_words(live.mean_viewers)))
    return facts


def _axis(step: int) -> str:
    if step == 1:
        return text("viewers, the mean of each minute")
    return text("viewers, the mean of every {minutes} minutes", minutes=step)


def _stretches(rows: Sequence[StreamMinute]) -> list[list[StreamMinute]]:
    """Part the rows at the gaps."""
    stretches: list[list[StreamMinute]] = []
    for row in rows:
        if not stretches or row.minute - _end(stretches[-1][-1]) >= _LEAST_GAP:
            stretches.append([])
        stretches[-1].append(row)
    return stretches


def _end(row: StreamMinute) -> datetime:
    return row.minute + row.minutes * MINUTE


def _points(stretch: Sequence[StreamMinute], shown: ShownLive) -> tuple[tuple[datetime, float], ...]:
    """Give the mean of each interval, in its middle; one that is cut by a gap or an end is shorter."""
    first, last = max(stretch[0].minute, shown.live.started_at), min(_end(stretch[-1]), shown.ends_at)
    points: list[tuple[datetime, float]] = []
    for row in sum_up(stretch, shown.step):
        begins, ends = max(row.minute, first), min(_end(row), last)
        if row.viewers is not None and ends > begins:
            points.append((begins + (ends - begins) / 2, row.viewers))
    # From edge to edge, so that a gap is as wide as it was.
    edges = ((first, stretch[0].viewers_first), (last, stretch[-1].viewers_last))
    (begin, end) = [[(at, float(count))] if count is not None and first < last else [] for at, count in edges]
    points = [*begin, *points, *end]
    return tuple(points)


def _gaps(
    stretches: Sequence[Sequence[StreamMinute]], begins_at: datetime, ends_at: datetime
) -> tuple[tuple[datetime, datetime], ...]:
    """Give the spans of the live without a count."""
    ends = [begins_at, *(_end(stretch[-1]) for stretch in stretches)]
    begins = [*(stretch[0].minute for stretch in stretches), ends_at]
    return tuple(
        (since, until) for since, until in zip(ends, begins, strict=True) if until - since >= _LEAST_GAP
    )


def _spikes(spikes: Sequence[Spike]) -> Iterator[Marks]:
    for name, activities in _ROWS.items():
        instants = {spike.at for spike in spikes if spike.activity in activities}
        if instants:
            yield Marks(name=name, at=tuple(sorted(instants)))


def _flag(gift: GivenGift) -> Marks:
    return Marks(name=join(" · ", [_called(gift, gift.name), number(gift.diamonds)]), at=(gift.at,))
