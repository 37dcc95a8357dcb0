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
