"""When profiles are read, on both engines."""

from __future__ import annotations

from datetime import timedelta

from bot.core.posts.models import RunReason
from bot.services.profile_schedule import put_run
from bot.storage import jobs
from tests.kept_posts import keep_profile


async def test_a_run_that_is_put_waits_in_the_log_and_in_the_queue(database, clock):
    async with database.write("test.put") as conn:
        kept = await keep_profile(conn)
        run_id = await put_run(
            conn, kept.account_id, RunReason.ASKED, clock.now(), asked_by=7, asked_in_guild_id=1
        )
    async with database.write("test.claim") as conn:
        until = clock.now() + timedelta(minutes=1)
        (job,) = await jobs.claim(conn, holder="x", at_once={"profile": 5}, now=clock.now(), until=until)
    assert (job.kind, job.args) == ("profile", {"run_id": run_id})
