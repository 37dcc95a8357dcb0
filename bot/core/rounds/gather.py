"""The grammar of a gather's JSON: bytes -> rounds, or `RoundFileError` (specs/etlegacy.md 1.7).

The same rows as in a stats file of game-stats, so that a round is paired and resolved like any other. What
else a document holds (chat, positions, events) is left alone. Long GUIDs are kept beside their first eight
characters, by which the files of all scripts know a player.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

from bot.core.rounds.grammar import (
    Header,
    PlayerLine,
    RoundFileError,
    StatsFile,
    integer,
    player_line,
    seconds_of,
    short_row,
    unique,
)
from bot.texts import text

LONGEST_MAP = 64  # as in the names of files
LARGEST_GATHER = 16 * 1024 * 1024  # bytes; 16 rounds come to 300 kB, with every event of them to some MB

_LONGEST_ROUND = 6 * 3600  # seconds
_YEARS = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2101, 1, 1, tzinfo=UTC))
_LONG_GUID = re.compile(r"[0-9A-Z]{32}")
_MATCH_ID = re.compile(r"[0-9A-Za-z_.-]{1,64}")
_UNIX_TAIL = re.compile(r"_([0-9]{9,11})\.json")


@dataclass(frozen=True, kw_only=True, slots=True)
class GatherRound:
    """One round. `ended_at` is aware UTC, None where the document does not tell it.

    `long_guids` are the 32-character GUIDs by their first eight characters; bots have none.
    """

    match_id: str
    ended_at: datetime | None
    stats: StatsFile
    long_guids: Mapping[str, str]


def parse_gather(content: bytes) -> GatherRound:
    """Read the JSON of one round. Raises `RoundFileError` for everything that is not in the grammar."""
    return _round(_object(_document(content), "document"))


def parse_match(content: bytes) -> tuple[GatherRound, ...]:
    """Read the rounds of a whole match, in the order of their end where it is told."""
    match = _object(_object(_document(content), "document").get("match"), "match")
    entries = match.get("rounds")
    if not isinstance(entries, list):
        raise _wrong("rounds")
    rounds = [_round(_object(entry, "rounds")) for entry in entries]
    if all(one.ended_at is not None for one in rounds):
        rounds.sort(key=lambda one: one.ended_at or _YEARS[0])
    return tuple(rounds)


def _document(content: bytes) -> Any:
    if len(content) > LARGEST_GATHER:
        raise RoundFileError(text("the file is larger than {limit} kB", limit=LARGEST_GATHER // 1024))
    try:
        decoded = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        decoded = content.decode("latin-1")
    try:
        return json.loads(decoded, object_pairs_hook=_members, parse_constant=_no_constant)
    except (ValueError, RecursionError):  # also a number of more digits than Python converts
        raise RoundFileError(text("not a JSON document")) from None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise RoundFileError(text("a name stands twice in the same object"))
    return members


def _no_constant(constant: str) -> NoReturn:
    raise ValueError(constant)


def _round(entry: Mapping[str, Any]) -> GatherRound:
    data = _object(entry["round_data"], "round_data") if "round_data" in entry else entry
    info = _object(data.get("round_info"), "round_info")
    rows = _object(data.get("player_stats"), "player_stats")
    lines = {guid: _player(guid, _object(row, "player_stats")) for guid, row in rows.items()}
    match_id = _word(info, "matchID", default="")
    if match_id and not _MATCH_ID.fullmatch(match_id):
        raise _wrong("matchID")
    started, ended = (_instant(info.get(f"round_{name}_unix")) for name in ("start", "end"))
    if ended is None and (tail := _UNIX_TAIL.search(_word(entry, "round_filename", default="")[-20:])):
        ended = _instant(tail[1])
    return GatherRound(
        match_id=match_id,
        ended_at=ended,
        stats=StatsFile(header=_header(info, started, ended), players=unique(list(lines.values()))),
        long_guids={line.guid: guid for guid, line in lines.items() if _LONG_GUID.fullmatch(guid)},
    )


def _header(info: Mapping[str, Any], started: datetime | None, ended: datetime | None) -> Header:
    played = (ended - started).total_seconds() if started and ended else 0
    map_name = _word(info, "mapname")
    if not map_name:
        raise RoundFileError(text("the header names no map"))
    if (
        not map_name.isprintable() or len(map_name) > LONGEST_MAP
    ):  # no database keeps a zero or half a character
        raise _wrong("mapname")
    return Header(
        server=_word(info, "servername", default=""),
        map=map_name,
        config=_word(info, "config", default=""),
        round=integer(_word(info, "round"), "round", lowest=1, highest=2),
        defender=integer(_word(info, "defenderteam"), "defenderteam", lowest=0, highest=2),
        winner=integer(_word(info, "winnerteam"), "winnerteam", lowest=0, highest=2),
        limit=seconds_of(_word(info, "timelimit"), "timelimit"),
        next_limit=seconds_of(_word(info, "nextTimeLimit"), "nextTimeLimit"),
        played_seconds=round(played) if 0 < played <= _LONGEST_ROUND else None,
    )


def _player(key: str, row: Mapping[str, Any]) -> PlayerLine:
    guid = _word(row, "guid", default=key[:8]).upper()
    if not key.upper().startswith(guid):
        raise RoundFileError(text("a player stands under the GUID of another"))
    written = row.get("weaponStats")
    if not isinstance(written, list):
        raise _wrong("weaponStats")
    numbers = short_row([_text(number, "weaponStats") for number in written])
    return player_line(guid, _word(row, "name"), _word(row, "rounds"), _word(row, "team"), numbers)


def _word(members: Mapping[str, Any], name: str, *, default: str | None = None) -> str:
    if name not in members and default is not None:
        return default
    return _text(members.get(name), name)


def _text(value: object, name: str) -> str:
    """Take a text, or a whole number as scripts write it without quotation marks."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise _wrong(name)
    return value


def _instant(value: object) -> datetime | None:
    """Read a Unix time in seconds; None where it is none."""
    written = str(value) if isinstance(value, int | str) else ""
    if not re.fullmatch(r"[0-9]{9,11}", written):
        return None
    instant = datetime.fromtimestamp(int(written), UTC)
    return instant if _YEARS[0] <= instant < _YEARS[1] else None


def _object(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(name)
    return value


def _wrong(name: str) -> RoundFileError:
    return RoundFileError(text("{name} is missing or of the wrong kind", name=name))
