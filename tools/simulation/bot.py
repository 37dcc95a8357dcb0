"""One life of the bot: its own services and loops, wired as `bot.app` wires them, on simulated edges."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from bot.app import clock_loops, evening_loop, live_loops, prediction_loops, round_loops
from bot.clock import SteadyClock
from bot.core.live.policies import FIXED, PROVIDED, Policies
from bot.discord.delivery import Delivery
from bot.errors import StorageError, UserError
from bot.jobs.loops import Loop, keep_running
from bot.jobs.schedule import NIGHTLY_TIDYING, CalendarStep
from bot.services.announcements import Announcements
from bot.services.boards import Boards
from bot.services.daily_scores import DailyScores
from bot.services.evenings import Evenings
from bot.services.guilds import Guilds
from bot.services.live_monitor import LiveMonitor
from bot.services.machine import Machine
from bot.services.monitor_rules import MonitorRules
from bot.services.overrides import Overrides
from bot.services.post_retention import PostRetention
from bot.services.prediction_log import PredictionLog
from bot.services.predictions import Predictions
from bot.services.round_sync import RoundSync, SyncRules
from bot.services.staleness import Staleness
from bot.services.stream_retention import StreamRetention
from bot.services.timekeeping import Timekeeping
from bot.services.upkeep import Upkeep
from bot.services.watchlist import Watchlist
from bot.settings import GameServer as GameServerSettings
from bot.settings import Settings
from tools.simulation.database import Disk, MemoryDatabase
from tools.simulation.discord import Discord, DiscordLine
from tools.simulation.gameserver import Folder, GameServer, NoCharts
from tools.simulation.life import LIFE, Life
from tools.simulation.nature import Nature
from tools.simulation.tiktok import TikTok, TikTokLine

# Real polls are more frequent; these keep a week of virtual time at a second of ours, and a wake-up that
# is forgotten is not made good by the next poll.
LONGEST_WAIT = timedelta(hours=1)
LOOK_EVERY = timedelta(minutes=10)
STALENESS_EVERY = timedelta(minutes=30)
REFRESH_EVERY = timedelta(hours=8)
SERVER = "main"


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What outlives the bot's process, and the settings it starts with.

    `policy` is the one that plans, `predicts` whether the bot keeps, tells and scores predictions,
    `watches_itself` whether it looks for staleness: in some seeds only, for it takes long. `time_zone` is an IANA name.
    """

    nature: Nature
    disk: Disk
    tiktok: TikTok
    discord: Discord
    game_server: GameServer
    monitor_rules: MonitorRules
    sync_rules: SyncRules
    guild_ids: tuple[int, ...]
    policy: str
    predicts: bool
    watches_itself: bool
    time_zone: str


