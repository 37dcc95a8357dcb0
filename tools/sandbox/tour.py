"""The tour: what the bot is for, shown in a minute, in order, by itself.

Each step says what will be seen, lets it happen in the world or asks the bot for it as a person would, and waits until
Discord has it: never for a time, but no longer than `Step.limit`. What did not come is said. Then the step stays to be
read. Who looks may hold the tour and lead it on step by step (`held`, `next`), as `tools.screenshots` does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from tools.sandbox.page.status import Status
from tools.sandbox.processes import StandIn
from tools.sandbox.world.play import World

WHO: Final = "rani.bernyanyi"
WATCHED: Final = "mila.makes"
USUAL, QUICK, FAST = 60.0, 200.0, 600.0
#: If she begins within so much of the world's time, the tour waits for it.
_SOON_SECONDS: Final = 3600
#: Of the world: so long the bot may record before she ends.
_HOUR_SECONDS: Final = 3600
READ_SECONDS: Final = 4.0
_LINE: Final = 30  # machine seconds: so long one question to the stand-in may wait for news

#: The bot answers otherwise than a step awaits, or a stand-in does not: no reason to end the sandbox.
_IN_THE_WAY: Final = (ValueError, LookupError, TypeError, aiohttp.ClientError)

EXPECTED, THERE, MISSING = "expected", "there", "missing"


class NotThereError(Exception):
    """What a step builds on did not come before."""


class Scene:
    """The world, the bot's Discord, and what the steps before have left."""

    def __init__(self, status: Status, world: World, discord: StandIn, tiktok: StandIn) -> None:
        self.world = world
        self._tiktok = tiktok
        self._status = status
        self._clock = status.clock
        self._discord = discord
        self._last_event = 0
        self._live: dict[str, Any] | None = None
        self._answer: dict[str, Any] | None = None

    @contextmanager
    def _hurry(self, speed: float) -> Iterator[None]:
        """Let the world's time run so fast meanwhile."""
        self._status.set_speed(speed)
        try:
            yield
        finally:
            self._status.set_speed(USUAL)

    async def live_appears(self) -> None:
        """She begins by herself soon after the world does; whoever looks later sees her begin once more."""
        now, she = self._clock.unix(), self._streamer()
        before: set[str] = set()
        with self._hurry(QUICK):
            if not she["live"]:
                before = {one["id"] for one in await self._messages("lives")}
                if she["next"] is None or she["next"] - now > _SOON_SECONDS:
                    await self.world.go_live(WHO)
            self._live = await self._until(lambda: self._new_post("lives", before, WHO))

    async def figures_grow(self) -> None:
        """The bot must be in the room before the world hurries on, or there is nothing to tell of it later."""
        live = self._announced()
        while not await self._is_watched():
            await self._news()
        with self._hurry(QUICK):
            await self._until(lambda: self._edited(live))

    async def live_ends(self) -> None:
        title = self._announced()["embeds"][0]["title"]
        with self._hurry(FAST):
            await self._clock.sleep(_HOUR_SECONDS)
        if self._streamer()["live"]:  # or she has ended by herself
            await self.world.end_live(WHO)
        self._live = await self._until(lambda: self._retitled(self._announced(), title))

    async def recording_is_told(self) -> None:
        live = self._announced()
        before = {one["id"] for one in await self._messages("lives") if int(one["id"]) <= int(live["id"])}
        await self._until(lambda: self._new_post("lives", before, WHO))

    async def round_is_posted(self) -> None:
        before = {one["id"] for one in await self._messages("rounds")}
        if not self.world.state()["game"]["playing"]:
            await self.world.play_map()
        with self._hurry(FAST):
            await self._until(lambda: self._new_post("rounds", before))

    async def players_compared(self) -> None:
        self._answer = await self._ask("member", "general", "top players", metric="rating")

    async def page_turned(self) -> None:
        first = self._asked_before()
        buttons = [one for row in first["components"] for one in row["components"]]
        forward = next((one for one in reversed(buttons) if not one.get("disabled")), None)
        if forward is None:
            raise NotThereError("There is one page only.")
        order = {"user": "member", "message_id": first["id"], "custom_id": forward["custom_id"]}
        await self._answered(await self._discord.control("POST", "component", order))

    async def prediction_drawn(self) -> None:
        await self._ask("member", "general", "predict account", user=WHO)

    async def profile_shown(self) -> None:
        await self._ask("member", "general", "profile show", user=WATCHED)

    async def admin_is_heard(self) -> None:
        await self._ask("admin", "admin", "setup")

    async def member_is_not(self) -> None:
        """Discord itself does not offer it, nor would the bot obey."""
        offered = await self._discord.control("GET", "commands?user=member&channel=general")
        if any(one["allowed"] for one in offered if one["name"] == "setup"):
            raise NotThereError("A member may use /setup, which is wrong.")

    def _streamer(self) -> dict[str, Any]:
        found: dict[str, Any] = next(one for one in self.world.state()["streamers"] if one["handle"] == WHO)
        return found

    def _announced(self) -> dict[str, Any]:
        if self._live is None:
            raise NotThereError("There was no announcement to follow.")
        return self._live

    def _asked_before(self) -> dict[str, Any]:
        if self._answer is None:
            raise NotThereError("There was no answer with pages.")
        return self._answer

    async def _ask(self, by: str, channel: str, name: str, **options: Any) -> dict[str, Any]:
        order = {"user": by, "channel": channel, "name": name, "options": options}
        return await self._answered(await self._discord.control("POST", "command", order))

    async def _answered(self, asked: dict[str, str]) -> dict[str, Any]:
        """Wait for the bot's answer; give its message."""
        view: dict[str, Any] = {"state": "pending"}
        while view["state"] in ("pending", "deferred"):
            path = f"interactions/{asked['interaction_id']}?wait={_LINE}"
            view = await self._discord.control("GET", path)
        if view["state"] == "failed":
            raise NotThereError("The bot did not answer in three seconds.")
        response: dict[str, Any] = view["response"]
        return response

    async def _messages(self, channel: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self._discord.control(
            "GET", f"messages?channel={channel}&limit=50"
        )
        return [one for one in found if not one["deleted"]]

    async def _new_post(self, channel: str, before: set[str], about: str = "") -> dict[str, Any] | None:
        fresh = [one for one in await self._messages(channel) if one["id"] not in before and one["embeds"]]
        return next(
            (one for one in reversed(fresh) if about in str((one["embeds"], one["components"]))), None
        )

    async def _edited(self, before: dict[str, Any]) -> dict[str, Any] | None:
        now = await self._same(before)
        return now if now and now["edits"] > before["edits"] else None

    async def _retitled(self, before: dict[str, Any], title: str) -> dict[str, Any] | None:
        now = await self._same(before)
        return now if now and now["embeds"][0]["title"] != title else None

    async def last_event(self) -> int:
        """Give the number of the last thing that happened in Discord: who has heard of it shows all there is."""
        state = await self._discord.control("GET", "state")
        return int(state["last_event"])

    async def _same(self, message: dict[str, Any]) -> dict[str, Any] | None:
        found = await self._messages(message["channel"])
        return next((one for one in found if one["id"] == message["id"]), None)

    async def _until(self, check: Callable[[], Awaitable[dict[str, Any] | None]]) -> dict[str, Any]:
        """Look again whenever something has happened in Discord, until it is there."""
        while (found := await check()) is None:
            await self._news(_LINE)
        return found

    async def _news(self, seconds: float = 0.25) -> None:
        """Wait until something happens in Discord, at most so long."""
        news = await self._discord.control("GET", f"events?after={self._last_event}&wait={seconds}")
        self._last_event = news[-1]["n"] if news else self._last_event

    async def _is_watched(self) -> bool:
        """Is the bot in the room?"""
        sockets = await self._tiktok.control("GET", "sockets")
        return any(one["handle"] == WHO and one["open"] and one["entered"] for one in sockets)


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """`name` is what a picture of it is called; `limit` in machine seconds; `user` looks at `channel`."""

    name: str
    caption: str
    user: str
    channel: str
    act: Callable[[Scene], Awaitable[None]]
    limit: float = 25.0


STEPS: Final = (
    Step(
        name="live",
        caption="Rani goes live on TikTok. Vedette looks more often when she usually does, finds her and announces it.",
        user="member",
        channel="lives",
        act=Scene.live_appears,
        limit=60,
    ),
    Step(
        name="viewers",
        caption="Vedette is in her room and counts. The same message follows her live: nobody is pinged again.",
        user="member",
        channel="lives",
        act=Scene.figures_grow,
        limit=40,
    ),
    Step(
        name="recap",
        caption="An hour later she ends. After a moment, in case she only lost her connection, it becomes a recap.",
        user="member",
        channel="lives",
        act=Scene.live_ends,
    ),
    Step(
        name="recording",
        caption="Every minute of it was recorded: how many watched, what moved them, and who gave most.",
        user="member",
        channel="lives",
        act=Scene.recording_is_told,
        limit=40,
    ),
    Step(
        name="round",
        caption="On the game server a map is played, at 600 times the speed. Its rounds are posted with a chart.",
        user="member",
        channel="rounds",
        act=Scene.round_is_posted,
    ),
    Step(
        name="players",
        caption="A member asks for the best players of the season: /top players",
        user="member",
        channel="general",
        act=Scene.players_compared,
    ),
    Step(
        name="pages",
        caption="Long answers have pages, which only the one who asked can turn.",
        user="member",
        channel="general",
        act=Scene.page_turned,
    ),
    Step(
        name="prediction",
        caption="When is Rani usually live, and is she expected today? /predict account",
        user="member",
        channel="general",
        act=Scene.prediction_drawn,
    ),
    Step(
        name="profile",
        caption="What her colleague's posts have gained: /profile show",
        user="member",
        channel="general",
        act=Scene.profile_shown,
    ),
    Step(
        name="setup",
        caption="An admin sees what is set up, and tests it: /setup. Only the admin can read this answer.",
        user="admin",
        channel="admin",
        act=Scene.admin_is_heard,
    ),
    Step(
        name="member",
        caption="A member is not offered /setup, and does not see #admin at all.",
        user="member",
        channel="general",
        act=Scene.member_is_not,
    ),
)
FAREWELL: Final = (
    "That was the tour. Now it is yours: type / to use a command, or change the world on the right."
)


class Tour:
    """Plays `steps` once somebody looks; `held`: it goes on only when told to (`next`)."""

    def __init__(self, status: Status, steps: Sequence[Step] = STEPS) -> None:
        self._status = status
        self._steps = steps
        self._next = asyncio.Event()
        self.held = False

    def next(self) -> None:
        """Go on although the step could be read longer."""
        self._next.set()

    async def run(self, scene: Scene, online: asyncio.Event) -> None:
        """Begin when the bot is `online` and somebody looks."""
        await self._status.bus.heard.wait()
        await online.wait()
        for number, step in enumerate(self._steps, start=1):
            self._tell(number, step, EXPECTED, step.caption)
            problem = await self._play(step, scene)
            state = MISSING if problem else THERE
            self._tell(number, step, state, problem or step.caption, after=await scene.last_event())
            await self._stay()
        self._status.tour = False
        self._status.tell_tour(None, FAREWELL, state=THERE)

    async def _play(self, step: Step, scene: Scene) -> str:
        """Let the step happen; gives what to say if it did not."""
        try:
            async with asyncio.timeout(step.limit):
                await step.act(scene)
        except TimeoutError:
            return f"{step.caption} It has not come within {step.limit:.0f} seconds, so the tour goes on."
        except (*_IN_THE_WAY, NotThereError) as error:
            return f"{step.caption} This did not work: {error}"
        return ""

    async def _stay(self) -> None:
        """Give people time to read; nothing is waited for here."""
        self._next.clear()
        try:
            async with asyncio.timeout(None if self.held else READ_SECONDS):
                await self._next.wait()
        except TimeoutError:
            pass

    def _tell(self, number: int, step: Step, state: str, caption: str, **more: Any) -> None:
        self._status.tell_tour(
            number,
            caption,
            of=len(self._steps),
            name=step.name,
            state=state,
            channel=step.channel,
            user=step.user,
            **more,
        )
