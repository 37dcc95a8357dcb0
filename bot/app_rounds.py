"""The part of the composition root that brings rounds: tools build it too, without the bot."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from bot.clock import Clock
from bot.jobs.loops import Loop
from bot.ports import ChartRenderer, GameQuery, RoundSource
from bot.services.announcements import Announcements
from bot.services.evenings import Evenings
from bot.services.round_sync import RoundSync, SyncRules
from bot.services.weekly_players import WeeklyPlayers
from bot.settings import Settings
from bot.sources.etlegacy.server_query import UdpGameQuery
from bot.sources.etlegacy.sftp import SftpRoundSource, ssh_address
from bot.sources.etlegacy.threads import LooseThreads
from bot.storage.engine import Database


def round_sync_of(
    settings: Settings,
    database: Database,
    announcements: Announcements,
    *,
    charts: ChartRenderer,
    clock: Clock,
    holder: str = "",
    readers: Sequence[asyncio.Event] = (),
) -> RoundSync:
    """Build what brings rounds, with a connection of its own to each server; the bot has no name as `holder`.

    `readers` are set when rounds came.
    """
    return RoundSync(
        database=database,
        sources=round_sources(settings),
        servers=settings.game_servers,
        announcements=announcements,
        charts=charts,
        clock=clock,
        rules=sync_rules(settings),
        queries=game_queries(settings),
        holder=holder,
        readers=readers,
    )


def evenings_of(
    settings: Settings, database: Database, announcements: Announcements, clock: Clock
) -> Evenings:
    """Build what tells of evenings that are over."""
    return Evenings(
        database=database,
        servers=settings.game_servers,
        announcements=announcements,
        clock=clock,
        post_max_age=sync_rules(settings).post_max_age,
    )


def round_loops(round_sync: RoundSync) -> list[Loop]:
    """Give one loop for each game server."""
    return [
        Loop(name=f"rounds of {server}", step=partial(round_sync.step, server), wake=changed)
        for server, changed in round_sync.changed.items()
    ]


def weekly_loop(settings: Settings, database: Database, announcements: Announcements, clock: Clock) -> Loop:
    """Give the loop that tells of the players of the week."""
    weekly = WeeklyPlayers(
        database=database, announcements=announcements, servers=settings.game_servers, clock=clock
    )
    return Loop(name="players of the week", step=weekly.step, wake=asyncio.Event())


def evening_loop(evenings: Evenings) -> Loop:
    """Give the loop that tells evenings that are over; it looks often enough to need no waking."""
    return Loop(name="evenings", step=evenings.step, wake=asyncio.Event())


def sync_rules(settings: Settings) -> SyncRules:
    """Give the spans of the round sync as the settings say."""
    every = settings.round_poll_seconds
    return SyncRules(
        poll_every=None if every is None else timedelta(seconds=every),
        settle=timedelta(seconds=settings.round_settle_seconds),
        post_max_age=timedelta(minutes=settings.round_post_max_age_minutes),
    )


def round_sources(settings: Settings) -> dict[str, RoundSource]:
    """Give a connection to each game server's folder."""
    threads = LooseThreads()
    return {
        name: SftpRoundSource(
            ssh_address(name, server, settings.ssh_timeout_seconds), settings.known_hosts_file, threads
        )
        for name, server in settings.game_servers.items()
    }


def game_queries(settings: Settings) -> dict[str, GameQuery]:
    """Give what asks each game server itself."""
    return {
        name: UdpGameQuery(host=server.query_host or server.host, port=server.query_port)
        for name, server in settings.game_servers.items()
        if server.query_port
    }
