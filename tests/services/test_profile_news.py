"""What a profile reaches while it is watched is told by its report: from the reading to the message."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.posts.models import Counts, ReportEvery
from bot.jobs.schedule import mornings
from bot.services.announcements import Announcements
from bot.services.profile_reports import ProfileReports
from bot.storage import profile_reports
from bot.storage.tables import outbox
from tests.clocks import START
from tests.services.post_world import DAY, PostWorld, post

HOUR = timedelta(hours=1)


@pytest.fixture
async def world(database, clock):
    return PostWorld(database, clock)


async def told(world, *evenings) -> dict[str, str]:
    """Read ana every evening at eight; gives the fields of the report of the next morning."""
    ana = await world.watch()
    async with world.database.write("test.report") as conn:
        await profile_reports.choose(conn, ana, 1, ReportEvery.DAY, 100, now=START)
    for day, shown in enumerate(evenings):
        await until(world, START + day * DAY)
        world.source.shown = shown
        await world.read(ana)
    await until(world, START + (len(evenings) - 1) * DAY + 14 * HOUR)
    reports = ProfileReports(
        database=world.database,
        announcements=Announcements(world.database, world.clock),
        clock=world.clock,
        calendars={ReportEvery.DAY: mornings},
    )
    await reports.step()
    (row,) = await world.rows(outbox, outbox.c.event_key.startswith("profile-report:"))
    return {field["name"]: field["value"] for field in row["message"]["fields"]}


async def until(world, instant) -> None:
    world.clock.advance((instant - world.clock.now()).total_seconds())


def counted(number: int, views: int, **more: object):
    return post(number, counts=Counts(views=views), **more)


async def test_a_round_number_that_a_reading_finds_is_told_by_the_next_report(world):
    fields = await told(world, [counted(1, 90_000)], [counted(1, 101_000)])
    assert "🎯 100,000 views of all posts together" in fields["Milestones"]
    assert "🎯 100,000 views: [post 1]" in fields["Milestones"]


async def test_views_of_old_posts_that_are_found_late_are_no_milestone(world):
    first = [counted(2, 90_000)]
    late = [counted(2, 90_100), counted(1, 5_000_000, age=300 * DAY)]
    assert "Milestones" not in await told(world, first, late)


async def test_what_was_posted_after_the_last_reading_before_a_report_is_a_new_post_of_the_next(world):
    """Read at eight in the evening, told at ten in the morning: what is posted at nine is read a day later."""
    new = [counted(number, 50, age=-number * HOUR) for number in (3, 2)]
    fields = await told(world, [counted(1, 1000)], [*new, counted(1, 1100)])
    assert fields["New posts"] == "2"
