"""A whole folder of stats files becomes its rounds: parse, pair, resolve; no database, no clock.

What `services.round_import` does file by file as they come, done at once.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.core.rounds.files import FileKind, RoundName, parse_name
from bot.core.rounds.gather import parse_gather
from bot.core.rounds.grammar import RoundFileError, StatsFile, parse_stats
from bot.core.rounds.pairing import Pairing, PlayedRound, pair_rounds
from bot.core.rounds.resolve import ResolvedRound, resolve
from bot.core.rounds.results import MapResult, map_result
from bot.core.rounds.times import Stamp, ended_times, other_fold
from bot.texts import text

_SAME_ROUND = timedelta(seconds=60)  # two scripts write a round this close together


@dataclass(frozen=True, kw_only=True, slots=True)
class FolderFile:
    """A file as it lies in the folder; `modified_at` is aware UTC."""

    name: str
    content: bytes
    modified_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class FolderRound:
    """One round of the folder. Both halves of a pair name each other in `partner` and share `result`."""

    file: str
    resolved: ResolvedRound
    partner: str | None
    result: MapResult | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Folder:
    """The rounds, oldest first, and why files were left out, by name."""

    rounds: tuple[FolderRound, ...]
    refused: Mapping[str, str]


def read_folder(files: Iterable[FolderFile], zone: ZoneInfo | None) -> Folder:
    """Read the stats files of ONE server. `zone` is where its names are read if their stamps do not tell.

    Of files with the same content the first is read, and of two
    scripts' files of a round the one that tells more.
    """
    reads: dict[str, _Read] = {}
    refused: dict[str, str] = {}
    seen: dict[bytes, str] = {}
    for file in files:
        try:
            read = _read(file)
        except RoundFileError as error:
            refused[file.name] = error.words
            continue
        digest = hashlib.sha256(file.content.replace(b"\r\n", b"\n")).digest()
        copied = seen.setdefault(digest, file.name)
        if copied != file.name and read.stats.players:  # rounds without anybody may well read the same
            refused[file.name] = text("the same content as {file}", file=copied)
        else:
            reads[file.name] = read
    for gather, stats_file in _twins(reads).items():
        refused[gather] = text("the same round as {file}", file=stats_file)
        del reads[gather]
    played, pairings = _pair(reads, zone)
    return Folder(rounds=_resolve(played, pairings), refused=refused)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Read:
    """What a file says: its name, its two clocks and its numbers; `told` is an instant inside a gather's."""

    name: RoundName
    stamp: Stamp
    stats: StatsFile
    told: datetime | None = None


def _read(file: FolderFile) -> _Read:
    name = parse_name(file.name)
    told = None
    if name is not None and name.kind is FileKind.GATHER:
        gather = parse_gather(file.content)
        stats, told = gather.stats, gather.ended_at
    else:
        stats = parse_stats(file.content)
        if name is None or name.kind is not FileKind.ROUND:
            raise RoundFileError(text("the name is not one of a round's stats file"))
    stamp = Stamp(wall_clock=name.wall_clock, modified_at=file.modified_at)
    return _Read(name=name, stamp=stamp, stats=stats, told=told)


def _twins(reads: Mapping[str, _Read]) -> dict[str, str]:
    """Find the gathers' documents of rounds that another script wrote too, with the stats file of each."""
    by_round: dict[tuple[str, int], dict[str, datetime]] = defaultdict(dict)
    for name, read in reads.items():
        if read.name.kind is FileKind.ROUND:
            by_round[read.name.map, read.name.round][name] = read.name.wall_clock
    found = {}
    for name, read in reads.items():
        if read.name.kind is FileKind.GATHER:
            rivals = by_round[read.name.map, read.name.round]
            near = [other for other, at in rivals.items() if abs(at - read.name.wall_clock) <= _SAME_ROUND]
            if near:
                found[name] = min(near)
    return found


def _pair(
    reads: Mapping[str, _Read], zone: ZoneInfo | None
) -> tuple[dict[str, PlayedRound], Mapping[str, Pairing]]:
    """Date and pair the rounds.

    When clocks are set back, an hour of names stands for two. It is the first of them unless a single
    round finds its partner only in the second; rounds 2 are tried before rounds 1.
    """
    stamps = {name: read.stamp for name, read in reads.items()}
    times = ended_times(stamps, zone)
    played = {
        name: PlayedRound(key=name, ended_at=read.told or times[name], stats=read.stats)
        for name, read in reads.items()
    }
    pairings = pair_rounds(played.values())
    for number in (2, 1):
        single = _single(pairings)
        later = {
            name: replace(played[name], ended_at=fold)
            for name in single
            if played[name].stats.header.round == number
            and (fold := other_fold(stamps[name].wall_clock, played[name].ended_at, zone)) is not None
        }
        if later:
            still_single = _single(pair_rounds((played | later).values()))
            played |= {name: again for name, again in later.items() if name not in still_single}
            pairings = pair_rounds(played.values())
    return played, pairings


def _single(pairings: Mapping[str, Pairing]) -> set[str]:
    firsts = {pairing.first.key for pairing in pairings.values() if pairing.first}
    return {name for name, pairing in pairings.items() if pairing.first is None and name not in firsts}


def _resolve(played: Mapping[str, PlayedRound], pairings: Mapping[str, Pairing]) -> tuple[FolderRound, ...]:
    resolved = {name: resolve(one, pairings[name]) for name, one in played.items()}
    partners = {name: one.partner_key for name, one in resolved.items() if one.partner_key is not None}
    both = partners | {first: second for second, first in partners.items()}
    results = {second: map_result(resolved[first], resolved[second]) for second, first in partners.items()}
    by_time = sorted(resolved.items(), key=lambda item: (item[1].ended_at, item[0]))
    return tuple(
        FolderRound(
            file=name,
            resolved=one,
            partner=both.get(name),
            result=results.get(name if name in partners else both.get(name, name)),
        )
        for name, one in by_time
    )
