"""`/live`: who is followed on TikTok, and a look at an account right now."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.core.live import replies
from bot.discord.checks import admin_only, requester_of
from bot.discord.client import VedetteClient
from bot.discord.notify_words import warned, why_untagged
from bot.discord.pages import Pages, in_pages
from bot.discord.permissions import Channel, cannot_ping, missing
from bot.discord.replies import whisper
from bot.discord.rooms import Room
from bot.errors import InputRefused
from bot.services.guilds import Guilds
from bot.services.predictions import Predictions
from bot.services.watchlist import Added, Entry, Watchlist
from bot.texts import join, text, texts

SUGGESTIONS = 25  # Discord's limit


@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
@app_commands.default_permissions(manage_guild=True)
class Monitoring(
    commands.GroupCog, group_name="live", group_description=locale_str("Follow TikTok accounts")
):
    """Parses, asks the watchlist once, answers in private."""

    def __init__(self, watchlist: Watchlist, guilds: Guilds, predictions: Predictions) -> None:
        self._watchlist = watchlist
        self._guilds = guilds
        self._predictions = predictions

    @app_commands.command(description=locale_str("Follow an account: its lives are announced in a channel"))
    @app_commands.describe(
        user=locale_str("TikTok handle, such as @name, or a link to the profile"),
        channel=locale_str("Where to announce its lives; leave it out for the channel chosen with /setup"),
        role=locale_str("A role to ping once when a live begins; leave it out to ping nobody"),
    )
    @admin_only()
    async def add(
        self,
        interaction: discord.Interaction[VedetteClient],
        user: str,
        channel: Room | None = None,
        role: discord.Role | None = None,
    ) -> None:
        """Follow an account in a channel."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        by = requester_of(interaction)
        _refuse_everyone(role)
        role_id = None if role is None else role.id
        where = channel or await self._lives_channel(interaction)
        result = await self._watchlist.add(by, user, where.id, role_id)
        lines = [*_added_lines(result, where.id, role_id), *_warnings(where, role)]
        await whisper(interaction, join("\n", lines))

    @app_commands.command(description=locale_str("Stop following an account"))
    @app_commands.describe(
        user=locale_str("TikTok handle"),
        channel=locale_str("Only in this channel; leave it out for all channels"),
    )
    @admin_only()
    async def remove(
        self,
        interaction: discord.Interaction[VedetteClient],
        user: str,
        channel: Room | None = None,
    ) -> None:
        """Stop following an account."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        by = requester_of(interaction)
        count = await self._watchlist.remove(by, user, None if channel is None else channel.id)
        gone = texts(
            "Not followed any more in {count} channel. What was recorded is kept.",
            "Not followed any more in {count} channels. What was recorded is kept.",
            count,
        )
        await whisper(interaction, gone)

    @app_commands.command(
        name="list", description=locale_str("Who is followed, who is live, when everyone is looked at next")
    )
    @admin_only()
    async def show(self, interaction: discord.Interaction[VedetteClient]) -> None:
        """List the followed accounts."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        entries = await self._watchlist.entries(requester_of(interaction).guild_id)
        lines = [_list_line(entry) for entry in entries] or [
            text("Nobody is followed yet. `/live add` begins.")
        ]
        await Pages(text("Followed accounts"), in_pages(lines), interaction).show(interaction)

    @app_commands.command(description=locale_str("Look now whether an account is live"))
    @app_commands.describe(user=locale_str("TikTok handle of an account that is followed here"))
    @admin_only()
    async def check(self, interaction: discord.Interaction[VedetteClient], user: str) -> None:
        """Check an account now."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        report = await self._watchlist.check_now(requester_of(interaction), user)
        found = replies.checked(report.answer, report.reason, report.live)
        await whisper(interaction, join(": ", [f"`@{report.handle}`", found]))

    @app_commands.command(description=locale_str("Why an account was looked at last, and will be next"))
    @app_commands.describe(user=locale_str("TikTok handle of an account that is followed here"))
    @admin_only()
    async def why(self, interaction: discord.Interaction[VedetteClient], user: str) -> None:
        """Explain the last and the next check of an account."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        told = await self._predictions.why(requester_of(interaction).guild_id, user)
        await whisper(interaction, join("\n", [f"`@{told.handle}`", told.last, told.following]))

    @app_commands.command(description=locale_str("Pause an account in this server, or go on with it"))
    @app_commands.describe(
        user=locale_str("TikTok handle"), paused=locale_str("False goes on with a paused account")
    )
    @admin_only()
    async def pause(
        self, interaction: discord.Interaction[VedetteClient], user: str, paused: bool = True
    ) -> None:
        """Pause an account."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        by = requester_of(interaction)
        count = await self._watchlist.pause(by, user, paused=paused)
        if paused:
            done = texts(
                "`{user}` is paused in {count} channel.",
                "`{user}` is paused in {count} channels.",
                count,
                user=user,
            )
        else:
            done = texts(
                "`{user}` goes on in {count} channel.",
                "`{user}` goes on in {count} channels.",
                count,
                user=user,
            )
        await whisper(interaction, done)

    @remove.autocomplete("user")
    @check.autocomplete("user")
    @why.autocomplete("user")
    @pause.autocomplete("user")
    async def suggest(
        self, interaction: discord.Interaction[VedetteClient], part: str
    ) -> list[app_commands.Choice[str]]:
        """Suggest followed handles."""
        by = requester_of(interaction)
        handles = await self._watchlist.handles(by.guild_id, part)
        return [app_commands.Choice(name=f"@{handle}", value=handle) for handle in handles[:SUGGESTIONS]]

    async def _lives_channel(self, interaction: discord.Interaction[VedetteClient]) -> Channel:
        """Give the channel a guild chose for lives. Raises `InputRefused`."""
        chosen = (await self._guilds.get(requester_of(interaction).guild_id)).lives_channel_id
        channel = interaction.guild.get_channel_or_thread(chosen) if interaction.guild and chosen else None
        if channel is None:
            raise InputRefused(text("Give a channel, or choose one for lives with `/setup`."))
        return channel


def _refuse_everyone(role: discord.Role | None) -> None:
    if role is not None and role.is_default():
        raise InputRefused(text("I never ping everyone. Choose a role that people can take or leave."))


def _warnings(channel: Channel, role: discord.Role | None) -> list[str]:
    """Say what would keep a go-live message from arriving as the admin expects."""
    warnings: list[str] = []
    if lacking := missing(channel):
        warnings.append(
            text(
                "⚠️ I lack {permissions} in {channel}; its messages wait until I have it.",
                permissions=join(", ", lacking),
                channel=channel.mention,
            )
        )
    if untagged := why_untagged(channel):
        warnings.append(warned(untagged))
    if role is not None and cannot_ping(role, channel):
        warnings.append(
            text(
                "⚠️ {role} cannot be pinged by me: allow anyone to mention it, or give me "
                "*Mention @everyone, @here and All Roles*.",
                role=role.mention,
            )
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
    state = replies.state(entry.state)
    return join("\n-# ", [line, state]) if state else line


async def setup(bot: VedetteClient) -> None:
    """Add the cog with what it needs."""
    await bot.add_cog(Monitoring(bot.services.watchlist, bot.services.guilds, bot.services.predictions))
