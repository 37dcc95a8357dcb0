"""Read a folder of round files: ``python -m tools.import_rounds FOLDER --server NAME --json OUT.json``.

Needs neither Discord nor SSH nor a database, and changes nothing in the folder. OUT.json holds a list with
each round alone, oldest first; ``-`` writes it to the standard output. When a round ended is told by the
file's own modification time if that fits its name, else by the name in the server's time zone (--zone).

Exit code 0: done; files that cannot be read are named on the standard error, a line each, and left out.
1: OUT.json could not be written. 2: wrong arguments, or the folder cannot be read.
"""

from __future__ import annotations

import argparse
import json
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.core.rounds.files import FileKind, file_kind
from bot.core.rounds.folder import FolderFile, FolderRound, read_folder
from bot.core.rounds.gather import LARGEST_GATHER
from bot.core.rounds.grammar import LARGEST_FILE
from bot.core.rounds.player import ResolvedPlayer
from bot.core.rounds.reading import NO_ROUND

PLAYER_FIELDS = (
    *("guid", "name", "side", "kills", "deaths", "damage_given", "damage_received"),
    *("team_damage_given", "team_damage_received", "gibs", "self_kills", "team_kills", "team_gibs"),
    *("gun_shots", "gun_hits", "head_hits", "headshot_kills", "revives", "team_seconds", "alive_seconds"),
    *("dpm", "counter_reset"),
)
_LARGEST = {FileKind.ROUND: LARGEST_FILE, FileKind.GATHER: LARGEST_GATHER}
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the folder that is asked for."""
    options = _parser().parse_args(arguments)
    try:
        zone = None if options.zone is None else ZoneInfo(options.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return _fail(2, f"no such time zone: {options.zone!r}; give one like Europe/Paris")
    refused: dict[str, str] = {}
    try:
        folder = read_folder(_files(options.folder, refused), zone)
    except OSError as error:
        return _fail(2, f"{options.folder} cannot be read: {error.strerror}")
    for name, reason in sorted({**folder.refused, **refused}.items()):
        _say(f"{name}: {reason}")
    try:
        _write(options.json, [_round(one) for one in folder.rounds])
    except OSError as error:
        return _fail(1, f"{options.json} cannot be written: {error.strerror}")
    left_out = len(folder.refused) + len(refused)
    _say(f"{options.server}: {len(folder.rounds)} round(s) read, {left_out} file(s) left out")
    return 0


def _files(folder: Path, refused: dict[str, str]) -> Iterator[FolderFile]:
    """Read the stats files of rounds in the order of names; what cannot be read is put into `refused`."""
    with os.scandir(folder) as entries:
        by_name = sorted(entries, key=lambda entry: entry.name)
    for entry in by_name:
        kind = file_kind(entry.name)
        if kind is FileKind.UNKNOWN and "-round-" in entry.name and entry.name.endswith(".txt"):
            refused[entry.name] = _why_unknown(entry.name)
        if kind not in _LARGEST:
            continue
        try:
            yield _file(entry, _LARGEST[kind])
        except _Unreadable as error:
            refused[entry.name] = str(error)
        except OSError as error:
            refused[entry.name] = f"cannot be read: {error.strerror}"


class _Unreadable(Exception):
    """A file that is not to be read; the text says why."""


def _file(entry: os.DirEntry[str], largest: int) -> FolderFile:
    """Read a file. A pipe or a device would never end, so only a regular file is opened."""
    if not stat.S_ISREG(entry.stat().st_mode):
        raise _Unreadable("not a regular file")
    with Path(entry.path).open("rb") as file:
        content = file.read(largest + 1)
        modified = os.fstat(file.fileno()).st_mtime
    if len(content) > largest:
        raise _Unreadable(f"larger than {largest // 1024} kB")
    modified_at = _NEVER
    with suppress(OverflowError):  # a stamp beyond what a date can be is no sane one
        modified_at = _NEVER + timedelta(seconds=modified)
    return FolderFile(name=entry.name, content=content, modified_at=modified_at)


def _why_unknown(name: str) -> str:
    unprefixed = name.partition("-")[2]
    if unprefixed and file_kind(unprefixed) is FileKind.ROUND:
        return "a match id before the date, as c0rnsp0rn 1.0 writes: that variant is not supported"
    return NO_ROUND


def _round(one: FolderRound) -> dict[str, Any]:
    resolved = one.resolved
    return {
        "file": one.file,
        "map": resolved.map,
        "round": resolved.round,
        "flags": sorted(resolved.flags),
        "counted": resolved.counted,
        "ended_utc": resolved.ended_at.isoformat(),
        "played_seconds": resolved.played_seconds,
        "winner_side": resolved.winner_side,
        "attackers_succeeded": resolved.attackers_succeeded,
        "ended_early_seconds": resolved.ended_early_seconds,
        "partner_file": one.partner,
        "map_result": one.result,
        "players": [_player(player) for player in resolved.players],
    }


def _player(player: ResolvedPlayer) -> dict[str, Any]:
    return {field: getattr(player, field) for field in PLAYER_FIELDS}


def _write(target: str, rounds: Sequence[dict[str, Any]]) -> None:
    """Write the list whole or not at all; what is no file, such as a pipe, is written to directly."""
    content = json.dumps(rounds, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    if target == "-":
        sys.stdout.buffer.write(content.encode())
        return
    path = Path(target)
    if path.exists() and not path.is_file():
        path.write_bytes(content.encode())
        return
    draft = path.with_name(f"{path.name}.part")
    try:
        draft.write_bytes(content.encode())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _say(line: str) -> None:
    """Write one line, whatever a file name holds."""
    shown = line.encode("unicode_escape").decode("ascii")
    print(shown if len(shown) <= 400 else f"{shown[:200]} ... {shown[-200:]}", file=sys.stderr)


def _fail(code: int, line: str) -> int:
    _say(line)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.import_rounds",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help="where the stats files lie; this folder only"
    )
    parser.add_argument("--server", required=True, metavar="NAME", help="what the game server is called")
    parser.add_argument("--zone", help="the server's time zone, like Europe/Paris (UTC)")
    parser.add_argument("--json", required=True, metavar="OUT.json", help="where the rounds are written")
    return parser


if __name__ == "__main__":
    sys.exit(main())
