"""What is shown of a recorded live: words, figures, the chart as data."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.streams.activities import Activity
from bot.core.streams.comparison import ComparedSide, StreamComparison, stream_comparison_message
from bot.core.streams.events import Viewer
from bot.core.streams.figures import (
    alert_fields,
    diamonds_words,
    dollars_words,
    recorded_field,
    share_words,
    supporter_lines,
    viewer_name,
)
from bot.core.streams.history import PER_PAGE, history_pages
from bot.core.streams.models import GivenGift, RecordedLive, StreamMinute, Supporter
from bot.core.streams.recap import best_minute, is_empty, recap_message
from bot.core.streams.recording import RecordingState
from bot.core.streams.shown import ShownLive, course_chart, now_message
from bot.core.streams.spikes import Spike
from bot.discord.embeds import draw
from bot.discord.speech import Speaker

START = datetime(2026, 3, 1, 18, 4, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOSTILE = ["*" * 300, "@everyone `x` <@1> " * 16, "\U0001f3f4\u200d" * 150, "名" * 300, ""]


def live(minutes=90, **more):
    counts = dict.fromkeys(RecordedLive.__dataclass_fields__, 0)
    return RecordedLive(
        **counts
        | {
            "live_id": 1,
            "account_id": 1,
            "handle": "ana",
            "nickname": "Ana",
            "title": "Hello",
            "started_at": START,
            "ended_at": START + minutes * MINUTE,
            "last_seen_at": START,
            "state": RecordingState.DONE,
            "trouble": "",
            "first_connected_at": START,
            "last_event_at": START,
            "connected_seconds": 60.0 * minutes,
            "viewers": 5,
            "viewers_at": START,
            "peak_viewers": 400,
            "peak_at": START + 20 * MINUTE,
            "viewer_seconds": 600.0,
            "watched_seconds": 60.0,
            "entered": None,
            "room_likes": None,
        }
        | more
    )


def row(minute, viewers=100, **more):
    counted = {} if viewers is None else {"viewer_seconds": 60.0 * viewers, "watched_seconds": 60.0}
    at = START.replace(second=0) + minute * MINUTE
    counted |= {"viewers_first": viewers, "viewers_last": viewers, "viewers_max": viewers}
    return StreamMinute(minute=at, **counted | {"connected_seconds": 60.0} | more)


def shown(rows, minutes=90, **more):
    return ShownLive(**{"live": live(minutes), "now": START + minutes * MINUTE, "minutes": rows} | more)


def supporter(name="Fan", diamonds=10, **more):
    kept = {"viewer": Viewer(1, "fan", name), "diamonds": diamonds, "estimated_diamonds": 0}
    return Supporter(**kept | {"gifts": 2, "kinds": 1, "last_at": START} | more)


# The chart as data.


def test_a_gap_parts_the_curve_and_nothing_in_it_is_0():
    minutes = [row(at) for at in (*range(12, 50), *range(70, 91))]
    chart = course_chart(shown(minutes))
    assert len(chart.runs) == 2
    assert [value for run in chart.runs for _, value in run.points] == [100] * sum(
        len(run.points) for run in chart.runs
    )
    begin, end = START, START.replace(second=0)
    assert chart.gaps == ((begin, end + 12 * MINUTE), (end + 50 * MINUTE, end + 70 * MINUTE))
    assert chart.runs[0].points[0][0] == end + 12 * MINUTE
    assert chart.runs[0].points[-1][0] == end + 50 * MINUTE


def test_minutes_without_a_count_are_a_gap_too():
    chart = course_chart(shown([*(row(at) for at in range(40)), *(row(at, None) for at in range(40, 91))]))
    assert [until for _, until in chart.gaps] == [START + 90 * MINUTE]
    assert len(chart.runs) == 1


def test_a_reconnect_of_a_minute_is_no_gap():
    chart = course_chart(shown([row(at) for at in range(91) if at != 30]))
    assert chart.gaps == ()
    assert len(chart.runs) == 1


@pytest.mark.parametrize(("minutes", "interval", "step"), [(20, 5, 1), (29, 10, 1), (30, 5, 5), (90, 10, 10)])
def test_minutes_are_summed_but_of_a_short_live(minutes, interval, step):
    rows = [row(at, diamonds=1) for at in range(minutes)]
    chart = course_chart(shown(rows, minutes, interval_minutes=interval))
    assert chart.column_minutes == step
    assert sum(value for _, value in chart.columns.points) == minutes
    assert all(at.minute % step == 0 for at, _ in chart.columns.points)


def test_the_curve_is_the_time_weighted_mean_of_each_interval():
    rows = [row(at, 100 if at % 2 else 200) for at in range(91)]
    chart = course_chart(shown(rows))
    values = [value for _, value in chart.runs[0].points[2:-2]]
    assert set(values) == {140.0, 160.0}


def test_spikes_have_a_row_for_each_activity_and_dear_gifts_spike_with_many():
    spikes = [
        Spike(at=START + at * MINUTE, activity=activity, count=9, usual=1, spreads=5)
        for at, activity in (
            (5, Activity.GIFTS),
            (9, Activity.DIAMONDS),
            (5, Activity.DIAMONDS),
            (7, Activity.LIKES),
        )
    ]
    chart = course_chart(shown([row(at) for at in range(91)], spikes=spikes))
    assert {marks.name: len(marks.at) for marks in chart.rows} == {"Many likes": 1, "Many gifts": 2}


def test_dear_gifts_are_flagged_by_name_number_and_worth():
    gifts = [
        GivenGift(at=START + MINUTE, name="Galaxy", count=2, diamonds=2000),
        GivenGift(at=START + MINUTE, name="", count=1, diamonds=1500),
    ]
    chart = course_chart(shown([row(at) for at in range(91)], gifts=gifts))
    assert [flag.name for flag in chart.flags] == ["Galaxy \u00d72 · 2,000", "Gift · 1,500"]


def test_dear_gifts_are_named_with_the_tier_of_one_piece():
    gifts = [
        GivenGift(at=START, name="Lion", count=2, diamonds=59_998),
        GivenGift(at=START, name="*Swan*", count=1, diamonds=699),
        GivenGift(at=START, name="Rose", count=300, diamonds=300),
        GivenGift(at=START, name="Corgi", count=1, diamonds=299),
    ]
    for message in (now_message(shown([], gifts=gifts)), recap_message(shown([], gifts=gifts), "")):
        (field,) = [field for field in message.fields if field.name == "Dearest gifts"]
        assert field.value.splitlines() == [
            "Lion \u00d72 · 59,998 diamonds · premium",
            "\\*Swan\\* · 699 diamonds · special",
            "Rose \u00d7300 · 300 diamonds",
        ]
    assert "Dearest gifts" not in [field.name for field in recap_message(shown([]), "").fields]


def test_a_live_of_which_nothing_is_known_has_no_chart():
    assert course_chart(shown([])) is None
    assert course_chart(shown([row(1, None)])) is None
    assert course_chart(shown([row(1, None, diamonds=5)])) is not None


def test_times_that_make_no_sense_draw_a_chart_all_the_same():
    """The platform's start may lie after what we counted, where one of the clocks is wrong."""
    late = replace(live(1), started_at=START + 60 * MINUTE, ended_at=START + 60 * MINUTE)
    chart = course_chart(shown([row(at) for at in range(5)], live=late))
    assert chart.begins_at < chart.ends_at


