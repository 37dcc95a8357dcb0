from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from bot.storage.engine import Database
from bot.storage.upsert import Upsert, insert_for
from tests.clocks import START
from tests.storage.toys import counters, rows, toys

SECOND = timedelta(seconds=1)


async def test_a_second_insert_of_a_key_changes_the_row(database_url):
    database = Database.open(database_url)
    async with database.write("test.twice") as conn:
        await conn.run_sync(toys.create_all)
        for value in (1, 2):
            insert = insert_for(conn, counters).values(name="c", value=value)
            await conn.execute(
                insert.on_conflict_do_update(
                    index_elements=["name"], set_={"value": counters.c.value + insert.excluded.value}
                )
            )
        assert (await conn.execute(select(counters.c.value))).scalars().all() == [3]
    await database.close()


LIVES = Upsert(
    rows,
    added=("sum",),
    replaced=("new",),
    earlier=("first",),
    later=("last",),
    lowest=("low",),
    highest=("high",),
)
COLUMNS = ("high", "low", "last", "first", "new", "sum", "at")  # not in the table's order


async def put(database_url, *values):
    database = Database.open(database_url)
    async with database.write("test.put") as conn:
        await conn.run_sync(toys.create_all)
        for some in values:
            await LIVES.put(conn, COLUMNS, some)
        found = [dict(row._mapping) for row in await conn.execute(select(rows).order_by(rows.c.at))]
    await database.close()
    return found


async def test_rows_that_are_put_again_are_brought_up_to_date_column_by_column(database_url):
    found = await put(
        database_url,
        [(5, 5, 5, 5, 5, 5, START)],
        [(3, 3, 3, 3, 3, 3, START), (7, 7, 7, 7, 7, 7, START + SECOND)],
        [(None, None, None, None, None, 1, START)],
    )
    first = {"sum": 9, "new": None, "first": 5, "last": 3, "low": 3, "high": 5}
    assert found == [{"at": START, **first}, {"at": START + SECOND, **dict.fromkeys(first, 7)}]


async def test_what_was_unknown_becomes_known(database_url):
    found = await put(database_url, [(None,) * 5 + (1, START)], [(4,) * 5 + (1, START)])
    assert found == [{"at": START, "sum": 2, **dict.fromkeys(("new", "first", "last", "low", "high"), 4)}]


async def test_nothing_is_put_without_rows(database_url):
    assert await put(database_url, []) == []
