"""The world as the JSON Discord sends. One function per object; ids become strings here."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final

from tools.sandbox.discord.permissions import in_guild
from tools.sandbox.discord.world import (
    FORUM,
    HAS_THREAD,
    Attachment,
    Channel,
    Guild,
    Interaction,
    Member,
    Message,
    Overwrite,
    Role,
    Thread,
    User,
    World,
)

#: Default upload limit per file since 2025-01 (specs/discord.md, section 4).
UPLOAD_LIMIT: Final = 10 * 1024 * 1024
_REQUIRE_TAG: Final = 1 << 4
_EMPTY_GUILD: Final[dict[str, Any]] = {
    "afk_channel_id": None,
    "afk_timeout": 300,
    "application_id": None,
    "banner": None,
    "default_message_notifications": 0,
    "description": None,
    "discovery_splash": None,
    "emojis": [],
    "explicit_content_filter": 0,
    "features": [],
    "home_header": None,
    "icon": None,
    "incidents_data": None,
    "max_members": 500_000,
    "max_presences": None,
    "max_stage_video_channel_users": 50,
    "max_video_channel_users": 25,
    "mfa_level": 0,
    "nsfw": False,
    "nsfw_level": 0,
    "preferred_locale": "en-US",
    "premium_progress_bar_enabled": False,
    "premium_progress_bar_enabled_user_updated_at": None,
    "premium_subscription_count": 0,
    "premium_tier": 0,
    "public_updates_channel_id": None,
    "region": "deprecated",
    "rules_channel_id": None,
    "safety_alerts_channel_id": None,
    "splash": None,
    "stickers": [],
    "system_channel_flags": 0,
    "system_channel_id": None,
    "vanity_url_code": None,
    "verification_level": 0,
    "widget_channel_id": None,
    "widget_enabled": False,
}


def user(who: User) -> dict[str, Any]:
    return {
        "id": str(who.id),
        "username": who.name.lower(),
        "global_name": None if who.bot else who.name,
        "avatar": None,
        "avatar_decoration_data": None,
        "banner": None,
        "accent_color": None,
        "bot": who.bot,
        "collectibles": None,
        "discriminator": "0000" if who.bot else "0",
        "flags": 0,
        "primary_guild": None,
        "public_flags": 0,
    }


def own_user(who: User) -> dict[str, Any]:
    return {
        **user(who),
        "email": None,
        "locale": "en-US",
        "mfa_enabled": True,
        "premium_type": 0,
        "verified": True,
    }


def application(world: World) -> dict[str, Any]:
    owner = next(iter(world.guilds.values())).owner_id
    return {
        "id": str(world.bot.id),
        "name": world.bot.name,
        "icon": None,
        "description": "A bot in a sandbox",
        "type": None,
        "bot": user(world.bot),
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "flags": 0,
        "flags_new": "0",
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "owner": user(world.users[owner]),
        "approximate_guild_count": len(world.guilds),
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "team": None,
        "eligible_oauth2_scopes": [],
    }


def role(one: Role) -> dict[str, Any]:
    tags = {} if one.bot_id is None else {"tags": {"bot_id": str(one.bot_id)}}
    return {
        "id": str(one.id),
        "name": one.name,
        "permissions": str(one.permissions),
        "position": one.position,
        "color": one.color,
        "colors": {"primary_color": one.color, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": one.bot_id is not None,
        "mentionable": one.mentionable,
        "icon": None,
        "unicode_emoji": None,
        "flags": 0,
        **tags,
    }


def overwrite(one: Overwrite) -> dict[str, Any]:
    return {
        "id": str(one.target_id),
        "type": int(one.is_member),
        "allow": str(int(one.allow)),
        "deny": str(int(one.deny)),
    }


def channel(world: World, one: Channel) -> dict[str, Any]:
    shared = {
        "id": str(one.id),
        "type": one.type,
        "flags": _REQUIRE_TAG if one.needs_tag else 0,
        "last_message_id": None if one.last_message_id is None else str(one.last_message_id),
    }
    if one.recipient_id is not None:
        return {**shared, "recipients": [user(world.users[one.recipient_id])]}
    if one.thread is not None and one.parent is not None:
        return {**shared, **_thread(world, one, one.parent, one.thread)}
    return {
        **shared,
        "guild_id": str(one.guild_id),
        "name": one.name,
        "parent_id": None,
        "position": one.position,
        "permission_overwrites": [overwrite(each) for each in one.overwrites.values()],
        "nsfw": False,
        "rate_limit_per_user": 0,
        "topic": None,
        "last_pin_timestamp": None,
        **(_forum(one) if one.type == FORUM else {}),
    }


def _forum(one: Channel) -> dict[str, Any]:
    tags = [
        {"id": str(tag_id), "name": name, "moderated": False, "emoji_id": None, "emoji_name": None}
        for tag_id, name in one.tags.items()
    ]
    return {
        "available_tags": tags,
        "default_reaction_emoji": None,
        "default_sort_order": None,
        "default_forum_layout": 0,
    }


def _thread(world: World, one: Channel, parent: Channel, thread: Thread) -> dict[str, Any]:
    # Without the first one, which in a text channel stands outside of the thread.
    count = sum(message.id != one.id for message in world.history(one))
    own = {"member": thread_member(world, one)} if thread.joined else {}
    return {
        "guild_id": str(one.guild_id),
        "name": one.name,
        "parent_id": str(parent.id),
        "owner_id": str(thread.owner_id),
        "rate_limit_per_user": 0,
        "message_count": count,
        "total_message_sent": count,
        "member_count": int(thread.joined),
        "thread_metadata": {
            "archived": thread.archived,
            "archive_timestamp": instant(thread.changed_at),
            "auto_archive_duration": thread.archive_minutes,
            "locked": thread.locked,
            "create_timestamp": instant(thread.created_at),
        },
        **({"applied_tags": [str(tag_id) for tag_id in thread.tag_ids]} if parent.type == FORUM else {}),
        **own,
    }


def thread_member(world: World, one: Channel) -> dict[str, Any]:
    """The bot's membership of the thread."""
    joined_at = world.clock.now() if one.thread is None else one.thread.created_at
    return {
        "id": str(one.id),
        "user_id": str(world.bot.id),
        "join_timestamp": instant(joined_at),
        "flags": 0,
    }


