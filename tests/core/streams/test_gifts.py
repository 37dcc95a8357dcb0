"""Whatever happens to the messages of gifts on their way, the totals are those of the script."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.streams.tally import UNKNOWN_GUEST, Tally
from bot.core.streams.values import ValueSource
from tests.core.streams.happenings import MINUTE, ROOM, START, Rows, at, gift

VALUES = {1: 1, 2: 30, 3: 1000, 4: None}
GUEST = 99

scripts = st.lists(
    st.tuples(
        st.integers(1, 3),  # who
        st.sampled_from(sorted(VALUES)),
        st.integers(1, 6),  # how many
        st.sampled_from([None, None, GUEST]),
        st.integers(0, 200),  # when, in seconds
    ),
    min_size=1,
    max_size=8,
)


def messages_of(script):
    """A streak for each gift: its counts, then its end."""
    return [
        gift(who, kind, one, start + 7 * one, group=group, diamonds=VALUES[kind], to=to, closes=closes)
        for group, (who, kind, number, to, start) in enumerate(script, 1)
        for one, closes in [*((one, False) for one in range(1, number + 1)), (number, True)]
    ]


def totals_of(script):
    """What the host and the guests got: pieces, diamonds, and pieces of unknown value of the host's."""
    sums = Counter()
    for _, kind, number, to, _ in script:
        side = "guest_" if to else ""
        sums[f"{side}gifts"] += number
        sums[f"{side}diamonds"] += number * (VALUES[kind] or 0)
        sums["unvalued_gifts"] += number if VALUES[kind] is None and not to else 0
    return +sums


class Recorder:
    """A tally over its rows, which may be killed at any time."""

    def __init__(self, rows):
        self.rows = rows
        self.tally = Tally(rows.kept())
        self.tally.connected(at(0), ROOM)

    def save(self, *, in_doubt=False):
        while (batch := self.tally.drain(at(100))) is not None:
            is_new = batch.number > self.rows.batches
            self.rows.save(batch)
            if is_new and in_doubt:
                return
            self.tally.saved(batch)


@settings(max_examples=150)
@given(scripts, st.integers(0, 2**32))
def test_any_order_duplicates_lost_messages_and_kills_change_no_total(script, seed):
    luck, kills = Random(seed), 0
    messages = messages_of(script)
    highest = Counter(message.group_id for message in messages)  # each count up to the number, and an end
    kept = [
        one
        for one in messages
        if (one.count == highest[one.group_id] - 1 and not one.closes) or luck.random() < 0.6
    ]
    sent = kept + luck.choices(kept, k=len(kept))
    luck.shuffle(sent)
    rows = Rows()
    recorder, unsaved = Recorder(rows), []
    while sent:
        message = sent.pop()
        recorder.tally.take(message)
        unsaved.append(message)
        happens = luck.random()
        if happens < 0.2:
            recorder.save()
            unsaved = []
        elif happens < 0.3:  # committed, but the recorder never learned of it, and tries again
            recorder.save(in_doubt=True)
            unsaved = []
        elif happens < 0.4 and kills < 3:  # killed: what was not saved comes again
            sent += unsaved
            recorder, unsaved, kills = Recorder(rows), [], kills + 1
            luck.shuffle(sent)
    recorder.save()
    rows.check()
    assert +Counter({name: rows.totals[name] for name in totals_of(script)}) == totals_of(script)
    each = Counter({who: 0 for who, *_ in script})
    for who, kind, number, to, _ in script:
        each[who] += 0 if to else number * (VALUES[kind] or 0)
    assert {who: rows.people[who]["diamonds"] for who in each} == dict(each)


def counted(*events, rows=None):
    rows = rows or Rows()
    recorder = Recorder(rows)
    for event in events:
        recorder.tally.take(event)
    recorder.save()
    rows.check()
    return rows


def test_a_streak_that_goes_on_in_the_next_minute_counts_in_both():
    rows = counted(
        gift(1, 5, 3, 58, group=9), gift(1, 5, 5, 61, group=9), gift(1, 5, 5, 62, group=9, closes=True)
    )
    assert [rows.minutes[START + number * MINUTE]["gifts"] for number in range(2)] == [3, 2]


def test_an_end_that_comes_in_the_next_minute_is_no_gift_of_that_minute():
    rows = counted(gift(1, 5, 3, 58, group=9), gift(1, 5, 3, 61, group=9, closes=True))
    assert rows.minutes[START]["gifters"] == 1
    assert rows.minutes[START + MINUTE]["gifters"] == 0


def test_the_same_gift_in_another_group_or_to_a_guest_is_another_gift():
    rows = counted(
        gift(1, 5, 3, group=9, diamonds=10),
        gift(1, 5, 2, group=10, diamonds=10),
        gift(1, 5, 4, group=9, diamonds=10, to=GUEST),
    )
    assert (rows.totals["diamonds"], rows.totals["guest_diamonds"]) == (50, 40)


def test_a_guest_nobody_knows_is_not_the_host():
    rows = counted(gift(1, 5, to=0))
    assert [key.to_person_id for key in rows.gifts] == [UNKNOWN_GUEST]
    assert rows.totals["gifts"] == 0


def test_a_value_told_by_a_later_message_is_that_of_the_whole_streak():
    rows = counted(gift(1, 5, 3, group=9, diamonds=None))
    assert (rows.totals["diamonds"], rows.totals["unvalued_gifts"]) == (0, 3)
    counted(gift(1, 5, 4, 65, group=9, diamonds=20), rows=rows)
    assert (rows.totals["diamonds"], rows.totals["unvalued_gifts"]) == (80, 0)
    assert [rows.minutes[START + number * MINUTE]["diamonds"] for number in range(2)] == [60, 20]


def test_a_guess_is_counted_and_marked():
    rows = counted(gift(1, 5, 3, diamonds=None, name="Swan"), gift(2, 6, diamonds=5, name="Finger Heart"))
    assert (rows.totals["diamonds"], rows.totals["estimated_diamonds"]) == (3 * 699 + 5, 3 * 699)
    assert {row.worth.source for row in rows.gifts.values()} == {ValueSource.ESTIMATE, ValueSource.EVENT}


def test_what_one_message_teaches_values_all_that_wait_with_it():
    rows = counted(gift(1, 5, 2, diamonds=None), gift(2, 5, 1, diamonds=7))
    assert rows.totals["diamonds"] == 21
    assert {row.worth.source for row in rows.gifts.values()} == {ValueSource.LEARNED, ValueSource.EVENT}


def test_a_value_that_changes_counts_for_new_gifts_alone():
    rows = counted(gift(1, 5, 2, diamonds=10))
    counted(gift(1, 5, 1, diamonds=12), rows=rows)
    assert rows.totals["diamonds"] == 32


def test_a_streak_of_any_length_waits_in_bounded_memory():
    recorder = Recorder(Rows())
    for number in range(1, 1001):
        recorder.tally.take(gift(1, 5, number, number / 100, group=9))
    (streak,) = recorder.tally.drain(at(20)).gifts.values()
    assert len(streak.steps) == 1
