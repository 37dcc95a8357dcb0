"""What is usual for one account: a value derived from its lives, which can be made anew at any time.

Clock times lie on a circle (specs/scheduling.md 3): their mean and spread are those of directions (Mardia
and Jupp, Directional Statistics), so that midnight is a time like any other.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

import numpy as np

from bot.core.live.arrays import Floats
from bot.core.live.budget import DAY
from bot.core.live.past_lives import PastLive, SetAside, credible, local_hour, zone_named

HABIT_DAYS = 112
"""Hours drift slowly, so 16 weeks of them count (specs/scheduling.md 3)."""
RATE_DAYS = 28
"""The rate changes often, so it is that of 4 weeks (ibid.)."""
LIVES_FOR_CONFIDENCE = 14
WINDOW_SHARE = 0.12
"""A window holds at least this share of the starts (and two of them); others have no usual hour."""
KERNEL = 1.0
"""The width, in hours, by which starts are smoothed to find where they gather."""
VALLEY = 0.6
"""Two gatherings are two where the density between them falls under this part of the lower one."""
WEEKS_BEFORE = 6
WEEKS_AFTER = 3
CHANGE_HOURS = 2.0
CHANGE_STRENGTH = 25.0
"""T2 is about a chi-squared of two degrees, which chance takes so high once in 270,000 looks."""
GRID = 96


@dataclass(frozen=True, kw_only=True, slots=True)
class StartWindow:
    """A stretch of the local day in which starts gather, as hours 0..24; it crosses midnight where `until` < `since`.

    `share` is the part of all starts in it, 0..1; 80 % of those lie between `since` and `until`.
    """

    centre: float
    since: float
    until: float
    share: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Durations:
    """How long lives last, in minutes: median and quartiles.

    Of lives found by checks the long ones are found more often, so these lean to the long.
    """

    median: float
    quarter: float
    three_quarters: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Patterns:
    """The habits of one account, from its lives of the last 16 weeks, in the clock of its zone.

    `windows` are in the order of their shares. `weekdays` are the shares of lives on Monday..Sunday; an
    account is active on those of `active_weekdays` (0 Monday). `consistency` (0..1) is how near together the
    starts lie within their windows, `confidence` (0..1) how much of that is to be believed, `lives` how many
    it is made of. `changed_on` is the local day on which its hours changed last, None where they did not.
    `rate_per_week` is that of the last 4 weeks. `peak_viewers` and `diamonds_per_hour` (quality) are medians
    over the lives for which they are known, else None.
    """

    zone: str
    lives: int
    windows: tuple[StartWindow, ...]
    weekdays: tuple[float, ...]
    active_weekdays: tuple[int, ...]
    durations: Durations | None
    consistency: float
    confidence: float
    changed_on: date | None
    last_start: datetime | None
    rate_per_week: float
    peak_viewers: float | None
    diamonds_per_hour: float | None
    set_aside: SetAside


def patterns_of(lives: Iterable[PastLive], zone: str, now: datetime) -> Patterns:
    """Derive the patterns of one account from its lives, in any order; what cannot be true is set aside.

    `zone` is an IANA name; UTC where it is empty or does not exist.
    """
    clock = zone_named(zone)
    all_lives, aside = credible(lives, now)
    recent = [live for live in all_lives if now - live.started_at <= HABIT_DAYS * DAY]
    changed_on = change_of_hours(recent, clock)
    # After a change only what came after it is a habit.
    usual = [live for live in recent if changed_on is None or _local_day(live, clock) >= changed_on]
    hours = np.array([local_hour(live.started_at, clock) for live in usual], dtype=np.float64)
    labels = gatherings(hours)
    consistency = _consistency(hours, labels)
    return Patterns(
        zone=str(clock),
        lives=len(recent),
        windows=_windows(hours, labels),
        weekdays=_weekday_shares(usual, clock),
        active_weekdays=_active_weekdays(usual, clock),
        durations=_durations(usual),
        consistency=consistency,
        confidence=consistency * min(1.0, len(usual) / LIVES_FOR_CONFIDENCE),
        changed_on=changed_on,
        last_start=all_lives[-1].started_at if all_lives else None,
        rate_per_week=_rate_per_week(all_lives, now),
        peak_viewers=_median([live.peak_viewers for live in usual]),
        diamonds_per_hour=_median([live.diamonds_per_hour for live in usual]),
        set_aside=aside,
    )


def circular_mean(hours: Floats) -> float:
    """Give the mean direction of hours on the day circle, 0..24."""
    mean = np.mean(np.exp(2j * np.pi * hours / 24))
    return on_the_clock(float(np.angle(mean)) * 12 / math.pi)


def on_the_clock(hour: float) -> float:
    """Bring an hour into 0..24, 24 itself excluded (a remainder of floats can round up to it)."""
    return hour % 24 if hour % 24 < 24 else 0.0


def concentration(hours: Floats) -> float:
    """Give the mean resultant length R of hours: 1 all the same, near 0 spread over the day."""
    return float(abs(np.mean(np.exp(2j * np.pi * hours / 24)))) if len(hours) else 0.0


def apart(one: float | Floats, other: float | Floats) -> Floats:
    """Give how far the second hour lies after the first on the day circle, -12..12."""
    return np.asarray((np.asarray(other) - np.asarray(one) + 12) % 24 - 12, dtype=np.float64)


def gatherings(hours: Floats) -> list[int]:
    """Give for each start (local hours) the number of the gathering it belongs to, -1 for none.

    The starts are smoothed on the circle; each summit that a valley parts from the next is a gathering, of
    the starts between its valleys. One too small, or no denser than chance makes a flat day, is none.
    """
    if len(hours) == 0:
        return []
    grid = np.arange(GRID) * 24 / GRID
    density = np.sum(np.exp(-0.5 * (apart(hours[:, None], grid[None, :]) / KERNEL) ** 2), axis=0)
    borders = _valleys(density)
    if not borders:
        # Rayleigh's test of a flat day, and a hard look at one that is not flat but wide.
        length = concentration(hours)
        return [-1 if length < 0.3 or len(hours) * length**2 < 3 else 0] * len(hours)
    places = np.searchsorted(np.array(borders) * 24 / GRID, hours, side="right") % len(borders)
    sizes = np.bincount(places, minlength=len(borders))
    tops = [float(np.max(density[_between(borders, number)])) for number in range(len(borders))]
    least, high = max(2.0, WINDOW_SHARE * len(hours)), _high_by_chance(len(hours))
    good = [size >= least and top > high for size, top in zip(sizes, tops, strict=True)]
    return [int(place) if good[place] else -1 for place in places]


def _high_by_chance(starts: int) -> float:
    """Give the density that starts spread over the whole day hardly reach: the mean and 2.5 deviations."""
    mean = starts * math.sqrt(2 * math.pi) * KERNEL / 24
    return mean + 2.5 * math.sqrt(starts * math.sqrt(math.pi) * KERNEL / 24)


def _between(borders: Sequence[int], number: int) -> list[int]:
    """Give the places of the grid between the border before gathering `number` and that after it."""
    first, last = borders[number - 1], borders[number]
    return [place % GRID for place in range(first, last if last > first else last + GRID)]


def _valleys(density: Floats) -> list[int]:
    """Give the lowest places between summits that are two by `VALLEY`; none where there is one summit."""
    summits = [
        place
        for place in range(GRID)
        if density[place] > density[place - 1] and density[place] >= density[(place + 1) % GRID]
    ]
    while len(summits) > 1:
        valleys = [_lowest(density, one, summits[(i + 1) % len(summits)]) for i, one in enumerate(summits)]
        depths = [
            density[valley] / min(density[one], density[summits[(i + 1) % len(summits)]])
            for i, (one, valley) in enumerate(zip(summits, valleys, strict=True))
        ]
        worst = int(np.argmax(depths))
        if depths[worst] < VALLEY:
            return sorted(valleys)
        after = (worst + 1) % len(summits)
        # The shallowest valley parts nothing: its two summits are one, the higher stays.
        summits.pop(worst if density[summits[worst]] < density[summits[after]] else after)
    return []


def _lowest(density: Floats, one: int, other: int) -> int:
    """Give the lowest place after a summit and before the next (round the circle)."""
    places = [place % GRID for place in range(one, other if other > one else other + GRID)]
    return min(places, key=lambda place: float(density[place]))


def _windows(hours: Floats, labels: Sequence[int]) -> tuple[StartWindow, ...]:
    windows = []
    for number in sorted(set(labels) - {-1}):
        own = hours[np.array(labels) == number]
        centre = circular_mean(own)
        low, high = np.percentile(apart(centre, own), [10, 90])
        windows.append(
            StartWindow(
                centre=centre,
                since=on_the_clock(float(centre + low)),
                until=on_the_clock(float(centre + high)),
                share=len(own) / len(hours),
            )
        )
    return tuple(sorted(windows, key=lambda window: -window.share))


def _consistency(hours: Floats, labels: Sequence[int]) -> float:
    """Give the mean resultant length within the windows, weighted by their shares: starts in none count 0."""
    numbers = set(labels) - {-1}
    own = [hours[np.array(labels) == number] for number in numbers]
    return min(1.0, sum(concentration(ones) * len(ones) for ones in own) / max(1, len(hours)))


def change_of_hours(lives: Sequence[PastLive], zone: tzinfo) -> date | None:
    """Give the local day of the last change of start hours, None where they did not change.

    The mean hours of the 6 weeks before and the 3 weeks after it, with at least 5 lives each, lie at least
    2 hours apart, and Hotelling's T2 of the two mean directions is more than chance makes. Of neighbouring
    days that fit, the one parting them best is taken.
    """
    hours = np.array([local_hour(live.started_at, zone) for live in lives], dtype=np.float64)
    starts = [live.started_at for live in lives]
    strengths = [_change_at(place, hours, starts) for place in range(len(lives))]
    place = len(strengths) - 1
    # The last run of days that fit is one change, seen from several days.
    while place >= 0 and strengths[place] == 0:
        place -= 1
    if place < 0:
        return None
    first = place
    while first > 0 and strengths[first - 1] > 0:
        first -= 1
    best = max(range(first, place + 1), key=lambda index: strengths[index])
    return _local_day(lives[best], zone)


def _change_at(place: int, hours: Floats, starts: Sequence[datetime]) -> float:
    """Give Hotelling's T2 between the hours from `place` on and those before; 0 where that is not enough."""
    at = starts[place]
    before = hours[bisect_left(starts, at - timedelta(weeks=WEEKS_BEFORE)) : place]
    after = hours[place : bisect_left(starts, at + timedelta(weeks=WEEKS_AFTER))]
    if min(len(before), len(after)) < 5:
        return 0.0
    if abs(float(apart(circular_mean(before), circular_mean(after)))) < CHANGE_HOURS:
        return 0.0
    strength = _hotelling(_directions(before), _directions(after))
    return strength if strength > CHANGE_STRENGTH else 0.0


