"""How news reaches people: each rule from what was chosen to what stands in the outbox, on a real database."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.core.announcements import Message, Tone
from bot.core.delivery import Event, Result
from bot.core.notifications.kinds import ALL, Kind, account_subject
from bot.core.notifications.options import (
    Options,
)
from bot.services.announcements import Announcements
from bot.services.notifications import News, NotificationDesk, Place, tell
from bot.storage import guilds, notification_rules
from bot.storage.engine import Database
from bot.storage.notification_rules import NotificationRule
from bot.storage.tables import outbox
from tests.clocks import ManualClock

GUILD, CHANNEL, OTHER, ROLE, ADMIN = 1, 100, 101, 7, 42
ANA = account_subject(1)
BEGAN = datetime(2026, 7, 1, 21, 0, tzinfo=UTC)


@dataclass
class World:
    """A guild with one or two channels; what is let out can be delivered at once."""

    database: Database
    clock: ManualClock
    announcements: Announcements
    desk: NotificationDesk
    channels: list[int] = field(default_factory=lambda: [CHANNEL])
    posts: int = 0

    async def choose(
        self, channel_id: int = CHANNEL, kind: Kind = Kind.LIVE, subject: str = ALL, **chosen: Any
    ) -> None:
        rule = {name: chosen.pop(name) for name in ("off", "paused_until") if name in chosen}
        async with self.database.write("test.choose") as conn:
            made = NotificationRule(
                guild_id=GUILD,
                channel_id=channel_id,
                kind=kind,
                subject=subject,
                options=Options(**chosen),
                **rule,
            )
            await notification_rules.save(conn, made, ADMIN, self.clock.now())

    def news(self, key: str = "live:1", **values: Any) -> News:
        values = {
            "began_at": self.clock.now(),
            "seen_at": self.clock.now(),
            "facts": {"streamer": "Ana"},
        } | values
        return News(
            kind=values.pop("kind", Kind.LIVE),
            subject=ANA,
            event_key=key,
            expires_after=timedelta(hours=12),
            **values,
        )

    async def tell(self, news: News, title: str = "Ana is live", role_id: int | None = None) -> bool:
        message = Message(title=title, tone=Tone.LIVE)
        places = [
            Place(guild_id=GUILD, channel_id=one, message=message, role_id=role_id) for one in self.channels
        ]
        async with self.database.write("test.tell") as conn:
            return await tell(conn, news, places, self.clock.now())

    async def rows(self, key: str | None = None) -> list[dict[str, Any]]:
        async with self.database.read() as conn:
            found = [
                dict(row) for row in (await conn.execute(select(outbox).order_by(outbox.c.id))).mappings()
            ]
        return [row for row in found if key in (None, row["event_key"])]

    async def row(self, key: str = "live:1", channel_id: int = CHANNEL) -> dict[str, Any]:
        [found] = [row for row in await self.rows(key) if row["channel_id"] == channel_id]
        return found

    async def deliver(self) -> list[str]:
        """Deliver what is due; gives what was done, in words."""
        done = []
        while due := await self.announcements.due():
            for message in due:
                if await self.announcements.begin(message) is None:
                    continue
                event = Event.EDITED if message.is_posted else Event.SENT
                if event is Event.SENT:
                    self.posts += 1
                ping = (
                    f" @{message.message.mention_role_id}"
                    if event is Event.SENT and message.message.mention_role_id
                    else ""
                )
                done.append(f"{event} {message.channel_id} {message.message.title}{ping}")
                await self.announcements.settle(message, Result(event=event, message_id=self.posts))
        return done

    async def pass_time(self, **span: float) -> list[str]:
        """Let time pass with the desk at work; gives what was delivered then."""
        until, done = self.clock.now() + timedelta(**span), []
        while True:
            come_back_at = await self.desk.step()
            done += await self.deliver()
            if come_back_at > until:
                self.clock.advance((until - self.clock.now()).total_seconds())
                await self.desk.step()
                return done + await self.deliver()
            self.clock.advance(max(1.0, (come_back_at - self.clock.now()).total_seconds()))


@pytest.fixture
async def world(database: Database) -> World:
    clock = ManualClock(BEGAN)
    async with database.write("test.guild") as conn:
        await guilds.joined(conn, GUILD, "Asia/Jakarta")
    announcements = Announcements(database, clock)
    return World(
        database=database,
        clock=clock,
        announcements=announcements,
        desk=NotificationDesk(database=database, announcements=announcements, clock=clock),
    )


async def test_without_a_choice_everything_is_posted_at_once_and_pings_the_role_given_with_it(
    world: World,
) -> None:
    assert await world.tell(world.news(), role_id=ROLE)
    assert await world.deliver() == [f"sent 100 Ana is live @{ROLE}"]
    assert not await world.tell(world.news(), role_id=ROLE)
    await world.tell(world.news(is_over=True, ended_at=world.clock.now()), "Ana was live", role_id=ROLE)
    assert await world.deliver() == ["edited 100 Ana was live"]
