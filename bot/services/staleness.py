"""The dead-man's switch: what has not succeeded for long is told to the admins, and told anew when it is over.

An outage that admins were told of already (a block of TikTok, a game server left alone) is not told again.
A short restart is no excuse for silence: what was expected before is expected since then. What a bot that
was off did not do is.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from bot.clock import Clock
from bot.core import staleness
from bot.core.announcements import Message
from bot.core.live.budget import DAY
from bot.core.machine import machine_short, machine_well
from bot.core.posts.notices import profiles_fresh, profiles_stale
from bot.core.rounds.looking import Known
from bot.core.staleness import Verdict, patience, silent_since, verdict
from bot.errors import StorageError
from bot.services import live_health
from bot.services.admin_notices import began_at, outage_key, tell_admins, tell_again
from bot.services.announcements import Announcements
from bot.services.machine import Machine
from bot.services.planning import is_parked
from bot.services.round_looks import policy_of
from bot.services.stream_retention import StreamRetention
from bot.services.upkeep import Upkeep
from bot.settings import Settings
from bot.storage import (
    guilds,
    ledger,
    outbox,
    profile_state,
    recordings,
    round_choices,
    sources,
    status,
    subscriptions,
)
from bot.storage import live as store
from bot.storage.engine import Connection, Database

LOOK_EVERY = timedelta(minutes=1)
UNRECORDED_FOR = timedelta(minutes=15)
UNWRITABLE_FOR = timedelta(minutes=5)
SHORT_RESTART = timedelta(minutes=15)
OF_MACHINE = timedelta(seconds=30)
"""So long, in the machine's time, nothing is late: a child process has to be started, a folder to be listed."""
PROFILES_LOOKED_FOR = timedelta(hours=1)
"""How often those are looked for that are due."""
_LOOKED = "looked"

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """Something that should succeed again and again; `source` is its name among the outside sources, if any.

    It is expected since `expected_since`, None where that is since it was first looked at.
    """

    name: str
    limit: timedelta
    last_ok_at: datetime | None
    guild_ids: Iterable[int]
    stale: Callable[[datetime, str], Message]
    fresh: Callable[[datetime, datetime], Message]
    source: str = ""
    reason: str = ""
    expected_since: datetime | None = None


