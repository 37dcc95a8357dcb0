"""The world at real stand-ins: what a socket hears of a live is what was planned, however fast time goes."""

from __future__ import annotations

import asyncio
import dataclasses
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta

import aiohttp
import pytest
import pytest_asyncio

from tools.sandbox.clock import WorldClock
from tools.sandbox.processes import StandIn
from tools.sandbox.tiktok.messages import push_frame
from tools.sandbox.tiktok.sign import SOCKET_PATH
from tools.sandbox.tiktok.wire import decode, encode
from tools.sandbox.world import START
from tools.sandbox.world.audience import audience_of
from tools.sandbox.world.creators import counts_at, posts_of
from tools.sandbox.world.evenings import evenings, files_of
from tools.sandbox.world.lives import lives_of
from tools.sandbox.world.play import Places, World
from tools.sandbox.world.streamers import STREAMERS
from tools.sandbox.world.timeline import happenings

RANI = STREAMERS[0]
GIFT, LIKE, SEQ, COMMENT = (f"Webcast{kind}Message" for kind in ("Gift", "Like", "RoomUserSeq", "Chat"))


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def places(tmp_path_factory):
    file = tmp_path_factory.mktemp("clock") / "clock.json"
    clock = WorldClock(file)
    clock.set(instant=START.timestamp(), speed=1)
    stand_ins = {
        name: StandIn(name, "--clock", str(file)) for name in ("tiktok", "gameserver", "scrapecreators")
    }
    async with AsyncExitStack() as stack:
        await asyncio.gather(*map(stack.enter_async_context, stand_ins.values()))
        yield Places(clock=clock, **stand_ins)


@asynccontextmanager
async def playing(places, instant, speed, streamers=(RANI,)):
    """Run the world from an instant; it is cancelled at the end."""
    await places.tiktok.control("DELETE", "accounts")
    await places.scrapecreators.control("DELETE", "accounts")
    places.clock.set(instant=instant.timestamp(), speed=1)
    world = World(places, streamers)
    await world.prepare()
    places.clock.set(speed=speed)
    running = asyncio.create_task(world.run())
    await asyncio.sleep(0)  # noqa: TID251 - the world begins
    try:
        yield world
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


