"""A popular account goes live: 2,000 subscriptions in 500 guilds, on Discord's stand-in with its limits, to the last post.

The bot is a process of its own, as in the end-to-end tests; the same channels are first written to by discord.py alone. Stalls are
told by the probe of `spine`, so this runs on Linux only.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from bot.core.live.models import ProfileState
from bot.settings import Settings
from bot.storage.engine import Database
from bot.storage.migrate import upgrade
from bot.storage.tables import accounts, guilds, subscriptions
from tools.bench.report import Figure, percentile
from tools.bench.sandbox import cpu_seconds
from tools.bench.spine import PROBE
from tools.sandbox.processes import ROOT
from tools.sandbox.scene import World, until, world
from tools.sandbox.stored import rows_of

GUILDS, CHANNELS = 500, 4
POPULAR, OTHER = "popular", "other"
"""Whom all channels follow, and whom one of each guild follows too: in it both are told, in their order."""
GLOBAL_LIMIT = 50
FEW = 20
"""So many 429s are few: one second in which a window of Discord's began otherwise than ours."""
STALL_MS = 50.0
PROCESSOR_MS = 20.0
"""A core makes fifty of them in a second."""
SLOWER = 1.25
_RATHER_OFTEN = ("viewers_seconds", "sweep_seconds", "round_poll_seconds")
AS_USUAL = {name.upper(): str(Settings.model_fields[name].default or "") for name in _RATHER_OFTEN}
"""Tests look every second; this bot looks as one that nobody has set up otherwise, but for finding out who is live."""
PATIENCE_SECONDS = 400.0
ALONE_SECONDS = 120.0
AT_ONCE = 50


@dataclass(kw_only=True)
class Seen:
    """What was seen of one flood; instants are the machine's Unix seconds."""

    seconds: float = 0.0
    refused: int = 0
    missing: int = 0
    doubled: int = 0
    disordered: int = 0
    in_a_second: int = 0
    processor: float = 0.0
    waited: list[float] = field(default_factory=list)
    stall: tuple[float, str] = (0.0, "")


async def measure() -> list[Figure]:
    """Measure everything; takes about five minutes."""
    with tempfile.TemporaryDirectory(prefix="vedette-bench-") as name:
        folder = Path(name)
        async with world(folder, "--schemas", str(folder)) as stage:
            channels = await _communities(stage)
            await stage.discord.control("POST", "rate_limits", {"enabled": True})
            alone = {how: await _alone(stage, channels, how) for how in ("all", "paced")}
            ours = await _flood(stage, channels, folder)
    return _figures(alone, ours)


