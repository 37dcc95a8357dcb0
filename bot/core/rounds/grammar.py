"""The grammar of a stats file: bytes -> `StatsFile`, or `RoundFileError` (specs/etlegacy.md 1.2 to 1.4).

The layout is chosen by the COUNT of fields after the weapons, never by date, and is the same in all lines
of a file: a line that lost a field must not pass for an older one. Layouts that are not known are refused by
name, so that no number is ever taken for another. One bad line refuses the whole file: half a round is
worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bot.core.rounds.fields import DECIMAL_FIELDS, LAYOUTS, SHORT_LAYOUT, UNREAD
from bot.errors import InputRefused
from bot.texts import text, texts

_T = TypeVar("_T")

BOTS = "OMNIBOT"
"""The GUID of a bot begins so."""
NOBODY = frozenset({"NO_GUID", "UNKNOWN"})
"""What the engine calls everybody who has no GUID."""
LARGEST_FILE = 256 * 1024  # bytes; 64 players with every weapon come to about 50 kB

_COUNTER = text("weapon counter")
_ROUNDS = text("rounds counter")
_SIDE = text("side")
_GUID = re.compile("|".join(["[0-9A-Z]{8}", *sorted(NOBODY)]))
_INTEGER = re.compile(r"-?[0-9]{1,10}")
_DECIMAL = re.compile(r"-?[0-9]{1,10}(?:\.[0-9]{1,6})?")
# What Lua prints for a number that nobody reads, a division by zero included.
_ANY_INTEGER = re.compile(r"-?[0-9]{1,20}")
_ANY_DECIMAL = re.compile(r"-?(?:[0-9]{1,20}(?:\.[0-9]{1,6})?|inf|nan|nan\(ind\))")
_MINUTES = re.compile(r"(-?)([0-9]{1,6}):([0-5][0-9])")
_DECIMAL_MINUTES = re.compile(r"([0-9]{1,6}\.[0-9]{1,6})")
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

    `rounds` is how many earlier rounds the counters already hold; `side` 1 Axis, 2 Allies, 3 spectator,
    0 none. Fields that the layout does not have, and dead ones, are missing.
    """

    guid: str
    name: str
    rounds: int
    side: int
    weapons: Mapping[int, WeaponLine]
    counts: Mapping[str, int]
    ratios: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """The numbers of a line: weapons, and the texts of the fields after them, which are checked."""

    weapons: Mapping[int, WeaponLine]
    values: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class StatsFile:
    """One file, raw."""

    header: Header
    players: tuple[PlayerLine, ...]


def parse_stats(content: bytes) -> StatsFile:
    """Read a stats file. Raises `RoundFileError` for everything that is not exactly in the grammar."""
    first, *rest = file_lines(content)
    header = _at_line(1, _header, first)
    read = [_at_line(number, _player, line) for number, line in enumerate(rest, start=2)]
    for number, (_, layout) in enumerate(read, start=2):
        if layout != read[0][1]:
            problem = texts(
                "{count} field, unlike the line before", "{count} fields, unlike the line before", layout
            )
            raise RoundFileError(text("line {number}: {problem}", number=number, problem=problem))
    return StatsFile(header=header, players=unique([player for player, _ in read]))


def unique(players: Sequence[PlayerLine]) -> tuple[PlayerLine, ...]:
    """Give the players of a file; refuses one who stands there twice, because one of the two would be lost."""
    people = [player.guid for player in players if not is_bot(player.guid)]
    if len(set(people)) != len(people):
        raise RoundFileError(text("the same player stands in two lines"))
    return tuple(players)


def is_bot(guid: str) -> bool:
    """Say whether a GUID is a bot's; all bots share one, cut to `OMNIBOT0` (specs/etlegacy.md 2.4)."""
    return guid.startswith(BOTS)


def file_lines(content: bytes) -> list[str]:
    """Decode a file into its lines. Refuses one that is empty, too large or not finished."""
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
        round=integer(number, text("round"), lowest=1, highest=2),
        defender=integer(defender, text("defending side"), lowest=0, highest=2),
        winner=integer(winner, text("winning side"), lowest=0, highest=2),
        limit=seconds_of(limit, text("time limit")),
        next_limit=seconds_of(next_limit, text("next time limit")),
        played_seconds=_played_seconds(parts[8]) if len(parts) == 9 else None,
    )


def _played_seconds(written: str) -> int | None:
    """Read the optional ninth field: milliseconds above 10,000, else seconds; None if it is no duration."""
    if not _DECIMAL.fullmatch(written):
        return None
    value = float(written)
    seconds = round(value / 1000) if value > 10_000 else round(value)
    return seconds if 0 < seconds <= _LONGEST_ROUND else None


