"""The parts of the stand-in, put together: what every route and every control command works with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tools.sandbox.discord import payloads
from tools.sandbox.discord.feed import Feed
from tools.sandbox.discord.gateway import Gateway
from tools.sandbox.discord.limits import Limits
from tools.sandbox.discord.permissions import Bits, in_channel
from tools.sandbox.discord.schema import Oracle
from tools.sandbox.discord.views import message_view
from tools.sandbox.discord.world import Channel, Guild, Member, Message, World
from tools.sandbox.standin import Faults, Recorder


@dataclass(kw_only=True)
class Service:
    """`ack_seconds`, `token_seconds`: how long an interaction may wait, and be answered. `base`: own address."""

    world: World
    feed: Feed
    oracle: Oracle
    gateway: Gateway
    limits: Limits
    base: str = ""
    ack_seconds: float = 3.0
    token_seconds: float = 900.0
    nonce_seconds: float = 300.0
    recorder: Recorder = field(init=False)
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        self.recorder = Recorder(self.world.clock)

    def tell(self, event: str, payload: dict[str, Any], guild: Guild) -> None:
        """Tell the feed and, if it is there, the bot that something in the guild is different now."""
        self.feed.add("world", event=event, guild=guild.name)
        if self.world.bot.id in guild.members:
            self.gateway.dispatch(event, payload, guild_id=guild.id)

    def tell_member(self, guild: Guild, member: Member) -> None:
        """Tell that a member has other roles now; the bot knows of itself alone unless it may know of all."""
        payload = payloads.member(self.world, member) | {"guild_id": str(guild.id)}
        self.tell("GUILD_MEMBER_UPDATE", payload, guild)

    def tell_channel(self, event: str, channel: Channel) -> dict[str, Any]:
        """Tell of a channel or thread; its payload."""
        payload = payloads.channel(self.world, channel)
        guild = self.world.guild_of(channel)
        if guild is not None:
            self.tell(event, payload, guild)
        return payload

    def thinking(self, placeholder: Message) -> None:
        """Tell the feed that the bot will answer later."""
        channel = self.world.channels[placeholder.channel_id]
        self.feed.add("thinking", channel=channel.name, message=message_view(self.world, placeholder))

    def message_changed(self, message: Message, kind: str) -> None:
        """Tell the feed and the gateway; `kind` is "posted", "edited" or "deleted"."""
        channel = self.world.channels[message.channel_id]
        self.feed.add(f"message_{kind}", channel=channel.name, message=message_view(self.world, message))
        guild = self.world.guild_of(channel)
        sees = in_channel(guild, channel, self.world.bot.id) & Bits.VIEW_CHANNEL
        if message.ephemeral or not sees:
            return
        place = {} if channel.guild_id is None else {"guild_id": str(channel.guild_id)}
        if kind == "deleted":
            payload = {"id": str(message.id), "channel_id": str(channel.id), **place}
        else:
            payload = payloads.message(self.world, message) | place | self._author(message, guild)
        event = {"posted": "MESSAGE_CREATE", "edited": "MESSAGE_UPDATE", "deleted": "MESSAGE_DELETE"}[kind]
        self.gateway.dispatch(event, payload, guild_id=channel.guild_id)

    def _author(self, message: Message, guild: Guild | None) -> dict[str, Any]:
        if guild is None or message.author_id not in guild.members:
            return {}
        return {"member": payloads.member(self.world, guild.members[message.author_id], with_user=False)}
