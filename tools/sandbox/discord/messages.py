"""Messages in channels: permission checks, nonce, history, edits, reactions."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, Final

from tools.sandbox.discord import compose, mentions, payloads
from tools.sandbox.discord.errors import ApiError, invalid
from tools.sandbox.discord.permissions import Bits, in_channel
from tools.sandbox.discord.rest import Call, Route
from tools.sandbox.discord.world import COMPONENTS_V2, FORUM, Channel, Message, now

#: So old a message must be for the limit of edits that is counted by the hour.
_OLD: Final = timedelta(hours=1)
_CHANNEL: Final = "/channels/{channel_id}"
_MESSAGE: Final = _CHANNEL + "/messages/{message_id}"
_REACTION: Final = _MESSAGE + "/reactions/{emoji_name}/@me"


def routes() -> list[Route]:
    return [
        Route(method="POST", path=_CHANNEL + "/messages", handler=post),
        Route(method="GET", path=_CHANNEL + "/messages", handler=history),
        Route(method="GET", path=_MESSAGE, handler=get),
        Route(method="PATCH", path=_MESSAGE, handler=edit),
        Route(method="DELETE", path=_MESSAGE, handler=delete),
        Route(method="PUT", path=_REACTION, handler=react),
        Route(method="DELETE", path=_REACTION, handler=unreact),
        Route(method="POST", path=_CHANNEL + "/typing", handler=typing),
    ]


def visible_channel(call: Call) -> Channel:
    """The channel of the path. Raises ApiError 10003, or 50001 if the bot may not see it."""
    world = call.service.world
    channel = world.channels.get(call.id("channel_id"))
    if channel is None or channel.deleted:
        raise ApiError(10003)
    if not bot_permissions(call, channel) & Bits.VIEW_CHANNEL:
        raise ApiError(50001)
    return channel


def bot_permissions(call: Call, channel: Channel) -> int:
    world = call.service.world
    return in_channel(world.guild_of(channel), channel, world.bot.id)


def require(call: Call, channel: Channel, bits: int) -> None:
    """Raises ApiError 50013 unless the bot has all of `bits` in the channel."""
    if bits & ~bot_permissions(call, channel):
        raise ApiError(50013)


def known_message(call: Call, channel: Channel) -> Message:
    """The message of the path. Raises ApiError 10008; nobody finds an ephemeral message this way."""
    message = call.service.world.messages.get(call.id("message_id"))
    if message is None or message.channel_id != channel.id or message.deleted or message.ephemeral:
        raise ApiError(10008)
    return message


def post(call: Call) -> dict[str, Any]:
    world = call.service.world
    channel = visible_channel(call)
    data = call.data or {}
    if channel.type == FORUM:
        raise ApiError(50008)
    require(call, channel, needed(channel, data, uploads=bool(call.body.uploads)))
    _check_reachable(call, channel)
    if (known := _same_nonce(call, data)) is not None:
        return payloads.message(world, known)
    mentions.check(data.get("allowed_mentions"))
    at = world.clock.now()
    message = Message(id=world.new_id(), channel_id=channel.id, author_id=world.bot.id, created_at=at)
    message.nonce = data.get("nonce")
    message.reply_to = _reply_to(call, channel, data)
    compose.fill(world, message, call.body)
    check_words(call, channel, message)
    _open_thread(call, channel)
    publish(call, channel, message, data.get("allowed_mentions"))
    return payloads.message(world, message)


def publish(call: Call, channel: Channel, message: Message, allowed: Any) -> None:
    """Put a finished message into its channel."""
    world = call.service.world
    message.pings = mentions.pings(world, channel, message, allowed)
    world.messages[message.id] = message
    channel.last_message_id = message.id
    call.service.message_changed(message, "posted")


def check_words(call: Call, channel: Channel, message: Message) -> None:
    """Raises ApiError 200000 for what the guild's own rules do not let through."""
    guild = call.service.world.guild_of(channel)
    text = json.dumps([message.content, message.embeds], ensure_ascii=False).lower()
    if guild is not None and any(word.lower() in text for word in guild.blocked_words):
        raise ApiError(200000)


def _open_thread(call: Call, channel: Channel) -> None:
    """A message opens an archived thread again, unless a moderator has locked it (160005)."""
    thread = channel.thread
    if thread is None:
        return
    if thread.locked and not bot_permissions(call, channel) & Bits.MANAGE_THREADS:
        raise ApiError(160005)
    if thread.archived:
        thread.archived, thread.changed_at = False, call.service.world.clock.now()
        call.service.tell_channel("THREAD_UPDATE", channel)


def _refuse_archived(channel: Channel) -> None:
    """Raises ApiError 50083: in an archived thread messages can only be deleted."""
    if channel.thread is not None and channel.thread.archived:
        raise ApiError(50083)


def needed(channel: Channel, data: dict[str, Any], *, uploads: bool) -> int:
    """The permissions without which the bot may not send this there."""
    bits = int(channel.sending)
    if data.get("embeds"):
        bits |= Bits.EMBED_LINKS
    if uploads:
        bits |= Bits.ATTACH_FILES
    return bits


