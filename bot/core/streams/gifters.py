"""Who gave most: what `/top gifters` shows.

A gift counts for the live it was given in, and a live for the time at which it began: the table of an evening past
midnight is one table, and what was deleted since changes none. Gifts to guests are not the host's, and in none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from bot.core.charts import Bar, BarChart, BarGroup
from bot.core.leaderboards import places
from bot.core.markup import stamp
from bot.core.rounds.periods import Span, days_words
from bot.core.streams.events import Viewer
from bot.core.streams.figures import WHOLE, dollars_words, host_name, share_words, viewer_name
from bot.core.streams.models import RecordedLive, Supporter
from bot.texts import join, number, text, texts

PER_PAGE = 10
MOST = 5 * PER_PAGE
"""So many are shown at most."""


class GiftPeriod(StrEnum):
    """What can be asked for; `DAYS` are those that somebody names."""

    SESSION = "session"
    LAST_7_DAYS = "7_days"
    LAST_30_DAYS = "30_days"
    DAYS = "days"
    ALL_TIME = "all_time"


PERIODS = {
    GiftPeriod.SESSION: text("The live that is on, or the last one"),
    GiftPeriod.LAST_7_DAYS: text("Last 7 days"),
    GiftPeriod.LAST_30_DAYS: text("Last 30 days"),
    GiftPeriod.ALL_TIME: text("All time"),
}
TOTALS = ("gifts", "diamonds", "estimated_diamonds", "unvalued_gifts")
"""Of a recording."""
_LENGTHS = {GiftPeriod.LAST_7_DAYS: timedelta(days=7), GiftPeriod.LAST_30_DAYS: timedelta(days=30)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Supporters:
    """Those who gave most, the most diamonds first, of `count` people who gave.

    Those who were forgotten are no people: their diamonds are in the totals of the lives and, apart, in `nameless`.
    """

    shown: tuple[Supporter, ...] = ()
    count: int = 0
    nameless: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """What was recorded of some lives: of `lives`, `recorded` at least in part, `going_on` are on.

    `seconds` is how long they lasted, `connected_seconds` how much of that was recorded. `unvalued_gifts` are in no
    sum of diamonds.
    """

    lives: int = 0
    recorded: int = 0
    going_on: int = 0
    seconds: float = 0.0
    connected_seconds: float = 0.0
    gifts: int = 0
    diamonds: int = 0
    estimated_diamonds: int = 0
    unvalued_gifts: int = 0

    @property
    def share(self) -> float:
        """Give the recorded part of the lives, 0..1."""
        return min(1.0, self.connected_seconds / self.seconds) if self.seconds > 0 else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class TopGifters:
    """A table of those who gave most to some accounts (`handles`), in a span or in one `live`; `zone` is the guild's."""

    supporters: Supporters
    recorded: Recorded
    period: GiftPeriod
    span: Span
    handles: tuple[str, ...]
    zone: ZoneInfo
    usd_per_diamond: float
    live: RecordedLive | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RankedSupporter:
    """A row: people who gave as much share the `place`."""

    place: int
    supporter: Supporter


def span_of(period: GiftPeriod, now: datetime) -> Span:
    """Give the span of a period that ends now; all time is without ends."""
    length = _LENGTHS.get(period)
    return Span() if length is None else Span(since=now - length)


def recorded_part(live: RecordedLive, now: datetime) -> Recorded:
    """Give how much of one live was recorded."""
    return Recorded(
        lives=1,
        recorded=int(live.connected_seconds > 0),
        going_on=int(live.ended_at is None),
        seconds=live.span(now).total_seconds(),
        connected_seconds=live.connected_seconds,
        **{name: getattr(live, name) for name in TOTALS},
    )


def rank_supporters(supporters: Iterable[Supporter]) -> tuple[RankedSupporter, ...]:
    """Rank people by diamonds; within a tie by name."""
    by_name = sorted(supporters, key=lambda one: (_plain_name(one.viewer).casefold(), one.viewer.id))
    by_id = {one.viewer.id: one for one in by_name}
    ranked = places({one.viewer.id: one.diamonds for one in by_name})
    return tuple(RankedSupporter(place=place, supporter=by_id[person]) for place, person in ranked)


# --- The table -------------------------------------------------------------------------------------


def gifters_title(top: TopGifters) -> str:
    """Say what the table tells."""
    if top.live is None:
        parts = [text("Top gifters"), PERIODS.get(top.period, "")]
        return join(" · ", [part for part in parts if part])
    if top.live.ended_at is None:
        return text("Top gifters of the live of {name}, so far", name=host_name(top.live))
    return text("Top gifters of the last live of {name}", name=host_name(top.live))


def gifters_pages(top: TopGifters) -> list[str]:
    """Give the table, ten people a page, with what must be stated below each page."""
    ranked = rank_supporters(top.supporters.shown)
    below = _statements(top)
    if not ranked:
        nothing = text("Nobody gave anything.") if top.recorded.recorded else text("No live was recorded.")
        return [join("\n", [nothing, *below])]
    return [
        join("\n", [*(_entry(row, top.usd_per_diamond) for row in ranked[start : start + PER_PAGE]), *below])
        for start in range(0, len(ranked), PER_PAGE)
    ]


def gifters_footer(top: TopGifters) -> str:
    """Say whose lives, of which days, how much of them was recorded, and which gifts count."""
    when = text("{when}", when=top.live.started_at) if top.live else days_words(top.span, top.zone)
    whose = texts("{count} account", "{count} accounts", len(top.handles))
    counts = [text("a gift counts for the time at which its live began")] if when and not top.live else []
    parts = [
        f"@{top.handles[0]}" if len(top.handles) == 1 else whose,
        when,
        *recorded_words(top.recorded),
        *counts,
        text("without gifts to guests"),
    ]
    return join(" · ", [part for part in parts if part])


