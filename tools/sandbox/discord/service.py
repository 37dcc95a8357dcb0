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
from tools.sandbox.discord.world import LOADING, Guild, Message, World
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
    recorder: Recorder = field(default_factory=Recorder)
    faults: Faults = field(default_factory=Faults)

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


def message_view(world: World, message: Message) -> dict[str, Any]:
    """A message for tests and pages: what Discord's client shows, plus what only the server knows."""
    shown = payloads.message(world, message)
    channel = world.channels[message.channel_id]
    files = [
        payloads.attachment(file) | {"shown_elsewhere": payloads.shown_elsewhere(message, file)}
        for file in message.files
    ]
    return shown | {
        "guild_id": None if channel.guild_id is None else str(channel.guild_id),
        "channel": channel.name,
        "attachments": files,
        "nonce": message.nonce,
        "deleted": message.deleted,
        "ephemeral": message.ephemeral,
        "loading": bool(message.flags & LOADING),
        "interaction_id": None if message.interaction_id is None else str(message.interaction_id),
        "edits": len(message.versions),
        "versions": message.versions,
        "pinged_users": [str(one) for one in message.pings.users],
        "pinged_roles": [str(one) for one in message.pings.roles],
        "pinged_everyone": message.pings.everyone,
    }
