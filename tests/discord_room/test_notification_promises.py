"""Whatever happens in whichever order: a live pings once, and an urgent notice arrives.

Hypothesis makes up histories of lives, choices of admins, crashes, and a Discord that fails and forbids; in each the
services, the outbox on SQLite and the delivery are the bot's own.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Coroutine
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from bot.core.announcements import NONCE_LENGTH, Message, Tone, nonce_for
from bot.core.delivery import OutboxState
from bot.core.notifications.kinds import ALL, Kind, account_subject
from bot.core.notifications.options import AfterLive, Digest, Mention, Only, Options, Quiet, QuietMode
from bot.discord.delivery import Delivery
from bot.services.announcements import Announcements
from bot.services.notifications import News, NotificationDesk, Place, tell
from bot.storage import guilds, notification_rules
from bot.storage.engine import Database, sqlite_url
from bot.storage.notification_rules import NotificationRule
from bot.storage.tables import outbox
from tests.clocks import ManualClock
from tests.discord_room.memory_discord import Line, MemoryDiscord, Weather

GUILD_OF = {11: 1, 12: 1, 21: 2}
ADMINS = {1: 19, 2: 29}
EVERYWHERE = GUILD_OF | {channel: guild for guild, channel in ADMINS.items()}
ROLES = {11: 5, 12: 5, 21: 6}
ACCOUNTS = (1, 2)
NEWS_FOR = timedelta(hours=12)
SETTLED_AFTER = timedelta(hours=80)
"""By then the longest pause of all rules is over, and a week's digest is not waited for."""

channels = st.sampled_from([*GUILD_OF])
anywhere = st.sampled_from([*EVERYWHERE])
minutes_of_day = st.sampled_from([0, 7 * 60, 12 * 60, 20 * 60, 22 * 60])
options = st.builds(
    Options,
    mention=st.none() | st.just(Mention.NOBODY) | st.just(Mention.ROLE),
    role_id=st.sampled_from([5, 6, 7]),
    template=st.none() | st.just("{streamer}!"),
    quiet=st.none()
    | st.builds(Quiet, mode=st.sampled_from(QuietMode), begins=minutes_of_day, ends=minutes_of_day),
    only=st.none() | st.just(Only(days=(5, 6))) | st.just(Only(begins=12 * 60, ends=22 * 60)),
    cooldown_minutes=st.none() | st.sampled_from([0, 30, 240]),
    min_viewers=st.none() | st.sampled_from([0, 20]),
    delay_minutes=st.none() | st.sampled_from([0, 5]),
    grace_minutes=st.none() | st.sampled_from([0, 30]),
    after_live=st.none() | st.sampled_from(AfterLive),
    delete_after_hours=st.none() | st.sampled_from([0, 1]),
    digest=st.none() | st.sampled_from([Digest.NONE, Digest.DAILY]),
)