def _check_reachable(call: Call, channel: Channel) -> None:
    if channel.recipient_id is not None and not call.service.world.users[channel.recipient_id].accepts_dms:
        raise ApiError(50007)


def _same_nonce(call: Call, data: dict[str, Any]) -> Message | None:
    """The message that already has this nonce. Raises ApiError 10008 if it was deleted (4.1 of the spec)."""
    if data.get("nonce") is None or not data.get("enforce_nonce"):
        return None
    if len(str(data["nonce"])) > 25:
        raise invalid("nonce", "NONCE_TYPE_TOO_LONG", "Nonce too long, must be 25 characters or less")
    since = now() - timedelta(seconds=call.service.nonce_seconds)
    for message in reversed(call.service.world.messages.values()):
        if message.arrived_at < since:
            return None
        if message.author_id == call.service.world.bot.id and str(message.nonce) == str(data["nonce"]):
            if message.deleted:
                raise ApiError(10008)
            return message
    return None


def _reply_to(call: Call, channel: Channel, data: dict[str, Any]) -> int | None:
    reference = data.get("message_reference")
    if not reference:
        return None
    if not bot_permissions(call, channel) & Bits.READ_MESSAGE_HISTORY:
        raise ApiError(160002)
    target = call.service.world.messages.get(int(reference["message_id"]))
    if target is not None and target.channel_id == channel.id and not target.deleted:
        return target.id
    if reference.get("fail_if_not_exists", True):
        raise invalid("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
    return None


def history(call: Call) -> list[dict[str, Any]]:
    """Newest first. Who may not read the history gets none of it."""
    channel = visible_channel(call)
    if not bot_permissions(call, channel) & Bits.READ_MESSAGE_HISTORY:
        return []
    limit = int(call.query.get("limit", "50"))
    if not 1 <= limit <= 100:
        raise invalid("limit", "NUMBER_TYPE_MAX", "int value should be between 1 and 100.")
    world = call.service.world
    return [payloads.message(world, message) for message in _page(call, world.history(channel), limit)]


def _page(call: Call, found: list[Message], limit: int) -> list[Message]:
    if "around" in call.query:
        middle = int(call.query["around"])
        found = sorted(
            sorted(found, key=lambda message: abs(message.id - middle))[:limit], key=lambda m: m.id
        )
    elif "after" in call.query:
        found = [message for message in found if message.id > int(call.query["after"])][:limit]
    elif "before" in call.query:
        found = [message for message in found if message.id < int(call.query["before"])]
    return found[::-1][:limit]


def get(call: Call) -> dict[str, Any]:
    channel = visible_channel(call)
    require(call, channel, Bits.READ_MESSAGE_HISTORY)
    return payloads.message(call.service.world, known_message(call, channel))


def edit(call: Call) -> dict[str, Any]:
    channel = visible_channel(call)
    message = known_message(call, channel)
    if message.author_id != call.service.world.bot.id:
        raise ApiError(50005)
    _refuse_archived(channel)
    clock = call.service.world.clock
    if clock.now() - message.created_at > _OLD:
        call.service.limits.old_edits.take(channel.id, clock)
    change(call, message)
    return payloads.message(call.service.world, message)


def change(call: Call, message: Message) -> None:
    """Apply an edit to a message of the bot's own. An edit notifies nobody: `pings` stay as they were."""
    data = call.data or {}
    mentions.check(data.get("allowed_mentions"))
    if message.flags & COMPONENTS_V2 and "flags" in data and not (data["flags"] or 0) & COMPONENTS_V2:
        raise invalid("flags", "MESSAGE_CANNOT_REMOVE_COMPONENTS_V2_FLAG", "The flag cannot be removed")
    before = compose.snapshot(message)
    compose.fill(call.service.world, message, call.body)
    compose.remember(message, before, call.service.world.clock.now())
    call.service.message_changed(message, "edited")


def delete(call: Call) -> None:
    channel = visible_channel(call)
    message = known_message(call, channel)
    if message.author_id != call.service.world.bot.id:
        require(call, channel, Bits.MANAGE_MESSAGES)
    message.deleted = True
    call.service.message_changed(message, "deleted")


def react(call: Call) -> None:
    channel = visible_channel(call)
    require(call, channel, Bits.READ_MESSAGE_HISTORY | Bits.ADD_REACTIONS)
    _refuse_archived(channel)
    users = known_message(call, channel).reactions.setdefault(call.params["emoji_name"], [])
    if call.service.world.bot.id not in users:
        users.append(call.service.world.bot.id)


def unreact(call: Call) -> None:
    message = known_message(call, visible_channel(call))
    users = message.reactions.get(call.params["emoji_name"], [])
    left = [user for user in users if user != call.service.world.bot.id]
    message.reactions.pop(call.params["emoji_name"], None)
    if left:
        message.reactions[call.params["emoji_name"]] = left


def typing(call: Call) -> None:
    channel = visible_channel(call)
    require(call, channel, channel.sending)
    call.service.feed.add("typing", channel=channel.name, user=call.service.world.bot.name)
