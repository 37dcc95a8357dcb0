"""`/rounds`: read the game servers, say when they are looked at, show rounds, evenings and maps, propose even teams."""

from __future__ import annotations

from collections.abc import Sequence

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.core.announcements import Message, Tone
from bot.core.markup import escape
from bot.core.rounds.schedule import ServerSchedule, schedule_message
from bot.discord.checks import admin_only, requester_of
from bot.discord.client import VedetteClient
from bot.discord.replies import answer
from bot.discord.speech import guild_of
from bot.services.announcements import Announcements
from bot.services.balance import Balance
from bot.services.round_book import RoundBook
from bot.services.round_sync import Poll, RoundSync, ServerStatus
from bot.texts import join, text, texts

SUGGESTIONS, CHOICE = 25, 100  # Discord's limits: how many, and characters of each


@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
class StatsSync(
    commands.GroupCog, group_name="rounds", group_description=locale_str("Rounds of the game servers")
):
    """Parses, asks the round sync once, answers. The group is open to all; `sync` is for admins."""

    def __init__(
        self, *, round_sync: RoundSync, book: RoundBook, balance: Balance, announcements: Announcements
    ) -> None:
        self._round_sync = round_sync
        self._book = book
        self._balance = balance
        self._announcements = announcements

    @app_commands.command(description=locale_str("For admins: look for new rounds now"))
    @app_commands.describe(
        server=locale_str("Only this game server; leave it out for all of yours"),
        backfill=locale_str("Import whatever is missing without posting it"),
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

    @app_commands.command(description=locale_str("Show the last round that was played"))
    @app_commands.describe(server=locale_str("Only this game server; leave it out for all of them"))
    async def last(self, interaction: discord.Interaction[VedetteClient], server: str | None = None) -> None:
        """Show the last round to everyone in the channel."""
        last = await self._round_sync.last(requester_of(interaction), server)
        await self._show(interaction, [last])

    @app_commands.command(description=locale_str("Show an evening: the score by team, its maps and players"))
    @app_commands.describe(
        date=locale_str("For instance 2026-11-21; leave it out for the one that runs, or the last"),
        server=locale_str("Only this game server; leave it out for all of them"),
    )
    async def evening(
        self,
        interaction: discord.Interaction[VedetteClient],
        date: str | None = None,
        server: str | None = None,
    ) -> None:
        """Show everyone in the channel an evening; two of one date are two messages."""
        servers = self._round_sync.chosen(requester_of(interaction), server)
        zone = (await self._announcements.guild(interaction.guild_id or 0)).time_zone
        await self._show(interaction, await self._book.evening(servers, date, zone))

    @app_commands.command(
        name="map", description=locale_str("Show a map: how often it was held, and its best times")
    )
    @app_commands.describe(
        name=locale_str("The name of the map"),
        server=locale_str("Only this game server; leave it out for all of them"),
    )
    async def show_map(
        self, interaction: discord.Interaction[VedetteClient], name: str, server: str | None = None
    ) -> None:
        """Show everyone in the channel what is known of a map."""
        servers = self._round_sync.chosen(requester_of(interaction), server)
        await self._show(interaction, await self._book.map(servers, name))

    async def _show(
        self, interaction: discord.Interaction[VedetteClient], messages: Sequence[Message]
    ) -> None:
        """Answer aloud; defers only now, for what answers a public deferral is public, and a hint is for one person."""
        await interaction.response.defer(thinking=True)
        aloud = guild_of(await self._announcements.guild(interaction.guild_id or 0))
        for message in messages:
            said = aloud.tell(message)
            picture = await self._round_sync.picture(said)
            await answer(interaction, said, self._announcements, picture=picture, aloud=aloud)

    @app_commands.command(description=locale_str("Show when the game servers are looked at, and why"))
    @app_commands.describe(server=locale_str("Only this game server; leave it out for all of them"))
    async def scheduler(
        self, interaction: discord.Interaction[VedetteClient], server: str | None = None
    ) -> None:
        """Show the reader alone how the watching stands."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        names = self._round_sync.chosen(requester_of(interaction), server)
        schedules = [_schedule(one) for one in await self._round_sync.status(names)]
        await answer(interaction, schedule_message(schedules), self._announcements)

    @sync.autocomplete("server")
    @scheduler.autocomplete("server")
    @last.autocomplete("server")
    async def suggest(
        self, interaction: discord.Interaction[VedetteClient], part: str
    ) -> list[app_commands.Choice[str]]:
        """Suggest the game servers of this guild."""
        names = self._round_sync.servers_of(requester_of(interaction))
        fitting = [name for name in names if part.casefold() in name.casefold()]
        return [app_commands.Choice(name=name, value=name) for name in fitting[:SUGGESTIONS]]

    @app_commands.command(description=locale_str("Propose even teams of those who are there"))
    @app_commands.describe(
        server=locale_str("Only this game server; leave it out for the one with most players")
    )
    async def balance(
        self, interaction: discord.Interaction[VedetteClient], server: str | None = None
    ) -> None:
        """Show everyone in the channel two teams and the chances of each."""
        # Before it is deferred, as in `last`; game servers take up to 4 s to answer, and are asked after it.
        servers = self._round_sync.chosen(requester_of(interaction), server)
        aloud = guild_of(await self._announcements.guild(interaction.guild_id or 0))
        await interaction.response.defer(thinking=True)
        teams = await self._balance.teams(servers)
        await answer(interaction, aloud.tell(teams), self._announcements, aloud=aloud)

    evening.autocomplete("server")(suggest)
    show_map.autocomplete("server")(suggest)
    balance.autocomplete("server")(suggest)

    @evening.autocomplete("date")
    async def suggest_evening(
        self, interaction: discord.Interaction[VedetteClient], part: str
    ) -> list[app_commands.Choice[str]]:
        """Suggest the last evenings."""
        zone = (await self._announcements.guild(interaction.guild_id or 0)).time_zone
        began = await self._book.recent(self._round_sync.servers_of(requester_of(interaction)), zone)
        fitting = [one for one in began if part in one]
        return [app_commands.Choice(name=one, value=one) for one in fitting[:SUGGESTIONS]]

    @show_map.autocomplete("name")
    async def suggest_map(
        self, interaction: discord.Interaction[VedetteClient], part: str
    ) -> list[app_commands.Choice[str]]:
        """Suggest maps that were played."""
        names = await self._book.maps(self._round_sync.servers_of(requester_of(interaction)))
        fitting = [name for name in names if part.casefold() in name.casefold() and len(name) <= CHOICE]
        return [app_commands.Choice(name=name, value=name) for name in fitting[:SUGGESTIONS]]


def _schedule(status: ServerStatus) -> ServerSchedule:
    """Leave out what is for admins: a failure to connect may name the user and the host."""
    return ServerSchedule(
        server=status.server,
        looks=status.looks,
        last_ok_at=status.last_ok_at,
        files=status.files,
        troubles=[(one.name, one.reason) for one in status.troubles],
        other=status.other,
        is_off=status.off,
        is_closed=status.closed,
    )


def _report(polls: Sequence[Poll]) -> Message:
    """Say what a sync did, server by server."""
    lines = [line for poll in polls for line in _lines(poll)]
    return Message(title=text("Rounds"), tone=Tone.NOTICE, body=join("\n", lines))


def _lines(poll: Poll) -> list[str]:
    name = f"**{escape(poll.server, 60)}**"
    if poll.error:
        return [text("{server}: not read. {reason}", server=name, reason=escape(poll.error, 400))]
    parts = [
        texts("{count} imported", "{count} imported", poll.imported),
        texts("{count} file of a round there", "{count} files of rounds there", poll.listed),
    ]
    if poll.waiting:
        parts.append(texts("{count} still being written", "{count} still being written", poll.waiting))
    troubles = [join("", ["-# ", escape(one.name, 100), ": ", escape(one.reason)]) for one in poll.troubles]
    return [
        join("", [name, ": ", join(", ", parts), "."]),
        *([text("Not imported, the newest first:")] if troubles else []),
        *troubles,
    ]


async def setup(bot: VedetteClient) -> None:
    """Add the cog with what it needs."""
    services = bot.services
    await bot.add_cog(
        StatsSync(
            round_sync=services.round_sync,
            book=services.round_book,
            balance=services.balance,
            announcements=services.announcements,
        )
    )
