"""Roles that a bot manages: making, changing and removing them, giving them to members and taking them back."""

from __future__ import annotations

from typing import Any, Final

from tools.sandbox.discord import payloads
from tools.sandbox.discord.directory import known_guild
from tools.sandbox.discord.errors import ApiError
from tools.sandbox.discord.permissions import Bits, in_guild
from tools.sandbox.discord.rest import Call, Route
from tools.sandbox.discord.world import Guild, Member, Role

MOST_ROLES: Final = 250
_ROLES: Final = "/guilds/{guild_id}/roles"
_GIVEN: Final = "/guilds/{guild_id}/members/{user_id}/roles/{role_id}"


def routes() -> list[Route]:
    return [
        Route(method="POST", path=_ROLES, handler=create),
        Route(method="PATCH", path=_ROLES + "/{role_id}", handler=change),
        Route(method="DELETE", path=_ROLES + "/{role_id}", handler=delete),
        Route(method="PUT", path=_GIVEN, handler=give),
        Route(method="DELETE", path=_GIVEN, handler=take),
    ]


def _managed(call: Call) -> Guild:
    """The guild of the path. Raises ApiError 50013 unless the bot may manage roles there."""
    guild = known_guild(call)
    if not in_guild(guild, call.service.world.bot.id) & Bits.MANAGE_ROLES:
        raise ApiError(50013)
    return guild


def _own_role(call: Call, guild: Guild) -> Role:
    """The role of the path. Raises ApiError 10011, or 50013 for one that is not below the bot's highest."""
    role = guild.roles.get(call.id("role_id"))
    if role is None:
        raise ApiError(10011)
    held = [guild.roles[role_id].position for role_id in guild.members[call.service.world.bot.id].role_ids]
    if role.id == guild.id or role.bot_id is not None or role.position >= max(held, default=0):
        raise ApiError(50013)
    return role


def create(call: Call) -> dict[str, Any]:
    guild = _managed(call)
    if len(guild.roles) >= MOST_ROLES:
        raise ApiError(30005)
    role = Role(id=call.service.world.new_id(), name="new role")
    _apply(call, guild, role)
    guild.roles[role.id] = role
    return _told(call, guild, role, "GUILD_ROLE_CREATE")


def change(call: Call) -> dict[str, Any]:
    guild = _managed(call)
    role = _own_role(call, guild)
    _apply(call, guild, role)
    return _told(call, guild, role, "GUILD_ROLE_UPDATE")


def _apply(call: Call, guild: Guild, role: Role) -> None:
    """Raises ApiError 50013 for permissions that the bot itself does not have."""
    data = call.data or {}
    permissions = int(data.get("permissions") or role.permissions)
    if permissions & ~in_guild(guild, call.service.world.bot.id):
        raise ApiError(50013)
    role.permissions = permissions
    role.name = data.get("name") or role.name
    colors = data.get("colors") or {}
    role.color = data.get("color") or colors.get("primary_color") or role.color
    if data.get("mentionable") is not None:
        role.mentionable = data["mentionable"]


def _told(call: Call, guild: Guild, role: Role, event: str) -> dict[str, Any]:
    payload = payloads.role(role)
    call.service.tell(event, {"guild_id": str(guild.id), "role": payload}, guild)
    return payload


def delete(call: Call) -> None:
    guild = _managed(call)
    role = _own_role(call, guild)
    guild.remove_role(role)
    call.service.tell("GUILD_ROLE_DELETE", {"guild_id": str(guild.id), "role_id": str(role.id)}, guild)


def give(call: Call) -> None:
    guild = _managed(call)
    role, member = _own_role(call, guild), _member(call, guild)
    if role.id not in member.role_ids:
        member.role_ids.append(role.id)
        call.service.tell_member(guild, member)


def take(call: Call) -> None:
    guild = _managed(call)
    role, member = _own_role(call, guild), _member(call, guild)
    if role.id in member.role_ids:
        member.role_ids.remove(role.id)
        call.service.tell_member(guild, member)


def _member(call: Call, guild: Guild) -> Member:
    member = guild.members.get(call.id("user_id"))
    if member is None:
        raise ApiError(10007)
    return member
