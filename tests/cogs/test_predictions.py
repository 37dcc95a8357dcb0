"""`/predict` and `/live why`, as members and admins use them; what the services give is made up here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, get_args

import discord
import pytest

from bot.core.live.predictions import POLICIES, Choices, Override, SpecialEvent, Standing, Why
from bot.errors import NotAllowed, NothingThere
from bot.services.overrides import NAME_LENGTH
from bot.texts import text
from cogs.predictions import Compared, Planned, PredictionCommands
from tests import predicted
from tests.discord_room.room import Room

pytest_plugins = ("tests.discord_room.conftest",)


class Foretold:
    """Gives predictions as `bot.services.predictions` does; knows nobody but ana."""

    async def next(self, guild_id: int, hours: int = 24) -> Any:
        return predicted.next_lives(predicted.expected(), predicted.expected("ben", standing=Standing.LIVE))

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.ready.set()

    async def must_follow(self, guild_id: int, written: str) -> None:
        if written != "ana":
            raise NothingThere(text("`@{handle}` is not followed here.", handle=written))

    async def account(self, guild_id: int, written: str) -> Any:
        await self.must_follow(guild_id, written)
        await self.ready.wait()
        return predicted.account()

    async def plan(self, guild_id: int) -> Any:
        return predicted.plan()

    async def accuracy(self, guild_id: int, weeks: int = 8) -> Any:
        return predicted.accuracy()

    async def why(self, guild_id: int, written: str) -> Why:
        await self.account(guild_id, written)
        return Why(handle="ana", last=text("Last: as planned."), following=text("Next: soon."))


@dataclass
class Asked:
    """Takes what admins ask for as `bot.services.overrides` and `bot.services.boards` do."""

    calls: list[tuple[Any, ...]] = field(default_factory=list)

    async def choose_policy(self, by: Any, written: str, policy: str) -> Override:
        self.calls.append(("policy", written, policy))
        return Override(policy=policy)

    async def choose_default(self, by: Any, policy: str) -> None:
        if not by.is_owner:
            raise NotAllowed(text("Only the owner of this bot may do this."))
        self.calls.append(("default", policy))

    async def prioritise(self, by: Any, written: str, priority: float) -> Override:
        self.calls.append(("priority", written, priority))
        return Override(priority=priority)

    async def pin_interval(self, by: Any, written: str, interval: timedelta | None) -> Override:
        self.calls.append(("pin", written, interval))
        return Override(pinned=interval)

    async def boost(self, by: Any, written: str, hours: float) -> Override:
        self.calls.append(("boost", written, hours))
        end = predicted.NOW + timedelta(hours=hours)
        return Override(boosted_until=end, boosted_every=timedelta(minutes=15))

    async def freeze(self, by: Any, written: str, *, frozen: bool) -> Override:
        self.calls.append(("freeze", written, frozen))
        return Override(frozen=frozen)

    async def shadow(self, by: Any, policy: str) -> None:
        self.calls.append(("shadow", policy))

    async def shadow_report(self) -> None:
        return None

    async def choose_country(self, by: Any, country: str) -> None:
        self.calls.append(("country", country))

    async def choices(self, guild_id: int) -> Choices:
        country = self.calls[-1][1]
        return Choices(
            policy="probability", shadow="", country=country, daily_scores=False, board_channel_ids=()
        )

    async def tell_daily_scores(self, by: Any, *, on: bool) -> None:
        self.calls.append(("scores", on))

    async def add_event(self, by: Any, day: date, name: str, written: str = "") -> SpecialEvent:
        self.calls.append(("add", day, name, written))
        return SpecialEvent(id=3, day=day, name=name, handle=written)

    async def remove_event(self, by: Any, event_id: int) -> SpecialEvent:
        self.calls.append(("remove", event_id))
        return SpecialEvent(id=event_id, day=date(2026, 12, 31), name="Gala")

    async def events(self, guild_id: int) -> tuple[SpecialEvent, ...]:
        return (
            SpecialEvent(id=3, day=date(2026, 12, 31), name="Gala"),
            SpecialEvent(id=None, day=date(2026, 12, 25), name="Christmas Day"),
        )

    async def place(self, by: Any, channel_id: int) -> None:
        self.calls.append(("place", channel_id))

    async def remove(self, by: Any, channel_id: int) -> None:
        self.calls.append(("take down", channel_id))


@pytest.fixture
async def room(open_room: Callable[..., Any]) -> AsyncIterator[Room]:
    async with open_room("cogs.predictions", "cogs.monitoring", "cogs.admin") as room:
        room.world.tiktok.add("ana", 1)
        room.asked = Asked()
        cog = room.client.get_cog("PredictionCommands")
        cog._predictions, cog._overrides, cog._boards = Foretold(), room.asked, room.asked
        room.client.get_cog("Monitoring")._predictions = Foretold()
        yield room


async def said(room: Room, command: str, by: str = "admin", /, **options: Any) -> dict[str, Any]:
    return (await room.ask(room.server.run, command, options, user=by))["response"]


@pytest.mark.parametrize(
    ("name", "title", "kind"),
    [
        ("next", "Who is likely to go live", "LaneChart"),
        ("account", "Ana · what is expected", "ChartStack"),
        ("plan", "Today's checks", "ColumnChart"),
        ("accuracy", "How predictions come out", "ReliabilityChart"),
    ],
)
async def test_everybody_sees_what_is_expected_with_its_picture(
    room: Room, name: str, title: str, kind: str
) -> None:
    options = {"user": "ana"} if name == "account" else {}
    answer = await said(room, f"predict {name}", "member", **options)
    assert not answer["ephemeral"]
    (embed,) = answer["embeds"]
    assert embed["title"] == title
    assert embed["image"]["url"].split("?")[0].endswith("chart.png")
    assert [type(spec).__name__ for spec in room.painter.drawn] == [kind]


@pytest.mark.parametrize("name", ["next", "account", "plan", "accuracy"])
async def test_without_the_chart_process_the_answer_is_in_words(room: Room, name: str) -> None:
    room.painter.trouble = "no drawing today"
    answer = await said(room, f"predict {name}", **({"user": "ana"} if name == "account" else {}))
    (embed,) = answer["embeds"]
    assert "image" not in embed
    assert len(str(embed)) > 200


async def test_what_everybody_sees_is_in_the_language_of_the_server(room: Room) -> None:
    await room.command("setup", language="id", time_zone="Asia/Jakarta")
    (embed,) = (await said(room, "predict next"))["embeds"]
    assert embed["title"] == "Siapa yang kemungkinan akan live"
    (spec,) = room.painter.drawn
    assert spec.now_name == "sekarang"


async def test_discord_is_answered_before_what_takes_long_is_worked_out(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Discord gives up after three seconds; a rebuild of the plan, for which this waits, takes longer."""
    foretold = room.client.get_cog("PredictionCommands")._predictions
    foretold.ready.clear()
    defer = discord.InteractionResponse.defer

    async def deferred(response: discord.InteractionResponse[Any], **options: Any) -> None:
        await defer(response, **options)
        foretold.ready.set()

    monkeypatch.setattr(discord.InteractionResponse, "defer", deferred)
    async with asyncio.timeout(10):
        answer = await said(room, "predict account", "member", user="ana")
    assert answer["embeds"][0]["title"] == "Ana · what is expected"


