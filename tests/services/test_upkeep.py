"""What the nightly tidying forgets, and what it keeps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from bot.core.announcements import Message, Tone
from bot.core.delivery import OutboxState
from bot.core.live.models import Person, ProfileState
from bot.core.requester import Requester
from bot.services.guilds import Guilds
from bot.services.upkeep import GUILDS_KEPT, MESSAGES_KEPT, Upkeep
from bot.storage import live, outbox, subscriptions
from bot.storage.engine import Database
from bot.storage.tables import destinations, lives, metadata, requests
from bot.storage.tables import outbox as outbox_table
from tests.clocks import ManualClock
from tests.services.live_world import BY, CHANNEL, GUILD, LiveWorld

HELLO = Message(title="Hello", tone=Tone.ROUND)


@pytest.fixture
def upkeep(database: Database, clock: ManualClock, tmp_path: Path) -> Upkeep:
    return Upkeep(database=database, backup_folder=tmp_path, backups_kept=1, clock=clock)


async def put(database: Database, clock: ManualClock, *states: OutboxState, prefix: str = "round") -> None:
    """Put a message for each state, its key ending with its number."""
    async with database.write("test.put") as conn:
        for number, state in enumerate(states, start=1):
            key = f"{prefix}:{number}"
            await outbox.put(conn, event_key=key, guild_id=1, channel_id=5, message=HELLO, now=clock.now())
            values: Mapping[str, object] = {"state": state}
            if state is OutboxState.DELIVERED:
                values = {**values, "delivered_at": clock.now(), "delivered_revision": 1, "message_id": 9}
            this = outbox_table.c.event_key == key
            await conn.execute(update(outbox_table).where(this).values(**values))


async def kept(database: Database) -> list[str]:
    async with database.read() as conn:
        found = await conn.execute(select(outbox_table.c.event_key).order_by(outbox_table.c.id))
        return list(found.scalars())


async def test_old_messages_are_forgotten_unless_they_still_wait(
    upkeep: Upkeep, database: Database, clock: ManualClock
) -> None:
    await put(database, clock, *OutboxState)
    clock.advance(MESSAGES_KEPT.total_seconds() - 1)
    await upkeep.tidy()
    assert len(await kept(database)) == len(OutboxState)
    clock.advance(2)
    await upkeep.tidy()
    waiting = [number for number, state in enumerate(OutboxState, start=1) if state in outbox.OPEN_STATES]
    assert await kept(database) == [f"round:{number}" for number in waiting]


async def test_a_message_edited_lately_is_kept(
    upkeep: Upkeep, database: Database, clock: ManualClock
) -> None:
    await put(database, clock, OutboxState.DELIVERED)
    clock.advance(MESSAGES_KEPT.total_seconds() + 1)
    async with database.write("test.edited") as conn:
        await conn.execute(update(outbox_table).values(delivered_at=clock.now() - timedelta(days=1)))
    await upkeep.tidy()
    assert await kept(database) == ["round:1"]


async def test_the_message_of_a_live_that_is_on_is_kept_however_old(
    upkeep: Upkeep, database: Database, clock: ManualClock
) -> None:
    began = clock.now()
    async with database.write("test.lives") as conn:
        for handle, ended_at in (("ana", None), ("bob", began + timedelta(hours=1))):
            person = Person(platform_id=len(handle) + (ended_at is None), handle=handle)
            account = await live.add_account(conn, person, ProfileState.ACTIVE, began)
            await conn.execute(
                lives.insert().values(
                    account_id=account.id,
                    phase="on",
                    started_at=began,
                    found_at=began,
                    last_seen_at=began,
                    ended_at=ended_at,
                    title="",
                    cover_url="",
                )
            )
    await put(database, clock, OutboxState.DELIVERED, OutboxState.DELIVERED, prefix="live")
    clock.advance(MESSAGES_KEPT.total_seconds() + 1)
    await upkeep.tidy()
    assert await kept(database) == ["live:1"]


async def test_many_messages_are_forgotten_a_few_at_a_time(
    upkeep: Upkeep, database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the few others may write."""
    monkeypatch.setattr(outbox, "FORGOTTEN_AT_ONCE", 3)
    await put(database, clock, *[OutboxState.EXPIRED] * 7)
    clock.advance(MESSAGES_KEPT.total_seconds() + 1)
    async with database.write("test.few") as conn:
        assert await outbox.forget_before(conn, clock.now()) == 3
    await upkeep.tidy()
    assert await kept(database) == []


# --- Guilds that removed the bot ---------------------------------------------------------------

OTHERS = Requester(guild_id=2, user_id=43)


