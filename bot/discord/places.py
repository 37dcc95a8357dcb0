"""Where a message goes: the sort of its channel, and how that channel or a thread in it is spoken to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import TypeVar

import discord

from bot.core.delivery import Outgoing, Surface
from bot.discord.permissions import Channel, missing, missing_to_post

ARCHIVED = 50083
UNKNOWN_CHANNEL = 10003
Sendable = discord.PartialMessageable | discord.DMChannel
_T = TypeVar("_T")


def wants_other_tag(forum: discord.ForumChannel, tag_ids: Collection[int | None]) -> bool:
    """Tell whether a forum wants a tag on each post and has none of these."""
    return forum.flags.require_tag and not any(tag.id in tag_ids for tag in forum.available_tags)


class Places:
    """The channels of messages, as far as the gateway has told of them."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    def known(self, message: Outgoing) -> Channel | None:
        """Give the channel of a message, None where the gateway has not told of it."""
        guild = None if message.direct else self._client.get_guild(message.guild_id)
        return None if guild is None else guild.get_channel_or_thread(message.channel_id)

    def surface(self, message: Outgoing) -> Surface:
        """Say what sort of place the channel of a message is; OTHER where nobody knows."""
        match self.known(message):
            case discord.ForumChannel():
                return Surface.FORUM
            case discord.TextChannel() as channel:
                return Surface.ANNOUNCEMENT if channel.is_news() else Surface.TEXT
        return Surface.OTHER

    def lacks(self, message: Outgoing) -> tuple[str, ...]:
        """Name what the bot lacks there for all it does."""
        channel = self.known(message)
        return missing(channel) if channel else ()

    def lacks_to_post(self, message: Outgoing, *, with_picture: bool) -> tuple[str, ...]:
        """Name what the bot surely needs there to post."""
        channel = self.known(message)
        return missing_to_post(channel, with_picture=with_picture) if channel else ()

    def lacks_tag(self, message: Outgoing, tag_ids: Collection[int]) -> bool:
        """Tell whether the channel is a forum that wants a tag on each post and has none of these."""
        forum = self.known(message)
        return isinstance(forum, discord.ForumChannel) and wants_other_tag(forum, tag_ids)

    def lacks_role(self, message: Outgoing) -> bool:
        """Tell whether the role that a message mentions does not exist any more; of an outage nobody knows."""
        guild, role_id = self._client.get_guild(message.guild_id), message.message.mention_role_id
        if guild is None or guild.unavailable or role_id is None:
            return False
        return guild.get_role(role_id) is None

    async def main(self, message: Outgoing) -> Sendable:
        """Give the channel itself; of a person it is the direct one."""
        if message.direct:
            return await self._client.create_dm(discord.Object(message.channel_id))
        return self._client.get_partial_messageable(message.channel_id, guild_id=message.guild_id)

    def thread(self, message: Outgoing, thread_id: int) -> discord.PartialMessageable:
        """Give a thread of the guild."""
        return self._client.get_partial_messageable(thread_id, guild_id=message.guild_id)

    async def standing(self, message: Outgoing) -> Sendable:
        """Give the channel or thread in which a posted message stands."""
        if message.in_thread and message.thread_id is not None:
            return self.thread(message, message.thread_id)
        return await self.main(message)

    async def opened(self, thread_id: int, ask: Callable[[], Awaitable[_T]]) -> _T:
        """Ask for something in a thread; where it is archived, open it and ask again."""
        try:
            return await ask()
        except discord.HTTPException as error:
            if error.code != ARCHIVED:
                raise
        thread = await self._client.fetch_channel(thread_id)
        if isinstance(thread, discord.Thread):
            await thread.edit(archived=False)
        return await ask()
