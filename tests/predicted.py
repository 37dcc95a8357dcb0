"""Predictions as the service would give them, made up: for what shows them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from bot.core.live.calibration import BINS, ReliabilityBin
from bot.core.live.forecast import Window
from bot.core.live.outcomes import OutcomeSum
from bot.core.live.predictions import (
    AccountAccuracy,
    AccountPrediction,
    Accuracy,
    Board,
    BoardLine,
    BudgetUse,
    DayPlan,
    Expected,
    FactorBars,
    Habits,
    NextLives,
    Override,
    PlannedHour,
    Standing,
    TypicalWindow,
    WeekScore,
)

NOW = datetime(2026, 11, 21, 12, 23, tzinfo=UTC)
HOUR = timedelta(hours=1)
ZONE = "Asia/Jakarta"
HOSTILE = "**@everyone** [x](http://x) `y` ||z|| <@1> # $x$"


def window(hours: float = 3.0, probability: float = 0.64) -> Window:
    start = NOW + hours * HOUR
    return Window(start=start, end=start + 2 * HOUR, probability=probability)


def expected(handle: str = "ana", **more: Any) -> Expected:
    standing = more.get("standing", Standing.EXPECTED)
    is_live = standing is Standing.LIVE
    values: dict[str, Any] = {
        "account_id": 1,
        "handle": handle,
        "nickname": handle.title(),
        "live_since": NOW - HOUR if is_live else None,
        "live_now": 1.0 if is_live else 0.1,
        "within_hour": 0.23,
        "starts": (0.1,) * 24,
        "lives": (0.2,) * 24,
        "window": window(),
        "confidence": 0.8,
        "next_check_at": None if is_live else NOW + HOUR / 2,
        "reason": "92% likely before 20:30",
        "standing": standing,
    }
    return Expected(**{**values, **more})


def unknown(handle: str = "ana", standing: Standing = Standing.UNKNOWN, **more: Any) -> Expected:
    """An account of which nothing is said."""
    nothing = {"live_now": None, "within_hour": None, "starts": (), "lives": (), "window": None}
    return expected(handle, standing=standing, **{**nothing, "confidence": None, **more})


def next_lives(*accounts: Expected) -> NextLives:
    return NextLives(
        made_at=NOW,
        zone=ZONE,
        hours_from=NOW.replace(minute=0),
        accounts=accounts or (expected(),),
        failing=(),
        no_forecast="",
    )


def habits(**more: Any) -> Habits:
    values: dict[str, Any] = {
        "lives": 34,
        "windows": (
            TypicalWindow(start_minute=19 * 60, end_minute=21 * 60 + 30, share=0.7),
            TypicalWindow(start_minute=23 * 60, end_minute=25 * 60, share=0.2),
        ),
        "weekdays": (0.1, 0.1, 0.1, 0.1, 0.1, 0.3, 0.2),
        "typical_duration": timedelta(minutes=97),
        "consistency": 0.71,
        "confidence": 0.83,
        "changed_at": NOW - 12 * 24 * HOUR,
        "peak_viewers": 2310,
        "diamonds_per_hour": 812.0,
    }
    return Habits(**{**values, **more})


NO_HABITS = habits(
    lives=0,
    windows=(),
    weekdays=(0.0,) * 7,
    typical_duration=None,
    consistency=0.0,
    confidence=0.0,
    changed_at=None,
    peak_viewers=None,
    diamonds_per_hour=None,
)
FACTORS = FactorBars(
    time_of_day=0.82, weekday=0.55, recent_activity=0.31, season=0.5, special_events=0.0, total=0.55
)


def account(**more: Any) -> AccountPrediction:
    values: dict[str, Any] = {
        "made_at": NOW,
        "zone": ZONE,
        "hours_from": NOW.replace(minute=0),
        "expected": expected(),
        "heat": tuple(
            tuple(0.4 if (day, hour) == (5, 20) else 0.01 for hour in range(24)) for day in range(7)
        ),
        "heat_zone": ZONE,
        "habits": habits(),
        "factors": FACTORS,
        "accuracy": AccountAccuracy(hours=672, right=0.9612, always_unlikely=0.9420, brier=0.0314),
        "override": Override(),
        "policy": "probability",
        "last_checked_at": NOW - HOUR,
        "last_answer": "offline",
        "failing": (),
        "no_forecast": "",
    }
    return AccountPrediction(**{**values, **more})


def plan(**more: Any) -> DayPlan:
    midnight = datetime(2026, 11, 20, 17, tzinfo=UTC)
    hours = tuple(
        PlannedHour(
            start=midnight + hour * HOUR,
            made=4 if hour < 19 else 0,
            found=int(hour in {3, 12}),
            planned=0.0 if hour < 19 else 5.5,
        )
        for hour in range(24)
    )
    values: dict[str, Any] = {
        "made_at": NOW,
        "zone": ZONE,
        "hours": hours,
        "discovery": BudgetUse(used=84, limit=120),
        "followup": BudgetUse(used=460, limit=480),
        "reserved": 12,
        "share": 0.5,
        "policy": "probability",
        "shadow": "",
        "failing": (),
        "unplanned": "",
    }
    return DayPlan(**{**values, **more})


def week(number: int = 0, **more: Any) -> WeekScore:
    values: dict[str, Any] = {
        "starts_on": date(2026, 10, 26) + timedelta(days=7 * number),
        "days": 7,
        "requests": 840,
        "found": 71,
        "estimated": 96.2,
        "median_delay_minutes": 17.4,
        "within_30": 0.52,
        "hit_rate": 0.09,
        "brier": 0.031,
        "fixed_requests": 2100.0,
    }
    return WeekScore(**{**values, **more})


def accuracy(**more: Any) -> Accuracy:
    bins = tuple(
        ReliabilityBin(
            low=tenth / 10,
            high=(tenth + 1) / 10,
            forecasts=0 if tenth == 9 else 4000 // (tenth + 1) ** 3,
            predicted=None if tenth == 9 else tenth / 10 + 0.04,
            observed=None if tenth == 9 else tenth / 10 + 0.06,
        )
        for tenth in range(10)
    )
    values: dict[str, Any] = {
        "made_at": NOW,
        "zone": ZONE,
        "predictions": 9217,
        "reliability": bins,
        "right": 0.9612,
        "always_unlikely": 0.9420,
        "brier": 0.0314,
        "weeks": (week(0), week(1)),
    }
    return Accuracy(**{**values, **more})


def line(handle: str = "ana", standing: Standing = Standing.EXPECTED, **more: Any) -> BoardLine:
    values: dict[str, Any] = {
        "handle": handle,
        "nickname": handle.title(),
        "standing": standing,
        "was_predicted": False,
        "live_since": NOW - HOUR if standing is Standing.LIVE else None,
        "live_now": 0.1,
        "within_hour": 0.61,
        "window": None if standing is Standing.UNLIKELY else window(),
    }
    return BoardLine(**{**values, **more})


def board(*lines: BoardLine, **more: Any) -> Board:
    values: dict[str, Any] = {
        "made_at": NOW,
        "zone": ZONE,
        "discovery": BudgetUse(used=84, limit=120),
        "followup": BudgetUse(used=460, limit=480),
        "predictions": 7,
        "request_reduction": 0.62,
        "found": 34,
        "estimated": 41.3,
        "policy": "probability",
        "failing": (),
        "no_forecast": "",
        "lines": lines,
    }
    return Board(**{**values, **more})


def outcome_sums(*said: tuple[float, bool]) -> tuple[OutcomeSum, ...]:
    """Sum up predictions of hours, each with whether a live started."""
    bins: dict[tuple[int, bool], list[float]] = {}
    for chance, started in said:
        # In millionths, as they are stored: 0.3 * 10 is less than 3.
        number = min(round(chance * 1e6) // (1_000_000 // BINS), BINS - 1)
        bins.setdefault((number, started), []).append(chance)
    return tuple(
        OutcomeSum(
            number=number,
            started=started,
            hours=len(chances),
            chances=sum(chances),
            squares=sum(chance**2 for chance in chances),
        )
        for (number, started), chances in sorted(bins.items())
    )
