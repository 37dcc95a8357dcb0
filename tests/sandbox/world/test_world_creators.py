"""The world's posts: they grow as posts do, and never shrink."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from tools.sandbox.world import PAST_BEGINS, START
from tools.sandbox.world.creators import counts_at, posts_of, profile_at
from tools.sandbox.world.streamers import EVERYBODY, STREAMERS

POSTS = [post for one in STREAMERS for post in posts_of(one, PAST_BEGINS, START)]
HOURS = st.floats(0, 24 * 120)


@given(post=st.sampled_from(POSTS), hours=st.lists(HOURS, min_size=2, max_size=2))
def test_no_count_ever_falls(post, hours):
    early, late = (
        dataclasses.astuple(counts_at(post, post.posted_at + timedelta(hours=one))) for one in sorted(hours)
    )
    assert all(before <= after for before, after in zip(early, late, strict=True))


@given(post=st.sampled_from(POSTS))
def test_a_post_is_seen_most_in_its_first_days(post):
    views = [counts_at(post, post.posted_at + timedelta(days=day)).views for day in (0, 5, 10, 60)]
    assert views[0] == 0
    assert views[1] - views[0] > views[2] - views[1]
    assert views[3] > views[2] or views[2] < 500


@given(hours=st.lists(st.integers(0, 92 * 24), min_size=3, max_size=3), streamer=st.sampled_from(EVERYBODY))
def test_a_window_is_the_sum_of_its_parts(hours, streamer):
    first, second, third = (PAST_BEGINS + timedelta(hours=one) for one in sorted(hours))
    parts = posts_of(streamer, first, second) + posts_of(streamer, second, third)
    assert parts == posts_of(streamer, first, third)


def test_posts_of_all_have_ids_of_their_own_and_more_are_liked_than_shared():
    assert len({post.id for post in POSTS}) == len(POSTS) > 200
    for post in POSTS:
        counts = counts_at(post, START)
        assert post.id >> 32 == int(post.posted_at.timestamp())
        assert counts.views >= counts.likes >= max(counts.comments, counts.shares, counts.saves)


def test_a_profile_grows_with_its_posts():
    for streamer in EVERYBODY:
        before, after = profile_at(streamer, PAST_BEGINS), profile_at(streamer, START)
        assert after.followers > before.followers > 0
        assert after.hearts > before.hearts
        new = posts_of(streamer, PAST_BEGINS, START)
        assert after.videos - before.videos == len(new)
