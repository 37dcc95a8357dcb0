"""What players and admins change about rounds."""

from __future__ import annotations

from pathlib import Path

from tests.kill.mortal import Mortal
from tests.kill.stories.telling import ROUND_1, ROUND_2, SETTLED, Told, imported, set_up
from tools.sandbox.stored import rows_of

PLAYERS = ("A76191C1", "3063A713")  # of round 1
CHOSEN, REFUSED, CONFIRMED = (
    f"bot/discord/linking LinkChoice.{name}: interaction.response.edit_message"
    for name in ("choose", "refuse", "confirm")
)


async def players(bot: Mortal, data: Path) -> None:
    """A round was played; somebody says who they were, after two other thoughts, reads about it, and undoes it."""
    async with bot.alive():
        await bot.world.write_round(data / "etlegacy" / ROUND_1, minutes_ago=14)
        await bot.until(lambda: imported(bot, 1), "the round was imported")
        await bot.until(lambda: thought_otherwise(bot), "nothing was changed")
        await bot.until(lambda: linked(bot), "the link was made")
        await bot.command("player stats", channel="general")
        await bot.command("player compare", {"a": PLAYERS[1]}, channel="general")
        await bot.command("player unlink")
    assert await bot.count("player_links") == 0


async def thought_otherwise(bot: Mortal) -> bool:
    """Cancel is the second button, below the select."""
    asked = await bot.command("player link", {"player": PLAYERS[0]})
    chosen = await bot.press(asked, 0, PLAYERS[0])
    refused = chosen is not None and await bot.press(asked, 1, row=1) is not None
    return refused and await bot.has_passed(CHOSEN, REFUSED)


async def linked(bot: Mortal) -> bool:
    """Confirm until the bot has died over both sides of the word about it; to link once more changes nothing."""
    asked = await bot.command("player link", {"player": PLAYERS[0]})
    confirmed = await bot.press(asked, 0, row=1) is not None and bool(await bot.count("player_links"))
    return confirmed and await bot.has_passed(CONFIRMED)


async def round_admin(bot: Mortal, data: Path) -> None:
    """Everything that admins change about rounds, each change told once in the audit channel."""
    files = data / "etlegacy"
    async with bot.alive():
        await set_up(bot, rounds="rounds", audit="general")
        await bot.until(lambda: bot.count("sources", "name LIKE 'ssh:%'"), "the folder was read")
        await bot.world.write_round(files / ROUND_1, minutes_ago=14)
        await bot.world.write_round(files / ROUND_2, minutes_ago=5)
        await bot.until(lambda: imported(bot, 2), "both rounds were imported")
        ((guid, file_id),) = await rows_of(
            bot.database, "SELECT min(guid), max(file_id) FROM round_players JOIN rounds ON id = round_id"
        )
        asked = (
            ("rounds toggle", {"what": "posts", "on": False}),
            ("rounds toggle", {}),
            ("rounds ignore", {"map": "supply"}),
            ("rounds ignore", {"player": guid}),
            ("rounds void", {"round": str(file_id)}),
            ("rounds restore", {"round": str(file_id)}),
            ("rounds team name", {"team": "A", "name": "Foxes"}),
            ("rounds team player", {"player": guid, "team": "B"}),
            ("rounds team reset", {}),
            ("rounds reimport", {"file": str(file_id)}),
            ("rounds reimport", {"file": str(file_id), "fetch": True}),
            ("rounds audit", {}),
        )
        for name, options in asked:
            await bot.command(name, options)
        await bot.until(bot.settled, SETTLED)
    # What a dead bot had done is so already when it is asked again, but a file is read again.
    assert await bot.count("audit_log", "what NOT LIKE '%made anew%' AND what NOT LIKE '%fetches%'") == 9
    told = await bot.posts("general", "An admin changed something")
    assert len(told) == await bot.count("audit_log") >= 11
    assert await bot.count("rounds", "counted") == 0
    assert await bot.count("evening_teams") + await bot.count("evening_members") == 0


TOLD = {
    "players": Told(story=players),
    "round admin": Told(story=round_admin),
}
