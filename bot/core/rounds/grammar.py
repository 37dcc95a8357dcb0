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

_T = TypeVar("_T")

LARGEST_FILE = 256 * 1024  # bytes; 64 players with every weapon come to about 50 kB

_REFUSED_LAYOUTS = {
    33: "the 33-field layout of 2024",
    36: "the 36-field layout of early 2025 (also kraszken's statsdump.lua)",
    37: "the 37-field layout of mid 2025",
}
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
        raise RoundFileError("the same player stands in two lines")
    return StatsFile(header=header, players=players)


def is_bot(guid: str) -> bool:
    """Say whether a GUID is a bot's; all bots share one, cut to `OMNIBOT0` (specs/etlegacy.md 2.4)."""
    return guid.startswith("OMNIBOT")


def _lines(content: bytes) -> list[str]:
    if not content:
        raise RoundFileError("the file is empty")
    if len(content) > LARGEST_FILE:
        raise RoundFileError(f"the file is larger than {LARGEST_FILE // 1024} kB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    text = text.replace("\0", "")
    if not text.endswith("\n"):
        raise RoundFileError("the last line is not finished")
    # Not splitlines(): a name may hold a character that only Unicode takes for the end of a line.
    return [line.removesuffix("\r") for line in text[:-1].split("\n")]


def _at_line(number: int, read: Callable[[str], _T], line: str) -> _T:
    try:
        return read(line)
    except RoundFileError as error:
        raise RoundFileError(f"line {number}: {error}") from None


def _header(line: str) -> Header:
    parts = line.split("\\")
    if len(parts) not in {8, 9}:
        raise RoundFileError(f"the header has {len(parts)} fields, not 8 or 9")
    server, map_name, config, number, defender, winner, limit, next_limit = parts[:8]
    if not map_name:
        raise RoundFileError("the header names no map")
    return Header(
        server=server,
        map=map_name,
        config=config,
        round=_integer(number, "round", lowest=1, highest=2),
        defender=_integer(defender, "defending side", lowest=0, highest=2),
        winner=_integer(winner, "winning side", lowest=0, highest=2),
        limit=_seconds(limit, "time limit"),
        next_limit=_seconds(next_limit, "next time limit"),
        played_seconds=_played_seconds(parts[8]) if len(parts) == 9 else None,
    )


def _played_seconds(text: str) -> int | None:
    """Read the optional ninth field: milliseconds above 10,000, else seconds; None if it is no duration."""
    if not _INTEGER.fullmatch(text):
        return None
    value = int(text)
    seconds = round(value / 1000) if value > 10_000 else value
    return seconds if 0 < seconds <= _LONGEST_ROUND else None


def _player(line: str) -> PlayerLine:
    head, tab, tail = line.partition("\t")
    parts = head.rsplit("\\", 3)
    guid, backslash, name = parts[0].partition("\\")
    if len(parts) != 4 or not backslash:
        raise RoundFileError("not a line of a player: GUID, name, rounds, side and weapons are expected")
    numbers = parts[3].split()
    if not tab:
        raise RoundFileError(_space_separated(numbers))
    if not _GUID.fullmatch(guid):
        raise RoundFileError("the GUID is not 8 capital letters and digits")
    values = _tail(tail.split("\t"))
    return PlayerLine(
        guid=guid,
        name=name,
        rounds=_integer(parts[1], "rounds counter", lowest=0),
        side=_integer(parts[2], "side", lowest=1, highest=3),
        weapons=_weapons(numbers),
        counts={field: int(text) for field, text in values.items() if field not in DECIMAL_FIELDS},
        ratios={field: float(text) for field, text in values.items() if field in DECIMAL_FIELDS},
    )


def _weapons(numbers: Sequence[str]) -> dict[int, WeaponLine]:
    """Read the mask and five counters for each of its set bits, lowest bit first."""
    mask, *counters = [_integer(text, "weapon counter") for text in numbers] or [-1]
    if mask < 0:
        raise RoundFileError("the mask of weapons is missing")
    weapons = [bit for bit in range(mask.bit_length()) if mask >> bit & 1]
    if len(counters) != 5 * len(weapons):
        raise RoundFileError(f"{len(weapons)} weapons need {5 * len(weapons)} counters, not {len(counters)}")
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


def _tail(texts: Sequence[str]) -> dict[str, str]:
    """Name the texts after the weapons and check that each is a bounded number of its kind."""
    if len(texts) != len(TAIL_FIELDS):
        layout = _REFUSED_LAYOUTS.get(len(texts), f"an unknown layout of {len(texts)} fields")
        raise RoundFileError(f"{layout} is not read, only the one of {len(TAIL_FIELDS)} fields")
    values = {field: text for (field, _), text in zip(TAIL_FIELDS, texts, strict=True)}
    for field, text in values.items():
        if field not in DECIMAL_FIELDS:
            _integer(text, field)
        elif not _DECIMAL.fullmatch(text):
            raise RoundFileError(f"{field} is not a number")
    return values


def _space_separated(numbers: Sequence[str]) -> str:
    """Name the variant of a line without tabs, by how many fields follow the weapons."""
    mask = numbers[0] if numbers else ""
    weapons = int(mask).bit_count() if _INTEGER.fullmatch(mask) else 0
    match len(numbers) - 1 - 5 * weapons:
        case 10:
            variant = "the space-separated layout of game-stats 0.2"
        case 31:
            variant = "the space-separated layout of c0rnsp0rn 1.0"
        case _:
            variant = "a line without tabs"
    return f"{variant} is not read, only the one of {len(TAIL_FIELDS)} fields"


def _integer(text: str, what: str, *, lowest: int = -(2**31), highest: int = 2**31 - 1) -> int:
    if not _INTEGER.fullmatch(text) or not lowest <= int(text) <= highest:
        raise RoundFileError(f"{what} is not a number from {lowest} to {highest}")
    return int(text)


def _seconds(text: str, what: str) -> int:
    match = _MINUTES.fullmatch(text)
    if match is None and _DECIMAL.fullmatch(text):
        raise RoundFileError(f"{what} is in decimal minutes, as game-stats 0.2 writes; only m:ss is read")
    if match is None:
        raise RoundFileError(f"{what} is not m:ss")
    return int(match[1]) * 60 + int(match[2])
