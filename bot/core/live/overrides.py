"""How what several guilds ask for one account becomes what a policy is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from bot.core.live.planner import Watched
from bot.core.live.predictions import Override


def steered(account: Watched, asked: Mapping[int, Override], now: datetime) -> Watched:
    """Give an account as the guilds that follow it ask for, guild -> override, the latest last.

    A guild that froze it pays for none of its checks, and asks for nothing else. What could slow down others (a
    pin, a policy) counts where all who pay ask for it: the shortest pin, the latest policy. Of boosts the longest
    and the closest counts, of priorities the mean.
    """
    asked = {guild_id: override for guild_id, override in asked.items() if guild_id in account.guild_ids}
    frozen_by = {guild_id for guild_id, override in asked.items() if override.frozen}
    paying = account.guild_ids - frozen_by
    if not asked or not paying:
        return replace(account, frozen=bool(frozen_by))
    counted = [override for guild_id, override in asked.items() if guild_id in paying]
    pins = [override.pinned for override in counted if override.pinned is not None]
    policies = [override.policy for override in counted if override.policy]
    boosts = [
        (override.boosted_until, override.boosted_every or account.boosted_every)
        for override in counted
        if override.boosted_until is not None and override.boosted_until > now
    ]
    priorities = sum(override.priority for override in counted) + len(paying) - len(counted)
    return replace(
        account,
        guild_ids=paying,
        policy=policies[-1] if len(policies) == len(paying) else account.policy,
        priority=priorities / len(paying),
        interval=min(pins) if len(pins) == len(paying) else None,
        boosted_until=max((until for until, _ in boosts), default=None),
        boosted_every=min((every for _, every in boosts), default=account.boosted_every),
    )
