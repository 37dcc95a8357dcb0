"""The sandbox's world at the stand-ins on its own clock, and a bot in it with its usual rhythm; for tests and benchmarks."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.sandbox.clock import WorldClock
from tools.sandbox.processes import StandIn, bot_settings
from tools.sandbox.scene import World as Scene
from tools.sandbox.scene import its_bot, until
from tools.sandbox.stored import rows_of
from tools.sandbox.world import START
from tools.sandbox.world.evenings import ZONE_SETTINGS
from tools.sandbox.world.play import Places, World
from tools.sandbox.world.streamers import Streamer

#: A ref is of one message in the bot's outbox: two posts with the same are one that was posted twice.
_REF = re.compile(r"ref ([0-9a-f]{8})")
_NEW_ROUNDS = f"ended_at > {int(START.timestamp() * 1_000_000)}"
_UNTOLD_ROUNDS = f"""
    SELECT round_files.name, silent, outbox.state, outbox.error
    FROM rounds JOIN round_files ON round_files.id = rounds.file_id
    LEFT JOIN outbox ON event_key = 'round:' || rounds.id
    WHERE {_NEW_ROUNDS} AND (outbox.state IS NULL OR outbox.state <> 'delivered')
    ORDER BY round_files.name
"""  # noqa: S608 - all of it stands here


@dataclass(frozen=True, kw_only=True)
class FastScene:
    """`scene` is without a bot until `begin`; `world` stands still until somebody runs it."""

    scene: Scene
    clock: WorldClock
    world: World
    streamers: Sequence[Streamer]

    async def begin(self, **settings: str) -> None:
        """Start the bot at the machine's pace, follow everybody and let it read the rounds there are."""
        scene = self.scene
        await scene.start_bot(**settings)
        await scene.set_up()
        for streamer in self.streamers:
            await scene.command("live add", {"user": f"@{streamer.handle}", "channel": "lives"})
        files = len(await scene.gameserver.control("GET", "files"))
        await until(lambda: self._has_files(files), f"the bot knew all {files} files")

    async def _has_files(self, many: int) -> bool:
        left = await self.scene.count("round_files", "state IN ('seen', 'stable')")
        return left == 0 and await self.scene.count("round_files") >= many

    async def wrongs(self) -> list[str]:
        """Give what is told twice, or not at all; empty where all is well and nothing is on its way."""
        scene, found = self.scene, Counter[str]()
        for channel in ("lives", "rounds"):
            for post in await scene.posts(channel):
                text = post["embeds"][0].get("footer", {}).get("text", "")
                found.update(f"#{channel} {ref}" for ref in _REF.findall(text))
        wrongs = [f"{what} is there {times} times" for what, times in found.items() if times > 1]
        lives, rounds = await scene.count("lives"), await scene.count("rounds", _NEW_ROUNDS)
        untold = await rows_of(scene.database, _UNTOLD_ROUNDS)
        alerts = await scene.count("outbox", "event_key LIKE 'live:%' AND state = 'delivered'")
        told = await scene.count("outbox", "event_key LIKE 'round:%' AND state = 'delivered'")
        if alerts != lives:
            wrongs.append(f"{alerts} of {lives} lives were announced")
        if told + len(untold) != rounds:
            wrongs.append(f"{told} posts are of {rounds} rounds")
        wrongs += [f"not posted: {name} ({_why_untold(*why)})" for name, *why in untold]
        return wrongs + [f"violation: {one['reason']}" for one in await scene.violations()]


def _why_untold(silent: object, state: str | None, error: str | None) -> str:
    if state is not None:
        return f"{state} {error or ''}".strip()
    return "held back: many appeared at once" if silent else "never put, such as one that came too late"


@asynccontextmanager
async def fast_scene(folder: Path, streamers: Sequence[Streamer]) -> AsyncIterator[FastScene]:
    """Start the stand-ins and put into them how the world begins; its clock goes as fast as the machine's."""
    file = folder / "clock.json"
    clock = WorldClock(file)
    clock.set(instant=START.timestamp(), speed=1)
    kinds = (("discord",), ("tiktok", "--proxy"), ("gameserver",), ("scrapecreators",))
    stand_ins = [StandIn(*kind, "--clock", str(file)) for kind in kinds]
    async with AsyncExitStack() as stack:
        await asyncio.gather(*(stack.enter_async_context(one) for one in stand_ins))
        discord, tiktok, gameserver, paid = stand_ins
        places = Places(clock=clock, tiktok=tiktok, gameserver=gameserver, scrapecreators=paid)
        world = World(places, streamers)
        await world.prepare()
        scene = Scene(discord, tiktok, gameserver, folder)
        scene.settings = {
            **bot_settings(discord.facts, tiktok.facts, gameserver.facts, folder / "data", paid.facts),
            "GAME_SERVERS__SANDBOX__GUILD_IDS": discord.facts["guild"],
            "CLOCK_FILE": str(file),
            **ZONE_SETTINGS,
        }
        await stack.enter_async_context(its_bot(scene))
        yield FastScene(scene=scene, clock=clock, world=world, streamers=streamers)