async def _communities(stage: World) -> list[tuple[int, int]]:
    """Make guilds and channels; gives (guild, channel), a guild after the other."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def order(path: str, body: dict[str, Any]) -> dict[str, Any]:
        async with gate:
            made: dict[str, Any] = await stage.discord.control("POST", path, body)
            return made

    made = await asyncio.gather(*(order("guilds", {"name": f"Guild {n}"}) for n in range(GUILDS)))
    places = [(one["id"], f"lives-{n}") for one in made for n in range(CHANNELS)]
    opened = await asyncio.gather(
        *(order("channels", {"name": name, "guild": guild}) for guild, name in places)
    )
    return [(int(guild), int(one["id"])) for (guild, _), one in zip(places, opened, strict=True)]


# --- discord.py alone ----------------------------------------------------------------------------


async def _alone(stage: World, channels: Sequence[tuple[int, int]], how: str) -> Seen:
    """Let discord.py alone write to all channels."""
    refused = await _refused(stage)
    facts, pipe = stage.discord.facts, asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "tools.bench.bare_sender", facts["api"], facts["token"], how)
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=pipe, stdout=pipe)
    ids = "\n".join(str(channel) for _, channel in channels)
    try:
        async with asyncio.timeout(ALONE_SECONDS):
            output, _ = await process.communicate(ids.encode())
        seconds = json.loads(output)["seconds"]
    except TimeoutError:
        process.kill()
        seconds = ALONE_SECONDS
    refused = await _refused(stage) - refused
    await stage.discord.control("POST", "rate_limits", {"enabled": True})
    return Seen(seconds=seconds, refused=refused)


async def _refused(stage: World) -> int:
    return int((await stage.discord.control("GET", "state"))["invalid_requests"])


# --- The bot -------------------------------------------------------------------------------------


async def _flood(stage: World, channels: Sequence[tuple[int, int]], folder: Path) -> Seen:
    """Let both go live, and look until all was told."""
    await _subscribe(stage, channels)
    for handle in (POPULAR, OTHER):
        await stage.tiktok.control("POST", "accounts", {"handle": handle, "nickname": handle.title()})
    stage.settings |= AS_USUAL
    stage.settings["PYTHONPATH"] = f"{PROBE}{os.pathsep}{ROOT}"
    stage.settings["VEDETTE_PROBE_FILE"] = str(folder / "stall")
    await stage.start_bot()
    await until(lambda: _has(stage, "Connected to Discord as"), "the bot was ready")
    await asyncio.sleep(5)  # noqa: TID251 - a real process, which is to have started
    if stage.bot is None:
        raise RuntimeError("the bot is not running")
    refused, worked = await _refused(stage), cpu_seconds(stage.bot.pid)
    os.kill(stage.bot.pid, signal.SIGUSR1)
    await stage.go_live(POPULAR)
    await until(lambda: stage.count("outbox", "event_key LIKE 'live:%'"), "it was seen live")
    began = time.perf_counter()
    await stage.go_live(OTHER)
    wanted = len(channels) + GUILDS
    told = 0
    while told < wanted and time.perf_counter() - began < PATIENCE_SECONDS:
        await asyncio.sleep(0.5)  # noqa: TID251 - as above
        told = await stage.count("outbox", "event_key LIKE 'live:%' AND state = 'delivered'")
    os.kill(stage.bot.pid, signal.SIGUSR2)
    worked = cpu_seconds(stage.bot.pid) - worked
    seen = await _as_told(stage, wanted)
    seen.processor = worked
    seen.refused = await _refused(stage) - refused
    milliseconds, where = _lines(folder / "stall")[:2]
    seen.stall = float(milliseconds), where
    return seen


async def _subscribe(stage: World, channels: Sequence[tuple[int, int]]) -> None:
    """Write what people would have set up."""
    now = datetime.now(UTC)  # noqa: TID251 - the bot lives in this time
    await upgrade(stage.database, stage.folder / "backups", now, keep=1)
    database = Database.open(stage.database)
    account = {
        "platform": "tiktok",
        "profile_state": ProfileState.ACTIVE,
        "added_at": now,
        "next_check_at": now,
    }
    by = {"created_by": 1, "created_at": now}
    async with database.write("bench.subscribe") as conn:
        people = [
            {"id": number, "handle": handle, **account} for number, handle in enumerate((POPULAR, OTHER), 1)
        ]
        await conn.execute(accounts.insert(), people)
        rows = [{"guild_id": guild} for guild in dict.fromkeys(guild for guild, _ in channels)]
        await conn.execute(guilds.insert(), rows)
        places = [{"guild_id": guild, "channel_id": channel} for guild, channel in channels]
        followed = [{"account_id": 1, **place, **by} for place in places]
        followed += [{"account_id": 2, **place, **by} for place in places[::CHANNELS]]
        await conn.execute(subscriptions.insert(), followed)
    await database.close()


async def _has(stage: World, words: str) -> bool:
    return words in stage.log()


def _lines(file: Path) -> list[str]:
    return file.read_text("utf-8").splitlines() if file.exists() else []


async def _as_told(stage: World, wanted: int) -> Seen:
    """Compare what stands in the channels with what was put into the outbox."""
    query = (
        "SELECT channel_id, event_key, message_id, created_at, delivered_at FROM outbox "
        "WHERE event_key LIKE 'live:%' AND state = 'delivered' ORDER BY id"
    )
    rows = await rows_of(stage.database, query)
    posted = [one for one in await stage.discord.control("GET", "messages") if one["embeds"]]
    requests = await stage.discord.control("GET", "requests")
    asked = sorted(one["at"] for one in requests if one["path"].endswith("/messages"))[-wanted:]
    by_channel: dict[int, list[int]] = {}
    for channel_id, _, message_id, *_ in rows:
        by_channel.setdefault(channel_id, []).append(message_id)
    begun, ended = (pick(row[at] for row in rows) for pick, at in ((min, 3), (max, 4)))
    return Seen(
        seconds=(ended - begun) / 1e6,
        missing=wanted - len(rows),
        doubled=len(posted) - len({int(one["id"]) for one in posted} & {row[2] for row in rows}),
        disordered=sum(first > second for ids in by_channel.values() for first, second in pairwise(ids)),
        in_a_second=max(
            sum(first <= one < first + 1 for one in asked[at : at + 2 * GLOBAL_LIMIT])
            for at, first in enumerate(asked)
        ),
        waited=[(row[4] - row[3]) / 1e6 for row in rows],
    )


# --- The figures ---------------------------------------------------------------------------------


def _figures(alone: dict[str, Seen], ours: Seen) -> list[Figure]:
    return [*_kept(alone, ours), *_taken(alone["paced"], ours)]


def _kept(alone: dict[str, Seen], ours: Seen) -> list[Figure]:
    """Say what became of the messages."""
    many = f"{GUILDS * CHANNELS} of one account and {GUILDS} of another"
    first, paced = alone["all"], alone["paced"]
    return [
        Figure(name="not delivered", value=ours.missing, unit="", how=many, limit=0),
        Figure(
            name="posted twice, or by nobody's order",
            value=ours.doubled,
            unit="",
            how="all channels",
            limit=0,
        ),
        Figure(
            name="out of order",
            value=ours.disordered,
            unit="",
            how="in one channel, as put into the outbox",
            limit=0,
        ),
        Figure(
            name="refused with 429",
            value=ours.refused,
            unit="",
            how=f"discord.py alone, all at once: {first.refused} in {first.seconds:.0f} s; paced: {paced.refused}",
            limit=FEW,
        ),
        Figure(
            name="in the fullest second",
            value=ours.in_a_second,
            unit="requests",
            how="of any, as the stand-in came to them; it counts fixed ones",
        ),
    ]


def _taken(paced: Seen, ours: Seen) -> list[Figure]:
    """Say what they took."""
    share = (GUILDS * CHANNELS + GUILDS) / (GUILDS * CHANNELS)
    return [
        Figure(
            name="to the last post",
            value=ours.seconds,
            unit="s",
            how=f"a message waited {percentile(ours.waited, 0.5):.0f} s in the middle, {max(ours.waited):.0f} s at most",
        ),
        Figure(
            name="against discord.py alone, paced",
            value=ours.seconds / (paced.seconds * share),
            unit="times as long",
            how=f"{paced.seconds:.1f} s for {GUILDS * CHANNELS} plain messages, begun at 48 a second",
            limit=SLOWER,
        ),
        Figure(
            name="processor for each message",
            value=1000 * ours.processor / (GUILDS * CHANNELS + GUILDS),
            unit="ms",
            how=f"of the whole bot: {ours.processor:.0f} s",
            limit=PROCESSOR_MS,
        ),
        Figure(
            name="longest stall of the event loop",
            value=ours.stall[0],
            unit="ms",
            how=ours.stall[1],
            limit=STALL_MS,
        ),
    ]
