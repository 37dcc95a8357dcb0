from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.streams.events import Connected, Ended
from bot.core.streams.tally import NOBODY, REMEMBERED_IDS, Tally
from tests.core.streams.happenings import (
    MINUTE,
    ROOM,
    START,
    Rows,
    at,
    comment,
    follow,
    gift,
    join,
    likes,
    share,
    viewers,
)


def saved(rows, tally, now=0.0):
    """Save all there is."""
    while (batch := tally.drain(at(now))) is not None:
        rows.save(batch)
        tally.saved(batch)
    rows.check()
    return rows


def counted(*events, now=0.0, **options):
    tally = Tally(Rows().kept(), **options)
    for event in events:
        tally.take(event)
    return saved(Rows(), tally, now)


def test_nothing_is_saved_where_nothing_happened():
    assert Tally(Rows().kept()).drain(START) is None


def test_an_event_counts_in_the_minute_it_happened():
    rows = counted(comment(1, 70), likes(1, 5, 59), comment(2, 30), now=80)
    assert {minute: (row["comments"], row["likes"]) for minute, row in rows.minutes.items()} == {
        START: (1, 5),
        START + MINUTE: (1, 0),
    }


def test_people_count_once_in_a_minute_and_once_in_a_live():
    rows = Rows()
    tally = Tally(rows.kept())
    for second in (0, 20, 40, 70):
        for event in (comment(1, second), likes(1, 3, second), join(2, second), gift(3, 5, 1, second)):
            tally.take(event)
        saved(rows, tally, second)
    tally = Tally(rows.kept())  # a new recorder
    for event in (comment(1, 75), gift(3, 5, 1, 76), comment(2, 77)):
        tally.take(event)
    saved(rows, tally, 80)
    first, second = rows.minutes[START], rows.minutes[START + MINUTE]
    assert [first[name] for name in ("people", "commenters", "gifters")] == [3, 1, 1]
    assert [second[name] for name in ("people", "commenters", "gifters")] == [3, 2, 1]
    assert [rows.totals[name] for name in ("people", "commenters", "likers", "gifters")] == [3, 2, 1, 1]


def test_comments_that_come_again_count_once_over_a_restart_too():
    rows = Rows()
    tally = Tally(rows.kept())
    written = [comment(number % 5 + 1, number) for number in range(30)]
    for event in [*written, *written[10:]]:
        tally.take(event)
    saved(rows, tally, 30)
    tally = Tally(rows.kept())
    for event in [*written[5:], comment(1, 31)]:
        tally.take(event)
    saved(rows, tally, 32)
    assert rows.totals["comments"] == 31


def test_likes_shares_and_joins_that_come_twice_count_once():
    twice = [likes(1, 5), share(1), join(2)]
    rows = counted(*twice, *twice)
    assert [rows.totals[name] for name in ("likes", "shares", "joins")] == [5, 1, 1]


def test_messages_without_an_id_are_no_duplicates():
    rows = counted(comment(1, message_id=0), comment(1, message_id=0))
    assert rows.totals["comments"] == 2


def test_what_is_remembered_of_messages_is_bounded():
    rows = counted(*[comment(1, number / 1000) for number in range(3 * REMEMBERED_IDS)])
    assert len(rows.memory.ids) == REMEMBERED_IDS


def test_somebody_follows_once_in_a_live_over_a_restart_too():
    rows = Rows()
    tally = Tally(rows.kept())
    for event in (follow(1), follow(1, 5), follow(2, 6)):
        tally.take(event)
    saved(rows, tally, 10)
    tally = Tally(rows.kept())
    tally.take(follow(1, 12))
    saved(rows, tally, 15)
    assert rows.totals["follows"] == 2


def test_likes_and_entries_of_the_platform_are_summed_over_rooms():
    rows = Rows()
    tally = Tally(rows.kept())
    tally.connected(at(0), ROOM)
    for event in (likes(1, 2, total=100), likes(1, 2, total=90), viewers(5, entered=40)):
        tally.take(event)
    saved(rows, tally, 5)
    tally = Tally(rows.kept())
    tally.connected(at(10), ROOM + 1)
    for event in (likes(1, 2, 11, total=30), viewers(5, 12, entered=7)):
        tally.take(event)
    saved(rows, tally, 15)
    assert (sum(rows.memory.likes.values()), sum(rows.memory.entered.values())) == (130, 47)