@pytest.fixture
async def guilds(database: Database, clock: ManualClock, lives_world: LiveWorld) -> Guilds:
    """Two guilds that were set up and follow somebody, who was live once and is asked for in the first."""
    service = Guilds(
        database=database,
        announcements=lives_world.monitor._announcements,
        clock=clock,
        default_time_zone="UTC",
    )
    lives_world.tiktok.add("ana", 1)
    for by, channel in ((BY, CHANNEL), (OTHERS, 200)):
        await service.save(by, admin_channel_id=channel + 1, language="id")
        await service.post_test(by.guild_id, channel)
        await lives_world.watchlist.add(by, "ana", channel, None)
    lives_world.tiktok.go_live("ana")
    await lives_world.watchlist.check_now(BY, "ana")
    lives_world.tiktok.end("ana")
    async with database.write("test.block") as conn:
        blocked = {"channel_id": CHANNEL, "guild_id": GUILD, "reason": "no", "blocked_since": clock.now()}
        await conn.execute(destinations.insert().values(**blocked, next_try_at=clock.now()))
    return service


@pytest.fixture
def lives_world(database: Database, clock: ManualClock) -> LiveWorld:
    return LiveWorld(database, clock)


async def rows_of_guild(database: Database, guild_id: int) -> dict[str, int]:
    """Count what is kept of a guild, by table; the budget's ledger is the bot's own."""
    found = {}
    async with database.read() as conn:
        for table in metadata.tables.values():
            if "guild_id" in table.c and table is not requests:
                rows = (await conn.execute(select(table).where(table.c.guild_id == guild_id))).all()
                found |= {table.name: len(rows)} if rows else {}
    return found


async def test_a_guild_that_stays_away_is_forgotten_and_nobody_else(
    upkeep: Upkeep, guilds: Guilds, database: Database, clock: ManualClock
) -> None:
    before = await rows_of_guild(database, GUILD)
    assert before.keys() >= {"guilds", "subscriptions", "outbox", "destinations"}
    others = await rows_of_guild(database, OTHERS.guild_id)
    await guilds.left(GUILD)
    clock.advance(GUILDS_KEPT.total_seconds() - 1)
    await upkeep.tidy()
    assert await rows_of_guild(database, GUILD) == before
    clock.advance(2)
    await upkeep.tidy()
    assert await rows_of_guild(database, GUILD) == {}
    assert await rows_of_guild(database, OTHERS.guild_id) == others


async def test_a_guild_that_comes_back_in_time_keeps_everything(
    upkeep: Upkeep, guilds: Guilds, database: Database, clock: ManualClock, lives_world: LiveWorld
) -> None:
    before, chosen = await rows_of_guild(database, GUILD), await guilds.get(GUILD)
    await guilds.left(GUILD)
    clock.advance(GUILDS_KEPT.total_seconds() - 1)
    await guilds.joined(GUILD)
    clock.advance(GUILDS_KEPT.total_seconds())
    await upkeep.tidy()
    assert await rows_of_guild(database, GUILD) == before
    assert await guilds.get(GUILD) == chosen
    assert await lives_world.watchlist.check_now(BY, "ana")


async def test_a_guild_that_comes_back_late_begins_anew(
    upkeep: Upkeep, guilds: Guilds, clock: ManualClock, lives_world: LiveWorld
) -> None:
    await guilds.left(GUILD)
    clock.advance(GUILDS_KEPT.total_seconds() + 1)
    await upkeep.tidy()
    await guilds.joined(GUILD)
    assert (await guilds.get(GUILD)).admin_channel_id is None
    await lives_world.watchlist.add(BY, "ana", CHANNEL, None)
    assert await lives_world.watchlist.check_now(BY, "ana")


async def test_an_account_nobody_follows_any_more_keeps_its_history(
    upkeep: Upkeep, guilds: Guilds, database: Database, clock: ManualClock
) -> None:
    for guild_id in (GUILD, OTHERS.guild_id):
        await guilds.left(guild_id)
    clock.advance(GUILDS_KEPT.total_seconds() + 1)
    await upkeep.tidy()
    async with database.read() as conn:
        assert await subscriptions.load(conn) == ()
        account = await live.account_for(conn, "ana", None)
        assert account is not None
        assert await live.last_live(conn, account.id) is not None


async def test_what_accounts_answered_is_kept_for_as_long_as_it_teaches(database, upkeep, clock):
    now = clock.now()
    rows = [
        {"account_id": 1, "answer": "offline", "asked_at": now - timedelta(weeks=17)},
        {"account_id": 1, "answer": "offline", "asked_at": now - timedelta(weeks=19)},
        {"account_id": None, "answer": "3 of 3 open", "asked_at": now - timedelta(weeks=5)},
        {"account_id": 1, "answer": None, "asked_at": now - timedelta(weeks=5)},
        {"account_id": None, "answer": "3 of 3 open", "asked_at": now - timedelta(weeks=4)},
    ]
    async with database.write("test.asked") as conn:
        for row in rows:
            await conn.execute(insert(requests).values(ledger="discovery", purpose="check", **row))
    await upkeep.tidy()
    async with database.read() as conn:
        left = list((await conn.execute(select(requests.c.asked_at))).scalars())
    assert set(left) == {rows[0]["asked_at"], rows[4]["asked_at"]}
