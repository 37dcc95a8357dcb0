"""Commands and what becomes of them as the JSON Discord sends: registered, used, answered."""

from __future__ import annotations

from typing import Any

from tools.sandbox.discord.payloads import (
    UPLOAD_LIMIT,
    channel,
    integration_owners,
    member,
    message,
    user,
)
from tools.sandbox.discord.permissions import in_channel
from tools.sandbox.discord.world import LOADING, Command, Interaction, World


def interaction_create(world: World, interaction: Interaction) -> dict[str, Any]:
    """The payload of INTERACTION_CREATE. `channel` is an object: discord.py needs more than its id."""
    where = world.channels[interaction.channel_id]
    place = world.guild_of(where)
    payload: dict[str, Any] = {
        "id": str(interaction.id),
        "application_id": str(world.bot.id),
        "type": interaction.type,
        "token": interaction.token,
        "version": 1,
        "data": interaction.data,
        "channel_id": str(where.id),
        "channel": channel(world, where)
        | {"permissions": str(in_channel(place, where, interaction.user_id))},
        "app_permissions": str(in_channel(place, where, world.bot.id)),
        "attachment_size_limit": UPLOAD_LIMIT,
        "authorizing_integration_owners": integration_owners(interaction),
        "context": 1 if place is None else 0,
        "entitlements": [],
        "locale": world.users[interaction.user_id].locale,
    }
    who = world.users[interaction.user_id]
    if place is None:
        payload["user"] = user(who)
    else:
        permissions = {"permissions": str(in_channel(place, where, who.id))}
        payload["member"] = member(world, place.members[who.id]) | permissions
        payload["guild_id"] = str(place.id)
        payload["guild"] = {"id": str(place.id), "features": [], "locale": "en-US"}
        payload["guild_locale"] = "en-US"
    if interaction.message_id is not None:
        payload["message"] = message(world, world.messages[interaction.message_id])
    return payload


def interaction_answer(world: World, interaction: Interaction) -> dict[str, Any]:
    """What the callback route answers with ``with_response=1``."""
    facts: dict[str, Any] = {"id": str(interaction.id), "type": interaction.type}
    original = world.messages.get(interaction.original_id or 0)
    if original is None or interaction.answer_type not in (4, 5, 7):
        return {"interaction": facts}
    facts |= {
        "response_message_id": str(original.id),
        "response_message_loading": bool(original.flags & LOADING),
        "response_message_ephemeral": original.ephemeral,
    }
    kind = 7 if interaction.answer_type == 7 else 4
    return {"interaction": facts, "resource": {"type": kind, "message": message(world, original)}}


def command(world: World, one: Command) -> dict[str, Any]:
    """A registered command; default_member_permissions came as an integer and leaves as a string."""
    wanted = one.spec.get("default_member_permissions")
    place = {} if one.guild_id is None else {"guild_id": str(one.guild_id)}
    kept = ("name", "description", "options", "contexts", "integration_types", "nsfw", "dm_permission")
    return {
        **{key: one.spec[key] for key in kept if one.spec.get(key) is not None},
        "type": one.key[0],
        "description": one.spec.get("description") or "",
        "name_localizations": one.spec.get("name_localizations"),
        "description_localizations": one.spec.get("description_localizations"),
        "id": str(one.id),
        "application_id": str(world.bot.id),
        "version": str(one.version),
        "default_member_permissions": None if wanted is None else str(wanted),
        **place,
    }
