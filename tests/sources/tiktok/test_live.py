"""The real HTTP path against the stand-in: three answers, and no block is ever read as "offline"."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from bot.core.live.models import Answer, ProfileState
from bot.errors import SourceChanged, SourceUnavailable
from bot.sources.tiktok.live import TikTokLiveSource
from tests.clocks import START, ManualClock
from tools.sandbox.processes import StandIn


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tiktok() -> AsyncIterator[StandIn]:
    async with StandIn("tiktok") as standin:
        yield standin


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def fresh(tiktok: StandIn) -> None:
    await tiktok.control("DELETE", "accounts")
    await tiktok.control("DELETE", "faults")
    await tiktok.control("DELETE", "requests")


@pytest_asyncio.fixture(loop_scope="module")
async def source(tiktok: StandIn) -> AsyncIterator[TikTokLiveSource]:
    facts = tiktok.facts
    async with TikTokLiveSource(
        www_url=facts["www"], webcast_url=facts["webcast"], timeout_seconds=1.0, clock=ManualClock()
    ) as source:
        yield source


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def fault(tiktok: StandIn, **values: object) -> None:
    await tiktok.control("POST", "faults", values)


async def test_a_live_tells_who_where_since_when_and_how_many_watch(
    tiktok: StandIn, source: TikTokLiveSource
) -> None:
    shown = await tiktok.control("POST", "accounts", {"handle": "ana", "nickname": "Ana ✨", "followers": 77})
    await tiktok.control(
        "POST", "accounts/ana/live", {"title": "Hi", "viewers": 12, "started_at": int(START.timestamp()) - 60}
    )
    observation = await source.check("ana")
    assert (observation.answer, observation.seen_at) == (Answer.LIVE, START)
    assert observation.person is not None
    assert observation.person.platform_id == int(shown["id"])
    assert (observation.person.nickname, observation.person.followers) == ("Ana ✨", 77)
    assert observation.sighting is not None
    assert observation.sighting.started_at == START - timedelta(seconds=60)
    assert (observation.sighting.title, observation.sighting.viewers) == ("Hi", 12)
    assert observation.sighting.cover_url.startswith("http://127.0.0.1")
    assert not observation.sighting.paused


async def test_paused_ended_and_unknown_handles_are_told_apart(
    tiktok: StandIn, source: TikTokLiveSource
) -> None:
    await tiktok.control("POST", "accounts", {"handle": "ana"})
    await tiktok.control("POST", "accounts", {"handle": "new", "never_live": True})
    assert (await source.check("ana")).answer is Answer.OFFLINE
    await tiktok.control("POST", "accounts/ana/live", {})
    await tiktok.control("POST", "accounts/ana/pause", {})
    paused = await source.check("ana")
    assert paused.sighting is not None
    assert paused.sighting.paused
    await tiktok.control("POST", "accounts/ana/end", {})
    assert (await source.check("ana")).answer is Answer.OFFLINE
    for handle in ("new", "nobody"):
        answer = await source.check(handle)
        assert (answer.answer, answer.not_found) == (Answer.OFFLINE, True)


@pytest.mark.parametrize(
    ("trouble", "blocked"),
    [
        ({"kind": "waf"}, True),
        ({"kind": "status", "status": 429}, True),
        ({"kind": "status", "status": 403}, True),
        ({"kind": "status", "status": 302, "headers": {"Location": "/login"}}, True),
        ({"kind": "status", "status": 503}, False),
        ({"kind": "status", "status": 200, "body": "<html>Access denied</html>"}, True),
        ({"kind": "status", "status": 200, "body": '{"data": {"user": {"id": "x"}}, "message": ""}'}, False),
        ({"kind": "status", "status": 200, "body": '{"data": null, "message": "risk"}'}, False),
        ({"kind": "status", "status": 200, "body": "[" * 100_000}, True),
        ({"kind": "drop"}, False),
        ({"kind": "hang"}, False),
    ],
)
async def test_trouble_is_unknown_and_never_offline(
    tiktok: StandIn, source: TikTokLiveSource, trouble: dict, blocked: bool
) -> None:
    await tiktok.control("POST", "accounts", {"handle": "ana"})
    await fault(tiktok, **trouble)
    observation = await source.check("ana")
    assert (observation.answer, observation.blocked) == (Answer.UNKNOWN, blocked)
    assert observation.reason


async def test_what_tiktok_asks_to_wait_is_passed_on(tiktok: StandIn, source: TikTokLiveSource) -> None:
    await fault(tiktok, kind="status", status=429, headers={"Retry-After": "120"})
    assert (await source.check("ana")).retry_after_seconds == 120


async def test_one_request_leaves_for_one_check(tiktok: StandIn, source: TikTokLiveSource) -> None:
    await tiktok.control("POST", "accounts", {"handle": "ana"})
    await source.check("ana")
    asked = await tiktok.control("GET", "requests")
    assert [entry["path"] for entry in asked] == ["/api-live/user/room/"]


async def test_a_profile_page_tells_who_exists_and_who_is_private(
    tiktok: StandIn, source: TikTokLiveSource
) -> None:
    shown = await tiktok.control("POST", "accounts", {"handle": "ana"})
    await tiktok.control("POST", "accounts", {"handle": "shy", "private": True})
    profile = await source.profile("ana")
    assert profile.state is ProfileState.ACTIVE
    assert profile.person is not None
    assert profile.person.platform_id == int(shown["id"])
    assert (await source.profile("shy")).state is ProfileState.PRIVATE
    assert (await source.profile("nobody")).state is ProfileState.NOT_FOUND


async def test_a_renamed_person_is_found_by_the_stable_id(tiktok: StandIn, source: TikTokLiveSource) -> None:
    shown = await tiktok.control("POST", "accounts", {"handle": "ana"})
    await tiktok.control("PATCH", "accounts/ana", {"handle": "ana.new"})
    profile = await source.profile(shown["id"])
    assert profile.person is not None
    assert profile.person.handle == "ana.new"


async def test_a_profile_that_cannot_be_read_is_an_error_and_not_nobody(
    tiktok: StandIn, source: TikTokLiveSource
) -> None:
    await tiktok.control("POST", "accounts", {"handle": "ana"})
    await fault(tiktok, kind="waf")
    with pytest.raises(SourceUnavailable, match="challenge"):
        await source.profile("ana")
    await fault(tiktok, kind="status", status=200, body="<html></html>")
    with pytest.raises(SourceChanged):
        await source.profile("ana")


async def test_one_sweep_asks_for_all_rooms_and_reads_them_by_their_id(
    tiktok: StandIn, source: TikTokLiveSource
) -> None:
    rooms = {}
    for handle in ("ana", "ben", "cem"):
        await tiktok.control("POST", "accounts", {"handle": handle})
        await tiktok.control("POST", f"accounts/{handle}/live", {})
        sighting = (await source.check(handle)).sighting
        assert sighting is not None
        rooms[handle] = sighting.room_id
    await tiktok.control("POST", "accounts/ben/end", {})
    alive = await source.rooms_alive([rooms["cem"], rooms["ben"], rooms["ana"]])
    assert alive == {rooms["ana"]: True, rooms["ben"]: False, rooms["cem"]: True}
    await fault(tiktok, kind="status", status=200, body='{"data": [], "status_code": 0}')
    with pytest.raises(SourceUnavailable):
        await source.rooms_alive([rooms["ana"]])


async def test_a_dropped_connection_costs_one_request_and_not_two(
    tiktok: StandIn, source: TikTokLiveSource
) -> None:
    await source.check("ana")
    await tiktok.control("DELETE", "requests")
    await fault(tiktok, kind="drop")
    await source.check("ana")
    assert len(await tiktok.control("GET", "requests")) == 1


async def test_a_body_without_end_is_given_up() -> None:
    async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b" " * 65536)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(endless, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with (
        server,
        TikTokLiveSource(www_url=url, webcast_url=url, timeout_seconds=30, clock=ManualClock()) as source,
    ):
        assert "too large" in (await source.check("ana")).reason
