from __future__ import annotations

from datetime import timedelta

from bot.storage import sources
from tests.clocks import START


async def test_a_source_counts_its_failures_until_it_answers(database):
    later, closed = START + timedelta(seconds=9), START + timedelta(hours=1)
    async with database.write("test.record") as conn:
        assert (await sources.load(conn, "tiktok")).failures == 0
        assert await sources.record_failure(conn, "tiktok", "blocked", START, closed) == 1
        assert await sources.record_failure(conn, "tiktok", "no answer", later) == 2
        assert await sources.record_failure(conn, "ssh:alpha", "refused", later) == 1
    async with database.read() as conn:
        down = await sources.load(conn, "tiktok")
    assert (down.down_since, down.last_error_at, down.last_error) == (START, later, "no answer")
    assert (down.closed_until, down.last_ok_at) == (None, None)

    async with database.write("test.record") as conn:
        await sources.record_ok(conn, "tiktok", later)
    async with database.read() as conn:
        up, other = await sources.load(conn, "tiktok"), await sources.load(conn, "ssh:alpha")
    assert (up.failures, up.down_since, up.last_ok_at) == (0, None, later)
    assert up.last_error == "no answer"
    assert (other.failures, other.down_since) == (1, later)


async def test_an_answer_speaks_for_a_source_until_something_goes_wrong_or_it_is_old(database):
    second = timedelta(seconds=1)
    async with database.write("test.record") as conn:
        assert not (await sources.load(conn, "discord")).was_well(START - second, START)
        await sources.record_ok(conn, "discord", START)
        well = await sources.load(conn, "discord")
        assert well.was_well(START, START + second)
        assert not well.was_well(START + second, START + 2 * second)
        assert not well.was_well(START - 2 * second, START - second), "the clock was set back"
        await sources.record_failure(conn, "discord", "refused", START + second, START + 60 * second)
        assert not (await sources.load(conn, "discord")).was_well(START, START + 2 * second)
