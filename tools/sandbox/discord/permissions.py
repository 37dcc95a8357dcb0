"""Discord's permission bits and the arithmetic of roles and channel overwrites."""

from __future__ import annotations

from enum import IntFlag
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tools.sandbox.discord.world import Channel, Guild, Overwrite


class Bits(IntFlag):
    """The bits that matter here; the names are Discord's in upper case."""

    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    CONNECT = 1 << 20
    SPEAK = 1 << 21
    CHANGE_NICKNAME = 1 << 26
    MANAGE_ROLES = 1 << 28
    USE_APPLICATION_COMMANDS = 1 << 31
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    SEND_MESSAGES_IN_THREADS = 1 << 38


#: All defined bits up to 1 << 52, which an owner or administrator has.
ALL: Final = (1 << 53) - 1
#: The base permissions of the invite link: 274878024704 (specs/discord.md, section 4).
BOT: Final = int(
    Bits.VIEW_CHANNEL
    | Bits.SEND_MESSAGES
    | Bits.EMBED_LINKS
    | Bits.ATTACH_FILES
    | Bits.READ_MESSAGE_HISTORY
    | Bits.SEND_MESSAGES_IN_THREADS
)
#: What the invite link does not ask for, and an admin gives for more.
OPTIONAL: Final = int(Bits.MANAGE_ROLES | Bits.CREATE_PUBLIC_THREADS)
#: Less than a new real guild gives: what the bot may do shall come from its own role.
EVERYONE: Final = int(
    Bits.VIEW_CHANNEL
    | Bits.SEND_MESSAGES
    | Bits.READ_MESSAGE_HISTORY
    | Bits.ADD_REACTIONS
    | Bits.CONNECT
    | Bits.SPEAK
    | Bits.CHANGE_NICKNAME
    | Bits.USE_APPLICATION_COMMANDS
)
_NEED_SENDING = Bits.EMBED_LINKS | Bits.ATTACH_FILES | Bits.MENTION_EVERYONE


def named(bits: int) -> list[str]:
    """Give bits as `parse` takes them."""
    return [bit.name.lower() for bit in Bits(bits) if bit.name]


def parse(names: list[str]) -> int:
    """``["send_messages"]`` as bits. Raises ValueError for a name that is not known."""
    unknown = [name for name in names if name.upper() not in Bits.__members__]
    if unknown:
        raise ValueError(
            f"unknown permissions {unknown}; known are {[name.lower() for name in Bits.__members__]}"
        )
    bits = 0
    for name in names:
        bits |= Bits[name.upper()]
    return bits


def in_guild(guild: Guild, user_id: int) -> int:
    """The permissions of a member from roles alone; 0 for who is no member."""
    member = guild.members.get(user_id)
    if member is None:
        return 0
    bits = guild.roles[guild.id].permissions
    for role_id in member.role_ids:
        bits |= guild.roles[role_id].permissions
    return ALL if user_id == guild.owner_id or bits & Bits.ADMINISTRATOR else bits


def in_channel(guild: Guild | None, channel: Channel, user_id: int) -> int:
    """The permissions in a channel: @everyone's overwrite, then the roles' together, then the member's.

    A thread has those of its parent; but it is `Channel.sending` that decides there who may write.
    """
    if guild is None:
        return BOT | EVERYONE | Bits.MENTION_EVERYONE
    bits = in_guild(guild, user_id)
    if not bits or bits == ALL:
        return bits
    roles = guild.members[user_id].role_ids
    overwrites = (channel.parent or channel).overwrites
    bits = _apply(bits, [overwrites[guild.id]] if guild.id in overwrites else [])
    bits = _apply(bits, [overwrites[role] for role in roles if role in overwrites])
    bits = _apply(bits, [overwrites[user_id]] if user_id in overwrites else [])
    if not bits & Bits.VIEW_CHANNEL:
        return 0
    return bits if bits & channel.sending else bits & ~_NEED_SENDING


def _apply(bits: int, overwrites: list[Overwrite]) -> int:
    allow = deny = 0
    for overwrite in overwrites:
        allow |= overwrite.allow
        deny |= overwrite.deny
    return bits & ~deny | allow
