"""The main job, end to end: a live is announced and summed up, a round is posted with its chart."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from tests.databases import PostgreSQL, on_a_server, on_both_engines
from tools.sandbox.scene import World, until

pytestmark = pytest.mark.timeout(600)

ROUND_1 = "2025-10-26-191725-supply-round-1.txt"
ROUND_2 = "2025-10-26-192624-supply-round-2.txt"


async def role_id(scene: World, name: str) -> str:
    state = await scene.discord.control("GET", "state")
    return next(role["id"] for role in state["guilds"][0]["roles"] if role["name"] == name)


@on_both_engines
async def test_a_live_is_found_by_the_plan_announced_once_and_summed_up(scene: World) -> None:
    await scene.start_bot()
    await scene.set_up()
    await scene.follow()
    await scene.go_live()
    (post,) = await until(lambda: scene.posts("lives", "is live"), "the live was announced")
    assert post["pinged_roles"] == [await role_id(scene, "Live pings")]
    assert not post["pinged_everyone"]
    (embed,) = post["embeds"]
    assert embed["title"] == r"🔴 Ana \*star\* is live"
    assert embed["description"] == "Hello"
    fields = {field["name"]: field["value"] for field in embed["fields"]}
    assert fields["Viewers"] == "12"
    assert fields["Started"].startswith("<t:")
    assert embed["image"]["url"]
    assert post["components"][0]["components"][0]["url"] == "https://www.tiktok.com/@ana/live"
    await scene.tiktok.control("PATCH", "accounts/ana", {"viewers": 345})
    await until(lambda: peak_shown(scene, "345"), "the new count was shown")
    await scene.tiktok.control("POST", "accounts/ana/end", {})
    (summary,) = await until(lambda: scene.posts("lives", "was live"), "the live was summed up")
    assert summary["id"] == post["id"]
    fields = {field["name"]: field["value"] for field in summary["embeds"][0]["fields"]}
    assert fields["Highest viewer count seen"] == "345"
    assert len(await scene.posts("lives", "live")) == 1
    assert await scene.violations() == []
    assert await scene.stop_bot() == 0


async def peak_shown(scene: World, count: str) -> bool:
    (post,) = await scene.posts("lives", "is live")
    return any(field["value"] == count for field in post["embeds"][0]["fields"])


@on_both_engines
async def test_rounds_are_taken_when_complete_and_posted_once_with_a_chart(
    scene: World, reference_data: Path
) -> None:
    rounds = reference_data / "etlegacy"
    await scene.write_round(rounds / ROUND_1, minutes_ago=40)
    await scene.start_bot()
    await scene.set_up()
    await until(lambda: imported(scene, 1), "the backfill was imported")
    name = await scene.write_round(rounds / ROUND_2, minutes_ago=30, slow={"chunk_bytes": 300})
    for _ in range(3):
        await scene.gameserver.control("POST", f"files/{name}/grow", {})
    await scene.gameserver.control("POST", f"files/{name}/finish", {})
    (post,) = await until(lambda: scene.posts("rounds", "upply"), "the round was posted")
    async with aiohttp.ClientSession() as session, session.get(post["embeds"][0]["image"]["url"]) as answer:
        picture = await answer.read()
    assert picture.startswith(b"\x89PNG")
    last = await scene.command("rounds last", by="member", channel="general")
    assert last["response"]["embeds"][0]["title"] == post["embeds"][0]["title"]
    await until(lambda: imported(scene, 2), "both rounds are there")
    assert len(await scene.posts("rounds", "upply")) == 1
    assert await scene.violations() == []


async def imported(scene: World, count: int) -> bool:
    return await scene.count("rounds") == count


async def test_a_member_may_look_and_not_touch(scene: World) -> None:
    await scene.start_bot()
    await scene.set_up()
    with pytest.raises(ValueError, match="permission"):
        await scene.command("live add", {"user": "@ana", "channel": "lives"}, by="member", channel="general")
    about = await scene.command("about", by="member", channel="general")
    assert "source" in str(about).lower()


async def test_a_second_start_announces_nothing_again(scene: World) -> None:
    await scene.start_bot()
    await scene.set_up()
    await scene.follow()
    await scene.go_live()
    await scene.command("live check", {"user": "ana"})
    await until(lambda: scene.posts("lives", "is live"), "the live was announced")
    assert await scene.stop_bot() == 0
    await scene.start_bot()
    await scene.tiktok.control("POST", "accounts/ana/end", {})
    await until(lambda: scene.posts("lives", "was live"), "the live was summed up")
    assert len(await scene.posts("lives", "live")) == 1


async def test_a_second_bot_on_the_same_data_is_refused(scene: World) -> None:
    await scene.start_bot()
    first = scene.bot
    with pytest.raises(AssertionError, match="another Vedette is running"):
        await scene.start_bot()
    scene.bot = first


@on_a_server
async def test_a_second_bot_on_the_same_server_is_refused_wherever_its_data_folder_is(
    scene: World, tmp_path: Path
) -> None:
    await scene.start_bot()
    first = scene.bot
    with pytest.raises(AssertionError, match="another Vedette is running on the database"):
        await scene.start_bot(DATA_FOLDER=str(tmp_path / "elsewhere"))
    scene.bot = first


@on_a_server
async def test_a_server_that_restarts_under_the_bot_costs_nothing(
    scene: World, postgresql: PostgreSQL
) -> None:
    await scene.start_bot()
    await scene.set_up()
    await scene.follow()
    postgresql.stop()
    postgresql.start()
    await scene.go_live()
    await until(lambda: scene.posts("lives", "is live"), "the live was announced")
    await scene.tiktok.control("POST", "accounts/ana/end", {})
    await until(lambda: scene.posts("lives", "was live"), "the live was summed up")
    assert len(await scene.posts("lives", "live")) == 1
    assert await scene.stop_bot() == 0
