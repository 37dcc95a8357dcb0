"""Those who watch a live: they come, write, tap, share and give; and now and then something brings many more.

Every streamer has one habit by which viewers come: after a wave of gifts, after people shared the live, after
many taps, or when a rival ends and sends theirs (a raid); of some nothing in particular does. The causes of a
live are told with it, so that a test can see whether the bot finds them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from tools.sandbox.world.lives import PlannedLive
from tools.sandbox.world.people import Person, regulars_of, stranger
from tools.sandbox.world.streamers import Streamer

#: What is given here, with its diamonds and how often; all of it is known to the stand-in.
GIFTS = {"Rose": (1, 30), "TikTok": (1, 12), "GG": (1, 8), "Finger Heart": (5, 14), "Perfume": (20, 6)}
GREAT_GIFTS = {"Doughnut": (30, 10), "Cap": (99, 6), "Galaxy": (1000, 1)}
_SINGLE = "Galaxy"
_RAMP_MINUTES = 14
_STEP = 0.012  # by chance alone viewers change by so much of their number in a minute
_HOME = 0.06
_STAYS = 0.94  # of those whom a cause brought, so many are still there a minute later
_MOST_COMMENTS, _MOST_JOINS = 12, 6


class CauseKind(StrEnum):
    """What brings viewers."""

    GIFT_WAVE = "gift wave"
    SHARE = "share"
    TAPS = "taps"
    RAID = "raid"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """Something that happened in a minute of a live and brought so many viewers `delay` minutes later."""

    kind: CauseKind
    minute: int
    delay: int
    viewers: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Giving:
    """`count` gifts of one kind by one person; `second` is within its minute, `diamonds` those of all."""

    second: int
    person: Person
    gift: str
    count: int
    diamonds: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Minute:
    """What happened in one minute of a live: viewers at its end, and counts within it (likes are taps)."""

    number: int
    viewers: int
    comments: int = 0
    likes: int = 0
    follows: int = 0
    shares: int = 0
    joins: int = 0
    gifts: tuple[Giving, ...] = field(default=())


@dataclass(frozen=True, kw_only=True, slots=True)
class Audience:
    """A whole live, minute by minute, and why it has its steps."""

    live: PlannedLive
    minutes: tuple[Minute, ...]
    causes: tuple[Cause, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Habit:
    """How viewers come to a streamer: what brings them, after how many minutes, and what part of the viewers."""

    kind: CauseKind
    delay: int
    part: float
    apart: tuple[int, int]
    """So many minutes lie between two of them."""


_HABITS = {
    "rani.bernyanyi": Habit(kind=CauseKind.GIFT_WAVE, delay=3, part=0.12, apart=(5, 11)),
    "mila.makes": Habit(kind=CauseKind.SHARE, delay=4, part=0.11, apart=(5, 10)),
    "bayu_gg": Habit(kind=CauseKind.RAID, delay=0, part=0.7, apart=(45, 90)),
    "nightowl.nora": Habit(kind=CauseKind.GIFT_WAVE, delay=2, part=0.1, apart=(5, 12)),
    "batik.bagus": Habit(kind=CauseKind.TAPS, delay=5, part=0.1, apart=(5, 9)),
    "starry.sam": Habit(kind=CauseKind.SHARE, delay=6, part=0.15, apart=(6, 12)),
    "gita_gitar": Habit(kind=CauseKind.GIFT_WAVE, delay=4, part=0.12, apart=(5, 11)),
    "farah.fit": Habit(kind=CauseKind.TAPS, delay=2, part=0.1, apart=(5, 9)),
    "joko.jalan": Habit(kind=CauseKind.RAID, delay=0, part=0.5, apart=(30, 70)),
}


def habit_of(streamer: Streamer) -> Habit | None:
    """Give what brings this streamer's viewers, None where nothing in particular does."""
    return _HABITS.get(streamer.handle)


def minutes_of(live: PlannedLive) -> tuple[Minute, ...]:
    """Give what happens in each minute of a live."""
    return audience_of(live).minutes


