"""What the bot may do in a channel, in the words people read in Discord's settings."""

from __future__ import annotations

from collections.abc import Mapping

import discord

from bot.texts import text

NEEDED = {
    "view_channel": text("View Channel"),
    "send_messages": text("Send Messages"),
    "embed_links": text("Embed Links"),
    "attach_files": text("Attach Files"),
    "read_message_history": text("Read Message History"),
}
_IN_THREADS = {"send_messages_in_threads": text("Send Messages in Threads")}
_IN_FORUMS = {
    "send_messages": text("Create Posts"),
    "send_messages_in_threads": text("Send Messages in Posts"),
}
_FOR_THREADS = {"create_public_threads": text("Create Public Threads")}
_FOR_DELETING_POSTS = {"manage_threads": text("Manage Threads and Posts")}
Channel = discord.abc.GuildChannel | discord.Thread


def missing(channel: Channel, *, opens_threads: bool = False, deletes: bool = False) -> tuple[str, ...]:
    """Name the permissions the bot lacks in a channel for all it does there.

    `opens_threads` is for a thread below each message, `deletes` for messages that are deleted after a while: only
    a forum's posts need a permission for it, without which the bot closes them and deletes its own words.
    """
    needed = dict(NEEDED)
    if isinstance(channel, discord.Thread):
        del needed["send_messages"]
        needed |= _IN_THREADS
    elif isinstance(channel, discord.ForumChannel):
        needed |= _IN_FORUMS | (_FOR_DELETING_POSTS if deletes else {})
    elif opens_threads:
        needed |= _FOR_THREADS | _IN_THREADS
    return _lacked(channel, needed)


def missing_to_post(channel: Channel, *, with_picture: bool) -> tuple[str, ...]:
    """Name the permissions without which Discord would surely refuse a post."""
    needed = dict(NEEDED)
    if isinstance(channel, discord.Thread):
        del needed["send_messages"]
        needed |= _IN_THREADS
    elif isinstance(channel, discord.ForumChannel):
        needed["send_messages"] = _IN_FORUMS["send_messages"]
    del needed["read_message_history"]
    if not with_picture:
        del needed["attach_files"]
    return _lacked(channel, needed)


def missing_to_open_thread(channel: Channel) -> tuple[str, ...]:
    """Name the permissions without which no thread can be opened below a message."""
    return _lacked(channel, _FOR_THREADS)


def may_delete_posts(channel: Channel) -> bool:
    """Tell whether the bot may delete a forum's post whole."""
    return not _lacked(channel, _FOR_DELETING_POSTS)


def cannot_ping(role: discord.Role, channel: Channel | None = None) -> bool:
    """Tell whether a mention of the role would ping nobody there; without a channel, in the server at large."""
    me = role.guild.me
    granted = me.guild_permissions if channel is None else channel.permissions_for(me)
    return not role.mentionable and not granted.mention_everyone


def _lacked(channel: Channel, needed: Mapping[str, str]) -> tuple[str, ...]:
    granted = channel.permissions_for(channel.guild.me)
    return tuple(words for name, words in needed.items() if not getattr(granted, name))
