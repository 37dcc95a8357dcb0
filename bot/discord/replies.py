"""Answers to commands that took long."""

from __future__ import annotations

import logging
from datetime import timedelta

import discord

from bot.core.announcements import Message
from bot.core.markup import clip
from bot.discord.embeds import draw
from bot.discord.speech import Speaker, reader_of
from bot.services.announcements import Announcements

_EXPIRED = {10015, 50027}  # unknown webhook, invalid webhook token: the 15 minutes are over
_LASTS = timedelta(hours=2)
CONTENT_LIMIT = 2000  # of a message without an embed (specs/discord.md 4)
log = logging.getLogger(__name__)


async def whisper(interaction: discord.Interaction[discord.Client], words: str) -> None:
    """Answer a deferred interaction with a few words for the reader alone."""
    await interaction.followup.send(clip(reader_of(interaction).say(words), CONTENT_LIMIT), ephemeral=True)


async def answer(
    interaction: discord.Interaction[discord.Client],
    message: Message,
    announcements: Announcements,
    *,
    picture: bytes | None = None,
    aloud: Speaker | None = None,
) -> None:
    """Answer a deferred interaction; once its 15 minutes are over, post in its channel instead.

    The answer is for the reader alone and in the reader's language, unless it is said `aloud` by the guild's.
    """
    drawn = draw((aloud or reader_of(interaction)).tell(message), picture=picture)
    try:
        await interaction.followup.send(
            embed=drawn.embed,
            view=drawn.view or discord.utils.MISSING,
            files=drawn.files(),
            ephemeral=aloud is None,
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
