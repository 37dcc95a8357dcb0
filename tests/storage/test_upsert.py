from __future__ import annotations

from types import SimpleNamespace

from sqlalchemy import select
from sqlalchemy.dialects import postgresql

from bot.storage.engine import Database, sqlite_url
from bot.storage.upsert import insert_for
from tests.storage.toys import counters, toys


async def test_a_second_insert_of_a_key_changes_the_row(tmp_path):
    database = Database.open(sqlite_url(tmp_path / "toys.db"))
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


def test_on_postgresql_it_is_the_statement_of_postgresql():
    insert = insert_for(SimpleNamespace(dialect=postgresql.dialect()), counters).values(name="c", value=1)
    statement = insert.on_conflict_do_nothing(index_elements=["name"])
    assert "ON CONFLICT (name) DO NOTHING" in str(statement.compile(dialect=postgresql.dialect()))
