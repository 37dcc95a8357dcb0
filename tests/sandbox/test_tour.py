"""The tour: what it tells the page, when a step comes true and when it does not. What it shows is tests/browser's."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tools.sandbox.clock import WorldClock
from tools.sandbox.page.status import Status
from tools.sandbox.tour import EXPECTED, FAREWELL, MISSING, STEPS, THERE, NotThereError, Scene, Step, Tour

SATURDAY = 1_790_000_000.0


class Discord:
    """A stand-in's control API as the scene asks it, with a message that changes when it is told to."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.interaction: dict[str, Any] = {"state": "answered", "response": None}
        self.offered: list[dict[str, Any]] = []
        self.orders: list[tuple[str, Any]] = []
        self.news = asyncio.Event()

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        if method == "POST":
            self.orders.append((path, body))
            return {"interaction_id": "5"}
        if path.startswith("interactions/"):
            return self.interaction
        if path == "state":
            return {"last_event": 12}
        if path.startswith("commands"):
            return self.offered
        if path.startswith("events"):
            await self.news.wait()
            self.news.clear()
            return [{"n": 1}]
        channel = path.partition("channel=")[2].partition("&")[0]
        return [dict(one) for one in self.messages if one["channel"] == channel]

    def post(self, message_id: str, title: str, *, channel: str = "lives", edits: int = 0) -> None:
        self.messages = [one for one in self.messages if one["id"] != message_id]
        embeds = [{"title": title, "url": "https://www.tiktok.com/@rani.bernyanyi/live"}]
        self.messages.append(
            {
                "id": message_id,
                "channel": channel,
                "deleted": False,
                "edits": edits,
                "embeds": embeds,
                "components": [],
            }
        )
        self.news.set()


class World:
    """Who is live, and what was ordered."""

    def __init__(self) -> None:
        self.live = False
        self.playing = False
        self.next = SATURDAY + 24 * 3600
        self.ended = asyncio.Event()

    def state(self) -> dict[str, Any]:
        rani = {"handle": "rani.bernyanyi", "live": self.live, "since": SATURDAY - 3600, "next": self.next}
        streamers = [{"handle": "somebody", "live": True}, rani]
        return {"streamers": streamers, "game": {"playing": self.playing}}

    async def go_live(self, _: str) -> None:
        self.live = True

    async def end_live(self, _: str) -> None:
        self.live = False
        self.ended.set()

    async def play_map(self) -> None:
        self.playing = True


@pytest.fixture
def discord():
    return Discord()


class TikTok:
    """Who is in which room."""

    def __init__(self) -> None:
        self.sockets: list[dict[str, Any]] = []

    async def control(self, _method: str, _path: str) -> list[dict[str, Any]]:
        return self.sockets


@pytest.fixture
def tiktok():
    return TikTok()


@pytest.fixture
def world():
    return World()


@pytest.fixture
async def status(tmp_path):
    status = Status(clock=WorldClock(tmp_path / "clock.json"))
    status.clock.set(instant=SATURDAY, speed=1)
    return status


@pytest.fixture
def scene(status, world, discord, tiktok):
    return Scene(status, world, discord, tiktok)


async def soon(task: asyncio.Task[Any]) -> None:
    """Let what can go on go on."""
    for _ in range(20):
        await asyncio.sleep(0)  # noqa: TID251 - gives way, waits for nothing


async def waiting(coroutine: Any) -> asyncio.Task[Any]:
    """Start it, and see that it waits."""
    task = asyncio.create_task(coroutine)
    await soon(task)
    assert not task.done()
    return task


async def test_a_live_is_followed_from_its_announcement_to_its_recap(scene, world, discord, tiktok, status):
    discord.post("1", "somebody else is live")
    appears = await waiting(scene.live_appears())
    assert world.live
    discord.post("2", "Rani is live")
    await appears
    grows = await waiting(scene.figures_grow())
    discord.post("2", "Rani is live", edits=1)
    await soon(grows)
    assert not grows.done()  # the bot is not in the room yet
    tiktok.sockets = [{"handle": "rani.bernyanyi", "open": True, "entered": True}]
    discord.news.set()
    await grows
    ends = await waiting(scene.live_ends())
    assert (world.live, status.clock.speed) == (True, 600)
    status.clock.set(instant=status.clock.unix() + 3600)
    await world.ended.wait()
    discord.post("2", "Rani was live", edits=2)
    await ends
    told = await waiting(scene.recording_is_told())
    discord.post("4", "Recap: Rani was live")
    await told


