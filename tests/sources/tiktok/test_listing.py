"""yt-dlp's own listing of a profile, over real sockets: through a proxy that ends TLS, in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import ssl
import sys
from collections.abc import Iterator

import aiohttp
import psutil
import pytest

from bot.core.posts.models import Counts, ProfileRef, Trouble
from bot.errors import PostsUnread, SourceChanged
from bot.sources.media.fetcher import MediaFetcher, Neighbour
from bot.sources.tiktok import listing
from bot.sources.tiktok.listing import TikTokPosts
from tests.clocks import ManualClock
from tests.sources.tiktok.listed import HastyClock, Site, ref
from tests.standins import StandIn, running, until

LISTING = "/api/creator/item_list/"


@pytest.fixture(scope="module")
def shared() -> Iterator[StandIn]:
    with running("tiktok", "--proxy") as standin:
        yield standin


@pytest.fixture
def site(shared: StandIn) -> Site:
    for path in ("faults", "accounts", "requests"):
        shared.control("DELETE", path)
    return Site(shared, HastyClock())


def children() -> list[psutil.Process]:
    """The listing processes that run."""
    found = []
    for one in psutil.Process().children():
        with contextlib.suppress(psutil.Error):  # another child that is just ending
            if "listing_child" in " ".join(one.cmdline()):
                found.append(one)
    return found


async def test_a_profile_is_read_page_by_page_to_its_end(site: Site) -> None:
    site.account(posts=40, nickname="Ana", followers=1234, hearts=5678)
    pages = await site.read()
    assert [(len(page.posts), page.is_last, page.requests) for page in pages] == [
        (15, False, 2),
        (15, False, 1),
        (10, True, 1),
    ]
    assert site.asked() == ["/@ana", LISTING, LISTING, LISTING]
    assert site.clock.pauses == 3  # between the four requests, none before the first
    captions = [post.caption for page in pages for post in page.posts]
    assert captions == [f"Post {number} #vedette" for number in range(1, 41)]
    profile = pages[0].profile
    assert profile is not None
    assert (profile.handle, profile.nickname, profile.followers) == ("ana", "Ana", 1234)
    assert (profile.total_likes, profile.posts) == (5678, 40)
    assert not children()


async def test_what_a_post_counts_is_taken_over_and_what_is_not_told_is_empty(site: Site) -> None:
    site.account(videos=1)
    told = {
        "caption": "A day\n#out\u001b[31m\u0000 🙂",
        "duration": 61,
        "views": 7,
        "likes": 6,
        "comments": 0,
    }
    post = site.standin.control("POST", "accounts/ana/posts", {**told, "shares": None, "saves": None})
    [page] = await site.read()
    [read] = page.posts
    assert read.counts == Counts(views=7, likes=6, comments=0, shares=None, saves=None)
    assert read.caption == "A day\n#out[31m 🙂"
    assert (read.post_id, read.duration_seconds) == (int(post["id"]), 61)
    assert int(read.posted_at.timestamp()) == post["created_at"]
    assert read.url == f"https://www.tiktok.com/@ana/video/{post['id']}"
    assert read.cover_url.endswith(f"/obj/post/{post['id']}.png")


async def test_the_pictures_of_a_page_come_through_the_same_proxy(site: Site) -> None:
    site.account(posts=1)
    [page] = await site.read()
    assert page.profile is not None
    facts = site.standin.facts
    trust = ssl.create_default_context(cafile=facts["ca_file"])
    near = Neighbour(resolver=aiohttp.ThreadedResolver(), trust=trust)
    async with MediaFetcher(proxy=facts["proxy"], neighbour=near) as fetcher:
        for url in (page.posts[0].cover_url, page.profile.avatar_url):
            assert (await fetcher.fetch(url)).media_type == "image/png"
        with pytest.raises(SourceChanged):
            await fetcher.fetch("https://other.example.org/picture.png")


async def test_nothing_is_asked_for_that_nobody_wants(site: Site) -> None:
    site.account(posts=40)
    assert len(await site.read(most=1)) == 1
    assert site.asked() == ["/@ana", LISTING]
    assert not children()


async def test_the_lasting_name_saves_a_request_and_outlives_the_handle(site: Site) -> None:
    account = site.account(posts=20)
    site.standin.control("PATCH", "accounts/ana", {"handle": "ana.new"})
    known = {"sec_uid": account["sec_uid"], "platform_id": int(account["id"])}
    pages = await site.read(**known)
    assert [len(page.posts) for page in pages] == [15, 5]
    assert site.asked() == [LISTING, LISTING]
    profile = pages[0].profile
    assert profile is not None
    assert (profile.handle, profile.sec_uid) == ("ana.new", account["sec_uid"])
    assert "@ana.new/" in pages[0].posts[0].url


async def test_a_profile_without_posts_gives_one_empty_page(site: Site) -> None:
    account = site.account(posts=0)
    for known in ({}, {"sec_uid": account["sec_uid"]}):
        [page] = await site.read(**known)
        assert (page.posts, page.is_last) == ((), True)


async def test_posts_that_vanish_and_counts_that_fall_are_read_as_they_are(site: Site) -> None:
    site.account(posts=3)
    [first] = await site.read()
    newest, second = first.posts[0].post_id, first.posts[1].post_id
    site.standin.control("PATCH", f"accounts/ana/posts/{newest}", {"views": 5})
    site.standin.control("DELETE", f"accounts/ana/posts/{second}")
    [later] = await site.read()
    assert [post.post_id for post in later.posts] == [newest, first.posts[2].post_id]
    assert later.posts[0].counts.views == 5


EMPTY_LIST = '{"statusCode": 0, "itemList": [], "hasMorePrevious": false}'
STATUS = {"kind": "status", "path": LISTING}
TROUBLES = [
    ("/@", {"kind": "status", "status": 403}, Trouble.BLOCKED, 1),
    ("/@", {"kind": "status", "status": 404}, Trouble.GONE, 1),
    ("/@", {"kind": "drop"}, Trouble.UNAVAILABLE, 1),
    (LISTING, {"kind": "status", "status": 429}, Trouble.BLOCKED, 2),
    (LISTING, {"kind": "status", "status": 503}, Trouble.UNAVAILABLE, 2),
    (LISTING, {"kind": "status", "status": 404}, Trouble.CHANGED, 2),
    (LISTING, {"kind": "status", "status": 200, "body": ""}, Trouble.BLOCKED, 2),
    (LISTING, {"kind": "waf"}, Trouble.BLOCKED, 2),
    (LISTING, {"kind": "half"}, Trouble.UNAVAILABLE, 2),
    (LISTING, {"kind": "status", "status": 200, "body": EMPTY_LIST}, Trouble.BLOCKED, 2),
    (LISTING, {"kind": "status", "status": 200, "body": '{"statusCode": 10221}'}, Trouble.GONE, 2),
    (LISTING, {"kind": "status", "status": 200, "body": '{"statusCode": 99}'}, Trouble.CHANGED, 2),
    (LISTING, {"kind": "status", "status": 200, "body": '{"itemList": [{"id": "x"}]}'}, Trouble.CHANGED, 2),
]


@pytest.mark.parametrize(("path", "fault", "trouble", "requests"), TROUBLES)
async def test_every_refusal_has_its_name_and_is_never_an_empty_profile(
    site: Site, path: str, fault: dict, trouble: Trouble, requests: int
) -> None:
    site.account(posts=3)
    site.standin.fault(path=path, **fault)
    pages, error = await site.trouble()
    assert (pages, error.trouble) == ([], trouble)
    assert str(error)
    assert len(site.asked()) == requests  # who refuses is not asked again, by another way


async def test_who_is_private_or_gone_is_told_as_such(site: Site) -> None:
    account = site.account(posts=3, private=True)
    assert (await site.trouble())[1].trouble is Trouble.PRIVATE
    assert (await site.trouble(sec_uid=account["sec_uid"]))[1].trouble is Trouble.PRIVATE
    assert (await site.trouble("nobody"))[1].trouble is Trouble.GONE
    site.standin.control("PATCH", "accounts/ana", {"gone": True})
    assert (await site.trouble(sec_uid=account["sec_uid"]))[1].trouble is Trouble.GONE


async def test_who_took_the_handle_is_not_read_in_the_others_place(site: Site) -> None:
    site.account(posts=3)
    assert (await site.trouble(platform_id=42))[1].trouble is Trouble.GONE


async def test_what_the_service_asks_to_wait_is_passed_on(site: Site) -> None:
    site.account(posts=3)
    site.standin.fault("status", LISTING, status=429, headers={"Retry-After": "120"})
    assert (await site.trouble())[1].retry_after_seconds == 120


async def test_a_page_that_fails_later_comes_after_those_before_it(site: Site) -> None:
    site.account(posts=40)
    [first] = await site.read(most=1)
    site.standin.control("DELETE", "requests")
    cursor = int(first.posts[-1].posted_at.timestamp() * 1000)
    site.standin.fault("half", f"cursor={cursor}")
    pages, error = await site.trouble()
    assert [len(page.posts) for page in pages] == [15]
    assert (pages[0].is_last, error.trouble) == (False, Trouble.UNAVAILABLE)
    assert (pages[0].requests, error.requests) == (2, 1)


async def test_a_listing_that_goes_round_in_a_circle_is_given_up(site: Site) -> None:
    site.account(posts=40)
    site.standin.fault("repeat", LISTING, times=100)
    pages, error = await site.trouble()
    assert [len(page.posts) for page in pages] == [15]
    assert error.trouble is Trouble.BLOCKED
    assert len(site.asked()) < 10


async def test_a_profile_whose_page_says_nothing_is_found_by_another(site: Site) -> None:
    site.account(posts=20)
    site.standin.fault("waf", "^/@ana")
    pages = await site.read()
    assert [(len(page.posts), page.requests) for page in pages] == [(15, 4), (5, 1)]
    assert [path.rpartition("/")[0] for path in site.asked()[:3]] == ["", "/embed", "/@ana/video"]
    assert pages[0].profile is not None
    assert pages[0].profile.followers == 1200  # as the posts tell it


@pytest.mark.parametrize(
    "instead", [{"kind": "waf"}, {"kind": "status", "status": 302, "headers": {"Location": "/login"}}]
)
async def test_a_challenge_instead_of_the_profile_is_no_reason_to_ask_on_and_on(
    site: Site, instead: dict
) -> None:
    site.account(posts=0, videos=3)
    site.standin.fault(path="^/@", **instead)
    assert (await site.trouble())[1].trouble is Trouble.BLOCKED
    assert len([path for path in site.asked() if path != "/login"]) == 2


async def test_who_refuses_one_name_is_not_asked_by_another(site: Site) -> None:
    account = site.account(posts=3)
    site.standin.fault("waf", LISTING)
    assert (await site.trouble(sec_uid=account["sec_uid"]))[1].trouble is Trouble.BLOCKED
    assert site.asked() == [LISTING]


async def test_an_answer_that_does_not_come_is_waited_for_only_so_long(site: Site) -> None:
    site.account(posts=3)
    site.source._order["timeout_seconds"] = 0.5
    site.standin.fault("hang", LISTING)
    assert (await site.trouble())[1].trouble is Trouble.UNAVAILABLE


async def test_a_child_that_hangs_is_ended_with_its_time(site: Site) -> None:
    site.account(posts=3)
    site.standin.fault("hang", "/@")
    site.source._limit_seconds = 2.0
    assert "too long" in str((await site.trouble())[1])
    assert not children()


async def test_a_reading_that_is_cancelled_takes_its_child_along(site: Site) -> None:
    site.account(posts=3)
    site.standin.fault("hang", "/@")
    task = asyncio.create_task(anext(site.source.pages(ref())))  # type: ignore[arg-type]
    await asyncio.to_thread(until, lambda: bool(site.asked()))
    assert len(children()) == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not children()


async def test_a_child_ends_when_its_parent_is_gone(site: Site) -> None:
    site.account(posts=3)
    site.standin.fault("hang", "/@")
    child = await site.source._start("https://www.tiktok.com/@ana")
    assert child.stdin is not None
    child.stdin.write(b"\n")
    await asyncio.to_thread(until, lambda: bool(site.asked()))
    child.stdin.close()  # as the system does for whoever dies
    async with asyncio.timeout(5):
        assert await child.wait() == 0


@pytest.mark.skipif(sys.platform == "win32", reason="there terminating a process cannot be refused")
async def test_a_child_leaves_it_to_its_parent_when_it_ends(site: Site) -> None:
    """A service manager tells every process of a service to stop, and the bot gives its jobs back."""
    site.account(posts=40)
    pages = site.source.pages(ref())
    assert len((await anext(pages)).posts) == 15
    [child] = children()
    child.terminate()
    child.send_signal(signal.SIGINT)
    assert len((await anext(pages)).posts) == 15
    await pages.aclose()
    assert not children()


async def test_the_child_is_told_none_of_the_settings(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    said = "import json, os; input(); print(json.dumps({'failed': {'bug': ' '.join(os.environ)}}))"
    monkeypatch.setattr(listing, "COMMAND", (sys.executable, "-c", said))
    monkeypatch.setenv("DISCORD_TOKEN", "secret")
    monkeypatch.setenv("GAME_SERVERS__MAIN__PASSWORD", "secret")
    monkeypatch.setenv("OTHER_THING", "1")
    source = TikTokPosts(clock=clock, page_seconds=1, limit_seconds=60)
    with pytest.raises(PostsUnread):
        await anext(source.pages(ProfileRef(account_id=1, handle="ana")))
    told = caplog.text.split()
    assert "OTHER_THING" in told
    assert not {"DISCORD_TOKEN", "GAME_SERVERS__MAIN__PASSWORD"} & set(told)
