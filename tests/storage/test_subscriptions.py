"""Who follows which account: what is read of it, in which order, and who counts as a follower."""

from __future__ import annotations

from bot.core.live.models import Person, ProfileState
from bot.storage import guilds, subscriptions
from bot.storage import live as store
from bot.storage.engine import Connection, Database
from bot.storage.subscriptions import Subscription
from tests.clocks import START


async def an_account(conn: Connection, number: int) -> int:
    person = Person(platform_id=number, handle=f"streamer{number}")
    return (await store.add_account(conn, person, ProfileState.ACTIVE, START)).id


async def follow(
    conn: Connection, account_id: int, guild_id: int, channel_id: int, **more: object
) -> Subscription:
    chosen = {"role_id": None, "paused": False, **more}
    one = Subscription(account_id=account_id, guild_id=guild_id, channel_id=channel_id, **chosen)
    await subscriptions.subscribe(conn, one, 42, START)
    return one


async def test_a_subscription_is_read_as_it_was_written(database: Database) -> None:
    async with database.write("test") as conn:
        ana, bea = await an_account(conn, 1), await an_account(conn, 2)
        first = await follow(conn, ana, 30, 301, role_id=7)
        second = await follow(conn, bea, 20, 201, paused=True)
        third = await follow(conn, ana, 20, 202)
        assert await subscriptions.load(conn) == (first, second, third)
        assert await subscriptions.load(conn, account_id=ana) == (first, third)
        assert await subscriptions.load(conn, guild_id=20) == (second, third)
        assert await subscriptions.load(conn, guild_id=20, active=True) == (third,)


async def test_each_guild_that_follows_is_told_once(database: Database) -> None:
    async with database.write("test") as conn:
        ana, bea = await an_account(conn, 1), await an_account(conn, 2)
        for channel_id in (1, 2, 3):
            await follow(conn, ana, 10, channel_id)
        await follow(conn, ana, 20, 4, paused=True)
        await follow(conn, bea, 30, 5)
        await guilds.joined(conn, 40, "UTC")
        await follow(conn, ana, 40, 6)
        assert await subscriptions.following_guilds(conn) == {10, 30, 40}
        assert await subscriptions.following_guilds(conn, [ana]) == {10, 40}
        assert await subscriptions.following_guilds(conn, []) == set()
        many = range(ana, ana + 2 * subscriptions.ASKED_AT_ONCE)
        assert await subscriptions.following_guilds(conn, many) == {10, 30, 40}
        assert await subscriptions.following_guilds(conn, many[::-1]) == {10, 30, 40}
        await guilds.left(conn, 40, START)
        assert await subscriptions.following_guilds(conn) == {10, 30}


async def test_only_guilds_that_were_seen_are_given(database: Database) -> None:
    async with database.write("test") as conn:
        await guilds.joined(conn, 10, "Asia/Jakarta")
        await guilds.joined(conn, 20, "UTC")
        await guilds.change(conn, 20, {"language": "id"})
        found = await guilds.load_some(conn, {10, 20, 30})
        assert {key: (one.guild_id, one.time_zone, one.language) for key, one in found.items()} == {
            10: (10, "Asia/Jakarta", "en"),
            20: (20, "UTC", "id"),
        }
        assert found[10] == await guilds.load(conn, 10)
        assert await guilds.load_some(conn, set()) == {}
