from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from traceback import format_exception

import pytest

from bot.core.live.history import Missed
from bot.core.live.planner import Allowance, CheckPlan, EvenlySpread, Watched
from bot.core.live.policies import Policies

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def watched(number: int, *, guilds: tuple[int, ...] = (1,), **values: object) -> Watched:
    values = {"last_checked_at": NOW - MINUTE, **values}
    return Watched(account_id=number, guild_ids=frozenset(guilds), **values)


def allowance(checks: int = 120, share: float = 1.0, asked: int = 0) -> Allowance:
    instants = [NOW - DAY + number * MINUTE for number in range(asked)]
    return Allowance(checks_per_day=checks, guild_share=share, asked=instants)


class Every:
    """A policy that checks everybody at one distance, remembers what it was given and fails when told."""

    def __init__(self, minutes: int = 60) -> None:
        self.minutes = minutes
        self.given: Allowance | None = None
        self.learned: list[object] = []
        self.trouble: Exception | None = None

    def learn(self, event: object) -> None:
        self._fail()
        self.learned.append(event)

    def plan(self, now: datetime, accounts: list[Watched], given: Allowance) -> list[CheckPlan]:
        self._fail()
        self.given = given
        return [plan for one in accounts if (plan := self.plan_one(now, one, given))]

    def plan_one(self, now: datetime, account: Watched, given: Allowance) -> CheckPlan | None:
        self._fail()
        if account.is_live:
            return None
        at = now + self.minutes * MINUTE
        return CheckPlan(account_id=account.account_id, at=at, reason="mine")

    def _fail(self) -> None:
        if self.trouble:
            raise self.trouble


@pytest.fixture
def model() -> Every:
    return Every()


@pytest.fixture
def policies(model: Every) -> Policies:
    return Policies({"probability": model, "roadmap": Every(30)})


def reasons(plans: list[CheckPlan]) -> dict[int, str]:
    return {plan.account_id: str(plan.reason) for plan in plans}


def minutes_to_wait(plans: list[CheckPlan]) -> dict[int, float]:
    return {plan.account_id: (plan.at - NOW) / MINUTE for plan in plans}


def test_each_account_is_planned_by_its_own_policy_else_by_the_default(policies):
    accounts = [
        watched(1),
        watched(2, policy="roadmap"),
        watched(3, policy="fixed"),
        watched(4, policy="gone"),
    ]
    waits = minutes_to_wait(policies.plan(NOW, accounts, allowance(40)))
    assert waits[1] == 60
    assert waits[2] == 30
    # Accounts 3 and 4 (of a policy nobody knows) share half of 40 checks: one each 72 min.
    assert all(waits[number] == pytest.approx(144 * 1.0, rel=0.35) for number in (3, 4))
    for account in accounts:
        assert policies.plan_one(NOW, account, allowance(40)).at == NOW + waits[account.account_id] * MINUTE


def test_what_pins_and_fixed_accounts_take_is_taken_from_the_rest(policies, model):
    accounts = [
        watched(1),
        watched(2, interval=timedelta(minutes=36)),
        watched(3, policy="fixed"),
        watched(4),
    ]
    policies.plan(NOW, accounts, allowance(100, asked=60))
    assert model.given.checks_per_day == 40  # 100 - 40 of the pin, two of three accounts
    assert len(model.given.asked) == 24
    assert policies.reserved == pytest.approx(60)


def test_a_pinned_account_is_checked_at_its_distance(policies):
    account = watched(1, interval=timedelta(hours=2), last_checked_at=NOW)
    (plan,) = policies.plan(NOW, [account], allowance())
    assert timedelta(minutes=80) < plan.at - NOW < timedelta(minutes=160)
    assert policies.plan_one(NOW, account, allowance()) == plan
    assert "an admin set it to every 120 min" in str(plan.reason)


def test_a_boosted_account_is_checked_often_until_the_boost_ends(policies):
    account = watched(1, boosted_until=NOW + timedelta(hours=3), last_checked_at=NOW)
    (plan,) = policies.plan(NOW, [account], allowance())
    assert plan.at - NOW < timedelta(minutes=20)
    later = NOW + timedelta(hours=3)
    assert str(policies.plan_one(later, account, allowance()).reason) == "mine"


def test_pins_that_ask_for_more_than_there_is_are_stretched(policies, model):
    accounts = [watched(number, interval=timedelta(minutes=10)) for number in range(10)]
    plans = policies.plan(NOW, [*accounts, watched(99)], allowance(100))
    # 1440 checks asked for, 80 given: each every 3 hours.
    waits = minutes_to_wait(plans)
    assert sum(waits[number] for number in range(10)) / 10 == pytest.approx(180, rel=0.2)
    assert model.given.checks_per_day == 20


def test_a_guild_pins_within_its_share_and_pays_with_its_other_accounts(policies):
    mine = [watched(1, guilds=(1,), interval=timedelta(minutes=10)), watched(2, guilds=(1,))]
    waits = minutes_to_wait(policies.plan(NOW, [*mine, watched(3, guilds=(2,))], allowance(100, share=0.5)))
    assert waits[1] > 144 * 0.1 / 0.4 * 0.7  # 40 checks of its 50, not 144
    assert waits[2] > 150  # 10 checks are left for it, not the 30 that half of the rest would be
    assert waits[3] == 60


