"""A bot that reads a profile while it is killed: every run that was begun is ended, no snapshot lost or doubled."""

from __future__ import annotations

from pathlib import Path

from tests.kill.mortal import Mortal
from tests.kill.stories.telling import Told
from tools.sandbox.stored import rows_of

SETTLED = "everything was delivered"
UNREAD, AGAIN = "posts of @ana cannot be read", "posts of @ana are read again"
OPEN = "state IN ('pending', 'running')"


async def profile_runs(bot: Mortal, _: Path) -> None:
    """A profile is watched and read, cannot be read, and is read again."""
    ana = await bot.world.tiktok.control("POST", "accounts", {"handle": "ana", "nickname": "Ana"})
    about = {"handle": "ana", "id": ana["id"], "nickname": "Ana", "followers": 5000}
    await bot.paid.control("POST", "accounts", about)
    await bot.paid.control("POST", "credits", {"left": 1000})
    await bot.paid.control("POST", "accounts/ana/posts", {"count": 24})
    async with bot.alive():
        await bot.command("setup", {"lives": "lives", "rounds": "rounds", "admin": "admin"})
        await bot.until(bot.settled, "the test posts came")
        await bot.command("profile watch", {"user": "@ana"})
        await bot.until(lambda: is_read(bot, 1), "it was read")
        await bot.paid.control("PATCH", "accounts/ana", {"private": True})
        bot.chapter("private", "profile.", "jobs.give_up")
        await bot.command("profile update", {"user": "ana"})
        await bot.until(lambda: bot.stands("admin", UNREAD), "the admins heard that it cannot be read")
        await bot.until(lambda: is_over(bot), "no run was left")
        await bot.paid.control("PATCH", "accounts/ana", {"private": False})
        before = await bot.count("profile_runs", "state = 'completed'")
        bot.chapter("again", "profile.")
        await bot.command("profile update", {"user": "ana"})
        await bot.until(lambda: is_read(bot, before + 1), "it was read again")
        await bot.until(lambda: bot.stands("admin", AGAIN), "the admins heard of the end")
        await bot.until(bot.settled, SETTLED)
    assert await bot.posts("admin", UNREAD) == []
    assert len(await bot.posts("admin", AGAIN)) == 1
    await every_run_is_whole(bot)


async def is_over(bot: Mortal) -> bool:
    return not await bot.count("profile_runs", OPEN)


async def is_read(bot: Mortal, runs: int) -> bool:
    return await is_over(bot) and await bot.count("profile_runs", "state = 'completed'") >= runs


async def every_run_is_whole(bot: Mortal) -> None:
    """What is read never changes here, so each completed run has seen every post, with its numbers."""
    of_runs = (
        "SELECT r.state, r.posts, (SELECT count(*) FROM post_snapshots s WHERE s.run_id = r.id), "
        "(SELECT count(*) FROM profile_snapshots s WHERE s.run_id = r.id) FROM profile_runs r"
    )
    runs = {tuple(row) for row in await rows_of(bot.database, of_runs)}
    assert runs == {("completed", 24, 24, 1), ("failed", 0, 0, 0)}
    assert await bot.count("posts") == 24
    assert await bot.count("posts", "gone_at IS NOT NULL OR missed_runs > 0") == 0
    of_posts = "SELECT count(*), sum(views), sum(saves) FROM posts"
    of_last = "SELECT posts, views, saves FROM profile_snapshots ORDER BY run_id DESC LIMIT 1"
    (now,), (last,) = await rows_of(bot.database, of_posts), await rows_of(bot.database, of_last)
    assert tuple(map(int, now)) == tuple(last)
    assert await bot.count("profile_runs", "unwritten IS NOT NULL OR finished_at IS NULL") == 0
    assert await bot.count("jobs", "kind = 'profile' AND state IN ('todo', 'doing')") == 0


TOLD = {
    "profile runs": Told(
        story=profile_runs,
        paid=True,
        settings={"MEDIA_MEGABYTES": "0", "PROFILE_PAGE_SECONDS": "0"},
        constants={"bot/core/jobs.py MOST_STARTS": "1000"},
    ),
}