def member(world: World, one: Member, *, with_user: bool = True) -> dict[str, Any]:
    who = {"user": user(world.users[one.user_id])} if with_user else {}
    return {
        "avatar": None,
        "banner": None,
        "communication_disabled_until": None,
        "deaf": False,
        "flags": 0,
        "joined_at": instant(one.joined_at),
        "mute": False,
        "nick": None,
        "pending": False,
        "premium_since": None,
        "roles": [str(role_id) for role_id in one.role_ids],
        **who,
    }


def guild(one: Guild) -> dict[str, Any]:
    return {
        **_EMPTY_GUILD,
        "id": str(one.id),
        "name": one.name,
        "owner_id": str(one.owner_id),
        "roles": [role(each) for each in one.roles.values()],
    }


def own_guild(one: Guild, user_id: int) -> dict[str, Any]:
    """A guild as its member lists it, with the member's permissions there."""
    return {
        "id": str(one.id),
        "name": one.name,
        "icon": _EMPTY_GUILD["icon"],
        "banner": _EMPTY_GUILD["banner"],
        "owner": one.owner_id == user_id,
        "permissions": str(in_guild(one, user_id)),
        "features": _EMPTY_GUILD["features"],
    }


def guild_create(world: World, one: Guild) -> dict[str, Any]:
    """The guild as the gateway shows it: without the members intent only the bot is among the members."""
    own = one.members[world.bot.id]
    gateway_only: dict[str, Any] = {
        "channels": [channel(world, each) for each in world.channels_of(one)],
        "guild_scheduled_events": [],
        "hub_type": None,
        "joined_at": instant(own.joined_at),
        "large": False,
        "member_count": len(one.members),
        "members": [member(world, own)],
        "presences": [],
        "soundboard_sounds": [],
        "stage_instances": [],
        "threads": [
            channel(world, each)
            for each in world.threads_of(one)
            if each.thread is not None and not each.thread.archived
        ],
        "unavailable": False,
        "voice_states": [],
    }
    return guild(one) | gateway_only


