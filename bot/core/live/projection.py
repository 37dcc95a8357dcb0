"""The checks that a policy will make if nobody goes live: what a day's plan looks like before it happens."""

from __future__ import annotations

import copy
import heapq
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.core.live.budget import DAY, HOUR, Limit, free_at
from bot.core.live.history import Missed
from bot.core.live.planner import Allowance, CheckPlan, Policy, Watched


def project(
    policy: Policy, now: datetime, until: datetime, watched: Sequence[Watched], allowance: Allowance
) -> list[datetime]:
    """Give the instants of the planned checks from `now` until `until`, within the budget; the policy is copied.

    Accounts that are live now are taken to stay live.
    """
    policy = copy.deepcopy(policy)
    accounts = {account.account_id: account for account in watched if not account.frozen}
    limit = Limit(requests=allowance.checks_per_day, window=DAY)
    asked, made, replan_at = list(allowance.asked), list[datetime](), now
    due: list[tuple[datetime, int]] = []
    while True:
        if now >= replan_at:
            plans = policy.plan(now, list(accounts.values()), replace(allowance, asked=asked))
            due = _heap(plans)
            replan_at = now + HOUR
        at = free_at(max(now, due[0][0]), asked, limit) if due else replan_at
        if min(at, replan_at) >= until:
            return made
        if at >= replan_at:
            now = replan_at
            continue
        now, (_, account_id) = at, heapq.heappop(due)
        asked.append(now)
        made.append(now)
        asked = [instant for instant in asked if instant > now - DAY]
        accounts[account_id] = account = replace(accounts[account_id], last_checked_at=now)
        policy.learn(Missed(account_id=account_id, at=now))
        plan = policy.plan_one(now, account, replace(allowance, asked=asked))
        if plan is not None:
            heapq.heappush(due, (max(plan.at, now + HOUR / 60), account_id))


def _heap(plans: Sequence[CheckPlan]) -> list[tuple[datetime, int]]:
    due = [(plan.at, plan.account_id) for plan in plans]
    heapq.heapify(due)
    return due
