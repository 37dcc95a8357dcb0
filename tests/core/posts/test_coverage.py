"""How much of a listing is read, and of which posts it says that they are missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.posts.coverage import BEGINNING, PAGES_WITHOUT_NEWS, Listing, Wanted, is_of
from bot.core.posts.models import Counts, Page, ReadPost

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)
WANTED = Wanted(newest=5, recent=10 * DAY)


def post(days: float, author: str = "ana") -> ReadPost:
    """A post by its age, which is its number too."""
    number = round(days * 1000) + 1
    return ReadPost(
        post_id=number,
        posted_at=NOW - days * DAY,
        caption="",
        url=f"https://www.tiktok.com/@{author}/video/{number}",
        cover_url="",
        duration_seconds=None,
        counts=Counts(),
    )


def page(*ages: float, is_last: bool = False) -> Page:
    return Page(posts=tuple(map(post, ages)), read_at=NOW, is_last=is_last, requests=1)


def listing(*pages: Page, wanted: Wanted = WANTED) -> Listing:
    made = Listing(wanted, NOW)
    for one in pages:
        made.take(one, {"ana"})
    return made


@pytest.mark.parametrize(
    ("pages", "is_covered"),
    [
        pytest.param([page(1, 2, 3, 4, 11)], True, id="enough, and the last is old"),
        pytest.param([page(1, 2, 3, 4, 5)], False, id="enough, and younger ones may follow"),
        pytest.param([page(1, 2, 3, 11)], False, id="old, and too few"),
        pytest.param([page(300, 200, 1, 2, 3, 11)], False, id="pinned ones do not count"),
        pytest.param(
            [page(300, 200, 1, 2, 3), page(11, 12)], True, id="until there are enough of the others"
        ),
        pytest.param([page(900, 800, 700)], False, id="a page of pinned posts alone"),
        pytest.param([page(is_last=True)], True, id="there is no post"),
        pytest.param([page(1, is_last=True)], True, id="there is one post"),
    ],
)
def test_a_daily_run_ends_where_its_share_was_shown(pages, is_covered):
    assert listing(*pages).is_covered is is_covered


def test_a_full_run_ends_with_the_listing():
    full = Wanted(newest=5, recent=10 * DAY, is_full=True)
    assert not listing(page(1, 2, 3, 4, 11, 12), wanted=full).is_covered
    ended = listing(page(1, 2, 3, 4, 11, 12), page(is_last=True), wanted=full)
    assert (ended.is_covered, ended.reach) == (True, BEGINNING)


def test_a_listing_that_shows_nothing_new_is_a_circle():
    made = listing(page(1, 2, 3))
    for _ in range(PAGES_WITHOUT_NEWS - 1):
        made.take(page(3, 2), {"ana"})
        assert not made.is_circle
    made.take(page(1), {"ana"})
    assert made.is_circle
    made.take(page(4), {"ana"})
    assert not made.is_circle


@pytest.mark.parametrize(
    ("url", "is_own"),
    [
        ("https://www.tiktok.com/@ana/video/1", True),
        ("https://www.tiktok.com/@ANA/photo/1", True),
        ("https://www.tiktok.com/@ana.b/video/1", False),
        ("https://www.tiktok.com/@MS4wLjABAAAAv7iSuuXDJGDvJkmH_vz1qkDZYo1apxgzaxdBSeIuPiM/video/1", True),
        ("https://www.tiktok.com/video/1", True),
    ],
)
def test_a_post_belongs_to_whom_its_link_names(url, is_own):
    (one,) = page(1).posts
    assert (
        is_of(ReadPost(**{**{name: getattr(one, name) for name in one.__slots__}, "url": url}), {"Ana"})
        is is_own
    )


@given(
    ages=st.lists(st.integers(0, 60), min_size=1, max_size=40, unique=True),
    pinned=st.lists(st.integers(0, 39), max_size=3, unique=True),
    per_page=st.integers(4, 12),
    newest=st.integers(1, 30),
    recent=st.integers(1, 40),
)
def test_no_post_that_is_there_is_ever_beyond_what_was_shown(ages, pinned, per_page, newest, recent):
    """Whatever is pinned: what is younger than the reach, and was not shown, is not there."""
    ages = sorted(ages)
    on_top = [ages[place] for place in pinned if place < len(ages)]
    shown = on_top + [age for age in ages if age not in on_top]
    made = Listing(Wanted(newest=newest, recent=recent * DAY), NOW)
    for start in range(0, len(shown), per_page):
        is_last = start + per_page >= len(shown)
        made.take(page(*shown[start : start + per_page], is_last=is_last), {"ana"})
        assert made.reach is not None
        in_reach = {post(age).post_id for age in ages if NOW - age * DAY > made.reach}
        assert in_reach <= set(made.post_ids)
        if made.is_covered:
            break
    young = [age for age in ages if age < recent]
    assert {post(age).post_id for age in [*young, *ages[:newest]]} <= set(made.post_ids)