def audience_of(live: PlannedLive) -> Audience:
    """Give what happens in a live, always the same for the same one."""
    luck = random.Random(f"audience {live.key}")  # noqa: S311 - an invented audience
    length = math.ceil((live.ended_at - live.started_at).total_seconds() / 60)
    habit = habit_of(live.streamer)
    causes = _causes(habit, live, length, luck) if habit else []
    viewers = _viewers(live, length, causes, luck)
    minutes = tuple(_minute(live, number, viewers, causes, luck) for number in range(length))
    return Audience(live=live, minutes=minutes, causes=tuple(causes))


def _causes(habit: Habit, live: PlannedLive, length: int, luck: random.Random) -> list[Cause]:
    causes, at = [], luck.randrange(4, 4 + habit.apart[1])
    while at + habit.delay < length:
        size = max(1, round(live.viewers * habit.part * luck.uniform(0.6, 1.4)))
        causes.append(Cause(kind=habit.kind, minute=at, delay=habit.delay, viewers=size))
        at += luck.randint(*habit.apart)
    return causes


def _viewers(live: PlannedLive, length: int, causes: Sequence[Cause], luck: random.Random) -> list[int]:
    """Let viewers come at first, then wander about what is usual; whom a cause brought leave little by little."""
    arrivals = dict.fromkeys(range(length), 0)
    for cause in causes:
        arrivals[cause.minute + cause.delay] += cause.viewers
    wandering, brought, found = 0.0, 0.0, []
    for number in range(length):
        usual = live.viewers * (1 - math.exp(-(number + 1.5) / _RAMP_MINUTES))
        wandering += -_HOME * wandering + luck.gauss(0, _STEP * live.viewers)
        brought = brought * _STAYS + arrivals[number]
        found.append(max(1, round(usual + wandering + brought)))
    return found


def _minute(
    live: PlannedLive, number: int, viewers: Sequence[int], causes: Sequence[Cause], luck: random.Random
) -> Minute:
    now, before = viewers[number], viewers[number - 1] if number else 0
    sizes = {cause.kind: cause.viewers for cause in causes if cause.minute == number}
    came = max(0, now - before)
    wave = sizes.get(CauseKind.GIFT_WAVE, 0)
    taps = now * luck.uniform(0.6, 1.3)
    if CauseKind.TAPS in sizes:
        taps += now * 6 * sizes[CauseKind.TAPS] / max(1, live.viewers * 0.1)
    shares = int(luck.random() < 0.02)
    if CauseKind.SHARE in sizes:
        shares += 1 + round(20 * sizes[CauseKind.SHARE] / live.viewers)
    return Minute(
        number=number,
        viewers=now,
        comments=min(_MOST_COMMENTS, _poisson(now * 0.035, luck)),
        likes=round(taps),
        follows=_poisson(now / 900 + came / 60, luck),
        shares=shares,
        joins=min(_MOST_JOINS, _poisson(came * 0.3 + now / 60, luck)),
        gifts=_gifts(live, now, wave, luck),
    )


def _gifts(live: PlannedLive, viewers: int, wave: int, luck: random.Random) -> tuple[Giving, ...]:
    """Let people give: a few now and then, and many at once in a wave, the greater the more it will bring."""
    count = _poisson(0.08 + viewers / 1500, luck)
    if wave:
        count += 2 + round(30 * wave / live.viewers)
    return tuple(sorted((_giving(live, luck) for _ in range(count)), key=lambda one: one.second))


def _giving(live: PlannedLive, luck: random.Random) -> Giving:
    people = regulars_of(live.streamer)
    # The first of the regulars gives the most, the next one less, and so on.
    rank = min(len(people) - 1, int(luck.expovariate(1 / 3.2)))
    is_regular = luck.random() < 0.75
    person = people[rank] if is_regular else stranger(live.streamer.language, luck)
    sorts = GREAT_GIFTS if is_regular and luck.random() < 0.16 / (rank + 1) else GIFTS
    gift = luck.choices(list(sorts), [share for _, share in sorts.values()])[0]
    count = 1 if gift == _SINGLE else luck.choice((1, 1, 1, 2, 3, 5, 10))
    diamonds = count * sorts[gift][0]
    return Giving(second=luck.randrange(59), person=person, gift=gift, count=count, diamonds=diamonds)


def _poisson(mean: float, luck: random.Random) -> int:
    """Draw how often something happens that happens so often on average."""
    count, left = 0, luck.expovariate(1)
    while left < mean:
        count += 1
        left += luck.expovariate(1)
    return count
