"""What the bot may do in a channel, in the words people read in Discord's settings."""

from __future__ import annotations

import discord

from bot.texts import text

NEEDED = {
    "view_channel": text("View Channel"),
    "send_messages": text("Send Messages"),
    "embed_links": text("Embed Links"),
    "attach_files": text("Attach Files"),
    "read_message_history": text("Read Message History"),
}
Channel = discord.abc.GuildChannel | discord.Thread


def missing(channel: Channel) -> tuple[str, ...]:
    """Name the permissions the bot lacks in a channel; a thread has one of its own for sending."""
    granted = channel.permissions_for(channel.guild.me)
    needed: dict[str, str] = dict(NEEDED)
    if isinstance(channel, discord.Thread):
        del needed["send_messages"]
        needed["send_messages_in_threads"] = text("Send Messages in Threads")
    return tuple(words for name, words in needed.items() if not getattr(granted, name))


def cannot_ping(channel: Channel, role: discord.Role) -> bool:
    """Tell whether a mention of the role would ping nobody there."""
    granted = channel.permissions_for(channel.guild.me)
    return not role.mentionable and not granted.mention_everyone