def attachment(one: Attachment) -> dict[str, Any]:
    size = {} if one.width is None else {"width": one.width, "height": one.height}
    text = {} if one.description is None else {"description": one.description}
    return {
        "id": str(one.id),
        "filename": one.filename,
        "size": len(one.data),
        "url": one.url,
        "proxy_url": one.url,
        "content_type": one.content_type,
        **size,
        **text,
    }


def shown_elsewhere(one: Message, file: Attachment) -> bool:
    """Does an embed or a component show the file? Then it is not listed among the attachments."""
    return json.dumps(file.url) in json.dumps([one.embeds, one.components])


def message(world: World, one: Message) -> dict[str, Any]:
    optional: dict[str, Any] = {}
    if one.nonce is not None:
        optional["nonce"] = one.nonce
    if one.reply_to is not None:
        optional["message_reference"] = {
            "type": 0,
            "message_id": str(one.reply_to),
            "channel_id": str(one.channel_id),
        }
        optional["referenced_message"] = None
    if one.flags & HAS_THREAD:
        optional["thread"] = channel(world, world.channels[one.id])
    if one.interaction_id is not None:
        optional |= _from_interaction(world, world.interactions[one.interaction_id])
    if one.reactions:
        optional["reactions"] = [_reaction(world, name, users) for name, users in one.reactions.items()]
    return {
        "id": str(one.id),
        "channel_id": str(one.channel_id),
        "type": _message_type(one),
        "author": user(world.users[one.author_id]),
        "content": one.content,
        "embeds": one.embeds,
        "components": one.components,
        "attachments": [attachment(file) for file in one.files if not shown_elsewhere(one, file)],
        "mentions": [user(world.users[user_id]) for user_id in one.pings.users],
        "mention_roles": [str(role_id) for role_id in one.pings.roles],
        "mention_everyone": one.pings.everyone,
        "timestamp": instant(one.created_at),
        "edited_timestamp": None if one.edited_at is None else instant(one.edited_at),
        "flags": one.flags,
        "pinned": False,
        "tts": False,
        **optional,
    }


def _message_type(one: Message) -> int:
    if one.interaction_id is not None:
        return 20
    return 0 if one.reply_to is None else 19


def _reaction(world: World, name: str, users: list[int]) -> dict[str, Any]:
    return {
        "burst_colors": [],
        "count": len(users),
        "count_details": {"burst": 0, "normal": len(users)},
        "emoji": {"id": None, "name": name},
        "me": world.bot.id in users,
        "me_burst": False,
    }


def _from_interaction(world: World, interaction: Interaction) -> dict[str, Any]:
    return {
        "application_id": str(world.bot.id),
        "webhook_id": str(world.bot.id),
        "interaction_metadata": interaction_metadata(world, interaction),
    }


def interaction_metadata(world: World, interaction: Interaction) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "id": str(interaction.id),
        "type": interaction.type,
        "user": user(world.users[interaction.user_id]),
        "authorizing_integration_owners": integration_owners(interaction),
    }
    if interaction.type == 3:
        metadata["interacted_message_id"] = str(interaction.message_id)
    if interaction.trigger_id is not None:
        trigger = world.interactions[interaction.trigger_id]
        metadata["triggering_interaction_metadata"] = interaction_metadata(world, trigger)
    return metadata


def integration_owners(interaction: Interaction) -> dict[str, str]:
    """Who installed the bot where this happened: the guild ("0"), in direct messages guild 0."""
    return {"0": str(interaction.guild_id or 0)}


def instant(at: datetime) -> str:
    return at.isoformat()
