"""The world's audiences: their causes are found by the bot's own analysis, and they give as people do."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from bot.core.streams.influence import explain
from bot.core.streams.models import StreamMinute
from bot.core.streams.together import together
from tools.sandbox.tiktok.gifts import gift_of
from tools.sandbox.world import PAST_BEGINS, START
from tools.sandbox.world.audience import CauseKind, audience_of, habit_of, minutes_of
from tools.sandbox.world.lives import lives_of
from tools.sandbox.world.people import regulars_of
from tools.sandbox.world.streamers import EVERYBODY, STREAMERS, streamer_of
from tools.sandbox.world.timeline import happenings
from tools.sandbox.world.timeline import together as bundled

ACTIVITY = {CauseKind.GIFT_WAVE: "gifts", CauseKind.SHARE: "shares", CauseKind.TAPS: "likes"}


def lives(streamer, count):
    return lives_of(streamer, PAST_BEGINS, START)[-count:]


def rows_of(audience):
    """Give the rows a recorder would have kept of all of it."""
    rows, before = [], audience.minutes[0].viewers
    for minute in audience.minutes:
        rows.append(
            StreamMinute(
                minute=audience.live.started_at + timedelta(minutes=minute.number),
                viewers_first=before,
                viewers_last=minute.viewers,
                viewers_min=min(before, minute.viewers),
                viewers_max=max(before, minute.viewers),
                viewer_seconds=30 * (before + minute.viewers),
                watched_seconds=60,
                connected_seconds=60,
                comments=minute.comments,
                likes=minute.likes,
                gifts=sum(one.count for one in minute.gifts),
                follows=minute.follows,
                shares=minute.shares,
            )
        )
        before = minute.viewers
    return rows


@pytest.mark.parametrize(
    "streamer",
    [one for one in STREAMERS if habit_of(one) and habit_of(one).kind in ACTIVITY],
    ids=lambda one: one.handle,
)
def test_what_brings_viewers_is_found_with_its_delay(streamer):
    habit = habit_of(streamer)
    found = together([explain(rows_of(audience_of(live))) for live in lives(streamer, 3)])
    first = found.leading[0]
    assert first.activity.value == ACTIVITY[habit.kind]
    assert abs(first.lag - habit.delay) <= 1


def test_nothing_is_said_to_bring_viewers_where_nothing_does():
    idle = [one for one in STREAMERS if habit_of(one) is None]
    for streamer in idle:
        assert not together([explain(rows_of(audience_of(live))) for live in lives(streamer, 3)]).leading


def test_a_raid_brings_many_at_once():
    audience = audience_of(lives(streamer_of("bayu_gg"), 1)[0])
    (raid, *_) = audience.causes
    step = audience.minutes[raid.minute].viewers - audience.minutes[raid.minute - 1].viewers
    assert raid.kind is CauseKind.RAID
    assert step > 0.6 * raid.viewers > 30


def test_the_regulars_give_the_most_and_the_first_of_them_more_than_the_last():
    streamer = STREAMERS[0]
    diamonds = Counter()
    for live in lives(streamer, 10):
        for minute in minutes_of(live):
            for giving in minute.gifts:
                diamonds[giving.person] += giving.diamonds
    people = regulars_of(streamer)
    assert len(set(people)) == len(people)
    assert sum(diamonds[one] for one in people) > 0.6 * diamonds.total()
    assert diamonds.most_common(1)[0][0] in people[:3]
    assert sum(diamonds[one] for one in people[:4]) > 3 * sum(diamonds[one] for one in people[-4:])
    assert len(diamonds) > 40


def test_diamonds_are_those_of_the_gifts_the_stand_in_sells():
    for streamer in EVERYBODY:
        for minute in minutes_of(lives(streamer, 1)[0]):
            for giving in minute.gifts:
                gift = gift_of(giving.gift)
                assert giving.diamonds == giving.count * gift.diamonds
                assert giving.count == 1 or gift.streakable


@pytest.mark.parametrize("streamer", EVERYBODY, ids=lambda one: one.handle)
def test_the_events_of_a_live_are_its_minutes(streamer):
    audience = audience_of(lives(streamer, 1)[0])
    events = list(happenings(audience))
    begins = audience.live.started_at.timestamp()
    assert [one.at for one in events] == sorted(one.at for one in events)
    for minute in audience.minutes:
        start = begins + 60 * minute.number
        here = [one.event for one in events if start <= one.at < start + 60]
        kinds = Counter(event["kind"] for event in here)
        assert all(
            kinds[f"{what}"] == getattr(minute, f"{what}s") for what in ("comment", "follow", "share", "join")
        )
        assert sum(event["count"] for event in here if event["kind"] == "like") == minute.likes
        assert [event["count"] for event in here if event["kind"] == "viewers"][-1] == minute.viewers
        assert kinds["gift"] == len(minute.gifts)
    assert len(events) < 45 * len(audience.minutes), "a fast world sends ten minutes a second"


def test_a_bundle_of_events_tells_each_minutes_last_count_of_viewers():
    events = list(happenings(audience_of(lives(STREAMERS[0], 1)[0])))
    told = bundled(events)
    every = [one.event for one in events if one.event["kind"] != "viewers"]
    assert [event for event in told if event["kind"] != "viewers"] == every
    minutes = [int(event["at"] // 60) for event in told if event["kind"] == "viewers"]
    assert len(minutes) == len(set(minutes)) == len({int(one.at // 60) for one in events})


def test_viewers_come_little_by_little_at_first_and_are_about_what_was_planned():
    for live in lives(STREAMERS[0], 5):
        viewers = [minute.viewers for minute in minutes_of(live)]
        assert viewers[0] < 0.4 * live.viewers
        assert 0.6 * live.viewers < sum(viewers[20:]) / len(viewers[20:]) < 3 * live.viewers