def _directions(hours: Floats) -> Floats:
    angles = 2 * np.pi * hours / 24
    return np.column_stack([np.cos(angles), np.sin(angles)])


def _hotelling(one: Floats, other: Floats) -> float:
    """Give the two-sample T2 statistic with a pooled covariance (of at least a tenth of an hour squared)."""
    moved = np.mean(other, axis=0) - np.mean(one, axis=0)
    rest = np.vstack([one - np.mean(one, axis=0), other - np.mean(other, axis=0)])
    pooled = rest.T @ rest / (len(rest) - 2) + np.eye(2) * (0.1 * np.pi / 12) ** 2
    error = pooled * (1 / len(one) + 1 / len(other))
    return float(moved @ np.linalg.solve(error, moved))


def _local_day(live: PastLive, zone: tzinfo) -> date:
    return live.started_at.astimezone(zone).date()


def _weekday_shares(lives: Sequence[PastLive], zone: tzinfo) -> tuple[float, ...]:
    counts = [0] * 7
    for live in lives:
        counts[_local_day(live, zone).weekday()] += 1
    return tuple(count / max(1, len(lives)) for count in counts)


def _active_weekdays(lives: Sequence[PastLive], zone: tzinfo) -> tuple[int, ...]:
    """Give the weekdays with at least half of a weekday's even share of the lives."""
    return tuple(day for day, share in enumerate(_weekday_shares(lives, zone)) if share >= 0.5 / 7)


def _durations(lives: Sequence[PastLive]) -> Durations | None:
    if not lives:
        return None
    quarter, median, three_quarters = np.percentile([live.minutes for live in lives], [25, 50, 75])
    return Durations(median=float(median), quarter=float(quarter), three_quarters=float(three_quarters))


def _rate_per_week(lives: Sequence[PastLive], now: datetime) -> float:
    """Give lives a week over the last 4 weeks, or over the time since the first one where that is shorter."""
    if not lives:
        return 0.0
    # A week at least, or two lives on the first day would be fourteen a week.
    days = min(float(RATE_DAYS), max(7.0, (now - lives[0].started_at) / DAY))
    return sum(now - live.started_at <= RATE_DAYS * DAY for live in lives) * 7 / days


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None
