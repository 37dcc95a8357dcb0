"""Who gave most: whose lives, which of them, and what is said of what is not known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, insert, update

from bot.core.requester import Requester
from bot.core.streams.gifters import (
    MOST,
    GiftPeriod,
    gifters_chart,
    gifters_footer,
    gifters_pages,
    gifters_title,
)
from bot.errors import InputRefused, NothingThere
from bot.services.gifters import Gifters
from bot.storage import gift_sums
from bot.storage.gift_sums import Given
from bot.storage.stream_tables import (
    contribution_gifts,
    contributions,
    recordings,
    stream_gifts,
    stream_people,
)
from bot.storage.tables import guilds, lives, subscriptions
from tests.clocks import ManualClock
from tests.kept_streams import FIRST_PERSON, keep_live

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
BY = Requester(guild_id=1, user_id=5)


class Scene:
    """A guild in Jakarta that follows ana and ben; cleo is followed elsewhere."""

    def __init__(self, database):
        self.database = database
        self.clock = ManualClock(NOW)
        self.service = self.rated(0.005)

    def rated(self, usd_per_diamond):
        return Gifters(
            database=self.database,
            clock=self.clock,
            default_time_zone="UTC",
            usd_per_diamond=usd_per_diamond,
        )

    async def live(self, handle="ana", started_at=NOW - DAY, **more):
        guild_id = 2 if handle == "cleo" else 1
        async with self.database.write("test.live") as conn:
            kept = await keep_live(conn, handle=handle, started_at=started_at, **more)
            await self.follow(conn, kept.account_id, guild_id)
        return kept

    async def quiet_live(self):
        """A live in which nobody gave anything yet."""
        live, nothing = await self.live(), {"gifts": 0, "diamonds": 0}
        async with self.database.write("test.quiet") as conn:
            for table in (stream_gifts, contribution_gifts, contributions, stream_people):
                await conn.execute(delete(table))
            await conn.execute(update(recordings).values(nothing))
            await gift_sums.rebuild(conn)
        return live

    async def follow(self, conn, account_id, guild_id):
        known = await conn.exec_driver_sql(
            f"SELECT 1 FROM subscriptions WHERE account_id = {account_id} AND guild_id = {guild_id}"
        )
        if known.first() is None:
            values = {"account_id": account_id, "guild_id": guild_id, "channel_id": 100, "created_by": 5}
            await conn.execute(insert(subscriptions).values(**values, created_at=NOW))

    async def give(self, live, person, diamonds, *, gifts=1, estimated=0, name=""):
        """Let somebody give in a kept live, as the recorder commits it."""
        async with self.database.write("test.give") as conn:
            at = live.started_at + timedelta(minutes=5)
            values = {
                "gifts": gifts,
                "diamonds": diamonds,
                "estimated_diamonds": estimated,
                "last_gift_at": at,
            }
            row = {"live_id": live.live_id, "person_id": person, "account_id": live.account_id}
            await conn.execute(insert(contributions).values(**row, **values, first_at=at, last_at=at))
            if name:
                await conn.execute(
                    insert(stream_people).values(person_id=person, handle=name, nickname=name, seen_at=at)
                )
            given = Given(person_id=person, **values, kinds=frozenset([1]))
            await gift_sums.add(conn, live.live_id, [given])

    async def top(self, period=None, service=None, **more):
        service = service or self.service
        return await service.top(await service.chosen(BY, period, **more))

    async def given(self, *args, **more):
        return {one.viewer.id: one.diamonds for one in (await self.top(*args, **more)).supporters.shown}


@pytest.fixture
async def scene(database):
    scene = Scene(database)
    async with database.write("test.guild") as conn:
        await conn.execute(insert(guilds).values(guild_id=1, time_zone="Asia/Jakarta"))
    return scene


async def test_a_table_is_of_one_account_or_of_all_that_the_guild_follows_and_of_no_other(scene):
    ana, ben = await scene.live("ana", seed=1), await scene.live("ben", seed=2)
    await scene.live("cleo", seed=3)
    assert await scene.given(user="@ana") == ana.diamonds_of
    both = {
        person: ana.diamonds_of.get(person, 0) + ben.diamonds_of.get(person, 0)
        for person in ana.diamonds_of | ben.diamonds_of
    }
    assert await scene.given() == both
    with pytest.raises(NothingThere):
        await scene.given(user="cleo")


async def test_the_session_is_the_live_that_is_on_and_without_one_the_last(scene):
    old, last = await scene.live(started_at=NOW - 3 * DAY), await scene.live(started_at=NOW - 2 * DAY, seed=2)
    assert await scene.given(GiftPeriod.SESSION) == last.diamonds_of
    on = await scene.live("ben", started_at=NOW - timedelta(hours=1), minutes=60, seed=4, going_on=True)
    async with scene.database.write("test.clock") as conn:  # somebody's clock was wrong: it began "later"
        await conn.execute(update(lives).where(lives.c.id == old.live_id).values(started_at=NOW + DAY))
    top = await scene.top(GiftPeriod.SESSION)
    assert {one.viewer.id: one.diamonds for one in top.supporters.shown} == on.diamonds_of
    assert gifters_title(top) == "Top gifters of the live of Ben, so far"
    assert "@ben" in gifters_footer(top)
    assert gifters_title(await scene.top(GiftPeriod.SESSION, user="ana")).endswith("last live of Ana")


async def test_what_the_recorder_commits_is_in_the_table_at_once(scene):
    live = await scene.live(started_at=NOW - timedelta(hours=1), minutes=60, going_on=True)
    for period in (GiftPeriod.SESSION, GiftPeriod.LAST_7_DAYS, GiftPeriod.ALL_TIME):
        assert await scene.given(period) == live.diamonds_of
    await scene.give(live, 77, 1_000_000)
    for period in (GiftPeriod.SESSION, GiftPeriod.LAST_7_DAYS, GiftPeriod.ALL_TIME):
        assert (await scene.given(period))[77] == 1_000_000


async def test_days_are_those_of_the_guild_and_a_live_past_midnight_is_of_the_day_it_began_on(scene):
    midnight = datetime(2026, 3, 9, 17, tzinfo=UTC)  # in Jakarta the tenth begins
    late = await scene.live(started_at=midnight - timedelta(minutes=1), minutes=60, seed=1)
    early = await scene.live(started_at=midnight, minutes=60, seed=2)
    assert await scene.given(first_day="2026-03-09", last_day="2026-03-09") == late.diamonds_of
    assert await scene.given(first_day="2026-03-10", last_day="2026-03-10") == early.diamonds_of
    assert await scene.given(last_day="2026-03-09") == late.diamonds_of
    assert await scene.given(first_day="2026-03-10") == early.diamonds_of
    assert "2026-03-09 to 2026-03-10" in gifters_footer(
        await scene.top(first_day="2026-03-09", last_day="2026-03-10")
    )


@pytest.mark.parametrize(
    ("days", "hint"),
    [
        ({"first_day": "9.3.2026"}, "2026-12-31"),
        ({"last_day": "0001-01-01"}, "2026-12-31"),
        ({"last_day": "9999-12-31"}, "2026-12-31"),
        ({"first_day": "2026-03-02", "last_day": "2026-03-01"}, "before the first"),
        ({"first_day": "2026-03-02", "period": GiftPeriod.ALL_TIME}, "not both"),
    ],
)
async def test_days_that_cannot_be_are_refused(scene, days, hint):
    await scene.live()
    with pytest.raises(InputRefused, match=hint):
        await scene.service.chosen(BY, **({"period": None} | days))


async def test_seven_and_thirty_days_end_now(scene):
    ages = {1: 6.9, 2: 7.1, 3: 29.9, 4: 30.1}
    kept = {seed: await scene.live(started_at=NOW - age * DAY, seed=seed) for seed, age in ages.items()}

    def together(*seeds):
        everybody = {person for seed in seeds for person in kept[seed].diamonds_of}
        return {one: sum(kept[seed].diamonds_of.get(one, 0) for seed in seeds) for one in everybody}

    assert await scene.given(GiftPeriod.LAST_7_DAYS) == together(1)
    assert await scene.given(GiftPeriod.LAST_30_DAYS) == await scene.given() == together(1, 2, 3)
    assert await scene.given(GiftPeriod.ALL_TIME) == together(1, 2, 3, 4)


async def test_who_gave_as_much_shares_the_place_and_the_next_one_is_left_free(scene):
    live = await scene.quiet_live()
    for person, (name, diamonds) in enumerate([("Zoe", 50), ("adam", 50), ("Eva", 90), ("Bob", 7)], 1):
        await scene.give(live, person, diamonds, name=name)
    (page,) = gifters_pages(await scene.top())
    told = [line for line in page.splitlines() if "**" in line]
    assert [line.split(":")[0] for line in told] == ["1. **Eva**", "2. **adam**", "2. **Zoe**", "4. **Bob**"]


async def test_what_is_estimated_is_marked_and_what_nobody_knows_is_not_called_0(scene):
    live = await scene.quiet_live()
    await scene.give(live, 1, 2000, estimated=500, gifts=30, name="Eva")
    await scene.give(live, 2, 0, gifts=3, name="Bob")
    async with scene.database.write("test.totals") as conn:
        await conn.execute(
            update(recordings).values(gifts=33, diamonds=2000, estimated_diamonds=500, unvalued_gifts=3)
        )
    top = await scene.top()
    (page,) = gifters_pages(top)
    assert "1. **Eva**: ~2,000 diamonds · about $10.00 (estimate)\n-# 30 gifts · " in page
    assert "2. **Bob**: unknown value\n" in page
    assert "Together: ~2,000 diamonds, 33 gifts from 2 people, about $10.00" in page
    assert "3 gifts of unknown value are in no sum" in page
    (bar,) = gifters_chart(top).groups[0].bars
    assert (bar.label, bar.written) == ("1. Eva", "~2,000")
    assert "$" not in gifters_pages(await scene.top(service=scene.rated(0.0)))[0]


async def test_the_forgotten_are_named_nowhere_but_their_diamonds_are_told_apart(scene):
    live = await scene.quiet_live()
    await scene.give(live, gift_sums.NOBODY, 900)
    await scene.give(live, 2, 5, name="Bob")
    top = await scene.top()
    (page,) = gifters_pages(top)
    assert "1. **Bob**: 5 diamonds" in page
    assert "without a name" not in page
    assert top.supporters.nameless == 900
    assert top.supporters.count == 1
    assert await scene.given(GiftPeriod.SESSION) == {2: 5}


async def test_a_name_can_do_nothing_in_the_message(scene):
    live = await scene.quiet_live()
    await scene.give(live, 1, 5, name="**@everyone** [x](http://x)")
    (page,) = gifters_pages(await scene.top())
    assert "@everyone" not in page.replace("\\@everyone", "")
    assert "](" not in page


async def test_many_people_have_pages_of_ten_and_the_last_ones_are_counted_only(scene):
    live = await scene.quiet_live()
    for person in range(1, MOST + 6):
        await scene.give(live, person, person, name=f"fan{person}")
    top = await scene.top()
    pages = gifters_pages(top)
    assert len(pages) == MOST // 10
    assert [page.count("**:") for page in pages] == [10] * len(pages)
    assert top.supporters.count == MOST + 5
    assert len(gifters_chart(top).groups[0].bars) == 10


async def test_it_is_said_how_much_of_the_lives_was_recorded(scene):
    await scene.live(connected_share=0.5, minutes=60)
    await scene.live(started_at=NOW - 2 * DAY, minutes=60, seed=2)
    unrecorded = await scene.live("ben", started_at=NOW - 3 * DAY, minutes=60)
    async with scene.database.write("test.unrecord") as conn:
        for table in (recordings, contributions):
            await conn.execute(table.delete().where(table.c.live_id == unrecorded.live_id))
        await gift_sums.rebuild(conn)
    footer = gifters_footer(await scene.top())
    assert "2 accounts" in footer
    assert "3 lives" in footer
    assert "50% of the time recorded" in footer
    assert "1 live not recorded" in footer
    footer = gifters_footer(await scene.top(user="ben"))
    assert "recorded" in footer
    assert "%" not in footer
    assert gifters_pages(await scene.top(user="ben"))[0] == "No live was recorded."


async def test_without_anybody_to_follow_or_any_live_it_is_said_so(scene):
    with pytest.raises(NothingThere):
        await scene.top()
    await scene.live(started_at=NOW - 40 * DAY, people=1)
    top = await scene.top()
    assert gifters_pages(top) == ["No live was recorded."]
    assert "no live" in gifters_footer(top)
    assert gifters_chart(top) is None
    assert FIRST_PERSON in await scene.given(GiftPeriod.ALL_TIME)
