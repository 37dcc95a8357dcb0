"""What exists in the stand-in's Discord. Plain state without protocol: REST, gateway and control read it.

Ids are integers here and strings in every JSON. Instants are aware UTC.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tools.sandbox.clock import WorldClock
from tools.sandbox.discord.permissions import BOT, EVERYONE, Bits

TEXT, DIRECT, ANNOUNCEMENT, ANNOUNCEMENT_THREAD, THREAD, FORUM = 0, 1, 5, 10, 11, 15
#: What a page or a test calls the kinds of channel that a person can make.
KINDS: Final = {"text": TEXT, "announcement": ANNOUNCEMENT, "forum": FORUM}
CROSSPOSTED, HAS_THREAD = 1 << 0, 1 << 5
EPHEMERAL, LOADING, COMPONENTS_V2 = 1 << 6, 1 << 7, 1 << 15
DISCORD_EPOCH_MS: Final = 1_420_070_400_000

#: The ids of the first world do not change between runs: what a bot stored about it stays true.
FIRST_ID: Final = 1_000_000_000_000_000_000


def now() -> datetime:
    """Give the machine's time: what is promised to a connection (deadlines, limits, nonces) goes by it."""
    return datetime.now(UTC)  # noqa: TID251 - a stand-in is the outside world


@dataclass(kw_only=True, slots=True)
class User:
    id: int
    name: str
    bot: bool = False
    accepts_dms: bool = True
    locale: str = "en-US"  # the language of their client


@dataclass(kw_only=True, slots=True)
class Role:
    id: int
    name: str
    permissions: int = 0
    position: int = 1
    mentionable: bool = False
    color: int = 0  # 0xRRGGBB; 0 is the client's own
    bot_id: int | None = None


@dataclass(kw_only=True, slots=True)
class Overwrite:
    """What one channel allows and denies to a role or a member."""

    target_id: int
    is_member: bool
    allow: int = 0
    deny: int = 0


@dataclass(kw_only=True, slots=True)
class Thread:
    """What a thread has beyond a channel. `archive_minutes` is told and not acted on: a test archives by order."""

    owner_id: int
    created_at: datetime
    changed_at: datetime
    archive_minutes: int = 4320
    archived: bool = False
    locked: bool = False
    tag_ids: list[int] = field(default_factory=list)
    joined: bool = True


@dataclass(kw_only=True, slots=True)
class Channel:
    """A channel of a guild, or a direct channel with `recipient_id`. A deleted one keeps its messages.

    A thread has `thread` and `parent`; a forum has `tags` (id: name) and may ask for one in each post.
    """

    id: int
    name: str
    guild_id: int | None = None
    recipient_id: int | None = None
    position: int = 0
    overwrites: dict[int, Overwrite] = field(default_factory=dict)
    last_message_id: int | None = None
    deleted: bool = False
    type: int = TEXT
    parent: Channel | None = None
    thread: Thread | None = None
    tags: dict[int, str] = field(default_factory=dict)
    needs_tag: bool = False

    @property
    def sending(self) -> Bits:
        """The permission without which nobody writes here."""
        return Bits.SEND_MESSAGES if self.thread is None else Bits.SEND_MESSAGES_IN_THREADS


@dataclass(kw_only=True, slots=True)
class Member:
    user_id: int
    role_ids: list[int]
    joined_at: datetime


@dataclass(kw_only=True, slots=True)
class Guild:
    id: int
    name: str
    owner_id: int
    roles: dict[int, Role] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)
    blocked_words: list[str] = field(default_factory=list)  # AutoMod's

    def remove_role(self, role: Role) -> None:
        """Also from everybody who has it."""
        del self.roles[role.id]
        for member in self.members.values():
            member.role_ids = [role_id for role_id in member.role_ids if role_id != role.id]


@dataclass(kw_only=True, slots=True)
class Attachment:
    """A file as it was uploaded; `width` and `height` in pixels for images, else None."""

    id: int
    filename: str
    content_type: str
    data: bytes
    url: str
    width: int | None = None
    height: int | None = None
    description: str | None = None


@dataclass(kw_only=True, slots=True)
class Pings:
    """Whom a message really notified."""

    users: list[int] = field(default_factory=list)
    roles: list[int] = field(default_factory=list)
    everyone: bool = False