class Ear:
    """Hears a room and counts, by kind of message, what was said at or after an instant (Unix seconds)."""

    def __init__(self, since):
        self.since = since
        self.comments = self.taps = self.diamonds = 0
        self.viewers = {}  # the last count of each minute
        self.ended = asyncio.Event()

    def hear(self, frame):
        fields = decode(frame)
        if fields.get(7) != [b"msg"]:
            return
        for raw in decode(fields[8][0])[1]:
            message = decode(raw)
            self.take(message[1][0].decode(), decode(message[2][0]))

    def take(self, method, body):
        at = decode(body[1][0])[4][0] / 1000
        if method == "WebcastControlMessage":
            self.ended.set()
        if at < self.since:
            return
        if method == COMMENT:
            self.comments += 1
        elif method == LIKE:
            self.taps += body[2][0]
        elif method == GIFT and (body.get(9) == [1] or decode(body[15][0])[11] == [2]):
            self.diamonds += body[3][0]
        elif method == SEQ:
            self.viewers[int(at // 60)] = body[3][0]


@asynccontextmanager
async def listening(places, room_id, since):
    ear = Ear(since)

    async def read(ws):
        async for message in ws:
            ear.hear(message.data)

    async with aiohttp.ClientSession(places.tiktok.facts["base"]) as session:
        address = f"{SOCKET_PATH}?room_id={room_id}"
        async with session.ws_connect(address, protocols=["echo-protocol"]) as ws:
            await ws.send_bytes(
                push_frame(encode({1: room_id, 4: 12, 5: "audience"}), log_id=0, payload_type="im_enter_room")
            )
            reader = asyncio.create_task(read(ws))
            yield ear
            reader.cancel()


def planned(live, since, until):
    """Count the plan of a live in [since, until) as an `Ear` does."""
    found = Ear(since)
    for one in happenings(audience_of(live)):
        if since <= one.at < until:
            event = one.event
            found.comments += event["kind"] == "comment"
            found.taps += event["count"] if event["kind"] == "like" else 0
            if event["kind"] == "viewers":
                found.viewers[int(one.at // 60)] = event["count"]
    first = live.started_at.timestamp()
    found.diamonds = sum(
        giving.diamonds
        for minute in audience_of(live).minutes
        for giving in minute.gifts
        if since <= first + 60 * minute.number + giving.second < until
    )
    return found


async def until(condition, seconds=30):
    async with asyncio.timeout(seconds):
        while not (found := await condition()):  # noqa: ASYNC110 - the stand-ins are other processes
            await asyncio.sleep(0.02)  # noqa: TID251
        return found


async def is_live(places, handle=RANI.handle):
    accounts = await places.tiktok.control("GET", "accounts")
    return next((one for one in accounts if one["handle"] == handle and one["status"] == "live"), None)


@pytest.mark.parametrize("speed", [60, 600])
async def test_a_socket_hears_all_that_was_planned_of_a_live(places, speed):
    live = lives_of(RANI, START, START + timedelta(hours=3))[0]
    begin = max(live.started_at, live.ended_at - timedelta(minutes=speed / 8))
    async with playing(places, begin, 1):
        shown = await until(lambda: is_live(places))
        assert int(shown["room_id"]) == live.room_id
        since = places.clock.unix() + 3
        async with listening(places, live.room_id, since) as ear:
            places.clock.set(speed=speed)
            await asyncio.wait_for(ear.ended.wait(), 60)
    plan = planned(live, since, live.ended_at.timestamp())
    assert plan.comments > 0
    assert (ear.comments, ear.taps, ear.diamonds) == (plan.comments, plan.taps, plan.diamonds)
    assert ear.viewers == plan.viewers


async def test_at_the_usual_pace_events_come_at_their_second(places):
    live = lives_of(RANI, START, START + timedelta(hours=3))[0]
    middle = live.started_at + timedelta(minutes=40)
    async with playing(places, middle, 1):
        await until(lambda: is_live(places))
        since = places.clock.unix() + 1
        async with listening(places, live.room_id, since) as ear:
            await asyncio.sleep(4)  # noqa: TID251 - it is the machine's pace that is measured
            until_now = places.clock.unix()
    least, most = planned(live, since, until_now - 0.7), planned(live, since, until_now + 0.1)
    assert least.taps <= ear.taps <= most.taps
    assert least.comments <= ear.comments <= most.comments


async def test_who_was_live_before_has_a_last_room_of_that_time(places):
    async with playing(places, START, 1, STREAMERS) as world:
        accounts = {one["handle"]: one for one in await places.tiktok.control("GET", "accounts")}
        state = {one["handle"]: one for one in world.state()["streamers"]}
    last = lives_of(RANI, START - timedelta(days=7), START)[-1]
    assert int(accounts[RANI.handle]["room_id"]) == last.room_id
    assert all(one["status"] in ("ended", "never") for one in accounts.values())
    assert accounts[RANI.handle]["sec_uid"] == RANI.sec_uid
    assert (
        state[RANI.handle]["next"]
        == lives_of(RANI, START, START + timedelta(days=2))[0].started_at.timestamp()
    )


async def test_somebody_goes_live_and_ends_because_the_page_asks(places):
    async with playing(places, START, 60) as world:
        await world.go_live(RANI.handle)
        shown = await until(lambda: is_live(places))
        with pytest.raises(ValueError, match="live already"):
            await world.go_live(RANI.handle)
        await until(lambda: viewers(world))
        assert world.state()["streamers"][0]["live"]
        await world.end_live(RANI.handle)
        assert not await is_live(places)
        with pytest.raises(ValueError, match="not live"):
            await world.end_live(RANI.handle)
        await world.go_live(RANI.handle)
        again = await until(lambda: is_live(places))
        assert int(again["room_id"]) > int(shown["room_id"])
        with pytest.raises(KeyError):
            await world.go_live("nobody")


class SlowEnds:
    """The stand-in of TikTok, which takes its time to end a room."""

    def __init__(self, tiktok):
        self.facts = tiktok.facts
        self.asked, self.may = asyncio.Event(), asyncio.Event()
        self._tiktok = tiktok

    async def control(self, method, path, body=None):
        if path.endswith("/end") and body == {}:
            self.asked.set()
            await self.may.wait()
        return await self._tiktok.control(method, path, body)


async def test_nobody_goes_live_anew_before_their_live_has_ended(places):
    slow = SlowEnds(places.tiktok)
    async with playing(dataclasses.replace(places, tiktok=slow), START, 1) as world:
        await world.go_live(RANI.handle)
        await until(lambda: is_live(places))
        ending = asyncio.create_task(world.end_live(RANI.handle))
        await slow.asked.wait()
        with pytest.raises(ValueError, match="live already"):
            await world.go_live(RANI.handle)
        again = asyncio.create_task(world.end_live(RANI.handle))
        await asyncio.sleep(0)  # noqa: TID251 - somebody else asks for the same
        slow.may.set()
        await asyncio.gather(ending, again)
        await world.go_live(RANI.handle)
        await until(lambda: is_live(places))
        assert world.state()["streamers"][0]["live"]
        await world.end_live(RANI.handle)


async def viewers(world):
    return world.state()["streamers"][0]["viewers"]


async def test_an_evening_is_played_and_its_files_have_the_worlds_times(places):
    evening = evenings(START, START + timedelta(days=1))[0]
    wanted = {file.name: file for file in files_of(evening.maps[0])}
    async with playing(places, evening.started_at - timedelta(minutes=3), 600) as world:
        await until(lambda: playing_now(world))
        assert world.state()["game"]["map"] == evening.maps[0].name
        assert world.state()["game"]["players"] >= 6
        with pytest.raises(ValueError, match="being played"):
            await world.play_map()
        files = await until(lambda: written(places, wanted))
    for name, file in wanted.items():
        assert (files[name]["size"], files[name]["mtime"]) == (
            len(file.content),
            int(file.ended_at.timestamp()),
        )


async def playing_now(world):
    return world.state()["game"]["playing"] and world.state()["game"]["players"]


async def written(places, names):
    files = {one["name"]: one for one in await places.gameserver.control("GET", "files")}
    whole = names.keys() <= files.keys() and not any(files[name]["to_come"] for name in names)
    return files if whole else None


async def test_an_evening_that_has_begun_goes_on(places):
    played = evenings(START, START + timedelta(days=7))[1].maps[1]
    wanted = {file.name: file for file in files_of(played)}
    async with playing(places, played.rounds[-1].started_at - timedelta(seconds=30), 600) as world:
        await until(lambda: playing_now(world))
        assert world.state()["game"]["map"] == played.name
        files = await until(lambda: written(places, wanted))
    assert {files[name]["mtime"] for name in wanted} == {
        int(file.ended_at.timestamp()) for file in wanted.values()
    }


async def test_a_map_that_was_asked_for_takes_from_an_evening_only_its_own_time(places):
    evening = evenings(START, START + timedelta(days=14))[3]
    planned = {file.name: one for one in evening.maps for file in files_of(one)}
    async with playing(places, evening.started_at - timedelta(minutes=2), 600) as world:
        before = await times_of_files(places)
        await world.play_map()
        await until(lambda: is_any_there(places, planned))
        files = await times_of_files(places)
    asked_for = files.keys() - before.keys() - planned.keys()
    begun = min(planned[name].started_at for name in files.keys() & planned.keys())
    assert asked_for
    assert max(files[name] for name in asked_for) < begun.timestamp()


async def times_of_files(places):
    return {one["name"]: one["mtime"] for one in await places.gameserver.control("GET", "files")}


async def is_any_there(places, names):
    return (await times_of_files(places)).keys() & names.keys()


async def test_older_rounds_are_in_the_folder_before_anything_begins(places):
    async with playing(places, START, 1):
        files = {one["name"]: one for one in await places.gameserver.control("GET", "files")}
    last = files_of(evenings(START - timedelta(days=7), START)[-1].maps[-1])[-1]
    assert files[last.name]["mtime"] == int(last.ended_at.timestamp())
    assert all(file["mtime"] <= START.timestamp() for file in files.values() if file["name"] <= last.name)


async def test_posts_grow_at_both_sources(places):
    soon = START + timedelta(hours=1)
    async with playing(places, START, 600):
        await until(lambda: passed(places, soon))
        at_both = [await shelf(source) for source in (places.tiktok, places.scrapecreators)]
    post = posts_of(RANI, START - timedelta(days=20), START)[-1]
    for posts in at_both:
        assert posts[str(post.id)]["views"] > counts_at(post, START).views
    assert len(at_both[0]) >= len(posts_of(RANI, START - timedelta(days=90), START))


async def test_a_listing_shows_all_that_a_profile_counts(places):
    """Else it seems to end early, and a bot asks the paid source as well."""
    async with playing(places, START, 1):
        for source in (places.tiktok, places.scrapecreators):
            (account,) = await source.control("GET", "accounts")
            assert account["videos"] == len(await shelf(source))


async def passed(places, instant):
    return places.clock.now() > instant


async def shelf(source):
    return {post["id"]: post for post in await source.control("GET", f"accounts/{RANI.handle}/posts")}
