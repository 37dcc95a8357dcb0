"""What is known of a map: how often and how fast it was attacked, and who wins it.

The two halves are told apart. The limit of round 2 is the time that was set in round 1, so that round 2 is
held more easily and its attacks are fast ones only: hold rate and usual time are those of round 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from bot.core.rounds.evenings import EveningRound
from bot.core.rounds.results import MapResult, map_result


@dataclass(frozen=True, kw_only=True, slots=True)
class Half:
    """The rounds 1 or the rounds 2 of a map whose outcome is known."""

    attacks: int
    held: int

    @property
    def hold_rate(self) -> float | None:
        """Held / attacks, 0 to 1; None without an attack."""
        return self.held / self.attacks if self.attacks else None


@dataclass(frozen=True, kw_only=True, slots=True)
class AttackTime:
    """An attack that succeeded: how long it took, when it ended, and who attacked, by GUID."""

    key: str
    seconds: int
    ended_at: datetime
    attackers: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class MapRecord:
    """A map over many evenings, counted rounds only. `best` are the fastest attacks, fastest first.

    `usual_seconds` is the median of the attacks that succeeded in round 1; None without one. `results` has
    a number for each result of the maps whose halves both count.
    """

    map: str
    first: Half
    second: Half
    usual_seconds: float | None
    best: tuple[AttackTime, ...]
    results: dict[MapResult, int]


def map_record(rounds: Iterable[EveningRound], name: str, *, most: int = 5) -> MapRecord:
    """Give the record of a map out of the rounds of ONE server; of equal times the older is the better."""
    own = {one.key: one for one in rounds if one.counted and one.resolved.map == name}
    known = [one for one in own.values() if one.resolved.attackers_succeeded is not None]
    times = sorted(
        (time for one in known if (time := _attack_time(one))),
        key=lambda time: (time.seconds, time.ended_at, time.key),
    )
    usual = [time.seconds for time in times if own[time.key].resolved.round == 1]
    return MapRecord(
        map=name,
        first=_half(known, 1),
        second=_half(known, 2),
        usual_seconds=median(usual) if usual else None,
        best=tuple(times[:most]),
        results=_results(own),
    )


def _half(rounds: Iterable[EveningRound], number: int) -> Half:
    outcomes = [one.resolved.attackers_succeeded for one in rounds if one.resolved.round == number]
    return Half(attacks=len(outcomes), held=outcomes.count(False))


def _attack_time(one: EveningRound) -> AttackTime | None:
    resolved = one.resolved
    if not resolved.attackers_succeeded or resolved.played_seconds is None:
        return None
    attackers = [player.guid for player in resolved.players if player.side == resolved.winner_side]
    return AttackTime(
        key=one.key,
        seconds=resolved.played_seconds,
        ended_at=resolved.ended_at,
        attackers=frozenset(attackers),
    )


def _results(own: dict[str, EveningRound]) -> dict[MapResult, int]:
    results = dict.fromkeys(MapResult, 0)
    for one in own.values():
        first = own.get(one.resolved.partner_key or "")
        result = map_result(first.resolved, one.resolved) if first else None
        if result is not None:
            results[result] += 1
    return results
