"""`/export`: recorded lives and posts as a workbook or CSV."""

from __future__ import annotations

from functools import partial
from typing import Literal

import discord
from discord import app_commands
from discord.app_commands import Choice, locale_str
from discord.ext import commands

from bot.clock import Clock
from bot.core.posts.export import ProfileOrder
from bot.core.streams.export import ExportFormat, ExportOrder
from bot.discord.checks import admin_only, requester_of
from bot.discord.client import VedetteClient
from bot.discord.files import hand_over
from bot.services.exports import Exports
from bot.services.watchlist import Watchlist

Interaction = discord.Interaction[VedetteClient]
SUGGESTIONS, CHOICE = 25, 100  # Discord's limits: how many, and characters of each
Format = Literal["xlsx", "csv", "both"]


@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
@app_commands.default_permissions(manage_guild=True)
class ExportCommands(
    commands.GroupCog, group_name="export", group_description=locale_str("Recorded lives and posts as files")
):
    """For admins alone, and answered in private: an export holds the names of the audience."""

    def __init__(self, *, exports: Exports, watchlist: Watchlist, clock: Clock) -> None:
        self._exports = exports
        self._watchlist = watchlist
        self._clock = clock

    @app_commands.command(description=locale_str("Get one recorded live as a workbook or CSV"))
    @app_commands.describe(
        live=locale_str("The live; type a handle to find it"),
        format=locale_str("The kind of file; leave it out for Excel"),
    )
    @admin_only()
    async def stream(
        self,
        interaction: Interaction,
        live: str,
        format: Format = "xlsx",  # noqa: A002 - Discord's options are the arguments
    ) -> None:
        """Export one live."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        order = await self._exports.of_live(requester_of(interaction), live, ExportFormat(format))
        await self._give(interaction, order)

    @app_commands.command(
        name="range", description=locale_str("Get all recorded lives of some days as a workbook or CSV")
    )
    @app_commands.describe(
        account=locale_str("Only this account; leave it out for all that are followed here"),
        first=locale_str("The first day, such as 2026-11-01; leave it out for 30 days before the last one"),
        last=locale_str("The last day, such as 2026-11-30; leave it out for today"),
        format=locale_str("The kind of file; leave it out for Excel"),
    )
    @app_commands.rename(first="from", last="to")
    @admin_only()
    async def in_range(
        self,
        interaction: Interaction,
        account: str | None = None,
        first: str | None = None,
        last: str | None = None,
        format: Format = "xlsx",  # noqa: A002
    ) -> None:
        """Export the lives of some days."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        by = requester_of(interaction)
        await self._give(
            interaction, await self._exports.of_range(by, account, first, last, ExportFormat(format))
        )

    @app_commands.command(
        description=locale_str("Get all that is known of a profile's posts as a workbook or CSV")
    )
    @app_commands.describe(
        account=locale_str("A profile that is watched here"),
        format=locale_str("The kind of file; leave it out for Excel"),
    )
    @admin_only()
    async def profile(
        self,
        interaction: Interaction,
        account: str,
        format: Format = "xlsx",  # noqa: A002
    ) -> None:
        """Export a profile."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        by = requester_of(interaction)
        await self._give(interaction, await self._exports.of_profile(by, account, ExportFormat(format)))

    @profile.autocomplete("account")
    async def suggest_profiles(self, interaction: Interaction, part: str) -> list[Choice[str]]:
        """Suggest watched profiles."""
        handles = await self._exports.profiles(requester_of(interaction).guild_id, part, SUGGESTIONS)
        return [Choice(name=f"@{handle}", value=handle) for handle in handles]

    @stream.autocomplete("live")
    async def suggest_lives(self, interaction: Interaction, part: str) -> list[Choice[str]]:
        """Suggest the newest recorded lives."""
        found = await self._exports.lives(requester_of(interaction).guild_id, part, SUGGESTIONS)
        return [
            Choice(
                name=f"@{one.handle} · {one.started:%Y-%m-%d %H:%M} · {one.title}"[:CHOICE],
                value=str(one.live_id),
            )
            for one in found
        ]

    @in_range.autocomplete("account")
    async def suggest_accounts(self, interaction: Interaction, part: str) -> list[Choice[str]]:
        """Suggest followed handles."""
        handles = await self._watchlist.handles(requester_of(interaction).guild_id, part)
        return [Choice(name=f"@{handle}", value=handle) for handle in handles[:SUGGESTIONS]]

    async def _give(self, interaction: Interaction, order: ExportOrder | ProfileOrder) -> None:
        await hand_over(interaction, partial(self._exports.write, order), self._clock)


async def setup(bot: VedetteClient) -> None:
    """Add the cog with what it needs."""
    services = bot.services
    await bot.add_cog(
        ExportCommands(exports=services.exports, watchlist=services.watchlist, clock=services.clock.machine)
    )
