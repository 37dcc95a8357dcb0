"""One script's file of a round: its name, its numbers, and the instant it tells itself."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.rounds.files import FileKind, RoundName, parse_name
from bot.core.rounds.gather import parse_gather
from bot.core.rounds.grammar import RoundFileError, StatsFile, parse_stats
from bot.texts import text

NO_ROUND = text("the name is not one of a round's stats file")
SAME_ROUND = timedelta(seconds=60)  # two scripts write a round this close together
ROUND_KINDS = frozenset({FileKind.ROUND, FileKind.GATHER})


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadRound:
    """What a file says. `told` is the end of the round (aware UTC) as a gather's document has it, else None."""

    name: RoundName
    stats: StatsFile
    told: datetime | None = None


def read_round(file: str, content: bytes) -> ReadRound:
    """Read a stats file or a gather's document. Raises `RoundFileError`."""
    name = parse_name(file)
    if name is not None and name.kind is FileKind.GATHER:
        gather = parse_gather(content)
        return ReadRound(name=name, stats=gather.stats, told=gather.ended_at)
    stats = parse_stats(content)
    if name is None or name.kind is not FileKind.ROUND:
        raise RoundFileError(NO_ROUND)
    return ReadRound(name=name, stats=stats)


def fingerprint(content: bytes) -> str:
    """Give what copies of a file have in common, also one that came by way of Windows."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


def twins(names: Iterable[str]) -> Mapping[str, str]:
    """Find the gathers' documents of rounds that another script wrote too, each with that stats file.

    The stats file tells more: the times of each player and 28 fields that a gather's document does not have.
    """
    parsed = {name: found for name in names if (found := parse_name(name)) is not None}
    by_round: dict[tuple[str, int], list[str]] = {}
    for name, one in parsed.items():
        if one.kind is FileKind.ROUND:
            by_round.setdefault((one.map, one.round), []).append(name)
    found_twins = {}
    for name, one in parsed.items():
        if one.kind is FileKind.GATHER:
            rivals = by_round.get((one.map, one.round), ())
            near = [at for at in rivals if abs(parsed[at].wall_clock - one.wall_clock) <= SAME_ROUND]
            if near:
                found_twins[name] = min(near)
    return found_twins
