"""Messages in channels: permission checks, nonce, history, edits, reactions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from tools.sandbox.discord import compose, mentions, payloads
from tools.sandbox.discord.errors import ApiError, invalid
from tools.sandbox.discord.permissions import Bits, in_channel
from tools.sandbox.discord.rest import Call, Route
from tools.sandbox.discord.world import COMPONENTS_V2, Channel, Message, now

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
    service, world = call.service, call.service.world
    channel = visible_channel(call)
    data = call.data or {}
    require(call, channel, _needed(data, uploads=bool(call.body.uploads)))
    _check_reachable(call, channel)
    if (known := _same_nonce(call, data)) is not None:
        return payloads.message(world, known)
    mentions.check(data.get("allowed_mentions"))
    message = Message(id=world.new_id(), channel_id=channel.id, author_id=world.bot.id, created_at=now())
    message.nonce = data.get("nonce")
    message.reply_to = _reply_to(call, channel, data)
    compose.fill(world, message, call.body)
    message.pings = mentions.pings(world, channel, message, data.get("allowed_mentions"))
    world.messages[message.id] = message
    channel.last_message_id = message.id
    service.message_changed(message, "posted")
    return payloads.message(world, message)


def _needed(data: dict[str, Any], *, uploads: bool) -> int:
    bits = int(Bits.SEND_MESSAGES)
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
        if message.created_at < since:
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
    compose.remember(message, before)
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
    require(call, channel, Bits.SEND_MESSAGES)
    call.service.feed.add("typing", channel=channel.name)
