"""ScrapeCreators over real sockets: paging, what it costs, and every way in which it refuses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.core.posts.models import Counts, Page, ProfileRef, Trouble
from bot.errors import PostsUnread
from bot.sources.scrapecreators.client import ScrapeCreatorsPosts
from tests.clocks import ManualClock
from tests.standins import StandIn, running

VIDEOS = "/v3/tiktok/profile/videos"
PROFILE = "/v1/tiktok/profile"
NEWEST_AT = 1_795_000_000


@pytest.fixture(scope="module")
def shared() -> Iterator[StandIn]:
    with running("scrapecreators") as standin:
        yield standin


@pytest.fixture
def service(shared: StandIn) -> StandIn:
    for path in ("faults", "accounts", "requests"):
        shared.control("DELETE", path)
    return shared


def source(service: StandIn, **other: object) -> ScrapeCreatorsPosts:
    values = {"key": service.facts["key"], "clock": ManualClock(auto=True), "answer_seconds": 5, **other}
    return ScrapeCreatorsPosts(url=service.base, page_seconds=1.0, limit_seconds=600, **values)


def account(service: StandIn, posts: int = 0, **facts: object) -> dict:
    shown = service.control("POST", "accounts", {"handle": "ana", "videos": posts, **facts})
    if posts:
        service.control("POST", "accounts/ana/posts", {"count": posts, "newest_at": NEWEST_AT})
    return shown


async def read(service: StandIn, **known: object) -> list[Page]:
    profile = ProfileRef(account_id=1, handle="ana", **known)
    return [page async for page in source(service).pages(profile)]


async def trouble(service: StandIn, **other: object) -> tuple[list[Page], PostsUnread]:
    pages: list[Page] = []
    try:
        async for page in source(service, **other).pages(ProfileRef(account_id=1, handle="ana")):
            pages.append(page)  # noqa: PERF401 - those that came before it failed are kept
    except PostsUnread as error:
        return pages, error
    raise AssertionError(f"nothing failed; {len(pages)} pages were read")


async def test_a_profile_is_read_by_its_cursor_and_tells_what_it_cost(service: StandIn) -> None:
    account(service, posts=25, nickname="Ana", followers=12, hearts=34)
    pages = await read(service)
    assert [(len(p.posts), p.is_last, p.requests, p.credits_left) for p in pages] == [
        (10, False, 2, 98),
        (10, False, 1, 97),
        (5, True, 1, 96),
    ]
    assert [post.caption for page in pages for post in page.posts][::12] == [
        "Post 1 #vedette",
        "Post 13 #vedette",
        "Post 25 #vedette",
    ]
    profile = pages[0].profile
    assert profile is not None
    assert (profile.handle, profile.nickname, profile.followers) == ("ana", "Ana", 12)
    assert (profile.total_likes, profile.posts) == (34, 25)
    asked = service.seen(path=VIDEOS)
    # Along a chain of cursors nothing but the cursor changes.
    assert {tuple(sorted({**one["query"], "max_cursor": ""}.items())) for one in asked} == {
        (
            *(("handle", "ana"), ("max_cursor", ""), ("sort_by", "latest")),
            *(("trim", "true"), ("user_id", asked[0]["query"]["user_id"])),
        )
    }


async def test_it_waits_between_its_requests_and_asks_for_no_more_than_is_wanted(service: StandIn) -> None:
    account(service, posts=25)
    clock = ManualClock(auto=True)
    pages = source(service, clock=clock).pages(ProfileRef(account_id=1, handle="ana"))
    await anext(pages)
    await pages.aclose()
    assert (clock.slept, len(service.seen())) == ([1.0], 2)


async def test_what_is_not_told_is_empty_and_controls_do_not_spoil_an_answer(service: StandIn) -> None:
    account(service, videos=1)
    told = {
        "caption": "tab\u0007 \u0000bell\n2",
        "views": 0,
        "likes": 9,
        "created_at": NEWEST_AT,
        "duration": 15,
    }
    post = service.control("POST", "accounts/ana/posts", {**told, "comments": None, "saves": None})
    [page] = await read(service)
    [only] = page.posts
    assert only.counts == Counts(views=0, likes=9, comments=None, shares=5, saves=None)
    assert (only.caption, only.duration_seconds) == ("tab bell\n2", 15)
    assert only.url == f"https://www.tiktok.com/@ana/video/{post['id']}"
    assert only.cover_url.endswith(".png")


async def test_posts_that_come_twice_are_told_once(service: StandIn) -> None:
    account(service, posts=25)
    service.fault("overlap", "max_cursor=.", times=9)
    ids = [post.post_id for page in await read(service) for post in page.posts]
    assert (len(ids), len(set(ids))) == (25, 25)


async def test_a_cursor_that_repeats_is_no_end(service: StandIn) -> None:
    account(service, posts=25)
    service.fault("repeat", VIDEOS, times=99)
    pages, error = await trouble(service)
    assert ([len(page.posts) for page in pages], pages[0].is_last) == ([10], False)
    assert (error.trouble, len(service.seen())) == (Trouble.UNAVAILABLE, 3)


async def test_a_profile_without_posts_gives_one_empty_page(service: StandIn) -> None:
    account(service, posts=0)
    [page] = await read(service)
    assert (page.posts, page.is_last) == ((), True)


async def test_an_empty_feed_is_no_empty_profile_and_its_early_end_no_end(service: StandIn) -> None:
    account(service, posts=0, videos=30)
    assert (await trouble(service))[1].trouble is Trouble.UNAVAILABLE
    service.control("POST", "accounts/ana/posts", {"count": 8})
    [page] = await read(service)
    assert (len(page.posts), page.is_last) == (8, False)


STATUSES = [
    (400, Trouble.CHANGED),
    (401, Trouble.AUTH),
    (402, Trouble.NO_CREDITS),
    (403, Trouble.PRIVATE),
    (404, Trouble.GONE),
    (429, Trouble.BLOCKED),
    (500, Trouble.UNAVAILABLE),
]


@pytest.mark.parametrize(("status", "expected"), STATUSES)
@pytest.mark.parametrize("path", [PROFILE, VIDEOS])
async def test_every_status_has_its_trouble(
    service: StandIn, path: str, status: int, expected: Trouble
) -> None:
    account(service, posts=3)
    service.fault("status", path, status=status)
    pages, error = await trouble(service)
    assert (pages, error.trouble) == ([], expected)
    assert error.retry_after_seconds is None
    assert error.requests == (1 if path == PROFILE else 2)


async def test_what_it_asks_to_wait_is_passed_on(service: StandIn) -> None:
    account(service, posts=3)
    service.fault("status", VIDEOS, status=429, headers={"Retry-After": "77"})
    assert (await trouble(service))[1].retry_after_seconds == 77


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"kind": "drop"}, Trouble.UNAVAILABLE),
        ({"kind": "half"}, Trouble.UNAVAILABLE),
        ({"kind": "hang"}, Trouble.UNAVAILABLE),
        ({"kind": "status", "status": 200, "body": "<html>"}, Trouble.UNAVAILABLE),
        (
            {"kind": "status", "status": 200, "body": '{"success": false, "message": "no"}'},
            Trouble.UNAVAILABLE,
        ),
        ({"kind": "status", "status": 200, "body": '{"success": true}'}, Trouble.CHANGED),
        ({"kind": "status", "status": 200, "body": '{"aweme_list": [{}], "has_more": 0}'}, Trouble.CHANGED),
        ({"kind": "status", "status": 200, "body": '{"aweme_list": [], "has_more": 1}'}, Trouble.CHANGED),
        ({"kind": "status", "status": 200, "body": "[]"}, Trouble.CHANGED),
    ],
)
async def test_what_cannot_be_read_is_never_a_profile_without_posts(
    service: StandIn, fault: dict, expected: Trouble
) -> None:
    account(service, posts=3)
    service.fault(path=VIDEOS, **fault)
    pages, error = await trouble(service, answer_seconds=0.5)
    assert (pages, error.trouble) == ([], expected)
    assert len(service.seen()) == 2  # a dropped request is not sent again by itself


async def test_who_is_private_limited_or_gone_is_told_as_such(service: StandIn) -> None:
    account(service, posts=3, private=True)
    assert (await trouble(service))[1].trouble is Trouble.PRIVATE
    service.control("PATCH", "accounts/ana", {"private": False, "limited": True})
    assert (await trouble(service))[1].trouble is Trouble.PRIVATE
    service.control("PATCH", "accounts/ana", {"gone": True})
    assert (await trouble(service))[1].trouble is Trouble.GONE


async def test_who_took_the_handle_is_not_read_in_the_others_place(service: StandIn) -> None:
    account(service, posts=3)
    with pytest.raises(PostsUnread, match="somebody else"):
        await read(service, platform_id=42)


async def test_the_credits_end_in_the_middle_after_what_was_paid_for(service: StandIn) -> None:
    account(service, posts=25)
    service.control("POST", "credits", {"left": 2})
    pages, error = await trouble(service)
    assert ([page.credits_left for page in pages], error.trouble) == ([0], Trouble.NO_CREDITS)


async def test_what_is_left_can_be_asked_without_paying(service: StandIn) -> None:
    assert await source(service).credits_left() == 100
    with pytest.raises(PostsUnread) as error:
        await source(service, key="wrong").credits_left()
    assert error.value.trouble is Trouble.AUTH
    assert "wrong" not in str(error.value)


async def test_nobody_listens(service: StandIn) -> None:
    _, error = await trouble(service)  # there is no such account
    assert error.trouble is Trouble.GONE
    dead = ScrapeCreatorsPosts(
        clock=ManualClock(auto=True), url="http://127.0.0.1:9", key="k", page_seconds=0, limit_seconds=60
    )
    with pytest.raises(PostsUnread) as refused:
        await anext(dead.pages(ProfileRef(account_id=1, handle="ana")))
    assert refused.value.trouble is Trouble.UNAVAILABLE
