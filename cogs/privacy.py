"""`/privacy`: people who ask to be forgotten."""

from __future__ import annotations

from functools import partial

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.discord.checks import admin_only, requester_of
from bot.discord.client import VedetteClient
from bot.discord.confirming import Confirmation
from bot.discord.replies import whisper
from bot.services.privacy import Privacy
from bot.texts import text

Interaction = discord.Interaction[VedetteClient]


@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
@app_commands.default_permissions(manage_guild=True)
class PrivacyCommands(
    commands.GroupCog, group_name="privacy", group_description=locale_str("People who ask to be forgotten")
):
    """For admins; a deletion is asked for twice."""

    def __init__(self, *, privacy: Privacy) -> None:
        self._privacy = privacy

    @app_commands.command(
        description=locale_str("Forget a viewer or a player: name, comments, whatever says who they are")
    )
    @app_commands.describe(user=locale_str("TikTok handle or id of a viewer, or name or GUID of a player"))
    @admin_only()
    async def delete(self, interaction: Interaction, user: str) -> None:
        """Find who is meant, and ask before anything is deleted."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        by = requester_of(interaction)
        found = await self._privacy.find(by, user)
        question = text(
            "Forget {who}\nThis cannot be undone. It holds for every server this bot is in.", who=found.words
        )
        act = partial(self._privacy.forget, by, found)
        await Confirmation(question, text("Yes, forget"), act, interaction).show(interaction)

    @app_commands.command(description=locale_str("Record somebody again who was forgotten"))
    @app_commands.describe(user=locale_str("The id of the viewer or the GUID of the player"))
    @admin_only()
    async def restore(self, interaction: Interaction, user: str) -> None:
        """Take somebody off the list of those who are not recorded."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await whisper(interaction, await self._privacy.record_again(requester_of(interaction), user))


async def setup(bot: VedetteClient) -> None:
    """Add the commands."""
    await bot.add_cog(PrivacyCommands(privacy=bot.services.privacy))
