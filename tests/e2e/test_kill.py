"""Killed with SIGKILL in the middle of each flow and started again: one post, one import."""

from __future__ import annotations

from collections.abc import Awaitable
from pathlib import Path

import pytest

from tests.databases import on_both_engines
from tools.sandbox.scene import World, until

pytestmark = pytest.mark.timeout(600)

ROUND_1 = "2025-10-26-191725-supply-round-1.txt"


async def a_live_about_to_be_announced(scene: World, when: str) -> None:
    """Leave the bot waiting for Discord's answer to the go-live message."""
    await scene.start_bot()
    await scene.set_up()
    await scene.follow()
    await scene.fault(scene.discord, kind="hang", when=when, method="POST", path="/channels/.*/messages$")
    await scene.go_live()
    await scene.command("live check", {"user": "ana"})
    await until(lambda: tried_to_post(scene, "live"), "the bot tried to post")


async def tried_to_post(scene: World, event: str) -> bool:
    return bool(await scene.count("outbox", f"event_key LIKE '{event}:%' AND first_tried_at IS NOT NULL"))


async def delivered(scene: World, event: str) -> None:
    """Wait until the bot takes the message for delivered: whatever it would have posted again stands there by then."""
    waiting = f"event_key LIKE '{event}:%' AND state <> 'delivered'"
    await until(lambda: is_none(scene.count("outbox", waiting)), "the message was delivered")


async def is_none(count: Awaitable[int]) -> bool:
    return await count == 0


async def requests_to_post(scene: World, title: str) -> int:
    """How often Discord was asked to post it and answered or did it; a nonce hides in the channel that it was twice."""
    asked = await scene.discord.control("GET", "requests")
    return sum(
        entry["method"] == "POST" and entry["path"].endswith("/messages") and title in str(entry)
        for entry in asked
    )


async def restart(scene: World) -> None:
    await scene.kill_bot()
    await scene.discord.control("DELETE", "faults")
    await scene.start_bot()


@on_both_engines
@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_while_a_live_is_announced(scene: World, when: str) -> None:
    await a_live_about_to_be_announced(scene, when)
    if when == "after":
        await until(lambda: scene.posts("lives", "is live"), "Discord has the message")
    await restart(scene)
    await until(lambda: scene.posts("lives", "is live"), "the live was announced")
    await delivered(scene, "live")
    if when == "after":
        assert await requests_to_post(scene, "is live") == 1
    await scene.tiktok.control("POST", "accounts/ana/end", {})
    (summary,) = await until(lambda: scene.posts("lives", "was live"), "the live was summed up")
    assert len(await scene.posts("lives", "live")) == 1
    assert summary["edits"] >= 1
    assert await scene.count("lives") == 1
    assert await scene.count("outbox", "event_key LIKE 'live:%'") == 1


async def test_killed_while_tiktok_is_asked(scene: World) -> None:
    await scene.start_bot()
    await scene.set_up()
    await scene.follow()
    await scene.fault(scene.tiktok, kind="hang", path="^/api-live")
    await scene.go_live()
    await until(
        lambda: scene.count("requests", "ledger = 'discovery' AND answer IS NULL"), "a check is under way"
    )
    await scene.kill_bot()
    await scene.tiktok.control("DELETE", "faults")
    # The killed check holds its lease for a while; the budget row it wrote stays counted.
    await scene.clear_leases()
    await scene.start_bot()
    await until(lambda: scene.posts("lives", "is live"), "the live was announced")
    await delivered(scene, "live")
    assert len(await scene.posts("lives", "is live")) == 1
    assert await scene.count("lives") == 1


async def test_killed_while_a_round_is_read(scene: World, reference_data: Path) -> None:
    await scene.start_bot()
    await scene.set_up()
    await until(lambda: first_listing(scene), "the folder was listed")
    await scene.fault(scene.gameserver, kind="freeze", method="read")
    await scene.write_round(reference_data / "etlegacy" / ROUND_1)
    await until(lambda: reading(scene), "the file is being read")
    await scene.kill_bot()
    await scene.gameserver.control("DELETE", "faults")
    await scene.start_bot()
    await until(lambda: scene.posts("rounds", "upply"), "the round was posted")
    await delivered(scene, "round")
    assert await scene.count("rounds") == 1
    assert len(await scene.posts("rounds", "upply")) == 1


async def first_listing(scene: World) -> bool:
    """Only what comes after the first listing is posted, so the bot must have taken note of it."""
    return bool(await scene.count("sources", "name = 'ssh:sandbox' AND last_ok_at IS NOT NULL"))


async def reading(scene: World) -> bool:
    asked = await scene.gameserver.control("GET", "requests")
    return any(entry.get("op") == "open" for entry in asked)


@on_both_engines
@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_while_a_round_is_posted(scene: World, reference_data: Path, when: str) -> None:
    await scene.start_bot()
    await scene.set_up()
    await until(lambda: first_listing(scene), "the folder was listed")
    await scene.fault(scene.discord, kind="hang", when=when, method="POST", path="/channels/.*/messages$")
    await scene.write_round(reference_data / "etlegacy" / ROUND_1)
    await until(lambda: tried_to_post(scene, "round"), "the bot tried to post")
    if when == "after":
        await until(lambda: scene.posts("rounds", "upply"), "Discord has the message")
    await restart(scene)
    await until(lambda: scene.posts("rounds", "upply"), "the round was posted")
    await delivered(scene, "round")
    assert len(await scene.posts("rounds", "upply")) == 1
    if when == "after":
        assert await requests_to_post(scene, "upply") == 1
    assert await scene.count("rounds") == 1
    assert await scene.count("outbox", "event_key LIKE 'round:%'") == 1
