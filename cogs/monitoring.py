"""`/live`: who is followed on TikTok, and a look at an account right now."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from bot.core.live import replies
from bot.discord.checks import admin_only, requester_of
from bot.discord.client import VedetteClient
from bot.discord.pages import Pages, in_pages
from bot.discord.permissions import cannot_ping, missing
from bot.errors import InputRefused
from bot.services.watchlist import Added, Entry, Watchlist

SUGGESTIONS = 25  # Discord's limit


@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
@app_commands.default_permissions(manage_guild=True)
class Monitoring(commands.GroupCog, group_name="live", group_description="Follow TikTok accounts"):
    """Parses, asks the watchlist once, answers in private."""

    def __init__(self, watchlist: Watchlist) -> None:
        self._watchlist = watchlist

    @app_commands.command(description="Follow an account: its lives are announced in a channel")
    @app_commands.describe(
        user="TikTok handle, such as @name, or a link to the profile",
        channel="Where to announce its lives",
        role="A role to ping once when a live begins; leave it out to ping nobody",
    )
    @admin_only()
    async def add(
        self,
        interaction: discord.Interaction[VedetteClient],
        user: str,
        channel: discord.TextChannel,
        role: discord.Role | None = None,
    ) -> None:
        """Follow an account in a channel."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        by = requester_of(interaction)
        _refuse_everyone(role)
        role_id = None if role is None else role.id
        result = await self._watchlist.add(by, user, channel.id, role_id)
        lines = [*_added_lines(result, channel.id, role_id), *_warnings(channel, role)]
        await interaction.followup.send("\n".join(lines), ephemeral=True)

    @app_commands.command(description="Stop following an account")
    @app_commands.describe(
        user="TikTok handle", channel="Only in this channel; leave it out for all channels"
    )
    @admin_only()
    async def remove(
        self,
        interaction: discord.Interaction[VedetteClient],
        user: str,
        channel: discord.TextChannel | None = None,
    ) -> None:
        """Stop following an account."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        by = requester_of(interaction)
        count = await self._watchlist.remove(by, user, None if channel is None else channel.id)
        text = (
            f"Not followed any more in {count} channel{'s' if count > 1 else ''}. What was recorded is kept."
        )
        await interaction.followup.send(text, ephemeral=True)

    @app_commands.command(
        name="list", description="Who is followed, who is live, when everyone is looked at next"
    )
    @admin_only()
    async def show(self, interaction: discord.Interaction[VedetteClient]) -> None:
        """List the followed accounts."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        entries = await self._watchlist.entries(requester_of(interaction).guild_id)
        lines = [_list_line(entry) for entry in entries] or ["Nobody is followed yet. `/live add` begins."]
        await Pages("Followed accounts", in_pages(lines), interaction.user.id).show(interaction)

    @app_commands.command(description="Look now whether an account is live")
    @app_commands.describe(user="TikTok handle of an account that is followed here")
    @admin_only()
    async def check(self, interaction: discord.Interaction[VedetteClient], user: str) -> None:
        """Check an account now."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        report = await self._watchlist.check_now(requester_of(interaction), user)
        text = replies.checked(report.answer, report.reason, report.live)
        await interaction.followup.send(f"`@{report.handle}`: {text}", ephemeral=True)

    @app_commands.command(description="Pause an account in this server, or go on with it")
    @app_commands.describe(user="TikTok handle", paused="False goes on with a paused account")
    @admin_only()
    async def pause(
        self, interaction: discord.Interaction[VedetteClient], user: str, paused: bool = True
    ) -> None:
        """Pause an account."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        by = requester_of(interaction)
        count = await self._watchlist.pause(by, user, paused=paused)
        verb = "paused" if paused else "goes on"
        await interaction.followup.send(f"`{user}` {verb} ({count} in this server).", ephemeral=True)

    @remove.autocomplete("user")
    @check.autocomplete("user")
    @pause.autocomplete("user")
    async def suggest(
        self, interaction: discord.Interaction[VedetteClient], part: str
    ) -> list[app_commands.Choice[str]]:
        """Suggest followed handles."""
        by = requester_of(interaction)
        handles = await self._watchlist.handles(by.guild_id, part)
        return [app_commands.Choice(name=f"@{handle}", value=handle) for handle in handles[:SUGGESTIONS]]


def _refuse_everyone(role: discord.Role | None) -> None:
    if role is not None and role.is_default():
        raise InputRefused("I never ping everyone. Choose a role that people can take or leave.")


def _warnings(channel: discord.TextChannel, role: discord.Role | None) -> list[str]:
    """Say what would keep a go-live message from arriving as the admin expects."""
    warnings = []
    if lacking := missing(channel):
        warnings.append(
            f"⚠️ I lack {', '.join(lacking)} in {channel.mention}; its messages wait until I have it."
        )
    if role is not None and cannot_ping(channel, role):
        warnings.append(
            f"⚠️ {role.mention} cannot be pinged by me: allow anyone to mention it, or give me "
            "*Mention @everyone, @here and All Roles*."
        )
    return warnings


def _added_lines(result: Added, channel_id: int, role_id: int | None) -> list[str]:
    lines = [replies.added(result.handle, channel_id, role_id, is_new=result.is_new)]
    if result.doubt:
        lines.append(replies.doubt(result.doubt))
    elif result.check is not None:
        lines.append(replies.checked(result.check.answer, result.check.reason, result.check.live))
    return [*lines, *filter(None, [replies.state(result.state)])]


def _list_line(entry: Entry) -> str:
    line = replies.list_line(
        entry.handle,
        entry.channel_id,
        entry.role_id,
        mark=replies.mark(entry.last_answer, entry.live, paused=entry.paused),
        last=entry.last_checked_at,
        following=None if entry.paused or entry.live else entry.next_check_at,
    )
    return f"{line}\n-# {replies.state(entry.state)}" if replies.state(entry.state) else line


async def setup(bot: VedetteClient) -> None:
    """Add the cog with what it needs."""
    await bot.add_cog(Monitoring(bot.services.watchlist))
