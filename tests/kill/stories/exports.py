"""Files that are asked for, and that grow old."""

from __future__ import annotations

from pathlib import Path

from tests.kill.mortal import Mortal
from tests.kill.stories.profile_commands import keep_ben
from tests.kill.stories.telling import Told, follow, set_up
from tools.sandbox.stored import rows_of

RECORDED = (
    (
        "INSERT INTO lives (account_id, phase, started_at, found_at, last_seen_at, ended_at, title, cover_url) "
        "SELECT id, 'ended', added_at - 7200000000, added_at, added_at, added_at, 'Hello', '' FROM accounts"
    ),
    (
        "INSERT INTO recordings (live_id, account_id, state, room_id, wanted_at) "
        "SELECT id, account_id, 'done', 1, started_at FROM lives"
    ),
)
OLD_EXPORT_GOES = "bot/exports/folder forget_old: entry.unlink"


async def exports(bot: Mortal, _: Path) -> None:
    """A recorded live as files that are too large for Discord, and that grow old at once."""
    await bot.world.tiktok.control("POST", "accounts", {"handle": "ana"})
    async with bot.alive():
        await set_up(bot)
        await follow(bot)
    await bot.change(*RECORDED)
    async with bot.alive():
        await bot.command("export range")
        ((live,),) = await rows_of(bot.database, "SELECT min(live_id) FROM recordings")
        shown = await bot.command("export stream", {"live": str(live), "format": "csv"})
        assert "_csv.zip`: 0.0 MB" in shown["response"]["content"], shown["response"]["content"]
        await bot.until(lambda: bot.has_passed(OLD_EXPORT_GOES), "an old export was deleted")
    await keep_ben(bot)
    async with bot.alive():
        await bot.command("export profile", {"account": "ben", "format": "csv"})


TOLD = {
    "exports": Told(
        story=exports,
        constants={
            "bot/discord/files.py LARGEST_BYTES": "0",
            "bot/discord/files.py PROGRESS_SECONDS": "600.0",  # what is answered is the end
            "bot/exports/folder.py KEPT": "timedelta(0)",
            "bot/jobs/schedule.py NIGHTLY_TIDYING": "CronTrigger(second='*', timezone=UTC)",
        },
    ),
}
