"""Roles that the bot gives to members and takes back: what keeps it from that, and the requests themselves."""

from __future__ import annotations

from collections.abc import Collection

import discord

from bot.errors import InputRefused, LimitReached
from bot.texts import text

MOST_ROLES = 250
"""So many roles a server can have."""
_FEW_LEFT = 20


def why_not_given(guild: discord.Guild, role: discord.Role) -> str:
    """Say why members should not or cannot get a role from the bot; empty when nothing is in the way."""
    if role.is_default() or role.managed:
        return text("{role} is everybody's, or belongs to a bot or an integration.", role=role.mention)
    powers = discord.Permissions.elevated() | discord.Permissions(mention_everyone=True)
    if role.permissions & powers:
        return text(
            "{role} has permissions of moderators: nobody should take it by a button.", role=role.mention
        )
    if not guild.me.guild_permissions.manage_roles:
        return text(
            "I lack *Manage Roles*, which I need only to give roles. Give it to my role in the server's settings."
        )
    if role >= guild.me.top_role:
        return text(
            "{role} stands above my own role. Move mine above it in the list of roles.", role=role.mention
        )
    return ""


def why_none_made(guild: discord.Guild) -> str:
    """Say why the bot cannot make roles of its own; empty when nothing is in the way."""
    if not guild.me.guild_permissions.manage_roles:
        return text(
            "I lack *Manage Roles*, which I need only to give roles. Give it to my role in the server's settings."
        )
    if len(guild.roles) >= MOST_ROLES:
        return text(
            "This server has {count} roles, and Discord allows {most}. Delete some first.",
            count=len(guild.roles),
            most=MOST_ROLES,
        )
    return ""


def few_left(guild: discord.Guild) -> str:
    """Warn before a server runs out of roles; empty when there is room."""
    left = MOST_ROLES - len(guild.roles)
    if left >= _FEW_LEFT:
        return ""
    return text(
        "⚠️ Discord allows {most} roles in a server; {left} are left here.", most=MOST_ROLES, left=left
    )


async def made_role(guild: discord.Guild, name: str, role_id: int | None) -> discord.Role:
    """Give a role the bot keeps, or make it, without permissions; one with its name that a crash left behind is taken.

    Where the bot may not mention every role, it is one that anybody can mention: else its ping would reach nobody.
    Raises `LimitReached` where there is no room, or no permission.
    """
    known = None if role_id is None else guild.get_role(role_id)
    if known is not None:
        return known
    # Of a role that was made a moment ago the gateway may not have told yet.
    for role in await guild.fetch_roles():
        is_left_behind = role.name == name and not role.permissions.value and not role.managed
        if role.id == role_id or (is_left_behind and role < guild.me.top_role):
            return role
    why = why_none_made(guild)
    if why:
        raise LimitReached(_for_a_member(why))
    return await guild.create_role(
        name=name, permissions=discord.Permissions.none(), mentionable=must_be_mentionable(guild)
    )


def must_be_mentionable(guild: discord.Guild) -> bool:
    """Tell whether the bot can ping only roles that anybody can mention."""
    return not guild.me.guild_permissions.mention_everyone


async def set_roles(
    member: discord.Member, give: Collection[discord.Role], take: Collection[discord.Role]
) -> None:
    """Give roles to a member and take others. Raises `InputRefused` where Discord refuses."""
    for role in give:
        why = why_not_given(member.guild, role)
        if why:
            raise InputRefused(_for_a_member(why))
    try:
        for role in give:
            await member.add_roles(role)
        for role in take:
            await member.remove_roles(role)
    except discord.Forbidden as error:
        raise InputRefused(
            text("Discord does not let me change your roles. An admin finds out why with `/notify roles`.")
        ) from error


def _for_a_member(why: str) -> str:
    """Say what is in the way to a member, who cannot mend it."""
    return text("I cannot change your roles now. Please show this to an admin: {why}", why=why)
