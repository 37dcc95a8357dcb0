"""The grammar of a stats file: bytes -> `StatsFile`, or `RoundFileError` (specs/etlegacy.md 1.2 to 1.4).

The layout is chosen by the COUNT of fields after the weapons, never by date. Only the layout of 38 fields
is read; the others are refused by name, so that no number is ever taken for another. One bad line refuses
the whole file: half a round is worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bot.core.rounds.fields import DECIMAL_FIELDS, TAIL_FIELDS
from bot.errors import InputRefused
from bot.texts import text, texts

_T = TypeVar("_T")

LARGEST_FILE = 256 * 1024  # bytes; 64 players with every weapon come to about 50 kB

_REFUSED_LAYOUTS = {
    33: text("the 33-field layout of 2024"),
    36: text("the 36-field layout of early 2025 (also kraszken's statsdump.lua)"),
    37: text("the 37-field layout of mid 2025"),
}
_COUNTER = text("weapon counter")
_GUID = re.compile(r"[0-9A-Z]{8}")
_INTEGER = re.compile(r"-?[0-9]{1,10}")
_DECIMAL = re.compile(r"-?[0-9]{1,10}(?:\.[0-9]{1,6})?")
_MINUTES = re.compile(r"([0-9]{1,4}):([0-5][0-9])")
_LONGEST_ROUND = 6 * 3600  # seconds; beyond it the optional field is a match id, not a duration


class RoundFileError(InputRefused):
    """A stats file that cannot be read; the text names the line and the reason."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """The first line. Sides: 1 Axis, 2 Allies, 0 unknown. Limits are whole seconds.

    `next_limit` is the attackers' time if they won and a copy of `limit` if not: not a duration.
    `played_seconds` is known only from some versions of the script.
    """

    server: str
    map: str
    config: str
    round: int
    defender: int
    winner: int
    limit: int
    next_limit: int
    played_seconds: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class WeaponLine:
    """The five counters of one weapon, in the order of the file."""

    hits: int
    shots: int
    kills: int
    deaths: int
    head_hits: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PlayerLine:
    """One player as the file has it: raw name, counters by weapon id, tail values by name of the field.

    `rounds` is how many earlier rounds the counters already hold; `side` 1 Axis, 2 Allies, 3 spectator.
    """

    guid: str
    name: str
    rounds: int
    side: int
    weapons: Mapping[int, WeaponLine]
    counts: Mapping[str, int]
    ratios: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class StatsFile:
    """One file, raw."""

    header: Header
    players: tuple[PlayerLine, ...]


def parse_stats(content: bytes) -> StatsFile:
    """Read a stats file. Raises `RoundFileError` for everything that is not exactly in the grammar."""
    first, *rest = _lines(content)
    header = _at_line(1, _header, first)
    players = tuple(_at_line(number, _player, line) for number, line in enumerate(rest, start=2))
    people = [player.guid for player in players if not is_bot(player.guid)]
    if len(set(people)) != len(people):
        raise RoundFileError(text("the same player stands in two lines"))
    return StatsFile(header=header, players=players)


def is_bot(guid: str) -> bool:
    """Say whether a GUID is a bot's; all bots share one, cut to `OMNIBOT0` (specs/etlegacy.md 2.4)."""
    return guid.startswith("OMNIBOT")


