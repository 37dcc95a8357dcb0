"""Profiles, end to end: posts are read by whichever source answers, kept, and told of, on real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.databases import on_both_engines
from tools.sandbox.processes import StandIn
from tools.sandbox.scene import World, until
from tools.sandbox.stored import change, rows_of

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
async def paid(scene: World) -> AsyncIterator[StandIn]:
    """ScrapeCreators, with an account that TikTok has as well; what yt-dlp would use leads nowhere."""
    async with StandIn("scrapecreators") as standin:
        scene.settings |= {
            "SCRAPECREATORS_URL": standin.facts["base"],
            "SCRAPECREATORS_API_KEY": standin.facts["key"],
            "POST_PROXY_URL": "http://127.0.0.1:9",
            "POST_SOURCES": "scrapecreators",
            "PROFILE_PAGE_SECONDS": "0.1",
            "MEDIA_MEGABYTES": "0",
        }
        ana = await scene.tiktok.control("POST", "accounts", {"handle": "ana", "nickname": "Ana"})
        about = {"handle": "ana", "id": ana["id"], "nickname": "Ana", "followers": 5000}
        await standin.control("POST", "accounts", about)
        await standin.control("POST", "accounts/ana/posts", {"count": 24})
        yield standin


async def snapshots(scene: World) -> dict[int, int]:
    """Snapshots by run."""
    query = "SELECT run_id, count(*) FROM post_snapshots GROUP BY run_id ORDER BY run_id"
    return dict(await rows_of(scene.database, query))


async def ended(scene: World, runs: int) -> list[tuple[Any, ...]]:
    async def all_over() -> list[tuple[Any, ...]] | None:
        query = "SELECT state, posts, new_posts, source, is_complete FROM profile_runs ORDER BY id"
        rows = await rows_of(scene.database, query)
        return rows if len(rows) == runs and {row[0] for row in rows} <= {"completed", "failed"} else None

    found: list[tuple[Any, ...]] = await until(all_over, f"{runs} runs were over")
    return found


@on_both_engines
async def test_a_profile_is_watched_read_and_told_of_when_it_cannot_be(scene: World, paid: StandIn) -> None:
    await scene.start_bot()
    await scene.set_up()
    await scene.command("profile watch", {"user": "@ana"})
    (first,) = await ended(scene, 1)
    assert first[:4] == ("completed", 24, 24, "scrapecreators")
    await paid.control("POST", "accounts/ana/posts", {"caption": "new"})
    await scene.command("profile update", {"user": "ana"})
    second = (await ended(scene, 2))[1]
    assert second[:3] == ("completed", 25, 1)
    assert list((await snapshots(scene)).values()) == [24, 25]
    await paid.control("PATCH", "accounts/ana", {"private": True})
    await scene.command("profile update", {"user": "ana"})
    assert (await ended(scene, 3))[2][0] == "failed"
    await until(lambda: scene.posts("admin", "posts of @ana cannot be read"), "the admins heard of it")
    await paid.control("PATCH", "accounts/ana", {"private": False})
    await scene.command("profile update", {"user": "ana"})
    assert (await ended(scene, 4))[3][0] == "completed"
    await until(lambda: scene.posts("admin", "posts of @ana are read again"), "they heard of the end")
    assert await scene.posts("admin", "cannot be read") == []
    assert await scene.violations() == []
    assert await scene.stop_bot() == 0


async def test_a_bot_that_is_killed_in_a_run_ends_that_run_and_doubles_nothing(
    scene: World, paid: StandIn
) -> None:
    scene.settings |= {"PROFILE_PAGE_SECONDS": "1", "POST_SOURCES": "yt-dlp,scrapecreators"}
    await scene.start_bot()
    await scene.set_up()
    await scene.command("profile watch", {"user": "@ana"})
    await until(lambda: scene.count("post_snapshots"), "the first page was written")
    await scene.kill_bot()
    written = await scene.count("post_snapshots")
    assert written < 24
    await change(scene.database, "UPDATE posts SET views = -1")
    await scene.start_bot()
    (run,) = await ended(scene, 1)
    assert run[:4] == ("completed", 24, 24, "scrapecreators")  # nothing leads yt-dlp to TikTok
    assert await scene.count("posts", "views < 0") == 0
    assert list((await snapshots(scene)).values()) == [24]
    assert await scene.count("jobs", "kind = 'profile' AND state = 'succeeded'") == 1
    assert await scene.stop_bot() == 0
