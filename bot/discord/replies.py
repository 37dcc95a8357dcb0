"""Answers to commands that took long."""

from __future__ import annotations

import logging
from datetime import timedelta

import discord

from bot.core.announcements import Message
from bot.discord.embeds import draw
from bot.services.announcements import Announcements

_EXPIRED = {10015, 50027}  # unknown webhook, invalid webhook token: the 15 minutes are over
_LASTS = timedelta(hours=2)
log = logging.getLogger(__name__)


async def answer(
    interaction: discord.Interaction[discord.Client],
    message: Message,
    announcements: Announcements,
    *,
    picture: bytes | None = None,
    private: bool = True,
) -> None:
    """Answer a deferred interaction; once its 15 minutes are over, post in its channel instead."""
    drawn = draw(message, picture=picture)
    try:
        await interaction.followup.send(
            embed=drawn.embed,
            view=drawn.view or discord.utils.MISSING,
            files=drawn.files(),
            ephemeral=private,
        )
    except discord.HTTPException as error:
        if error.code not in _EXPIRED or interaction.channel_id is None:
            raise
        log.info("An answer came after its 15 minutes; it is posted in the channel")
        await announcements.say(
            event_key=f"answer:{interaction.id}",
            guild_id=interaction.guild_id or 0,
            channel_id=interaction.channel_id,
            message=message,
            lasts=_LASTS,
        )
