"""What the nightly tidying forgets, and what it keeps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from bot.core.announcements import Message, Tone
from bot.core.delivery import OutboxState
from bot.core.live.models import Person, ProfileState
from bot.services.upkeep import MESSAGES_KEPT, Upkeep
from bot.storage import live, outbox
from bot.storage.engine import Database
from bot.storage.tables import lives
from bot.storage.tables import outbox as outbox_table
from tests.clocks import ManualClock

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
