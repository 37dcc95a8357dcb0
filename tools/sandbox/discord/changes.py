"""Control commands that change the world: guilds, channels, roles, members. Each tells the gateway.

They are listed in the docstring of `tools.sandbox.discord.control`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from tools.sandbox.discord import payloads
from tools.sandbox.discord.permissions import parse
from tools.sandbox.discord.service import Service
from tools.sandbox.discord.world import KINDS, Channel, Guild, Overwrite, Role, User


class Changes:
    """What administrators, owners and outages do."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.world = service.world

    def table(self) -> list[tuple[str, str, Callable[[web.Request], Awaitable[Any]]]]:
        return [
            ("POST", "users", self.add_user),
            ("PATCH", "users/{user}", self.change_user),
            ("POST", "guilds", self.add_guild),
            ("POST", "kick", self.kick),
            ("POST", "invite", self.invite),
            ("POST", "outage", self.outage),
            ("POST", "channels", self.add_channel),
            ("PATCH", "channels/{channel}", self.change_channel),
            ("DELETE", "channels/{channel}", self.delete_channel),
            ("POST", "channels/{channel}/deny", self.deny),
            ("POST", "channels/{channel}/allow", self.allow),
            ("POST", "automod", self.block_words),
            ("POST", "roles", self.add_role),
            ("PATCH", "roles/{role}", self.change_role),
            ("DELETE", "roles/{role}", self.delete_role),
        ]

    def _channel(self, request: web.Request) -> Channel:
        channel = self.world.find_channel(request.match_info["channel"])
        if channel.guild_id is None:
            raise ValueError("a direct channel cannot be changed")
        return channel

    async def add_user(self, request: web.Request) -> Any:
        order = await request.json()
        guild = self.world.find_guild(order.get("guild"))
        user = self.world.add_user(order["name"])
        self.world.join(guild, user, roles=self._role_ids(guild, order))
        return payloads.user(user)

    async def change_user(self, request: web.Request) -> Any:
        order = await request.json()
        user = self.world.find_user(request.match_info["user"])
        user.accepts_dms = order.get("accepts_dms", user.accepts_dms)
        user.locale = order.get("locale", user.locale)
        if "roles" in order:
            self._set_roles(user, self.world.find_guild(order.get("guild")), order)
        return payloads.user(user)

    def _set_roles(self, user: User, guild: Guild, order: dict[str, Any]) -> None:
        member = guild.members[user.id]
        member.role_ids = self._role_ids(guild, order)
        self.service.tell_member(guild, member)

    def _role_ids(self, guild: Guild, order: dict[str, Any]) -> list[int]:
        return [self.world.find_role(guild, key).id for key in order.get("roles", ())]

    async def add_guild(self, request: web.Request) -> Any:
        order = await request.json()
        guild = self.world.add_guild(order["name"], self.world.find_user(order.get("owner", "admin")))
        self.world.add_channel(guild, "general")
        return self._invited(guild)

    async def invite(self, request: web.Request) -> Any:
        order = await request.json()
        guild = self.world.find_guild(order.get("guild"))
        managed = [role.id for role in guild.roles.values() if role.bot_id == self.world.bot.id]
        self.world.join(guild, self.world.bot, roles=managed)
        return self._invited(guild)

    def _invited(self, guild: Guild) -> dict[str, Any]:
        # For a new guild, other than after an outage, the key is missing: that is how a bot tells them apart.
        payload = payloads.guild_create(self.world, guild)
        del payload["unavailable"]
        self.service.tell("GUILD_CREATE", payload, guild)
        return payloads.guild(guild)

    async def kick(self, request: web.Request) -> Any:
        order = await request.json()
        guild = self.world.find_guild(order.get("guild"))
        self.service.tell("GUILD_DELETE", {"id": str(guild.id)}, guild)
        guild.members.pop(self.world.bot.id, None)
        return payloads.guild(guild)

    async def outage(self, request: web.Request) -> Any:
        order = await request.json()
        guild = self.world.find_guild(order.get("guild"))
        if order["available"]:
            self.service.tell("GUILD_CREATE", payloads.guild_create(self.world, guild), guild)
        else:
            self.service.tell("GUILD_DELETE", {"id": str(guild.id), "unavailable": True}, guild)
        return payloads.guild(guild)

    async def add_channel(self, request: web.Request) -> Any:
        order = await request.json()
        guild = self.world.find_guild(order.get("guild"))
        channel = self.world.add_channel(guild, order["name"], kind=KINDS[order.get("kind", "text")])
        channel.tags = {self.world.new_id(): name for name in order.get("tags", ())}
        channel.needs_tag = bool(order.get("needs_tag"))
        return self.service.tell_channel("CHANNEL_CREATE", channel)

    async def change_channel(self, request: web.Request) -> Any:
        order = await request.json()
        channel = self._channel(request)
        channel.name = order.get("name", channel.name)
        if channel.thread is not None:
            channel.thread.archived = order.get("archived", channel.thread.archived)
            channel.thread.locked = order.get("locked", channel.thread.locked)
            return self.service.tell_channel("THREAD_UPDATE", channel)
        channel.needs_tag = order.get("needs_tag", channel.needs_tag)
        if "overwrites" in order:
            overwrites = [self._overwrite(channel, one) for one in order["overwrites"]]
            channel.overwrites = {one.target_id: one for one in overwrites}
        return self.service.tell_channel("CHANNEL_UPDATE", channel)

    def _overwrite(self, channel: Channel, order: dict[str, Any]) -> Overwrite:
        guild = self.world.find_guild(channel.guild_id)
        roles = [role for role in guild.roles.values() if str(order["target"]) in (str(role.id), role.name)]
        # The bot and its managed role share a name; by name the role is meant, as in Discord's dialogue.
        target = roles[0].id if roles else self.world.find_user(order["target"]).id
        return Overwrite(
            target_id=target,
            is_member=not roles,
            allow=parse(order.get("allow", [])),
            deny=parse(order.get("deny", [])),
        )

    async def delete_channel(self, request: web.Request) -> Any:
        channel = self._channel(request)
        channel.deleted = True
        return self.service.tell_channel("CHANNEL_DELETE", channel)

    async def block_words(self, request: web.Request) -> Any:
        order = await request.json()
        guild = self.world.find_guild(order.get("guild"))
        guild.blocked_words = list(order["words"])
        return guild.blocked_words

    async def deny(self, request: web.Request) -> Any:
        order = await request.json() if request.can_read_body else {}
        channel = self._channel(request)
        bits = parse(order.get("permissions", ["view_channel"]))
        bot = self.world.bot.id
        channel.overwrites[bot] = Overwrite(target_id=bot, is_member=True, deny=bits)
        return self.service.tell_channel("CHANNEL_UPDATE", channel)

    async def allow(self, request: web.Request) -> Any:
        channel = self._channel(request)
        channel.overwrites.pop(self.world.bot.id, None)
        return self.service.tell_channel("CHANNEL_UPDATE", channel)

    async def add_role(self, request: web.Request) -> Any:
        order = await request.json()
        guild = self.world.find_guild(order.get("guild"))
        role = Role(id=self.world.new_id(), name=order["name"], position=len(guild.roles))
        guild.roles[role.id] = role
        return self._apply(role, guild, order, "GUILD_ROLE_CREATE")

    async def change_role(self, request: web.Request) -> Any:
        order = await request.json()
        guild = self.world.find_guild(order.get("guild"))
        role = self.world.find_role(guild, request.match_info["role"])
        return self._apply(role, guild, order, "GUILD_ROLE_UPDATE")

    def _apply(self, role: Role, guild: Guild, order: dict[str, Any], event: str) -> dict[str, Any]:
        role.name = order.get("name", role.name)
        role.mentionable = order.get("mentionable", role.mentionable)
        if "permissions" in order:
            role.permissions = parse(order["permissions"])
        self.service.tell(event, {"guild_id": str(guild.id), "role": payloads.role(role)}, guild)
        return payloads.role(role)

    async def delete_role(self, request: web.Request) -> Any:
        guild = self.world.find_guild(request.query.get("guild"))
        role = self.world.find_role(guild, request.match_info["role"])
        if role.id == guild.id:
            raise ValueError("@everyone cannot be deleted")
        guild.remove_role(role)
        self.service.tell("GUILD_ROLE_DELETE", {"guild_id": str(guild.id), "role_id": str(role.id)}, guild)
        return payloads.role(role)
