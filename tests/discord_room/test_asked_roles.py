"""Many members press an alert's bell at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import discord
import pytest

from bot.core.live.models import Person, ProfileState
from bot.core.requester import Requester
from bot.discord.role_controls import kept_role
from bot.services.notification_roles import FollowedPerson
from bot.storage import live
from tests.discord_room.room import Room


@pytest.fixture
async def guild(room: Room) -> AsyncIterator[discord.Guild]:
    """A guild in which the bot may manage roles."""
    guild = room.client.get_guild(room.guild_id)
    own = next(role for role in guild.roles if role.name == "Vedette")
    usual = [{"read_messages": "view_channel"}.get(name, name) for name, on in own.permissions if on]

    async def may(*names: str) -> None:
        order = {"permissions": [*usual, *names]}
        await room.ask(room.server.control, "PATCH", f"roles/{own.id}", order)
        await room.until(lambda: guild.me.guild_permissions.manage_roles is bool(names))

    await may("manage_roles")
    yield guild
    await may()


async def test_who_asks_at_once_or_right_after_gets_the_same_role(room: Room, guild: discord.Guild) -> None:
    person = Person(platform_id=1, handle="ana", nickname="Ana")
    async with room.database.write("test.account") as conn:
        account = await live.add_account(conn, person, ProfileState.ACTIVE, room.clock.now())
    ana = FollowedPerson(account_id=account.id, handle="ana", nickname="Ana", role_id=None)
    service = room.services.notification_roles
    at_once = await asyncio.gather(*(kept_role(service, guild, ana) for _ in range(3)))
    after = await kept_role(service, guild, ana)
    assert len({role.id for role in (*at_once, after)}) == 1
    assert [role.name for role in await guild.fetch_roles()].count("🔔 ana") == 1
    assert await service.kept(room.guild_id, account.id) == after.id
    await after.delete()


async def test_a_role_that_is_deleted_is_neither_offered_nor_mentioned_any_more(
    room: Room, guild: discord.Guild
) -> None:
    service = room.services.notification_roles
    by = Requester(guild_id=room.guild_id, user_id=42)
    async with room.database.write("test.account") as conn:
        person = Person(platform_id=2, handle="bea", nickname="Bea")
        account = await live.add_account(conn, person, ProfileState.ACTIVE, room.clock.now())
    bea = FollowedPerson(account_id=account.id, handle="bea", nickname="Bea", role_id=None)
    role = await kept_role(service, guild, bea)
    await service.offer(by, role.id)
    await role.delete()

    async def forgotten() -> bool:
        offer = await service.offer_of(room.guild_id)
        return not offer.role_ids and await service.kept(room.guild_id, account.id) is None

    await room.until_async(forgotten)
