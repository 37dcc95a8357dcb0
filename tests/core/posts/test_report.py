"""What the report of a profile says: what was read, nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.core.announcements import Message
from bot.core.posts.milestones import Passed
from bot.core.posts.models import Counts, PostSample, ProfileSample, ReportEvery
from bot.core.posts.period import SampledPost
from bot.core.posts.report import DueReport, ReachedMilestone, ReadProfileHistory, due_report, report_of
from bot.core.posts.report_post import report_message

JAKARTA = ZoneInfo("Asia/Jakarta")
TOLD = datetime(2026, 5, 12, 3, tzinfo=UTC)  # a Tuesday, ten o'clock in Jakarta
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
CALM = (10_000, 15_000, 18_000, 20_000, 21_500, 22_700, 23_700, 24_500, 25_200)
"""Views of a post by day; the last is of the reading an hour before the report."""


def _samples(post_id: int, views: tuple[int | None, ...], likes: int | None) -> list[PostSample]:
    return [
        PostSample(
            post_id=post_id,
            at=TOLD - HOUR - (len(views) - 1 - number) * DAY,
            counts=Counts(views=count, likes=None if likes is None else likes + number),
            source="yt-dlp",
        )
        for number, count in enumerate(views)
        if count is not None
    ]


def _post(
    post_id: int, views: tuple[int | None, ...], caption: str = "", likes: int | None = 5
) -> SampledPost:
    return SampledPost(
        post_id=post_id,
        posted_at=TOLD - len(views) * DAY + 2 * HOUR,
        caption=caption,
        samples=_samples(post_id, views, likes),
    )


def _runs(*days_ago: float, followers: int | None = None) -> list[ProfileSample]:
    return [
        ProfileSample(
            at=TOLD - HOUR - days * DAY,
            posts=1,
            counts=Counts(),
            followers=None if followers is None else followers + 10 * number,
            total_likes=None,
            source="yt-dlp",
        )
        for number, days in enumerate(days_ago)
    ]


DAILY = _runs(*range(8, -1, -1), followers=4000)
QUIET = ReadProfileHistory(
    handle="ana",
    nickname="Ana",
    interval_hours=24,
    samples=DAILY,
    posts=[_post(1, CALM, "hello")],
    known_posts=1,
    milestones=[],
)


def _said(history: ReadProfileHistory, due: DueReport | None = None) -> dict[str, str]:
    message = _message(history, due)
    assert message is not None
    return {"title": message.title, "body": message.body} | {one.name: one.value for one in message.fields}


def _message(history: ReadProfileHistory, due: DueReport | None = None) -> Message | None:
    report = report_of(history, due or due_report(TOLD, ReportEvery.DAY, JAKARTA))
    return None if report is None else report_message(report)


def test_a_quiet_day_tells_growth_and_the_best_post() -> None:
    assert _said(QUIET) == {
        "title": "The day of Ana",
        "body": "From <t:1778464800:f> to <t:1778551200:f>: 24 h",
        "Growth": "+700 views\n+1 likes\nViews a day: 12% less than in the time before",
        "Followers": "4,080 (+10)",
        "New posts": "0",
        "Best post": "[hello](https://www.tiktok.com/@ana/video/1): +700 views, 25,200 in all",
    }


def test_a_report_pings_nobody() -> None:
    message = _message(replace(QUIET, nickname="@everyone <@&7>", posts=[_post(1, CALM, "@here <@5>")]))

    assert message is not None
    assert message.mention_role_id is None
    assert "<@" not in message.title
    assert "<@5>" not in str(message.fields)


def test_words_from_outside_cannot_break_out_of_a_link() -> None:
    said = _said(replace(QUIET, posts=[_post(1, CALM, "x](https://evil.example) [y")]))

    assert said["Best post"].startswith("[x\\]\\(https\\://evil.example\\) \\[y](https://www.tiktok.com/@ana")


def test_a_week_is_told_as_a_week() -> None:
    said = _said(QUIET, due_report(TOLD, ReportEvery.WEEK, JAKARTA))

    assert said["title"] == "The week of Ana"
    assert said["body"].endswith(": 168 h")
    assert said["Growth"].startswith("+10,200 views\n+7 likes")


def test_what_a_source_does_not_tell_is_unknown_and_never_0() -> None:
    bare = [_post(1, (None,) * 9), _post(2, CALM, likes=None)]
    said = _said(replace(QUIET, samples=_runs(*range(8, -1, -1)), posts=bare, known_posts=2))

    assert said["Followers"] == "unknown"
    assert "likes" not in said["Growth"]
    only = _said(replace(QUIET, posts=[replace(bare[0], samples=[])]))
    assert only["Growth"].startswith("unknown")
    assert "Best post" not in only


def test_a_gap_is_named_and_nothing_is_claimed_of_it() -> None:
    calm = [one for one in QUIET.posts[0].samples if one.at <= TOLD - 6 * DAY or one.at > TOLD - DAY]
    history = replace(QUIET, samples=_runs(8, 7, 6, 0), posts=[replace(QUIET.posts[0], samples=calm)])
    said = _said(history)

    assert said["body"] == (
        "⚠️ It was not read from <t:1778032800:f> to <t:1778551200:f>: what it gained then is not told."
    )
    assert said.keys() == {"title", "body"}


def test_growth_after_a_gap_is_told_with_its_own_hours() -> None:
    week = due_report(TOLD, ReportEvery.WEEK, JAKARTA)
    said = _said(replace(QUIET, samples=_runs(8, 7, 2, 1, 0, followers=100)), week)

    assert "From <t:1778378400:f> to <t:1778551200:f>: 48 h" in said["body"]
    assert "not read from" in said["body"]
    assert said["Growth"] == "+1,500 views\n+2 likes"
    assert said["Followers"] == "140 (+20)"


def test_that_nothing_was_read_is_said_once() -> None:
    due = due_report(TOLD, ReportEvery.DAY, JAKARTA)
    missed = replace(QUIET, samples=_runs(3, 2, 1.5))

    assert _said(missed)["body"] == (
        "It was not read in this time; the last reading was <t:1778421600:f>. What it gained is unknown."
    )
    assert _said(missed).keys() == {"title", "body"}
    for days_ago in (2.5, 3.5, 9):
        assert report_of(replace(QUIET, samples=_runs(days_ago)), due) is None
    assert report_of(replace(QUIET, samples=[]), due) is None


def test_a_reading_that_is_only_a_little_late_is_not_called_missing() -> None:
    due = due_report(TOLD, ReportEvery.DAY, JAKARTA)

    assert report_of(replace(QUIET, samples=_runs(3, 2, 1.05)), due) is None
    assert report_of(replace(QUIET, interval_hours=168, samples=_runs(8, 1.5)), due) is None


def test_a_first_reading_claims_no_growth() -> None:
    said = _said(replace(QUIET, samples=_runs(0), posts=[_post(1, (500,))]))

    assert said.keys() == {"title", "body"}
    assert said["body"] == "Read <t:1778551200:f>: growth is told from the next reading on."


def test_posts_that_were_not_read_are_not_summed_up_in_silence() -> None:
    said = _said(replace(QUIET, known_posts=250))

    assert said["Growth"].endswith("Sum over 1 of 250 known posts")


def test_new_posts_count_from_nothing() -> None:
    said = _said(replace(QUIET, posts=[*QUIET.posts, _post(2, (9000,), "new one")], known_posts=2))

    assert said["New posts"] == "1"
    assert said["Growth"].startswith("+9,700 views")
    assert said["Best post"].startswith("[new one](https://www.tiktok.com/@ana/video/2): +9,000 views")


def test_unusual_posts_are_told_with_what_was_to_be_expected() -> None:
    jumped, lost = (*CALM[:-1], 33_000), (*CALM[:-1], 20_000)
    said = _said(replace(QUIET, posts=[_post(1, jumped, "hit"), _post(2, lost, "oops")], known_posts=2))

    risen, fallen = said["Unusual"].split("\n")
    assert risen.startswith("[hit](https://www.tiktok.com/@ana/video/1): +8,500 views in 24 h, about ")
    assert risen.endswith(" were to be expected")
    assert fallen == "[oops](https://www.tiktok.com/@ana/video/2): 4,500 views taken away in 24 h"


def test_more_unusual_posts_than_fit_are_counted() -> None:
    posts = [_post(number, (*CALM[:-1], 33_000 + number), "x" * 300) for number in range(1, 6)]
    said = _said(replace(QUIET, posts=posts, known_posts=5))

    assert said["Unusual"].endswith("\nand 2 more posts")
    assert max(len(value) for value in said.values()) <= 1024


def test_milestones_are_told() -> None:
    passed = [
        ReachedMilestone(measure=Passed.TOTAL_VIEWS, value=100_000, post_id=0, caption=""),
        ReachedMilestone(measure=Passed.POST_VIEWS, value=50_000, post_id=7, caption="_" * 300),
        ReachedMilestone(measure=Passed.FOLLOWERS, value=5000, post_id=0, caption=""),
        *[ReachedMilestone(measure=Passed.POST_VIEWS, value=10_000, post_id=n, caption="") for n in range(3)],
    ]
    lines = _said(replace(QUIET, milestones=passed))["Milestones"].split("\n")

    assert lines[0] == "🎯 100,000 views of all posts together"
    assert lines[1].startswith("🎯 50,000 views: [\\_")
    assert lines[2:] == [
        "🎯 5,000 followers",
        "🎯 10,000 views: [post without words](https://www.tiktok.com/@ana/video/0)",
        "and 2 more",
    ]


@pytest.mark.parametrize(
    ("told_at", "hours"),
    [(datetime(2026, 3, 29, 8, tzinfo=UTC), 23), (datetime(2026, 10, 25, 9, tzinfo=UTC), 25)],
)
def test_a_day_on_which_clocks_are_changed_has_its_own_length(told_at: datetime, hours: int) -> None:
    due = due_report(told_at, ReportEvery.DAY, ZoneInfo("Europe/Berlin"))

    assert (due.until - due.since) == hours * HOUR
    assert due.day == told_at.date()


def test_a_period_is_compared_by_the_posts_that_were_read_in_both() -> None:
    # It was read in a full run and the one after, as old posts are now and then, and not since.
    old = _post(2, (50_000, 90_000, None), "old")
    old = replace(old, posted_at=TOLD - 90 * DAY)
    alone = _said(QUIET)["Growth"]

    said = _said(replace(QUIET, posts=[*QUIET.posts, old], known_posts=2))
    assert said["Growth"] == f"{alone}\nSum over 1 of 2 known posts"
