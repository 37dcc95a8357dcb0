"""SimCord's Discord for each test: somebody else's opinion about what Discord accepts.

The fixture `simcord_env` is SimCord's own: an error of the bot that a test does not look at (`sim.env.errors`)
fails it at its end.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import simcord

from bot.discord.client import VedetteClient
from bot.storage.engine import Database, sqlite_url
from tests.simcord.sim import Sim, Worlds, people


@pytest.fixture
async def worlds(tmp_path: Path, tables_file: Path, reference_data: Path) -> AsyncIterator[Worlds]:
    file = shutil.copy(tables_file, tmp_path / "vedette.db")
    database = Database.open(sqlite_url(file))
    yield Worlds(database, file, reference_data)
    await database.close()


@pytest.fixture
def simcord_bot(worlds: Worlds) -> VedetteClient:
    return VedetteClient(worlds.services)


@pytest.fixture
async def sim(worlds: Worlds, simcord_env: simcord.Env) -> Sim:
    """A guild with everybody in it."""
    here = people(simcord_env)
    await simcord_env.settle()
    await worlds.rounds.start_watching()
    # The owner's number is SimCord's to give; it is known only now.
    worlds.services.settings.owner_id = here["owner"].id
    return Sim(env=simcord_env, worlds=worlds, **here)
