"""What people ask of watched profiles, while the bot dies over it: the end of each reading is told, and once in a channel."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.storage.engine import Database
from tests.kept_posts import keep_profile
from tests.kill.mortal import Mortal
from tests.kill.stories.telling import Told
from tools.sandbox.stored import rows_of

POSTS = 12  # more than fit on a page
SETTINGS = {
    # Nothing listens there: every reading fails at once.
    "POST_SOURCES": "scrapecreators",
    "SCRAPECREATORS_API_KEY": "a-key-of-the-story",
    "SCRAPECREATORS_URL": "http://127.0.0.1:9",
}
CONSTANTS = {
    "bot/core/posts/merging.py OF_PROFILE": "frozenset(Trouble)",  # and is not tried again
    "bot/discord/run_progress.py LOOKED_AFTER_SECONDS": "0.05",
    "bot/services/profile_asking.py LOOKED_AFTER": "timedelta(seconds=0.2)",
}
BOTH_WAYS = ("profiles.answered", "profiles.tell_end")
"""How the end of a reading is told: by an answer, and in a channel."""
ASKED = (
    ("profile watch", {"user": "ben", "hours": 12}),
    ("profile list", {}),
    ("profile logs", {"user": "ben"}),
    ("profile queue", {}),
    ("profile show", {"user": "ben"}),
    ("profile compare", {"a": "ben", "b": "ana"}),
    ("profile report", {"user": "ben", "every": "weekly"}),
    ("profile pause", {"user": "ben"}),
)


async def profile_commands(bot: Mortal, _: Path) -> None:
    """Readings that fail are followed and told; then every other command about profiles."""
    is_told_again = await bot.has_passed(*BOTH_WAYS)
    async with bot.alive():
        await bot.command("setup", {"lives": "lives", "rounds": "rounds", "admin": "admin"})
        await bot.command("profile watch", {"user": "@ana"}, channel="general")
        await bot.until(
            lambda: told_its_end(bot), "the end of a reading was told, by an answer and in a channel"
        )
        await bot.until(lambda: is_told_everywhere(bot), "nobody waits for an end any more")
        await bot.until(bot.settled, "everything was delivered")
    await keep_ben(bot)
    async with bot.alive():
        for name, options in ASKED:
            await bot.command(name, options)
        await bot.until(lambda: turned_a_page(bot), "the second page of posts was shown")
        await bot.command("profile unwatch", {"user": "ben"})
        await bot.until(bot.settled, "everything was delivered")
    assert await rows_of(bot.database, "SELECT count(*) FROM profile_watches") == [(1,)]
    assert await bot.count("posts") == POSTS
    ends = await rows_of(bot.database, "SELECT event_key FROM outbox WHERE event_key LIKE 'profile-run:%'")
    assert len(ends) == len(set(ends))
    assert ends or is_told_again  # then no bot dies over its answer


async def told_its_end(bot: Mortal) -> bool:
    """Ask until both ways were gone: a bot that dies over its answer tells the end in the channel."""
    await bot.command("profile update", {"user": "ana"}, channel="general")
    await bot.until(lambda: no_run_is_open(bot), "the reading was over")
    return await bot.has_passed(*BOTH_WAYS)


async def no_run_is_open(bot: Mortal) -> bool:
    return not await bot.count("profile_runs", "finished_at IS NULL")


async def is_told_everywhere(bot: Mortal) -> bool:
    return not await bot.count("profile_run_askers")


async def keep_ben(bot: Mortal) -> None:
    """Write a profile with posts as the monitor would have, while no bot runs."""
    now = datetime.now(UTC)  # noqa: TID251 - the bot's clock is this machine's
    database = Database.open(bot.database)
    try:
        async with database.write("test.keep") as conn:
            guild_id = int(bot.world.discord.facts["guild"])
            await keep_profile(
                conn,
                handle="ben",
                guild_id=guild_id,
                post_count=POSTS,
                runs=14,
                started_at=now - timedelta(days=13, hours=1),
            )
    finally:
        await database.close()


async def turned_a_page(bot: Mortal) -> bool:
    shown = await bot.command("profile posts", {"user": "ben"})
    return await bot.press(shown, 1) is not None and await bot.has_passed(
        "bot/discord/covers CoverPages._turn: interaction.edit_original_response"
    )


TOLD = {
    "profile commands": Told(story=profile_commands, settings=SETTINGS, constants=CONSTANTS),
}
