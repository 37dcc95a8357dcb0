"""The sums of supporters: they equal the single gifts for any span, and no deletion of those changes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from sqlalchemy import delete, func, select, update

from bot.core.rounds.periods import Span
from bot.core.streams.gifters import Supporters
from bot.storage import gift_sums, stream_reading
from bot.storage.gift_sums import Given
from bot.storage.stream_tables import (
    contribution_gifts,
    contributions,
    stream_gifts,
    stream_people,
    supporter_kinds,
    supporter_sums,
)
from tests.kept_streams import keep_live
from tools.bench import gifters
from tools.bench.gifters import Asked, by_single_gifts, by_sums, without_names

EVER = Span()
NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture
async def filled(database, monkeypatch):
    """A year of 40 lives of 4 accounts, in which 60 people gave 2,000 gifts."""
    for name, value in {"GIFTS": 2000, "SESSIONS": 40, "ACCOUNTS": 4, "PEOPLE": 60, "ONLOOKERS": 3}.items():
        monkeypatch.setattr(gifters, name, value)
    await gifters.fill(database, Random(3))
    return database


def spans(luck):
    """Spans of all lengths, with and without ends, and some that end where a month does."""
    for _ in range(30):
        since = gifters.NOW - gifters.YEAR * luck.random()
        until = since + timedelta(days=200) * luck.random() ** 2
        yield Span(since=since, until=until)
    months = [datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2, 3, 9)]
    for since in (*months, None):
        for until in (*months, NEW_YEAR, None):
            yield Span(since=since, until=until)


async def test_kept_sums_equal_the_single_gifts_for_any_span_any_accounts_and_any_live(filled):
    luck = Random(5)
    asked = [
        Asked(name="", accounts=tuple(luck.sample(range(1, 6), luck.randrange(1, 5))), span=span)
        for span in spans(luck)
    ]
    asked += [Asked(name="", accounts=(1, 2, 3, 4), span=EVER, live_id=live_id) for live_id in (1, 20, 40)]
    tables = []
    async with filled.read() as conn:
        for one in asked:
            shown = luck.choice([1, 5, 100])
            tables.append(await by_sums(conn, one, shown))
            assert without_names(tables[-1]) == await by_single_gifts(conn, one, shown), one
    assert sum(bool(table.shown) for table in tables) > 30
    assert any(table.nameless for table in tables)
    assert any(one.estimated_diamonds for table in tables for one in table.shown)


async def test_no_table_changes_when_single_gifts_are_deleted(filled):
    asked = [Asked(name="", accounts=(1, 2), span=span) for span in spans(Random(5))]
    async with filled.write("test.delete") as conn:
        before = [await by_sums(conn, one) for one in asked]
        await conn.execute(delete(stream_gifts))
        assert [await by_sums(conn, one) for one in asked] == before


async def kept(conn):
    """Read what is kept, but for the kinds of the nameless, of whom nobody asks."""
    sums = await conn.execute(select(supporter_sums).order_by(*supporter_sums.primary_key))
    kinds = select(supporter_kinds).where(supporter_kinds.c.person_id != 0)
    return sums.all(), (await conn.execute(kinds.order_by(*supporter_kinds.primary_key))).all()


async def test_sums_that_were_added_bit_by_bit_are_those_made_anew(filled):
    luck, asked = Random(7), select(contributions).where(contributions.c.gifts > 0)
    async with filled.write("test.add") as conn:
        anew = await kept(conn)
        rows = (await conn.execute(asked)).mappings().all()
        gifts_of = {}
        for row in await conn.execute(select(contribution_gifts)):
            gifts_of.setdefault((row.live_id, row.person_id), set()).add(row.gift_id)
        await conn.execute(delete(supporter_sums))
        await conn.execute(delete(supporter_kinds))
        for row in rows:
            part = luck.randrange(row["gifts"])
            too_much = luck.randrange(10)  # what was estimated too high is taken back
            bits = [
                (part, row["diamonds"] + too_much, 0, row["last_gift_at"] - timedelta(minutes=1)),
                (row["gifts"] - part, -too_much, row["estimated_diamonds"], row["last_gift_at"]),
            ]
            luck.shuffle(bits)
            for gifts, diamonds, estimated, at in bits:
                given = Given(
                    person_id=row["person_id"],
                    gifts=gifts,
                    diamonds=diamonds,
                    estimated_diamonds=estimated,
                    last_gift_at=at,
                    kinds=frozenset(gifts_of[row["live_id"], row["person_id"]]),
                )
                await gift_sums.add(conn, row["live_id"], [given])
        assert await kept(conn) == anew
    assert [len(rows) > 100 for rows in anew] == [True, True]


async def ever(database, account_id) -> Supporters:
    async with database.read() as conn:
        return await gift_sums.supporters(conn, [account_id], EVER, most=100)


async def test_a_forgotten_person_is_in_the_sums_and_nowhere_else(database):
    async with database.write("test.keep") as conn:
        first = await keep_live(conn, seed=1)
        await keep_live(conn, seed=2, started_at=first.started_at + timedelta(days=40))
    before = await ever(database, first.account_id)
    gone, other = before.shown[0], before.shown[1]
    async with database.write("test.forget") as conn:
        for one in (gone, other):
            await gift_sums.forget(conn, one.viewer.id)
    after = await ever(database, first.account_id)
    assert after.nameless == gone.diamonds + other.diamonds
    assert after.count == before.count - 2
    assert after.shown == before.shown[2:]


async def test_people_have_the_name_they_have_now_and_may_have_none(database):
    async with database.write("test.keep") as conn:
        live = await keep_live(conn)
        best = max(live.diamonds_of, key=lambda person: live.diamonds_of[person])
        renamed = update(stream_people).where(stream_people.c.person_id == best)
        await conn.execute(renamed.values(nickname="New Name"))
        await conn.execute(delete(stream_people).where(stream_people.c.person_id != best))
    table = await ever(database, live.account_id)
    assert [one.viewer.nickname for one in table.shown] == ["New Name", *[""] * (table.count - 1)]
    assert [one.diamonds for one in table.shown] == sorted(live.diamonds_of.values(), reverse=True)


async def test_a_span_is_of_lives_that_began_in_it_and_nobody_gave_outside(database):
    async with database.write("test.keep") as conn:
        live = await keep_live(conn, minutes=300)
        for since, until in ((60, 120), (-60, 0), (1, None)):
            span = Span(
                since=live.started_at + timedelta(minutes=since),
                until=None if until is None else live.started_at + timedelta(minutes=until),
            )
            assert await gift_sums.supporters(conn, [live.account_id], span, most=9) == Supporters()
        assert (await conn.execute(select(func.count()).select_from(supporter_sums))).scalar()
    async with database.read() as conn:
        span = Span(since=live.started_at, until=live.started_at + timedelta(microseconds=1))
        table = await gift_sums.supporters(conn, [live.account_id], span, most=20)
        assert {one.viewer.id: one.diamonds for one in table.shown} == live.diamonds_of
        assert await gift_sums.supporters(conn, [], span, most=9) == Supporters()


async def test_those_who_asked_to_be_forgotten_take_no_place_among_the_supporters_of_a_live(database):
    async with database.write("test.live") as conn:
        live = await keep_live(conn)
        best = max(live.diamonds_of, key=lambda person: live.diamonds_of[person])
        theirs = (contributions.c.live_id == live.live_id) & (contributions.c.person_id == best)
        await conn.execute(update(contributions).where(theirs).values(person_id=0))
    async with database.read() as conn:
        shown = await stream_reading.supporters(conn, live.live_id, 3)
    assert len(shown) == 3
    assert 0 not in [one.viewer.id for one in shown]
