from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.core.live.overrides import steered
from bot.core.live.planner import Watched
from bot.core.live.predictions import Override

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def watched(*guilds: int) -> Watched:
    return Watched(account_id=1, guild_ids=frozenset(guilds), last_checked_at=None, policy="probability")


def test_nothing_asked_changes_nothing():
    assert steered(watched(1, 2), {}, NOW) == watched(1, 2)
    assert steered(watched(1), {9: Override(frozen=True)}, NOW) == watched(1)  # follows it no more


def test_the_only_guild_decides():
    asked = Override(policy="fixed", priority=3, pinned=2 * HOUR)
    account = steered(watched(1), {1: asked}, NOW)
    assert (account.policy, account.priority, account.interval) == ("fixed", 3, 2 * HOUR)


def test_what_slows_others_down_counts_where_all_ask_for_it():
    one, other = Override(policy="roadmap", pinned=8 * HOUR), Override(policy="fixed", pinned=HOUR)
    account = steered(watched(1, 2), {1: one}, NOW)
    assert (account.policy, account.interval) == ("probability", None)
    account = steered(watched(1, 2), {1: one, 2: other}, NOW)
    assert (account.policy, account.interval) == ("fixed", HOUR)


def test_a_guild_that_froze_it_pays_nothing_and_asks_for_nothing():
    asked = {1: Override(frozen=True, priority=9, pinned=HOUR), 2: Override(pinned=3 * HOUR)}
    account = steered(watched(1, 2), asked, NOW)
    assert not account.frozen
    assert (account.guild_ids, account.interval, account.priority) == (frozenset({2}), 3 * HOUR, 1)
    assert steered(watched(1), {1: Override(frozen=True)}, NOW).frozen


def test_the_longest_and_closest_boost_counts_while_it_lasts():
    asked = {
        1: Override(boosted_until=NOW + HOUR, boosted_every=HOUR / 2),
        2: Override(boosted_until=NOW + 3 * HOUR, boosted_every=HOUR),
        3: Override(boosted_until=NOW - HOUR, boosted_every=HOUR / 12),
    }
    account = steered(watched(1, 2, 3), asked, NOW)
    assert (account.boosted_until, account.boosted_every) == (NOW + 3 * HOUR, HOUR / 2)


def test_priorities_are_shared_by_who_pays():
    assert steered(watched(1, 2), {1: Override(priority=4)}, NOW).priority == 2.5
