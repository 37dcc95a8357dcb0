"""Every pair of the table in bot.core.live.transitions, and the rules around it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.live.models import Answer, Observation, Sighting
from bot.core.live.transitions import Change, Live, LiveRules, Phase, Transition, observe, over, pause_seen

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
RULES = LiveRules()
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def room(started_at: datetime) -> int:
    return int(started_at.timestamp()) << 32


STARTED = NOW - timedelta(hours=1)
ROOM = room(STARTED)
OLDER = room(STARTED - timedelta(days=1))
NEWER = room(NOW - MINUTE)


def sighting(room_id: int = ROOM, *, paused: bool = False, viewers: int | None = 10, **values) -> Sighting:
    started_at = datetime.fromtimestamp(room_id >> 32, UTC)
    return Sighting(room_id=room_id, started_at=started_at, viewers=viewers, paused=paused, **values)


def live_answer(at: datetime = NOW, **values) -> Observation:
    return Observation(answer=Answer.LIVE, seen_at=at, sighting=sighting(**values))


def offline(at: datetime = NOW) -> Observation:
    return Observation(answer=Answer.OFFLINE, seen_at=at)


def unknown(at: datetime = NOW) -> Observation:
    return Observation(answer=Answer.UNKNOWN, seen_at=at, reason="blocked", blocked=True)


def on(**values) -> Live:
    base = Live(
        phase=Phase.ON,
        room_ids=(ROOM,),
        started_at=STARTED,
        found_at=STARTED + MINUTE,
        last_seen_at=NOW - 5 * MINUTE,
        viewers=10,
        peak_viewers=30,
    )
    return replace(base, **values)


def doubted(ago: timedelta = 2 * MINUTE) -> Live:
    return on(phase=Phase.DOUBTED, doubted_at=NOW - ago)


def ended(ago: timedelta = timedelta(hours=3)) -> Live:
    return on(phase=Phase.ENDED, ended_at=NOW - ago, last_seen_at=NOW - ago)


PAIRS = [
    (None, live_answer(), Change.FOUND),
    (None, live_answer(paused=True), Change.IGNORED),
    (None, offline(), Change.IGNORED),
    (None, unknown(), Change.IGNORED),
    (ended(), live_answer(room_id=NEWER), Change.FOUND),
    (ended(), live_answer(), Change.REOPENED),
    (ended(), live_answer(room_id=OLDER), Change.IGNORED),
    (ended(), live_answer(room_id=NEWER, paused=True), Change.IGNORED),
    (ended(), offline(), Change.IGNORED),
    (ended(), unknown(), Change.IGNORED),
    (ended(5 * MINUTE), live_answer(room_id=NEWER), Change.REOPENED),
    (on(), live_answer(room_id=NEWER), Change.CONTINUED),
    (on(last_seen_at=NOW - timedelta(minutes=40)), live_answer(room_id=NEWER), Change.FOUND),
    (on(), live_answer(), Change.CONTINUED),
    (on(), live_answer(room_id=OLDER), Change.IGNORED),
    (on(), live_answer(paused=True), Change.PAUSED),
    (on(paused_at=NOW - 29 * MINUTE), live_answer(paused=True), Change.PAUSED),
    (on(paused_at=NOW - 31 * MINUTE), live_answer(paused=True), Change.ENDED),
    (on(), offline(), Change.DOUBTED),
    (on(), unknown(), Change.IGNORED),
    (doubted(), live_answer(room_id=NEWER), Change.CONTINUED),
    (doubted(), live_answer(), Change.CONTINUED),
    (doubted(), live_answer(room_id=OLDER), Change.IGNORED),
    (doubted(), live_answer(paused=True), Change.PAUSED),
    (doubted(), offline(), Change.ENDED),
    (doubted(timedelta(seconds=59)), offline(), Change.DOUBTED),
    (doubted(), unknown(), Change.IGNORED),
]


@pytest.mark.parametrize(("last", "observation", "change"), PAIRS)
def test_every_pair_of_the_table(last: Live | None, observation: Observation, change: Change) -> None:
    assert observe(last, observation, RULES).change is change


def test_one_offline_answer_ends_a_live_when_the_sweep_saw_the_room_closed() -> None:
    assert observe(on(), offline(), RULES, second_source=True).change is Change.ENDED


def test_an_unknown_answer_never_ends_anything_even_with_a_second_source() -> None:
    transition = observe(doubted(), unknown(), RULES, second_source=True)
    assert transition == Transition(change=Change.IGNORED, live=doubted())


def test_the_end_is_put_between_the_last_look_and_the_first_doubt() -> None:
    transition = observe(doubted(timedelta(minutes=1)), offline(), RULES)
    assert transition.live is not None
    assert transition.live.ended_at == NOW - 3 * MINUTE


def test_who_watched_the_room_ends_a_live_at_once_and_to_the_second() -> None:
    seen = over(doubted(), NOW - 7 * SECOND)
    assert (seen.change, seen.live.ended_at) == (Change.ENDED, NOW - 7 * SECOND)
    assert over(ended(), NOW).change is Change.IGNORED
    assert over(None, NOW).live is None


def test_a_pause_that_is_too_long_ends_where_it_began() -> None:
    transition = observe(on(paused_at=NOW - 40 * MINUTE), live_answer(paused=True), RULES)
    assert transition.live is not None
    assert transition.live.ended_at == NOW - 40 * MINUTE


def test_a_restart_within_ten_minutes_is_the_same_live_with_both_rooms() -> None:
    last = ended(8 * MINUTE)
    live = observe(last, live_answer(room_id=room(NOW - MINUTE)), RULES).live
    assert live is not None
    assert (live.started_at, live.room_ids, live.ended_at) == (STARTED, (ROOM, room(NOW - MINUTE)), None)


def test_a_live_that_replaces_another_closes_it_where_it_was_last_seen() -> None:
    last = on(last_seen_at=NOW - timedelta(minutes=40))
    transition = observe(last, live_answer(room_id=NEWER), RULES)
    assert transition.replaced is not None
    assert transition.replaced.ended_at == NOW - timedelta(minutes=40)
    assert transition.live is not None
    assert transition.live.room_ids == (NEWER,)


def test_the_peak_is_the_highest_count_seen_and_a_missing_count_is_not_zero() -> None:
    assert observe(on(), live_answer(viewers=50), RULES).live.peak_viewers == 50
    kept = observe(on(), live_answer(viewers=None), RULES).live
    assert (kept.viewers, kept.peak_viewers) == (None, 30)
    assert observe(None, live_answer(viewers=None), RULES).live.peak_viewers is None


def test_a_doubt_that_was_wrong_leaves_no_trace() -> None:
    live = observe(doubted(), live_answer(), RULES).live
    assert (live.phase, live.doubted_at, live.ended_at) == (Phase.ON, None, None)


def test_a_naive_instant_and_a_contradiction_are_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        Observation(answer=Answer.OFFLINE, seen_at=NOW.replace(tzinfo=None))
    with pytest.raises(ValueError, match="sighting"):
        Observation(answer=Answer.LIVE, seen_at=NOW)


def answer_of(kind: str, now: datetime, newest: int) -> Observation:
    if kind == "offline":
        return offline(now)
    if kind == "unknown":
        return unknown(now)
    return live_answer(now, room_id=OLDER if kind == "old" else newest, paused=kind == "paused")


steps = st.lists(
    st.tuples(
        st.integers(min_value=1, max_value=3600),
        st.sampled_from(["live", "new", "old", "paused", "offline", "unknown"]),
        st.booleans(),
    ),
    max_size=40,
)


@given(steps)
def test_whatever_is_answered_a_live_stays_consistent(story: list[tuple[int, str, bool]]) -> None:
    last: Live | None = None
    now = NOW
    newest = ROOM
    for seconds, kind, second in story:
        now += timedelta(seconds=seconds)
        if kind == "new":
            newest = room(now)
        observation = answer_of(kind, now, newest)
        transition = observe(last, observation, RULES, second_source=second)
        live = transition.live
        if transition.change is Change.IGNORED:
            assert live == last
        if live is not None:
            assert (live.ended_at is not None) == (live.phase is Phase.ENDED)
            assert list(live.room_ids) == sorted(set(live.room_ids))
            assert live.ended_at is None or live.ended_at >= live.started_at
            assert live.last_seen_at <= now
        if transition.change is Change.ENDED:
            assert kind in {"offline", "paused"}
        if transition.change is Change.FOUND:
            assert kind in {"live", "new", "old"}
        last = live


def test_a_pause_is_taken_from_who_watches_the_room_while_the_live_is_on() -> None:
    paused = pause_seen(on(), NOW)
    assert (paused.change, paused.live.paused_at) == (Change.PAUSED, NOW)
    assert pause_seen(paused.live, NOW + SECOND).change is Change.IGNORED
    assert pause_seen(paused.live, None).live == on()
    for other in (None, ended(), doubted()):
        assert pause_seen(other, NOW).change is Change.IGNORED
