"""Threads of text and announcement channels, posts in forums, and publishing an announcement.

Private threads are not imitated, nor does a thread archive itself: a test or a page does that by order.
"""

from __future__ import annotations

from typing import Any, Final

from tools.sandbox.discord import compose, mentions, payloads
from tools.sandbox.discord.directory import known_guild
from tools.sandbox.discord.errors import ApiError, invalid
from tools.sandbox.discord.messages import (
    bot_permissions,
    check_words,
    known_message,
    needed,
    publish,
    require,
    visible_channel,
)
from tools.sandbox.discord.permissions import Bits
from tools.sandbox.discord.rest import Call, Route
from tools.sandbox.discord.world import (
    ANNOUNCEMENT,
    CROSSPOSTED,
    FORUM,
    HAS_THREAD,
    TEXT,
    Channel,
    Message,
    Thread,
)

_CHANNEL: Final = "/channels/{channel_id}"
_MESSAGE: Final = _CHANNEL + "/messages/{message_id}"
_OWN_MEMBERSHIP: Final = _CHANNEL + "/thread-members/@me"
_LONGEST_NAME: Final = 100


def routes() -> list[Route]:
    return [
        Route(method="POST", path=_MESSAGE + "/threads", handler=start_at_message, status=201),
        Route(method="POST", path=_CHANNEL + "/threads", handler=start, status=201),
        Route(method="PATCH", path=_CHANNEL, handler=change),
        Route(method="DELETE", path=_CHANNEL, handler=delete),
        Route(method="PUT", path=_OWN_MEMBERSHIP, handler=join),
        Route(method="DELETE", path=_OWN_MEMBERSHIP, handler=leave),
        Route(method="GET", path="/guilds/{guild_id}/threads/active", handler=active),
        Route(method="GET", path=_CHANNEL + "/threads/archived/public", handler=archived),
        Route(method="POST", path=_MESSAGE + "/crosspost", handler=crosspost),
    ]


def start_at_message(call: Call) -> dict[str, Any]:
    """A thread that begins with a message has its id. Raises ApiError 160004 if the message has one."""
    parent = visible_channel(call)
    message = known_message(call, parent)
    if message.flags & HAS_THREAD:
        raise ApiError(160004)
    channel = _start(call, parent, thread_id=message.id)
    message.flags |= HAS_THREAD
    call.service.message_changed(message, "edited")
    return payloads.channel(call.service.world, channel)


def start(call: Call) -> dict[str, Any]:
    """A thread by itself; in a forum a post, which is a thread and its first message at once."""
    parent = visible_channel(call)
    if parent.type == FORUM:
        return _post(call, parent)
    channel = _start(call, parent, thread_id=call.service.world.new_id())
    return payloads.channel(call.service.world, channel)


def _start(call: Call, parent: Channel, *, thread_id: int) -> Channel:
    if parent.type not in (TEXT, ANNOUNCEMENT):
        raise ApiError(50024)
    require(call, parent, Bits.CREATE_PUBLIC_THREADS)
    return _created(call, parent, thread_id=thread_id, tag_ids=[])


def _created(call: Call, parent: Channel, *, thread_id: int, tag_ids: list[int]) -> Channel:
    service, data = call.service, call.data
    name = data.get("name") or ""
    if not 1 <= len(name) <= _LONGEST_NAME:
        text = f"Must be between 1 and {_LONGEST_NAME} in length."
        raise invalid("name", "BASE_TYPE_BAD_LENGTH", text)
    channel = service.world.add_thread(
        parent, name, thread_id=thread_id, minutes=data.get("auto_archive_duration")
    )
    thread_of(channel).tag_ids = tag_ids
    guild = service.world.find_guild(channel.guild_id)
    service.tell("THREAD_CREATE", payloads.channel(service.world, channel) | {"newly_created": True}, guild)
    return channel


def _post(call: Call, forum: Channel) -> dict[str, Any]:
    """Raises ApiError 40067 where a tag is wanted, 10087 for one the forum does not have."""
    world, data = call.service.world, call.data.get("message")
    if not data:
        raise invalid("message", "BASE_TYPE_REQUIRED", "This field is required")
    require(call, forum, needed(forum, data, uploads=bool(call.body.uploads)))
    tag_ids = _tags(call, forum)
    mentions.check(data.get("allowed_mentions"))
    at = world.clock.now()
    message = Message(id=world.new_id(), channel_id=forum.id, author_id=world.bot.id, created_at=at)
    compose.fill(world, message, compose.Body(data=data, uploads=call.body.uploads))
    check_words(call, forum, message)
    channel = _created(call, forum, thread_id=message.id, tag_ids=tag_ids)
    message.channel_id = channel.id
    publish(call, channel, message, data.get("allowed_mentions"))
    return payloads.channel(world, channel) | {"message": payloads.message(world, message)}


def _tags(call: Call, forum: Channel) -> list[int]:
    tag_ids = [int(tag_id) for tag_id in call.data.get("applied_tags") or []]
    if forum.needs_tag and not tag_ids:
        raise ApiError(40067)
    if any(tag_id not in forum.tags for tag_id in tag_ids):
        raise ApiError(10087)
    return tag_ids