# Words and figures.


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.0, "0%"), (0.004, "0%"), (0.5, "50%"), (0.991, "99%"), (0.996, "100%"), (1.0, "100%")],
)
def test_only_all_of_a_live_is_a_hundred_percent(share, words):
    assert share_words(share) == words


def test_dollars_are_marked_as_an_estimate_and_left_out_without_a_rate():
    assert dollars_words(1000, 0.005) == "about $5.00 (estimate)"
    assert dollars_words(1_000_000, 0.005) == "about $5,000 (estimate)"
    assert dollars_words(1000, 0) == ""
    assert dollars_words(0, 0.005) == ""


def test_what_is_not_certain_of_the_diamonds_is_said():
    one = live(gifts=3, diamonds=1500, estimated_diamonds=500, unvalued_gifts=1)
    assert diamonds_words(one, 0) == "1,500 from 3 gifts\n500 of them estimated\n1 gift of unknown value"


def test_without_any_connection_the_alert_shows_what_is_known():
    unseen = live(first_connected_at=None, viewers=7, connected_seconds=0)
    fields = alert_fields(unseen, START + 90 * MINUTE)
    assert [field.value for field in fields] == ["7", "unknown", "unknown", "1 h 30 min"]
    assert alert_fields(replace(unseen, viewers=None), START) == ()


