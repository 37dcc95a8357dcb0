"""The grammar of an endstats file: bytes -> awards and duels, or `RoundFileError` (specs/etlegacy.md 1.6).

Every line has three fields, separated by tabs. First come the awards: title, player, value. Then come the
duels in a block per player: opponent, kills, deaths. Only newer scripts put a head before each block; without
it nobody can say whose block it is, so that the duels are left out. A round's file is the one of the same map
and round that was written within half a minute of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from bot.core.rounds.files import FileKind, RoundName
from bot.core.rounds.grammar import RoundFileError, file_lines, integer
from bot.core.rounds.names import clean_name
from bot.texts import text

NEAREST = timedelta(seconds=30)

_HEAD = "VS_HEADER"
_LONGEST_TEXT = 100
_GUID = re.compile(r"[0-9A-Z]{8,32}")
_COUNT = re.compile(r"[0-9]{1,10}")
_TITLE = re.compile(
    r"(?:Most|Best|Longest|Highest|Quickest|Farthest|Least) .+|Mortarmagnet|Tank/Meatshield.*|Full respawn king"
)
_NUMBER = re.compile(r"-?[0-9]{1,10}(?:\.[0-9]{1,20})?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Award:
    """One award and its winner's name. `number` is the first number of `value`, None where there is none.

    In round 2 those on damage, deaths, self kills and kills per death are for both rounds.
    """

    title: str
    name: str
    value: str
    number: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Duel:
    """What a player did against one opponent, who is known by name alone."""

    opponent: str
    kills: int
    deaths: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DuelBlock:
    """The duels of one player. `guid` has eight characters, `long_guid` what the file has."""

    name: str
    guid: str
    long_guid: str
    duels: tuple[Duel, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Endstats:
    """One file; `blocks` is empty where the script writes no heads."""

    awards: tuple[Award, ...]
    blocks: tuple[DuelBlock, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PlayerDuel:
    """What one player did against another, both by their eight characters."""

    guid: str
    opponent_guid: str
    kills: int
    deaths: int


def parse_endstats(content: bytes) -> Endstats:
    """Read an endstats file. Raises `RoundFileError` for everything that is not in the grammar."""
    lines = [_fields(number, line) for number, line in enumerate(file_lines(content), start=1)]
    heads = [at for at, fields in enumerate(lines) if fields[0] == _HEAD]
    end = heads[0] if heads else _end_of_awards(lines)
    blocks = [lines[start:stop] for start, stop in pairwise([*heads, len(lines)])]
    return Endstats(
        awards=tuple(_award(*fields) for fields in lines[:end]),
        blocks=tuple(map(_block, blocks)),
    )


def endstats_of(round_: RoundName, names: Iterable[RoundName]) -> RoundName | None:
    """Find the endstats of a round among the names of its folder; both clocks are the server's."""
    return min(
        (
            name
            for name in names
            if name.kind is FileKind.ENDSTATS
            and (name.map, name.round) == (round_.map, round_.round)
            and _apart(name.wall_clock, round_) <= NEAREST
        ),
        key=lambda name: _apart(name.wall_clock, round_),
        default=None,
    )


def player_duels(endstats: Endstats, names: Mapping[str, str]) -> tuple[PlayerDuel, ...]:
    """Give the duels whose opponent is known for sure; `names` are those of the round's players by GUID.

    A name that two of them bear, or that stands twice in a block, says nothing.
    """
    bearers: dict[str, set[str]] = {}
    for guid, name in [*names.items(), *((block.guid, block.name) for block in endstats.blocks)]:
        bearers.setdefault(name, set()).add(guid)
    found = [duel for block in endstats.blocks for duel in _known_duels(block, bearers)]
    times = Counter((duel.guid, duel.opponent_guid) for duel in found)
    return tuple(duel for duel in found if times[duel.guid, duel.opponent_guid] == 1)


def _known_duels(block: DuelBlock, bearers: Mapping[str, set[str]]) -> Iterator[PlayerDuel]:
    for duel in block.duels:
        opponents = bearers.get(duel.opponent, set())
        if len(opponents) == 1:
            (opponent,) = opponents
            yield PlayerDuel(guid=block.guid, opponent_guid=opponent, kills=duel.kills, deaths=duel.deaths)


def canonical_guids(endstats: Endstats) -> Mapping[str, str]:
    """Give the long GUIDs by their first eight characters, where the heads tell them."""
    return {block.guid: block.long_guid for block in endstats.blocks if len(block.long_guid) == 32}


def _apart(wall_clock: datetime, round_: RoundName) -> timedelta:
    return abs(wall_clock - round_.wall_clock)


def _fields(number: int, line: str) -> tuple[str, str, str]:
    fields = line.split("\t")
    if len(fields) != 3 or not all(len(field) <= _LONGEST_TEXT for field in fields):
        raise RoundFileError(text("line {number}: not three fields with tabs between them", number=number))
    return fields[0], fields[1], fields[2]


def _end_of_awards(lines: Sequence[tuple[str, str, str]]) -> int:
    """Tell where the duels begin that have no heads: with the first line that cannot be an award."""
    return next((at for at, fields in enumerate(lines) if _is_duel(fields)), len(lines))


def _is_duel(fields: tuple[str, str, str]) -> bool:
    return (
        _TITLE.fullmatch(fields[0]) is None
        and _COUNT.fullmatch(fields[1]) is not None
        and _COUNT.fullmatch(fields[2]) is not None
    )


def _award(title: str, name: str, value: str) -> Award:
    number = _NUMBER.match(value)
    return Award(
        title=" ".join(title.split()),
        name=clean_name(name),
        value=" ".join(value.split()),
        number=float(number[0]) if number else None,
    )


def _block(lines: Sequence[tuple[str, str, str]]) -> DuelBlock:
    (_, name, guid), *duels = lines
    if not _GUID.fullmatch(guid.upper()):
        raise RoundFileError(text("the head of a block of duels has no GUID"))
    return DuelBlock(
        name=clean_name(name),
        guid=guid[:8].upper(),
        long_guid=guid.upper(),
        duels=tuple(
            Duel(
                opponent=clean_name(opponent),
                kills=integer(kills, text("kills"), lowest=0),
                deaths=integer(deaths, text("deaths"), lowest=0),
            )
            for opponent, kills, deaths in duels
        ),
    )
