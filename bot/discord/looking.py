"""Finding one's own message again, because nobody knows how the try to post it ended."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import discord

from bot.core.delivery import Event, Outgoing, Result
from bot.discord.embeds import bears
from bot.discord.permissions import NEEDED
from bot.discord.places import UNKNOWN_CHANNEL, Places, Sendable
from bot.texts import join, text

_LOOK_BACK = timedelta(days=1)  # our clock and Discord's may differ by so much
_LOOK_AT = 2000  # messages read at most to find one's own again, 100 with each request
_CLOCKS_APART = timedelta(minutes=10)  # by so much as long as nothing is wrong with ours
_LOOK_AT_LEAST_AT = 100  # our clock may have been wrong by any amount, so one request is always read whole
_POSTS_AT = 200  # the bot's own posts of a forum looked at, one with each request
_CANNOT_TELL = text("so much was said there since that I cannot tell whether I had posted it")
log = logging.getLogger(__name__)


class Finder:
    """Looks for what may have been posted, by its marker."""

    def __init__(self, client: discord.Client, places: Places) -> None:
        self._client = client
        self._places = places

    async def find(self, message: Outgoing, thread_id: int | None) -> Result | None:
        """Look where the message may stand: in a thread that is meant for it, in its channel or forum.

        None when it surely does not stand there.
        """
        since = message.first_tried_at
        if since is None or self._client.user is None:
            return None
        lacks = self._places.lacks(message)
        # Discord would give an empty history, which proves nothing.
        if NEEDED["read_message_history"] in lacks:
            reason = text("I lack {permissions}", permissions=join(", ", lacks))
            return Result(event=Event.BLOCKED, reason=reason)
        found = None if thread_id is None else await self._in_thread(message, thread_id, since)
        if found is not None:
            return found
        forum = self._places.known(message)
        if isinstance(forum, discord.ForumChannel):
            return await self._in_forum(message, forum, since)
        return await self._in_channel(message, await self._places.main(message), since)

    async def _in_thread(self, message: Outgoing, thread_id: int, since: datetime) -> Result | None:
        try:
            found = await self._in_channel(message, self._places.thread(message, thread_id), since)
        except discord.NotFound as error:
            if error.code != UNKNOWN_CHANNEL:
                raise
            return None
        return replace(found, thread_id=thread_id) if found and found.message_id else found

    async def _in_channel(self, message: Outgoing, channel: Sendable, since: datetime) -> Result | None:
        """Read the channel backwards to before the first try.

        In a channel too busy for that it is read from the first try on; not found there, the message is given
        up: posted again it might stand there twice.
        """
        found = await self._read(message, channel, back_to=since - _LOOK_BACK)
        if found is not None and found.event is Event.EXHAUSTED:
            after = since - _CLOCKS_APART
            found = await self._read(message, channel, after=after, oldest_first=True) or found
        return found

    async def _read(
        self, message: Outgoing, channel: Sendable, back_to: datetime | None = None, **where: Any
    ) -> Result | None:
        """Read so many messages; None when the channel or the time ended before that without this one."""
        read = 0
        async for posted in channel.history(limit=_LOOK_AT, **where):
            if back_to is not None and posted.created_at < back_to and read >= _LOOK_AT_LEAST_AT:
                return None
            read += 1
            if posted.author == self._client.user and bears(posted, message.marker):
                log.info("%s had been posted already", message.event_key)
                return Result(event=Event.SENT, message_id=posted.id)
        return None if read < _LOOK_AT else Result(event=Event.EXHAUSTED, reason=_CANNOT_TELL)

    async def _in_forum(
        self, message: Outgoing, forum: discord.ForumChannel, since: datetime
    ) -> Result | None:
        """Read the first message of each of the bot's own posts, the open ones and then the archived ones."""
        read = 0
        async for post in self._posts(forum, since - _LOOK_BACK):
            read += 1
            if read > _POSTS_AT:
                return Result(event=Event.EXHAUSTED, reason=_CANNOT_TELL)
            if await self._begins_with(post, message):
                log.info("%s had been posted already", message.event_key)
                return Result(event=Event.SENT, message_id=post.id, thread_id=post.id)
        return None

    async def _posts(self, forum: discord.ForumChannel, back_to: datetime) -> AsyncIterator[discord.Thread]:
        """Give the bot's own posts since an instant, in any case some of the last, the newest first."""
        mine = self._client.user and self._client.user.id
        active = [
            post
            for post in await forum.guild.active_threads()
            if post.parent_id == forum.id and post.owner_id == mine
        ]
        newest_first = sorted(active, key=lambda post: post.id, reverse=True)
        for number, post in enumerate(newest_first):
            if number >= _LOOK_AT_LEAST_AT // 10 and discord.utils.snowflake_time(post.id) < back_to:
                break
            yield post
        read = 0
        async for post in forum.archived_threads(limit=_LOOK_AT):
            read += 1
            if read > _LOOK_AT_LEAST_AT and discord.utils.snowflake_time(post.id) < back_to:
                break
            if post.owner_id == mine and discord.utils.snowflake_time(post.id) >= back_to:
                yield post

    async def _begins_with(self, post: discord.Thread, message: Outgoing) -> bool:
        try:
            first = await post.fetch_message(post.id)
        except discord.NotFound:
            return False  # people deleted it
        return bears(first, message.marker)
