"""Findings of recorded lives, stored once and shown to guilds that follow the account."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.requester import Requester
from bot.core.streams.findings import Evidence
from bot.core.streams.influence import explain
from bot.errors import NothingThere
from bot.services.stream_findings import StreamFindings
from bot.storage import stream_findings, stream_reading, subscriptions
from tests.clocks import ManualClock
from tests.kept_streams import START, keep_live

GUILD, OTHER = 1, 2
BY = Requester(guild_id=GUILD, user_id=42)
ELSEWHERE = Requester(guild_id=OTHER, user_id=42)


@pytest.fixture
async def kept(database):
    """Two lives of an account that one guild follows."""
    async with database.write("test.keep") as conn:
        first = await keep_live(conn, minutes=60)
        second = await keep_live(conn, minutes=80, started_at=START + timedelta(days=1), seed=2)
        await subscriptions.subscribe(
            conn,
            subscriptions.Subscription(
                account_id=first.account_id, guild_id=GUILD, channel_id=5, role_id=None, paused=False
            ),
            42,
            START,
        )
    return first, second


@pytest.fixture
def findings(database):
    return StreamFindings(database, ManualClock(START + timedelta(days=2)))


async def store(database, findings, *kept):
    for one in kept:
        found = await findings.explain(one.live_id)
        async with database.write("test.findings") as conn:
            await stream_findings.keep(conn, one.live_id, found, START)


async def test_what_was_found_is_stored_once_and_read_back(database, findings, kept):
    first, _ = kept
    await store(database, findings, first)
    await store(database, findings, first)
    async with database.read() as conn:
        stored = await stream_findings.of_live(conn, first.live_id)
        rows = await stream_reading.minutes_of(conn, first.live_id)
    assert stored == explain(rows)
    assert stored.evidence is Evidence.ENOUGH


async def test_a_live_is_shown_by_its_id_or_the_newest_by_its_handle(database, findings, kept):
    first, second = kept
    await store(database, findings, first)
    shown = await findings.of_live(BY, first.live_id)
    assert (shown.handle, shown.live_id, shown.started_at) == ("ana", first.live_id, START)
    # Not over or not told yet: found out when asked.
    newest = await findings.of_live(BY, "@ana")
    assert newest.live_id == second.live_id
    assert newest.findings.minutes == 79


async def test_all_lives_of_an_account_are_put_together(database, findings, kept):
    await store(database, findings, *kept)
    shown = await findings.of_account(BY, "ana")
    assert shown.findings.lives == 2
    assert shown.findings.minutes == 59 + 79
    assert shown.started_at is None


async def test_an_account_without_a_live_that_was_told_is_said_to_have_too_little(findings, kept):
    shown = await findings.of_account(BY, "ana")
    assert shown.findings.evidence is Evidence.SHORT


async def test_who_does_not_follow_the_account_is_told_nothing(database, findings, kept):
    first, _ = kept
    await store(database, findings, first)
    for asked in (findings.of_live(ELSEWHERE, first.live_id), findings.of_live(ELSEWHERE, "ana")):
        with pytest.raises(NothingThere):
            await asked
    with pytest.raises(NothingThere):
        await findings.of_account(ELSEWHERE, "ana")


async def test_a_live_that_was_never_recorded_is_not_there(findings, kept):
    with pytest.raises(NothingThere):
        await findings.of_live(BY, 999)
