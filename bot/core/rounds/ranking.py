"""A table of players by one metric: `/top players`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from bot.core.leaderboards import places
from bot.core.rounds.counters import PlayerRound, readable
from bot.core.rounds.metrics import Measured, Metric, Minimum, measure
from bot.texts import join, text, texts


@dataclass(frozen=True, kw_only=True, slots=True)
class RankedPlayer:
    """A row: players with the same value share the `place`. `rounds` are those the value is made of."""

    place: int
    guid: str
    name: str
    value: float
    rounds: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranking:
    """A whole table, best first, with what must be stated under it.

    `minimum` is what was asked for; `below_minimum` players have played less, and of `unknown` players the
    value cannot be said at all.
    """

    metric: Metric
    minimum: Minimum
    players: tuple[RankedPlayer, ...]
    below_minimum: int
    unknown: int


def rank_players(rows: Iterable[PlayerRound], metric: Metric, *, min_rounds: int | None = None) -> Ranking:
    """Rank players by a metric; `min_rounds` takes the place of the metric's own number of rounds.

    Bots and rounds that do not count are left out. The name of a player is his newest.
    """
    by_guid = rounds_by_player(rows)
    names = {guid: newest_name(own) for guid, own in by_guid.items()}
    measured = {guid: measure(metric, own) for guid, own in by_guid.items()}
    return rank_measured(measured, names, metric, min_rounds=min_rounds)


def rank_measured(
    measured: Mapping[str, Measured],
    names: Mapping[str, str],
    metric: Metric,
    *,
    min_rounds: int | None = None,
) -> Ranking:
    """Rank players whose values are known already, by GUID, as `metrics.from_sums` gives them."""
    minimum = asked_minimum(metric, min_rounds)
    enough = rankable(measured, minimum)
    unknown = sum(one.value is None for one in measured.values())
    by_name = sorted(enough, key=lambda guid: (names[guid].casefold(), guid))
    players = tuple(
        RankedPlayer(
            place=place, guid=guid, name=names[guid], value=enough[guid], rounds=measured[guid].rounds
        )
        for place, guid in places({guid: enough[guid] for guid in by_name})
    )
    return Ranking(
        metric=metric,
        minimum=minimum,
        players=players,
        below_minimum=len(measured) - unknown - len(enough),
        unknown=unknown,
    )


def asked_minimum(metric: Metric, min_rounds: int | None) -> Minimum:
    """Give a metric's minimum with the number of rounds that somebody asked for, at least 1."""
    rounds = metric.minimum.rounds if min_rounds is None else max(1, min_rounds)
    return replace(metric.minimum, rounds=rounds)


def rankable(measured: Mapping[str, Measured], minimum: Minimum) -> dict[str, float]:
    """Give the values that are known, of the players who reach a minimum, by GUID."""
    return {
        guid: one.value for guid, one in measured.items() if one.value is not None and _reaches(one, minimum)
    }


def minimum_words(minimum: Minimum) -> str:
    """Say what a table asks for, for instance `at least 10 rounds, at least 1,000 shots`."""
    amounts = {
        "gun_shots": text("at least {amount} shots", amount=minimum.amount),
        "gun_hits": text("at least {amount} hits", amount=minimum.amount),
        "kills": text("at least {amount} kills", amount=minimum.amount),
    }
    if minimum.of_maps:
        rounds = texts("at least {count} map", "at least {count} maps", minimum.rounds)
    else:
        rounds = texts("at least {count} round", "at least {count} rounds", minimum.rounds)
    return join(", ", [rounds, amounts[minimum.counter]] if minimum.counter else [rounds])


def rounds_by_player(rows: Iterable[PlayerRound]) -> dict[str, list[PlayerRound]]:
    """Give the rounds that tables read, by GUID: a renamed player is one player."""
    by_guid: dict[str, list[PlayerRound]] = defaultdict(list)
    for row in readable(rows):
        by_guid[row.guid].append(row)
    return dict(by_guid)


def newest_name(rows: Iterable[PlayerRound]) -> str:
    """Give the name a player had last."""
    return max(rows, key=lambda row: row.ended_at).name


def _reaches(measured: Measured, minimum: Minimum) -> bool:
    amount = measured.sums[minimum.counter] if minimum.counter else 0
    return measured.rounds >= minimum.rounds and amount >= minimum.amount
