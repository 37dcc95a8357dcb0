"""What people read of predictions is true: also where little is known, much is asked, or something fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, event, update
from sqlalchemy.engine import Engine

from bot.core.live.boards import board_message
from bot.core.live.planner import Policy
from bot.core.live.prediction_posts import next_message, plan_message
from bot.core.live.predictions import Recommendation, Standing
from bot.core.markup import stamp
from bot.services import predictions as predictions_service
from bot.services.live_health import SOURCE
from bot.storage import predictions as table
from bot.storage import sources
from bot.storage.engine import Database
from bot.storage.predictions import Prediction
from bot.storage.tables import accounts, predictions, requests
from tests.clocks import ManualClock
from tests.services.live_world import BY, GUILD
from tests.services.oracle import HOUR, MINUTE, Oracle, facts


@pytest.fixture
async def world(database: Database, clock: ManualClock) -> Oracle:
    return Oracle(database, clock)


async def test_a_model_that_plans_but_foretells_nothing_is_told(world: Oracle) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("nothing learned")

    await world.follow("ana")
    world.monitor.planning.policy.working("probability").forecast = broken
    told = facts(next_message(await world.predictions.next(GUILD)))
    assert told["Trouble"] == "⚠️ There is no forecast: it fails (ZeroDivisionError\\: nothing learned)."


async def test_of_whom_nothing_is_known_no_chance_is_told(world: Oracle) -> None:
    """A paused account, and one followed since the last plan, are not unlikely: nobody knows."""
    await world.follow("ana", "bea", "cid")
    await world.monitor.replan_step()
    await world.watchlist.pause(BY, "ana", paused=True)
    await world.monitor.replan_step()
    world.monitor.planning._known.discard(2)  # as before the first plan
    following = await world.predictions.next(GUILD)
    assert [(one.handle, one.standing) for one in following.accounts] == [
        ("cid", Standing.UNLIKELY),
        ("bea", Standing.UNKNOWN),
        ("ana", Standing.PAUSED),
    ]
    message = next_message(following)
    assert message.body.splitlines()[1:] == ["❔ **Bea** no forecast yet", "⏸️ **Ana** is paused"]
    body = board_message(await world.predictions.board(GUILD)).body
    assert "❔ No forecast yet: **Bea**" in body
    assert "⏸️ Paused: **Ana**" in body
    assert (await world.predictions.account(GUILD, "ana")).heat is None
    assert (await world.predictions.account(GUILD, "bea")).factors is None


async def put_due(world: Oracle, ago: timedelta) -> None:
    async with world.database.write("test.due") as conn:
        await conn.execute(update(accounts).values(next_check_at=world.clock.now() - ago))


async def told_checks(world: Oracle) -> set[tuple[datetime | None, str]]:
    """When each reading says that ana is checked next, and why."""
    (following,) = (await world.predictions.next(GUILD)).accounts
    account = (await world.predictions.account(GUILD, "ana")).expected
    return {(one.next_check_at, str(one.reason)) for one in (following, account)}


async def test_a_check_that_waits_for_the_budget_is_not_promised_for_the_past(world: Oracle) -> None:
    await world.follow("ana")
    await put_due(world, 2 * HOUR)
    now = world.clock.now()
    spent = [{"ledger": "discovery", "purpose": "check", "asked_at": now - HOUR} for _ in range(120)]
    async with world.database.write("test.spent") as conn:
        await conn.execute(requests.insert(), spent)
    ((at, reason),) = await told_checks(world)
    assert at == now + 23 * HOUR
    assert reason.endswith("; waits for the budget, not before then")
    following = str((await world.predictions.why(GUILD, "ana")).following)
    assert following == f"Next look {stamp(at)}: {reason}."
    assert [entry.next_check_at for entry in await world.watchlist.entries(GUILD)] == [at]


async def test_a_check_that_waits_for_a_block_to_end_says_so(world: Oracle) -> None:
    await world.follow("ana")
    await put_due(world, 2 * HOUR)
    until = world.clock.now() + 4 * HOUR
    async with world.database.write("test.blocked") as conn:
        await sources.record_failure(conn, SOURCE, "no", world.clock.now(), until, blocked=True)
    ((at, reason),) = await told_checks(world)
    assert at == until
    assert reason.endswith("; TikTok blocks us or is out of reach until then")
    assert stamp(until) in str((await world.predictions.why(GUILD, "ana")).following)


async def test_a_check_that_is_due_comes_now_and_a_planned_one_as_planned(world: Oracle) -> None:
    await world.follow("ana")
    now = world.clock.now()
    for ago, at in ((MINUTE, now), (-HOUR, now + HOUR)):
        await put_due(world, ago)
        assert {when for when, _ in await told_checks(world)} == {at}


async def test_who_asks_for_an_account_waits_for_one_turn_of_the_policy(world: Oracle) -> None:
    """A rebuild or another's long question may come before each turn."""
    await world.follow("ana")
    planning, turns = world.monitor.planning, []
    compute = planning.compute

    async def counted(work: Callable[[Policy], object]) -> object:
        turns.append(work)
        return await compute(work)

    planning.compute = counted
    assert (await world.predictions.account(GUILD, "ana")).heat is not None
    assert len(turns) == 1