def test_a_part_says_that_its_totals_are_of_the_part():
    assert recorded_field(live(connected_seconds=2700), START).value.endswith(
        "Counted in this part; likes are TikTok's own count of the whole live."
    )
    assert recorded_field(live(), START).value == "100% of the live"


def test_supporters_who_gave_as_much_share_their_place():
    lines = supporter_lines([supporter("A", 50), supporter("B", 20), supporter("C", 20), supporter("D", 1)])
    assert [line[:6] for line in lines] == ["**1.**", "**2.**", "**2.**", "**4.**"]
    assert "~50 diamonds" in supporter_lines([supporter("A", 50, estimated_diamonds=5)])[0]


def test_one_diamond_is_one_diamond():
    assert supporter_lines([supporter("A", 1)])[0].startswith("**1.** A: 1 diamond,")


def test_somebody_whose_name_is_forgotten_is_a_viewer_without_a_name():
    assert viewer_name(Viewer(1, "", "")) == "a viewer without a name"
    assert viewer_name(Viewer(1, "fan", "\u200b")) == r"\@fan"


def test_the_best_minute_is_the_most_active_one_and_without_scores_the_best_watched():
    rows = [row(1, 50, activity=0.2), row(2, 10, activity=0.9), row(3, 90)]
    assert best_minute(rows) == rows[1]
    assert best_minute([row(1, 50), row(2, 90)]).viewers_max == 90
    assert best_minute([row(1, None)]) is None


def test_an_empty_recording_is_one_that_never_saw_anything():
    nothing = live(first_connected_at=None, viewers=None, watched_seconds=0)
    assert is_empty(nothing)
    assert not is_empty(replace(nothing, viewers=3))
    assert not is_empty(replace(nothing, first_connected_at=START))


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
@pytest.mark.parametrize("language", ["en", "id"])
def test_every_message_fits_into_discord_whatever_names_hold(name, language):
    hostile = replace(live(), nickname=name, title=name, trouble=name, state=RecordingState.DEGRADED)
    people = [supporter(name, 10**12 - at) for at in range(5)]
    one = shown([row(at) for at in range(91)], live=hostile, supporters=people, reason="x" * 300)
    side = ComparedSide(lives=(hostile,), minutes=one.minutes)
    compared = StreamComparison(sides=(side, side), of_accounts=False, now=one.now)
    speaker = Speaker(language=language)
    for message in (
        now_message(one),
        recap_message(one, "Gifts lead viewer growth. " * 10),
        stream_comparison_message(compared),
    ):
        told = speaker.tell(message)
        embed = draw(told, marker="m" * 30).embed
        assert len(embed) <= 6000
        assert [field.name for field in embed.fields] == [field.name for field in told.fields]
        assert [field.value for field in embed.fields] == [field.value for field in told.fields]
        assert "@everyone" not in embed.title.replace("\\@everyone", "")
    pages = history_pages([hostile] * 2 * PER_PAGE, one.now)
    assert len(pages) == 2
    assert max(len(speaker.say(page)) for page in pages) <= 4096


@pytest.mark.parametrize("language", ["en", "id"])
def test_the_table_of_a_comparison_fits_on_a_phone(language):
    side = ComparedSide(lives=(live(),), minutes=())
    message = stream_comparison_message(StreamComparison(sides=(side, side), of_accounts=True, now=START))
    (field,) = Speaker(language=language).tell(message).fields
    assert max(len(line) for line in field.value.splitlines()) <= 18 + 2 + 18


def test_accounts_are_compared_by_the_hours_that_were_recorded():
    half = live(60, connected_seconds=1800, comments=30, viewer_seconds=100, watched_seconds=10)
    unseen = live(60, first_connected_at=None, connected_seconds=0, watched_seconds=0, viewer_seconds=0)
    one = ComparedSide(lives=(half, unseen))
    none = ComparedSide(lives=(unseen,))
    message = stream_comparison_message(StreamComparison(sides=(one, none), of_accounts=True, now=START))
    table = message.fields[0].value
    assert "       30        ?  Comments\n" in table
    assert "     60.0        ?  Comments/hour" in table
    assert "      25%       0%  Recorded" in table
    assert "       10        ?  Mean viewers" in table
