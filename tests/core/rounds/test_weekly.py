from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.rounds.metrics import METRICS
from bot.core.rounds.periods import Span
from bot.core.rounds.ranking import rank_players
from bot.core.rounds.seasons import Season
from bot.core.rounds.weekly import (
    SEASONS_METRICS,
    WEEKS_METRICS,
    due_posts,
    next_posting,
    season_message,
    week_message,
)
from tests.core.rounds.row_samples import row

JAKARTA, BERLIN = ZoneInfo("Asia/Jakarta"), ZoneInfo("Europe/Berlin")
SPAN = Span(since=datetime(2026, 11, 8, 17, tzinfo=UTC), until=datetime(2026, 11, 15, 17, tzinfo=UTC))


def at(written: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=zone).astimezone(UTC)


def keys(now: datetime, zone: ZoneInfo = BERLIN) -> list[str]:
    return [post.key for post in due_posts(now, zone)]


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-11-16T09:59:59", []),
        ("2026-11-16T10:00", ["week:2026-11-16"]),
        ("2026-11-17T09:59:59", ["week:2026-11-16"]),
        ("2026-11-17T10:00", []),
        ("2026-11-22T23:59", []),
    ],
)
def test_a_week_is_due_from_monday_at_ten_for_a_day(now, due):
    assert keys(at(now)) == due
    assert keys(at(now, JAKARTA), JAKARTA) == due


def test_a_week_is_the_one_before_its_monday():
    (post,) = due_posts(at("2026-11-16T10:00", JAKARTA), JAKARTA)
    assert post.span == Span(since=at("2026-11-09", JAKARTA), until=at("2026-11-16", JAKARTA))
    assert post.expires_at == at("2026-11-17T10:00", JAKARTA)
    assert post.season is None


@pytest.mark.parametrize(
    ("now", "is_due"),
    [
        ("2026-10-01T12:00", False),  # the season is over; its champions are named on Monday
        ("2026-10-05T09:59", False),
        ("2026-10-05T10:00", True),
        ("2026-10-12T09:59", True),
        ("2026-10-12T10:00", False),
    ],
)
def test_the_champions_of_a_season_are_due_for_a_week_from_the_first_monday_on(now, is_due):
    assert ("season:2026 Q3" in keys(at(now))) is is_due


def test_a_season_that_begins_on_a_monday_is_told_of_that_day():
    assert "season:2029 Q2" not in keys(at("2029-07-02T09:59"))
    assert "season:2029 Q2" in keys(at("2029-07-02T10:00"))
    season = next(post for post in due_posts(at("2018-01-01T10:00"), BERLIN) if post.season)
    assert season.season == Season(2017, 4)
    assert season.span == Span(since=at("2017-10-01"), until=at("2018-01-01"))


def test_ten_o_clock_stays_ten_o_clock_when_clocks_change():
    before, after = at("2026-10-19T10:00"), at("2026-10-26T10:00")  # set back on the 25th
    assert next_posting(before, BERLIN) == after
    assert after - before == timedelta(days=7, hours=1)
    (post,) = due_posts(after, BERLIN)
    assert post.span.until - post.span.since == timedelta(days=7, hours=1)


@given(st.integers(0, 20 * 365 * 24 * 60), st.sampled_from((JAKARTA, BERLIN)))
def test_the_next_posting_is_a_monday_at_ten_within_a_week_at_which_a_week_is_due(minutes, zone):
    now = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    following = next_posting(now, zone)
    assert timedelta() < following - now <= timedelta(days=7, hours=1)
    local = following.astimezone(zone)
    assert (local.weekday(), local.hour, local.minute) == (0, 10, 0)
    assert f"week:{local.date()}" in keys(following, zone)
    assert not set(keys(following - timedelta(seconds=1), zone)) & {f"week:{local.date()}"}


def rankings(metrics, rows):
    return [rank_players(rows, metric) for metric in metrics]


def evening(guid, rounds=12, **counters):
    return [row(guid, name=f"*{guid}*", minutes=number, **counters) for number in range(rounds)]


def test_the_table_of_a_week_shows_five_players_of_each_metric_and_its_minimum():
    rows = [one for n in range(7) for one in evening(f"P{n}", kills=n, damage_given=n * 60, team_seconds=60)]
    message = week_message(rankings(WEEKS_METRICS, rows), SPAN, JAKARTA)
    names = [field.name for field in message.fields]
    assert names == [
        "Playtime · at least 1 round",
        "Damage per minute · at least 10 rounds",
        "Kills · at least 1 round",
    ]
    assert [line.split()[1] for line in message.fields[2].value.split("\n")[2:-1]] == [
        f"*P{n}*" for n in (6, 5, 4, 3, 2)
    ]
    assert message.body == "2026-11-09 to 2026-11-15"
    assert message.chart.title == "Damage per minute"


def test_a_week_with_too_few_rounds_for_a_ratio_has_a_chart_all_the_same():
    rows = evening("P1", rounds=3, kills=3, damage_given=3, team_seconds=60)
    message = week_message(rankings(WEEKS_METRICS, rows), SPAN, JAKARTA)
    assert [field.name.split(" · ")[0] for field in message.fields] == ["Playtime", "Kills"]
    assert message.chart.title == "Playtime"


def test_nothing_is_said_of_a_week_and_a_season_in_which_nobody_played():
    assert week_message(rankings(WEEKS_METRICS, []), SPAN, JAKARTA) is None
    assert season_message(rankings(SEASONS_METRICS, []), Season(2026, 3), SPAN, JAKARTA) is None


def test_champions_who_tie_are_all_named():
    rows = evening("P1", kills=5) + evening("P2", kills=5) + evening("P3", kills=4)
    message = season_message([rank_players(rows, METRICS["kills"])], Season(2026, 3), Span(), JAKARTA)
    assert message.title == "The champions of the season 2026 Q3"
    assert r"**Kills**: \*P1\*, \*P2\* with 60 (at least 1 round)" in message.body
    assert "P3" not in message.body


def test_a_crowd_of_champions_is_counted():
    rows = [row for number in range(7) for row in evening(f"P{number}", kills=5)]
    message = season_message([rank_players(rows, METRICS["kills"])], Season(2026, 3), Span(), JAKARTA)
    assert r"\*P3\*, and 3 more with 60" in message.body
