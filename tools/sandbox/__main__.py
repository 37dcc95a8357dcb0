"""``python -m tools.sandbox [options]``: all stand-ins, a world, and a page for people.

First the page's address is printed. When everything is ready one line of JSON follows, ``{"ready": true, "env":
{NAME: value}}``: the settings that point a bot here. ``{"kill": true}`` later asks whoever started the bot to kill
it. Who did so tells on standard input, a line of JSON each, ``{"bot": "started", "pid": N}`` and ``{"bot": "ended",
"text": why}``. All ends on SIGTERM, SIGINT, or when standard input closes; a bot that was not told to have ended is
killed then. The data folder is DATA_FOLDER from the environment (a past is written there only where no database is),
or a temporary one. With ``--bare`` there are stand-ins only: no page, no world, no past, the machine's own time.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tools.sandbox.clock import FASTEST, SLOWEST, WorldClock
from tools.sandbox.discord.permissions import BOT, OPTIONAL, named
from tools.sandbox.page.panel import Panel
from tools.sandbox.page.server import LAST_PORT, PORT, PageServer
from tools.sandbox.page.status import STARTING, Stage, Status
from tools.sandbox.page.watch import BotWatch
from tools.sandbox.processes import ROOT, StandIn, bot_settings
from tools.sandbox.standin import announce, until_stopped
from tools.sandbox.tour import Scene, Tour
from tools.sandbox.world import START
from tools.sandbox.world.evenings import ZONE_SETTINGS
from tools.sandbox.world.play import Places, World

SPEED = 60.0
ONLINE_SECONDS = 60


async def serve(options: argparse.Namespace) -> None:
    """Run everything until told to stop, or until a part of it fails."""
    async with AsyncExitStack() as stack:
        folder = Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(prefix="vedette-sandbox-", ignore_cleanup_errors=True)
            )
        )
        clock = WorldClock(None if options.bare else folder / "clock.json")
        status = Status(clock=clock, tour=options.tour)
        watch = BotWatch(status)
        stack.callback(watch.kill_left)
        data = Path(os.environ.get("DATA_FOLDER") or folder / "data")
        stopped = asyncio.create_task(until_stopped(watch.told))
        running = asyncio.create_task(
            stand_ins_only(data) if options.bare else House(options, status, watch, folder, data).run()
        )
        await asyncio.wait({stopped, running}, return_when=asyncio.FIRST_COMPLETED)
        running.cancel()
        (result,) = await asyncio.gather(running, return_exceptions=True)
        if isinstance(result, Exception) and not stopped.done():
            raise result


async def stand_ins_only(data: Path) -> None:
    """Run nothing but the stand-ins."""
    async with running_stand_ins() as stage:
        announce(env=await settings(stage, data))
        await asyncio.Event().wait()


class House:
    """Stand-ins, world, past and page."""

    def __init__(
        self, options: argparse.Namespace, status: Status, watch: BotWatch, folder: Path, data: Path
    ) -> None:
        self._options = options
        self._status = status
        self._watch = watch
        self._clock_file = folder / "clock.json"
        self._data = data

    async def run(self) -> None:
        """Be there at once, tell what is prepared, then let the world begin."""
        status = self._status
        status.clock.set(instant=START.timestamp(), speed=SLOWEST)
        panel = Panel(status, kill=lambda: print(json.dumps({"kill": True}), flush=True))
        panel.tour = Tour(status) if self._options.tour else None
        stand_ins = running_stand_ins("--clock", str(self._clock_file), on_discord=status.set_discord)
        async with PageServer(status, panel).served(self._options.port) as address:
            print(f"Vedette runs in its sandbox: {address}", flush=True)
            past = asyncio.create_task(self._write_past())
            try:
                async with stand_ins as stage, asyncio.TaskGroup() as group:
                    # Everything can be tried here.
                    may = {"permissions": named(BOT | OPTIONAL)}
                    await stage.discord.control("PATCH", "roles/Vedette", may)
                    status.set_stage(stage)
                    world = World(_places(stage, status.clock))
                    await world.prepare()
                    await past
                    await self._begin(group, stage, world, panel)
            finally:
                past.cancel()
                await asyncio.gather(past, return_exceptions=True)

    async def _begin(self, group: asyncio.TaskGroup, stage: Stage, world: World, panel: Panel) -> None:
        """Let the bot start and the world go on; it goes fast once the bot can see it."""
        self._status.clock.set(instant=START.timestamp())
        env = await settings(stage, self._data)
        env["CLOCK_FILE"] = str(self._clock_file)
        panel.world, panel.settings = world, {**os.environ, **env}  # who starts the bot gives it both
        panel.database = f"sqlite:///{self._data}/vedette.db"
        self._status.set_bot(STARTING)
        announce(env=env)
        for task in (world.run(), panel.follow(), self._watch.follow(), self._hurry()):
            group.create_task(task)
        if panel.tour is not None:
            group.create_task(
                panel.tour.run(
                    Scene(self._status, world, stage.discord, stage.tiktok), self._watch.first_online
                )
            )

    async def _hurry(self) -> None:
        """Let time run at the wanted speed as soon as the bot is online; no later than in a minute."""
        try:
            async with asyncio.timeout(ONLINE_SECONDS):
                await self._watch.first_online.wait()
        except TimeoutError:
            pass
        if self._status.clock.speed == SLOWEST:  # nobody has chosen another meanwhile
            self._status.set_speed(self._options.speed)

    async def _write_past(self) -> None:
        """Put three months of past where the bot will look for its database; what it tells is shown."""
        file = self._data / "vedette.db"
        if self._options.empty or file.exists():
            return
        past = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tools.past", "--to", str(file)),
            cwd=ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=os.name != "nt",
        )
        try:
            while past.stdout and (line := await past.stdout.readline()):
                self._status.prepare(line.decode().strip())
            if await past.wait():
                print("The past could not be made, so the world begins without one.", flush=True)
        finally:
            _kill_all(past)


def _kill_all(process: asyncio.subprocess.Process) -> None:
    """Kill a process with those it has started, which would go on without it."""
    if process.returncode is None:
        with contextlib.suppress(OSError):
            if os.name == "nt":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)


def _places(stage: Stage, clock: WorldClock) -> Places:
    return Places(
        clock=clock, tiktok=stage.tiktok, gameserver=stage.gameserver, scrapecreators=stage.scrapecreators
    )


@asynccontextmanager
async def running_stand_ins(
    *arguments: str, on_discord: Callable[[StandIn], None] = lambda _: None
) -> AsyncIterator[Stage]:
    """Start them side by side, and end them so; `on_discord` gets that one as soon as it runs."""
    stand_ins = {
        "discord": StandIn("discord", *arguments),
        "tiktok": StandIn("tiktok", "--proxy", *arguments),
        "gameserver": StandIn("gameserver", *arguments),
        "scrapecreators": StandIn("scrapecreators", *arguments),
    }

    async def start(name: str) -> None:
        await stand_ins[name].__aenter__()
        if name == "discord":
            on_discord(stand_ins[name])

    try:
        async with asyncio.TaskGroup() as group:
            for name in stand_ins:
                group.create_task(start(name))
        yield Stage(**stand_ins)
    finally:
        await asyncio.gather(*(one.__aexit__(None, None, None) for one in stand_ins.values()))


async def settings(stage: Stage, data: Path) -> dict[str, str]:
    """Give the settings of a bot in this world: where it is, and who rules it. The rest are the defaults."""
    there = await stage.discord.control("GET", "state")
    admin = next(user for user in there["users"] if user["name"] == "admin")
    facts = [one.facts for one in (stage.discord, stage.tiktok, stage.gameserver)]
    return {
        **bot_settings(facts[0], facts[1], facts[2], data, stage.scrapecreators.facts),
        "GAME_SERVERS__SANDBOX__GUILD_IDS": there["guilds"][0]["id"],
        "OWNER_ID": admin["id"],
        **ZONE_SETTINGS,
    }


def _between(least: float, most: float, kind: Callable[[str], float]) -> Callable[[str], float]:
    """Give what reads an option: a number in these bounds, else it is refused before anything is started."""

    def read(text: str) -> float:
        number = kind(text)
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"must be from {least:g} to {most:g}, not {text}")
        return number

    return read


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.sandbox", description="The sandbox and its page.")
    parser.add_argument(
        "--port",
        type=_between(0, LAST_PORT, int),
        default=PORT,
        help="of the page; the next free one if it is taken",
    )
    parser.add_argument(
        "--speed", type=_between(SLOWEST, FASTEST, float), default=SPEED, help="of the world's time, 1 to 600"
    )
    parser.add_argument(
        "--tour", action="store_true", help="show the main features by themselves, in a minute"
    )
    parser.add_argument("--empty", action="store_true", help="begin without a past: the bot was just invited")
    parser.add_argument("--bare", action="store_true", help="stand-ins only")
    return parser


if __name__ == "__main__":
    asyncio.run(serve(arguments().parse_args()))
