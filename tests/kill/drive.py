"""Tells stories to mortal bots, each on stand-ins of its own."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.databases import PostgreSQL
from tests.kill import oracle
from tests.kill.mortal import EACH, ONCE, Mortal
from tests.kill.points import changed_copy, copy_of_the_bot, points
from tests.kill.stories.telling import DELIVERY, Told
from tools.sandbox.processes import StandIn
from tools.sandbox.scene import world
from tools.sandbox.stored import kept_open

AT_ONCE = 3
"""So many stories are told at a time: a bot that was just born waits as often as it computes."""
STATEMENTS = 1000
"""More than all migrations have."""
FORGETFUL = ("--nonce-seconds", "0")
"""Discord forgets every nonce at once: only the look into the channel keeps a killed bot from posting twice."""


@dataclass(kw_only=True)
class Outcome:
    """How a story went: the passages, the deaths, the requests without a step, and what was wrong."""

    passed: Iterable[str] = ()
    unnamed: Iterable[str] = ()
    deaths: int = 0
    error: Exception | None = None


def differs_on_a_server(point: str) -> bool:
    """Whether killing there is another thing where the database is on a server: each commit, and each send."""
    return "/" not in point or point.startswith(DELIVERY) or is_a_servers(point)


def is_a_servers(point: str) -> bool:
    """Whether only a bot passes there whose database is on a server."""
    return point.startswith("bot/storage/backup_server")


async def tell(
    told: Told,
    folder: Path,
    data: Path,
    order: str,
    *,
    shared: Path | None = None,
    server: PostgreSQL | None = None,
) -> Outcome:
    """Drive one story to its end with the kills that `order` names; on a server in a database of its own."""
    bot = Mortal(
        _house(told, folder.parents[1]), folder / "run", order, settings=told.settings, shared=shared
    )
    error = None
    try:
        async with AsyncExitStack() as stack:
            if server is not None:
                bot.settings["DATABASE_URL"] = await stack.enter_async_context(server.empty_database())
                await stack.enter_async_context(kept_open(bot.database))
                bot.settings["PATH"] = f"{server.programs}{os.pathsep}{os.environ['PATH']}"
            if not told.alone:
                bot.enter(await stack.enter_async_context(world(bot.folder, *FORGETFUL)))
            if told.paid:
                bot.pay(await stack.enter_async_context(StandIn("scrapecreators")))
            async with bot:
                await told.story(bot, data)
            await bot.examine()
            await oracle.at_the_end(bot.database, await bot.posts())
            assert bot.world is None or await bot.world.violations() == []
    except Exception as raised:  # noqa: BLE001 - the test of this story raises it
        error = raised
    return Outcome(passed=bot.passed(), unnamed=bot.unnamed(), deaths=bot.deaths, error=error)


def _house(told: Told, folder: Path) -> Path:
    """Give the copy of the bot a story needs, made once for all that are told beside this folder."""
    plain = folder / "house"
    if not plain.exists():
        copy_of_the_bot(plain)
    changes = repr((sorted(told.constants.items()), sorted(told.files.items())))
    changed = folder / f"house-{hashlib.sha256(changes.encode()).hexdigest()[:12]}"
    if not (told.constants or told.files):
        return plain
    return changed if changed.exists() else changed_copy(plain, changed, told.constants, told.files)


async def tell_all(
    stories: Mapping[str, Told], folder: Path, data: Path, server: PostgreSQL | None = None
) -> dict[str, Outcome]:
    """Tell all stories, some at a time; what one has visited the others leave out.

    On a server the bot is killed only where that differs, once at each point.
    """
    places, visited, order = asyncio.Semaphore(AT_ONCE), folder / "visited", EACH
    if server is not None:
        order = ONCE
        left_out = [point for point in points() if not differs_on_a_server(point)]
        # A server's transaction is one whatever is in it: the file proves each statement of a migration.
        left_out += [f"migrate: statement {number} | before" for number in range(2, STATEMENTS)]
        visited.write_text("".join(f"any\t{point}\n" for point in left_out), "utf-8")

    async def one(name: str) -> Outcome:
        async with places:
            return await tell(stories[name], folder / name, data, order, shared=visited, server=server)

    return dict(zip(stories, await asyncio.gather(*map(one, stories)), strict=True))


def died_at(matrix: Mapping[str, Outcome]) -> set[str]:
    """Name the points at which a bot of these stories died."""
    return {line.split("\t")[1] for outcome in matrix.values() for line in outcome.passed}


def server_of(engine: str, request: pytest.FixtureRequest) -> PostgreSQL | None:
    """Give the server of this test run, None for the engine without one."""
    server: PostgreSQL | None = request.getfixturevalue("postgresql") if engine == "postgresql" else None
    return server
