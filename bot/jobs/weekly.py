"""What is told in the mornings, most of it on Mondays."""

from __future__ import annotations

import asyncio

from bot.clock import Clock
from bot.core.posts.models import ReportEvery
from bot.jobs.loops import Loop
from bot.jobs.schedule import monday_mornings, mornings
from bot.services.announcements import Announcements
from bot.services.profile_reports import ProfileReports
from bot.services.weekly_players import WeeklyPlayers
from bot.services.weekly_streams import WeeklyStreams
from bot.settings import Settings
from bot.storage.engine import Database


def weekly_loops(
    settings: Settings, database: Database, announcements: Announcements, clock: Clock
) -> list[Loop]:
    """Give the loops that tell of the week's players, of the week's lives, and of watched profiles."""
    players = WeeklyPlayers(
        database=database, announcements=announcements, servers=settings.game_servers, clock=clock
    )
    streams = WeeklyStreams(
        database=database,
        announcements=announcements,
        clock=clock,
        calendar=monday_mornings,
        usd_per_diamond=settings.usd_per_diamond,
    )
    profiles = ProfileReports(
        database=database,
        announcements=announcements,
        clock=clock,
        calendars={ReportEvery.DAY: mornings, ReportEvery.WEEK: monday_mornings},
    )
    return [
        Loop(name="players of the week", step=players.step, wake=asyncio.Event()),
        Loop(name="lives of the week", step=streams.step, wake=asyncio.Event()),
        Loop(name="reports of profiles", step=profiles.step, wake=asyncio.Event()),
    ]
