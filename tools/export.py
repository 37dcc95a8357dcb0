"""Export recorded lives, or a profile, for whoever owns the machine: ``python -m tools.export --from 2026-11-01 --to 2026-11-30``.

Writes an Excel workbook (or with ``--format`` CSV, or both) into ``exports`` of the data folder, also while the bot runs;
``--to-folder`` names another place. Days are those of the setting TIME_ZONE, both included; without ``--from`` the
export begins with the first live, without ``--to`` it ends today. ``--profile @name`` exports all that is kept of the posts
of that profile instead. Exit code 1 where there is nothing or it could not
be written, 2 where the settings do not fit.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import Progress, TaskID, TextColumn, TimeElapsedColumn

from bot.clock import SystemClock
from bot.core.live.handles import normalise_handle
from bot.core.posts.export import ProfileOrder
from bot.core.streams.export import ExportFormat, ExportOrder, file_name
from bot.errors import NothingThere, SettingsError, VedetteError
from bot.exports.files import Done
from bot.exports.folder import close_place, open_place, publish
from bot.exports.post_writing import write_profile
from bot.exports.writing import write_export
from bot.logs import Redactor
from bot.services.exports import days, range_name, read_day
from bot.settings import Settings, load_settings
from bot.storage import post_exports, stream_exports
from bot.storage.engine import Database
from bot.storage.migrate import require_current

FIRST_DAY = date(2016, 1, 1)  # before there was anything to record


def main(arguments: Sequence[str] | None = None) -> int:
    """Export what the command line asks for; gives the exit code."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    if asked.profile is not None and (asked.account or asked.first or asked.last):
        parser.error("--profile exports all of a profile's posts: leave out --account, --from and --to")
    try:
        settings = load_settings()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        done = asyncio.run(_export(settings, asked))
    except (VedetteError, OSError) as error:
        print(Redactor.of(settings)(str(error)), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    for file in done.files:
        print(file)
    print(f"{done.rows:,} rows")
    return 0


async def _export(settings: Settings, asked: argparse.Namespace) -> Done:
    database = Database.open(settings.database)
    try:
        await require_current(database)
        ordered = _order if asked.profile is None else _profile_order
        order = await ordered(database, settings, asked)
        folder = asked.to_folder or settings.export_folder
        place = open_place(folder)
        try:
            done = await _write(database, order, place)
            return Done(files=publish(done.files, folder), rows=done.rows)
        finally:
            close_place(place)
    finally:
        await database.close()


async def _order(database: Database, settings: Settings, asked: argparse.Namespace) -> ExportOrder:
    now, zone = SystemClock().now(), ZoneInfo(settings.time_zone)
    first = FIRST_DAY if asked.first is None else read_day(asked.first)
    last = now.astimezone(zone).date() if asked.last is None else read_day(asked.last)
    since, until = days(first, last, zone)
    handle = "all" if asked.account is None else normalise_handle(asked.account)
    async with database.read() as conn:
        account_id = None if asked.account is None else await stream_exports.account_id_of(conn, handle)
        if asked.account is not None and account_id is None:
            raise NothingThere(f"nobody ever followed @{handle} here")
        order = ExportOrder(
            name=range_name(handle, first, last, zone),
            format=ExportFormat(asked.format),
            since=since,
            until=until,
            asked_at=now,
            zone=settings.time_zone,
            usd_per_diamond=settings.usd_per_diamond,
            account_id=account_id,
        )
        if not await stream_exports.has_lives(conn, order):
            raise NothingThere("no live was recorded then")
    return order


async def _profile_order(database: Database, settings: Settings, asked: argparse.Namespace) -> ProfileOrder:
    now, handle = SystemClock().now(), normalise_handle(asked.profile)
    async with database.read() as conn:
        account_id = await post_exports.known_profile(conn, handle)
    if account_id is None:
        raise NothingThere(f"nobody ever watched the posts of @{handle} here")
    today = now.astimezone(ZoneInfo(settings.time_zone))
    return ProfileOrder(
        name=file_name(f"posts_{handle}", today, today),
        format=ExportFormat(asked.format),
        account_id=account_id,
        handle=handle,
        asked_at=now,
        zone=settings.time_zone,
    )


async def _write(database: Database, order: ExportOrder | ProfileOrder, place: Path) -> Done:
    """Write the files, and show how far they are where there is a terminal."""
    columns = (TextColumn("{task.completed:,.0f} rows"), TimeElapsedColumn())
    there = Console(stderr=True)
    with Progress(*columns, console=there, transient=True, disable=not there.is_terminal) as progress:
        bar = progress.add_task("export", total=None)
        told = partial(_told, progress, bar)
        if isinstance(order, ProfileOrder):
            return await write_profile(database, order, place, told)
        return await write_export(database, order, place, told)


def _told(progress: Progress, bar: TaskID, rows: int) -> None:
    progress.update(bar, completed=rows)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.export", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--account", metavar="@HANDLE", help="only its lives, also if nobody follows it now")
    parser.add_argument("--profile", metavar="@HANDLE", help="the posts of this profile, and no lives")
    parser.add_argument("--from", dest="first", metavar="DAY", help="such as 2026-11-01")
    parser.add_argument("--to", dest="last", metavar="DAY", help="the last day, such as 2026-11-30")
    parser.add_argument("--format", choices=[one.value for one in ExportFormat], default="xlsx")
    parser.add_argument("--to-folder", type=Path, metavar="FOLDER", help="where the files are put")
    return parser


if __name__ == "__main__":
    sys.exit(main())
