"""Puts the past together: what happened in the world, as far as the bot would have seen it, in the bot's own tables."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from datetime import datetime, time, timedelta
from pathlib import Path

from bot.core.live.replay import Span
from bot.services.live_health import SOURCE
from bot.services.post_health import health_name
from bot.services.round_health import ssh_source
from bot.storage import gift_sums, live, machine, sources
from bot.storage.engine import Database, sqlite_url
from bot.storage.migrate import upgrade
from tools.past import community, looks
from tools.past.clock import SetClock
from tools.past.lives import score_days, write_ledger, write_said
from tools.past.posts import SOURCE as POSTS
from tools.past.posts import write_profile
from tools.past.recorded import record_all
from tools.past.rounds import SERVER, files_between, import_rounds
from tools.past.rows import Rows
from tools.past.streams import Reach
from tools.past.told import tell_as_then
from tools.sandbox.world.evenings import evenings
from tools.sandbox.world.lives import lives_of
from tools.sandbox.world.streamers import STREAMERS
from tools.workers import workers

DETAILS_KEPT = timedelta(days=90)
STOPPED_FOR = timedelta(minutes=20)
"""So long before the world's start the bot was stopped: who goes live then has yet to be found."""
PROCESSES = 2
NIGHT = time(4, 25)
SIZES_DAYS = 60
SMALLEST = 400_000
"""Bytes of a database in which there is nothing."""

Tell = Callable[[str], None]


async def make(file: Path, since: datetime, until: datetime, tell: Tell) -> None:
    """Write the database of a bot that was set up at `since` and stopped shortly before `until`."""
    with workers(PROCESSES) as pool:
        await make_with(pool, file, since, until, tell)


async def make_with(pool: Executor, file: Path, since: datetime, until: datetime, tell: Tell) -> None:
    """Do so with processes, or threads, that are there already."""
    await upgrade(sqlite_url(file), file.parent, since, keep=1)
    database = Database.open(sqlite_url(file))
    clock = SetClock(until - STOPPED_FOR)
    lives = {community.account_id(one): lives_of(one, since, until) for one in STREAMERS}
    try:
        down = _down(since, until)
        looking = pool.submit(looks.look, lives, since, until, zone=community.ZONE, down=down)
        tell(f"Looking for {sum(map(len, lives.values()))} lives in {(until - since).days} days")
        tell(f"A profile was read {await _read_profiles(database, since, until)} times")
        tell(f"{await _import(database, since, until, clock)} rounds were played")
        seen = looking.result()
        tell(f"{len(seen.found)} lives were found, and are recorded")
        reach = Reach.after(_last_night(until), DETAILS_KEPT)
        recorded = record_all(seen.found, reach, until, pool)
        await _keep_lives(database, seen, recorded, since, until)
        await _finish(database, since, until, clock)
        await database.checkpoint()
    finally:
        await database.close()


def _down(since: datetime, until: datetime) -> tuple[Span, ...]:
    """Give when the bot did not run: an update in a night, a day without power, and now."""
    night = until - timedelta(days=45, hours=16)
    outage = until - timedelta(days=12, hours=5)
    spans = (
        Span(start=night, end=night + timedelta(hours=2)),
        Span(start=outage, end=outage + timedelta(hours=9)),
        Span(start=until - STOPPED_FOR, end=until),
    )
    return tuple(one for one in spans if one.start > since)


async def _read_profiles(database: Database, since: datetime, until: datetime) -> int:
    rows, number = Rows(), 1
    community.write_accounts(STREAMERS, since, until, rows)
    for watch in community.watches(STREAMERS, since, until):
        number = write_profile(watch, until, number, rows)
    async with database.write("past.profiles") as conn:
        await community.join(conn)
        await rows.write(conn)
    return number - 1


async def _import(database: Database, since: datetime, until: datetime, clock: SetClock) -> int:
    files = files_between(since, until)
    made = await import_rounds(database, community.GUILD, files, clock)
    async with database.write("past.set_up") as conn:
        # Only now: without a channel nothing was told of what players reached.
        await community.set_up(conn, since)
        for name in (ssh_source(SERVER), SOURCE, health_name(POSTS)):
            await sources.record_ok(conn, name, until - STOPPED_FOR)
    return made


async def _keep_lives(
    database: Database, seen: looks.Looks, recorded: Rows, since: datetime, until: datetime
) -> None:
    rows = Rows()
    answers = write_ledger(seen, until, rows)
    write_said(seen, until, rows)
    rows.take(recorded)
    async with database.write("past.lives") as conn:
        await rows.write(conn)
        await gift_sums.rebuild(conn)
        for account_id, (at, answer) in answers.items():
            await live.update_account(conn, account_id, last_checked_at=at, last_answer=answer)
        await score_days(conn, seen, since, until, community.ZONE)


async def _finish(database: Database, since: datetime, until: datetime, clock: SetClock) -> None:
    """Tell what was told, and note how large the database was day by day."""
    rows = Rows()
    async with database.read() as conn:
        size = await machine.size(conn)
    played = evenings(since, until)
    if played:
        guids = [player.guid for player in played[0].maps[0].teams[0]]
        community.write_links(guids[2:], played[0].ended_at, rows)
    days = (until - since).days
    async with database.write("past.finish") as conn:
        await rows.write(conn)
        for back in range(min(days, SIZES_DAYS)):
            share = (days - back) / days
            await machine.note_size(
                conn,
                _last_night(until).date() - timedelta(days=back),
                round(SMALLEST + (size - SMALLEST) * share),
            )
    await tell_as_then(database, community.GUILD, community.ZONE, since=since, until=until, clock=clock)


def _last_night(until: datetime) -> datetime:
    """Give when retention last ran."""
    night = datetime.combine(until.date(), NIGHT, until.tzinfo)
    return night if night < until else night - timedelta(days=1)
