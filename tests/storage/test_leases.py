"""A lease on a game server: one holder at a time, on both engines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.storage import leases

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


async def take(database, server: str, name: str, now: datetime = NOW) -> bool:
    async with database.write("test.take") as conn:
        return await leases.take(conn, server, name, now, now + 2 * MINUTE)


async def holder(database, server: str, now: datetime = NOW) -> str:
    async with database.read() as conn:
        return await leases.holder(conn, server, now)


async def test_one_holds_it_renews_it_and_lets_it_go(database):
    assert await holder(database, "alpha") == ""
    assert await take(database, "alpha", "one")
    assert not await take(database, "alpha", "two")
    assert await take(database, "alpha", "one", NOW + MINUTE)
    assert await holder(database, "alpha", NOW + 2.5 * MINUTE) == "one"
    async with database.write("test.leave") as conn:
        await leases.leave(conn, "alpha", "two")
    assert await holder(database, "alpha", NOW + MINUTE) == "one"
    async with database.write("test.leave") as conn:
        await leases.leave(conn, "alpha", "one")
    assert await take(database, "alpha", "two", NOW + MINUTE)


async def test_it_ends_by_itself_when_its_holder_died(database):
    assert await take(database, "alpha", "one")
    later = NOW + 2 * MINUTE
    assert await holder(database, "alpha", later) == ""
    assert await take(database, "alpha", "two", later)
    assert not await take(database, "alpha", "one", later)


async def test_each_server_has_its_own(database):
    assert await take(database, "alpha", "one")
    assert await take(database, "beta", "two")
    assert await holder(database, "alpha") == "one"
    assert await holder(database, "alpha_beta") == ""
