"""Who and what is there: users, the application, guilds, roles, members, channels, gateway addresses."""

from __future__ import annotations

from typing import Any

from tools.sandbox.discord import payloads
from tools.sandbox.discord.errors import ApiError
from tools.sandbox.discord.messages import visible_channel
from tools.sandbox.discord.rest import Call, Route
from tools.sandbox.discord.world import Guild


def routes() -> list[Route]:
    return [
        Route(method="GET", path="/users/@me", handler=own_user),
        Route(method="GET", path="/users/@me/guilds", handler=own_guilds),
        Route(method="POST", path="/users/@me/channels", handler=open_direct_channel),
        Route(method="GET", path="/users/{user_id}", handler=get_user),
        Route(method="GET", path="/oauth2/applications/@me", handler=application),
        Route(method="GET", path="/applications/@me", handler=application),
        Route(method="GET", path="/gateway", handler=lambda call: {"url": call.service.gateway.url}),
        Route(method="GET", path="/gateway/bot", handler=gateway_bot),
        Route(method="GET", path="/channels/{channel_id}", handler=get_channel),
        Route(method="GET", path="/guilds/{guild_id}", handler=get_guild),
        Route(method="GET", path="/guilds/{guild_id}/channels", handler=guild_channels),
        Route(method="GET", path="/guilds/{guild_id}/roles", handler=guild_roles),
        Route(method="GET", path="/guilds/{guild_id}/roles/{role_id}", handler=get_role),
        Route(method="GET", path="/guilds/{guild_id}/members/{user_id}", handler=get_member),
    ]


def own_user(call: Call) -> dict[str, Any]:
    return payloads.own_user(call.service.world.bot)


def own_guilds(call: Call) -> list[dict[str, Any]]:
    world = call.service.world
    bot_id = world.bot.id
    return [payloads.own_guild(guild, bot_id) for guild in world.guilds.values() if bot_id in guild.members]


def application(call: Call) -> dict[str, Any]:
    return payloads.application(call.service.world)


def gateway_bot(call: Call) -> dict[str, Any]:
    limit = {"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 1}
    return {"url": call.service.gateway.url, "shards": 1, "session_start_limit": limit}


def get_user(call: Call) -> dict[str, Any]:
    user = call.service.world.users.get(call.id("user_id"))
    if user is None:
        raise ApiError(10013)
    return payloads.user(user)


def open_direct_channel(call: Call) -> dict[str, Any]:
    world = call.service.world
    user = world.users.get(int(call.data["recipient_id"]))
    if user is None:
        raise ApiError(10013)
    return payloads.channel(world, world.direct_channel(user))


def get_channel(call: Call) -> dict[str, Any]:
    return payloads.channel(call.service.world, visible_channel(call))


def known_guild(call: Call) -> Guild:
    """The guild of the path. Raises ApiError 10004, also for one the bot has left."""
    guild = call.service.world.guilds.get(call.id("guild_id"))
    if guild is None or call.service.world.bot.id not in guild.members:
        raise ApiError(10004)
    return guild


def get_guild(call: Call) -> dict[str, Any]:
    guild = known_guild(call)
    if call.query.get("with_counts", "false").lower() not in ("true", "1"):
        return payloads.guild(guild)
    count = len(guild.members)
    return payloads.guild(guild) | {"approximate_member_count": count, "approximate_presence_count": count}


def guild_channels(call: Call) -> list[dict[str, Any]]:
    world = call.service.world
    return [payloads.channel(world, channel) for channel in world.channels_of(known_guild(call))]


def guild_roles(call: Call) -> list[dict[str, Any]]:
    return [payloads.role(role) for role in known_guild(call).roles.values()]


def get_role(call: Call) -> dict[str, Any]:
    role = known_guild(call).roles.get(call.id("role_id"))
    if role is None:
        raise ApiError(10011)
    return payloads.role(role)


def get_member(call: Call) -> dict[str, Any]:
    member = known_guild(call).members.get(call.id("user_id"))
    if member is None:
        raise ApiError(10007)
    return payloads.member(call.service.world, member)
