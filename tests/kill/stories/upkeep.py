"""What runs at night, and by hand."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from bot.storage.migrate import HEAD_REVISION, upgrade
from tests.kill import oracle
from tests.kill.mortal import Mortal
from tests.kill.stories.telling import Told, follow, set_up


async def nights(bot: Mortal, _: Path) -> None:
    """Backups, tidying and a clock that was set, each second a night."""
    await bot.world.tiktok.control("POST", "accounts", {"handle": "ana"})
    async with bot.alive():
        await set_up(bot)
        await follow(bot)
        await bot.until(lambda: tidied(bot), "a backup was made and the database tidied")


async def tidied(bot: Mortal) -> bool:
    done = [
        "upkeep.forget_messages",
        "upkeep.forget_jobs",
        "bot/storage/backup make_backup: old.unlink",
        "clock.shift",
    ]
    if not bot.is_on_server:
        done.append("bot/storage/engine Database.checkpoint: driver.execute")
    return await bot.has_passed(*done)


async def by_hand(bot: Mortal, _: Path) -> None:
    """An empty database, a look at it, backups until one goes, their proof; leftovers of long ago."""
    await bot.run("migrate")
    await bot.run("check", ok=(1,))
    backups = bot.folder / "data" / "backups"
    (backups / ".unfinished-long-ago").mkdir(parents=True)
    (backups / "vedette-20200101T000000Z.db.json").write_text("{}", "utf-8")
    for left in backups.iterdir():
        os.utime(left, (0, 0))
    for _ in range(3):
        await bot.run("backup")
        await bot.run("backup", "--verify")
    assert len(oracle.backups_are_whole(backups)) == 2
    assert not [left for left in backups.iterdir() if "long-ago" in left.name or "2020" in left.name]


async def a_new_schema(bot: Mortal, _: Path) -> None:
    """A database of this version meets a version with one more revision; a backup is made before."""
    backups = bot.folder / "data" / "backups"
    now = datetime(2026, 11, 21, tzinfo=UTC)
    await upgrade(bot.database, backups, now, keep=3)
    await bot.change("INSERT INTO notes (name, value) VALUES ('kept', 'yes')")
    await bot.run("migrate")
    assert await bot.count("alembic_version", f"version_num = '{NEXT}'") == 1
    assert await bot.count("notes", "name IN ('kept', 'new')") == 2
    assert {made.revision for made in oracle.backups_are_whole(backups)} == {HEAD_REVISION}


async def a_trusted_host(bot: Mortal, _: Path) -> None:
    """A person pins the key of the game server; whoever reads the file finds the old keys or the new ones."""
    known_hosts = Path(bot.settings["DATA_FOLDER"]) / "known_hosts"
    line = known_hosts.read_text("utf-8")
    known_hosts.write_text(f"elsewhere.example {line.partition(' ')[2]}", "utf-8")
    await bot.run("trust-host", "sandbox", "--fingerprint", bot.world.gameserver.facts["fingerprint"])
    assert line in known_hosts.read_text("utf-8")
    assert "elsewhere.example" in known_hosts.read_text("utf-8")


NEXT = f"{int(HEAD_REVISION) + 1:04}"
A_REVISION = f"""
from alembic import op
import sqlalchemy as sa

revision, down_revision = "{NEXT}", "{HEAD_REVISION}"


def upgrade():
    op.create_table("next_things", sa.Column("id", sa.Integer, primary_key=True), sqlite_strict=True)
    with op.batch_alter_table("notes") as notes:
        notes.add_column(sa.Column("more", sa.Text))
    op.execute("INSERT INTO notes (name, value) VALUES ('new', 'yes')")
"""

TOLD = {
    "nights": Told(
        story=nights,
        settings={"BACKUPS_KEPT": "2"},
        constants={
            "bot/jobs/schedule.py NIGHTLY_BACKUP": "CronTrigger(second='*', timezone=UTC)",
            "bot/jobs/schedule.py NIGHTLY_TIDYING": "CronTrigger(second='*', timezone=UTC)",
            "bot/clock.py SLACK": "timedelta(0)",  # every drift is a step
            "bot/services/timekeeping.py LOOK_EVERY": "timedelta(seconds=1)",
        },
    ),
    "by hand": Told(story=by_hand, alone=True, settings={"BACKUPS_KEPT": "2"}),
    "a new schema": Told(
        story=a_new_schema,
        alone=True,
        constants={"bot/storage/migrate.py HEAD_REVISION": repr(NEXT)},
        files={f"bot/storage/migrations/versions/{NEXT}_next.py": A_REVISION},
    ),
    "a trusted host": Told(story=a_trusted_host),
}
