"""What posts gained in a period: of real readings only, with real hours, and nothing over a gap."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bot.core.posts.models import Counts, PostSample
from bot.core.posts.period import Reading, SampledPost, apart, gained_by, longest_step, reading_of, together
from tests.core.posts.invented import DAY, START

HOUR = timedelta(hours=1)
LONGEST = longest_step(24)


def _at(*days: float) -> list[datetime]:
    return [START + day * DAY for day in days]


def _post(views: dict[float, int | None], *, posted: float = -9, post_id: int = 1) -> SampledPost:
    return SampledPost(
        post_id=post_id,
        posted_at=START + posted * DAY,
        caption="",
        samples=[
            PostSample(post_id=post_id, at=START + day * DAY, counts=Counts(views=count), source="yt-dlp")
            for day, count in views.items()
        ],
    )


def _reading(*days: float, before: float | None = None) -> Reading:
    return Reading(
        runs=tuple(_at(*days)), run_before=None if before is None else START + before * DAY, gap=None
    )


def test_a_period_is_told_from_the_last_reading_before_it() -> None:
    reading = reading_of(_at(0, 0.9, 1.9, 2.1), START + DAY, START + 2 * DAY, LONGEST)

    assert reading is not None
    assert reading.runs == tuple(_at(0.9, 1.9))
    assert reading.run_before == START
    assert (reading.span, reading.gap) == (DAY, None)


def test_nothing_is_told_of_a_period_without_a_reading() -> None:
    assert reading_of(_at(0, 1, 2.5), START + DAY, START + 2 * DAY, LONGEST) is None
    assert reading_of([], START, START + DAY, LONGEST) is None


def test_one_missed_reading_is_told_with_its_real_hours() -> None:
    reading = reading_of(_at(0, 2), START + DAY, START + 2.1 * DAY, LONGEST)

    assert reading is not None
    assert (reading.span, reading.gap) == (2 * DAY, None)


def test_nothing_is_told_from_before_a_gap() -> None:
    reading = reading_of(_at(0, 1, 5, 6), START + DAY, START + 7 * DAY, LONGEST)

    assert reading is not None
    assert reading.runs == tuple(_at(5, 6))
    assert reading.gap == (START + DAY, START + 5 * DAY)
    assert gained_by(_post({0: 1, 1: 2, 5: 500, 6: 560}), reading).counts.views == 60  # type: ignore[union-attr]


@given(
    st.lists(st.floats(0.05, 9), min_size=1, max_size=20).map(
        lambda gaps: [sum(gaps[: number + 1]) for number in range(len(gaps))]
    ),
    st.floats(0, 60),
    st.floats(0.5, 8),
)
def test_no_two_readings_of_a_period_lie_further_apart_than_is_allowed(
    days: list[float], since: float, lasts: float
) -> None:
    begin, end = START + since * DAY, START + (since + lasts) * DAY
    reading = reading_of(_at(*days), begin, end, LONGEST)

    inside = [at for at in _at(*days) if begin < at <= end]
    assert (reading is None) == (not inside)
    if reading is not None:
        assert reading.runs[-1] == inside[-1]
        assert all(b - a <= LONGEST for a, b in pairwise(reading.runs))
        assert sum(at <= begin for at in reading.runs) <= 1


def test_periods_that_follow_each_other_have_no_growth_in_common() -> None:
    runs = _at(*[day + 0.4 * (day % 3) for day in range(30)])
    spans = [
        (reading.runs[0], reading.runs[-1])
        for day in range(1, 28)
        if (reading := reading_of(runs, START + day * DAY, START + (day + 1) * DAY, LONGEST))
    ]

    assert len(spans) > 15
    assert all(one[1] <= after[0] for one, after in pairwise(spans))


def test_a_post_gains_from_the_first_run_to_the_last() -> None:
    gained = gained_by(_post({0: 100, 0.99: 150, 1.99: 130}), _reading(1, 2, before=0.5))

    assert gained is not None
    assert (gained.counts, gained.whole) == (Counts(views=-20), False)
    assert gained.views is not None
    assert gained.views.hours == 24


def test_a_post_that_was_not_read_in_both_runs_gains_nothing_that_is_known() -> None:
    reading = _reading(1, 2, before=0.5)

    assert gained_by(_post({0.2: 100, 2: 500}), reading) is None
    assert gained_by(_post({1: 100}), reading) is None
    assert gained_by(_post({2: 100}), reading) is None
    assert gained_by(_post({1: None, 2: 500}), reading) is None


def test_a_new_post_began_with_nothing() -> None:
    gained = gained_by(_post({2: 700}, posted=1.5), _reading(1, 2))

    assert gained is not None
    assert (gained.counts.views, gained.whole) == (700, True)
    assert gained.views is not None
    assert gained.views.hours == 12


def test_one_reading_tells_no_growth() -> None:
    assert gained_by(_post({2: 700}, posted=1.5), _reading(2)) is None


def test_a_sum_is_of_what_is_known() -> None:
    reading = _reading(1, 2)
    posts = [_post({1: 5, 2: 8}), _post({1: 1, 2: 0}, post_id=2), _post({2: 9}, post_id=3)]
    gained = [one for post in posts if (one := gained_by(post, reading))]

    assert together(gained) == Counts(views=2)
    assert together([]) == Counts()


def test_an_hourly_profile_may_miss_a_night() -> None:
    assert longest_step(1) == 36 * HOUR
    assert longest_step(24) == 60 * HOUR


def test_of_readings_that_follow_each_other_soon_some_are_enough_and_the_ends_of_periods_always_kept():
    hourly = [START + number * HOUR for number in range(49)]
    ends = (START + 25.5 * HOUR, START + 48 * HOUR)
    kept = apart(hourly, ends, least=6 * HOUR)
    assert [(at - START) // HOUR for at in kept] == [0, 6, 12, 18, 24, 25, 31, 37, 43, 48]
    daily = hourly[::24]
    assert apart(daily, ends, least=6 * HOUR) == tuple(daily)
    assert apart([], ends, least=HOUR) == ()
