"""A Discord in memory behind the real delivery: it fails before and after it took a message, forbids, and lets the bot die."""

from __future__ import annotations

import asyncio
import types
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import discord

from tests.clocks import ManualClock

BOT = types.SimpleNamespace(id=77)
NONCE_KNOWN_FOR = timedelta(minutes=3)


class Weather(StrEnum):
    """How a channel answers."""

    FINE = "fine"
    BEFORE = "fails before it takes anything"
    AFTER = "fails after it took it"
    SILENT = "gives no answer after it took it"
    FORBIDDEN = "forbids"
    OLD_EDITS = "takes no edits"


@dataclass(kw_only=True)
class Posted:
    """A message as it stands, `pinged` the roles that its first post notified."""

    id: int
    channel_id: int
    created_at: datetime
    nonce: str
    embeds: list[discord.Embed]
    content: str
    pinged: tuple[int, ...]
    is_deleted: bool = False
    author: Any = field(default_factory=lambda: BOT)


@dataclass(kw_only=True)
class MemoryDiscord:
    """The service; `dies_in` so many requests more the bot is dead, by `kill`."""

    clock: ManualClock
    weather: dict[int, Weather] = field(default_factory=dict)
    posted: list[Posted] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    dies_in: int | None = None
    kill: Callable[[], None] = lambda: None

    async def point(self) -> None:
        """Come to a moment at which the bot may die."""
        await asyncio.sleep(0)  # noqa: TID251 - the other channels come to their turn
        if self.dies_in is not None:
            self.dies_in -= 1
            if self.dies_in <= 0:
                self.kill()
                raise asyncio.CancelledError

    def refuse(self, channel_id: int, what: str) -> None:
        """Raise what a request meets before it is worked on."""
        self.asked[what] += 1
        weather = self.weather.get(channel_id, Weather.FINE)
        if weather is Weather.BEFORE:
            raise discord.DiscordServerError(_answer(503), "upstream")
        if weather is Weather.FORBIDDEN:
            raise discord.Forbidden(_answer(403), {"code": 50013, "message": "Missing Permissions"})
        if weather is Weather.OLD_EDITS and what == "edit":
            raise discord.HTTPException(
                _answer(429), {"code": 30046, "message": "Too many edits of old ones"}
            )

    def lose(self, channel_id: int) -> None:
        """Raise what hides that a request was worked on."""
        weather = self.weather.get(channel_id, Weather.FINE)
        if weather is Weather.AFTER:
            raise discord.DiscordServerError(_answer(503), "upstream")
        if weather is Weather.SILENT:
            raise TimeoutError

    def standing(self, channel_id: int) -> list[Posted]:
        """Give what is to be seen in a channel."""
        return [one for one in self.posted if one.channel_id == channel_id and not one.is_deleted]

    def post(self, channel_id: int, nonce: str, **shown: Any) -> Posted:
        """Post a message, or give the one that was posted with this nonce lately."""
        for known in reversed(self.posted):
            is_same = (known.nonce, known.channel_id) == (nonce, channel_id)
            if is_same and self.clock.now() - known.created_at < NONCE_KNOWN_FOR:
                if known.is_deleted:
                    raise _unknown_message()
                return known
        posted = Posted(
            id=len(self.posted) + 1,
            channel_id=channel_id,
            created_at=self.clock.now(),
            nonce=nonce,
            **shown,
        )
        self.posted.append(posted)
        return posted

    def message(self, channel_id: int, message_id: int) -> Posted:
        """Give a message. Raises discord.NotFound where it does not stand."""
        for one in self.standing(channel_id):
            if one.id == message_id:
                return one
        raise _unknown_message()


class Line:
    """As much of a discord.Client as `bot.discord.delivery` uses; it has heard of no guild yet."""

    user = BOT

    def __init__(self, service: MemoryDiscord) -> None:
        self._service = service

    def get_guild(self, _: int) -> None:
        return None

    async def create_dm(self, user: discord.Object) -> Channel:
        return Channel(self._service, user.id)

    def get_partial_messageable(self, channel_id: int, *, guild_id: int) -> Channel:
        assert guild_id
        return Channel(self._service, channel_id)


class Channel:
    """A channel as the bot speaks to it."""

    def __init__(self, service: MemoryDiscord, channel_id: int) -> None:
        self._service = service
        self.id = channel_id

    async def send(
        self,
        *,
        content: str | None,
        embed: discord.Embed,
        nonce: str,
        allowed_mentions: discord.AllowedMentions,
        **_: object,
    ) -> Posted:
        await self._asked("send")
        assert isinstance(allowed_mentions.roles, list)
        mentioned = [role.id for role in allowed_mentions.roles if f"<@&{role.id}>" in (content or "")]
        posted = self._service.post(
            self.id, nonce, embeds=[embed], content=content or "", pinged=tuple(mentioned)
        )
        await self._answered()
        return posted

    async def history(
        self, *, limit: int, after: datetime | None = None, oldest_first: bool = False
    ) -> AsyncIterator[Posted]:
        await self._asked("history")
        found = [one for one in self._service.standing(self.id) if after is None or one.created_at > after]
        for one in (found if oldest_first else found[::-1])[:limit]:
            yield one

    def get_partial_message(self, message_id: int) -> PartialMessage:
        return PartialMessage(self, message_id)

    async def edit(self, message_id: int, embed: discord.Embed, content: str | None) -> None:
        await self._asked("edit")
        standing = self._service.message(self.id, message_id)
        standing.embeds, standing.content = [embed], content or ""
        await self._answered()

    async def delete(self, message_id: int) -> None:
        await self._asked("delete")
        self._service.message(self.id, message_id).is_deleted = True
        await self._answered()

    async def _asked(self, what: str) -> None:
        await self._service.point()
        self._service.refuse(self.id, what)

    async def _answered(self) -> None:
        await self._service.point()
        self._service.lose(self.id)


class PartialMessage:
    def __init__(self, channel: Channel, message_id: int) -> None:
        self._channel = channel
        self._id = message_id

    async def edit(
        self,
        *,
        content: str | None,
        embed: discord.Embed,
        allowed_mentions: discord.AllowedMentions,
        **_: object,
    ) -> None:
        assert allowed_mentions.to_dict() == {"parse": []}
        await self._channel.edit(self._id, embed, content)

    async def delete(self) -> None:
        await self._channel.delete(self._id)


def _unknown_message() -> discord.NotFound:
    return discord.NotFound(_answer(404), {"code": 10008, "message": "Unknown Message"})


def _answer(status: int) -> Any:
    return types.SimpleNamespace(status=status, reason="", headers={})
