"""How fast requests leave."""

from __future__ import annotations

import asyncio

from aiohttp import ClientSession, TraceConfig, web
from aiohttp.test_utils import TestServer

from bot.discord.pace import AHEAD, PER_SECOND, Pace, paced
from tests.clocks import ManualClock


async def left_at(pace: Pace, clock: ManualClock, count: int) -> list[float]:
    times = []
    for _ in range(count):
        await pace.turn()
        times.append(clock.monotonic())
    return times


def in_the_fullest_second(times: list[float]) -> int:
    return max(sum(first <= one < first + 1 for one in times) for first in times)


async def test_a_flood_leaves_evenly_and_never_more_than_fifty_in_a_second() -> None:
    clock = ManualClock(auto=True)
    times = await left_at(Pace(clock), clock, 500)
    assert in_the_fullest_second(times) <= PER_SECOND + AHEAD + 1 < 50
    assert 500 / PER_SECOND - 0.2 <= times[-1] <= 500 / PER_SECOND


async def test_one_alone_does_not_wait_and_what_was_not_used_is_not_saved_up() -> None:
    clock = ManualClock(auto=True)
    pace = Pace(clock)
    assert await left_at(pace, clock, 1) == [0.0]
    clock.advance(3600)
    times = await left_at(pace, clock, 100)
    assert times[0] == 3600.0
    assert in_the_fullest_second(times) < 50


async def test_a_stall_is_not_made_good_by_a_rush() -> None:
    clock = ManualClock(auto=True)
    pace = Pace(clock)
    before = await left_at(pace, clock, 45)
    clock.advance(0.7)  # in which nothing ran
    assert in_the_fullest_second(before + await left_at(pace, clock, 100)) < 50


async def test_who_asked_first_leaves_first() -> None:
    clock, left = ManualClock(auto=True), list[int]()
    pace = Pace(clock)

    async def leave(number: int) -> None:
        await pace.turn()
        left.append(number)

    await asyncio.gather(*(leave(number) for number in range(30)))
    assert left == list(range(30))


async def test_who_gives_up_waiting_holds_up_nobody() -> None:
    clock = ManualClock()
    pace = Pace(clock)
    for _ in range(AHEAD + 1):
        await pace.turn()
    impatient = asyncio.create_task(pace.turn())
    await clock.asleep()
    patient = asyncio.create_task(pace.turn())
    impatient.cancel()
    await asyncio.wait([impatient])
    await clock.asleep()
    clock.advance(1)
    await asyncio.wait_for(patient, 5)


async def test_every_request_takes_its_turn_but_an_answer_to_a_person() -> None:
    class Counted(Pace):
        turns = 0

        async def turn(self) -> None:
            self.turns += 1

    async def answer(_: web.Request) -> web.Response:
        return web.Response()

    app, pace = web.Application(), Counted(ManualClock())
    app.router.add_route("*", "/{rest:.*}", answer)
    async with (
        TestServer(app) as server,
        ClientSession(trace_configs=[paced(TraceConfig(), pace)]) as session,
    ):
        for path in (
            "/api/v10/interactions/1/token/callback",
            "/api/v10/webhooks/1/token/messages/@original",
        ):
            await session.post(server.make_url(path))
        assert pace.turns == 0
        await session.post(server.make_url("/api/v10/channels/1/messages"))
        await session.get(server.make_url("/api/v10/users/@me"))
        assert pace.turns == 2