async def test_somebody_who_is_not_followed_is_a_hint_for_one(room: Room) -> None:
    for name in ("predict account", "live why"):
        answer = await said(room, name, user="nobody")
        assert answer["ephemeral"]
        assert "is not followed" in answer["content"]


async def test_why_tells_the_last_and_the_next_check(room: Room) -> None:
    answer = await said(room, "live why", user="ana")
    assert answer["ephemeral"]
    assert answer["content"] == "`@ana`\nLast: as planned.\nNext: soon."


@pytest.mark.parametrize(
    ("name", "options", "call", "told"),
    [
        ("policy", {"policy": "fixed", "user": "ana"}, ("policy", "ana", "fixed"), "evenly spread (`fixed`)"),
        ("policy", {"policy": "default", "user": "ana"}, ("policy", "ana", ""), "like all others"),
        (
            "priority",
            {"user": "@Ana", "priority": 2.5},
            ("priority", "@Ana", 2.5),
            "`@ana` now:\n- priority: 2.5",
        ),
        ("pin", {"user": "ana", "minutes": 30}, ("pin", "ana", timedelta(minutes=30)), "every 30 min"),
        ("pin", {"user": "ana"}, ("pin", "ana", None), "like all others"),
        ("boost", {"user": "ana", "hours": 1.5}, ("boost", "ana", 1.5), "at least every 15 min"),
        ("boost", {"user": "ana"}, ("boost", "ana", 2.0), "at least every 15 min"),
        ("freeze", {"user": "ana"}, ("freeze", "ana", True), "no planned checks"),
        ("freeze", {"user": "ana", "frozen": False}, ("freeze", "ana", False), "like all others"),
        ("scores", {"on": True}, ("scores", True), "There is no channel for notices to admins yet"),
        ("scores", {"on": False}, ("scores", False), "No scores"),
        ("holidays", {"country": "ID"}, ("country", "ID"), "holidays of ID"),
        ("holidays", {}, ("country", ""), "No public holidays"),
        ("event remove", {"event": "3"}, ("remove", 3), "Removed: **2026-12-31** Gala · number 3"),
        (
            "event add",
            {"day": " 2026-12-31 ", "name": "Gala *night*", "user": "ana"},
            ("add", date(2026, 12, 31), "Gala *night*", "ana"),
            r"Gala \*night\* · `@ana` · number 3",
        ),
        (
            "event add",
            {"day": "2026-12-31", "name": "Gala"},
            ("add", date(2026, 12, 31), "Gala", ""),
            "Added:",
        ),
    ],
)
async def test_an_admin_changes_the_plan_and_is_told_in_private(
    room: Room, name: str, options: dict[str, Any], call: tuple[Any, ...], told: str
) -> None:
    answer = (await room.ask(room.server.run, f"predict {name}", options))["response"]
    assert answer["ephemeral"]
    assert told in answer["content"]
    assert room.asked.calls == [call]


