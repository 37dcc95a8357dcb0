"""Channels of every kind that the bot can post into, as an option of a command."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from bot.discord.errors import Refused
from bot.texts import text

ROOM_TYPES = (
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.forum,
    discord.ChannelType.public_thread,
    discord.ChannelType.private_thread,
    discord.ChannelType.news_thread,
)
_Room = discord.TextChannel | discord.ForumChannel | discord.Thread


class RoomOption(app_commands.Transformer):
    """Discord offers text and announcement channels, forums and threads."""

    @property
    def type(self) -> discord.AppCommandOptionType:
        """What Discord asks for."""
        return discord.AppCommandOptionType.channel

    @property
    def channel_types(self) -> list[discord.ChannelType]:
        """Which channels it offers."""
        return list(ROOM_TYPES)

    async def transform(self, _interaction: discord.Interaction[Any], value: Any, /) -> _Room:
        """Give the channel as the bot knows it. Raises `Refused` for one that it does not see."""
        known = value.resolve()
        if not isinstance(known, _Room):
            raise Refused(text("I do not see {channel}.", channel=f"<#{value.id}>"))
        return known


Room = app_commands.Transform[_Room, RoomOption]
