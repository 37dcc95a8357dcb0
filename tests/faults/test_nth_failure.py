"""Each port fails once, at its n-th call, for every n there is: afterwards all is as if nothing had been.

The bot's own services and loops run under virtual time (`tools/simulation`): an admin sets up the bot and
follows somebody, who goes live; two rounds are played; the live ends; the evening is summed up. To add a way to
fail, add a line to `TROUBLES`: a place of `tools/simulation` and a fault that it asks `Nature.faults` for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from bot.core.live.predictions import POLICIES
from bot.core.requester import Requester
from bot.errors import StorageError, UserError
from bot.services.live_monitor import MonitorRules
from bot.services.round_sync import SyncRules
from bot.storage.tables import metadata
from tools.sandbox.rounds import play_map
from tools.simulation.bot import Bot, Surroundings
from tools.simulation.database import Disk
from tools.simulation.discord import Discord
from tools.simulation.faults import MINUTE, luck_of
from tools.simulation.gameserver import GameServer, Written
from tools.simulation.life import Life, task_factory
from tools.simulation.nature import Nature
from tools.simulation.tiktok import Room, Streamer, TikTok

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
GUILD, LIVES, ROUNDS, ADMINS = 1, 101, 110, 190
BY = Requester(guild_id=GUILD, user_id=1000)
LIVE_FROM, LIVE_UNTIL = 2 * MINUTE, 35 * MINUTE
ROUNDS_AT = (12 * MINUTE, 22 * MINUTE)  # after a listing, which may be the second: the first is silent
HEALED_AFTER, LONGEST = 50 * MINUTE, 300 * MINUTE
"""The evening goes on until all is as it should be, at least and at most so long."""

TROUBLES = (
    ("database", "fails"),
    ("database", "fails at commit"),
    ("database", "fails after commit"),
    ("game server", "drops"),
    ("tiktok", "time-outs"),
    ("tiktok", "waf page"),
    ("tiktok", "429"),
    ("discord", "down"),
    ("discord", "503"),
    ("discord", "503 after commit"),
    ("discord", "no answer after commit"),
    ("discord", "cloudflare"),
    ("channel", "403"),
)


class DoomedNature(Nature):
    """A calm world in which one fault of one place comes true once, when the place asks for it the n-th time."""

    def __init__(self, place: str, fault: str, nth: int) -> None:
        super().__init__(0, START, days=1)
        self.asked = 0
        self._place, self._fault, self._nth = place, fault, nth

    def faults(self, place: str) -> Doom:
        return Doom(self, place)

    def is_now(self, place: str, fault: str) -> bool:
        """Count the question; give whether the fault comes true."""
        is_asked = (place, fault) == (self._place, self._fault)
        self.asked += is_asked
        return is_asked and self.asked == self._nth

    def happens(self, chance: float) -> bool:
        """Let no trouble happen by chance, and the one that was asked for surely."""
        return chance > 0.1

    def committed(self, name: str) -> None:
        if "fails after commit" in self.faults("database"):
            raise StorageError(f"{name}: the connection was lost")


@dataclass(frozen=True)
class Doom:
    """The faults of a place, as `Nature` gives them."""

    nature: DoomedNature
    place: str

    def __contains__(self, fault: str) -> bool:
        return self.nature.is_now(self.place, fault)


class Evening:
    """One evening of one bot."""

    def __init__(self, disk: Disk, nature: DoomedNature) -> None:
        self.nature = nature
        self._disk = disk
        self._life = Life(nature.loop, lambda _: False)
        self._discord = Discord(nature=nature, nonce_seconds=300, blocked_channel=LIVES)
        self._bot = Bot(self._surroundings(), self._life)

    def _surroundings(self) -> Surroundings:
        room = Room(room_id=int(START.timestamp()) << 32, start=LIVE_FROM, end=LIVE_UNTIL)
        ends = [START + timedelta(seconds=at) for at in ROUNDS_AT]
        played = zip(play_map("match", (ends[0], ends[1]), luck_of(0, "rounds")), ROUNDS_AT, strict=True)
        files = [
            Written(name=one.name, content=one.content, growth=((at, len(one.content)),), is_whole=True)
            for one, at in played
        ]
        return Surroundings(
            nature=self.nature,
            disk=self._disk,
            tiktok=TikTok(nature=self.nature, people=[Streamer(platform_id=1, handle="ana", rooms=(room,))]),
            discord=self._discord,
            game_server=GameServer(nature=self.nature, files=files),
            monitor_rules=MonitorRules(
                discovery_per_day=288, sweep_every=timedelta(minutes=20), viewers_every=timedelta(minutes=15)
            ),
            sync_rules=SyncRules(poll_every=timedelta(minutes=10)),
            guild_ids=(GUILD,),
            policy=POLICIES[0],
            predicts=True,
            watches_itself=False,
            time_zone="UTC",
        )

    def run(self, wanted: dict[str, Any] | None) -> dict[str, Any]:
        """Live on until the outcome is the wanted one, or for long enough; gives the outcome."""
        loop = self.nature.loop
        loop.set_task_factory(task_factory)
        loop.call_at(0.0, self._bot.start)
        loop.call_at(1.0, self._bot.command, "admin", self._admin)
        asyncio.set_event_loop(loop)
        try:
            until = HEALED_AFTER
            self._run_until(until)
            while (outcome := self._outcome()) != wanted and until < LONGEST:
                until += 10 * MINUTE
                self._run_until(until)
            return outcome
        finally:
            self._life.end()
            for _ in range(20):  # what was cancelled comes to its end
                loop.call_soon(loop.stop)
                loop.run_forever()
            loop.close()
            asyncio.set_event_loop(None)

    def _run_until(self, seconds: float) -> None:
        self.nature.loop.call_at(seconds, self.nature.loop.stop)
        self.nature.loop.run_forever()

    async def _admin(self) -> None:
        """Set up the bot and follow somebody, each again and again until it is so."""
        bot = self._bot
        await self._insist(
            "SELECT 1 FROM guilds WHERE admin_channel_id IS NOT NULL",
            lambda: bot.guilds.save(BY, rounds_channel_id=ROUNDS, admin_channel_id=ADMINS),
        )
        await self._insist("SELECT 1 FROM subscriptions", lambda: bot.watchlist.add(BY, "ana", LIVES, None))

    async def _insist(self, wanted: str, order: Callable[[], Awaitable[object]]) -> None:
        while not self._disk.rows(wanted):
            with suppress(UserError, StorageError):
                await order()
            await self._bot.clock.sleep(MINUTE)

    def _outcome(self) -> dict[str, Any]:
        """What people have of the evening and what the bot knows; notices of the trouble itself are left out."""
        messages = [one for one in self._discord.messages if one.channel_id != ADMINS]
        stands = sorted((one.channel_id, one.embeds[0].title or "") for one in messages)
        return {"stands": stands, **{name: self._disk.rows(look) for name, look in LOOKS.items()}}


LOOKS = {
    "messages": "SELECT event_key, channel_id, state FROM outbox "
    "WHERE event_key NOT LIKE 'notice:%' ORDER BY event_key",
    "not delivered": "SELECT event_key, state FROM outbox WHERE delivered_revision < revision",
    "lives": "SELECT id, phase, ended_at IS NOT NULL FROM lives",
    "files": "SELECT name, state FROM round_files ORDER BY name",
    "rounds": "SELECT rounds.id, count(guid) FROM rounds JOIN round_players ON round_id = rounds.id "
    "GROUP BY rounds.id ORDER BY rounds.id",
    "followed": "SELECT handle, channel_id, paused FROM accounts JOIN subscriptions ON accounts.id = account_id",
    "still closed": "SELECT name, down_since FROM sources WHERE down_since IS NOT NULL",
}


@pytest.fixture(scope="module")
def disk() -> Iterator[Disk]:
    disk = Disk()
    yield disk
    disk.close()


def wipe(disk: Disk) -> None:
    """Make the disk new: that takes much less time than another one."""
    for table in reversed(metadata.sorted_tables):
        disk.driver.execute(f"DELETE FROM {table.name}")
    disk.driver.commit()


@pytest.fixture(scope="module")
def undisturbed(disk: Disk) -> dict[str, Any]:
    """The outcome of an evening on which nothing fails."""
    wipe(disk)
    outcome = Evening(disk, DoomedNature("nowhere", "nothing", 0)).run(None)
    assert [channel_id for channel_id, _ in outcome["stands"]] == [LIVES, ROUNDS, ROUNDS, ROUNDS]
    assert sum("Evening of" in title for _, title in outcome["stands"]) == 1
    assert outcome["not delivered"] == outcome["still closed"] == []
    assert "was live" in outcome["stands"][0][1]
    return outcome


@pytest.mark.timeout(600)  # hundreds of evenings: half a minute alone, some on a machine with much to do
@pytest.mark.parametrize(("place", "fault"), TROUBLES)
def test_whichever_call_fails_the_next_run_heals(
    place: str, fault: str, disk: Disk, undisturbed: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    for nth in count(1):
        wipe(disk)
        nature = DoomedNature(place, fault, nth)
        assert Evening(disk, nature).run(undisturbed) == undisturbed, f"call {nth}"
        assert nature.broken == [], f"call {nth}"
        assert [record.getMessage() for record in caplog.records if record.exc_info] == [], f"call {nth}"
        if nature.asked < nth:
            break
        caplog.clear()
    assert nth > 2, "hardly anything was asked for"
