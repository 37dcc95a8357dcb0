"""The world as tests and pages see it: what Discord's client shows, plus what only the server knows."""

from __future__ import annotations

from typing import Any, Final

from tools.sandbox.discord import payloads
from tools.sandbox.discord.menu import command_path
from tools.sandbox.discord.permissions import Bits, in_channel, in_guild
from tools.sandbox.discord.world import LOADING, Channel, Guild, Interaction, Member, Message, User, World

#: What Discord paints the picture of somebody who has none in: blurple, grey, green, yellow, red, pink.
_AVATARS: Final = ("#5865f2", "#757e8a", "#3ba55c", "#faa61a", "#ed4245", "#eb459f")
_EXCERPT: Final = 100
_COMMAND: Final = 2


def user_view(user: User) -> dict[str, Any]:
    """`name` is what the control API takes; `avatar_color` paints the picture (``#rrggbb``)."""
    return payloads.user(user) | {
        "name": user.name,
        "locale": user.locale,
        "avatar_color": _AVATARS[user.id % len(_AVATARS)],
    }


def member_view(world: World, guild: Guild, member: Member) -> dict[str, Any]:
    user = world.users[member.user_id]
    return payloads.member(world, member) | {
        "user": user_view(user),
        "color": name_color(guild, user),
        "permissions": str(in_guild(guild, user.id)),
    }


def name_color(guild: Guild | None, user: User) -> str | None:
    """The colour of the highest of a member's roles that has one (``#rrggbb``), None for the client's own."""
    member = None if guild is None else guild.members.get(user.id)
    if guild is None or member is None:
        return None
    roles = sorted((guild.roles[role_id] for role_id in member.role_ids), key=lambda role: -role.position)
    return next((f"#{role.color:06x}" for role in roles if role.color), None)


def channel_view(world: World, guild: Guild, channel: Channel) -> dict[str, Any]:
    """A channel with the names of the people who see it, and of those who may write there."""
    able = {
        name: [
            world.users[user_id].name
            for user_id in guild.members
            if in_channel(guild, channel, user_id) & bit
        ]
        for name, bit in (("seen_by", Bits.VIEW_CHANNEL), ("written_by", channel.sending))
    }
    return payloads.channel(world, channel) | able


def guild_view(world: World, guild: Guild) -> dict[str, Any]:
    return {
        "id": str(guild.id),
        "name": guild.name,
        "owner_id": str(guild.owner_id),
        "bot_is_member": world.bot.id in guild.members,
        "channels": [channel_view(world, guild, channel) for channel in world.channels_of(guild)],
        "threads": [channel_view(world, guild, thread) for thread in world.threads_of(guild)],
        "roles": [payloads.role(role) for role in guild.roles.values()],
        "members": [member_view(world, guild, member) for member in guild.members.values()],
    }


def message_view(world: World, message: Message) -> dict[str, Any]:
    """A message. `asked` is the interaction it answers, `reply` the message it answers; both may be None.

    `visible_to` is the name of the only person who sees an ephemeral message, else None.
    """
    shown = payloads.message(world, message)
    channel = world.channels[message.channel_id]
    asked = world.interactions.get(message.interaction_id or 0)
    files = [
        payloads.attachment(file) | {"shown_elsewhere": payloads.shown_elsewhere(message, file)}
        for file in message.files
    ]
    return shown | {
        "guild_id": None if channel.guild_id is None else str(channel.guild_id),
        "channel": channel.name,
        "author": _author(world, channel, message),
        "attachments": files,
        "nonce": message.nonce,
        "deleted": message.deleted,
        "ephemeral": message.ephemeral,
        "visible_to": world.users[asked.user_id].name if asked and message.ephemeral else None,
        "loading": bool(message.flags & LOADING),
        "interaction_id": None if message.interaction_id is None else str(message.interaction_id),
        "asked": None if asked is None else _asked(world, channel, asked),
        "reply": _reply(world, channel, message, asked),
        "edits": len(message.versions),
        "pinged_users": [str(one) for one in message.pings.users],
        "pinged_roles": [str(one) for one in message.pings.roles],
        "pinged_everyone": message.pings.everyone,
    }


def _author(world: World, channel: Channel, message: Message) -> dict[str, Any]:
    return _painted(world, channel, world.users[message.author_id])


def _painted(world: World, channel: Channel, user: User) -> dict[str, Any]:
    return user_view(user) | {"color": name_color(world.guild_of(channel), user)}


def _asked(world: World, channel: Channel, asked: Interaction) -> dict[str, Any]:
    """Who asked, and with which command: "live add", None for a button, a menu or a modal."""
    return {
        "id": str(asked.id),
        "type": asked.type,
        "user": _painted(world, channel, world.users[asked.user_id]),
        "command": command_path(asked.data) if asked.type == _COMMAND else None,
    }


def _reply(
    world: World, channel: Channel, message: Message, asked: Interaction | None
) -> dict[str, Any] | None:
    """What the client shows above a message: the one replied to, or the one whose button was pressed."""
    pressed = None if asked is None else asked.message_id
    target = world.messages.get(message.reply_to or pressed or 0)
    if target is None or target.id == message.id:
        return None
    return {
        "id": str(target.id),
        "author": _author(world, channel, target),
        "content": "" if target.deleted else target.content[:_EXCERPT],
        "deleted": target.deleted,
    }