async def test_for_too_many_accounts_the_day_is_not_worked_out_and_not_said_to_be_empty(
    world: Oracle, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.follow("ana", "bea")
    await world.monitor.replan_step()

    def never(*_: object) -> None:
        raise AssertionError("worked out and thrown away")

    monkeypatch.setattr(predictions_service, "MOST_PROJECTED", 1)
    monkeypatch.setattr(predictions_service, "project", never)
    message = plan_message(await world.predictions.plan(GUILD))
    assert facts(message)["Rest of the day"] == "not worked out for more than 1 account"
    assert message.chart.series[-1].name == "planned (?)"


async def test_a_day_that_is_not_planned_yet_is_not_said_to_be_empty(world: Oracle) -> None:
    await world.follow("ana", "bea")
    world.monitor.planning._known.discard(2)  # as before the first plan
    told = facts(plan_message(await world.predictions.plan(GUILD)))
    assert told["Rest of the day"] == "not worked out yet: not every account has a plan"


async def saved(world: Oracle) -> str:
    return facts(board_message(await world.predictions.board(GUILD)))["Requests in 24 hours"]


async def foretold(world: Oracle, account_id: int, hours: range) -> None:
    """Let an account have been followed in these hours, counted back from now."""
    hour = world.clock.now().replace(minute=0, second=0, microsecond=0)
    one = Prediction(
        account_id=account_id,
        hour=hour,
        policy="probability",
        probability=0.1,
        live=0.1,
        confidence=0.5,
        recommendation=Recommendation.REST,
    )
    async with world.database.write("test.foretold") as conn:
        await table.store(conn, [replace(one, hour=hour - number * HOUR) for number in hours])


async def test_a_new_bot_does_not_boast_of_requests_saved(world: Oracle) -> None:
    """Not after its first finds, nor within its first day: what checks evenly spread need is not known yet."""
    await world.follow("ana")
    await world.had_lives(1, 5)
    await foretold(world, 1, range(1, 49))
    assert await saved(world) == "not known yet"
    await world.had_lives(1, 10)
    assert await saved(world) != "not known yet"
    await world.follow("bea")
    async with world.database.write("test.new") as conn:
        await conn.execute(delete(predictions))
    await foretold(world, 1, range(1, 20))
    assert await saved(world) == "not known yet"


async def test_hours_in_which_the_bot_was_off_save_no_requests(world: Oracle) -> None:
    """One check each 90 minutes finds lives of 90 minutes: 16 in a day, 4 in the 6 hours the bot was on."""
    await world.follow("ana")
    await world.had_lives(1, 20, hour=22)
    used = (await world.predictions.board(GUILD)).discovery.used
    assert used == 1
    await foretold(world, 1, range(1, 25))
    await foretold(world, 1, range(25, 26))
    assert await saved(world) == f"{100 - 100 * used / 16:.0f}% saved"
    async with world.database.write("test.off") as conn:
        newest = world.clock.now() - 18 * HOUR
        await conn.execute(delete(predictions).where(predictions.c.hour >= newest))
    assert await saved(world) == f"{100 - 100 * used / 4:.0f}% saved"


async def boards_put(world: Oracle) -> set[int]:
    return {row["channel_id"] for row in await world.messages() if row["event_key"].startswith("board:")}


async def test_a_board_that_cannot_be_drawn_up_keeps_no_other_from_it(
    world: Oracle, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    other = replace(BY, guild_id=GUILD + 1)
    await world.boards.place(BY, 900)
    await world.boards.place(other, 901)
    board = world.predictions.board

    async def broken(guild_id: int) -> object:
        if guild_id == GUILD:
            raise KeyError("gone")
        return await board(guild_id)

    monkeypatch.setattr(world.predictions, "board", broken)
    again = await world.boards.step()
    assert again == world.clock.now() + 10 * MINUTE
    assert await boards_put(world) == {901}
    world.wait(10 * MINUTE)
    await world.boards.step()
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [KeyError]
    monkeypatch.undo()
    await world.boards.step()
    assert await boards_put(world) == {900, 901}


async def test_a_name_that_changes_while_the_board_is_drawn_up_keeps_nobody_from_it(
    world: Oracle, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.follow("ana")
    world.tiktok.go_live("ana")
    await world.watchlist.check_now(BY, "ana")
    upcoming = world.predictions.next

    async def renamed(guild_id: int) -> object:
        found = await upcoming(guild_id)
        async with world.database.write("test.renamed") as conn:
            await conn.execute(update(accounts).values(handle="anna"))
        return found

    monkeypatch.setattr(world.predictions, "next", renamed)
    assert "is live" in board_message(await world.predictions.board(GUILD)).body


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    """Note every statement that goes to a database."""
    made: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        made.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield made
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def test_many_accounts_are_read_in_as_many_statements_as_one(world: Oracle) -> None:
    """A server may follow hundreds, and its boards are drawn up every ten minutes."""
    took = []
    for handles in (("ana",), ("bea", "cid", "dora", "ed", "finn")):
        await world.follow(*handles)
        await world.watchlist.pause(BY, handles[-1], paused=len(handles) > 1)
        await world.monitor.replan_step()
        with counted_statements() as made:
            following = await world.predictions.next(GUILD)
        took.append(len(made))
    assert [one.standing is Standing.PAUSED for one in following.accounts] == [False] * 5 + [True]
    assert took[0] == took[1] > 0
