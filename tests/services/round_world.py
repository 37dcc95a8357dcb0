"""Game servers in memory and a round sync on a real database; the files are real ones.

The real SFTP path is tested in `test_round_flow.py` and `tests/sources/etlegacy`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from bot.core.charts import ChartSpec
from bot.core.requester import Requester
from bot.core.rounds.files import parse_name
from bot.errors import ChartFailed, SourceError, SourceUnavailable
from bot.ports import GameQuery, RemoteFile
from bot.services.announcements import Announcements
from bot.services.balance import Balance
from bot.services.round_admin import RoundAdmin
from bot.services.round_suggestions import RoundSuggestions
from bot.services.round_sync import RoundSync, SyncRules
from bot.settings import GameServer
from bot.storage.engine import Database
from bot.storage.round_tables import round_files, round_players, rounds
from bot.storage.tables import guilds, outbox
from tests.clocks import ManualClock
from tests.core.rounds.samples import header

GUILD, CHANNEL, ADMINS = 1, 100, 900
OTHER_GUILD, OTHER_CHANNEL = 2, 200
BY = Requester(guild_id=GUILD, user_id=42)
FIRST = "2025-10-26-213907-etl_adlernest-round-1.txt"
SECOND = "2025-10-26-214340-etl_adlernest-round-2.txt"
LATER = "2025-10-26-221428-supply-round-1.txt"
REFUSED = "2025-10-02-211808-etl_adlernest-round-1.txt"
UNSUPPORTED = f"{header()}\nAAAAAAA1\\someone\\0\\1\\16 1 2 3 4 5{' 0' * 31}\n".encode()
EVENING = datetime(2025, 10, 26, 21, 0, tzinfo=UTC)


class Crash(BaseException):
    """Stands for the death of the process: nothing may catch it."""


class CrashingDatabase:
    """A database whose process dies before or after it commits the named transaction, the nth time."""

    def __init__(self, database: Database, name: str, *, committed: bool, nth: int = 1) -> None:
        self.read = database.read
        self._database = database
        self._name = name
        self._committed = committed
        self._left = nth

    @asynccontextmanager
    async def write(self, name: str):
        self._left -= name == self._name
        dies = name == self._name and self._left == 0
        async with self._database.write(name) as conn:
            yield conn
            if dies and not self._committed:
                raise Crash
        if dies:
            raise Crash


@dataclass
class MemoryFolder:
    """Implements `bot.ports.RoundSource`; `trouble` is raised by everything, `bad` is what a fetch
    gives for one name. A listing takes `seconds`.
    """

    clock: ManualClock
    seconds: float = 0
    files: dict[str, tuple[bytes, datetime]] = field(default_factory=dict)
    trouble: SourceError | None = None
    bad: dict[str, SourceError] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    listings: int = 0
    fetched: list[str] = field(default_factory=list)

    def put(self, name: str, content: bytes, modified_at: datetime | None = None) -> None:
        """Write a file; without an instant its time says, as on a real server, when the round ended."""
        parsed = parse_name(name)
        at = modified_at or (parsed.wall_clock.replace(tzinfo=UTC) if parsed else EVENING)
        self.files[name] = (content, at)

    async def list_files(self) -> tuple[RemoteFile, ...]:
        self.listings += 1
        self.clock.advance(self.seconds)
        if self.trouble is not None:
            raise self.trouble
        return tuple(
            RemoteFile(name=name, size=len(content), modified_at=at)
            for name, (content, at) in self.files.items()
        )

    async def fetch(self, files: Sequence[RemoteFile]) -> dict[str, bytes | SourceError]:
        came: dict[str, bytes | SourceError] = {}
        if self.trouble is not None:
            raise self.trouble
        for name in (file.name for file in files):
            self.fetched.append(name)
            came[name] = self.bad.get(name) or self.files[name][0]
            if isinstance(came[name], SourceUnavailable):
                break
        return came

    async def close(self) -> None:
        pass


class DrawnCharts:
    """Implements `bot.ports.ChartRenderer`: the picture is a title in bytes that look like a PNG."""

    def __init__(self) -> None:
        self.fails = False

    async def render(self, spec: ChartSpec) -> bytes:
        if self.fails:
            raise ChartFailed("no picture today")
        return b"\x89PNG\r\n\x1a\n" + spec.title.encode()


class RoundWorld:
    """Two servers of two guilds, the sync, and what it leaves in the database."""

    def __init__(
        self, database: Database, real_files: Path, *, guild: int = GUILD, at: datetime = EVENING
    ) -> None:
        self.database = database
        self.guild = guild
        self.real_files = real_files
        self.clock = ManualClock(at)
        self.folder, self.other_folder = MemoryFolder(self.clock), MemoryFolder(self.clock)
        self.charts = DrawnCharts()
        self.rounds_came = asyncio.Event()
        self.restart()

    def restart(
        self,
        database: Database | CrashingDatabase | None = None,
        *,
        policies: tuple[str, str] = ("auto", "auto"),
        queries: Mapping[str, GameQuery] | None = None,
        zone: str = "UTC",
        also: tuple[int, ...] = (),
        **rules: timedelta | None,
    ) -> None:
        """Begin a new process on the same database; without more it looks every 60 seconds.

        `also` are guilds that share alpha.
        """
        alpha, beta = policies
        self.servers = {
            name: GameServer(
                host="game.example", username="u", guild_ids=guild_ids, round_policy=policy, time_zone=zone
            )
            for name, guild_ids, policy in (
                ("alpha", (self.guild, *also), alpha),
                ("beta", (OTHER_GUILD,), beta),
            )
        }
        self.announcements = Announcements(self.database, self.clock)
        self.sync = RoundSync(
            database=database or self.database,
            sources={"alpha": self.folder, "beta": self.other_folder},
            servers=self.servers,
            announcements=self.announcements,
            charts=self.charts,
            clock=self.clock,
            rules=SyncRules(**{"poll_every": timedelta(seconds=60), **rules}),
            queries=queries,
            readers=[self.rounds_came],
        )
        self.balance = Balance(database=self.database, queries=queries or {}, clock=self.clock)
        self.reader = asyncio.Event()
        self.admin = RoundAdmin(
            database=database or self.database,
            round_sync=self.sync,
            servers=self.servers,
            announcements=self.announcements,
            clock=self.clock,
            readers=[self.reader],
        )
        self.suggestions = RoundSuggestions(database=self.database, round_sync=self.sync)

    async def join(self, guild_id: int, channel_id: int | None, **more: object) -> None:
        async with self.database.write("test.join") as conn:
            await conn.execute(
                guilds.insert().values(guild_id=guild_id, rounds_channel_id=channel_id, **more)
            )

    def real(self, name: str) -> bytes:
        return UNSUPPORTED if name == REFUSED else (self.real_files / name).read_bytes()

    def drop(self, *names: str, folder: MemoryFolder | None = None) -> None:
        """Let real rounds end: their files appear and it is shortly after the last of them."""
        for name in names:
            (folder or self.folder).put(name, self.real(name))
            ended_at = parse_name(name).wall_clock.replace(tzinfo=UTC)
            late = (ended_at + timedelta(seconds=5) - self.clock.now()).total_seconds()
            self.clock.advance(max(0.0, late))

    async def run_for(self, seconds: float, server: str = "alpha") -> None:
        """Take the steps of a server's loop as they fall due."""
        end = self.clock.now() + timedelta(seconds=seconds)
        while (now := self.clock.now()) <= end:
            due = await self.sync.step(server)
            self.clock.advance(max(0.001, (min(due, end + timedelta(seconds=1)) - now).total_seconds()))

    async def start_watching(self) -> None:
        """Let the first listing of each server, which is silent, be over."""
        for server in ("alpha", "beta"):
            await self.sync.step(server)

    async def rows(self, table, order: str = "id") -> list[dict]:
        async with self.database.read() as conn:
            found = (await conn.execute(select(table).order_by(table.c[order]))).mappings()
            return [dict(row) for row in found]

    async def posts(self) -> list[dict]:
        return [row for row in await self.rows(outbox) if row["event_key"].startswith("round:")]

    async def notices(self) -> list[dict]:
        return [row for row in await self.rows(outbox) if row["event_key"].startswith("notice:")]

    async def rounds(self) -> list[dict]:
        return await self.rows(rounds, "ended_at")

    async def files(self) -> dict[str, dict]:
        return {row["name"]: row for row in await self.rows(round_files)}

    async def players(self, round_id: int) -> dict[str, dict]:
        rows = await self.rows(round_players, "guid")
        return {row["guid"]: row for row in rows if row["round_id"] == round_id}
