"""The answer to a command that lets a profile be read: it changes as the run goes on."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

import discord

from bot.clock import Clock
from bot.core.announcements import Message
from bot.core.posts.run_posts import goes_on_message, progress_message
from bot.discord.embeds import draw
from bot.discord.results import TROUBLE
from bot.discord.speech import reader_of
from bot.services.profile_asking import ProfileAsking
from bot.texts import join

LOOKED_AFTER_SECONDS = 3.0
LASTS = timedelta(minutes=14)
"""So long an answer is changed: Discord takes changes for 15 minutes."""
log = logging.getLogger(__name__)


async def follow(
    interaction: discord.Interaction[discord.Client],
    asking: ProfileAsking,
    run_id: int,
    clock: Clock,
    *,
    words: str = "",
) -> None:
    """Change a deferred private answer as a run goes on, until it is over or the answer can be changed no more.

    `words` stand before what is told of the run. An end that the answer could not tell is told in the channel, by
    `asking`.
    """
    channel_id = interaction.channel_id or 0
    until = clock.now() + LASTS
    shown: Message | None = None
    with asking.following(run_id, channel_id):
        while True:
            followed = await asking.followed(run_id)
            is_late = clock.now() >= until
            goes_on = is_late and not followed.is_over
            message = goes_on_message(followed) if goes_on else progress_message(followed)
            message = replace(message, body=join("\n", [part for part in (words, message.body) if part]))
            if message != shown:
                was_shown = await _show(interaction, message)
                shown = message
                if followed.is_over and was_shown:
                    await asking.answered(run_id, channel_id)
            if followed.is_over or is_late:
                return
            await clock.sleep(LOOKED_AFTER_SECONDS)


async def _show(interaction: discord.Interaction[discord.Client], message: Message) -> bool:
    """Change the answer; false where Discord did not take it."""
    try:
        embed = draw(reader_of(interaction).tell(message)).embed
        await interaction.edit_original_response(content=None, embed=embed)
    except TROUBLE as error:
        log.info("How far a run is could not be shown: %s", error)
        return False
    return True
