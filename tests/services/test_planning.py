"""The plan of checks is in step with the database, whatever happens to the transactions around it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import select, update

from bot.core.live.history import Ended, Followed, Forgotten, Found, Missed
from bot.core.live.models import Answer, Observation
from bot.core.live.planner import Allowance, CheckPlan, EvenlySpread, Watched
from bot.core.live.policies import Policies
from bot.errors import StorageError
from bot.services.health import Health
from bot.settings import load_settings
from bot.storage import history
from bot.storage.engine import Database
from bot.storage.tables import accounts, lives, requests
from tests.clocks import ManualClock
from tests.machines import machine_of
from tests.services.live_world import BY, CHANNEL, LiveWorld

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Pupil(EvenlySpread):
    """Spreads evenly and remembers what it learned and what it was asked to plan."""

    def __init__(self) -> None:
        super().__init__()
        self.learned: list[object] = []
        self.planned: list[tuple[int, ...]] = []
        self.planned_one: list[int] = []
        self.fails = self.fails_for_one = False

    def learn(self, event: object) -> None:
        self.learned.append(event)

    def plan(self, now: datetime, watched: list[Watched], allowance: Allowance) -> list[CheckPlan]:
        if self.fails:
            raise ArithmeticError("no plan today")
        self.planned.append(tuple(one.account_id for one in watched))
        return super().plan(now, watched, allowance)

    def plan_one(self, now: datetime, account: Watched, allowance: Allowance) -> CheckPlan | None:
        self.planned_one.append(account.account_id)
        if self.fails_for_one:
            raise ArithmeticError(f"no plan for account {len(self.planned_one)}")
        return super().plan_one(now, account, allowance)

    def of(self, kind: type) -> list[object]:
        return [event for event in self.learned if isinstance(event, kind)]


@pytest.fixture
async def world(database: Database, clock: ManualClock) -> LiveWorld:
    world = LiveWorld(database, clock, policy=Pupil())
    for number, handle in enumerate(("ana", "bea", "cid"), start=1):
        world.tiktok.add(handle, number)
        await world.watchlist.add(BY, handle, CHANNEL, None)
    return world


def pupil(world: LiveWorld) -> Pupil:
    return world.monitor.planning.policy


async def next_checks(world: LiveWorld) -> dict[str, datetime]:
    async with world.database.read() as conn:
        rows = (await conn.execute(select(accounts.c.handle, accounts.c.next_check_at))).all()
    return dict(rows)


async def due_now(world: LiveWorld, handle: str) -> None:
    async with world.database.write("test.due") as conn:
        now = world.clock.now()
        await conn.execute(
            update(accounts).where(accounts.c.handle == handle).values(next_check_at=now - HOUR)
        )


async def stored_events(world: LiveWorld) -> list[object]:
    now = world.clock.now()
    async with world.database.read() as conn:
        ids = list((await conn.execute(select(accounts.c.id).order_by(accounts.c.id))).scalars())
        return await history.events_of(conn, ids, now - 100 * DAY, now)


async def test_an_answer_is_learned_and_only_its_account_planned_anew(world: LiveWorld) -> None:
    world.clock.advance(HOUR.total_seconds())
    before, seen = await next_checks(world), len(pupil(world).learned)
    whole = len(pupil(world).planned)
    await due_now(world, "bea")
    await world.monitor.check_step()
    assert pupil(world).learned[seen:] == [Missed(account_id=2, at=world.clock.now())]
    assert pupil(world).planned_one[-1] == 2
    assert len(pupil(world).planned) == whole
    after = await next_checks(world)
    assert {handle for handle in after if after[handle] != before[handle]} == {"bea"}
    assert after["bea"] > world.clock.now()


async def test_a_live_teaches_its_true_start_its_end_and_the_offline_answers_after_it(
    world: LiveWorld,
) -> None:
    world.tiktok.go_live("ana", ago=40 * MINUTE)
    found_at, started_at = world.clock.now(), world.clock.now() - 40 * MINUTE
    await due_now(world, "ana")
    await world.monitor.check_step()
    assert pupil(world).learned[-1] == Found(account_id=1, started_at=started_at, found_at=found_at)
    await world.run_for(30 * MINUTE)
    world.tiktok.end("ana")
    await world.run_for(30 * MINUTE)
    (ended,) = pupil(world).of(Ended)
    assert (ended.account_id, ended.started_at) == (1, started_at)
    assert found_at <= ended.ended_at <= world.clock.now()
    assert isinstance(pupil(world).learned[-1], Missed)


async def test_manual_checks_teach_too(world: LiveWorld) -> None:
    world.clock.advance(HOUR.total_seconds())
    await world.watchlist.check_now(BY, "cid")
    assert pupil(world).learned[-1] == Missed(account_id=3, at=world.clock.now())
    world.tiktok.go_live("cid")
    await world.watchlist.check_now(BY, "cid")
    assert isinstance(pupil(world).learned[-1], Found)


async def test_what_is_stored_tells_the_same_as_what_was_learned(world: LiveWorld) -> None:
    for _ in range(3):
        world.tiktok.go_live("ana")
        await world.run_for(7 * HOUR)
        world.tiktok.end("ana")
        await world.run_for(5 * HOUR)
    learned = [event for event in pupil(world).learned if not isinstance(event, Followed)]
    stored = [event for event in await stored_events(world) if not isinstance(event, Followed)]
    assert len(pupil(world).of(Found)) >= 2
    assert set(learned) == set(stored)


async def test_a_new_process_learns_everything_from_the_database(world: LiveWorld) -> None:
    world.tiktok.go_live("ana")
    await world.run_for(6 * HOUR)
    before = await stored_events(world)
    world.restart(policy=Pupil())
    await world.monitor.check_step()
    assert pupil(world).learned[: len(before)] == before
    assert len(pupil(world).planned) == 1


async def test_a_failed_transaction_leaves_nothing_learned(
    world: LiveWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.clock.advance(HOUR.total_seconds())
    await due_now(world, "bea")
    write = world.database.write

    def failing(name: str) -> object:
        return _Broken(write(name)) if name == "live.observe" else write(name)

    monkeypatch.setattr(world.database, "write", failing)
    with pytest.raises(StorageError):
        await world.monitor.check_step()
    monkeypatch.setattr(world.database, "write", write)
    lost = Missed(account_id=2, at=world.clock.now())
    assert lost in pupil(world).learned
    await world.monitor.check_step()
    assert lost not in pupil(world).learned
    assert pupil(world).of(Followed)


class _Broken:
    """A transaction that cannot be committed."""

    def __init__(self, context: object) -> None:
        self._context = context

    async def __aenter__(self) -> object:
        return await self._context.__aenter__()

    async def __aexit__(self, *_: object) -> None:
        error = StorageError("disk full")
        await self._context.__aexit__(StorageError, error, None)
        raise error


async def test_who_is_not_followed_any_more_is_forgotten_and_known_again_later(world: LiveWorld) -> None:
    await world.watchlist.remove(BY, "bea", None)
    assert pupil(world).learned[-1] == Forgotten(account_id=2)
    assert pupil(world).planned[-1] == (1, 3)
    first = pupil(world)
    await world.watchlist.add(BY, "bea", CHANNEL, None)
    await world.monitor.check_step()
    assert pupil(world) is not first  # from scratch, so that nothing is learned twice
    assert len([event for event in pupil(world).of(Followed) if event.account_id == 2]) == 1
    assert pupil(world).planned[-1] == (1, 2, 3)


async def test_two_accounts_that_are_one_person_have_one_past(world: LiveWorld) -> None:
    world.tiktok.add("dana", 4)
    await world.watchlist.add(BY, "dana", CHANNEL, None)
    async with world.database.write("test.twin") as conn:
        # Followed once more under an old name, before its person was known.
        await conn.execute(update(accounts).where(accounts.c.handle == "dana").values(handle="older"))
    world.tiktok._find("dana").never_live = True
    await world.watchlist.add(BY, "dana", CHANNEL + 1, None)
    async with world.database.write("test.unknown") as conn:
        await conn.execute(update(accounts).where(accounts.c.handle == "dana").values(platform_id=None))
    world.tiktok._find("dana").never_live = False
    await world.watchlist.check_now(BY, "dana")
    async with world.database.read() as conn:
        asked = list((await conn.execute(select(requests.c.account_id).distinct())).scalars())
        left = list((await conn.execute(select(accounts.c.id))).scalars())
    assert set(asked) - {None} <= set(left)
    await world.monitor.check_step()
    assert set(pupil(world).planned[-1]) == set(left)


async def test_answers_during_the_computing_are_learned_when_it_is_over(
    database: Database, clock: ManualClock
) -> None:
    gate, begun = asyncio.Event(), asyncio.Event()

    async def slowly(work: Callable[[], object]) -> object:
        begun.set()
        await gate.wait()
        return work()

    gate.set()
    world = LiveWorld(database, clock, policy=Pupil(), beside=slowly)
    for number, handle in enumerate(("ana", "bea"), start=1):
        world.tiktok.add(handle, number)
        await world.watchlist.add(BY, handle, CHANNEL, None)
    world.clock.advance(HOUR.total_seconds())
    gate.clear()
    begun.clear()
    planning = asyncio.create_task(world.monitor.replan_step())
    await begun.wait()
    seen = len(pupil(world).learned)
    await world.watchlist.check_now(BY, "bea")  # nobody waits for the plan
    assert len(pupil(world).learned) == seen
    gate.set()
    await planning
    assert pupil(world).learned[seen:] == [Missed(account_id=2, at=world.clock.now())]
    planned = await next_checks(world)
    assert planned["bea"] > world.clock.now() + 10 * MINUTE


async def test_an_unknown_answer_teaches_nothing_and_is_not_hammered(world: LiveWorld) -> None:
    world.clock.advance(HOUR.total_seconds())
    seen = len(pupil(world).learned)
    monitor = world.monitor
    monitor.planning.policy.plan_one = lambda now, account, _: CheckPlan(  # would look at once
        account_id=account.account_id, at=now, reason="eager"
    )
    for pause in (10, 30):
        async with world.database.write("test.odd") as conn:
            await conn.execute(update(accounts).values(leased_until=None))
        await due_now(world, "ana")
        check, world.tiktok.check = world.tiktok.check, _odd(world)
        await world.monitor.check_step()
        world.tiktok.check = check
        at = (await next_checks(world))["ana"]
        assert at - world.clock.now() == pause * MINUTE
        world.clock.advance((pause * MINUTE).total_seconds())
    assert len(pupil(world).learned) == seen


def _odd(world: LiveWorld) -> Callable[[str], object]:
    async def check(handle: str) -> Observation:
        del handle
        return Observation(answer=Answer.UNKNOWN, seen_at=world.clock.now(), reason="odd", odd=True)

    return check


async def test_checks_of_one_account_keep_their_spacing(database: Database, clock: ManualClock) -> None:
    world = LiveWorld(database, clock, policy=_Eager(), spacing=7 * MINUTE)
    world.tiktok.add("ana", 1)
    await world.watchlist.add(BY, "ana", CHANNEL, None)
    await world.run_for(DAY / 2)
    asked = [row["asked_at"] for row in await world.ledger("discovery")]
    assert len(asked) > 50
    assert min(later - first for first, later in pairwise(asked)) >= 7 * MINUTE


class _Eager(EvenlySpread):
    """Always wants to look now."""

    def plan_one(self, now: datetime, account: Watched, allowance: Allowance) -> CheckPlan | None:
        plan = super().plan_one(now, account, allowance)
        return plan and CheckPlan(account_id=plan.account_id, at=now, reason="now")


async def test_no_hour_holds_more_checks_than_its_cap(database: Database, clock: ManualClock) -> None:
    world = LiveWorld(
        database, clock, policy=_Eager(), discovery_per_hour=6, discovery_per_day=120, spacing=MINUTE
    )
    for number in range(4):
        world.tiktok.add(f"user{number}", number + 1)
        await world.watchlist.add(BY, f"user{number}", CHANNEL, None)
    await world.run_for(DAY)
    asked = [row["asked_at"] for row in await world.ledger("discovery")]
    assert len(asked) == pytest.approx(120, abs=24)
    assert all(late - early >= HOUR for early, late in zip(asked, asked[6:], strict=False))


async def test_a_policy_that_fails_is_told_once_and_so_is_its_return(
    database: Database, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    model = Pupil()
    world = LiveWorld(database, clock, policy=Policies({"probability": model}))
    world.tiktok.add("ana", 1)
    await world.watchlist.add(BY, "ana", CHANNEL, None)
    policies = world.monitor.planning.policy
    policies.working("probability").fails = True
    for _ in range(3):
        world.clock.advance(HOUR.total_seconds())
        await world.monitor.replan_step()
    notices = [row["message"]["title"] for row in await world.messages()]
    assert notices == ["The plan of live checks fell back"]
    assert caplog.text.count("The policy probability fails (ArithmeticError: no plan today)") == 1
    assert caplog.text.count('raise ArithmeticError("no plan today")') == 1  # the line of the traceback
    made = world.tiktok.count("check")
    await world.run_for(2 * HOUR)
    assert world.tiktok.count("check") - made == pytest.approx(10, abs=4)  # as `fixed`
    health = Health(
        database=database,
        machine=machine_of(database, clock),
        clock=clock,
        settings=load_settings(Path("no.env")),
    )
    assert (await health.snapshot(1)).failing == (("probability", "ArithmeticError: no plan today"),)
    policies._policies["probability"].fails = False
    for _ in range(2):
        await world.monitor.replan_step()
    assert [row["message"]["title"] for row in await world.messages()] == ["The plan of live checks is back"]
    assert caplog.text.count("works again") == 1
    assert (await health.snapshot(1)).failing == ()


async def test_a_policy_that_fails_for_one_account_alone_leaves_its_traceback_once(
    database: Database, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    world = LiveWorld(database, clock, policy=Policies({"probability": Pupil()}))
    world.tiktok.add("ana", 1)
    await world.watchlist.add(BY, "ana", CHANNEL, None)
    await world.monitor.replan_step()
    model = world.monitor.planning.policy.working("probability")
    model.fails_for_one, made = True, len(model.planned)
    for _ in range(3):
        world.clock.advance(HOUR.total_seconds())
        await due_now(world, "ana")
        await world.monitor.check_step()
        await world.monitor.replan_step()
    assert len(model.planned) - made >= 3  # all accounts together are planned as ever
    assert caplog.text.count("in plan_one\n    raise ArithmeticError") == 1


async def test_lives_that_contradict_themselves_break_no_plan(world: LiveWorld) -> None:
    """Lives that overlap, end before they start, or lie in the future."""
    now = world.clock.now()
    async with world.database.write("test.odd") as conn:
        for start, end in ((-5, -9), (-30, -2), (-20, -10), (50, 60)):
            await conn.execute(
                lives.insert().values(
                    account_id=1,
                    phase="ended",
                    started_at=now + start * HOUR,
                    found_at=now + start * HOUR,
                    last_seen_at=now + start * HOUR,
                    ended_at=now + end * HOUR,
                    title="",
                    cover_url="",
                )
            )
    world.restart(policy=None)
    await world.monitor.replan_step()
    assert not world.monitor.planning.policy.failing
    assert all(at < now + 2 * DAY for at in (await next_checks(world)).values())
