"""Tells stories to mortal bots, each on stand-ins of its own."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Collection, Iterable, Mapping
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


def wanted_points(*, on_server: bool) -> set[str]:
    """Name the points at which a bot is to die: on a server those where that differs."""
    is_wanted = differs_on_a_server if on_server else lambda point: not is_a_servers(point)
    return {point for point in points() if is_wanted(point)}


async def tell_until_died_everywhere(
    stories: Mapping[str, Told], folder: Path, data: Path, server: PostgreSQL | None = None
) -> dict[str, Outcome]:
    """Tell all stories, and once more for the points that were missed.

    What was done when the bot died of something else is not done again: a message was deleted while it died in
    another channel, so nobody saw it come back from that. It happens once in some hundred points.
    """
    order, left_out = EACH, set[str]()
    if server is not None:
        order, left_out = ONCE, {*points()} - wanted_points(on_server=True)
        # A server's transaction is one whatever is in it: the file proves each statement of a migration.
        left_out |= {f"migrate: statement {number} | before" for number in range(2, STATEMENTS)}
    outcomes = await tell_all(stories, folder, data, server, order=order, left_out=left_out)
    missed = wanted_points(on_server=server is not None) - died_at(outcomes)
    if missed:
        left_out |= died_at(outcomes) | {*points()} - missed
        again = await tell_all(stories, folder / "again", data, server, order=ONCE, left_out=left_out)
        outcomes = {name: _both(outcomes[name], again[name]) for name in stories}
    return outcomes


def _both(first: Outcome, again: Outcome) -> Outcome:
    return Outcome(
        passed=[*first.passed, *again.passed],
        unnamed=[*first.unnamed, *again.unnamed],
        deaths=first.deaths + again.deaths,
        error=first.error or again.error,
    )


async def tell_all(
    stories: Mapping[str, Told],
    folder: Path,
    data: Path,
    server: PostgreSQL | None = None,
    *,
    order: str = EACH,
    left_out: Collection[str] = (),
) -> dict[str, Outcome]:
    """Tell all stories, some at a time; what one has visited, or is `left_out`, the others leave out."""
    places, visited = asyncio.Semaphore(AT_ONCE), _visited(folder, left_out)

    async def one(name: str) -> Outcome:
        async with places:
            return await tell(stories[name], folder / name, data, order, shared=visited, server=server)

    return dict(zip(stories, await asyncio.gather(*map(one, stories)), strict=True))


def _visited(folder: Path, points: Collection[str]) -> Path:
    """Write down which points were visited before."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "visited"
    file.write_text("".join(f"any\t{point}\n" for point in sorted(points)), "utf-8")
    return file


def died_at(matrix: Mapping[str, Outcome]) -> set[str]:
    """Name the points at which a bot of these stories died."""
    return {line.split("\t")[1] for outcome in matrix.values() for line in outcome.passed}


def server_of(engine: str, request: pytest.FixtureRequest) -> PostgreSQL | None:
    """Give the server of this test run, None for the engine without one."""
    server: PostgreSQL | None = request.getfixturevalue("postgresql") if engine == "postgresql" else None
    return server
