"""Charts of predictions as data: the right numbers in the right places."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.core.charts import BarChart, ChartStack, HeatMap
from bot.core.live.prediction_charts import (
    MOST_LANES,
    account_chart,
    chance_of_any,
    heat_chart,
    in_zone,
    next_chart,
    percent,
    plan_chart,
    reliability_chart,
)
from bot.core.live.predictions import PlannedHour, Standing
from tests.predicted import (
    FACTORS,
    HOUR,
    NOW,
    ZONE,
    account,
    accuracy,
    expected,
    next_lives,
    plan,
    unknown,
)


def test_a_lane_has_the_chances_the_next_check_and_a_name_to_fall_back_on():
    spec = next_chart(next_lives(expected(lives=(0.3,) * 30), expected("ben", standing=Standing.LIVE)))
    ana, ben = spec.lanes
    assert (ana.label, ana.fallback, ana.marks) == ("Ana", "@ana", (NOW + HOUR / 2,))
    assert ana.chances == (0.3,) * 24
    assert (ana.note, ben.note) == ("92%", "live")  # 1 - 0.9 ** 24
    assert ben.marks == ()
    assert (spec.begins_at, spec.now, spec.zone) == (NOW.replace(minute=0), NOW, ZONE)
    assert ZONE in spec.time_axis


def test_a_lane_of_which_nothing_is_known_says_so():
    spec = next_chart(next_lives(unknown(), unknown("ben", Standing.PAUSED, next_check_at=None)))
    assert [lane.note for lane in spec.lanes] == ["not known", "paused"]
    assert [lane.chances for lane in spec.lanes] == [(), ()]


def test_more_accounts_than_can_be_read_are_counted():
    spec = next_chart(next_lives(*[expected(f"a{number}") for number in range(MOST_LANES + 3)]))
    assert len(spec.lanes) == MOST_LANES
    assert "and 3 more accounts" in spec.subtitle
    assert "more" not in next_chart(next_lives()).subtitle


def test_an_account_has_its_week_and_its_factors_in_one_picture():
    spec = account_chart(account())
    assert isinstance(spec, ChartStack)
    week, factors = spec.charts
    assert [row.label for row in week.rows] == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    assert week.rows[5].values[20] == 0.4
    assert week.subtitle == "most likely: Sat 20:00, 40%"
    assert [bar.value for bar in factors.groups[0].bars] == pytest.approx([82, 55, 31, 50, 0])
    assert [bar.note for bar in factors.groups[0].bars][:2] == ["weight 40%", "weight 20%"]
    assert factors.longest == 100


def test_the_bar_of_special_events_names_the_day():
    spec = account_chart(account(factors=replace(FACTORS, event="Hari Raya")))
    assert [bar.note for bar in spec.charts[1].groups[0].bars][3:] == ["weight 10%", "Hari Raya · weight 10%"]


def test_without_factors_there_is_the_week_alone():
    assert isinstance(account_chart(account(factors=None)), HeatMap)


def test_of_an_account_nobody_knows_nothing_is_drawn():
    assert account_chart(account(heat=None, factors=None)) is None
    assert isinstance(account_chart(account(heat=None)), BarChart)


def test_a_flat_week_names_its_first_hour():
    flat = replace(account(), heat=((0.0,) * 24,) * 7)
    assert heat_chart(flat, flat.heat).subtitle == "most likely: Mon 00:00, 0%"


def test_a_day_shows_what_was_found_what_was_not_and_what_is_planned():
    spec = plan_chart(plan())
    found, nothing, planned = spec.series
    assert (sum(found.values), sum(nothing.values), sum(planned.values)) == (2, 74, 27.5)
    assert (found.name, nothing.name, planned.name) == (
        "found a live (2)",
        "found nothing (74)",
        "planned (28)",
    )
    assert spec.limit == 5
    assert spec.subtitle == "last 24 h: 84 of 120 · reserved 12 · left 36"
    assert [label for label in spec.labels if label] == ["00", "03", "06", "09", "12", "15", "18", "21"]


def test_a_rest_of_the_day_that_is_not_worked_out_is_not_drawn_as_no_checks():
    hours = tuple(replace(hour, planned=None) for hour in plan().hours)
    spec = plan_chart(plan(hours=hours, unplanned="too many accounts"))
    names = [series.name for series in spec.series]
    assert names == ["found a live (2)", "found nothing (74)", "planned (?)"]


def test_the_day_on_which_clocks_go_back_has_an_hour_more():
    start = datetime(2026, 10, 24, 22, tzinfo=UTC)
    hours = tuple(PlannedHour(start=start + hour * HOUR, made=1, found=0, planned=0) for hour in range(25))
    spec = plan_chart(plan(hours=hours, zone="Europe/Berlin"))
    assert len(spec.labels) == len(spec.series[0].values) == 25
    assert [label for label in spec.labels if label] == ["00", "03", "06", "09", "12", "15", "18", "21"]


def test_reliability_has_the_bins_that_hold_anything():
    points = reliability_chart(accuracy()).points
    assert len(points) == 9
    assert (points[0].predicted, points[0].observed, points[0].count) == (0.04, 0.06, 4000)
    assert reliability_chart(accuracy(reliability=())) is None


@pytest.mark.parametrize(
    ("share", "words"),
    [(0, "0%"), (0.001, "<1%"), (0.005, "<1%"), (0.014, "1%"), (0.996, ">99%"), (1, "100%")],
)
def test_a_chance_is_written_in_full_percents(share, words):
    assert percent(share) == words


def test_the_chance_of_any_is_that_none_fails():
    assert chance_of_any((0.5, 0.5)) == 0.75
    assert chance_of_any(()) == 0
    assert chance_of_any((1.2, -1)) == 1


def one_hour(day: int, hour: int) -> tuple[tuple[float, ...], ...]:
    return tuple(
        tuple(float((day, hour) == place) for place in ((a, b) for b in range(24))) for a in range(7)
    )


@pytest.mark.parametrize(
    ("zone", "day", "hour"),
    [("Asia/Jakarta", 0, 3), ("America/New_York", 6, 15), ("UTC", 6, 20)],
)
def test_a_week_is_shown_in_the_hours_of_the_guild(zone, day, hour):
    """Sunday 20:00 in UTC is Monday in Jakarta."""
    heat = one_hour(6, 20)
    assert in_zone(heat, "UTC", zone, NOW) == one_hour(day, hour)
    week, _ = account_chart(account(heat=heat, heat_zone="UTC", zone=zone)).charts
    assert week.rows[day].values[hour] == 1
    assert zone in week.column_axis


def test_an_hour_of_a_zone_between_hours_is_made_of_two():
    heat = in_zone(one_hour(0, 0), "UTC", "Asia/Kolkata", NOW)
    assert (heat[0][5], heat[0][6]) == (0.5, 0.5)
    assert sum(map(sum, heat)) == 1
