"""Lives of long ago are archived and deleted, and people are forgotten. Each second is a night."""

from __future__ import annotations

import gzip
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert

from bot.storage.engine import Database
from bot.storage.stream_tables import stream_comments
from tests.kept_streams import FIRST_PERSON, keep_live
from tests.kill.mortal import Mortal
from tests.kill.stories.telling import ADMIN, SETTLED, Told, set_up
from tools.sandbox.stored import rows_of

OF_EVERYBODY = (
    "SELECT live_id, sum(gifts), sum(diamonds), sum(comments) FROM contributions GROUP BY 1 ORDER BY 1"
)
WRITTEN_DOWN_LATE = (
    f"INSERT INTO stream_people (person_id, handle, nickname, seen_at) VALUES ({FIRST_PERSON + 3}, 'fan3', '', "
    "(SELECT max(last_seen_at) FROM lives))"
)


async def old_lives(bot: Mortal, _: Path) -> None:
    """Lives of long ago are summed, archived and deleted, the file shrinks, and whoever asks is forgotten.

    Each second is a night.
    """
    await bot.run("migrate")
    if not bot.is_on_server:
        make_file_of_older_version(Path(bot.settings["DATA_FOLDER"]) / "vedette.db")
    now = datetime.now(UTC)  # noqa: TID251 - the bot's clock is this machine's
    database = Database.open(bot.database)
    async with database.write("test.lives") as conn:
        old = await keep_live(conn, started_at=now - timedelta(days=95), minutes=300)
        await keep_live(conn, started_at=now - timedelta(days=40), handle="bea", minutes=300)
        await keep_live(conn, started_at=now - timedelta(days=1), handle="cleo", minutes=20)
        await conn.execute(
            insert(stream_comments).values(
                live_id=old.live_id, message_id=1, person_id=1, at=old.started_at, words="x"
            )
        )
    await database.close()
    gifts = await bot.count("stream_gifts", f"live_id = {old.live_id}")
    given = await rows_of(bot.database, OF_EVERYBODY)
    async with bot.alive():
        await set_up(bot)
        await bot.until(lambda: is_archived(bot), "the old live was archived and deleted")
        await bot.until(lambda: forgotten(bot), "somebody was forgotten")
    await bot.change(WRITTEN_DOWN_LATE)
    async with bot.alive():
        await bot.until(lambda: swept(bot), "whom the recorder wrote down late was forgotten again")
        await bot.until(lambda: recorded_again(bot), "somebody is recorded again")
        await bot.until(lambda: told_of_it(bot), "an admin was told that somebody is forgotten")
        await bot.until(bot.settled, SETTLED)
    archived = [row for file in archives(bot) for row in gzip.decompress(file.read_bytes()).splitlines()]
    assert sum(json.loads(row)["table"] == "stream_gifts" for row in archived) == gifts > 0
    assert len(archived) == len(set(archived))  # nothing twice
    assert await bot.count("stream_archives") == len(archives(bot)) == 1
    assert await bot.count("stream_comments") == 0
    assert await bot.count("stream_minutes", "minutes = 1") == 20
    assert await rows_of(bot.database, OF_EVERYBODY) == given


async def told_of_it(bot: Mortal) -> bool:
    """Each death between the deletion and the word of it takes one more person."""
    told = "bot/discord/confirming Confirmation.confirm: interaction.edit_original_response"
    for number in range(5, 10):
        asked = await bot.command("privacy delete", {"user": f"fan{number}"})
        if asked["response"].get("components"):
            deaths = bot.deaths

            async def is_over(deaths: int = deaths) -> bool:
                return bot.deaths != deaths or await bot.has_passed(told)

            await bot.press(asked, 0)
            await bot.until(is_over, "the admin was told, or the bot died over it")
            break
    return await bot.has_passed(told)


def make_file_of_older_version(file: Path) -> None:
    """Turn a database into one that cannot shrink by steps."""
    with closing(sqlite3.connect(file, isolation_level=None)) as plain:
        for order in ("PRAGMA journal_mode = DELETE", "PRAGMA auto_vacuum = 0", "VACUUM"):
            plain.execute(order)


def archives(bot: Mortal) -> list[Path]:
    return sorted((Path(bot.settings["DATA_FOLDER"]) / "archive").glob("lives-*"))


async def is_archived(bot: Mortal) -> bool:
    done = ["retention.close_archive", "retention.size"]
    if not bot.is_on_server:
        made_smaller = "bot/storage/engine Database.make_smaller: driver.execute"
        done += [made_smaller, f"{made_smaller} #2"]
    left = await bot.count(
        "stream_minutes m JOIN stream_archives a ON a.lives LIKE '%\"' || m.live_id || '\"%'"
    )
    return not left and await bot.has_passed(*done)


async def forgotten(bot: Mortal) -> bool:
    """First somebody thinks otherwise, until the bot has died over both sides of the word about it."""
    refused = "bot/discord/confirming Confirmation.refuse: interaction.response.edit_message"
    if await is_forgotten(bot):
        return True
    asked = await bot.command("privacy delete", {"user": "fan3"})
    # Whoever is being forgotten just now is asked about no more.
    if asked["response"].get("components"):
        await bot.press(asked, 0 if await bot.has_passed(refused) else 1)
    return await is_forgotten(bot)


async def is_forgotten(bot: Mortal) -> bool:
    return bool(await bot.count("forgotten_people")) and not await bot.count(
        "stream_people", "handle = 'fan3'"
    )


async def swept(bot: Mortal) -> bool:
    return await is_forgotten(bot) and await bot.has_passed("privacy.sweep")


async def recorded_again(bot: Mortal) -> bool:
    await bot.command("privacy restore", {"user": str(FIRST_PERSON + 3)})
    return not await bot.count("forgotten_people")


TOLD = {
    "old lives": Told(
        story=old_lives,
        settings={"OWNER_ID": str(ADMIN)},
        constants={
            "bot/jobs/schedule.py NIGHTLY_RETENTION": "CronTrigger(second='*', timezone=UTC)",
            "bot/jobs/schedule.py NIGHTLY_TIDYING": "CronTrigger(second='*', timezone=UTC)",
            "bot/core/sizes.py LEAST_FREE": "0",
            "bot/core/sizes.py FREE_SHARE": "0.0",
        },
    ),
}