def _lines(content: bytes) -> list[str]:
    if not content:
        raise RoundFileError(text("the file is empty"))
    if len(content) > LARGEST_FILE:
        raise RoundFileError(text("the file is larger than {limit} kB", limit=LARGEST_FILE // 1024))
    try:
        decoded = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        decoded = content.decode("latin-1")
    decoded = decoded.replace("\0", "")
    if not decoded.endswith("\n"):
        raise RoundFileError(text("the last line is not finished"))
    # Not splitlines(): a name may hold a character that only Unicode takes for the end of a line.
    return [line.removesuffix("\r") for line in decoded[:-1].split("\n")]


def _at_line(number: int, read: Callable[[str], _T], line: str) -> _T:
    try:
        return read(line)
    except RoundFileError as error:
        raise RoundFileError(text("line {number}: {problem}", number=number, problem=error.words)) from None


def _header(line: str) -> Header:
    parts = line.split("\\")
    if len(parts) not in {8, 9}:
        raise RoundFileError(text("the header has {count} fields, not 8 or 9", count=len(parts)))
    server, map_name, config, number, defender, winner, limit, next_limit = parts[:8]
    if not map_name:
        raise RoundFileError(text("the header names no map"))
    return Header(
        server=server,
        map=map_name,
        config=config,
        round=_integer(number, text("round"), lowest=1, highest=2),
        defender=_integer(defender, text("defending side"), lowest=0, highest=2),
        winner=_integer(winner, text("winning side"), lowest=0, highest=2),
        limit=_seconds(limit, text("time limit")),
        next_limit=_seconds(next_limit, text("next time limit")),
        played_seconds=_played_seconds(parts[8]) if len(parts) == 9 else None,
    )


def _played_seconds(written: str) -> int | None:
    """Read the optional ninth field: milliseconds above 10,000, else seconds; None if it is no duration."""
    if not _INTEGER.fullmatch(written):
        return None
    value = int(written)
    seconds = round(value / 1000) if value > 10_000 else value
    return seconds if 0 < seconds <= _LONGEST_ROUND else None


def _player(line: str) -> PlayerLine:
    head, tab, tail = line.partition("\t")
    parts = head.rsplit("\\", 3)
    guid, backslash, name = parts[0].partition("\\")
    if len(parts) != 4 or not backslash:
        raise RoundFileError(
            text("not a line of a player: GUID, name, rounds, side and weapons are expected")
        )
    numbers = parts[3].split()
    if not tab:
        raise _not_read(_space_separated(numbers))
    if not _GUID.fullmatch(guid):
        raise RoundFileError(text("the GUID is not 8 capital letters and digits"))
    values = _tail(tail.split("\t"))
    return PlayerLine(
        guid=guid,
        name=name,
        rounds=_integer(parts[1], text("rounds counter"), lowest=0),
        side=_integer(parts[2], text("side"), lowest=1, highest=3),
        weapons=_weapons(numbers),
        counts={field: int(written) for field, written in values.items() if field not in DECIMAL_FIELDS},
        ratios={field: float(written) for field, written in values.items() if field in DECIMAL_FIELDS},
    )


def _weapons(numbers: Sequence[str]) -> dict[int, WeaponLine]:
    """Read the mask and five counters for each of its set bits, lowest bit first."""
    mask, *counters = [_integer(written, _COUNTER) for written in numbers] or [-1]
    if mask < 0:
        raise RoundFileError(text("the mask of weapons is missing"))
    weapons = [bit for bit in range(mask.bit_length()) if mask >> bit & 1]
    if len(counters) != 5 * len(weapons):
        raise RoundFileError(
            texts(
                "{count} weapon needs {needed} counters, not {found}",
                "{count} weapons need {needed} counters, not {found}",
                len(weapons),
                needed=5 * len(weapons),
                found=len(counters),
            )
        )
    return {
        weapon: WeaponLine(
            hits=counters[at],
            shots=counters[at + 1],
            kills=counters[at + 2],
            deaths=counters[at + 3],
            head_hits=counters[at + 4],
        )
        for at, weapon in zip(range(0, len(counters), 5), weapons, strict=True)
    }


def _tail(written_fields: Sequence[str]) -> dict[str, str]:
    """Name the texts after the weapons and check that each is a bounded number of its kind."""
    if len(written_fields) != len(TAIL_FIELDS):
        unknown = text("an unknown layout of {count} fields", count=len(written_fields))
        raise _not_read(_REFUSED_LAYOUTS.get(len(written_fields), unknown))
    values = {field: written for (field, _), written in zip(TAIL_FIELDS, written_fields, strict=True)}
    for field, written in values.items():
        if field not in DECIMAL_FIELDS:
            _integer(written, field)
        elif not _DECIMAL.fullmatch(written):
            raise RoundFileError(text("{what} is not a number", what=field))
    return values


def _space_separated(numbers: Sequence[str]) -> str:
    """Name the variant of a line without tabs, by how many fields follow the weapons."""
    mask = numbers[0] if numbers else ""
    weapons = int(mask).bit_count() if _INTEGER.fullmatch(mask) else 0
    match len(numbers) - 1 - 5 * weapons:
        case 10:
            variant = text("the space-separated layout of game-stats 0.2")
        case 31:
            variant = text("the space-separated layout of c0rnsp0rn 1.0")
        case _:
            variant = text("a line without tabs")
    return variant


def _not_read(layout: str) -> RoundFileError:
    known = len(TAIL_FIELDS)
    return RoundFileError(
        text("{layout} is not read, only the one of {count} fields", layout=layout, count=known)
    )


def _integer(written: str, what: str, *, lowest: int = -(2**31), highest: int = 2**31 - 1) -> int:
    if not _INTEGER.fullmatch(written) or not lowest <= int(written) <= highest:
        raise RoundFileError(
            text(
                "{what} is not a number from {lowest} to {highest}", what=what, lowest=lowest, highest=highest
            )
        )
    return int(written)


def _seconds(written: str, what: str) -> int:
    match = _MINUTES.fullmatch(written)
    if match is None and _DECIMAL.fullmatch(written):
        raise RoundFileError(
            text("{what} is in decimal minutes, as game-stats 0.2 writes; only m:ss is read", what=what)
        )
    if match is None:
        raise RoundFileError(text("{what} is not m:ss", what=what))
    return int(match[1]) * 60 + int(match[2])
