"""A whole simulated world of one seed: run it, then ask the invariants."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.core.live.models import Answer
from bot.core.live.policies import FIXED, PROVIDED
from bot.core.live.predictions import POLICIES
from bot.core.live.transitions import LiveRules
from bot.errors import VedetteError
from bot.services.monitor_rules import MonitorRules
from bot.services.round_sync import SyncRules
from tools.simulation.bot import Bot, Surroundings
from tools.simulation.database import Disk
from tools.simulation.discord import Discord
from tools.simulation.faults import Kill, luck_of
from tools.simulation.gameserver import GameServer, make_files
from tools.simulation.life import Life, task_factory
from tools.simulation.nature import Nature
from tools.simulation.people import GUILDS, LIVES, ZONES, Command, make_commands
from tools.simulation.tiktok import Given, TikTok, make_people, task_name

STARTS = (  # weeks around which clocks change in Europe and in America, and an ordinary one
    datetime(2026, 10, 22, tzinfo=UTC),
    datetime(2026, 3, 26, 6, tzinfo=UTC),
    datetime(2026, 3, 5, 18, tzinfo=UTC),
    datetime(2026, 6, 1, 12, tzinfo=UTC),
)
PLANNED_BY = (*PROVIDED, FIXED)  # in turns; what foresees takes three times as long to simulate
DISCOVERY_PER_DAY = (12, 24, 36)
FOLLOWUP_PER_DAY = (60, 120, 480)


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """When a check first found a room, how wrong the wall clock was (s), and the channels that must hear of it."""

    at: float
    clock_error: float
    channels: tuple[int, ...]


@dataclass(kw_only=True, slots=True)
class History:
    """What was seen from outside, in true seconds.

    `hits` maps a room to the check that found it, `down` and `shut` are the spans in which the bot
    did not run or left TikTok alone, `followed` says who is followed from an instant on, `on` who is live as
    far as the bot knows.
    """

    hits: dict[int, Hit] = field(default_factory=dict)
    down: list[tuple[float, float]] = field(default_factory=list)
    shut: list[tuple[float, float]] = field(default_factory=list)
    followed: list[tuple[float, frozenset[int]]] = field(default_factory=list)
    on: set[int] = field(default_factory=set)


class World:
    """One seed. `run` lives through it; what was seen is in `nature`, `around` and `history`."""

    def __init__(self, seed: int, days: float) -> None:
        self.seed = seed
        luck = luck_of(seed, "world")
        start = luck.choice(STARTS)
        self.nature = nature = Nature(seed, start, days)
        policy = PLANNED_BY[seed % len(PLANNED_BY)]
        people = make_people(seed, start.timestamp(), days)
        self.around = Surroundings(
            nature=nature,
            disk=Disk(),
            tiktok=TikTok(nature=nature, people=people),
            discord=Discord(
                nature=nature,
                nonce_seconds=luck.uniform(150, 600),
                blocked_channel=luck.choice((*LIVES[1], *LIVES[2], 110, 210)),
            ),
            game_server=GameServer(nature=nature, files=make_files(seed, start, days)),
            monitor_rules=_monitor_rules(luck),
            sync_rules=SyncRules(poll_every=timedelta(minutes=luck.choice((30, 60)))),
            guild_ids=GUILDS,
            policy=policy,
            predicts=policy == POLICIES[0],
            watches_itself=policy == FIXED,
            time_zone=luck_of(seed, "zone").choice(ZONES),
        )
        self.history = History()
        self._life: Life | None = None
        self._bot: Bot | None = None
        self._kills = list(nature.weather.kills)
        self._points = 0
        self._down_since = 0.0
        self.commands = make_commands(seed, people, nature.seconds)
        self._schedule(self.commands)
        nature.on_commit.append(self._watch)

    def run(self) -> None:
        """Live from the first second to the last."""
        loop = self.nature.loop
        loop.set_task_factory(task_factory)
        loop.set_exception_handler(self._unexpected)
        loop.call_at(self.nature.seconds, loop.stop)
        asyncio.set_event_loop(loop)
        with _log_heard(self._heard):
            try:
                loop.run_forever()
            except RuntimeError as error:
                self.nature.fail("no_loop_spins", str(error))
            finally:
                self._end()
                for _ in range(20):  # what was cancelled comes to its end
                    loop.call_soon(loop.stop)
                    loop.run_forever()
                loop.close()
                asyncio.set_event_loop(None)

    def close(self) -> None:
        """Give everything back."""
        self.around.disk.close()

    # --- The process -----------------------------------------------------------------------

    def _schedule(self, commands: list[Command]) -> None:
        loop = self.nature.loop
        loop.call_at(0.0, self._start)
        for command in commands:
            loop.call_at(command.at, self._give, command)
        for at, seconds in self.nature.weather.clock_steps:
            loop.call_at(at, self._set_clock, seconds)

    def _start(self) -> None:
        self.history.down.append((self._down_since, self.nature.time))
        self.nature.note("the bot starts")
        self._life = Life(self.nature.loop, self._may_die)
        self._bot = Bot(self.around, self._life)
        self._bot.start()

    def _give(self, command: Command) -> None:
        if self._bot is None:
            self.nature.loop.call_later(600, self._give, command)
        else:
            command.give(self._bot)

    def _set_clock(self, seconds: float) -> None:
        """Set the wall clock, while the bot runs: what happens while it does not, it cannot know."""
        if self._bot is None:
            self.nature.loop.call_later(600, self._set_clock, seconds)
            return
        self.nature.clock.error += seconds
        self.nature.note(f"the wall clock is set by {seconds:+.1f} s")

    def _may_die(self, point: str) -> bool:
        """Count points after the instant of the next kill; true at the one where the bot dies."""
        if not self._kills or self.nature.time < self._kills[0].at:
            return False
        self._points += 1
        unseen = self._bot is not None and self._bot.clock.step()
        if self._points < self._kills[0].points or unseen:
            return False
        self._die(self._kills.pop(0), point)
        return True

    def _die(self, kill: Kill, point: str) -> None:
        self.nature.note(f"the bot is killed at {point!r}")
        self._points, self._down_since = 0, self.nature.time
        self._end()
        self.nature.loop.call_later(kill.down, self._start)

    def _end(self) -> None:
        if self._life is not None:
            self._life.end()
        self._bot = None
        self.around.disk.crash()
        self.around.tiktok.given.clear()

    # --- What is watched -------------------------------------------------------------------

    def _watch(self, name: str) -> None:
        """Look at what a durable write did, past the bot."""
        if name in {"live.observe", "live.trouble"}:
            self._watch_health()
        if name == "live.observe":
            self._watch_answer(self.around.tiktok.given.pop(task_name(), None))
        if name.startswith("watchlist.") or name in {"live.observe", "live.renamed", "overrides.change"}:
            self._watch_followed()

    def _watch_health(self) -> None:
        rows = self.around.disk.rows("SELECT closed_until FROM sources WHERE name = 'tiktok'")
        if rows and rows[0][0] is not None and self._bot is not None:
            seconds = rows[0][0] / 1e6 - self._bot.clock.now().timestamp()
            self.history.shut.append((self.nature.time, self.nature.time + seconds))

    def _watch_followed(self) -> None:
        rows = self.around.disk.rows(
            "SELECT DISTINCT platform_id FROM accounts JOIN subscriptions ON accounts.id = account_id "
            "WHERE NOT paused AND platform_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM account_overrides "
            "WHERE account_overrides.account_id = accounts.id AND frozen "
            "AND account_overrides.guild_id = subscriptions.guild_id)"
        )
        now = frozenset(row[0] for row in rows)
        if not self.history.followed or self.history.followed[-1][1] != now:
            self.history.followed.append((self.nature.time, now))

    def _watch_answer(self, given: Given | None) -> None:
        if given is None:
            return
        rows = self.around.disk.rows(
            "SELECT lives.id, ended_at FROM lives JOIN accounts ON accounts.id = account_id "
            "WHERE platform_id = ? ORDER BY lives.id DESC LIMIT 1",
            given.who,
        )
        self._watch_end(given, is_on=bool(rows) and rows[0][1] is None)
        room = given.room
        if given.answer is not Answer.LIVE or room is None or room.is_paused(self.nature.time):
            return
        # Whose handle it was may be followed too, and was asked for: this answer is not about them.
        channels = self.around.disk.rows(
            "SELECT channel_id FROM subscriptions JOIN accounts ON accounts.id = account_id "
            "WHERE platform_id = ? AND last_answer = 'live' AND NOT paused",
            given.who,
        )
        if channels and room.room_id not in self.history.hits:
            self.nature.note(f"hit room {room.room_id}")
            self.history.hits[room.room_id] = Hit(
                at=self.nature.time,
                clock_error=self.nature.clock.error,
                channels=tuple(row[0] for row in channels),
            )

    def _watch_end(self, given: Given, *, is_on: bool) -> None:
        on = self.history.on
        if given.who in on and not is_on:
            room = given.room
            if given.answer is Answer.UNKNOWN:
                self.nature.fail("no_live_ends_by_an_unknown_answer", f"that of {given.who} did")
            elif room is not None and not room.is_paused(self.nature.time):
                self.nature.fail("no_live_ends_while_it_is_on", f"that of {given.who} did")
        (on.add if is_on else on.discard)(given.who)

    def _heard(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not isinstance(error, VedetteError):
            self.nature.fail("nothing_unexpected_is_raised", f"{record.getMessage()}: {error!r}")

    def _unexpected(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        del loop
        self.nature.fail("nothing_unexpected_is_raised", str(context.get("exception") or context["message"]))


def _monitor_rules(luck: random.Random) -> MonitorRules:
    sweep = timedelta(minutes=luck.choice((10, 20, 30)))
    return MonitorRules(
        discovery_per_day=luck.choice(DISCOVERY_PER_DAY),
        followup_per_day=luck.choice(FOLLOWUP_PER_DAY),
        per_minute=luck.choice((2, 4)),
        discovery_per_hour=luck.choice((None, 3, 6)),
        sweep_every=sweep,
        viewers_every=timedelta(minutes=luck.choice((15, 60))),
        live=LiveRules(look_interval=sweep),
    )


class _Ear(logging.Handler):
    def __init__(self, heard: Callable[[logging.LogRecord], None]) -> None:
        super().__init__(logging.WARNING)
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        self._heard(record)


@contextmanager
def _log_heard(heard: Callable[[logging.LogRecord], None]) -> Iterator[None]:
    """Hear what the bot logs, and print none of it."""
    logger, ear = logging.getLogger("bot"), _Ear(heard)
    logger.addHandler(ear)
    before, logger.propagate = logger.propagate, False
    try:
        yield
    finally:
        logger.removeHandler(ear)
        logger.propagate = before
