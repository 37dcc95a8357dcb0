"""The digest of each week's lives: when it is due, and what it says.

A live belongs to the week in which it began, with all that was given in it, as in every table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.core.announcements import Message, MessageField, Tone
from bot.core.live.posts import duration
from bot.core.markup import escape, stamp
from bot.core.rounds.periods import Span, days_words, monday_of, week_from
from bot.core.streams.figures import dollars_words, share_words
from bot.core.streams.gifters import (
    PER_PAGE,
    Recorded,
    Supporters,
    about_words,
    rank_supporters,
    recorded_words,
    supporter_words,
    supporters_chart,
)
from bot.texts import join, number, text, texts

IS_NEWS_FOR = timedelta(days=1)
MOST_ACCOUNTS = 8
_NAME = 20  # letters: escaped, eight lines of them fit into a field
BEST = 5  # of those who gave most
_WEEK = timedelta(days=7)


@dataclass(frozen=True, kw_only=True, slots=True)
class WeeksLive:
    """One live. What is counted is of `connected_seconds`; the highest count of viewers may be known without."""

    account_id: int
    handle: str
    nickname: str
    started_at: datetime
    ended_at: datetime | None
    connected_seconds: float
    peak_viewers: int | None
    gifts: int
    diamonds: int
    estimated_diamonds: int
    unvalued_gifts: int

    @property
    def name(self) -> str:
        """Name the host, escaped."""
        return escape(self.nickname, _NAME) or escape(f"@{self.handle}", _NAME)

    def seconds(self, now: datetime) -> float:
        """Give how long it lasted, or lasts already."""
        return ((self.ended_at or now) - self.started_at).total_seconds()


@dataclass(frozen=True, kw_only=True, slots=True)
class DueWeek:
    """A week that is to be told: `monday` is the local day on which that is done, `before` the week before it."""

    monday: date
    span: Span
    before: Span
    expires_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Week:
    """What there is to tell of a week at `now`."""

    lives: Sequence[WeeksLive]
    before: Sequence[WeeksLive]
    supporters: Supporters
    now: datetime
    usd_per_diamond: float


def due_week(told_at: datetime, zone: ZoneInfo) -> DueWeek:
    """Give the week that is told at an instant of a Monday: the one that is just over."""
    monday = monday_of(told_at.astimezone(zone).date())
    return DueWeek(
        monday=monday,
        span=week_from(monday - _WEEK, zone),
        before=week_from(monday - 2 * _WEEK, zone),
        expires_at=told_at + IS_NEWS_FOR,
    )


def recorded_of(lives: Sequence[WeeksLive], now: datetime) -> Recorded:
    """Sum up what was recorded of some lives."""
    return Recorded(
        lives=len(lives),
        recorded=sum(live.connected_seconds > 0 for live in lives),
        going_on=sum(live.ended_at is None for live in lives),
        seconds=sum(live.seconds(now) for live in lives),
        connected_seconds=sum(min(live.connected_seconds, live.seconds(now)) for live in lives),
        gifts=sum(live.gifts for live in lives),
        diamonds=sum(live.diamonds for live in lives),
        estimated_diamonds=sum(live.estimated_diamonds for live in lives),
        unvalued_gifts=sum(live.unvalued_gifts for live in lives),
    )


def lives_message(week: Week, due: DueWeek, zone: ZoneInfo) -> Message | None:
    """Tell of a week; None where nobody was live in it."""
    if not week.lives:
        return None
    recorded = recorded_of(week.lives, week.now)
    ranked = rank_supporters(week.supporters.shown)
    title = text("The lives of the week")
    fields = [
        MessageField(name=text("Lives"), value=join("\n", _of_accounts(week)), inline=False),
        *_best(week),
        *_most_viewers(week.lives),
        MessageField(name=text("Diamonds"), value=_diamonds(recorded, week.usd_per_diamond)),
    ]
    if ranked:
        best = join("\n", [supporter_words(row) for row in ranked[:BEST]])
        fields.append(MessageField(name=text("Top gifters"), value=best, inline=False))
    fields += [
        MessageField(name=text("Recorded"), value=join(", ", recorded_words(recorded)), inline=False),
        MessageField(name=text("The week before"), value=_compared(week), inline=False),
    ]
    return Message(
        title=title,
        tone=Tone.LIVE,
        body=days_words(due.span, zone),
        fields=tuple(fields),
        footer=text("More with /top gifters"),
        chart=supporters_chart(
            ranked[:PER_PAGE],
            title=text("Top gifters"),
            subtitle=join(" · ", [title, days_words(due.span, zone)]),
        ),
    )


def _of_accounts(week: Week) -> list[str]:
    """Give a line for each host, the longest live first."""
    by_account: dict[int, list[WeeksLive]] = {}
    for live in week.lives:
        by_account.setdefault(live.account_id, []).append(live)
    summed = [(recorded_of(lives, week.now), lives[-1]) for lives in by_account.values()]
    summed.sort(key=lambda one: (-one[0].seconds, one[1].handle))
    lines: list[str] = [_of_account(live.name, recorded) for recorded, live in summed[:MOST_ACCOUNTS]]
    if (hidden := len(summed) - MOST_ACCOUNTS) > 0:
        lines.append(texts("and {count} more account", "and {count} more accounts", hidden))
    return lines


def _of_account(name: str, recorded: Recorded) -> str:
    line = texts(
        "**{name}**: {count} live, {span}",
        "**{name}**: {count} lives, {span}",
        recorded.lives,
        name=name,
        span=duration(timedelta(seconds=recorded.seconds)),
    )
    if not recorded.recorded:
        return join(", ", [line, text("not recorded")])
    diamonds = _amount(recorded)
    share = text("{share} recorded", share=share_words(recorded.share))
    return join(", ", [line, text("{amount} diamonds", amount=diamonds), share])


def _best(week: Week) -> list[MessageField]:
    """Name the live with the most diamonds."""
    best = max(week.lives, key=lambda live: live.diamonds)
    if not best.diamonds:
        return []
    value = text(
        "{name}, {when}: {amount} diamonds",
        name=best.name,
        when=stamp(best.started_at, "f"),
        amount=about_words(best.diamonds, best.estimated_diamonds),
    )
    return [MessageField(name=text("Best live"), value=value, inline=False)]


def _most_viewers(lives: Sequence[WeeksLive]) -> list[MessageField]:
    known = [live for live in lives if live.peak_viewers is not None]
    if not known:
        return [MessageField(name=text("Most viewers"), value=text("unknown"))]
    best = max(known, key=lambda live: live.peak_viewers or 0)
    value = text("{count} at {name}", count=number(best.peak_viewers or 0), name=best.name)
    return [MessageField(name=text("Most viewers"), value=value)]


def _diamonds(recorded: Recorded, usd_per_diamond: float) -> str:
    if not recorded.recorded:
        return text("unknown")
    lines = [_amount(recorded), dollars_words(recorded.diamonds, usd_per_diamond)]
    if recorded.estimated_diamonds:
        lines.append(text("~: partly estimated"))
    if recorded.unvalued_gifts:
        unknown = recorded.unvalued_gifts
        lines.append(texts("{count} gift of unknown value", "{count} gifts of unknown value", unknown))
    return join("\n", [line for line in lines if line])


def _compared(week: Week) -> str:
    """Say what the week before was."""
    before, after = recorded_of(week.before, week.now), recorded_of(week.lives, week.now)
    if not before.lives:
        return text("no live")
    lasted = duration(timedelta(seconds=before.seconds))
    said = [
        texts("{count} live, {span}", "{count} lives, {span}", before.lives, span=lasted),
        text("{amount} diamonds", amount=_amount(before)) if before.recorded else text("diamonds unknown"),
        _change(before, after),
        *recorded_words(before)[1:],
    ]
    return join(", ", [part for part in said if part])


def _change(before: Recorded, after: Recorded) -> str:
    """Say how the diamonds changed, where both weeks were recorded."""
    if not before.diamonds or not after.recorded:
        return ""
    percent = round(100 * (after.diamonds - before.diamonds) / before.diamonds)
    if percent >= 0:
        return text("{percent}% more now", percent=number(percent))
    return text("{percent}% less now", percent=number(-percent))


def _amount(recorded: Recorded) -> str:
    return about_words(recorded.diamonds, recorded.estimated_diamonds)
