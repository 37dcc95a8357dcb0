"""Many members press an alert's bell at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import discord
import pytest

from bot.core.announcements import Message, Tone
from bot.core.live.models import Person, ProfileState
from bot.core.notifications.kinds import ALL, Kind, account_subject
from bot.core.notifications.options import Mention, Options
from bot.core.requester import Requester
from bot.discord.role_controls import kept_role
from bot.services.notification_roles import FollowedPerson
from bot.services.notifications import News, Place, tell
from bot.storage import live, notification_rules, subscriptions
from bot.storage.notification_rules import NotificationRule
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


@pytest.mark.parametrize("chosen", ["a rule", "a default", "a subscription"])
async def test_once_a_role_that_is_pinged_was_deleted_admins_are_told_and_alerts_name_nobody(
    room: Room, chosen: str
) -> None:
    lives, admins = await room.channel(), await room.channel()
    by = Requester(guild_id=room.guild_id, user_id=42)
    await room.services.guilds.save(by, admin_channel_id=admins)
    made = await room.ask(room.server.control, "POST", "roles", {"name": "Live *fans*"})
    role_id, now = int(made["id"]), room.clock.now()
    guild = room.client.get_guild(room.guild_id)
    await room.until(lambda: guild.get_role(role_id))
    pings = Options(mention=Mention.ROLE, role_id=role_id)
    async with room.database.write("test.choose") as conn:
        account = await live.add_account(
            conn, Person(platform_id=3, handle="cleo", nickname="Cleo"), ProfileState.ACTIVE, now
        )
        if chosen == "a subscription":
            followed = subscriptions.Subscription(
                account_id=account.id, guild_id=room.guild_id, channel_id=lives, role_id=role_id, paused=False
            )
            await subscriptions.subscribe(conn, followed, 42, now)
        elif chosen == "a default":
            await notification_rules.save_default(conn, room.guild_id, Kind.LIVE, pings)
        else:
            rule = NotificationRule(
                guild_id=room.guild_id, channel_id=lives, kind=Kind.LIVE, subject=ALL, options=pings
            )
            await notification_rules.save(conn, rule, 42, now)
    await room.ask(room.server.control, "DELETE", f"roles/{role_id}")
    (notice,) = await room.until_async(lambda: room.shown(admins))
    assert "Live \\*fans\\*" in notice["embeds"][0]["description"]
    news = News(
        kind=Kind.LIVE, subject=account_subject(account.id), event_key="live:7", began_at=now, seen_at=now
    )
    message = Message(title="Cleo is live", tone=Tone.LIVE)
    place = Place(guild_id=room.guild_id, channel_id=lives, message=message, role_id=role_id)
    async with room.database.write("test.tell") as conn:
        await tell(conn, news, [place], now)
    room.announcements.wake()
    (post,) = await room.until_async(lambda: room.shown(lives))
    assert (post["content"], post["pinged_roles"]) == ("", [])


async def test_of_a_role_that_nothing_pings_nobody_is_told_when_it_is_deleted(room: Room) -> None:
    admins = await room.channel()
    by = Requester(guild_id=room.guild_id, user_id=42)
    await room.services.guilds.save(by, admin_channel_id=admins)
    await room.services.notification_roles.role_gone(room.guild_id, 4_700_000_000_000_999, "Other")
    assert await room.announcements.due() == ()
