"""A whole folder of stats files becomes its rounds: parse, pair, resolve; no database, no clock.

What `services.round_import` does file by file as they come, done at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.core.rounds.grammar import RoundFileError
from bot.core.rounds.placing import Placed, place
from bot.core.rounds.reading import ReadRound, fingerprint, read_round, twins
from bot.core.rounds.resolve import ResolvedRound
from bot.core.rounds.results import MapResult, map_result
from bot.core.rounds.times import folder_times
from bot.texts import text


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
    reads: dict[str, ReadRound] = {}
    refused: dict[str, str] = {}
    seen: dict[str, str] = {}
    modified: dict[str, datetime] = {}
    for file in files:
        modified[file.name] = file.modified_at
        try:
            read = read_round(file.name, file.content)
        except RoundFileError as error:
            refused[file.name] = error.words
            continue
        copied = seen.setdefault(fingerprint(file.content), file.name)
        if copied != file.name and read.stats.players:  # rounds without anybody may well read the same
            refused[file.name] = text("the same content as {file}", file=copied)
        else:
            reads[file.name] = read
    for gather, stats_file in twins(reads).items():
        refused[gather] = text("the same round as {file}", file=stats_file)
        del reads[gather]
    return Folder(rounds=_resolve(place(reads, folder_times(modified, zone))), refused=refused)


def _resolve(placed: Placed) -> tuple[FolderRound, ...]:
    resolved = placed.resolve()
    partners = {name: one.partner_key for name, one in resolved.items() if one.partner_key is not None}
    both = partners | {first: second for second, first in partners.items()}
    results = {second: map_result(resolved[first], resolved[second]) for second, first in partners.items()}
    return tuple(
        FolderRound(
            file=name,
            resolved=one,
            partner=both.get(name),
            result=results.get(name if name in partners else both.get(name, name)),
        )
        for name, one in resolved.items()
    )
