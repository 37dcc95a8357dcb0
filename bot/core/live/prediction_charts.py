"""The pictures of predictions: who is likely when, why, what is planned, and how well it came out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.core.charts import (
    Bar,
    BarChart,
    BarGroup,
    ChartSpec,
    ChartStack,
    ColumnChart,
    HeatMap,
    HeatRow,
    Lane,
    LaneChart,
    ReliabilityChart,
    ReliabilityPoint,
    Series,
)
from bot.core.live.predictions import (
    AccountPrediction,
    Accuracy,
    DayPlan,
    Expected,
    FactorBars,
    NextLives,
    Standing,
)
from bot.texts import join, text, texts

MOST_LANES = 12  # more would be too small to read on a phone
LANE_HOURS = 24
TICK_HOURS = 3
WEEKDAYS = (
    text("Mon"),
    text("Tue"),
    text("Wed"),
    text("Thu"),
    text("Fri"),
    text("Sat"),
    text("Sun"),
)

_NOTES = {Standing.LIVE: text("live"), Standing.UNKNOWN: text("not known"), Standing.PAUSED: text("paused")}


def percent(share: float) -> str:
    """Write a share (0..1) as a percentage; what is not quite nothing or everything is not written as such."""
    if 0 < share < 0.01:
        return "<1%"
    if 0.99 < share < 1:
        return ">99%"
    return f"{100 * share:.0f}%"


def next_chart(following: NextLives) -> LaneChart:
    """Draw up who is likely to be live in the next 24 hours, with the next check of each."""
    shown = following.accounts[:MOST_LANES]
    hidden = len(following.accounts) - len(shown)
    more = texts("and {count} more account", "and {count} more accounts", hidden) if hidden else ""
    return LaneChart(
        title=text("Who is likely to be live"),
        subtitle=join(" · ", [text("the next 24 hours"), *([more] if more else [])]),
        value_axis=text("chance of being live in the hour"),
        lanes=tuple(_lane(one) for one in shown),
        begins_at=following.hours_from,
        now=following.made_at,
        zone=following.zone,
        time_axis=text("time of day ({zone})", zone=following.zone),
        note_axis=text("begins within 24 h"),
        now_name=text("now"),
        mark_name=text("next check"),
    )


def _lane(one: Expected) -> Lane:
    note = _NOTES.get(one.standing) or percent(chance_of_any(one.starts[:LANE_HOURS]))
    return Lane(
        label=one.nickname or f"@{one.handle}",
        fallback=f"@{one.handle}",
        chances=one.lives[:LANE_HOURS],
        marks=() if one.next_check_at is None else (one.next_check_at,),
        note=note,
    )


def chance_of_any(chances: Sequence[float]) -> float:
    """Give the chance that at least one of several independent things happens."""
    none = 1.0
    for chance in chances:
        none *= 1 - min(max(chance, 0.0), 1.0)
    return 1 - none


def account_chart(prediction: AccountPrediction) -> ChartSpec | None:
    """Draw up the week of an account and, below it, the factors that speak for this hour; what is known of them."""
    week = None if prediction.heat is None else heat_chart(prediction, prediction.heat)
    factors = None if prediction.factors is None else factor_chart(prediction.factors)
    if week is None or factors is None:
        return week or factors
    return ChartStack(title=week.title, value_axis=week.value_axis, charts=(week, factors))


def heat_chart(prediction: AccountPrediction, week: Sequence[Sequence[float]]) -> HeatMap:
    """Draw up the chance of a start for each weekday and hour; `week` is in the zone of `prediction.heat_zone`."""
    one, zone = prediction.expected, prediction.zone
    heat = in_zone(week, prediction.heat_zone, zone, prediction.made_at)
    return HeatMap(
        title=text("{name} · when lives begin", name=one.nickname or f"@{one.handle}"),
        subtitle=_strongest(heat),
        value_axis=text("chance that a live begins in the hour"),
        rows=tuple(HeatRow(label=day, values=tuple(row)) for day, row in zip(WEEKDAYS, heat, strict=True)),
        columns=_hour_labels(24),
        row_axis=text("weekday"),
        column_axis=text("hour of the day ({zone})", zone=zone),
    )


def in_zone(
    heat: Sequence[Sequence[float]], of: str, to: str, now: datetime
) -> tuple[tuple[float, ...], ...]:
    """Give a week of hours (Monday first) of one zone as the hours of another, at their present distance.

    Where that is no full number of hours, each hour is made of the two it lies in.
    """
    here, there = (now.astimezone(ZoneInfo(zone)).utcoffset() or timedelta() for zone in (of, to))
    hours, part = divmod((there - here) / timedelta(hours=1), 1)
    flat = [chance for row in heat for chance in row]
    moved = [
        (1 - part) * flat[(place - int(hours)) % len(flat)]
        + part * flat[(place - int(hours) - 1) % len(flat)]
        for place in range(len(flat))
    ]
    return tuple(tuple(moved[24 * day : 24 * day + 24]) for day in range(7))


def _strongest(heat: Sequence[Sequence[float]]) -> str:
    """Name the hour with the highest chance."""
    # Negative, so that of equal hours the first of the week is named.
    chance, day, hour = max(
        (chance, -day, -hour) for day, row in enumerate(heat) for hour, chance in enumerate(row)
    )
    return text(
        "most likely: {day} {hour}, {chance}",
        day=WEEKDAYS[-day],
        hour=f"{-hour:02d}:00",
        chance=percent(chance),
    )


def _hour_labels(count: int) -> tuple[str, ...]:
    return tuple(f"{hour:02d}" if hour % TICK_HOURS == 0 else "" for hour in range(count))


def factor_chart(factors: FactorBars) -> BarChart:
    """Draw up the five factors of this hour (specs/scheduling.md 5), each with its weight."""
    parts = (
        (text("Time of day"), factors.time_of_day, 40, ""),
        (text("Weekday"), factors.weekday, 20, ""),
        (text("Recent activity"), factors.recent_activity, 20, ""),
        (text("Season"), factors.season, 10, ""),
        (text("Special events"), factors.special_events, 10, factors.event),
    )
    bars = tuple(
        Bar(label=name, value=100 * value, note=_weight(weight, today))
        for name, value, weight, today in parts
    )
    return BarChart(
        title=text("Why: five factors of this hour"),
        subtitle=text("what speaks for a live now"),
        value_axis=text("from 0 (nothing speaks for it) to 100 (everything does)"),
        groups=(BarGroup(name=text("together {share}", share=percent(factors.total)), bars=bars),),
        longest=100.0,
    )


def _weight(percentage: int, today: str) -> str:
    """Say what a factor weighs, behind the name of the special day that this is."""
    weight = text("weight {share}", share=f"{percentage}%")
    return join(" · ", [today, weight]) if today else weight


def plan_chart(plan: DayPlan) -> ColumnChart:
    """Draw up today's checks by hour beside an even share of the budget."""
    found = sum(hour.found for hour in plan.hours)
    nothing = sum(hour.made - hour.found for hour in plan.hours)
    even = plan.discovery.limit / 24
    spent = text(
        "last 24 h: {used} of {limit} · reserved {reserved} · left {left}",
        used=plan.discovery.used,
        limit=plan.discovery.limit,
        reserved=plan.reserved,
        left=plan.left,
    )
    return ColumnChart(
        title=text("Today's checks by hour"),
        subtitle=spent,
        value_axis=text("checks in the hour"),
        labels=_local_hours([hour.start for hour in plan.hours], plan.zone),
        series=(
            Series(
                name=text("found a live ({number})", number=found),
                values=tuple(float(hour.found) for hour in plan.hours),
            ),
            Series(
                name=text("found nothing ({number})", number=nothing),
                values=tuple(float(hour.made - hour.found) for hour in plan.hours),
            ),
            _planned(plan),
        ),
        column_axis=text("hour of the day ({zone})", zone=plan.zone),
        limit=even,
        limit_name=text("budget, evenly spread: {number} an hour", number=f"{even:.3g}"),
    )


