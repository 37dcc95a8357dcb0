"""What is expected of accounts after a restart, when the policy learns all of the past from the database."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import insert, update

from bot.core.live.budget import Ledger
from bot.core.live.models import Answer
from bot.core.live.planner import Allowance
from bot.core.live.policies import provided_policies
from bot.services import forecasts
from bot.services.planning import Planning
from bot.storage.tables import accounts, lives, requests
from tests.services.live_world import BY, CHANNEL, LiveWorld

DAYS = 40
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


async def live_every_evening(world: LiveWorld, account_id: int, hour: int) -> None:
    """Let an account be live every day at an hour (UTC), and checked every second hour."""
    midnight = world.clock.now().replace(hour=0, minute=0) - DAYS * DAY
    starts = [midnight + number * DAY + hour * HOUR for number in range(DAYS)]
    rows = [
        {
            "account_id": account_id,
            "phase": "ended",
            "started_at": at,
            "found_at": at + HOUR / 4,
            "last_seen_at": at + HOUR,
            "ended_at": at + HOUR,
            "title": "",
            "cover_url": "",
        }
        for at in starts
    ]
    asked = [midnight + number * HOUR for number in range(0, 24 * DAYS, 2)]
    misses = [
        {"ledger": Ledger.DISCOVERY, "purpose": "check", "account_id": account_id, "asked_at": at}
        for at in asked
        if (at - midnight) % DAY not in {hour * HOUR, (hour + 1) * HOUR}
    ]
    async with world.database.write("test") as conn:
        this = accounts.c.id == account_id
        await conn.execute(update(accounts).where(this).values(added_at=midnight))
        await conn.execute(insert(lives), rows)
        await conn.execute(insert(requests), [{**row, "answer": Answer.OFFLINE} for row in misses])


async def test_everybody_is_known_after_a_restart_not_only_who_was_added_first(database, clock) -> None:
    world = LiveWorld(database, clock)
    for number, handle in enumerate(("ana", "bea", "cid"), start=1):
        world.tiktok.add(handle, number)
        await world.watchlist.add(BY, handle, CHANNEL, None)
        await live_every_evening(world, number, 15 + number)
    planning = Planning(provided_policies(), Allowance(checks_per_day=120, guild_share=1.0))

    await planning.replan(database, clock.now)

    chances = await forecasts.hourly_of(planning, [1, 2, 3], clock.now(), 24)
    assert all(confidence > 0.6 for confidence in chances.confidence.values()), chances.confidence
    likeliest = {one: max(range(24), key=starts.__getitem__) for one, starts in chances.starts.items()}
    hours = {one: (clock.now() + place * HOUR).hour for one, place in likeliest.items()}
    assert all(abs(hours[one] - (15 + one)) <= 1 for one in (1, 2, 3)), hours