def _player(line: str) -> tuple[PlayerLine, int]:
    """Read a line; gives the player and how many fields follow the weapons."""
    parts = line.rsplit("\\", 3)
    guid, backslash, name = parts[0].partition("\\")
    if len(parts) != 4 or not backslash:
        raise RoundFileError(
            text("not a line of a player: GUID, name, rounds, side and weapons are expected")
        )
    start, tab, tail = parts[3].partition("\t")
    numbers = start.split()
    if tab:
        written = tail.split("\t")
        row = Row(weapons=weapons_of(numbers), values=_tail(written))
    else:
        written = numbers[1 + 5 * _weapon_count(numbers) :]
        row = short_row(numbers)
    return player_line(guid, name, parts[1], parts[2], row), len(written)


def player_line(guid: str, name: str, rounds: str, side: str, row: Row) -> PlayerLine:
    """Make a player of the texts that tell who he is and of his numbers."""
    if not _GUID.fullmatch(guid):
        raise RoundFileError(text("the GUID is not 8 capital letters and digits"))
    return PlayerLine(
        guid=guid,
        name=name,
        rounds=integer(rounds, _ROUNDS, lowest=0),
        side=integer(side, _SIDE, lowest=0, highest=3),
        weapons=row.weapons,
        counts={field: int(value) for field, value in row.values.items() if field not in DECIMAL_FIELDS},
        ratios={field: float(value) for field, value in row.values.items() if field in DECIMAL_FIELDS},
    )


def short_row(numbers: Sequence[str]) -> Row:
    """Read mask, weapons and the ten fields after them, all in one row, as game-stats writes them."""
    end = 1 + 5 * _weapon_count(numbers)
    if len(numbers) - end == 31:
        raise RoundFileError(
            text(
                "the space-separated layout of c0rnsp0rn 1.0 is not supported: its fields cannot be told apart"
            )
        )
    if len(numbers) - end != len(SHORT_LAYOUT):
        raise RoundFileError(
            text("{count} fields without tabs: no layout is known that has them", count=len(numbers) - end)
        )
    return Row(weapons=weapons_of(numbers[:end]), values=_named(SHORT_LAYOUT, numbers[end:]))


def _weapon_count(numbers: Sequence[str]) -> int:
    mask = numbers[0] if numbers else ""
    return int(mask).bit_count() if _INTEGER.fullmatch(mask) else 0


def weapons_of(numbers: Sequence[str]) -> dict[int, WeaponLine]:
    """Read the mask and five counters for each of its set bits, lowest bit first."""
    mask, *counters = [integer(written, _COUNTER, highest=2**32 - 1) for written in numbers] or [-1]
    counters = [_without_stray_bit(counter) for counter in counters]
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


def _without_stray_bit(counter: int) -> int:
    """Give a counter of 32 bits without a sign bit that it cannot have.

    The game leaves one now and then: in a real round 2147483657 mines were laid where nine were. Small
    negative numbers are shots that it took back (1.3).
    """
    signed = counter - 2**32 if counter >= 2**31 else counter
    return signed + 2**31 if signed < -(2**30) else signed


def _tail(written: Sequence[str]) -> dict[str, str]:
    if len(written) not in LAYOUTS:
        raise RoundFileError(
            text(
                "an unknown layout of {count} fields; those of {known} are known",
                count=len(written),
                known=", ".join(map(str, LAYOUTS)),
            )
        )
    return _named(LAYOUTS[len(written)], written)


def _named(names: Sequence[str], written: Sequence[str]) -> dict[str, str]:
    """Name the texts after the weapons and check that each is a bounded number of its kind."""
    values = dict(zip(names, written, strict=True))
    for field, value in values.items():
        if field in DECIMAL_FIELDS:
            pattern = _ANY_DECIMAL if field in UNREAD else _DECIMAL
        elif field in UNREAD:
            pattern = _ANY_INTEGER
        else:
            integer(value, field)
            continue
        if not pattern.fullmatch(value):
            raise RoundFileError(text("{what} is not a number", what=field))
    return {field: value for field, value in values.items() if field not in UNREAD}


def integer(written: str, what: str, *, lowest: int = -(2**31), highest: int = 2**31 - 1) -> int:
    """Read a whole number within limits; `what` names it in the refusal."""
    if (
        len(written) < 10
        and written.isdecimal()
        and written.isascii()
        and lowest <= (plain := int(written)) <= highest
    ):
        return plain  # nearly all of them, without the cost of a pattern
    if not _INTEGER.fullmatch(written) or not lowest <= int(written) <= highest:
        raise RoundFileError(
            text(
                "{what} is not a number from {lowest} to {highest}", what=what, lowest=lowest, highest=highest
            )
        )
    return int(written)


def seconds_of(written: str, what: str) -> int:
    """Read a time limit in whole seconds: `m:ss`, or the decimal minutes of old scripts; never below 0."""
    if match := _MINUTES.fullmatch(written):
        # Scripts that repair a missing limit can come to a negative one; it says as little as 0.
        return 0 if match[1] else int(match[2]) * 60 + int(match[3])
    if match := _DECIMAL_MINUTES.fullmatch(written):
        return round(float(match[1]) * 60)
    raise RoundFileError(text("{what} is not m:ss", what=what))