def test_who_asked_to_be_forgotten_is_counted_as_nobody():
    rows = counted(
        *[comment(1, words="secret"), likes(1, 4), follow(1), share(1), join(1)],
        *[gift(1, 5, 2, diamonds=10), gift(2, 5, 1, diamonds=10, to=1), comment(2)],
        forgotten=lambda person: person == 1,
    )
    assert set(rows.people) == {NOBODY, 2}
    assert set(rows.names) == {2}
    assert rows.people[NOBODY]["diamonds"] == 20
    assert rows.totals["guest_diamonds"] == 10
    assert 1 not in {person for key in rows.gifts for person in (key.person_id, key.to_person_id)}


def test_words_of_who_asked_to_be_forgotten_do_not_wait_to_be_saved():
    tally = Tally(Rows().kept(), forgotten=lambda person: person == 1)
    for event in (comment(1, words="secret"), comment(2, words="open")):
        tally.take(event)
    assert [one.words for one in tally.drain(START).comments] == ["open"]


def test_who_only_came_in_leaves_no_name():
    rows = Rows()
    tally = Tally(rows.kept())
    tally.take(join(1))
    tally.take(join(2))
    saved(rows, tally)
    tally.take(comment(2, 5))
    saved(rows, tally, 6)
    assert set(rows.names) == {2}


def test_under_overload_joins_go_first_then_the_people_of_likes_and_gifts_never():
    events = [likes(person, 2) for person in range(1, 11)]
    events += [join(person) for person in range(11, 21)]
    events += [likes(person, 3) for person in range(21, 31)]
    events += [comment(person) for person in range(31, 36)]
    events += [gift(person, 5, 1, diamonds=7) for person in range(41, 61)]
    rows = counted(*events, most_waiting=10)
    assert (rows.totals["joins"], rows.totals["dropped_joins"]) == (0, 10)
    assert (rows.totals["likes"], rows.totals["coalesced_likes"]) == (50, 30)
    assert rows.people[NOBODY]["likes"] == 30
    assert all(rows.people[person]["comments"] == 1 for person in range(31, 36))
    assert all(rows.people[person]["diamonds"] == 7 for person in range(41, 61))


def test_what_waits_is_bounded_however_long_nothing_can_be_saved():
    tally = Tally(Rows().kept(), most_waiting=10)
    for number in range(1, 2001):
        for event in (comment(number), likes(number, 1), join(number), share(number)):
            tally.take(event)
    batch = tally.drain(START)
    assert len(batch.people) <= 41
    assert len(batch.comments) <= 40
    rows = Rows()
    rows.save(batch)
    rows.check()
    assert [rows.totals[name] for name in ("comments", "likes", "shares")] == [2000] * 3


def test_a_batch_that_could_not_be_saved_comes_again_and_the_next_after_it():
    rows = Rows()
    tally = Tally(rows.kept())
    tally.take(comment(1))
    lost = tally.drain(at(1))
    tally.take(comment(2, 2))
    assert tally.drain(at(3)) is lost
    saved(rows, tally, 4)
    assert rows.totals["comments"] == 2


def test_a_batch_whose_commit_was_in_doubt_is_not_counted_twice():
    rows = Rows()
    tally = Tally(rows.kept())
    tally.take(comment(1))
    rows.save(tally.drain(at(1)))
    saved(rows, tally, 2)
    assert rows.totals["comments"] == 1


def test_what_tells_of_the_connection_counts_nothing():
    rows = counted(Connected(at=at(0)), Ended(at=at(5)))
    assert rows.minutes == {}


# The viewers, weighted by time.


def test_a_count_holds_over_the_border_of_minutes_until_the_next():
    tally = Tally(Rows().kept())
    tally.connected(at(0), ROOM)
    for event in (viewers(10, 30), viewers(40, 90)):
        tally.take(event)
    rows = saved(Rows(), tally, 120)
    first, second = rows.minutes[START], rows.minutes[START + MINUTE]
    assert (first["viewer_seconds"], first["watched_seconds"], first["connected_seconds"]) == (300, 30, 60)
    assert (second["viewer_seconds"], second["watched_seconds"]) == (30 * 10 + 30 * 40, 60)
    assert [second[f"viewers_{name}"] for name in ("first", "last", "min", "max")] == [10, 40, 10, 40]


def test_a_count_ends_with_the_connection():
    tally = Tally(Rows().kept())
    tally.connected(at(0), ROOM)
    tally.take(viewers(10, 0))
    tally.disconnected(at(10))
    tally.connected(at(50), ROOM)
    rows = saved(Rows(), tally, 60)
    row = rows.minutes[START]
    assert (row["viewer_seconds"], row["watched_seconds"], row["connected_seconds"]) == (100, 10, 20)


