"""How the bot is: what `/status` shows, and small facts it keeps about itself."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot import __version__
from bot.clock import Clock
from bot.core.delivery import OutboxState
from bot.core.live.budget import Ledger
from bot.core.machine import Pressure, Reading, cures
from bot.core.sizes import DAYS_LOOKED_AT, Growth, growth
from bot.services import sign_desk
from bot.services.machine import Machine
from bot.services.policy_health import failing_policies
from bot.services.sign_desk import SignQuota
from bot.settings import Settings
from bot.storage import destinations, ledger, live, outbox, profile_state, recordings, sources, status
from bot.storage import machine as measured
from bot.storage.destinations import Destination
from bot.storage.engine import Connection, Database
from bot.storage.outbox import DeadLetter
from bot.storage.profile_state import ProfileHealth
from bot.storage.recordings import BeingRecorded
from bot.storage.sources import SourceHealth
from bot.storage.status import Checks, ServerRounds

_SSH = "ssh:"


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """Requests of the last 24 hours beside their limit, for the whole deployment."""

    name: str
    used: int
    limit: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """How the bot is, as one guild may see it."""

    version: str
    started_at: datetime
    now: datetime
    checks: Checks
    budgets: tuple[Budget, ...]
    sources: tuple[SourceHealth, ...]
    servers: tuple[ServerRounds, ...]
    blocked: tuple[Destination, ...]
    dead: tuple[DeadLetter, ...]
    messages: dict[OutboxState, int]
    failing: tuple[tuple[str, str], ...] = ()  # policies, with the reason
    database: Growth
    machine: Reading
    pressure: Pressure
    recordings: tuple[BeingRecorded, ...] = ()
    profiles: tuple[ProfileHealth, ...] = ()
    signing: SignQuota | None = None
    cures: str = ""  # what to do about what is short, a line each

    @property
    def last_error(self) -> SourceHealth | None:
        """The source that failed last, None when none ever did."""
        failed = [source for source in self.sources if source.last_error_at is not None]
        return max(failed, key=lambda source: source.last_error_at or self.started_at, default=None)


class Health:
    """Reads how the bot is; it changes nothing but its own notes."""

    def __init__(self, *, database: Database, machine: Machine, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._machine = machine
        self._clock = clock
        self._settings = settings
        self._started_at = clock.now()

    async def snapshot(self, guild_id: int) -> Status:
        """Sum up how the bot is, for the admins of a guild; other guilds' game servers are left out."""
        now = self._clock.now()
        settings = self._settings
        reading = await self._machine.measure()
        limits = {
            Ledger.DISCOVERY: settings.discovery_checks_per_day,
            Ledger.FOLLOWUP: settings.followup_requests_per_day,
        }
        mine = [name for name, server in settings.game_servers.items() if guild_id in server.guild_ids]
        async with self._database.read() as conn:
            followed = [one.id for one in await live.followed_accounts(conn, guild_id=guild_id)]
            return Status(
                version=__version__,
                started_at=self._started_at,
                now=now,
                checks=await status.checks_of(conn, guild_id),
                budgets=tuple(
                    [
                        Budget(name=name, used=await ledger.used(conn, name, now), limit=limit)
                        for name, limit in limits.items()
                    ]
                ),
                sources=tuple(
                    source
                    for source in await sources.load_all(conn)
                    if not _is_strange_server(source.name, mine)
                ),
                servers=tuple([await status.rounds_of(conn, server, guild_id) for server in mine]),
                blocked=await destinations.of_guild(conn, guild_id),
                dead=await outbox.dead_letters(conn, guild_id),
                messages=dict(await outbox.count_by_state(conn, guild_id)),
                failing=await failing_policies(conn),
                recordings=await recordings.being_recorded(
                    conn, self._clock.machine.now(), account_ids=followed
                ),
                profiles=await profile_state.health(conn, guild_id),
                signing=await sign_desk.quota(conn, now),
                database=await self._growth(conn, now, reading.disk_free),
                machine=reading,
                pressure=self._machine.pressure(),
                cures=cures(self._machine.short),
            )

    async def _growth(self, conn: Connection, now: datetime, disk_free: int | None) -> Growth:
        """Foresee when the disk is full; of a server's disk nothing is known."""
        known = await measured.sizes(conn, now.date() - timedelta(days=DAYS_LOOKED_AT))
        is_here = self._database.embedded_file is not None
        return growth(
            known,
            await measured.size(conn),
            disk_free=disk_free if is_here else None,
            copies=self._settings.backups_kept,
        )

    async def note(self, name: str) -> str:
        """Read a small fact the bot keeps about itself, empty when there is none."""
        async with self._database.read() as conn:
            return await status.note(conn, name)

    async def write_note(self, name: str, value: str) -> None:
        """Keep a small fact."""
        async with self._database.write("notes.write") as conn:
            await status.write_note(conn, name, value)


def _is_strange_server(source: str, mine: Collection[str]) -> bool:
    """Tell whether a source is a game server (named `ssh:<server>`) of other guilds or of nobody any more."""
    return source.startswith(_SSH) and source.removeprefix(_SSH) not in mine
