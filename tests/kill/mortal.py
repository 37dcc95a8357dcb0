"""The bot as a process that is killed at points, looked at, and started again, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import psutil

from tests.kill import oracle
from tools.sandbox.processes import Programs, StandIn
from tools.sandbox.scene import World
from tools.sandbox.stored import change, file_of, rows_of, tables_of

PATIENCE_SECONDS = 300.0
RECORDER_GONE_SECONDS = 60.0
EACH, ONCE, NONE = "each", "once", "none"
AS_TIME_PASSES = (
    "UPDATE accounts SET leased_until = NULL",
    "UPDATE sources SET closed_until = NULL, failures = 0",
    "UPDATE recordings SET leased_until = NULL",
    "UPDATE jobs SET leased_until = 0 WHERE leased_until > 0",
    "UPDATE requests SET asked_at = asked_at - 90000000000 WHERE purpose IN ('renamed', 'sweep')",
)
"""What a killed bot leaves runs out: the lease of a check, a room or a job, a pause, and the time until something is asked again:
a day for a person's new name, 90 s for the rooms, whose request nobody knows the end of.
"""


class Mortal:
    """`order` is what `hook/passages.py` reads as VEDETTE_KILL; `house` the copy of the bot that passes the points.

    `shared` is the file of points that other stories have visited already, None for a story of its own.
    """

    def __init__(
        self,
        house: Path,
        folder: Path,
        order: str,
        *,
        settings: Mapping[str, str],
        shared: Path | None = None,
    ) -> None:
        self.house = house
        self.shared = shared or folder / "passed"
        self.folder = folder
        self.world: World | None = None
        self.paid: StandIn | None = None
        # Its recorder takes seconds to start; the story of recordings has one.
        self.settings = {"DATA_FOLDER": str(folder / "data"), "RECORD_LIVES": "false", **settings}
        self.deaths = 0
        self._lived = oracle.Ledgered()
        self._order = order
        self._cradle: Any = None
        self._pid: int | None = None
        self._life: asyncio.Task[None] | None = None
        self._tables: frozenset[str] = frozenset()
        folder.mkdir(parents=True, exist_ok=True)
        self.chapter("start")

    def enter(self, world: World) -> None:
        """Live in a world of stand-ins."""
        self.world = world
        self.settings = {**world.settings, **self.settings}

    def pay(self, paid: StandIn) -> None:
        """Read posts from ScrapeCreators, and from nowhere else."""
        self.paid = paid
        self.settings |= {
            "POST_SOURCES": "scrapecreators",
            "SCRAPECREATORS_URL": paid.facts["base"],
            "SCRAPECREATORS_API_KEY": paid.facts["key"],
        }

    @property
    def database(self) -> str:
        """The URL of its database."""
        return self.settings.get("DATABASE_URL") or f"sqlite:///{self.folder}/data/vedette.db"

    @property
    def process_id(self) -> int | None:
        """The bot that lives now."""
        return self._pid

    @property
    def is_on_server(self) -> bool:
        return file_of(self.database) is None

    def chapter(self, name: str, *anew: str) -> None:
        """Begin a chapter: steps whose names begin with one of `anew` are visited once more in it."""
        part = self.folder / "chapter.part"
        part.write_text(json.dumps({"name": name, "anew": anew}), "utf-8")
        part.replace(self.folder / "chapter")

    def passed(self) -> Counter[str]:
        """Count the passages: chapter and point, with a tab between."""
        files = {self.folder / "passed", self.shared}
        return Counter(
            line for file in files if file.exists() for line in file.read_text("utf-8").splitlines()
        )

    async def has_passed(self, *steps: str) -> bool:
        """Whether both sides of these steps were passed, in whatever chapter."""
        passed = {line.split("\t")[1] for line in self.passed()}
        return {f"{step} | after" for step in steps} <= passed

    def unnamed(self) -> list[str]:
        file = self.folder / "unnamed"
        return file.read_text("utf-8").splitlines() if file.exists() else []

    # --- Life and death ----------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        orders = {
            "VEDETTE_KILL": self._order,
            "VEDETTE_KILL_FOLDER": str(self.folder),
            "VEDETTE_KILL_SHARED": str(self.shared),
        }
        self._cradle = await Programs.spawn(
            sys.executable,
            "-m",
            "cradle",
            cwd=self.folder,
            env={**inherited, "PYTHONPATH": str(self.house), **self.settings, **orders},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._cradle is not None
        self._signal(signal.SIGKILL)
        self._cradle.stdin.close()
        await self._cradle.wait()

    async def run(self, *arguments: str, ok: tuple[int, ...] = (0,)) -> None:
        """Run a command of the bot, again after each death, until it ends by itself."""
        while (code := await self._live(*arguments)) == -signal.SIGKILL:
            await self._bury()
        assert code in ok, f"{arguments} ended with {code}:\n{self.log()[-3000:]}"

    @asynccontextmanager
    async def alive(self) -> AsyncIterator[None]:
        """Keep the bot running; SIGTERM ends it cleanly at the end."""
        # A bot that is just starting (it was killed a moment ago) has no handler for SIGTERM yet.
        self._life = asyncio.create_task(self.run("run", ok=(0, -signal.SIGTERM)))
        try:
            yield
            await self._stop()
        finally:
            self._signal(signal.SIGKILL)
            self._life.cancel()
            await asyncio.gather(self._life, return_exceptions=True)
            self._life = None

    async def _live(self, *arguments: str) -> int:
        """Bear a bot and wait for its end; gives the exit code."""
        log = str(self.folder / "bot.out")
        self._cradle.stdin.write(
            json.dumps({"arguments": arguments, "stdout": log, "stderr": log}).encode() + b"\n"
        )
        self._pid = int(await self._cradle.stdout.readline())
        try:
            return int(await self._cradle.stdout.readline())
        finally:
            self._pid = None

    def _signal(self, number: signal.Signals) -> None:
        """Signal the bot, which may have ended a moment ago."""
        if self._pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, number)

    async def _stop(self) -> None:
        """Stop it; it may die once more on the way out, and is started and stopped again."""
        while not self._life.done():
            deaths = self.deaths
            self._signal(signal.SIGTERM)
            await asyncio.wait({self._life}, timeout=10 if self.deaths == deaths else 1)
            if not self._life.done():
                await self.until(self.connected, "it came back")
        await self._life

    async def _bury(self) -> None:
        """Look at what a death left, and let time pass."""
        self.deaths += 1
        async with asyncio.timeout(RECORDER_GONE_SECONDS):
            while self.recorders():  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)  # noqa: TID251 - other processes need real time
        await self.examine()
        if "accounts" in await tables_of(self.database):
            await self.change(*AS_TIME_PASSES)

    def recorders(self) -> list[psutil.Process]:
        """Give the recorders of this bot that run, its own and those of its earlier lives."""
        found = []
        if self.settings["RECORD_LIVES"] == "false":
            return found  # to look at every process of the machine takes 10 ms
        for process in psutil.process_iter(["cmdline"]):
            is_one = "record" in (process.info["cmdline"] or ())
            with contextlib.suppress(psutil.Error):
                if is_one and process.environ().get("VEDETTE_KILL_FOLDER") == str(self.folder):
                    found.append(process)
        return found

    async def examine(self) -> None:
        tiktok = [] if self.world is None else await self.world.tiktok.control("GET", "requests")
        backups = self.folder / "data" / "backups"
        self._lived = await oracle.at_death(self.database, backups, await self.posts(), tiktok, self._lived)

    async def change(self, *statements: str) -> None:
        """Change the database of a bot that does not run."""
        for statement in statements:
            await change(self.database, statement)

    def log(self) -> str:
        file = self.folder / "bot.out"
        return file.read_text("utf-8") if file.exists() else ""

    # --- What a story does -------------------------------------------------------------------

    async def until(self, condition: Callable[[], Awaitable[Any]], what: str) -> Any:
        """Look again until the condition gives something true; every death begins the wait anew."""
        loop = asyncio.get_running_loop()
        deaths, began = self.deaths, loop.time()
        while not (result := await condition()):
            if self._life is not None and self._life.done():
                await self._life
                raise AssertionError(f"the bot stopped before {what}")
            if self.deaths != deaths:
                deaths, began = self.deaths, loop.time()
            if loop.time() - began > PATIENCE_SECONDS:
                raise AssertionError(f"waited in vain until {what}:\n{self.log()[-3000:]}")
            await asyncio.sleep(0.03)  # noqa: TID251 - other processes need real time
        return result

    async def command(
        self, name: str, options: dict[str, Any] | None = None, *, by: str = "admin", channel: str = "admin"
    ) -> dict[str, Any]:
        """Give a command as somebody does who gives it again when the bot dies over it; gives the answer."""
        order = {"user": by, "channel": channel, "name": name, "options": options or {}}
        answered: dict[str, Any] = await self.until(
            lambda: self._ask("command", order), f"/{name} was answered"
        )
        return answered

    async def press(
        self, shown: dict[str, Any], number: int, *values: str, row: int = 0
    ) -> dict[str, Any] | None:
        """Use a button or a select under an answer; None when the bot died over it."""
        controls = shown["response"]["components"][row]["components"]
        order = {
            "user": "admin",
            "channel": "admin",
            "message_id": shown["response"]["id"],
            "custom_id": controls[number]["custom_id"],
            "values": values,
        }
        return await self._ask("component", order)

    async def _ask(self, kind: str, order: dict[str, Any]) -> dict[str, Any] | None:
        discord = self._world.discord
        await self.until(self.connected, "the bot was connected")
        deaths = self.deaths
        try:
            sent = await discord.control("POST", kind, order)
        except ValueError:  # not known yet, not there any more: look again
            return None
        while True:
            answer: dict[str, Any] = await discord.control("GET", f"interactions/{sent['interaction_id']}")
            if answer["state"] == "answered":
                return answer
            if answer["state"] == "failed" or self.deaths != deaths:
                return None
            if self._life is not None and self._life.done():
                return None
            await asyncio.sleep(0.02)  # noqa: TID251 - other processes need real time

    async def connected(self) -> bool:
        gateway = await self._world.discord.control("GET", "gateway")
        return any(session["connected"] for session in gateway["sessions"])

    async def posts(self, channel: str = "", title: str = "") -> list[dict[str, Any]]:
        """The bot's messages that are no answers to commands, in one channel or all, also deleted ones."""
        if self.world is None:
            return []
        found = await self.world.discord.control(
            "GET", f"messages?channel={channel}" if channel else "messages"
        )
        bot = self.world.discord.facts["application_id"]
        return [
            message
            for message in found
            if message["author"]["id"] == bot
            and message["interaction_id"] is None
            and any(title in embed.get("title", "") for embed in message["embeds"])
        ]

    async def stands(self, channel: str, title: str) -> list[dict[str, Any]]:
        return [message for message in await self.posts(channel, title) if not message["deleted"]]

    async def count(self, table: str, where: str = "1 = 1") -> int:
        """Count rows; 0 while there is no such table."""
        if table.split(maxsplit=1)[0] not in self._tables:
            self._tables = await tables_of(self.database)
            if table.split(maxsplit=1)[0] not in self._tables:
                return 0
        return int((await rows_of(self.database, f"SELECT count(*) FROM {table} WHERE {where}"))[0][0])

    async def settled(self) -> bool:
        """Whether the outbox has nothing left to bring anywhere."""
        return not await self.count("outbox", "state IN ('pending', 'parked')") and bool(
            await self.connected()
        )

    @property
    def _world(self) -> World:
        assert self.world is not None
        return self.world
