"""What admins changed, as it is kept and told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.storage import audit, guilds
from bot.storage.tables import guilds as guilds_table
from bot.storage.tables import outbox
from bot.texts import text
from tests.clocks import START

WHAT = text("Voided {map}.", map="supply")


async def note(database, *, guild_id=1, **guild):
    async with database.write("test.audit") as conn:
        await conn.execute(guilds_table.insert().values(guild_id=guild_id, **guild))
        await audit.note(conn, guild_id, 42, WHAT, START)
        return (await conn.execute(select(outbox))).mappings().all()


@pytest.mark.parametrize(
    ("guild", "expected"),
    [
        ({"audit_channel_id": 7, "admin_channel_id": 8}, (7, False)),
        ({"audit_channel_id": 7}, (7, False)),
        ({"admin_channel_id": 8, "set_up_by": 9}, (8, False)),
        ({"set_up_by": 9}, (9, True)),
    ],
)
async def test_a_change_is_told_in_the_audit_channel_or_where_notices_go(database, guild, expected):
    (row,) = await note(database, **guild)
    assert (row["channel_id"], row["direct"]) == expected
    assert row["message"]["body"] == "<@42>: Voided supply."
    assert row["message"]["mention_role_id"] is None


@pytest.mark.parametrize("guild", [{}, {"audit_channel_id": 7, "set_up_by": 9, "left_at": START}])
async def test_where_nobody_is_to_be_told_it_is_written_down_all_the_same(database, guild):
    assert await note(database, **guild) == []
    async with database.read() as conn:
        assert len(await audit.entries(conn, 1, 5)) == 1


async def test_the_last_changes_of_a_guild_are_read_newest_first(database):
    async with database.write("test.audit") as conn:
        for number in range(4):
            at = START + timedelta(minutes=number)
            await audit.note(conn, 1, number, text("Change {number}", number=number), at)
        await audit.note(conn, 2, 9, WHAT, START)
    async with database.read() as conn:
        found = await audit.entries(conn, 1, 3)
    assert [(one.user_id, one.what, one.at) for one in found] == [
        (number, f"Change {number}", START + timedelta(minutes=number)) for number in (3, 2, 1)
    ]


async def test_two_guilds_with_one_admin_both_tell_him(database):
    assert len(await note(database, set_up_by=9)) == 1
    assert len(await note(database, guild_id=2, set_up_by=9)) == 2


async def test_what_was_changed_goes_with_its_guild(database):
    await note(database, admin_channel_id=8, left_at=START)
    async with database.write("test.forget") as conn:
        await guilds.forget_left_before(conn, START + timedelta(days=1))
        assert await audit.entries(conn, 1, 5) == ()