async def test_who_switches_the_scores_on_is_told_where_they_are_posted(room: Room) -> None:
    channel = await room.channel()
    await room.command("setup", admin=str(channel))
    answer = await said(room, "predict scores", on=True)
    assert answer["content"] == f"The score of each day is posted into <#{channel}> from now on."


async def test_only_the_owner_plans_all_accounts_anew(room: Room) -> None:
    answer = await said(room, "predict policy", policy="roadmap")
    assert "owner" in answer["content"]
    assert room.asked.calls == []
    room.services.settings.owner_id = int(room.server.facts["users"]["admin"])
    answer = await said(room, "predict policy", policy="roadmap")
    assert "All accounts are planned by `roadmap` now." in answer["content"]
    assert room.asked.calls == [("default", "roadmap")]


async def test_the_shadow_is_chosen_switched_off_and_read(room: Room) -> None:
    for options in ({"policy": "roadmap"}, {"policy": "off"}, {}):
        answer = await said(room, "predict shadow", **options)
        assert answer["ephemeral"]
        assert "Shadow mode is off" in answer["embeds"][0]["description"]
    assert room.asked.calls == [("shadow", "roadmap"), ("shadow", "")]


async def test_a_board_comes_into_the_channel_that_was_named_or_this_one(room: Room) -> None:
    channel, here = await room.channel(), int(room.server.facts["channels"]["general"])
    await said(room, "predict board", channel=str(channel))
    await said(room, "predict board")
    await said(room, "predict board", channel=str(channel), remove=True)
    assert room.asked.calls == [("place", channel), ("place", here), ("take down", channel)]


async def test_a_board_where_the_bot_may_not_post_is_warned_about(room: Room) -> None:
    channel = await room.channel()
    await room.ask(room.server.control, "POST", f"channels/{channel}/deny", {"permissions": ["embed_links"]})
    me = room.client.get_guild(room.guild_id).me
    await room.until(lambda: not room.client.get_channel(channel).permissions_for(me).embed_links)
    answer = await said(room, "predict board", channel=str(channel))
    assert "I lack Embed Links" in answer["content"]


@pytest.mark.parametrize("day", ["tomorrow", "31.12.2026", "2026-02-30"])
async def test_a_day_that_is_none_is_refused_with_an_example(room: Room, day: str) -> None:
    answer = await said(room, "predict event add", day=day, name="Gala")
    assert "2026-12-31" in answer["content"]
    assert room.asked.calls == []


@pytest.mark.parametrize("number", ["9" * 4400, "9" * 30, "-3", "²", "gala"])
async def test_a_number_that_is_none_is_refused_with_a_hint(room: Room, number: str) -> None:
    answer = await said(room, "predict event remove", event=number)
    assert answer["content"] == "Choose one of the suggestions, or its number in `/predict event list`."
    assert room.asked.calls == []


def test_a_day_may_be_named_as_long_as_its_field_takes() -> None:
    (name,) = [field for field in PredictionCommands.add_event.parameters if field.name == "name"]
    assert name.max_value == NAME_LENGTH


async def test_special_days_are_listed_and_those_an_admin_added_are_suggested(room: Room) -> None:
    (embed,) = (await said(room, "predict event list"))["embeds"]
    assert "**2026-12-31** Gala · number 3" in embed["description"]
    assert "Christmas Day · public holiday" in embed["description"]
    order = {"user": "admin", "channel": "general", "name": "predict event remove", "focused": "event"}
    for typed, expected in (("gala", ["3"]), ("christ", [])):
        order["options"] = {"event": typed}
        made = await room.ask(room.server.control, "POST", "autocomplete", order)
        answer = await room.ask(room.server.answer, made["interaction_id"])
        assert [choice["value"] for choice in answer["choices"]] == expected


async def test_members_change_nothing(room: Room) -> None:
    answer = await said(room, "predict freeze", "member", user="ana")
    assert answer["ephemeral"]
    assert "Manage Server" in answer["content"]
    assert room.asked.calls == []


def test_the_policies_to_choose_from_are_those_there_are() -> None:
    assert get_args(Planned) == (*POLICIES, "default")
    assert get_args(Compared) == (*POLICIES, "off")
