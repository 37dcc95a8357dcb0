"""`python -m bot work`: a worker's process as a person starts it, beside a bot or without one."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from bot import work
from bot.clock import Clock, SystemClock
from bot.core.posts.models import RunReason
from bot.services.profile_schedule import put_run
from bot.settings import Settings
from bot.storage.engine import Database
from bot.storage.migrate import upgrade
from tests.kept_posts import keep_profile

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_SECONDS = 60
NOBODY = "http://127.0.0.1:9"
SOURCES = {
    "POST_SOURCES": "scrapecreators",
    "SCRAPECREATORS_API_KEY": "zzCanaryzz-key",
    "SCRAPECREATORS_URL": NOBODY,
}


@asynccontextmanager
async def working(
    folder: Path, url: str, *arguments: str, **settings: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start a worker; in the end it is told to stop."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    chosen = {"DATABASE_URL": url, "DATA_FOLDER": str(folder / "data"), **settings}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "work", *arguments),
        cwd=folder,
        env={**kept, "PYTHONPATH": str(ROOT), **chosen},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(PATIENCE_SECONDS):
                await process.wait()


async def told(process: asyncio.subprocess.Process, words: str) -> str:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while words not in (line := (await process.stderr.readline()).decode()):
            assert line, f"it ended before it said: {words}"
    return line


async def test_a_worker_does_jobs_without_discord_and_ends_when_it_is_told(
    database_url: str, tmp_path: Path
) -> None:
    now = SystemClock().now()
    await upgrade(database_url, tmp_path / "backups", now, keep=1)
    database = Database.open(database_url)
    async with database.write("test.put") as conn:
        kept = await keep_profile(conn, runs=2, post_count=1)
        await put_run(conn, kept.account_id, RunReason.ASKED, now)
    async with working(tmp_path, database_url, "--queue", "profile", **SOURCES) as process:
        assert "profile" in await told(process, "Doing jobs of the queues")
        assert "failed at try 1" in await told(process, "Job 1")
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await job_of(database) != ("todo", 1, ""):  # noqa: ASYNC110 - another process writes
                await asyncio.sleep(0.05)  # noqa: TID251 - another process needs real time
    assert process.returncode == 0
    await database.close()


async def job_of(database: Database) -> tuple[str, int, str]:
    async with database.read() as conn:
        return tuple((await conn.execute(text("SELECT state, attempts, holder FROM jobs"))).one())


async def test_without_a_database_of_this_version_it_says_what_to_do(tmp_path: Path) -> None:
    async with working(tmp_path, f"sqlite:///{tmp_path}/data/vedette.db") as process:
        await told(process, "start the bot once")
        await process.wait()
    assert process.returncode == 1


def test_a_worker_follows_the_wall_clock_when_somebody_sets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bot moves what is stored along with a step: leases of a worker that hid it would be over at once."""
    given: list[Clock] = []

    async def _work(_: Settings, clock: Clock, __: object) -> None:
        given.append(clock)

    monkeypatch.setattr(work, "_work", _work)
    work.run(Settings(_env_file=None, data_folder=tmp_path), ("profile",))
    real = SystemClock.now
    monkeypatch.setattr(SystemClock, "now", lambda self: real(self) + timedelta(hours=1))
    assert abs(given[0].now() - SystemClock().now()) < timedelta(minutes=1)
