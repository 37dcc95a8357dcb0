"""Rounds as the bot imported them one by one, made anew from the raw files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from bot.clock import SystemClock
from bot.core.rounds.files import FileKind, file_kind
from bot.storage import raw_rounds
from bot.storage.migrate import upgrade
from bot.storage.round_tables import round_files, round_players, rounds
from tests.services.round_world import RoundWorld
from tools.rebuild_rounds import rebuild

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def world(database, reference_data):
    """Every real file, imported by the bot's own sync as they came."""
    world = RoundWorld(database, reference_data / "etlegacy")
    await world.start_watching()
    for path in sorted((reference_data / "etlegacy").iterdir()):
        if file_kind(path.name) is FileKind.ROUND:
            world.folder.put(path.name, path.read_bytes())
    await world.run_for(30)
    return world


async def derived(database):
    async with database.read() as conn:
        return await raw_rounds.derived_rows(conn)


async def test_all_rounds_come_out_the_same(world, database):
    before = await derived(database)
    assert len(before) == 57
    done = await rebuild(database, {"alpha": "UTC"}, world.clock.now(), dry_run=False)
    assert (done.rounds, done.changed, done.unreadable) == (57, 0, {})
    assert await derived(database) == before


async def test_what_was_spoilt_is_mended(world, database):
    before = await derived(database)
    async with database.write("test.spoil") as conn:
        first = (await conn.execute(select(rounds.c.id).order_by(rounds.c.id))).scalars().first()
        await conn.execute(delete(round_players).where(round_players.c.round_id == first))
        await conn.execute(update(rounds).where(rounds.c.id == first + 1).values(counted=False, flags=["x"]))
    tried = await rebuild(database, {}, world.clock.now(), dry_run=True)
    assert tried.changed == 2
    assert await derived(database) != before
    assert await rebuild(database, {}, world.clock.now(), dry_run=False) == tried
    assert await derived(database) == before


async def test_a_file_that_cannot_be_read_any_more_is_named_and_its_round_stays(world, database):
    before = await derived(database)
    async with database.write("test.spoil") as conn:
        name = (await conn.execute(select(round_files.c.name).order_by(round_files.c.name))).scalars().first()
        await conn.execute(update(round_files).where(round_files.c.name == name).values(content=b"x"))
    done = await rebuild(database, {}, world.clock.now(), dry_run=False)
    assert done.unreadable == {f"alpha: {name}": "the last line is not finished"}
    assert await derived(database) == before


async def test_the_command_says_what_it_did_and_refuses_an_old_schema(tmp_path):
    url = f"sqlite:///{tmp_path}/vedette.db"

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tools.rebuild_rounds", *arguments],
            check=False,
            cwd=tmp_path,
            env={"DATABASE_URL": url, "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )

    refused = run()
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)

    await upgrade(url, tmp_path / "backups", SystemClock().now(), keep=1)
    done = run("--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "0 round(s) made anew; 0 would come out differently\n"
