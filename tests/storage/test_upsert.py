from __future__ import annotations

from sqlalchemy import select

from bot.storage.engine import Database
from bot.storage.upsert import insert_for
from tests.storage.toys import counters, toys


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
