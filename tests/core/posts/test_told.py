"""What is said of profiles and posts: numbers that fit, orders, hours that really lie between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.markup import stamp
from bot.core.posts.comparison import ComparedProfile, profile_comparison_message
from bot.core.posts.figures import ProfileName, engagement, growth_table, short
from bot.core.posts.growth import Measure
from bot.core.posts.models import Counts, KnownPost, PostSample, ProfileSample, Run, RunReason, RunState
from bot.core.posts.post_history import ShownPost, post_chart
from bot.core.posts.posts_page import PostOrder, listed, posts_pages, sorted_posts
from bot.core.posts.profile_post import ShownProfile, WatchedProfile, list_pages, profile_message
from bot.core.posts.run_posts import FollowedRun, progress_message
from bot.core.posts.trend import trend_chart
from bot.discord.embeds import BODY_LIMIT
from bot.discord.speech import Speaker

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ANA = ProfileName(account_id=1, handle="ana", nickname="A*na")
BEN = ProfileName(account_id=2, handle="ben")


def post(post_id=1, views=100, **more):
    counts = Counts(**{"views": views, "likes": 10, "comments": 2, "shares": 1, **more.pop("counts", {})})
    values = {"account_id": 1, "posted_at": NOW - 9 * DAY, "caption": "", "url": "https://www.tiktok.com/"}
    values |= {"duration_seconds": None, "first_seen_at": NOW, "last_seen_at": NOW, "gone_at": None}
    return KnownPost(**{**values, "post_id": post_id, "counts": counts, "counted_at": NOW, **more})


def sample(views, ago, post_id=1):
    return PostSample(post_id=post_id, at=NOW - ago, counts=Counts(views=views), source="x")


def profile_sample(views, ago, **more):
    values = {
        "posts": 3,
        "counts": Counts(views=views),
        "followers": None,
        "total_likes": None,
        "source": "x",
    }
    return ProfileSample(at=NOW - ago, **{**values, **more})


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "–"),  # noqa: RUF001
        (0, "0"),
        (-0.2, "0"),
        (9_999, "9999"),
        (10_000, "10.0k"),
        (-123_456, "-123k"),
        (999_499, "999k"),
        (999_500, "1.00M"),
        (12_345_678, "12.3M"),
        (999_499_999, "999M"),
        (999_500_000, "1.00B"),
        (9_223_372_036_854_775_807, "9223372037B"),
    ],
)
def test_a_number_of_a_table_is_short(value, written):
    assert short(value) == written
    if value is not None and abs(value) < 10**12:
        assert len(short(value, signed=True)) <= 7


def test_a_gain_has_its_sign_and_nothing_has_none():
    assert [short(value, signed=True) for value in (5, 0, -5)] == ["+5", "0", "-5"]


def test_counts_with_gaps_of_their_own_have_hours_of_their_own():
    samples = [
        profile_sample(100, 7 * DAY, followers=10),
        profile_sample(None, HOUR * 0, followers=20, counts=Counts()),
        profile_sample(300, -HOUR),
    ]
    table = growth_table(samples, [Measure.VIEWS, Measure.FOLLOWERS])
    assert [line.split("  ")[-1] for line in table.strip("`\n").splitlines()] == [
        "days",
        "Views",
        "hours apart",
        "Followers",
        "hours apart",
    ]
    assert [line.split()[1] for line in table.splitlines() if "hours" in line] == ["169", "168"]


def test_engagement_is_unknown_where_a_part_is_or_nobody_viewed():
    assert engagement(Counts(views=100, likes=10, comments=2, shares=1)) == 0.13
    assert engagement(Counts(views=0, likes=0, comments=0, shares=0)) is None
    assert engagement(Counts(views=100, likes=10, comments=2)) is None
    assert engagement(Counts(likes=10, comments=2, shares=1)) is None


def test_what_a_post_gained_is_told_over_the_hours_that_really_lie_between():
    assert listed(post(), sample(40, 8 * DAY)).growth.hours == 192
    assert listed(post(), sample(400, 7 * DAY)).growth.gained == -300
    # The last reading before is from long ago: that is no growth over a week.
    assert listed(post(), sample(40, 60 * DAY)).growth is None
    young = listed(post(), None, sample(40, 2 * DAY)).growth
    assert (young.gained, young.hours) == (60, 48)
    assert listed(post(), None, sample(100, HOUR * 0)).growth is None
    assert listed(post(views=None), sample(40, 7 * DAY)).growth is None


def test_posts_are_sorted_by_rates_not_by_spans_and_the_unknown_comes_last():
    slow = listed(post(1, views=200), sample(100, 10 * DAY))
    quick = listed(post(2, views=90), None, sample(10, 2 * DAY))
    unknown = listed(post(3, views=10**6), None)
    older = listed(post(4, views=10**6, posted_at=NOW - 30 * DAY), None)
    order = [one.post.post_id for one in sorted_posts([older, slow, unknown, quick], PostOrder.GROWTH)]
    assert order == [2, 1, 3, 4]
    by_views = [one.post.post_id for one in sorted_posts([older, slow, unknown, quick], PostOrder.VIEWS)]
    assert by_views == [3, 4, 1, 2]


def test_a_page_of_posts_fits_into_one_message_whatever_their_captions_hold():
    posts = [listed(post(number, caption=200 * "*_@everyone "), None) for number in range(5)]
    first, second = posts_pages(ANA, posts, PostOrder.NEWEST, NOW)
    assert len(first) <= 10  # embeds of a message
    said = [(card.message.title, card.message.body) for card in first]
    assert sum(len(title) + len(body) for title, body in said) < 6000 - 200
    assert all(len(title) <= 256 for title, _ in said)
    assert "A\\*na" in first[0].message.title
    assert len(second) == 2


def test_readings_that_somebody_asked_for_in_between_are_no_steps_of_their_own():
    samples = [
        profile_sample(views, ago) for views, ago in ((10, 2 * DAY), (40, DAY), (41, DAY - HOUR), (20, HOUR))
    ]
    chart = trend_chart(samples, title="t", value_axis="v", zone="UTC")
    assert len(chart.lines[0].points) == 4
    assert [round(step.points[0][1]) for step in chart.steps] == [30, -21]
    assert trend_chart([profile_sample(None, DAY)], title="t", value_axis="v", zone="UTC") is None


def test_two_profiles_are_compared_from_the_first_instant_at_which_both_were_read():
    ana = ComparedProfile(
        name=ANA, samples=[profile_sample(100 * at, (9 - at) * DAY) for at in range(10)], followers=None
    )
    ben = ComparedProfile(
        name=BEN, samples=[profile_sample(5000 - at, (4 - at) * DAY) for at in range(5)], followers=7
    )
    message = profile_comparison_message((ana, ben), "UTC")
    assert [[value for _, value in line.points] for line in message.chart.lines] == [
        [0, 100, 200, 300, 400],
        [0, -1, -2, -3, -4],
    ]
    assert "     –        7  Followers" in message.fields[0].value  # noqa: RUF001
    alone = ComparedProfile(name=BEN, samples=[], followers=None)
    said = profile_comparison_message((ana, alone), "UTC")
    assert said.chart is None
    assert "not read yet" in said.body


def run(**more):
    values = {"id": 1, "account_id": 1, "state": RunState.COMPLETED, "reason": RunReason.ASKED}
    values |= {"is_full": False, "asked_by": 1, "queued_at": NOW, "started_at": NOW, "finished_at": NOW}
    values |= {"attempts": 1, "posts": 30, "pages": 2, "requests": 3, "new_posts": 0, "credits_left": None}
    return Run(**{**values, "source": "yt-dlp", "is_complete": True, "error": "", **more})


def test_a_run_tells_what_changed_only_where_two_readings_tell_it():
    followed = FollowedRun(
        name=ANA, run=run(), sample=profile_sample(100, HOUR), before=profile_sample(150, 26 * HOUR)
    )
    said = {field.name: field.value for field in progress_message(followed).fields}
    assert said["Views"] == "100\n-50 in 25 h"
    assert said["Likes"] == "unknown"
    assert "Followers" not in said
    first = FollowedRun(name=ANA, run=run(), sample=profile_sample(100, HOUR))
    message = progress_message(first)
    assert {field.name: field.value for field in message.fields}["Views"] == "100"
    assert "first reading" in message.body


def test_a_run_that_did_not_come_to_the_end_says_so():
    message = progress_message(FollowedRun(name=ANA, run=run(is_complete=False)))
    assert "did not come to the end" in message.body


def test_a_reading_soon_after_another_tells_minutes_and_not_0_hours():
    now, before = profile_sample(150, timedelta(0)), profile_sample(100, timedelta(minutes=20))
    message = progress_message(FollowedRun(name=ANA, run=run(), sample=now, before=before))
    assert {field.name: field.value for field in message.fields}["Views"] == "150\n+50 in 20 min"


def test_a_try_that_failed_is_told_in_a_sentence_of_its_own():
    running = run(state=RunState.RUNNING, finished_at=None, error="the picture is gone")
    body = progress_message(FollowedRun(name=ANA, run=running)).body
    assert "The last try failed: the picture is gone. It is tried again." in body


def watched(number, **more):
    values = {
        "account_id": number,
        "handle": f"some.long.handle.{number}",
        "nickname": f"Some Creator {number}",
    }
    values |= {"interval_hours": 24, "paused": False, "followers": 10**7, "total_likes": None}
    values |= {"trouble": "", "trouble_words": ""}
    values |= {
        "counted_at": NOW,
        "last_run_at": NOW - DAY,
        "next_run_at": NOW + DAY,
        "failing_since": NOW - HOUR,
    }
    return WatchedProfile(**values | more)


@pytest.mark.parametrize("language", ["en", "id"])
def test_the_list_can_be_shown_also_while_no_profile_can_be_read(language):
    """Of each it is said why, in words of yt-dlp, and what can be done."""
    words = "yt-dlp: " + "Unable to extract; please report this on github.com/yt-dlp. " * 5
    failing = [watched(number, trouble="changed", trouble_words=words) for number in range(20)]
    pages = [Speaker(language=language).say(page) for page in list_pages(failing, NOW)]
    assert max(len(page) for page in pages) <= BODY_LIMIT
    assert sum(page.count("some.long.handle.") for page in pages) == 20


def test_lines_of_a_caption_do_not_run_together_in_the_title_of_a_chart():
    shown = ShownPost(name=ANA, post=post(caption="first line\nsecond\tword"), samples=[sample(5, HOUR)])
    assert post_chart(shown).title == "Views: first line second word"


def test_followers_that_were_counted_long_ago_say_when():
    def followers(counted_at):
        message = profile_message(
            ShownProfile(profile=watched(1, counted_at=counted_at), samples=[], now=NOW)
        )
        return {field.name: field.value for field in message.fields}["Followers"]

    assert followers(NOW - DAY) == "10,000,000"
    assert followers(NOW - 60 * DAY) == f"10,000,000\n-# counted {stamp(NOW - 60 * DAY)}"
