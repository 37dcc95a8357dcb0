"""What is counted of a player in a round, by name: the sums everything about players is made of.

A counter is None where the script that wrote the file does not know it. None is not 0: who has no
denied time in the files of 2024 has not denied nothing (specs/etlegacy.md 1.4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.core.rounds.grammar import is_bot
from bot.core.rounds.player import ResolvedPlayer

MULTI_KILLS = ("double_kills", "triple_kills", "quad_kills", "penta_kills", "hexa_kills")
COUNTERS = (
    "kills",
    "deaths",
    "damage_given",
    "damage_received",
    "team_damage_given",
    "gibs",
    "self_kills",
    "team_kills",
    "gun_shots",
    "gun_hits",
    "head_hits",
    "headshot_kills",
    "revives",
    "xp",
    "team_seconds",
    "alive_seconds",
    "useful_kills",
    "denied_seconds",
    "dynamite_planted",
    "dynamite_defused",
    *MULTI_KILLS,
)

Counters = Mapping[str, int | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class PlayerRound:
    """One player in one round alone. `counted` says whether tables read the round.

    `name` is without colours, and not unique; `guid` is who it is. `ended_at` is aware UTC.
    """

    guid: str
    name: str
    ended_at: datetime
    counted: bool
    counters: Counters


def counters_of(player: ResolvedPlayer) -> dict[str, int | None]:
    """Give all counters of a player's round.

    A script that does not tell the time on a team leaves it 0: it is unknown then, and the time alive too.
    """
    counters: dict[str, int | None] = {name: getattr(player, name) for name in COUNTERS}
    if not player.team_seconds:
        counters["team_seconds"] = counters["alive_seconds"] = None
    return counters


def readable(rows: Iterable[PlayerRound]) -> list[PlayerRound]:
    """Leave out what no table reads: bots, and rounds that do not count."""
    return [row for row in rows if row.counted and not is_bot(row.guid)]


def known_sums(rows: Iterable[PlayerRound], names: Iterable[str]) -> tuple[dict[str, int], int]:
    """Sum counters over the rounds in which ALL of them are known, and say how many rounds these are.

    So a ratio never divides the damage of three rounds by the time of two.
    """
    sums = dict.fromkeys(names, 0)
    rounds = 0
    for row in rows:
        values = {name: row.counters.get(name) for name in sums}
        known = {name: value for name, value in values.items() if value is not None}
        if len(known) == len(sums):
            rounds += 1
            for name, value in known.items():
                sums[name] += value
    return sums, rounds
