"""Whom a message notifies: the mentions in its text, filtered by allowed_mentions and permissions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from tools.sandbox.discord.errors import invalid
from tools.sandbox.discord.permissions import Bits, in_channel
from tools.sandbox.discord.world import Channel, Message, Pings, World

_USER: Final = re.compile(r"<@!?(\d+)>")
_ROLE: Final = re.compile(r"<@&(\d+)>")
_EVERYONE: Final = re.compile(r"@(everyone|here)\b")


def pings(world: World, channel: Channel, message: Message, allowed: Mapping[str, Any] | None) -> Pings:
    """Whom the text pings; embeds never ping. `allowed` is the request's allowed_mentions, None if absent.

    A role is pinged if it is mentionable or the author may mention everyone. Raises ApiError 50035 when
    `allowed` names ids and the whole kind at once, as Discord does.
    """
    guild = world.guild_of(channel)
    powerful = bool(in_channel(guild, channel, message.author_id) & Bits.MENTION_EVERYONE)
    text = message.content
    people = {} if guild is None else guild.members
    roles = {} if guild is None else guild.roles
    return Pings(
        users=[
            user_id
            for user_id in _ids(_USER, text)
            if (user_id in people or guild is None)
            and user_id in world.users
            and _allows(allowed, "users", user_id)
        ],
        roles=[
            role_id
            for role_id in _ids(_ROLE, text)
            if role_id in roles
            and (powerful or roles[role_id].mentionable)
            and _allows(allowed, "roles", role_id)
        ],
        everyone=bool(_EVERYONE.search(text)) and powerful and _parses(allowed, "everyone"),
    )


def check(allowed: Mapping[str, Any] | None) -> None:
    """Raises ApiError 50035 for an allowed_mentions that contradicts itself or is too long."""
    for kind in ("users", "roles"):
        ids = (allowed or {}).get(kind) or []
        if ids and _parses(allowed, kind):
            text = f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.'
            raise invalid("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", text)
        if len(ids) > 100:
            raise invalid(
                f"allowed_mentions.{kind}", "BASE_TYPE_MAX_LENGTH", "Must be 100 or fewer in length."
            )


def _ids(pattern: re.Pattern[str], text: str) -> list[int]:
    return list(dict.fromkeys(int(number) for number in pattern.findall(text)))


def _parses(allowed: Mapping[str, Any] | None, kind: str) -> bool:
    return allowed is None or kind in (allowed.get("parse") or [])


def _allows(allowed: Mapping[str, Any] | None, kind: str, target: int) -> bool:
    named = [str(one) for one in (allowed or {}).get(kind) or []]
    return _parses(allowed, kind) or str(target) in named
