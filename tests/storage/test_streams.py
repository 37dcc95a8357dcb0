"""What the tally counts is what the database holds, however it was cut into batches, on every engine."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from sqlalchemy import func, insert, select

from bot.core.streams.booking import COUNTED, OF_GIFTS
from bot.core.streams.events import Ended
from bot.core.streams.tally import NOBODY, Tally
from bot.core.streams.values import ValueSource
from bot.storage import gift_sums, privacy
from bot.storage.stream_reading import minutes_of, recorded_live
from bot.storage.stream_tables import (
    contribution_gifts,
    contributions,
    gift_kinds,
    recordings,
    stream_choices,
    stream_comments,
    stream_gifts,
    stream_minutes,
    stream_people,
    supporter_kinds,
    supporter_sums,
)
from bot.storage.streams import AT_ONCE, load, save
from bot.storage.tables import accounts, lives
from tests.core.streams.happenings import (
    MINUTE,
    ROOM,
    START,
    at,
    comment,
    follow,
    gift,
    join,
    likes,
    share,
    viewer,
    viewers,
)


@pytest.fixture
async def live(database):
    return await new_live(database)


async def new_live(database, handle="ana"):
    """A live that is to be recorded; gives its number."""
    async with database.write("test.live") as conn:
        account = {"platform": "tiktok", "handle": handle, "profile_state": "active"}
        account |= {"added_at": START, "next_check_at": START}
        account_id = (
            await conn.execute(insert(accounts).values(**account).returning(accounts.c.id))
        ).scalar_one()
        seen = dict.fromkeys(("started_at", "found_at", "last_seen_at"), START)
        values = {"account_id": account_id, "phase": "on", "title": "", "cover_url": "", **seen}
        live_id = (await conn.execute(insert(lives).values(**values).returning(lives.c.id))).scalar_one()
        await conn.execute(
            insert(recordings).values(
                live_id=live_id, account_id=account_id, state="recording", room_id=ROOM, wanted_at=START
            )
        )
    return live_id


async def taken_up(database, live_id, **options):
    async with database.read() as conn:
        tally = Tally(await load(conn, live_id), **options)
    tally.connected(START, ROOM)
    return tally


async def saved(database, live_id, tally, now=0.0):
    while (batch := tally.drain(at(now))) is not None:
        async with database.write("test.save") as conn:
            await save(conn, live_id, batch)
        tally.saved(batch)


async def recorded(database, live_id, *events, now=0.0, **options):
    tally = await taken_up(database, live_id, **options)
    for event in events:
        tally.take(event)
    await saved(database, live_id, tally, now)


async def rows_of(database, table, *columns, live_id=None):
    query = select(*[table.c[name] for name in columns]) if columns else select(table)
    if live_id is not None:
        query = query.where(table.c.live_id == live_id)
    async with database.read() as conn:
        return [tuple(row) if columns else dict(row._mapping) for row in await conn.execute(query)]


async def check_sums(database, live_id):
    """Sums of minutes, of contributions and of gifts are the totals."""
    async with database.read() as conn:
        live = await recorded_live(conn, live_id)
        for name in (*COUNTED, *OF_GIFTS):
            for table in (stream_minutes, contributions):
                total = select(func.coalesce(func.sum(table.c[name]), 0)).where(table.c.live_id == live_id)
                assert (await conn.execute(total)).scalar_one() == getattr(live, name), (table.name, name)
        gifts = list(await conn.execute(select(stream_gifts).where(stream_gifts.c.live_id == live_id)))
        kinds = list(
            await conn.execute(select(contribution_gifts).where(contribution_gifts.c.live_id == live_id))
        )
    for guest, number, worth in ((False, "gifts", "diamonds"), (True, "guest_gifts", "guest_diamonds")):
        mine = [row for row in gifts if bool(row.to_person_id) is guest]
        assert sum(row._mapping["count"] for row in mine) == getattr(live, number)
        assert sum(row._mapping["count"] * (row.diamonds_each or 0) for row in mine) == getattr(live, worth)
    assert sum(row._mapping["count"] for row in kinds) == live.gifts
    assert sum(row.diamonds for row in kinds) == live.diamonds
    unvalued = [row for row in gifts if row.diamonds_each is None and not row.to_person_id]
    assert sum(row._mapping["count"] for row in unvalued) == live.unvalued_gifts
    await check_kept_sums(database)
    return live


async def check_kept_sums(database):
    """What leaderboards are made from is what it would be if it were made anew."""
    kept = [await rows_of(database, table) for table in (supporter_sums, supporter_kinds)]
    async with database.write("test.rebuild") as conn:
        await gift_sums.rebuild(conn)
    anew = [await rows_of(database, table) for table in (supporter_sums, supporter_kinds)]
    for one, other in zip(kept, anew, strict=True):
        assert sorted(map(str, one)) == sorted(map(str, other))


HAPPENINGS = (
    lambda luck, who, when, place: [comment(who, when)],
    lambda luck, who, when, place: [likes(who, luck.randrange(1, 16), when, total=10 * place)],
    lambda luck, who, when, place: [gift(who, 1, n, when, group=place, name="Rose") for n in range(1, 4)],
    lambda luck, who, when, place: [gift(who, 2, 1, when, diamonds=1000, name="Galaxy")],
    lambda luck, who, when, place: [gift(who, 1, 1, when, to=99)],
    lambda luck, who, when, place: [follow(who, when), share(who, when)],
    lambda luck, who, when, place: [join(who, when)],
    lambda luck, who, when, place: [viewers(luck.randrange(5, 90), when, entered=place)],
)


def evening(seed, number=400):
    """Everything that happens, in the order of time."""
    luck = Random(seed)
    return [
        event
        for place in range(1, number + 1)
        for event in luck.choice(HAPPENINGS)(luck, luck.randrange(1, 30), place * 200 / number, place)
    ]


async def test_one_batch_or_many_with_restarts_between_give_the_same_rows(database):
    whole, cut = await new_live(database, "ana"), await new_live(database, "ben")
    events = evening(1)
    await recorded(database, whole, *events, now=200)
    luck = Random(2)
    tally = await taken_up(database, cut)
    for event in events:
        tally.take(event)
        if luck.random() < 0.05:
            await saved(database, cut, tally, (event.at - START).total_seconds())
            if luck.random() < 0.3:
                async with database.read() as conn:
                    tally = Tally(await load(conn, cut))
                tally.connected(event.at, ROOM)
                tally.take(viewers(1, (event.at - START).total_seconds()))
    await saved(database, cut, tally, 200)
    lives_kept = [await check_sums(database, one) for one in (whole, cut)]
    same = (*COUNTED, *OF_GIFTS, "people", "commenters", "likers", "gifters", "room_likes", "entered")
    for name in (*same, "connected_seconds", "last_event_at"):
        assert getattr(lives_kept[1], name) == getattr(lives_kept[0], name), name
    columns = ("person_id", *COUNTED, *OF_GIFTS, "first_at", "last_at", "last_comment_at", "last_gift_at")
    people = [await rows_of(database, contributions, *columns, live_id=one) for one in (whole, cut)]
    assert sorted(people[0]) == sorted(people[1])
    unique = ("minute", "people", "commenters", "gifters", *COUNTED, *OF_GIFTS)
    minutes = [await rows_of(database, stream_minutes, *unique, live_id=one) for one in (whole, cut)]
    assert sorted(minutes[0]) == sorted(minutes[1])


async def test_the_totals_of_a_live_are_those_of_its_events(database, live):
    await recorded(
        database,
        live,
        *[
            comment(1, 5),
            likes(1, 4, 6, total=50),
            likes(2, 3, 7, total=70),
            follow(3, 8),
            share(3, 9),
            join(4, 9),
        ],
        *[gift(1, 5, 3, 10, diamonds=30, name="Doughnut"), gift(2, 5, 1, 11, diamonds=30, to=99)],
        *[viewers(10, 0, entered=12), viewers(40, 30, entered=60), viewers(20, 59)],
        now=60,
    )
    kept = await check_sums(database, live)
    assert (kept.comments, kept.likes, kept.follows, kept.shares, kept.joins) == (1, 7, 1, 1, 1)
    assert (kept.gifts, kept.diamonds, kept.guest_gifts, kept.guest_diamonds) == (3, 90, 1, 30)
    assert (kept.people, kept.commenters, kept.likers, kept.gifters) == (4, 1, 2, 1)
    assert (kept.viewers, kept.peak_viewers, kept.peak_at) == (20, 40, at(30))
    assert (kept.room_likes, kept.entered, kept.connections) == (70, 60, 1)
    assert (kept.connected_seconds, kept.mean_viewers) == (60, pytest.approx((300 + 29 * 40 + 20) / 60))
    assert (kept.first_connected_at, kept.last_event_at) == (START, at(59))
    async with database.read() as conn:
        (minute,) = await minutes_of(conn, live)
    shown = (minute.viewers_first, minute.viewers_last, minute.viewers_min, minute.viewers_max)
    assert shown == (10, 20, 10, 40)


async def test_viewers_of_a_minute_saved_in_parts_are_those_of_the_whole(database, live):
    tally = await taken_up(database, live)
    for number, second in ((50, 1), (80, 10), (20, 20), (60, 30)):
        tally.take(viewers(number, second))
        await saved(database, live, tally, second)
    async with database.read() as conn:
        (minute,) = await minutes_of(conn, live)
        kept = await recorded_live(conn, live)
    shown = (minute.viewers_first, minute.viewers_last, minute.viewers_min, minute.viewers_max)
    assert shown == (50, 60, 20, 80)
    assert (kept.peak_viewers, kept.peak_at) == (80, at(10))


async def test_a_batch_saved_twice_counts_once(database, live):
    tally = await taken_up(database, live)
    tally.take(gift(1, 5, 2, diamonds=10))
    batch = tally.drain(at(1))
    for _ in range(2):
        async with database.write("test.save") as conn:
            await save(conn, live, batch)
    assert (await check_sums(database, live)).diamonds == 20


async def test_a_batch_whose_transaction_failed_is_saved_by_the_next_try(database, live):
    tally = await taken_up(database, live)
    tally.take(gift(1, 5, 2, diamonds=10))
    async with database.write("test.save") as conn:
        await save(conn, live, tally.drain(at(1)))
        await conn.rollback()
    tally.take(comment(1, 2))
    await saved(database, live, tally, 3)
    kept = await check_sums(database, live)
    assert (kept.diamonds, kept.comments) == (20, 1)


async def test_a_gift_that_comes_again_and_nothing_else_changes_nothing(database, live):
    first = gift(1, 5, 2, diamonds=10)
    await recorded(database, live, first)
    await recorded(database, live, first)
    assert (await check_sums(database, live)).diamonds == 20


async def test_more_people_than_are_looked_up_at_once_are_all_saved(database, live):
    number = AT_ONCE + 5
    tally = await taken_up(database, live)
    for _ in range(2):
        for person in range(1, number + 1):
            tally.take(likes(person, 1))
            tally.take(gift(person, 5, 1, group=person))
        await saved(database, live, tally, 1)
    kept = await check_sums(database, live)
    assert (kept.people, kept.likes, kept.gifts) == (number, 2 * number, number)


# Values.


async def test_a_value_learned_later_fills_in_the_gifts_before_in_every_live(database):
    first, second = await new_live(database, "ana"), await new_live(database, "ben")
    await recorded(
        database,
        first,
        *[gift(1, 5, 3, 5, diamonds=None), gift(2, 5, 2, 65, diamonds=None), gift(1, 6, 1, 7, diamonds=None)],
        gift(1, 5, 4, 66, diamonds=None, to=99),
        now=70,
    )
    before = await check_sums(database, first)
    assert (before.diamonds, before.unvalued_gifts) == (0, 6)
    await recorded(database, second, gift(3, 5, 1, diamonds=20, name="Perfume"))
    kept = await check_sums(database, first)
    assert (kept.diamonds, kept.guest_diamonds, kept.unvalued_gifts) == (100, 80, 1)
    sums = dict(await rows_of(database, stream_minutes, "minute", "diamonds", live_id=first))
    assert sums == {START: 60, START + MINUTE: 40}
    sources = Counter(await rows_of(database, stream_gifts, "value_from", live_id=first))
    assert sources == {(ValueSource.LEARNED,): 3, (ValueSource.UNKNOWN,): 1}
    assert (await check_sums(database, second)).diamonds == 20


async def test_a_learned_value_counts_where_the_message_has_none(database, live):
    await recorded(database, live, gift(1, 5, 1, diamonds=20, name="Perfume"))
    await recorded(database, live, gift(2, 5, 3, diamonds=None))
    kept = await check_sums(database, live)
    assert (kept.diamonds, kept.estimated_diamonds) == (80, 0)
    assert await rows_of(database, gift_kinds, "gift_id", "name", "diamonds") == [(5, "Perfume", 20)]


async def test_what_is_known_of_a_gift_is_not_lost_by_a_message_that_says_less(database, live):
    await recorded(database, live, gift(1, 5, 2, group=1, diamonds=20, name="Perfume"))
    await recorded(database, live, gift(1, 5, 1, diamonds=None))
    kinds = await rows_of(database, gift_kinds, "name", "diamonds")
    assert kinds == [("Perfume", 20)]


# People.


async def names(database):
    return dict(await rows_of(database, stream_people, "person_id", "handle"))


async def test_names_are_kept_of_who_does_something_and_are_those_of_the_last_live(database):
    first, second = await new_live(database, "ana"), await new_live(database, "ben")
    await recorded(database, first, comment(1), join(2), gift(3, 5, 1, to=4), likes(5, 1))
    assert set(await names(database)) == {1, 3, 4, 5}
    renamed = comment(1)
    object.__setattr__(renamed, "viewer", type(renamed.viewer)(1, "new_handle", "New"))
    await recorded(database, second, renamed)
    assert (await names(database))[1] == "new_handle"


async def test_nothing_points_to_who_asked_to_be_forgotten(database, live):
    await keep_comments(database)
    await recorded(
        database,
        live,
        *[comment(1, words="secret"), likes(1, 4), follow(1), share(1), join(1), comment(2)],
        *[gift(1, 5, 2, diamonds=10), gift(2, 5, 1, diamonds=10, to=1)],
        forgotten=lambda person: person == 1,
    )
    kept = await check_sums(database, live)
    assert (kept.diamonds, kept.guest_diamonds, kept.comments) == (20, 10, 2)
    people = await rows_of(database, contributions, "person_id")
    people += await rows_of(database, contribution_gifts, "person_id")
    people += await rows_of(database, stream_gifts, "person_id")
    people += await rows_of(database, stream_gifts, "to_person_id")
    people += await rows_of(database, stream_comments, "person_id")
    assert {person for (person,) in people} == {NOBODY, -1, 2}
    assert set(await names(database)) == {2}


async def keep_comments(database, *, on=True):
    async with database.write("test.choose") as conn:
        account_id = (await conn.execute(select(accounts.c.id))).scalar_one()
        choice = {"account_id": account_id, "guild_id": 7, "keep_comments": on, "set_by": 1, "set_at": START}
        await conn.execute(insert(stream_choices).values(**choice))


@pytest.mark.parametrize(("on", "words"), [(True, ["first", "second"]), (False, [])])
async def test_words_are_kept_only_where_an_admin_switched_it_on(database, live, on, words):
    await keep_comments(database, on=on)
    written = [comment(1, 1, "first"), comment(2, 2, "second")]
    await recorded(database, live, *written, written[0])
    assert [word for (word,) in await rows_of(database, stream_comments, "words")] == words


async def test_without_a_choice_no_words_are_kept(database, live):
    await recorded(database, live, comment(1))
    assert await rows_of(database, stream_comments) == []


async def test_comments_and_follows_of_before_are_known_after_a_restart(database, live):
    written = [comment(1, 1), comment(2, 2), follow(3, 3), share(3, 4)]
    await recorded(database, live, *written)
    await recorded(database, live, *written, follow(3, 8), comment(1, 9))
    kept = await check_sums(database, live)
    assert (kept.comments, kept.follows, kept.shares) == (3, 1, 1)


async def test_likes_of_the_platform_go_on_over_restarts_and_rooms(database, live):
    await recorded(database, live, likes(1, 1, total=100))
    tally = await taken_up(database, live)
    tally.connected(at(5), ROOM + 1)
    tally.take(likes(1, 1, 6, total=30))
    await saved(database, live, tally, 7)
    assert (await check_sums(database, live)).room_likes == 130


async def test_viewer_names_are_those_of_the_event(database, live):
    await recorded(database, live, comment(1))
    (row,) = await rows_of(database, stream_people, "handle", "nickname")
    assert row == (viewer(1).handle, viewer(1).nickname)


# Scores.


async def scores(database, live_id):
    rows = await rows_of(database, stream_minutes, "minute", "activity", "influence", live_id=live_id)
    return {(minute - START) // MINUTE: tuple(found) for minute, *found in sorted(rows)}


def busy(minute, comments):
    return [comment(number + 1, 60 * minute + number) for number in range(comments)]


async def test_a_minute_is_scored_when_it_is_over_and_the_last_one_at_the_end(database, live):
    tally = await taken_up(database, live)
    for event in (viewers(10, 0), *busy(0, 4), viewers(20, 50)):
        tally.take(event)
    await saved(database, live, tally, 59)
    assert await scores(database, live) == {0: (None, None)}
    for event in busy(1, 2):
        tally.take(event)
    await saved(database, live, tally, 65)
    assert await scores(database, live) == {0: (0.3, 0.0), 1: (None, None)}
    tally.take(Ended(at=at(70)))
    await saved(database, live, tally, 70)
    assert await scores(database, live) == {0: (0.3, 0.0), 1: (0.15, 0.0)}


async def test_scores_go_on_after_a_restart_as_if_there_had_been_none(database):
    one, other = await new_live(database, "ana"), await new_live(database, "ben")
    for live_id, restarts in ((one, False), (other, True)):
        tally = await taken_up(database, live_id)
        for minute, comments in enumerate((8, 2, 9, 1, 5, 4)):
            for event in (viewers(10 + minute, 60 * minute), *busy(minute, comments)):
                tally.take(event)
            await saved(database, live_id, tally, 60 * minute + 30)
            if restarts:
                async with database.read() as conn:
                    tally = Tally(await load(conn, live_id))
    found = [await scores(database, live_id) for live_id in (one, other)]
    assert [found[0][minute][0] for minute in range(6)] == [found[1][minute][0] for minute in range(6)]
    assert None not in [found[0][minute][0] for minute in range(5)]


async def test_a_score_whose_transaction_was_rolled_back_is_the_same_when_it_is_tried_again(database, live):
    tally = await taken_up(database, live)
    for event in busy(0, 8):
        tally.take(event)
    await saved(database, live, tally, 30)
    for event in busy(1, 2):
        tally.take(event)
    async with database.write("test.save") as conn:
        await save(conn, live, tally.drain(at(65)))
        await conn.rollback()
    await saved(database, live, tally, 66)
    tally.take(Ended(at=at(70)))
    await saved(database, live, tally, 70)
    assert [found[0] for found in (await scores(database, live)).values()] == [
        0.3,
        pytest.approx(0.3 * 2 / 8),
    ]


@pytest.mark.parametrize("knows_after", [4, 6, 8])
async def test_a_streak_whose_giver_is_forgotten_in_its_middle_counts_once(database, live, knows_after):
    """The recorder hears of a deletion seconds later; until then it names somebody who is nobody already."""
    forgotten = False
    tally = await taken_up(database, live, forgotten=lambda person_id: forgotten and person_id == 7)
    for count in range(1, 10):
        tally.take(gift(7, 5655, count, count, group=77))
        tally.take(comment(7, count))
        await saved(database, live, tally, now=count)
        if count == 3:
            async with database.write("test.forget") as conn:
                await privacy.forget_viewer(conn, 7, START)
        forgotten = forgotten or count >= knows_after
    await check_sums(database, live)
    async with database.read() as conn:
        told = await recorded_live(conn, live)
    assert (told.gifts, told.comments) == (9, 9)
    assert await rows_of(database, contributions, "person_id", live_id=live) == [(NOBODY,)]
    assert await rows_of(database, stream_people, "person_id") == []
