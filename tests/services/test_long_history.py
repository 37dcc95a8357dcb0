"""What goes through years of rounds leaves the event loop its turns: it is worked off beside it, or in parts."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime

import pytest

from bot.services import beside, milestones, players, round_book, round_rebuild
from bot.services.milestones import Milestones
from bot.services.players import Players
from bot.services.round_book import RoundBook
from bot.storage import resolved_rounds
from tests.services.round_world import BY, FIRST, GUILD, LATER, SECOND, RoundWorld

ALPHA = ("alpha",)


@pytest.fixture
async def world(database, reference_data):
    world = RoundWorld(database, reference_data / "etlegacy", at=datetime(2025, 10, 26, 17, 0, tzinfo=UTC))
    await world.join(GUILD, None)
    await world.start_watching()
    world.drop(FIRST, SECOND, LATER)
    await world.run_for(5)
    return world


async def tell_a_map(world):
    await RoundBook(database=world.database, clock=world.clock).map(ALPHA, "supply")


async def tell_a_player(world):
    services = Players(
        database=world.database,
        servers_of=world.sync.servers_of,
        announcements=world.announcements,
        clock=world.clock,
    )
    (one, *_) = await services.suggest(BY, "")
    await services.card(BY, one)
    await services.proposals(BY, one.name)


async def make_anew(world):
    await world.sync.rebuild.reimport("alpha", FIRST, world.clock.now())


async def claim(world):
    own = Milestones(servers=world.servers, news_for=world.clock.now() - datetime.min.replace(tzinfo=UTC))
    await own.claim_rest(world.database, "alpha", world.clock.now())


@pytest.mark.parametrize(
    ("asked", "room", "work"),
    [
        (tell_a_map, round_book, "map_message"),
        (tell_a_player, players, "own_evenings"),
        (tell_a_player, players, "alike"),
        (make_anew, round_rebuild, "groups"),
        (claim, milestones, "decide"),
    ],
)
async def test_work_on_all_there_is_does_not_hold_up_the_event_loop(world, monkeypatch, asked, room, work):
    monkeypatch.setattr(beside, "MANY", 0)
    threads = set()
    real = getattr(room, work)

    def seen(*args, **kwargs):
        threads.add(threading.current_thread())
        return real(*args, **kwargs)

    monkeypatch.setattr(room, work, seen)
    await asked(world)
    assert threads
    assert threading.current_thread() not in threads


async def test_rounds_are_read_in_parts_between_which_others_get_their_turn(world, monkeypatch):
    monkeypatch.setattr(resolved_rounds, "AT_ONCE", 1)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)  # noqa: TID251 - a turn of the loop is what is counted

    counting = asyncio.create_task(others())
    made = []
    real = resolved_rounds._kept

    def seen(*args):
        made.append(turns)
        return real(*args)

    monkeypatch.setattr(resolved_rounds, "_kept", seen)
    async with world.database.read() as conn:
        await resolved_rounds.read_rounds(conn, ALPHA)
    counting.cancel()
    assert len(set(made)) == len(made) == 3
