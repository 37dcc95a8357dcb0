"""Puts the house together: what is built, in which order it starts, and how it stops."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial

from bot import garbage
from bot.charts.process import ProcessChartRenderer
from bot.clock import Clock, SteadyClock, clock_of
from bot.core.jobs import QUEUES
from bot.core.live.policies import provided_policies
from bot.core.live.transitions import LiveRules
from bot.discord.client import Services, VedetteClient
from bot.discord.connection import stay_connected
from bot.discord.pictures import Pictures
from bot.errors import SettingsError
from bot.exports.process import ProcessExporter
from bot.jobs.loops import Loop, keep_running
from bot.jobs.recorder_process import RecorderProcess
from bot.jobs.schedule import NIGHTLY_TIDYING, CalendarStep, nightly_scores
from bot.jobs.stopping import until_stopped
from bot.jobs.upkeep import upkeep_loops
from bot.jobs.weekly import weekly_loops
from bot.logs import set_up_logging
from bot.notification_rooms import notification_rooms
from bot.ports import ChartRenderer, Exporter, GameQuery, LiveSource, RoundSource
from bot.profile_rooms import profile_rooms
from bot.services.announcements import Announcements
from bot.services.balance import Balance
from bot.services.boards import Boards
from bot.services.daily_scores import DailyScores
from bot.services.evenings import Evenings
from bot.services.exports import Exports
from bot.services.health import Health
from bot.services.leaderboards import Leaderboards
from bot.services.live_monitor import LiveMonitor
from bot.services.machine import Machine
from bot.services.monitor_rules import MonitorRules
from bot.services.notifications import NotificationDesk
from bot.services.overrides import Overrides
from bot.services.players import Players
from bot.services.prediction_log import PredictionLog
from bot.services.predictions import Predictions
from bot.services.privacy import Privacy
from bot.services.profiles import Profiles
from bot.services.ratings import Ratings
from bot.services.recorded_lives import RecordedLives
from bot.services.recording_control import RecordingControl
from bot.services.round_admin import RoundAdmin
from bot.services.round_book import RoundBook
from bot.services.round_suggestions import RoundSuggestions
from bot.services.round_sync import RoundSync, SyncRules
from bot.services.timekeeping import Timekeeping
from bot.settings import Settings
from bot.sources.etlegacy.server_query import UdpGameQuery
from bot.sources.etlegacy.sftp import SftpRoundSource, ssh_address
from bot.sources.etlegacy.threads import LooseThreads
from bot.sources.tiktok.live import TikTokLiveSource
from bot.storage.engine import Database
from bot.storage.migrate import upgrade
from bot.storage.only_bot import only_bot, only_bot_of

log = logging.getLogger(__name__)


def run(settings: Settings, queues: Sequence[str] = QUEUES) -> int:
    """Run the bot, which does jobs of these queues, until it is told to stop; gives the exit code.

    Raises a `VedetteError` it cannot start with.
    """
    with contextlib.suppress(OSError):  # whoever writes there next says what is wrong
        settings.data_folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # it will hold people's names
    stop_logging = set_up_logging(settings)
    try:
        with only_bot_of(settings.data_folder):
            asyncio.run(_serve(settings, SteadyClock(clock_of(settings.clock_file)), queues))
    finally:
        stop_logging()
    return 0


async def _serve(settings: Settings, clock: SteadyClock, queues: Sequence[str]) -> None:
    if settings.discord_token is None:
        raise SettingsError(("DISCORD_TOKEN: it is not set",))
    token = settings.discord_token.get_secret_value()
    async with AsyncExitStack() as stack:
        right = await stack.enter_async_context(only_bot(settings.database, clock.machine))
        await upgrade(settings.database, settings.backup_folder, clock.now(), keep=settings.backups_kept)
        services, loops, renderer = await stack.enter_async_context(_house(settings, clock, queues))
        garbage.set_aside()
        work = [asyncio.create_task(keep_running(loop, clock), name=loop.name) for loop in loops]
        if right is not None:
            work.append(asyncio.create_task(right.keep(), name="only bot"))
        known = garbage.set_aside_once()

        def connect() -> VedetteClient:
            client = VedetteClient(services)
            client.add_listener(known, "on_ready")
            return client

        staying = stay_connected(connect, token, renderer, clock.machine)
        work.append(asyncio.create_task(staying, name="discord"))
        try:
            await until_stopped(work)
        finally:
            await _end_what_is_left()


@asynccontextmanager
async def _house(
    settings: Settings, clock: SteadyClock, queues: Sequence[str]
) -> AsyncIterator[tuple[Services, list[Loop], ProcessChartRenderer]]:
    """Build every room; what was opened is closed again in the opposite order."""
    async with AsyncExitStack() as stack:
        database = Database.open(settings.database)
        stack.push_async_callback(database.close)
        renderer = ProcessChartRenderer(clock.machine)
        stack.push_async_callback(renderer.close)
        exporter = ProcessExporter(settings.database, settings.export_folder, clock.machine)
        stack.push_async_callback(exporter.close)
        tiktok = await stack.enter_async_context(_tiktok_of(settings, clock))
        announcements = Announcements(database, clock)
        desk = NotificationDesk(database=database, announcements=announcements, clock=clock)
        machine = Machine(database=database, folder=settings.data_folder, clock=clock)
        monitor = _monitor_of(settings, database, tiktok, announcements, clock)
        recorder = _recorder_of(database, monitor, clock.machine)
        stack.push_async_callback(recorder.close)
        ratings = Ratings(database=database, clock=clock)
        round_sync = round_sync_of(
            settings, database, announcements, charts=renderer, clock=clock, readers=[ratings.changed]
        )
        stack.push_async_callback(round_sync.close)
        profiles, profile_loops = await stack.enter_async_context(
            profile_rooms(settings, database, announcements, clock, queues)
        )
        services = _services(
            settings=settings,
            clock=clock,
            database=database,
            announcements=announcements,
            monitor=monitor,
            round_sync=round_sync,
            ratings=ratings,
            profiles=profiles,
            machine=machine,
            renderer=renderer,
            exporter=exporter,
        )
        loops = [
            *live_loops(monitor),
            Loop(name="recorder", step=recorder.step, wake=monitor.recordings_changed, of_machine=True),
            Loop(name="recaps", step=services.recorded.telling.step, wake=asyncio.Event()),
            *_prediction_loops(settings, database, monitor, services),
            *round_loops(round_sync),
            *weekly_loops(settings, database, announcements, clock),
            evening_loop(_evenings_of(settings, database, announcements, clock)),
            Loop(name="ratings", step=ratings.step, wake=ratings.changed),
            *clock_loops(Timekeeping(database, clock)),
            Loop(name="notifications", step=desk.step, wake=announcements.told),
            *upkeep_loops(settings, database, announcements, machine, services.privacy, clock),
            export_loop(services.exports, clock),
            *profile_loops,
        ]
        yield services, loops, renderer


def _tiktok_of(settings: Settings, clock: Clock) -> TikTokLiveSource:
    return TikTokLiveSource(
        www_url=settings.tiktok_url,
        webcast_url=settings.tiktok_webcast_url,
        timeout_seconds=settings.tiktok_timeout_seconds,
        clock=clock,
    )


def _monitor_of(
    settings: Settings, database: Database, source: LiveSource, announcements: Announcements, clock: Clock
) -> LiveMonitor:
    return LiveMonitor(
        database=database,
        source=source,
        policy=provided_policies(),
        announcements=announcements,
        clock=clock,
        rules=monitor_rules(settings),
        beside=asyncio.to_thread,
    )


def _recorder_of(database: Database, monitor: LiveMonitor, clock: Clock) -> RecorderProcess:
    return RecorderProcess(
        control=RecordingControl(database),
        command=(sys.executable, "-m", "bot", "record", "--holder"),
        clock=clock,
        changed=monitor.recordings_changed,
        told=[monitor.followups_changed],
    )


def _services(
    *,
    settings: Settings,
    clock: Clock,
    database: Database,
    announcements: Announcements,
    monitor: LiveMonitor,
    round_sync: RoundSync,
    ratings: Ratings,
    profiles: Profiles,
    machine: Machine,
    renderer: ProcessChartRenderer,
    exporter: Exporter,
) -> Services:
    zone = settings.time_zone
    predictions = Predictions(database=database, monitor=monitor, clock=clock, default_time_zone=zone)
    players = Players(
        database=database, servers_of=round_sync.servers_of, announcements=announcements, clock=clock
    )
    rooms = notification_rooms(settings, database, monitor, announcements, clock)
    return Services(
        watchlist=rooms.watchlist,
        notification_settings=rooms.notification_settings,
        notification_roles=rooms.notification_roles,
        live_monitor=monitor,
        predictions=predictions,
        overrides=Overrides(database=database, monitor=monitor, clock=clock),
        boards=Boards(database=database, predictions=predictions, announcements=announcements, clock=clock),
        round_sync=round_sync,
        leaderboards=Leaderboards(
            database=database, servers=settings.game_servers, clock=clock, default_time_zone=zone
        ),
        profiles=profiles,
        recorded=RecordedLives.of(settings, database, announcements, monitor, machine, clock=clock),
        round_book=RoundBook(database=database, clock=clock),
        balance=Balance(database=database, queries=_game_queries(settings), clock=clock),
        players=players,
        privacy=Privacy(database=database, players=players, announcements=announcements, clock=clock),
        round_admin=RoundAdmin(
            database=database,
            round_sync=round_sync,
            servers=settings.game_servers,
            announcements=announcements,
            clock=clock,
            readers=[ratings.changed],
        ),
        round_suggestions=RoundSuggestions(database=database, round_sync=round_sync),
        exports=_exports(settings, database, exporter, clock),
        guilds=rooms.guilds,
        health=Health(database=database, machine=machine, clock=clock, settings=settings),
        machine=machine,
        announcements=announcements,
        pictures=Pictures(renderer),
        settings=settings,
        clock=clock,
    )


def monitor_rules(settings: Settings) -> MonitorRules:
    """Give the budgets and spans of the live monitor as the settings say."""
    return MonitorRules(
        discovery_per_day=settings.discovery_checks_per_day,
        discovery_per_hour=settings.discovery_checks_per_hour,
        spacing=timedelta(seconds=settings.check_spacing_seconds),
        followup_per_day=settings.followup_requests_per_day,
        per_minute=settings.requests_per_minute,
        guild_share_percent=settings.guild_share_percent,
        sweep_every=timedelta(seconds=settings.sweep_seconds),
        viewers_every=timedelta(seconds=settings.viewers_seconds),
        record_lives=settings.record_lives,
        live=LiveRules(
            restart_gap=timedelta(seconds=settings.restart_gap_seconds),
            look_interval=timedelta(seconds=settings.sweep_seconds),
            end_confirm=timedelta(seconds=settings.end_confirm_seconds),
        ),
    )


def live_loops(monitor: LiveMonitor) -> list[Loop]:
    """Give the loops that look for lives and follow them."""
    return [
        Loop(name="live checks", step=monitor.check_step, wake=monitor.checks_changed),
        Loop(name="live follow-ups", step=monitor.followup_step, wake=monitor.followups_changed),
        Loop(name="live plan", step=monitor.replan_step, wake=asyncio.Event()),
    ]


def prediction_loops(
    prediction_log: PredictionLog, boards: Boards, scores: DailyScores, time_zone: str, clock: Clock
) -> list[Loop]:
    """Give the loops that keep what is predicted, tell how things stand and score each day."""
    night = CalendarStep(nightly_scores(time_zone), scores.night, clock, at_start=scores.catch_up)
    return [
        Loop(name="predictions", step=prediction_log.step, wake=asyncio.Event()),
        Loop(name="status line", step=prediction_log.status_step, wake=asyncio.Event(), of_machine=True),
        Loop(name="status boards", step=boards.step, wake=boards.changed),
        Loop(name="daily scores", step=night, wake=asyncio.Event()),
    ]


def _prediction_loops(
    settings: Settings, database: Database, monitor: LiveMonitor, services: Services
) -> list[Loop]:
    prediction_log = PredictionLog(database=database, monitor=monitor, clock=services.clock)
    scores = DailyScores(
        database=database,
        monitor=monitor,
        announcements=services.announcements,
        clock=services.clock,
        time_zone=settings.time_zone,
    )
    return prediction_loops(prediction_log, services.boards, scores, settings.time_zone, services.clock)


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
        rules=_sync_rules(settings),
        queries=_game_queries(settings),
        holder=holder,
        readers=readers,
    )


def _evenings_of(
    settings: Settings, database: Database, announcements: Announcements, clock: Clock
) -> Evenings:
    return Evenings(
        database=database,
        servers=settings.game_servers,
        announcements=announcements,
        clock=clock,
        post_max_age=_sync_rules(settings).post_max_age,
    )


def round_loops(round_sync: RoundSync) -> list[Loop]:
    """Give one loop for each game server."""
    return [
        Loop(name=f"rounds of {server}", step=partial(round_sync.step, server), wake=changed)
        for server, changed in round_sync.changed.items()
    ]


def evening_loop(evenings: Evenings) -> Loop:
    """Give the loop that tells evenings that are over; it looks often enough to need no waking."""
    return Loop(name="evenings", step=evenings.step, wake=asyncio.Event())


def _exports(settings: Settings, database: Database, exporter: Exporter, clock: Clock) -> Exports:
    return Exports(
        database=database,
        exporter=exporter,
        clock=clock,
        default_time_zone=settings.time_zone,
        usd_per_diamond=settings.usd_per_diamond,
    )


def export_loop(exports: Exports, clock: Clock) -> Loop:
    """Give the loop that deletes old exports."""
    return Loop(
        name="old exports",
        step=CalendarStep(NIGHTLY_TIDYING, exports.forget_old, clock),
        wake=asyncio.Event(),
    )


def clock_loops(timekeeping: Timekeeping) -> list[Loop]:
    """Give the loop that watches for steps of the wall clock."""
    return [Loop(name="clock", step=timekeeping.step, wake=asyncio.Event())]


def _sync_rules(settings: Settings) -> SyncRules:
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


def _game_queries(settings: Settings) -> dict[str, GameQuery]:
    return {
        name: UdpGameQuery(host=server.query_host or server.host, port=server.query_port)
        for name, server in settings.game_servers.items()
        if server.query_port
    }


async def _end_what_is_left() -> None:
    """End what still answers to events: discord.py runs each handler in a task that nobody holds."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
