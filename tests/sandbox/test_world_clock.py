"""The world's clock, and the stand-ins that live by it."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.discordserver import DiscordServer
from tests.gameserver import GameServer
from tests.samplebot import running_bot
from tests.standins import running, until
from tools.sandbox.clock import FASTEST, WorldClock

BEGINS = datetime(2031, 10, 4, 12, tzinfo=UTC).timestamp()
"""Years after any machine's time."""
A_DAY, DISCORD_EPOCH = 86_400, 1_420_070_400


@pytest.fixture
def file(tmp_path):
    WorldClock(tmp_path / "clock.json").set(instant=BEGINS, speed=1)
    return tmp_path / "clock.json"


def is_of_the_world(unix):
    return BEGINS <= unix < BEGINS + A_DAY


def sent_at(snowflake):
    return (int(snowflake) >> 22) / 1000 + DISCORD_EPOCH


def test_without_a_file_it_is_the_machines_time(tmp_path):
    for clock in (WorldClock(None), WorldClock(tmp_path / "none yet")):
        assert clock.unix() == pytest.approx(time.time(), abs=5)  # noqa: TID251
        assert clock.speed == 1


def test_a_change_of_speed_moves_no_instant_and_wakes_who_sleeps(file):
    clock = WorldClock(file)
    clock.set(instant=BEGINS)

    async def sleep_an_hour():
        sleeper = asyncio.ensure_future(WorldClock(file).sleep(3600))
        await asyncio.sleep(0)  # noqa: TID251 - it looks how long it has to wait
        assert clock.set(speed=FASTEST).instant == pytest.approx(BEGINS, abs=30)
        clock.set(instant=BEGINS + 3600)
        await asyncio.wait_for(sleeper, 5)

    asyncio.run(sleep_an_hour())


def once_refused(monkeypatch, name):
    """Let the next call of a `Path`'s method fail as on Windows, where a file that is open cannot be replaced."""
    does = getattr(Path, name)

    def refuse(*_, **__):
        monkeypatch.setattr(Path, name, does)
        raise PermissionError(13, "it is used by another process")

    monkeypatch.setattr(Path, name, refuse)


def test_a_clock_that_is_being_read_is_set_all_the_same(file, monkeypatch):
    once_refused(monkeypatch, "replace")
    WorldClock(file).set(speed=FASTEST)
    assert WorldClock(file).speed == FASTEST


def test_who_cannot_read_the_clock_just_now_goes_on_as_before(file, monkeypatch):
    clock = WorldClock(file)
    assert clock.speed == 1
    WorldClock(file).set(speed=FASTEST)
    once_refused(monkeypatch, "read_text")
    until(lambda: clock.speed == FASTEST)


@pytest.mark.parametrize("speed", [0, 0.5, 601, float("nan")])
def test_a_speed_that_is_none_is_refused(file, speed):
    with pytest.raises(ValueError, match="the speed must be from 1 to 600"):
        WorldClock(file).set(speed=speed)


def test_the_stand_ins_live_in_the_time_of_the_world(file):
    option = ("--clock", str(file))
    with ExitStack() as stack:
        tiktok, paid, game, discord = (
            stack.enter_context(running(name, *option))
            for name in ("tiktok", "scrapecreators", "gameserver", "discord")
        )
        tiktok.control("POST", "accounts", {"handle": "anna"})
        assert is_of_the_world(tiktok.control("POST", "accounts/anna/live")["started_at"])
        paid.control("POST", "accounts", {"handle": "anna"})
        for one in (tiktok, paid):
            assert is_of_the_world(one.control("POST", "accounts/anna/posts", {})["created_at"])

        GameServer(game.facts).write("round.json", b"{}")
        (listed,) = game.control("GET", "files")
        assert is_of_the_world(listed["mtime"])

        order = {"user": "member", "channel": "general", "content": "hello"}
        said = discord.control("POST", "messages", order)
        assert is_of_the_world(datetime.fromisoformat(said["timestamp"]).timestamp())
        assert is_of_the_world(sent_at(said["id"]))


def test_deadlines_and_nonces_are_the_machines_however_fast_the_world_is(file):
    WorldClock(file).set(speed=FASTEST)
    with running("discord", "--clock", str(file)) as one:
        server = DiscordServer(one.facts)
        with running_bot(server) as bot:
            bot.wait_for("ready")
            answer = server.run("live add", {"user": "someone", "channel": "lives"})
            assert answer["state"] == "answered"
            assert 0 < answer["ack_ms"] < 3000
            order = {"channel": int(server.facts["channels"]["lives"]), "content": "once", "nonce": "n1"}
            first = bot.do("post", **order)
            WorldClock(file).set(instant=BEGINS + A_DAY)
            until(
                lambda: (
                    sent_at(server.command("live add", {"user": "x", "channel": "lives"})) > BEGINS + A_DAY
                )
            )
            assert bot.do("post", **order) == first