def recorded_words(recorded: Recorded) -> list[str]:
    """Say how many lives there were, and how much of them is not in any total."""
    if not recorded.lives:
        return [text("no live")]
    said: list[str] = [texts("{count} live", "{count} lives", recorded.lives)]
    if recorded.going_on:
        said.append(texts("{count} of them still on", "{count} of them still on", recorded.going_on))
    if recorded.recorded:
        said.append(text("{share} of the time recorded", share=share_words(recorded.share)))
    if missing := recorded.lives - recorded.recorded:
        said.append(texts("{count} live not recorded", "{count} lives not recorded", missing))
    return said


def _statements(top: TopGifters) -> list[str]:
    """Say what everybody gave together, and what of it is not certain."""
    recorded, lines = top.recorded, []
    if recorded.gifts:
        together = texts(
            "Together: {diamonds} diamonds, {gifts} from {count} person",
            "Together: {diamonds} diamonds, {gifts} from {count} people",
            top.supporters.count,
            diamonds=about_words(recorded.diamonds, recorded.estimated_diamonds),
            gifts=_gifts(recorded.gifts),
        )
        dollars = dollars_words(recorded.diamonds, top.usd_per_diamond)
        lines.append(join(", ", [together, dollars]) if dollars else together)
    if top.supporters.nameless:
        forgotten = number(top.supporters.nameless)
        lines.append(text("{diamonds} of them from people who asked to be forgotten", diamonds=forgotten))
    if recorded.estimated_diamonds:
        lines.append(text("~: partly estimated"))
    if recorded.unvalued_gifts:
        lines.append(
            texts(
                "{count} gift of unknown value is in no sum",
                "{count} gifts of unknown value are in no sum",
                recorded.unvalued_gifts,
            )
        )
    return [join("", ["-# ", line]) for line in lines]


def _entry(row: RankedSupporter, usd_per_diamond: float) -> str:
    one = row.supporter
    last = [] if one.last_at is None else [text("last gift {when}", when=stamp(one.last_at))]
    kinds = texts("{count} kind", "{count} kinds", one.kinds)
    worth = [part for part in (supporter_words(row), dollars_words(one.diamonds, usd_per_diamond)) if part]
    return join("\n-# ", [join(" · ", worth), join(" · ", [_gifts(one.gifts), kinds, *last])])


def supporter_words(row: RankedSupporter) -> str:
    """Say in a line who gave how much; gifts that nobody knows the value of are not worth 0."""
    one, name = row.supporter, viewer_name(row.supporter.viewer)
    if not one.diamonds:
        return text("**{place}.** {name}: unknown value", place=row.place, name=name)
    return texts(
        "**{place}.** {name}: {amount} diamond",
        "**{place}.** {name}: {amount} diamonds",
        one.diamonds,
        place=row.place,
        name=name,
        amount=about_words(one.diamonds, one.estimated_diamonds),
    )


def about_words(diamonds: int, estimated: int) -> str:
    """Write diamonds, with a tilde where part of them is estimated."""
    return join("", ["~", number(diamonds)]) if estimated else number(diamonds)


def _gifts(count: int) -> str:
    return texts("{count} gift", "{count} gifts", count)


# --- The chart -------------------------------------------------------------------------------------


def gifters_chart(top: TopGifters) -> BarChart | None:
    """Draw up the best ten; None where nobody gave anything of known value."""
    title = text("Top gifters")
    if top.live is not None:
        title = text("Top gifters of @{handle}", handle=top.live.handle)
    ranked = rank_supporters(top.supporters.shown)[:PER_PAGE]
    return supporters_chart(ranked, title=title, subtitle=_subtitle(top))


def supporters_chart(ranked: Sequence[RankedSupporter], *, title: str, subtitle: str) -> BarChart | None:
    """Draw up people by their diamonds; None where nobody gave anything of known value."""
    valued = [row for row in ranked if row.supporter.diamonds]
    if not valued:
        return None
    estimated = any(row.supporter.estimated_diamonds for row in valued)
    return BarChart(
        title=title,
        subtitle=subtitle,
        value_axis=text("diamonds (~: partly estimated)") if estimated else text("diamonds"),
        groups=(BarGroup(name="", bars=_bars(valued)),),
    )


def _subtitle(top: TopGifters) -> str:
    days = days_words(top.span, top.zone)
    when = text("{when}", when=top.live.started_at) if top.live else days or PERIODS[GiftPeriod.ALL_TIME]
    share = [share_words(top.recorded.share)] if top.recorded.share < WHOLE else []
    return join(" · ", [when, *(text("{share} of the time recorded", share=one) for one in share)])


def _bars(ranked: Sequence[RankedSupporter]) -> tuple[Bar, ...]:
    return tuple(
        Bar(
            label=f"{row.place}. {_plain_name(row.supporter.viewer)}",
            value=row.supporter.diamonds,
            written=about_words(row.supporter.diamonds, row.supporter.estimated_diamonds),
            note=_gifts(row.supporter.gifts),
            fallback=f"{row.place}. @{row.supporter.viewer.handle}",
        )
        for row in ranked
    )


def _plain_name(viewer: Viewer) -> str:
    """Name somebody without markup."""
    handle = f"@{viewer.handle}" if viewer.handle else ""
    return viewer.nickname or handle or text("a viewer without a name")
