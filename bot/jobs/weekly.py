"""What is told on Monday mornings."""

from __future__ import annotations

import asyncio

from bot.clock import Clock
from bot.jobs.loops import Loop
from bot.jobs.schedule import monday_mornings
from bot.services.announcements import Announcements
from bot.services.weekly_players import WeeklyPlayers
from bot.services.weekly_streams import WeeklyStreams
from bot.settings import Settings
from bot.storage.engine import Database


def weekly_loops(
    settings: Settings, database: Database, announcements: Announcements, clock: Clock
) -> list[Loop]:
    """Give the loops that tell of the week's players and of the week's lives."""
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
    return [
        Loop(name="players of the week", step=players.step, wake=asyncio.Event()),
        Loop(name="lives of the week", step=streams.step, wake=asyncio.Event()),
    ]
