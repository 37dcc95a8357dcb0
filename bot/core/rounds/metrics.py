"""What players are compared by: one table, with formula, unit and minimum of each metric.

Every metric is made of sums, and divided once at the end (specs/etlegacy.md 3, rows 12 and 20). More is
better in all of them. The formulas, with their sources, are in `formulas`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.core.rounds import formulas
from bot.core.rounds.counters import MULTI_KILLS, PlayerRound, known_sums, readable
from bot.texts import text


class Unit(StrEnum):
    """What a value is: how to write it."""

    COUNT = "count"
    RATIO = "ratio"  # may be infinite
    SHARE = "share"  # 0 to 1, shown in percent
    SECONDS = "seconds"
    DAMAGE_PER_MINUTE = "damage_per_minute"  # hit points


class Per(StrEnum):
    """What a count is related to. Ratios, shares and the time played are the same in both."""

    TOTAL = "total"
    TEN_MINUTES = "ten_minutes"


@dataclass(frozen=True, kw_only=True, slots=True)
class Minimum:
    """How much a player must have played to be ranked: rounds, and so many of a counter where one is named.

    With `of_maps` the rounds are whole maps.
    """

    rounds: int = 1
    of_maps: bool = False
    counter: str | None = None
    amount: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """One metric: `formula` takes the sums of `counters` in their order; None = cannot be said."""

    key: str
    title: str
    unit: Unit
    counters: tuple[str, ...]
    formula: Callable[..., float | None]
    minimum: Minimum
    per: Per = Per.TOTAL
    has_rate: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """A metric of one player. `rounds` are those in which all its counters are known, and `sums` theirs."""

    value: float | None
    rounds: int
    sums: Mapping[str, int]


TEN_ROUNDS = Minimum(rounds=10)
EVENING_ROUNDS = 3  # an evening has about ten, so that ten would leave its tables empty


def _count(key: str, title: str, *counters: str, unit: Unit = Unit.COUNT) -> Metric:
    return Metric(
        key=key,
        title=title,
        unit=unit,
        counters=counters,
        formula=formulas.total,
        minimum=Minimum(),
        has_rate=True,
    )


_METRICS = (
    _count("kills", text("Kills"), "kills"),
    Metric(
        key="dpm",
        title=text("Damage per minute"),
        unit=Unit.DAMAGE_PER_MINUTE,
        counters=("damage_given", "team_seconds"),
        formula=formulas.dpm,
        minimum=TEN_ROUNDS,
    ),
    Metric(
        key="kd",
        title=text("Kills per death"),
        unit=Unit.RATIO,
        counters=("kills", "deaths"),
        formula=formulas.kd,
        minimum=TEN_ROUNDS,
    ),
    Metric(
        key="accuracy",
        title=text("Accuracy"),
        unit=Unit.SHARE,
        counters=("gun_hits", "gun_shots"),
        formula=formulas.accuracy,
        minimum=Minimum(rounds=10, counter="gun_shots", amount=1000),
    ),
    Metric(
        key="head_hit_share",
        title=text("Head hits per hit"),
        unit=Unit.SHARE,
        counters=("head_hits", "gun_hits"),
        formula=formulas.head_hit_share,
        minimum=Minimum(rounds=10, counter="gun_hits", amount=300),
    ),
    Metric(
        key="headshot_kill_share",
        title=text("Headshot kills per kill"),
        unit=Unit.SHARE,
        counters=("headshot_kills", "kills"),
        formula=formulas.headshot_kill_share,
        minimum=Minimum(rounds=10, counter="kills", amount=100),
    ),
    Metric(
        key="efficiency",
        title=text("Efficiency"),
        unit=Unit.SHARE,
        counters=("kills", "deaths"),
        formula=formulas.efficiency,
        minimum=TEN_ROUNDS,
    ),
    _count("revives", text("Revives"), "revives"),
    _count("gibs", text("Gibs"), "gibs"),
    _count("useful_kills", text("Useful kills"), "useful_kills"),
    _count("denied_seconds", text("Denied playtime"), "denied_seconds", unit=Unit.SECONDS),
    _count("multi_kills", text("Multi-kills"), *MULTI_KILLS),
    _count(
        "dynamite", text("Dynamite planted and defused"), "dynamite_planted", "dynamite_defused"
    ),  # no field says whether it went off
    replace(_count("playtime", text("Playtime"), "team_seconds", unit=Unit.SECONDS), has_rate=False),
)
METRICS: Mapping[str, Metric] = {metric.key: metric for metric in _METRICS}

RATING = Metric(
    key="rating",
    title=text("Rating"),
    unit=Unit.RATIO,
    counters=(),  # it is made of the results of maps
    formula=formulas.rating,
    minimum=Minimum(rounds=10, of_maps=True),
)
"""Mean - 3 deviations: whoever has played little is not said to be good. Its `rounds` are maps."""


def related(metric: Metric, per: Per) -> Metric:
    """Give a metric as a total or per ten minutes on a team; one without a rate stays as it is."""
    if per is Per.TOTAL or not metric.has_rate:
        return metric
    return replace(
        metric,
        per=per,
        counters=(*metric.counters, "team_seconds"),
        formula=formulas.per_ten_minutes,
        minimum=TEN_ROUNDS,
    )


def in_an_evening(metric: Metric) -> Metric:
    """Give a metric that asks for a part of an evening, and not for a habit: of ten rounds three, as of the rest."""
    asked = metric.minimum
    if asked.of_maps or asked.rounds <= EVENING_ROUNDS:
        return metric
    amount = asked.amount * EVENING_ROUNDS // asked.rounds
    return replace(metric, minimum=replace(asked, rounds=EVENING_ROUNDS, amount=amount))


def measure(metric: Metric, rows: Iterable[PlayerRound]) -> Measured:
    """Give a metric over the rounds of ONE player; what no table reads is left out.

    The value is None where no round knows all counters, or nothing is there to divide by.
    """
    sums, rounds = known_sums(readable(rows), metric.counters)
    return from_sums(metric, sums, rounds)


def from_sums(metric: Metric, sums: Mapping[str, int], rounds: int) -> Measured:
    """Give a metric from sums of its counters, as a database can make them (see `known_sums`)."""
    value = metric.formula(*(sums[name] for name in metric.counters)) if rounds else None
    return Measured(value=value, rounds=rounds, sums=sums)
