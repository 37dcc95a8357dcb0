"""What an admin is told when following accounts, and what is refused."""

from __future__ import annotations

import pytest

from bot.core.live.models import Answer, ProfileState
from bot.core.requester import Requester
from bot.errors import InputRefused, LimitReached, NothingThere, SourceUnavailable
from bot.storage.engine import Database
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
    await world.watchlist.remove(BY, "ana", None)
    world.tiktok.end("ana")
    await world.run_for(world.monitor._rules.sweep_every * 3)
    (message,) = await world.messages()
    assert message["message"]["title"] == "Ana was live"


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