@dataclass(kw_only=True, slots=True)
class Message:
    """`files` holds every upload, also those an embed or component shows; `versions` earlier states.

    `created_at` and `edited_at` are the world's, `arrived_at` is the machine's.
    """

    id: int
    channel_id: int
    author_id: int
    created_at: datetime
    arrived_at: datetime = field(default_factory=now)
    content: str = ""
    embeds: list[dict[str, Any]] = field(default_factory=list)
    components: list[dict[str, Any]] = field(default_factory=list)
    files: list[Attachment] = field(default_factory=list)
    flags: int = 0
    nonce: str | int | None = None
    reply_to: int | None = None
    interaction_id: int | None = None
    pings: Pings = field(default_factory=Pings)
    reactions: dict[str, list[int]] = field(default_factory=dict)
    edited_at: datetime | None = None
    deleted: bool = False
    versions: list[dict[str, Any]] = field(default_factory=list)

    @property
    def ephemeral(self) -> bool:
        return bool(self.flags & EPHEMERAL)


@dataclass(kw_only=True, slots=True)
class Command:
    """A registered application command. `guild_id` is None for a global one; `spec` is what the bot sent."""

    id: int
    guild_id: int | None
    version: int
    spec: dict[str, Any]

    @property
    def key(self) -> tuple[int, str]:
        return self.spec.get("type") or 1, self.spec["name"]


@dataclass(kw_only=True, slots=True)
class Interaction:
    """One use of the bot by a person. `type`: 2 command, 3 component, 4 autocomplete, 5 modal.

    `created_at` and `acked_at` are the machine's: the answer is due in its seconds.
    `answer_type` is the callback's type; `original_id` the message that ``@original`` means.
    """

    id: int
    token: str
    type: int
    user_id: int
    channel_id: int
    guild_id: int | None
    data: dict[str, Any]
    created_at: datetime
    message_id: int | None = None
    trigger_id: int | None = None
    acked_at: datetime | None = None
    answer_type: int | None = None
    answer: dict[str, Any] = field(default_factory=dict)
    original_id: int | None = None
    filled: bool = False
    followup_ids: list[int] = field(default_factory=list)
    edits: int = 0