async def test_who_goes_live_soon_is_waited_for_and_who_is_live_is_shown(scene, world, discord):
    world.next = SATURDAY + 20 * 60
    appears = await waiting(scene.live_appears())
    assert not world.live
    discord.post("2", "Rani is live")
    await appears
    world.live = True
    await scene.live_appears()


async def test_without_an_announcement_there_is_nothing_to_follow(scene):
    with pytest.raises(NotThereError):
        await scene.figures_grow()
    with pytest.raises(NotThereError):
        await scene.live_ends()


async def test_a_map_is_played_fast_and_only_until_its_round_is_posted(scene, world, discord, status):
    posted = await waiting(scene.round_is_posted())
    assert (world.playing, status.clock.speed) == (True, 600)
    discord.post("3", "Supply", channel="rounds")
    await posted
    assert status.clock.speed == 60


async def test_pages_are_turned_by_the_button_that_can_be_pressed(scene, discord):
    back, forward = {"custom_id": "back", "disabled": True}, {"custom_id": "on", "disabled": False}
    answer = {"id": "7", "components": [{"components": [back, forward]}]}
    discord.interaction = {"state": "answered", "response": answer}
    await scene.players_compared()
    await scene.page_turned()
    assert discord.orders[-1] == ("component", {"user": "member", "message_id": "7", "custom_id": "on"})
    answer["components"] = []
    await scene.players_compared()
    with pytest.raises(NotThereError, match="one page"):
        await scene.page_turned()


async def test_a_bot_that_does_not_answer_is_not_waited_for(scene, discord):
    discord.interaction = {"state": "failed", "response": None}
    with pytest.raises(NotThereError, match="did not answer"):
        await scene.prediction_drawn()


async def test_that_a_member_is_refused_is_looked_at_and_not_claimed(scene, discord):
    discord.offered = [{"name": "setup", "allowed": False}]
    await scene.member_is_not()
    discord.offered = [{"name": "setup", "allowed": True}]
    with pytest.raises(NotThereError):
        await scene.member_is_not()


def step(name, act, limit=5.0):
    return Step(name=name, caption=f"{name}!", user="member", channel="lives", act=act, limit=limit)


async def nothing(_: Scene) -> None:
    pass


async def refuse(_: Scene) -> None:
    raise ValueError("the bot is not connected")


async def never(_: Scene) -> None:
    await asyncio.Event().wait()


async def stumble(_scene):
    raise KeyError("custom_id")


@pytest.fixture
def online():
    event = asyncio.Event()
    event.set()
    return event


def is_told(queue):
    return [queue.get_nowait() for _ in range(queue.qsize())]


async def test_a_held_tour_goes_on_when_it_is_told_to_and_says_honestly_what_did_not_come(
    status, scene, online
):
    tour = Tour(
        status,
        [
            step("good", nothing),
            step("refused", refuse),
            step("late", never, limit=0.01),
            step("odd", stumble),
        ],
    )
    tour.held = True
    with status.bus.listening() as queue:
        running = asyncio.create_task(tour.run(scene, online))
        told = []
        for _ in range(4):
            while not told or told[-1]["state"] == EXPECTED:
                told.append(await queue.get())
            await soon(running)
            assert not running.done()
            tour.next()
            told.append(await queue.get())
        await running
    states = [(one.get("name"), one["state"]) for one in told]
    assert states == [
        ("good", EXPECTED),
        ("good", THERE),
        ("refused", EXPECTED),
        ("refused", MISSING),
        ("late", EXPECTED),
        ("late", MISSING),
        ("odd", EXPECTED),
        ("odd", MISSING),
        (None, THERE),
    ]
    assert "the bot is not connected" in told[3]["caption"]
    assert "has not come" in told[5]["caption"]
    assert (told[0].get("after"), told[1]["after"]) == (None, 12)
    assert told[-1]["caption"] == FAREWELL
    assert (told[0]["step"], told[0]["of"], told[0]["channel"], told[0]["user"]) == (1, 4, "lives", "member")


async def test_the_tour_begins_when_somebody_looks_and_the_bot_is_online(status, scene):
    online = asyncio.Event()
    tour = Tour(status, [step("good", nothing)])
    tour.held = True
    running = await waiting(tour.run(scene, online))
    assert status.tour_step is None
    with status.bus.listening():
        await soon(running)
        assert status.tour_step is None
        online.set()
        await soon(running)
        assert status.tour_step["state"] == THERE
    running.cancel()


def test_the_steps_have_names_of_their_own_and_fit_below_a_picture():
    names = [one.name for one in STEPS]
    assert len(set(names)) == len(names)
    assert max(len(one.caption) for one in STEPS) <= 120