def _planned(plan: DayPlan) -> Series:
    """Give the checks planned by hour; where they are not worked out their number is not said to be 0."""
    hours = tuple(hour.planned or 0.0 for hour in plan.hours)
    count = "?" if plan.unplanned else round(sum(hours))
    return Series(name=text("planned ({number})", number=count), values=hours)


def _local_hours(starts: Sequence[datetime], zone: str) -> tuple[str, ...]:
    """Name every third hour, as clocks show it: a day of a change of the clock has 23 or 25."""
    hours = [start.astimezone(ZoneInfo(zone)).hour for start in starts]
    return tuple(f"{hour:02d}" if hour % TICK_HOURS == 0 else "" for hour in hours)


def reliability_chart(accuracy: Accuracy) -> ReliabilityChart | None:
    """Draw up what was said against what came true; None before there is anything to compare."""
    points = tuple(
        ReliabilityPoint(predicted=one.predicted, observed=one.observed, count=one.forecasts)
        for one in accuracy.reliability
        if one.forecasts and one.predicted is not None and one.observed is not None
    )
    if not points:
        return None
    return ReliabilityChart(
        title=text("Do predictions come true?"),
        subtitle=texts(
            "28 days · {count} hour of an account · upright lines: 95% range",
            "28 days · {count} hours of accounts · upright lines: 95% range",
            accuracy.predictions,
        ),
        value_axis=text("how often a live began"),
        points=points,
        said_axis=text("chance that was predicted for the hour"),
        count_name=text("hours"),
        perfect_name=text("exactly as predicted"),
    )