def thread_of(channel: Channel) -> Thread:
    """Raises ApiError 50024 for a channel that is none."""
    if channel.thread is None:
        raise ApiError(50024)
    return channel.thread


def change(call: Call) -> dict[str, Any]:
    """Only threads are changed here; a bot that manages channels is not imitated."""
    channel, data = visible_channel(call), call.data
    if channel.thread is None:
        raise ApiError(50013)
    thread = channel.thread
    _check_change(call, channel, thread)
    channel.name = data.get("name") or channel.name
    if "applied_tags" in data and channel.parent is not None:
        thread.tag_ids = _tags(call, channel.parent)
    thread.archive_minutes = data.get("auto_archive_duration") or thread.archive_minutes
    set_archived(call, thread, archived=data.get("archived"), locked=data.get("locked"))
    return call.service.tell_channel("THREAD_UPDATE", channel)


def _check_change(call: Call, channel: Channel, thread: Thread) -> None:
    """Who began a thread may change it; locking it, or opening a locked one, is for moderators."""
    data = call.data
    if bot_permissions(call, channel) & Bits.MANAGE_THREADS:
        return
    if thread.locked and data.get("archived") is False:
        raise ApiError(160005)
    if "locked" in data or thread.owner_id != call.service.world.bot.id:
        raise ApiError(50013)
    if thread.archived and data.get("archived") is not False:
        raise ApiError(50083)


def set_archived(call: Call, thread: Thread, *, archived: bool | None, locked: bool | None) -> None:
    thread.locked = thread.locked if locked is None else locked
    if archived is not None and archived != thread.archived:
        thread.archived, thread.changed_at = archived, call.service.world.clock.now()


def delete(call: Call) -> dict[str, Any]:
    channel = visible_channel(call)
    if channel.thread is None or channel.parent is None:
        raise ApiError(50013)
    require(call, channel, Bits.MANAGE_THREADS)
    for message in call.service.world.history(channel):
        message.deleted = True
    channel.deleted = True
    gone = {
        "id": str(channel.id),
        "guild_id": str(channel.guild_id),
        "parent_id": str(channel.parent.id),
        "type": channel.type,
    }
    call.service.tell("THREAD_DELETE", gone, call.service.world.find_guild(channel.guild_id))
    return payloads.channel(call.service.world, channel)


def join(call: Call) -> None:
    _set_joined(call, joined=True)


def leave(call: Call) -> None:
    _set_joined(call, joined=False)


def _set_joined(call: Call, *, joined: bool) -> None:
    channel = visible_channel(call)
    thread = thread_of(channel)
    if thread.archived:
        raise ApiError(50083)
    thread.joined = joined
    own = [payloads.thread_member(call.service.world, channel)] if joined else []
    change = {
        "id": str(channel.id),
        "guild_id": str(channel.guild_id),
        "member_count": int(joined),
        "added_members": own,
        "removed_member_ids": [] if joined else [str(call.service.world.bot.id)],
    }
    call.service.tell("THREAD_MEMBERS_UPDATE", change, call.service.world.find_guild(channel.guild_id))


def active(call: Call) -> dict[str, Any]:
    guild = known_guild(call)
    seen = [
        one
        for one in call.service.world.threads_of(guild)
        if not thread_of(one).archived and bot_permissions(call, one) & Bits.VIEW_CHANNEL
    ]
    return _listed(call, seen)


def archived(call: Call) -> dict[str, Any]:
    parent = visible_channel(call)
    require(call, parent, Bits.READ_MESSAGE_HISTORY)
    guild = call.service.world.find_guild(parent.guild_id)
    own = [one for one in call.service.world.threads_of(guild) if one.parent is parent]
    closed = [one for one in own if thread_of(one).archived]
    newest_first = sorted(closed, key=lambda one: thread_of(one).changed_at, reverse=True)
    return _listed(call, newest_first[: int(call.query.get("limit", "50"))])


def _listed(call: Call, found: list[Channel]) -> dict[str, Any]:
    world = call.service.world
    return {
        "threads": [payloads.channel(world, one) for one in found],
        "members": [payloads.thread_member(world, one) for one in found if thread_of(one).joined],
        "has_more": False,
    }


def crosspost(call: Call) -> dict[str, Any]:
    """Publish a message of an announcement channel to those who follow it, ten in an hour."""
    channel = visible_channel(call)
    message = known_message(call, channel)
    if channel.type != ANNOUNCEMENT:
        raise ApiError(50024)
    own = message.author_id == call.service.world.bot.id
    require(call, channel, Bits.SEND_MESSAGES if own else Bits.MANAGE_MESSAGES)
    if message.flags & CROSSPOSTED:
        raise ApiError(40033)
    call.service.limits.publishing.take(channel.id, call.service.world.clock)
    message.flags |= CROSSPOSTED
    call.service.message_changed(message, "edited")
    return payloads.message(call.service.world, message)
