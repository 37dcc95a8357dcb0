"""`/rounds`: read the game servers now, and show the last round."""

from __future__ import annotations

from collections.abc import Sequence

import discord
from discord import app_commands
from discord.ext import commands

from bot.core.announcements import Message, Tone
from bot.core.markup import escape
from bot.discord.checks import admin_only, requester_of
from bot.discord.client import VedetteClient
from bot.discord.replies import answer
from bot.services.announcements import Announcements
from bot.services.round_sync import Poll, RoundSync

SUGGESTIONS = 25  # Discord's limit


@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
class StatsSync(commands.GroupCog, group_name="rounds", group_description="Rounds of the game servers"):
    """Parses, asks the round sync once, answers. The group is open to all; `sync` is for admins."""

    def __init__(self, *, round_sync: RoundSync, announcements: Announcements) -> None:
        self._round_sync = round_sync
        self._announcements = announcements

    @app_commands.command(description="For admins: look for new rounds now")
    @app_commands.describe(
        server="Only this game server; leave it out for all of yours",
        backfill="Import whatever is missing without posting it",
    )
    @admin_only()
    async def sync(
        self,
        interaction: discord.Interaction[VedetteClient],
        server: str | None = None,
        backfill: bool = False,
    ) -> None:
        """Import what is new; a long backfill is answered in the channel."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        polls = await self._round_sync.sync(requester_of(interaction), server, backfill=backfill)
        await answer(interaction, _report(polls), self._announcements)

    @app_commands.command(description="Show the last round that was played")
    @app_commands.describe(server="Only this game server; leave it out for all of them")
    async def last(self, interaction: discord.Interaction[VedetteClient], server: str | None = None) -> None:
        """Show the last round to everyone in the channel."""
        await interaction.response.defer(thinking=True)
        last = await self._round_sync.last(requester_of(interaction), server)
        await answer(interaction, last.message, self._announcements, picture=last.picture, private=False)

    @sync.autocomplete("server")
    @last.autocomplete("server")
    async def suggest(
        self, interaction: discord.Interaction[VedetteClient], part: str
    ) -> list[app_commands.Choice[str]]:
        """Suggest the game servers of this guild."""
        names = self._round_sync.servers_of(requester_of(interaction))
        fitting = [name for name in names if part.casefold() in name.casefold()]
        return [app_commands.Choice(name=name, value=name) for name in fitting[:SUGGESTIONS]]


def _report(polls: Sequence[Poll]) -> Message:
    """Say what a sync did, server by server."""
    lines = [line for poll in polls for line in _lines(poll)]
    return Message(title="Rounds", tone=Tone.NOTICE, body="\n".join(lines))


def _lines(poll: Poll) -> list[str]:
    name = f"**{escape(poll.server, 60)}**"
    if poll.error:
        return [f"{name}: not read. {escape(poll.error, 400)}"]
    parts = [f"{poll.imported} imported", f"{poll.listed} files of rounds there"]
    if poll.waiting:
        parts.append(f"{poll.waiting} still being written")
    troubles = [f"-# {escape(one.name, 100)}: {escape(one.reason)}" for one in poll.troubles]
    return [
        f"{name}: {', '.join(parts)}.",
        *(["Not imported, the newest first:"] if troubles else []),
        *troubles,
    ]


async def setup(bot: VedetteClient) -> None:
    """Add the cog with what it needs."""
    await bot.add_cog(StatsSync(round_sync=bot.services.round_sync, announcements=bot.services.announcements))