def test_a_count_older_than_the_last_changes_nothing():
    tally = Tally(Rows().kept())
    tally.connected(at(0), ROOM)
    for event in (viewers(10, 20), viewers(99, 10)):
        tally.take(event)
    batch = tally.drain(at(30))
    assert (batch.viewers, batch.peak_viewers) == (10, 10)
    assert batch.minutes[START].viewers_max == 10


def test_a_count_that_was_on_its_way_holds_from_when_time_was_last_saved():
    tally = Tally(Rows().kept())
    tally.connected(at(0), ROOM)
    tally.take(viewers(10, 0))
    rows = saved(Rows(), tally, 30)
    tally.take(viewers(20, 29))
    saved(rows, tally, 40)
    assert rows.minutes[START]["viewer_seconds"] == 30 * 10 + 10 * 20


def test_counts_without_a_connection_are_shown_but_weigh_nothing():
    rows = counted(viewers(10, 5), viewers(30, 10), now=60)
    row = rows.minutes[START]
    assert (row["viewers_first"], row["viewers_max"], row["watched_seconds"]) == (10, 30, 0)


def slowly(steps, until):
    """The viewers of each minute, second by second: viewer seconds, watched and connected seconds."""
    sums: dict[int, list[int]] = {}
    is_connected, number, place = False, None, 0
    for second in range(until):
        while place < len(steps) and steps[place][0] <= second:
            _, what, value = steps[place]
            place += 1
            if what == "connect":
                is_connected, number = True, None
            elif what == "disconnect":
                is_connected, number = False, None
            elif what == "viewers" and is_connected:
                number = value
        row = sums.setdefault(second // 60, [0, 0, 0])
        row[2] += is_connected
        if is_connected and number is not None:
            row[0] += number
            row[1] += 1
    return {minute: row for minute, row in sums.items() if any(row)}


steps = st.lists(
    st.tuples(
        st.integers(0, 400),
        st.sampled_from(["connect", "disconnect", "viewers", "viewers", "viewers", "save", "restart"]),
        st.integers(0, 50),
    ),
    max_size=25,
)


@settings(max_examples=150)
@given(steps)
def test_the_mean_is_that_of_every_second(steps):
    steps = sorted(steps, key=lambda step: step[0])
    steps = [
        one
        for step in steps
        for one in ([(step[0], "disconnect", 0), step] if step[1] == "restart" else [step])
    ]
    rows = Rows()
    tally = Tally(rows.kept())
    for second, what, value in steps:
        if what == "connect":
            tally.connected(at(second), ROOM)
        elif what == "disconnect":
            tally.disconnected(at(second))
        elif what == "viewers":
            tally.take(viewers(value, second))
        else:
            saved(rows, tally, second)
            tally = Tally(rows.kept()) if what == "restart" else tally
    saved(rows, tally, 401)
    weighed = {
        (minute - START) // MINUTE: [
            row[name] for name in ("viewer_seconds", "watched_seconds", "connected_seconds")
        ]
        for minute, row in rows.minutes.items()
    }
    assert {minute: row for minute, row in weighed.items() if any(row)} == slowly(steps, 401)


@pytest.mark.parametrize("seed", range(20))
def test_in_every_order_over_every_restart_the_sums_agree(seed):
    luck = Random(seed)
    makers = (
        comment,
        lambda who, when: likes(who, luck.randrange(1, 9), when),
        lambda who, when: gift(
            who, luck.randrange(3), luck.randrange(1, 5), when, to=luck.choice([None, 99])
        ),
        follow,
        share,
        join,
    )
    rows = Rows()
    tally = Tally(rows.kept(), most_waiting=6)
    for _ in range(300):
        tally.take(luck.choice(makers)(luck.randrange(12), luck.randrange(300)))
        happens = luck.random()
        if happens < 0.1:
            saved(rows, tally, 300)
        elif happens < 0.12:
            tally = Tally(rows.kept(), most_waiting=6)
    saved(rows, tally, 300)


def test_viewers_are_counted_on_when_the_clock_is_set_back():
    rows, tally = Rows(), Tally(Rows().kept())
    tally.connected(at(7200), ROOM)
    tally.take(viewers(40, 7200))
    tally.clock_moved(at(7230), at(3630))
    tally.take(viewers(60, 3660))
    saved(rows, tally, now=3720)
    assert rows.minutes[at(3660)]["viewers_last"] == 60
    assert sum(row["connected_seconds"] for row in rows.minutes.values()) == 120
    assert sum(row["watched_seconds"] for row in rows.minutes.values()) == 120
