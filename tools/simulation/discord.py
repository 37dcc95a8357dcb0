"""A Discord in memory behind the real delivery: nonces, edits, refusals, lost answers."""

from __future__ import annotations

import types
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import discord

from tools.simulation.life import Life
from tools.simulation.nature import Nature

BOT_ID = 77


@dataclass(kw_only=True, slots=True)
class Posted:
    """A message in a channel: `embeds` are what it shows now, `first_title` and `first_body` what it did at first."""

    id: int
    channel_id: int
    at: float
    created_at: datetime
    nonce: str
    embeds: list[discord.Embed]
    first_title: str
    first_body: str
    author: Any = field(default_factory=lambda: types.SimpleNamespace(id=BOT_ID))


@dataclass(kw_only=True, slots=True)
class Discord:
    """The service. A nonce is remembered for `nonce_seconds`; `blocked` are the channels that may be refused."""

    nature: Nature
    nonce_seconds: float
    blocked_channel: int
    messages: list[Posted] = field(default_factory=list)

    def refuse(self, channel_id: int) -> None:
        """Raise what a request meets before it is worked on."""
        faults = self.nature.faults("discord")
        if "down" in faults:
            raise ConnectionResetError("connection lost")
        if "cloudflare" in faults:
            raise discord.HTTPException(_answer(429, {"Retry-After": "300"}), "error code: 1015")
        if "503" in faults and self.nature.happens(0.7):
            raise discord.DiscordServerError(_answer(503), "upstream")
        if "403" in self.nature.faults("channel") and channel_id == self.blocked_channel:
            raise discord.Forbidden(_answer(403), {"code": 50013, "message": "Missing Permissions"})

    def lose(self) -> None:
        """Raise what hides that a request was worked on."""
        faults = self.nature.faults("discord")
        if ("503 after commit" in faults and self.nature.happens(0.5)) or self.nature.happens(0.02):
            raise discord.DiscordServerError(_answer(503), "upstream")
        if "no answer after commit" in faults and self.nature.happens(0.5):
            raise TimeoutError

    def post(self, channel_id: int, embed: discord.Embed, nonce: str) -> Posted:
        """Post a message, or give the one that was posted with this nonce lately."""
        for known in reversed(self.messages):
            if known.nonce == nonce and known.channel_id == channel_id and self.remembers(known):
                self.nature.note(f"discord: nonce {nonce[:8]} known in {channel_id}")
                return known
        posted = Posted(
            id=len(self.messages) + 1,
            channel_id=channel_id,
            at=self.nature.time,
            created_at=self.nature.clock.true(),
            nonce=nonce,
            embeds=[embed],
            first_title=embed.title or "",
            first_body=embed.description or "",
        )
        self.messages.append(posted)
        self.nature.note(f"discord: posted {nonce[:8]} in {channel_id}: {embed.title}")
        return posted

    def edit(self, channel_id: int, message_id: int, embed: discord.Embed) -> None:
        """Show something else in a message. Raises discord.NotFound where it does not stand in this channel."""
        posted = self.messages[message_id - 1] if 0 < message_id <= len(self.messages) else None
        if posted is None or posted.channel_id != channel_id:
            raise discord.NotFound(_answer(404), {"code": 10008, "message": "Unknown Message"})
        posted.embeds = [embed]
        self.nature.note(f"discord: edited in {channel_id}: {embed.title}")

    def remembers(self, message: Posted) -> bool:
        """Say whether the nonce of a message is still known."""
        return self.nature.time - message.at < self.nonce_seconds


class DiscordLine:
    """As much of a discord.Client as `bot.discord.delivery` uses, for one life of the bot."""

    user = types.SimpleNamespace(id=BOT_ID)

    def __init__(self, discord: Discord, life: Life) -> None:
        self._discord = discord
        self._life = life

    async def wait_until_ready(self) -> None:
        """Connect in a moment."""
        await self._life.point("gateway ready", 2.0)

    def get_guild(self, guild_id: int) -> None:
        """Know no guild yet, as just after a start."""
        del guild_id

    async def create_dm(self, user: discord.Object) -> _Channel:
        """Give the channel of a person; it has the person's id."""
        return _Channel(self._discord, self._life, user.id)

    def get_partial_messageable(self, channel_id: int, *, guild_id: int) -> _Channel:
        """Give a channel."""
        del guild_id
        return _Channel(self._discord, self._life, channel_id)


class _Channel:
    def __init__(self, discord: Discord, life: Life, channel_id: int) -> None:
        self._discord = discord
        self._life = life
        self.id = channel_id

    async def send(self, *, embed: discord.Embed, nonce: str, **_: object) -> Posted:
        await self._ask("send")
        posted = self._discord.post(self.id, embed, nonce)
        self._discord.lose()
        await self._life.point("sent", self._discord.nature.delay(0.05, 2.0))
        return posted

    async def history(self, *, limit: int) -> AsyncIterator[Posted]:
        await self._ask("history")
        mine = [message for message in self._discord.messages if message.channel_id == self.id]
        for message in mine[::-1][:limit]:
            yield message

    def get_partial_message(self, message_id: int) -> _PartialMessage:
        return _PartialMessage(self, message_id)

    async def edit(self, message_id: int, embed: discord.Embed) -> None:
        await self._ask("edit")
        self._discord.edit(self.id, message_id, embed)
        self._discord.lose()
        await self._life.point("edited", self._discord.nature.delay(0.05, 2.0))

    async def _ask(self, what: str) -> None:
        await self._life.point(what, self._discord.nature.delay(0.05, 2.0))
        self._discord.refuse(self.id)


class _PartialMessage:
    def __init__(self, channel: _Channel, message_id: int) -> None:
        self._channel = channel
        self._id = message_id

    async def edit(self, *, embed: discord.Embed, **_: object) -> None:
        await self._channel.edit(self._id, embed)


def _answer(status: int, headers: dict[str, str] | None = None) -> Any:
    return types.SimpleNamespace(status=status, reason="", headers=headers or {})
