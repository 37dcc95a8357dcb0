"""`/setup`, `/status` and `/about`."""

from __future__ import annotations

import discord
import pytz
from discord import app_commands
from discord.app_commands import Choice, locale_str
from discord.ext import commands

from bot import __version__
from bot.core.guilds import LANGUAGES
from bot.discord.checks import admin_only, requester_of
from bot.discord.client import VedetteClient
from bot.discord.embeds import draw
from bot.discord.replies import answer
from bot.discord.reports import about, channels_in_use, setup_report, status_report, trouble_in
from bot.discord.rooms import Room
from bot.discord.speech import reader_of
from bot.services.announcements import Announcements
from bot.services.guilds import Guilds, Purpose
from bot.services.health import Health
from bot.services.watchlist import Watchlist

Interaction = discord.Interaction[VedetteClient]
_SUGGESTIONS = 25  # Discord's limit


class Admin(commands.Cog):
    """Setting up, and looking after the bot."""

    def __init__(
        self, *, guilds: Guilds, watchlist: Watchlist, health: Health, announcements: Announcements
    ) -> None:
        self._guilds = guilds
        self._watchlist = watchlist
        self._health = health
        self._announcements = announcements

    @app_commands.command(
        name="setup", description=locale_str("Choose channels, time zone and language, and test them")
    )
    @app_commands.describe(
        lives=locale_str("Where people read that somebody goes live"),
        rounds=locale_str("Where finished rounds are posted"),
        admin=locale_str("Where I tell admins about trouble"),
        audit=locale_str("Where I tell what admins changed; without it, where I tell of trouble"),
        time_zone=locale_str("The time zone of this server"),
        language=locale_str("The language of this server"),
        digest=locale_str("Tell of the lives of each week on Mondays, in the channel for lives"),
        clear=locale_str("Use no channel for this any more"),
    )
    @app_commands.choices(language=[Choice(name=name, value=code) for code, name in LANGUAGES.items()])
    @app_commands.default_permissions(manage_guild=True)
    @admin_only()
    async def set_up(  # noqa: PLR0917 - Discord's options are the arguments
        self,
        interaction: Interaction,
        lives: Room | None = None,
        rounds: Room | None = None,
        admin: Room | None = None,
        audit: Room | None = None,
        time_zone: str | None = None,
        language: str | None = None,
        digest: bool | None = None,
        clear: Purpose | None = None,
    ) -> None:
        """Keep what was given, and test every channel; without arguments, show and test what there is."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        given = [None if channel is None else channel.id for channel in (lives, rounds, admin, audit)]
        if digest is not None or any((*given, time_zone, language, clear)):
            await self._guilds.save(
                requester_of(interaction),
                lives_channel_id=given[0],
                rounds_channel_id=given[1],
                admin_channel_id=given[2],
                audit_channel_id=given[3],
                time_zone=time_zone,
                language=language,
                weekly_streams=digest,
                clear=clear,
            )
        if interaction.guild is not None:
            await self._report(interaction, interaction.guild, [one for one in given if one is not None])

    @set_up.autocomplete("time_zone")
    async def _suggest_time_zones(self, _interaction: Interaction, typed: str) -> list[Choice[str]]:
        return [Choice(name=name, value=name) for name in time_zones(typed)]

    @app_commands.command(
        name="status", description=locale_str("How the bot is: checks, budgets, sources, messages")
    )
    @app_commands.default_permissions(manage_guild=True)
    @admin_only()
    async def status(self, interaction: Interaction) -> None:
        """Show how the bot is."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        status = await self._health.snapshot(interaction.guild_id or 0)
        await answer(interaction, status_report(status), self._announcements)

    @app_commands.command(name="about", description=locale_str("What this bot is, and under which licences"))
    async def about(self, interaction: Interaction) -> None:
        """Say what this is."""
        said = reader_of(interaction).tell(about(__version__))
        await interaction.response.send_message(embed=draw(said).embed, ephemeral=True)

    async def _report(self, interaction: Interaction, guild: discord.Guild, given: list[int]) -> None:
        """Test the channels, post into those just chosen (or into all), and tell."""
        settings = await self._guilds.get(guild.id)
        entries = await self._watchlist.entries(guild.id)
        candidates = dict.fromkeys(given or channels_in_use(settings, entries))
        tested = [channel_id for channel_id in candidates if not trouble_in(guild, channel_id)]
        for channel_id in tested:
            await self._guilds.post_test(guild.id, channel_id)
        await answer(interaction, setup_report(guild, settings, entries, tested), self._announcements)


def time_zones(typed: str) -> list[str]:
    """Suggest time zones whose name contains what was typed; those that begin with it come first."""
    wanted = typed.strip().replace(" ", "_").lower()
    found = [name for name in pytz.common_timezones if wanted in name.lower()]
    found.sort(key=lambda name: not name.rpartition("/")[2].lower().startswith(wanted))
    return found[:_SUGGESTIONS]


async def setup(bot: VedetteClient) -> None:
    """Add the commands; discord.py calls this when the extension is loaded."""
    services = bot.services
    await bot.add_cog(
        Admin(
            guilds=services.guilds,
            watchlist=services.watchlist,
            health=services.health,
            announcements=services.announcements,
        )
    )
