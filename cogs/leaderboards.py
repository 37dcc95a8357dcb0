"""`/top`: who is best at what, and who gave most."""

from __future__ import annotations

from typing import Literal

import discord
from discord import app_commands
from discord.app_commands import Choice, Range, locale_str
from discord.ext import commands

from bot.core.announcements import Tone
from bot.core.rounds.metrics import Per
from bot.core.rounds.periods import TITLES, Period
from bot.core.rounds.top import top_chart, top_footer, top_pages, top_title
from bot.core.streams.gifters import (
    PERIODS,
    GiftPeriod,
    gifters_chart,
    gifters_footer,
    gifters_pages,
    gifters_title,
)
from bot.discord.checks import requester_of
from bot.discord.client import VedetteClient
from bot.discord.pages import Pages
from bot.discord.pictures import Pictures
from bot.discord.speech import guild_of, reader_of
from bot.services.announcements import Announcements
from bot.services.gifters import Gifters
from bot.services.leaderboards import COMPARED, Leaderboards
from bot.services.watchlist import Watchlist

Interaction = discord.Interaction[VedetteClient]
SUGGESTIONS = 25  # Discord's limit
MOST_ROUNDS = 10_000
Rate = Literal["total", "ten_minutes"]


@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
class LeaderboardCommands(
    commands.GroupCog,
    group_name="top",
    group_description=locale_str("Tables: the players of rounds, those who give in lives"),
):
    """Everybody may ask, and everybody in the channel reads the answer."""

    def __init__(
        self,
        *,
        leaderboards: Leaderboards,
        gifters: Gifters,
        watchlist: Watchlist,
        announcements: Announcements,
        pictures: Pictures,
    ) -> None:
        self._leaderboards = leaderboards
        self._gifters = gifters
        self._watchlist = watchlist
        self._announcements = announcements
        self._pictures = pictures

    @app_commands.command(description=locale_str("Compare the players of the game servers"))
    @app_commands.describe(
        metric=locale_str("What to compare"),
        period=locale_str("When it was played; leave it out for this season"),
        per=locale_str("Counts as totals or per ten minutes of playing; ratios are the same in both"),
        min_rounds=locale_str("Only who played at least so many rounds; leave it out for the usual minimum"),
        server=locale_str("Only this game server; leave it out for all of them"),
    )
    @app_commands.choices(
        period=[Choice(name=str(title), value=period.value) for period, title in TITLES.items()],
    )
    async def players(  # noqa: PLR0917 - Discord's options are the arguments
        self,
        interaction: Interaction,
        metric: str,
        period: str = Period.THIS_SEASON.value,
        per: Rate = "total",
        min_rounds: Range[int, 1, MOST_ROUNDS] | None = None,
        server: str | None = None,
    ) -> None:
        """Show a table to everyone in the channel."""
        by = requester_of(interaction)
        # Before it is deferred: what answers a public deferral is public, and a hint is for one person.
        self._leaderboards.chosen(by, metric, server)
        aloud = guild_of(await self._announcements.guild(by.guild_id))
        await interaction.response.defer(thinking=True)
        top = await self._leaderboards.top(
            by, metric, Period(period), per=Per(per), min_rounds=min_rounds, server=server
        )
        chart = top_chart(top)
        await Pages(
            top_title(top),
            top_pages(top),
            interaction,
            aloud=aloud,
            footer=top_footer(top),
            tone=Tone.ROUND,
            picture=None if chart is None else await self._pictures.draw(aloud.tell(chart)),
        ).show(interaction)

    @app_commands.command(description=locale_str("Who gave most in the recorded lives"))
    @app_commands.describe(
        period=locale_str("When the lives began; leave it out for the last 30 days"),
        user=locale_str("Gifts to this TikTok account; leave it out for all that are followed here"),
        first_day=locale_str("Instead of a period: from this day on, as 2026-12-31"),
        last_day=locale_str("Instead of a period: up to this day, as 2026-12-31"),
    )
    @app_commands.rename(first_day="from", last_day="to")
    @app_commands.choices(
        period=[Choice(name=str(title), value=period.value) for period, title in PERIODS.items()],
    )
    async def gifters(
        self,
        interaction: Interaction,
        period: str | None = None,
        user: str | None = None,
        first_day: str | None = None,
        last_day: str | None = None,
    ) -> None:
        """Show who gave most to everyone in the channel."""
        by = requester_of(interaction)
        chosen = None if period is None else GiftPeriod(period)
        # Before it is deferred: what answers a public deferral is public, and a hint is for one person.
        asked = await self._gifters.chosen(by, chosen, user=user, first_day=first_day, last_day=last_day)
        aloud = guild_of(await self._announcements.guild(by.guild_id))
        await interaction.response.defer(thinking=True)
        top = await self._gifters.top(asked)
        chart = gifters_chart(top)
        await Pages(
            gifters_title(top),
            gifters_pages(top),
            interaction,
            aloud=aloud,
            footer=gifters_footer(top),
            tone=Tone.LIVE,
            picture=None if chart is None else await self._pictures.draw(aloud.tell(chart)),
        ).show(interaction)

    @gifters.autocomplete("user")
    async def suggest_accounts(self, interaction: Interaction, part: str) -> list[Choice[str]]:
        """Suggest the accounts that are followed here."""
        handles = await self._watchlist.handles(requester_of(interaction).guild_id, part)
        return [Choice(name=f"@{handle}", value=handle) for handle in handles[:SUGGESTIONS]]

    @players.autocomplete("metric")
    async def suggest_metrics(self, interaction: Interaction, part: str) -> list[Choice[str]]:
        """Suggest what players can be compared by, in the reader's language."""
        say = reader_of(interaction).say
        named = {key: say(metric.title) for key, metric in COMPARED.items()}
        fitting = {key: name for key, name in named.items() if part.casefold() in f"{name} {key}".casefold()}
        return [Choice(name=name, value=key) for key, name in fitting.items()][:SUGGESTIONS]

    @players.autocomplete("server")
    async def suggest_servers(self, interaction: Interaction, part: str) -> list[Choice[str]]:
        """Suggest the game servers of this guild."""
        names = self._leaderboards.servers_of(requester_of(interaction))
        return [Choice(name=name, value=name) for name in names if part.casefold() in name.casefold()][
            :SUGGESTIONS
        ]


async def setup(bot: VedetteClient) -> None:
    """Add the cog with what it needs."""
    services = bot.services
    await bot.add_cog(
        LeaderboardCommands(
            leaderboards=services.leaderboards,
            gifters=services.recorded.gifters,
            watchlist=services.watchlist,
            announcements=services.announcements,
            pictures=services.pictures,
        )
    )