class Staleness:
    """Looks every minute. It also proves that the database can be written, by writing when it looked."""

    def __init__(
        self,
        *,
        database: Database,
        announcements: Announcements,
        upkeep: Upkeep,
        retention: StreamRetention,
        machine: Machine,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._database = database
        self._announcements = announcements
        self._upkeep = upkeep
        self._retention = retention
        self._machine = machine
        self._clock = clock
        self._settings = settings
        self._expected: dict[str, datetime] | None = None
        self._unwritable: tuple[datetime, str] | None = None
        self._told_unwritable = False

    async def step(self) -> datetime:
        """Look at everything; gives when to look again. A database that fails is waited for."""
        now = self._clock.now()
        try:
            async with self._database.write("staleness.look") as conn:
                expected = await self._look(conn, now)
                kept = {
                    "at": now.isoformat(),
                    "since": {name: at.isoformat() for name, at in expected.items()},
                }
                await status.write_note(conn, _LOOKED, json.dumps(kept))
        except StorageError as error:
            self._note_unwritable(error.words, now)
            return now + LOOK_EVERY
        self._expected = expected
        if self._told_unwritable:
            log.info("The database can be written again")
        self._unwritable, self._told_unwritable = None, False
        self._announcements.wake()
        return now + LOOK_EVERY

    def _note_unwritable(self, reason: str, now: datetime) -> None:
        since = now if self._unwritable is None else self._unwritable[0]
        self._unwritable = since, reason
        if now - since >= UNWRITABLE_FOR and not self._told_unwritable:
            self._told_unwritable = True
            log.critical("The database cannot be written since %s (%s); nothing is announced", since, reason)

    async def _look(self, conn: Connection, now: datetime) -> dict[str, datetime]:
        """Judge everything; gives since when each of it is expected."""
        if self._unwritable is not None and self._told_unwritable:
            since, reason = self._unwritable
            message = staleness.database_was_stuck(since, now, reason)
            await tell_admins(conn, _key("database", since), await guilds.all_present(conn), message, now)
        everywhere = tuple(await guilds.all_present(conn))
        subjects = [await self._lives(conn, now), *self._upkeeps(everywhere, now)]
        subjects.append(self._shortage(everywhere, now))
        subjects += [await self._recorder(conn, now), await _profiles(conn, now)]
        subjects += [await self._folder(conn, name) for name in self._settings.game_servers]
        before = await _expected_before(conn, now) if self._expected is None else self._expected
        expected = {}
        for subject in subjects:
            if subject is not None:
                since = subject.expected_since or before.get(subject.name, now)
                expected[subject.name] = since
                await self._judge(conn, subject, since, now)
        return expected

    # --- What is watched -------------------------------------------------------------------

    async def _lives(self, conn: Connection, now: datetime) -> Subject | None:
        planned = {
            one.id: one
            for one in await store.followed_accounts(conn)
            if not is_parked(one.next_check_at, now)
        }
        followers = await subscriptions.following_guilds(conn, planned)
        if not followers:
            return None
        # Between two checks of a sparse plan nothing is expected: silence counts from a check that is due,
        # or was made and answered nothing.
        last_ok_at, last_asked_at = await ledger.last_answered_at(conn), await ledger.last_request_at(conn)
        is_unanswered = last_asked_at is not None and (last_ok_at is None or last_ok_at < last_asked_at)
        is_due = any(one.next_check_at <= now for one in planned.values())
        is_expected = is_unanswered or is_due or bool(await store.live_account_ids(conn))
        checks = self._settings.discovery_checks_per_day * self._settings.guild_share_percent / 100
        return Subject(
            name="live-checks",
            limit=patience(DAY / max(1.0, checks)),
            last_ok_at=last_ok_at,
            guild_ids=followers,
            stale=staleness.lives_stale,
            fresh=staleness.lives_fresh,
            source=live_health.SOURCE,
            expected_since=None if is_expected else now,
        )

    async def _recorder(self, conn: Connection, now: datetime) -> Subject | None:
        """Watch that somebody records what is to be recorded."""
        is_idle = await recordings.nobody_records(conn, self._clock.machine.now())
        if not is_idle and not await status.note(conn, "stale:recorder"):
            return None
        return Subject(
            name="recorder",
            limit=UNRECORDED_FOR,
            last_ok_at=None if is_idle else now,
            guild_ids=await guilds.all_present(conn),
            stale=staleness.recorder_stale,
            fresh=staleness.recorder_fresh,
        )

    async def _folder(self, conn: Connection, server: str) -> Subject | None:
        guild_ids = self._settings.game_servers[server].guild_ids
        if not await round_choices.is_watched(conn, guild_ids, server):
            return None
        health = await sources.load(conn, f"ssh:{server}")
        return Subject(
            name=f"rounds-{server}",
            limit=self._folder_patience(server, health),
            last_ok_at=health.last_ok_at,
            guild_ids=guild_ids,
            stale=partial(staleness.folder_stale, server),
            fresh=partial(staleness.folder_fresh, server),
            source=health.name,
            reason=health.last_error if health.down_since is not None else "",
            # A policy may sleep for most of a day: then silence counts from the look that failed.
            expected_since=health.down_since if self._settings.round_poll_seconds is None else None,
        )

    def _folder_patience(self, server: str, health: sources.SourceHealth) -> timedelta:
        every = self._settings.round_poll_seconds
        if every is not None:
            return patience(timedelta(seconds=every))
        if health.down_since is not None:
            return patience(timedelta(0))
        policy = policy_of(self._settings.game_servers[server], None)
        return patience(timedelta(0)) + policy.longest_pause(Known())

    def _upkeeps(self, guild_ids: Sequence[int], now: datetime) -> tuple[Subject, ...]:
        """Give the nightly jobs that can fail; one that is not due yet is not late."""
        backups, archives = self._upkeep.failing, self._retention.failing
        return (
            Subject(
                name="backups",
                limit=patience(timedelta(0)),
                last_ok_at=self._upkeep.backed_up_at,
                guild_ids=guild_ids,
                stale=staleness.backups_stale,
                fresh=staleness.backups_fresh,
                reason="" if backups is None else backups.reason,
                expected_since=now if backups is None else backups.since,
            ),
            Subject(
                name="archives",
                limit=patience(timedelta(0)),
                last_ok_at=self._retention.done_at,
                guild_ids=guild_ids,
                stale=staleness.archives_stale,
                fresh=staleness.archives_fresh,
                reason="" if archives is None else archives.reason,
                expected_since=now if archives is None else archives.since,
            ),
        )

    def _shortage(self, guild_ids: Sequence[int], now: datetime) -> Subject:
        machine = self._machine
        return Subject(
            name="machine",
            limit=patience(timedelta(0)),
            last_ok_at=machine.well_at,
            guild_ids=guild_ids,
            stale=partial(machine_short, machine.short),
            fresh=machine_well,
            reason=machine.pressure().reason,
            expected_since=machine.short_since or now,
        )

    # --- What is told ------------------------------------------------------------------------

    async def _judge(
        self, conn: Connection, subject: Subject, expected_since: datetime, now: datetime
    ) -> None:
        note = f"stale:{subject.name}"
        told = await status.note(conn, note)
        last_ok_at, limit = subject.last_ok_at, max(subject.limit, OF_MACHINE * self._clock.speed)
        found = verdict(last_ok_at=last_ok_at, expected_since=expected_since, now=now, limit=limit)
        if found is Verdict.STALE and not told and not await _was_told(conn, subject.source):
            since = silent_since(last_ok_at=last_ok_at, expected_since=expected_since)
            key = _key(subject.name, since)
            await tell_admins(conn, key, subject.guild_ids, subject.stale(since, subject.reason), now)
            await status.write_note(conn, note, key)
            log.warning("%s: no success since %s; the admins are told", subject.name, since)
        elif found is Verdict.FRESH and told:
            since = began_at(told, f"stale:{subject.name}")
            await tell_again(conn, told, subject.fresh(since, last_ok_at or now), now)
            await status.write_note(conn, note, "")
            log.info("%s: success again", subject.name)


async def _profiles(conn: Connection, now: datetime) -> Subject | None:
    """Watch that runs of profiles end, in whatever way; why one failed is told of it alone."""
    watched = await profile_state.health(conn)
    if not watched:
        return None
    late = [one for one in watched if one.expected_at <= now]
    return Subject(
        name="profiles",
        limit=patience(PROFILES_LOOKED_FOR),
        last_ok_at=None if late else now,
        guild_ids=await profile_state.watching_guilds(conn, [one.account_id for one in late]),
        stale=profiles_stale,
        fresh=profiles_fresh,
        expected_since=None if late else now,
    )


async def _expected_before(conn: Connection, now: datetime) -> dict[str, datetime]:
    """Read since when each subject was expected when this bot last looked, unless that is long ago."""
    note = await status.note(conn, _LOOKED)
    if not note:
        return {}
    kept = json.loads(note)
    if abs(now - datetime.fromisoformat(kept["at"])) > SHORT_RESTART:
        return {}
    return {name: datetime.fromisoformat(since) for name, since in kept["since"].items()}


async def _was_told(conn: Connection, source: str) -> bool:
    """Tell whether the admins have a notice of the outage of a source."""
    down_since = (await sources.load(conn, source)).down_since
    return down_since is not None and bool(await outbox.channels_of(conn, outage_key(source, down_since)))


def _key(name: str, since: datetime) -> str:
    return outage_key(f"stale:{name}", since)
