"""A world with everything that predicts, and a past made up for it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import update

from bot.core.announcements import Message
from bot.core.live.transitions import Phase
from bot.core.requester import Requester
from bot.services.announcements import Announcements
from bot.services.boards import Boards
from bot.services.daily_scores import DailyScores
from bot.services.overrides import Overrides
from bot.services.prediction_log import PredictionLog
from bot.services.predictions import Predictions
from bot.storage.engine import Connection
from bot.storage.tables import accounts, lives, requests
from tests.services.live_world import BY, CHANNEL, LiveWorld

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def facts(message: Message) -> dict[str, str]:
    return {field.name: field.value for field in message.fields}


class Oracle(LiveWorld):
    """A world with everything that predicts."""

    def restart(self, **values: object) -> None:
        super().restart(**{"policy": None, **values})
        self.announcements = Announcements(self.database, self.clock)
        self.predictions = Predictions(
            database=self.database, monitor=self.monitor, clock=self.clock, default_time_zone="Asia/Jakarta"
        )
        self.overrides = Overrides(database=self.database, monitor=self.monitor, clock=self.clock)
        self.boards = Boards(
            database=self.database,
            predictions=self.predictions,
            announcements=self.announcements,
            clock=self.clock,
        )
        self.log = PredictionLog(database=self.database, monitor=self.monitor, clock=self.clock)
        self.scores = DailyScores(
            database=self.database,
            monitor=self.monitor,
            announcements=self.announcements,
            clock=self.clock,
            time_zone="UTC",
        )

    def wait(self, span: timedelta) -> None:
        self.clock.advance(span.total_seconds())

    async def follow(self, *handles: str, by: Requester = BY, channel: int = CHANNEL) -> None:
        for handle in handles:
            self.tiktok.add(handle, 1 + len(self.tiktok.people))
            await self.watchlist.add(by, handle, channel, None)

    async def had_lives(self, account_id: int, days: int, *, hour: int = 19, minutes: int = 90) -> None:
        """Let an account have been live every evening, found 20 minutes late."""
        midnight = self.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        async with self.database.write("test.past") as conn:
            await conn.execute(
                update(accounts)
                .where(accounts.c.id == account_id)
                .values(added_at=midnight - (days + 1) * DAY)
            )
            for day in range(1, days + 1):
                start = midnight - day * DAY + hour * HOUR
                await add_live(
                    conn,
                    account_id,
                    start,
                    found_at=start + 20 * MINUTE,
                    ended_at=start + minutes * MINUTE,
                )
                await add_check(conn, account_id, start - 5 * HOUR, "offline")
                await add_check(conn, account_id, start + 20 * MINUTE, "live")
        self.restart()
        await self.monitor.replan_step()


async def add_live(
    conn: Connection, account_id: int, started_at: datetime, *, found_at: datetime, ended_at: datetime
) -> None:
    """Write a live that is over."""
    await conn.execute(
        lives.insert().values(
            account_id=account_id,
            phase=Phase.ENDED,
            started_at=started_at,
            found_at=found_at,
            last_seen_at=max(found_at, ended_at),
            ended_at=ended_at,
            title="",
            cover_url="",
            peak_viewers=50,
        )
    )


async def add_check(conn: Connection, account_id: int, at: datetime, answer: str) -> None:
    """Write a discovery check that was made."""
    await conn.execute(
        requests.insert().values(
            ledger="discovery", purpose="check", account_id=account_id, asked_at=at, answer=answer
        )
    )
