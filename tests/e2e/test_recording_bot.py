"""The whole bot records: its monitor finds lives, its recorder watches them, its database holds what the script says."""

from __future__ import annotations

import asyncio

import pytest

from tests.e2e.scripted_lives import COUNTS, ScriptedLive
from tools.sandbox.scene import World, until
from tools.sandbox.stored import rows_of

pytestmark = pytest.mark.timeout(900)


async def recorded(scene: World, handle: str) -> list[dict]:
    """Give the recordings of somebody's lives."""
    names = [*COUNTS, "state", "connections", "connected_seconds", "peak_viewers"]
    query = f"""SELECT {", ".join(f"r.{name}" for name in names)} FROM recordings r
        JOIN accounts a ON a.id = r.account_id WHERE a.handle = '{handle}' ORDER BY r.live_id"""
    return [dict(zip(names, row, strict=True)) for row in await rows_of(scene.database, query)]


async def is_done(scene: World, handle: str) -> bool:
    return [row["state"] for row in await recorded(scene, handle)] == ["done"]


async def recaps(scene: World) -> list[dict]:
    return await scene.posts("lives", "Recap")


async def has_recaps(scene: World, count: int) -> bool:
    return len(await recaps(scene)) == count


def say(live: ScriptedLive) -> None:
    for number in range(5):
        live.comment(f"viewer{number}")
        live.like(f"viewer{number}", 3)
    live.viewers(40)
    live.gift("ben", "Rose", 9)
    live.gift("ben", "Lion")
    live.gift("cleo", "Galaxy", to="guest")


async def test_lives_are_recorded_through_drops_and_new_rooms_to_the_diamond(scene: World) -> None:
    await scene.start_bot(RECORD_LIVES="true")
    await scene.set_up()
    lives = [ScriptedLive(scene.tiktok, handle) for handle in ("ana", "bea", "cem")]
    ana, bea, cem = lives
    began = asyncio.get_running_loop().time()
    for live in lives:
        await live.create()
        await live.go_live()
        await scene.command("live add", {"user": f"@{live.handle}", "channel": "lives"})
    groups = {}
    for live in lives:
        await live.watched()
        say(live)
        groups[live.handle] = live.streak("dan", "Perfume", [1, 2, 3])
        await live.send()
        await live.heard()
    await ana.connection(do="close", code=1011)
    await bea.connection(do="reset")
    await cem.end()
    await cem.go_live()
    for live in lives:
        await live.watched(2)
        say(live)
        live.streak("dan", "Perfume", [2, 5], group=groups[live.handle])
        await live.send(copies=2)
        await live.heard()
        await live.end()
    for live in lives:
        await until(lambda live=live: is_done(scene, live.handle), f"@{live.handle}'s recording was done")
        (row,) = await recorded(scene, live.handle)
        assert {name: row[name] for name in COUNTS} == live.expected()
        assert row["peak_viewers"] == live.peak_viewers
        assert row["connections"] == 2
        seconds = row["connected_seconds"] / 1_000_000  # kept in microseconds
        assert 0 < seconds < asyncio.get_running_loop().time() - began
    await until(lambda: has_recaps(scene, len(lives)), "each live had its recap")
    assert all(one["attachments"] for one in await recaps(scene))  # the chart
    assert await scene.violations() == []
    assert await scene.stop_bot() == 0