class History(RuleBasedStateMachine):
    """One history. `lives` are the lives that are told of, over or not."""

    tables: Path
    lives: Bundle[News] = Bundle("lives")

    def __init__(self) -> None:
        super().__init__()
        self._folder = Path(tempfile.mkdtemp(prefix="vedette-promises-"))
        self._runner = asyncio.Runner()
        self.clock = ManualClock()
        self.service = MemoryDiscord(clock=self.clock)
        self.numbers = iter(range(1, 1000))
        self.urgent: list[tuple[str, int]] = []
        self.events: set[str] = set()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(work)

    @initialize()
    def begin(self) -> None:
        shutil.copy(self.tables, self._folder / "bot.db")
        self.database = Database.open(sqlite_url(self._folder / "bot.db"))
        self.run(self._join())
        self._start()

    async def _join(self) -> None:
        async with self.database.write("test.join") as conn:
            for guild_id, channel_id in ADMINS.items():
                await guilds.joined(conn, guild_id, "Europe/Berlin")
                await guilds.change(conn, guild_id, {"admin_channel_id": channel_id})

    def _start(self) -> None:
        """Begin as a new process."""
        self.announcements = Announcements(self.database, self.clock, jitter=lambda: 1.0)
        self.desk = NotificationDesk(
            database=self.database, announcements=self.announcements, clock=self.clock
        )
        self.delivery = Delivery(Line(self.service), self.announcements, None)

    # --- What happens to people -------------------------------------------------------------------

    @rule(target=lives, account=st.sampled_from(ACCOUNTS), viewers=st.sampled_from([None, 5, 50]))
    def goes_live(self, account: int, viewers: int | None) -> News:
        now = self.clock.now()
        news = News(
            kind=Kind.LIVE,
            subject=account_subject(account),
            event_key=f"live:{next(self.numbers)}",
            facts={"streamer": "Ana"},
            began_at=now,
            seen_at=now,
            viewers=viewers,
            expires_after=NEWS_FOR,
        )
        self._tell(news)
        return news

    @rule(target=lives, live=consumes(lives), viewers=st.sampled_from([5, 50]), is_over=st.booleans())
    def is_seen(self, live: News, viewers: int, is_over: bool) -> News:
        """It goes on, goes on again after an end, or ends."""
        now = self.clock.now()
        live = replace(live, seen_at=now, viewers=viewers, is_over=is_over, ended_at=now if is_over else None)
        self._tell(live)
        return live

    @rule(channel=channels)
    def round_is_played(self, channel: int) -> None:
        now = self.clock.now()
        news = News(
            kind=Kind.ROUND,
            subject="server:main",
            event_key=f"round:{next(self.numbers)}",
            began_at=now,
            expires_after=NEWS_FOR,
        )
        self._tell(news, [channel])

    @rule(guild=st.sampled_from([*ADMINS]))
    def is_urgent(self, guild: int) -> None:
        news = News(
            kind=Kind.NOTICE,
            subject=ALL,
            event_key=f"notice:urgent:{next(self.numbers)}",
            began_at=self.clock.now(),
            is_urgent=True,
        )
        self._tell(news, [ADMINS[guild]])
        self.urgent.append((news.event_key, ADMINS[guild]))

    def _tell(self, news: News, places: list[int] | None = None) -> None:
        self.events.add(news.event_key)
        self.run(self._tell_in(news, places or [*GUILD_OF]))

    async def _tell_in(self, news: News, channel_ids: list[int]) -> None:
        title = f"{news.event_key} {'is over' if news.is_over else news.viewers}"
        places = [
            Place(
                guild_id=EVERYWHERE[channel_id],
                channel_id=channel_id,
                message=Message(title=title, tone=Tone.LIVE),
                role_id=ROLES.get(channel_id) if news.kind is Kind.LIVE else None,
            )
            for channel_id in channel_ids
        ]
        async with self.database.write("test.tell") as conn:
            await tell(conn, news, places, self.clock.now())

    # --- What admins and moderators do ------------------------------------------------------------

    @rule(
        channel=channels,
        account=st.sampled_from([None, *ACCOUNTS]),
        chosen=options,
        off=st.sampled_from([False, False, False, True]),
        pause=st.sampled_from([None, None, None, 30, 600]),
    )
    def is_chosen(
        self, channel: int, account: int | None, chosen: Options, off: bool, pause: int | None
    ) -> None:
        subject = ALL if account is None else account_subject(account)
        self._choose(channel, Kind.LIVE, subject, chosen, off=off, pause=pause)

    @rule(channel=channels, chosen=options)
    def is_chosen_of_rounds(self, channel: int, chosen: Options) -> None:
        self._choose(channel, Kind.ROUND, ALL, chosen)

    @rule(guild=st.sampled_from([*ADMINS]), chosen=options, pause=st.sampled_from([None, 600]))
    def is_chosen_of_notices(self, guild: int, chosen: Options, pause: int | None) -> None:
        self._choose(ADMINS[guild], Kind.NOTICE, ALL, chosen, guild=guild, pause=pause)

    def _choose(
        self,
        channel: int,
        kind: Kind,
        subject: str,
        chosen: Options,
        *,
        guild: int | None = None,
        off: bool = False,
        pause: int | None = None,
    ) -> None:
        until = None if pause is None else self.clock.now() + timedelta(minutes=pause)
        made = NotificationRule(
            guild_id=guild or GUILD_OF[channel],
            channel_id=channel,
            kind=kind,
            subject=subject,
            options=chosen,
            off=off,
            paused_until=until,
        )
        self.run(self._save(made))

    async def _save(self, made: NotificationRule) -> None:
        async with self.database.write("test.choose") as conn:
            await notification_rules.save(conn, made, 42, self.clock.now())

    @rule(which=st.integers(0, 20))
    def is_deleted_by_people(self, which: int) -> None:
        """Only what the bot knows of: whether a message was never posted or is gone already, nobody could tell it."""
        known = self.run(self._known())
        standing = [one for one in self.service.posted if not one.is_deleted and one.id in known]
        if standing:
            standing[which % len(standing)].is_deleted = True

    async def _known(self) -> set[int]:
        async with self.database.read() as conn:
            return set((await conn.execute(select(outbox.c.message_id))).scalars())

    # --- What happens around ----------------------------------------------------------------------

    @rule(channel=anywhere, weather=st.sampled_from(Weather))
    def weather_changes(self, channel: int, weather: Weather) -> None:
        was = self.service.weather.get(channel)
        self.service.weather[channel] = weather
        if was is Weather.FORBIDDEN:  # the gateway tells of it
            self.run(self.announcements.reopen(channel))

    @rule(minutes=st.sampled_from([0.1, 1, 6, 31, 70, 600]))
    def time_passes(self, minutes: float) -> None:
        self.clock.advance(60 * minutes)

    @rule()
    def desk_looks(self) -> None:
        self.run(self.desk.step())

    @rule()
    def is_delivered(self) -> None:
        self.run(self._deliver())

    @rule(requests=st.integers(1, 12))
    def bot_dies_while_it_delivers(self, requests: int) -> None:
        self.service.dies_in = requests
        self.run(self._deliver())
        self.service.dies_in = None
        self._start()

    async def _deliver(self) -> None:
        """Deliver until nothing is due, or the bot is dead."""
        is_dead = asyncio.Event()

        def kill() -> None:
            is_dead.set()
            for task in working():
                task.cancel()

        def working() -> list[asyncio.Task[None]]:
            return list(self.delivery._busy.values())

        self.service.kill = kill
        for _ in range(10):
            await self.delivery.start_due()
            tasks = working()
            await asyncio.gather(*tasks, return_exceptions=True)
            if not tasks or is_dead.is_set():
                break
        for task in tasks:
            if task.done() and not task.cancelled() and not is_dead.is_set():
                task.result()

    # --- What is promised -------------------------------------------------------------------------

    @invariant()
    def each_live_pings_a_role_once_in_a_guild(self) -> None:
        known = {
            nonce_for(event, channel): (event, channel) for event in self.events for channel in EVERYWHERE
        }
        assert all(len(nonce) == NONCE_LENGTH for nonce in known)
        pings: Counter[tuple[str, int, int]] = Counter()
        for posted in self.service.posted:
            if posted.pinged:
                event, channel = known[posted.nonce]  # never one that was posted anew, never a digest
                for role in posted.pinged:
                    pings[event, EVERYWHERE[channel], role] += 1
        assert all(count == 1 for count in pings.values()), pings

    @invariant()
    def nothing_stands_twice(self) -> None:
        standing = Counter((one.nonce, one.channel_id) for one in self.service.posted)
        assert all(count == 1 for count in standing.values()), standing

    def teardown(self) -> None:
        try:
            if hasattr(self, "database"):
                self.run(self._all_is_well_in_the_end())
        finally:
            if hasattr(self, "database"):
                self.run(self.database.close())
            self._runner.close()
            shutil.rmtree(self._folder)

    async def _all_is_well_in_the_end(self) -> None:
        """Discord is well again, and some days pass."""
        self.service.weather.clear()
        for channel in EVERYWHERE:
            await self.announcements.reopen(channel)
        until = self.clock.now() + SETTLED_AFTER
        while self.clock.now() < until:
            await self.desk.step()
            await self._deliver()
            self.clock.advance(4 * 3600)
        self.each_live_pings_a_role_once_in_a_guild()
        self.nothing_stands_twice()
        async with self.database.read() as conn:
            rows = list((await conn.execute(select(outbox))).mappings())
        waiting = [row for row in rows if row["state"] in {OutboxState.PENDING, OutboxState.PARKED}]
        assert not waiting, "something waits for ever"
        arrived = {(row["event_key"], row["channel_id"]) for row in rows if row["delivered_revision"] > 0}
        assert set(self.urgent) <= arrived, "an urgent notice was lost"
        nonces = {one.nonce for one in self.service.posted}
        assert {nonce_for(*one) for one in self.urgent} <= nonces
        for row in rows:
            if row["state"] == OutboxState.DELIVERED and row["message_id"] is not None:
                found = [one for one in self.service.posted if one.id == row["message_id"]]
                assert [one.channel_id for one in found] == [row["channel_id"]]


def live_through(tables: Path, histories: int, steps: int, *phases: Phase) -> None:
    """Live through so many histories, until a promise is broken."""
    kind = type("HistoryOnTables", (History,), {"tables": tables})
    how = settings(
        max_examples=histories,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=phases or tuple(Phase),
    )
    run_state_machine_as_test(kind, settings=how)


def test_no_history_pings_twice_for_a_live_or_loses_an_urgent_notice(tables_file: Path) -> None:
    # To make a broken one short takes minutes: `live_through` does so by itself where it is called with no phase.
    live_through(tables_file, 15, 40, Phase.reuse, Phase.generate)
