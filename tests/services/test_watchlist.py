"""What an admin is told when following accounts, and what is refused."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import update

from bot.core.announcements import Message, Tone
from bot.core.live.models import Answer, ProfileState
from bot.core.requester import Requester
from bot.errors import InputRefused, LimitReached, NothingThere, SourceUnavailable
from bot.jobs.loops import Loop, keep_running
from bot.services.announcements import Announcements
from bot.services.stream_telling import recap_key
from bot.storage import live as store
from bot.storage import outbox as outbox_room
from bot.storage.engine import Database
from bot.storage.tables import outbox
from tests.clocks import ManualClock
from tests.services.live_world import ADMIN, BY, CHANNEL, ROLE, LiveWorld

OWNER = Requester(guild_id=BY.guild_id, user_id=1, is_owner=True)


@pytest.fixture
def world(database: Database, clock: ManualClock) -> LiveWorld:
    world = LiveWorld(database, clock)
    world.tiktok.add("ana", 1)
    return world


async def test_what_does_not_exist_is_private_or_was_never_live_is_told_apart(world: LiveWorld) -> None:
    world.tiktok.add("shy", 2, state=ProfileState.PRIVATE)
    world.tiktok.add("new", 3, never_live=True)
    with pytest.raises(InputRefused, match="knows no account"):
        await world.watchlist.add(BY, "nobody", CHANNEL, None)
    with pytest.raises(InputRefused, match="private"):
        await world.watchlist.add(BY, "shy", CHANNEL, None)
    assert (await world.watchlist.add(BY, "new", CHANNEL, None)).state is ProfileState.NEVER_LIVE
    added = await world.watchlist.add(BY, "ana", CHANNEL, None)
    assert (added.state, added.is_new, added.doubt) == (ProfileState.ACTIVE, True, "")
    assert added.check is not None
    assert added.check.answer is Answer.OFFLINE


async def test_an_account_is_followed_also_while_tiktok_cannot_be_asked(world: LiveWorld) -> None:
    world.tiktok.trouble = SourceUnavailable("HTTP 429", blocked=True)
    added = await world.watchlist.add(BY, "ana", CHANNEL, None)
    assert added.doubt == "HTTP 429"
    assert added.check is None
    assert [entry.handle for entry in await world.watchlist.entries(BY.guild_id)] == ["ana"]


async def test_adding_again_changes_the_role_and_says_so(world: LiveWorld) -> None:
    await world.watchlist.add(BY, "ana", CHANNEL, None)
    again = await world.watchlist.add(BY, "@ANA", CHANNEL, ROLE)
    assert not again.is_new
    assert [entry.role_id for entry in await world.watchlist.entries(BY.guild_id)] == [ROLE]


async def test_the_guilds_cap_holds_but_not_for_the_owner(world: LiveWorld) -> None:
    for number in range(25):
        world.tiktok.add(f"user{number}", 100 + number)
        await world.watchlist.add(BY, f"user{number}", CHANNEL, None)
    with pytest.raises(LimitReached, match="25 accounts"):
        await world.watchlist.add(BY, "ana", CHANNEL, None)
    await world.watchlist.add(BY, "user3", CHANNEL + 1, None)
    assert (await world.watchlist.add(OWNER, "ana", CHANNEL, None)).is_new


async def test_removing_ends_the_announcements_and_keeps_what_was_recorded(world: LiveWorld) -> None:
    await world.watchlist.add(BY, "ana", CHANNEL, None)
    await world.watchlist.add(BY, "ana", CHANNEL + 1, None)
    assert await world.watchlist.remove(BY, "ana", CHANNEL) == 1
    assert await world.watchlist.remove(BY, "@ana", None) == 1
    assert await world.watchlist.entries(BY.guild_id) == ()
    with pytest.raises(NothingThere, match="ana"):
        await world.watchlist.remove(BY, "ana", None)
    again = await world.watchlist.add(BY, "ana", CHANNEL, None)
    assert again.is_new


async def test_a_live_that_is_on_is_summed_up_even_after_its_account_was_removed(world: LiveWorld) -> None:
    world.tiktok.go_live("ana")
    await world.watchlist.add(BY, "ana", CHANNEL, None)
    async with world.database.write("test.posted") as conn:
        posted = {
            "state": "delivered",
            "delivered_revision": 1,
            "message_id": 5,
            "first_tried_at": world.clock.now(),
        }
        await conn.execute(update(outbox).values(**posted))
    await world.watchlist.remove(BY, "ana", None)
    world.tiktok.end("ana")
    await world.run_for(world.monitor.rules.sweep_every * 3)
    (message,) = await world.messages()
    assert message["message"]["title"] == "Ana was live"


async def test_a_post_that_waits_is_withdrawn_when_its_account_is_removed(world: LiveWorld) -> None:
    world.tiktok.go_live("ana")
    await world.watchlist.add(BY, "ana", CHANNEL, ROLE)
    await world.watchlist.remove(BY, "ana", None)
    assert await Announcements(world.database, world.clock).due() == ()


async def test_a_summary_and_a_recap_that_wait_are_withdrawn_when_their_account_is_removed(
    world: LiveWorld,
) -> None:
    world.tiktok.go_live("ana")
    await world.watchlist.add(BY, "ana", CHANNEL, None)
    world.tiktok.end("ana")
    await world.run_for(world.monitor.rules.sweep_every * 3)
    async with world.database.write("test.recap") as conn:
        last = await store.last_live(conn, 1)
        assert last is not None
        await outbox_room.put(
            conn,
            event_key=recap_key(last[0]),
            guild_id=BY.guild_id,
            channel_id=CHANNEL,
            message=Message(title="Recap", tone=Tone.ENDED),
            now=world.clock.now(),
        )
    assert [row["event_key"] for row in await world.messages()] == ["live:1", "recap:1"]
    await world.watchlist.remove(BY, "ana", None)
    assert await Announcements(world.database, world.clock).due() == ()


async def test_adding_looks_at_once_and_pays_from_the_followup_budget_while_the_loops_run(
    world: LiveWorld,
) -> None:
    work = Loop(name="checks", step=world.monitor.check_step, wake=world.monitor.checks_changed)
    running = asyncio.create_task(keep_running(work, world.clock))
    await world.clock.asleep()
    added = await world.watchlist.add(BY, "ana", CHANNEL, None)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert added.check is not None
    assert await world.ledger("discovery") == []


async def test_a_renamed_person_is_added_under_the_new_handle(world: LiveWorld) -> None:
    await world.watchlist.add(BY, "ana", CHANNEL, None)
    world.tiktok.people[0].handle = "ana.new"
    world.tiktok.go_live("ana.new")
    added = await world.watchlist.add(BY, "ana.new", CHANNEL + 1, None)
    assert added.handle == "ana.new"
    assert added.check is not None
    assert added.check.answer is Answer.LIVE
    assert {entry.handle for entry in await world.watchlist.entries(BY.guild_id)} == {"ana.new"}


async def test_several_adds_at_once_do_not_pass_the_cap(world: LiveWorld) -> None:
    world.watchlist._accounts_per_guild = 2
    handles = [f"user{number}" for number in range(5)]
    for number, handle in enumerate(handles):
        world.tiktok.add(handle, 100 + number)
    adds = (world.watchlist.add(BY, handle, CHANNEL, None) for handle in handles)
    results = await asyncio.gather(*adds, return_exceptions=True)
    assert sum(isinstance(result, LimitReached) for result in results) == 3
    assert len(await world.watchlist.entries(BY.guild_id)) == 2


async def test_a_channel_that_resumes_in_the_middle_of_a_live_hears_of_it(world: LiveWorld) -> None:
    other = Requester(guild_id=2, user_id=ADMIN)
    await world.watchlist.add(BY, "ana", CHANNEL, None)
    await world.watchlist.add(other, "ana", 200, None)
    await world.watchlist.pause(other, "ana", paused=True)
    world.tiktok.go_live("ana")
    await world.watchlist.check_now(BY, "ana")
    assert [row["channel_id"] for row in await world.messages()] == [CHANNEL]
    await world.watchlist.pause(other, "ana", paused=False)
    assert [row["channel_id"] for row in await world.messages()] == [CHANNEL, 200]


async def test_a_channel_added_while_tiktok_cannot_be_asked_hears_of_a_live_that_is_known(
    world: LiveWorld,
) -> None:
    world.tiktok.go_live("ana")
    await world.watchlist.add(BY, "ana", CHANNEL, None)
    world.tiktok.trouble = SourceUnavailable("down")
    await world.watchlist.add(Requester(guild_id=2, user_id=ADMIN), "ana", 200, None)
    assert [row["channel_id"] for row in await world.messages()] == [CHANNEL, 200]


async def test_a_second_guild_hears_of_a_live_that_is_already_on(world: LiveWorld) -> None:
    other = Requester(guild_id=2, user_id=ADMIN + 1)
    world.tiktok.go_live("ana")
    await world.watchlist.add(BY, "ana", CHANNEL, ROLE)
    await world.watchlist.add(other, "ana", 200, None)
    first, second = await world.messages()
    assert (first["channel_id"], second["channel_id"], second["guild_id"]) == (CHANNEL, 200, 2)
    assert first["event_key"] == second["event_key"]


async def test_suggestions_come_from_the_guilds_own_list(world: LiveWorld) -> None:
    world.tiktok.add("banana", 2)
    for handle in ("ana", "banana"):
        await world.watchlist.add(BY, handle, CHANNEL, None)
    assert await world.watchlist.handles(BY.guild_id, "@An") == ("ana", "banana")
    assert await world.watchlist.handles(BY.guild_id, "ban") == ("banana",)
    assert await world.watchlist.handles(2, "") == ()