class World:
    """Everything that exists, and the ways to find it by the name a person would use.

    `files` keeps every upload, also those no message has any more; `cdn` is the address they are served below.
    """

    def __init__(self, clock: WorldClock | None = None) -> None:
        self.clock = clock or WorldClock(None)
        self.users: dict[int, User] = {}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.messages: dict[int, Message] = {}
        self.files: dict[int, Attachment] = {}
        self.commands: dict[int, Command] = {}
        self.interactions: dict[int, Interaction] = {}
        self.cdn = ""
        self._last_id = 0
        self.bot = self.add_user("Vedette", user_id=FIRST_ID + 1, bot=True)
        prefix = base64.b64encode(str(self.bot.id).encode()).decode().rstrip("=")
        self.token = f"{prefix}.sandbox.not-a-secret"

    def new_id(self) -> int:
        """A snowflake: Discord's epoch in milliseconds << 22, and always larger than the one before."""
        milliseconds = int(self.clock.unix() * 1000) - DISCORD_EPOCH_MS
        self._last_id = max(self._last_id + 1, milliseconds << 22)
        return self._last_id

    def add_user(self, name: str, *, user_id: int | None = None, bot: bool = False) -> User:
        user = User(id=user_id or self.new_id(), name=name, bot=bot)
        self.users[user.id] = user
        return user

    def add_guild(self, name: str, owner: User, *, first_id: int | None = None) -> Guild:
        """A guild with @everyone, the bot's managed role, two more roles, the owner and the bot."""
        ids = [self.new_id() for _ in range(4)] if first_id is None else [first_id + n for n in range(4)]
        guild = Guild(id=ids[0], name=name, owner_id=owner.id)
        for role in (
            Role(id=ids[0], name="@everyone", permissions=EVERYONE, position=0),
            Role(id=ids[1], name="Live pings", mentionable=True, position=1, color=0xE67E22),
            Role(id=ids[2], name="Quiet", position=2),
            Role(
                id=ids[3],
                name=self.bot.name,
                permissions=BOT,
                position=3,
                color=0x1ABC9C,
                bot_id=self.bot.id,
            ),
        ):
            guild.roles[role.id] = role
        self.guilds[guild.id] = guild
        self.join(guild, owner)
        self.join(guild, self.bot, roles=[ids[3]])
        return guild

    def join(self, guild: Guild, user: User, *, roles: list[int] | None = None) -> Member:
        member = Member(user_id=user.id, role_ids=roles or [], joined_at=self.clock.now() - timedelta(days=1))
        guild.members[user.id] = member
        return member

    def add_channel(
        self, guild: Guild, name: str, *, channel_id: int | None = None, kind: int = TEXT
    ) -> Channel:
        channel = Channel(
            id=channel_id or self.new_id(),
            name=name,
            guild_id=guild.id,
            position=len(self.channels_of(guild)),
            type=kind,
        )
        self.channels[channel.id] = channel
        return channel

    def direct_channel(self, user: User) -> Channel:
        for channel in self.channels.values():
            if channel.recipient_id == user.id:
                return channel
        channel = Channel(id=self.new_id(), name=f"dm:{user.name}", recipient_id=user.id, type=DIRECT)
        self.channels[channel.id] = channel
        return channel

    def add_thread(self, parent: Channel, name: str, *, thread_id: int, minutes: int | None) -> Channel:
        """A public thread that the bot began, named and numbered like the message it began with."""
        at = self.clock.now()
        channel = Channel(
            id=thread_id,
            name=name,
            guild_id=parent.guild_id,
            type=ANNOUNCEMENT_THREAD if parent.type == ANNOUNCEMENT else THREAD,
            parent=parent,
            thread=Thread(
                owner_id=self.bot.id, created_at=at, changed_at=at, archive_minutes=minutes or 4320
            ),
        )
        self.channels[channel.id] = channel
        return channel

    def channels_of(self, guild: Guild) -> list[Channel]:
        """Without the threads."""
        return [one for one in self._places(guild) if one.thread is None]

    def threads_of(self, guild: Guild) -> list[Channel]:
        return [one for one in self._places(guild) if one.thread is not None]

    def _places(self, guild: Guild) -> list[Channel]:
        return [one for one in self.channels.values() if one.guild_id == guild.id and not one.deleted]

    def guild_of(self, channel: Channel) -> Guild | None:
        return None if channel.guild_id is None else self.guilds.get(channel.guild_id)

    def history(self, channel: Channel) -> list[Message]:
        """What everyone in the channel can see, oldest first."""
        return [
            message
            for message in self.messages.values()
            if message.channel_id == channel.id and not message.deleted and not message.ephemeral
        ]

    def find_user(self, key: str | int) -> User:
        """By id or name. Raises ValueError."""
        for user in self.users.values():
            if str(key) in (str(user.id), user.name):
                return user
        raise ValueError(f"no user {key!r}; there are {[user.name for user in self.users.values()]}")

    def find_guild(self, key: str | int | None) -> Guild:
        """By id or name; None is the first one. Raises ValueError."""
        for guild in self.guilds.values():
            if key is None or str(key) in (str(guild.id), guild.name):
                return guild
        raise ValueError(f"no guild {key!r}; there are {[guild.name for guild in self.guilds.values()]}")

    def find_channel(self, key: str | int, guild: Guild | None = None) -> Channel:
        """By id or name, with or without #, in `guild` or the oldest guild that has it. Raises ValueError."""
        channels = [one for one in self.channels.values() if not one.deleted]
        if guild is not None:
            channels = self._places(guild)
        for channel in channels:
            if str(key).removeprefix("#") in (str(channel.id), channel.name):
                return channel
        raise ValueError(f"no channel {key!r}; there are {[channel.name for channel in channels]}")

    def find_role(self, guild: Guild, key: str | int) -> Role:
        """By id or name. Raises ValueError."""
        for role in guild.roles.values():
            if str(key) in (str(role.id), role.name):
                return role
        raise ValueError(f"no role {key!r}; there are {[role.name for role in guild.roles.values()]}")


def first_world(clock: WorldClock | None = None) -> World:
    """One guild with an owner "admin", a "member" and the channels a small community would give a bot."""
    world = World(clock)
    owner = world.add_user("admin", user_id=FIRST_ID + 2)
    guild = world.add_guild("Sandbox", owner, first_id=FIRST_ID + 10)
    world.join(guild, world.add_user("member", user_id=FIRST_ID + 3))
    for number, name in enumerate(("lives", "rounds", "admin", "general")):
        world.add_channel(guild, name, channel_id=FIRST_ID + 20 + number)
    hide_from_members(guild, world.find_channel("admin"))
    return world


def hide_from_members(guild: Guild, channel: Channel) -> None:
    """Only the bot's role, and whoever is administrator, sees the channel."""
    channel.overwrites[guild.id] = Overwrite(target_id=guild.id, is_member=False, deny=Bits.VIEW_CHANNEL)
    for role in guild.roles.values():
        if role.bot_id is not None:
            channel.overwrites[role.id] = Overwrite(
                target_id=role.id, is_member=False, allow=Bits.VIEW_CHANNEL | Bits.SEND_MESSAGES
            )
