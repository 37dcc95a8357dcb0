"""Admins and what they ask for: a schedule made from the seed alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.core.guilds import LANGUAGES
from bot.core.requester import Requester
from tools.simulation.bot import Bot
from tools.simulation.faults import DAY, luck_of
from tools.simulation.tiktok import Streamer

GUILDS = (1, 2)
LIVES = {1: (101, 102), 2: (201,)}
ROUNDS = {1: 110, 2: 210}
ADMINS = {1: 190, 2: 290}
ZONES = ("UTC", "Europe/Paris", "America/New_York", "Asia/Jakarta")
VERBS = (
    *("add", "add", "remove", "pause", "resume", "check", "check", "sync"),
    *("boost", "prioritise", "freeze", "thaw", "spread", "put board", "take board"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """What an admin of a guild does at a true second."""

    at: float
    verb: str
    guild_id: int
    handle: str = ""
    channel_id: int = 0
    time_zone: str = ZONES[0]
    language: str = "en"

    def give(self, bot: Bot) -> None:
        """Give the command to the bot as it runs now."""
        by = Requester(guild_id=self.guild_id, user_id=self.guild_id * 1000)
        verbs = {
            "setup": lambda: bot.guilds.save(
                by,
                rounds_channel_id=ROUNDS[self.guild_id],
                admin_channel_id=ADMINS[self.guild_id],
                time_zone=self.time_zone,
                language=self.language,
            ),
            "add": lambda: bot.watchlist.add(by, self.handle, self.channel_id, None),
            "remove": lambda: bot.watchlist.remove(by, self.handle, self.channel_id),
            "pause": lambda: bot.watchlist.pause(by, self.handle, paused=True),
            "resume": lambda: bot.watchlist.pause(by, self.handle, paused=False),
            "check": lambda: bot.watchlist.check_now(by, self.handle),
            "boost": lambda: bot.overrides.boost(by, self.handle, 3, every=timedelta(hours=1)),
            "prioritise": lambda: bot.overrides.prioritise(by, self.handle, 3.0),
            "freeze": lambda: bot.overrides.freeze(by, self.handle, frozen=True),
            "thaw": lambda: bot.overrides.freeze(by, self.handle, frozen=False),
            "spread": lambda: bot.overrides.choose_policy(by, self.handle, "fixed"),
            "put board": lambda: bot.boards.place(by, self.channel_id),
            "take board": lambda: bot.boards.remove(by, self.channel_id),
            "sync": lambda: bot.round_sync.sync(by, None),
        }
        bot.command(f"{self.verb} {self.handle}", verbs[self.verb])


def make_commands(seed: int, people: Sequence[Streamer], seconds: float) -> list[Command]:
    """Set up both guilds, follow everybody somewhere, and change a little now and then."""
    luck = luck_of(seed, "commands")
    places = luck_of(seed, "places")
    commands = [
        Command(
            at=10.0 + guild_id,
            verb="setup",
            guild_id=guild_id,
            time_zone=places.choice(ZONES),
            language=places.choice(tuple(LANGUAGES)),
        )
        for guild_id in GUILDS
    ]
    handles = [person.handle for person in people if person.handle != "nobody"]
    for number, handle in enumerate(handles):
        guild_id = luck.choice(GUILDS)
        channel_id = luck.choice(LIVES[guild_id])
        at = 60.0 + 240 * number
        commands.append(Command(at=at, verb="add", guild_id=guild_id, handle=handle, channel_id=channel_id))
    for _ in range(luck.randrange(5 * int(seconds / DAY))):
        guild_id = luck.choice(GUILDS)
        commands.append(
            Command(
                at=luck.uniform(0.05, 0.8) * seconds,
                verb=luck.choice(VERBS),
                guild_id=guild_id,
                handle=luck.choice(handles),
                channel_id=luck.choice(LIVES[guild_id]),
            )
        )
    # An impatient person asks for every check twice.
    again = [replace(command, at=command.at + 0.05) for command in commands if command.verb == "check"]
    return sorted([*commands, *again], key=lambda command: command.at)
