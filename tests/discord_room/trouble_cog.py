"""Commands that go wrong in every way a command can."""

from __future__ import annotations

import asyncio

import discord
from discord import app_commands
from discord.ext import commands

from bot.core.announcements import Message, Tone
from bot.discord.checks import admin_only
from bot.discord.client import VedetteClient
from bot.discord.replies import answer
from bot.errors import InputRefused

Interaction = discord.Interaction[VedetteClient]


class Trouble(commands.Cog):
    def __init__(self, bot: VedetteClient) -> None:
        self.go_on = asyncio.Event()
        self.announcements = bot.services.announcements

    @app_commands.command(description="x")
    async def refuse(self, interaction: Interaction) -> None:
        raise InputRefused("Give me a name.")

    @app_commands.command(name="refuse-late", description="x")
    async def refuse_late(self, interaction: Interaction) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        raise InputRefused("Give me a name.")

    @app_commands.command(name="break", description="x")
    async def bug(self, interaction: Interaction) -> None:
        raise ZeroDivisionError

    @app_commands.command(description="x")
    async def greet(self, interaction: Interaction) -> None:
        await interaction.response.send_message("hello")

    @app_commands.command(description="x")
    @admin_only()
    async def guarded(self, interaction: Interaction) -> None:
        await interaction.response.send_message("done")

    @app_commands.command(description="x")
    async def long(self, interaction: Interaction) -> None:
        await interaction.response.defer(thinking=True)
        await self.go_on.wait()
        await answer(interaction, Message(title="Long work is done", tone=Tone.NOTICE), self.announcements)


async def setup(bot: VedetteClient) -> None:
    await bot.add_cog(Trouble(bot))