class Bot:
    """The services of one life; `start` sets them going, the end of the life stops them."""

    def __init__(self, around: Surroundings, life: Life) -> None:
        self.clock = SteadyClock(around.nature.clock)
        self._around = around
        self._life = life
        database, zone = MemoryDatabase(around.disk, life, around.nature), around.time_zone
        announcements = Announcements(
            database,
            self.clock,
            jitter=around.nature.luck.random,
            longest_wait=LONGEST_WAIT,
        )
        self.monitor = LiveMonitor(
            database=database,
            source=TikTokLine(around.tiktok, life, self.clock),
            policy=_policies(around.policy),
            announcements=announcements,
            clock=self.clock,
            rules=around.monitor_rules,
        )
        self.watchlist = Watchlist(
            database=database,
            monitor=self.monitor,
            announcements=announcements,
            clock=self.clock,
            accounts_per_guild=25,
        )
        self.guilds = Guilds(
            database=database, announcements=announcements, clock=self.clock, default_time_zone=zone
        )
        self.overrides = Overrides(database=database, monitor=self.monitor, clock=self.clock)
        predictions = Predictions(
            database=database, monitor=self.monitor, clock=self.clock, default_time_zone=zone
        )
        self.boards = Boards(
            database=database,
            predictions=predictions,
            announcements=announcements,
            clock=self.clock,
            refresh_every=REFRESH_EVERY,
        )
        self._furnish(database, announcements)
        client = cast(Any, DiscordLine(around.discord, life))
        self._delivery = Delivery(client, announcements, NoCharts())

    def _furnish(self, database: MemoryDatabase, announcements: Announcements) -> None:
        """Build the services that nobody gives a command, and what reads the game server."""
        around, life = self._around, self._life
        self._log = PredictionLog(database=database, monitor=self.monitor, clock=self.clock)
        self._scores = DailyScores(
            database=database,
            monitor=self.monitor,
            announcements=announcements,
            clock=self.clock,
            time_zone=around.time_zone,
        )
        server = GameServerSettings(host="game.example", username="u", guild_ids=around.guild_ids)
        self.round_sync = RoundSync(
            database=database,
            sources={SERVER: Folder(around.game_server, life)},
            servers={SERVER: server},
            announcements=announcements,
            charts=NoCharts(),
            clock=self.clock,
            rules=around.sync_rules,
        )
        self._evenings = Evenings(
            database=database,
            servers={SERVER: server},
            announcements=announcements,
            clock=self.clock,
            post_max_age=around.sync_rules.post_max_age,
            look_every=LONGEST_WAIT,
        )
        upkeep = Upkeep(database=database, backup_folder=Path(), backups_kept=1, clock=self.clock)
        machine = Machine(database=database, folder=Path(), clock=self.clock)
        retention = StreamRetention(
            database=database,
            archive_folder=Path(),
            posts=PostRetention(database=database, archive_folder=Path(), clock=self.clock, details_days=90),
            machine=machine,
            clock=self.clock,
            details_days=90,
            comments_days=30,
        )
        self._staleness = Staleness(
            database=database,
            announcements=announcements,
            upkeep=upkeep,
            retention=retention,
            machine=machine,
            clock=self.clock,
            settings=_settings(around, server),
        )
        self._tidying = CalendarStep(NIGHTLY_TIDYING, upkeep.tidy, self.clock)
        self._timekeeping = Timekeeping(database, self.clock, LOOK_EVERY)

    def start(self) -> None:
        """Begin all endless work."""
        loops = [
            *live_loops(self.monitor),
            *self._prediction_loops(),
            *round_loops(self.round_sync),
            evening_loop(self._evenings),
            *clock_loops(self._timekeeping),
            *self._upkeep_loops(),
        ]
        for loop in loops:
            self._begin(loop.name, lambda loop=loop: keep_running(loop, self.clock))  # type: ignore[misc]
        self._begin("discord", self._delivery.run)

    def _prediction_loops(self) -> list[Loop]:
        """Give the loops around predictions; those without which there would be no boards, where it predicts not."""
        zone = self._around.time_zone
        loops = prediction_loops(self._log, self.boards, self._scores, zone, self.clock)
        # The line for the log reads a lot, changes nothing and is heard by nobody here.
        left_out = (
            {"status line"} if self._around.predicts else {"status line", "predictions", "daily scores"}
        )
        return [loop for loop in loops if loop.name not in left_out]

    def _upkeep_loops(self) -> list[Loop]:
        """Give the loops that keep the house, but for the backup, which needs a real file."""
        tidying = Loop(name="tidying", step=self._tidying, wake=asyncio.Event())
        if not self._around.watches_itself:
            return [tidying]
        return [tidying, Loop(name="staleness", step=self._look_for_staleness, wake=asyncio.Event())]

    async def _look_for_staleness(self) -> datetime:
        return max(await self._staleness.step(), self.clock.now() + STALENESS_EVERY)

    def command(self, name: str, make: Callable[[], Awaitable[object]]) -> None:
        """Let a person give a command, which may be refused and may find the database broken."""
        self._begin(name, lambda: self._answer(name, make))

    async def _answer(self, name: str, make: Callable[[], Awaitable[object]]) -> None:
        note = self._around.nature.note
        note(f"command {name}")
        try:
            await make()
        except (UserError, StorageError) as error:
            note(f"command {name} refused: {error}")

    def _begin(self, name: str, make: Callable[[], Any]) -> None:
        context = copy_context()
        context.run(LIFE.set, self._life)
        task = context.run(lambda: self._around.nature.loop.create_task(make(), name=name, context=context))
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._around.nature.fail("nothing_unexpected_is_raised", f"{task.get_name()}: {error!r}")


def _policies(name: str) -> Policies:
    """Give the policy that plans and the one that takes its place; the others would learn and cost time only."""
    return Policies({one: PROVIDED[one]() for one in {name: None, FIXED: None}}, name)


def _settings(around: Surroundings, server: GameServerSettings) -> Settings:
    """Give what an admin would have set for these surroundings; no file or environment is read."""
    every = around.sync_rules.poll_every
    return Settings.model_construct(
        discovery_checks_per_day=around.monitor_rules.discovery_per_day,
        guild_share_percent=around.monitor_rules.guild_share_percent,
        game_servers={SERVER: server},
        round_poll_seconds=None if every is None else every.total_seconds(),
    )