def test_nobody_live_or_frozen_is_planned(policies):
    accounts = [watched(1, is_live=True), watched(2, frozen=True), watched(3, is_live=True, interval=DAY)]
    assert policies.plan(NOW, accounts, allowance()) == []
    assert [policies.plan_one(NOW, account, allowance()) for account in accounts] == [None] * 3


def test_a_policy_that_raises_is_replaced_by_fixed_and_comes_back(policies, model):
    accounts = [watched(1), watched(2)]
    model.trouble = ZeroDivisionError("nothing to divide")
    plans = policies.plan(NOW, accounts, allowance(10))
    assert policies.failing == {"probability": "ZeroDivisionError: nothing to divide"}
    assert {"evenly spread, about every 288 min"} == set(reasons(plans).values())
    assert "evenly" in str(policies.plan_one(NOW, accounts[0], allowance(10)).reason)
    assert policies.name_of(accounts[0]) == "fixed"
    model.trouble = None
    assert set(reasons(policies.plan(NOW, accounts, allowance(10))).values()) == {"mine"}
    assert not policies.failing


def test_a_policy_that_fails_for_one_account_is_replaced_at_once(policies, model):
    policies.plan(NOW, [watched(1)], allowance())
    model.trouble = ValueError("no")
    assert "evenly" in str(policies.plan_one(NOW, watched(1), allowance()).reason)
    assert "probability" in policies.failing


def test_what_a_policy_raised_is_kept_with_its_traceback_also_by_a_copy(policies, model):
    class Odd(Exception):
        def __init__(self, number, *, why):
            super().__init__(f"{number} {why}")

    model.trouble = Odd(1, why="cannot be copied")
    policies.plan(NOW, [watched(1)], allowance())
    model.trouble = None
    for one in (policies, deepcopy(policies)):
        assert one.failing == {"probability": "Odd: 1 cannot be copied"}
        assert "in plan\n" in "".join(format_exception(one.failures["probability"].error))


@pytest.mark.parametrize(
    "nonsense",
    [
        lambda plans: [],
        lambda plans: [*plans, plans[0]],
        lambda plans: [CheckPlan(account_id=77, at=NOW, reason="")],
        lambda plans: [CheckPlan(account_id=1, at=NOW.replace(tzinfo=None), reason="")],
        lambda plans: [CheckPlan(account_id=1, at=NOW + 400 * DAY, reason="")],
        lambda plans: None,
    ],
)
def test_what_is_no_plan_is_refused(policies, model, nonsense, monkeypatch):
    real = model.plan
    monkeypatch.setattr(model, "plan", lambda now, accounts, given: nonsense(real(now, accounts, given)))
    plans = policies.plan(NOW, [watched(1)], allowance())
    assert list(reasons(plans)) == [1]
    assert "evenly" in reasons(plans)[1]
    assert "probability" in policies.failing


def test_an_account_that_a_policy_leaves_out_is_looked_at_in_a_day(policies, model, monkeypatch):
    monkeypatch.setattr(model, "plan", lambda now, accounts, _: [model.plan_one(now, accounts[0], _)])
    waits = minutes_to_wait(policies.plan(NOW, [watched(1), watched(2)], allowance()))
    assert waits == {1: 60, 2: 1440}


def test_every_policy_learns_and_one_that_cannot_stands_aside(policies, model):
    event = Missed(account_id=1, at=NOW)
    policies.learn(event)
    model.trouble = KeyError("lost")
    policies.learn(event)
    model.trouble = None
    policies.learn(event)
    assert len(model.learned) == 1
    policies.plan(NOW, [watched(1)], allowance())
    assert "probability" in policies.failing
    assert policies.working("probability") is None
    assert policies.working("roadmap").learned == [event] * 3


def test_one_guild_pays_its_even_share_under_fixed():
    policies = Policies({}, default="fixed")
    alone = EvenlySpread()
    accounts = [watched(number) for number in range(5)]
    assert policies.plan(NOW, accounts, allowance(50)) == alone.plan(NOW, accounts, allowance(50))


def test_with_plenty_of_checks_everybody_is_checked_evenly(policies, model):
    accounts = [watched(1), watched(2)]
    plans = policies.plan(NOW, accounts, allowance(1440))
    assert set(reasons(plans).values()) == {"evenly spread, about every 2 min"}
    assert model.given is None
    assert "every 2 min" in str(policies.plan_one(NOW, accounts[0], allowance(1440)).reason)
    assert set(reasons(policies.plan(NOW, accounts, allowance(100))).values()) == {"mine"}


def test_nobody_waits_longer_than_patience_but_under_the_roadmap_rule(policies, model):
    model.minutes = policies.working("roadmap").minutes = 9 * 1440
    accounts = [watched(1), watched(2, policy="roadmap"), watched(3)]
    waits = minutes_to_wait(policies.plan(NOW, accounts, allowance(100)))
    assert waits == {1: 2 * 1440 - 1, 3: 2 * 1440 - 1, 2: 9 * 1440}
    waits = minutes_to_wait(policies.plan(NOW, [watched(number) for number in range(30)], allowance(10)))
    assert waits[1] == 6 * 1440 - 1  # twice the even distance of three days
