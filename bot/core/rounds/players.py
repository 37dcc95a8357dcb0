"""Players as people look for them: who is known by which names, and what is told of one and of two."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import SequenceMatcher

from bot.core.rounds.counters import PlayerRound
from bot.core.rounds.evenings import GAP
from bot.core.rounds.form import Form
from bot.core.rounds.metrics import METRICS, Measured, Metric, Per, related
from bot.core.rounds.radar import RadarAxis
from bot.core.rounds.rating import Rating

TOTALS = ("deaths", "damage_given", "damage_received", "team_damage_given", "self_kills", "team_kills")
"""What is told as a plain sum beside the metrics."""

RATES: tuple[Metric, ...] = tuple(
    related(METRICS[key], Per.TEN_MINUTES) for key in ("revives", "useful_kills", "denied_seconds")
)
MOST_PROPOSALS = 5
LEAST_ALIKE = 0.4  # of 1; below it, names share little more than letters


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownPlayer:
    """A player by the name he had last; `name` is not unique and may hold Markdown."""

    guid: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Alias:
    """A name of a player, and in how many rounds he had it; instants are aware UTC."""

    guid: str
    name: str
    first_at: datetime
    last_at: datetime
    rounds: int


@dataclass(frozen=True, kw_only=True, slots=True)
class WeaponSums:
    """One weapon of a player over his counted rounds, by its number in the file."""

    weapon: int
    hits: int
    shots: int
    kills: int
    deaths: int
    head_hits: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DuelSums:
    """What a player did against one opponent, over the rounds whose endstats tell it."""

    opponent: KnownPlayer
    kills: int
    deaths: int
    rounds: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """What is told of a player by itself, and of each of two. `rounds` are those that count.

    `totals` are by counter, with the number of rounds that know it; `measured` are by key of the metric, and
    `rates` the same per ten minutes.
    """

    player: KnownPlayer
    rounds: int
    totals: Mapping[str, tuple[int, int]]
    measured: Mapping[str, Measured]
    rates: Mapping[str, Measured]


@dataclass(frozen=True, kw_only=True, slots=True)
class PlayerCard:
    """All that is told of one player. `linked_to` is the member who is that player, `aliases` newest first.

    `weapons` come with the most kills first; `duels` are there where endstats tell them.
    """

    side: Side
    linked_to: int | None
    aliases: tuple[Alias, ...]
    weapons: tuple[WeaponSums, ...]
    form: Form
    duels: tuple[DuelSums, ...]
    rating: Rating


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Two players beside each other. `duel` is the first one's against the second, None where it is not told."""

    sides: tuple[Side, Side]
    axes: tuple[RadarAxis, ...]
    duel: DuelSums | None


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundSpan:
    """When a round of a server was played, whoever took part."""

    server: str
    ended_at: datetime
    played_seconds: int | None

    @property
    def began_at(self) -> datetime:
        """When it began; without a known time when it ended."""
        return self.ended_at - timedelta(seconds=self.played_seconds or 0)


def newest_first(aliases: Iterable[Alias]) -> dict[str, KnownPlayer]:
    """Give each player by GUID with his newest name among these, who was seen last first."""
    found: dict[str, KnownPlayer] = {}
    for alias in sorted(aliases, key=lambda alias: (alias.last_at, alias.rounds), reverse=True):
        found.setdefault(alias.guid, KnownPlayer(guid=alias.guid, name=alias.name))
    return found


def alike(wanted: str, aliases: Iterable[Alias], most: int = MOST_PROPOSALS) -> tuple[str, ...]:
    """Give the GUIDs of the players one of whose names is most like `wanted`, the likest first."""
    best: dict[str, tuple[float, datetime]] = {}
    for alias in aliases:
        likeness = (_likeness(wanted, alias.name), alias.last_at)
        best[alias.guid] = max(likeness, best.get(alias.guid, likeness))
    likely = [guid for guid, (share, _) in best.items() if share >= LEAST_ALIKE]
    return tuple(sorted(likely, key=lambda guid: best[guid], reverse=True)[:most])


def _likeness(one: str, other: str) -> float:
    """Compare names without the signs of clans; one that holds the other whole is as good as equal."""
    plain, found = (_letters(name) for name in (one, other))
    if min(len(plain), len(found)) >= 3 and (plain in found or found in plain):
        return 1.0
    return SequenceMatcher(None, plain, found, autojunk=False).ratio()


def _letters(name: str) -> str:
    folded = name.casefold()
    return "".join(char for char in folded if char.isalnum()) or folded


def own_evenings(
    own: Iterable[tuple[str, PlayerRound]], spans: Iterable[RoundSpan], gap: timedelta = GAP
) -> list[Sequence[PlayerRound]]:
    """Group ONE player's rounds, given with their servers, into the evenings of these servers, oldest first.

    `spans` are all rounds of the servers: who pauses while the others go on comes back to the same evening.
    The rule is that of `evenings.group_evenings`.
    """
    evening_of = _evenings(spans, gap)
    grouped: dict[tuple[str, int], list[PlayerRound]] = defaultdict(list)
    for server, row in sorted(own, key=lambda one: one[1].ended_at):
        grouped[server, evening_of[server, row.ended_at]].append(row)
    return sorted(grouped.values(), key=lambda rows: rows[-1].ended_at)


def _evenings(spans: Iterable[RoundSpan], gap: timedelta) -> Mapping[tuple[str, datetime], int]:
    """Number the evenings of each server; gives the number by server and end of a round."""
    numbers: dict[tuple[str, datetime], int] = {}
    before: dict[str, tuple[datetime, int]] = {}
    for span in sorted(spans, key=lambda span: span.ended_at):
        ended_at, number = before.get(span.server, (span.ended_at, 0))
        number += span.began_at - ended_at > gap
        before[span.server] = (span.ended_at, number)
        numbers[span.server, span.ended_at] = number
    return numbers
