"""Why the viewers of recorded lives moved: found out beside the event loop, and shown to who follows the account."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.core.requester import Requester
from bot.core.streams.findings import Findings
from bot.core.streams.influence_posts import ShownFindings
from bot.core.streams.models import RecordedLive, StreamMinute
from bot.core.streams.together import together
from bot.errors import NothingThere
from bot.services.followed import followed_account
from bot.storage import stream_findings as store
from bot.storage import stream_reading
from bot.storage.engine import Connection, Database
from bot.texts import text

_EVER = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


class StreamFindings:
    """Findings of a live that is over are stored (`bot.storage.stream_findings.keep`); of others made when asked."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def explain(self, live_id: int) -> Findings:
        """Find out now what moved the viewers of a live, beside the event loop."""
        async with self._database.read() as conn:
            rows = await stream_reading.minutes_of(conn, live_id)
        return await asyncio.to_thread(_explained, rows)

    async def of_live(self, by: Requester, which: int | str) -> ShownFindings:
        """Give the findings of a live by its id, or of the last live of a handle.

        Raises `InputRefused`; `NothingThere` where it was not recorded or the account is not followed here.
        """
        async with self._database.read() as conn:
            live = await self._live(conn, by, which)
            found = await store.of_live(conn, live.live_id)
        if found is None:
            found = await self.explain(live.live_id)
        return ShownFindings(
            handle=live.handle,
            nickname=live.nickname,
            findings=found,
            live_id=live.live_id,
            started_at=live.started_at,
        )

    async def of_account(self, by: Requester, handle: str) -> ShownFindings:
        """Give what all lives of an account together tell. Raises `InputRefused`, `NothingThere`."""
        async with self._database.read() as conn:
            account = await followed_account(conn, by.guild_id, handle)
            found = await store.of_account(conn, account.id)
        return ShownFindings(
            handle=account.handle,
            nickname=account.nickname,
            findings=together(found),
        )

    async def _live(self, conn: Connection, by: Requester, which: int | str) -> RecordedLive:
        if isinstance(which, str):
            account = await followed_account(conn, by.guild_id, which)
            until = self._clock.now() + timedelta(days=1)
            newest = await stream_reading.recorded_lives(conn, account.id, _EVER, until, most=1)
            if newest:
                return newest[0]
        else:
            live = await stream_reading.recorded_live(conn, which)
            if live is not None:
                await followed_account(conn, by.guild_id, live.handle)
                return live
        raise NothingThere(text("No recorded live is known for that."))


def _explained(rows: Sequence[StreamMinute]) -> Findings:
    from bot.core.streams.influence import explain  # noqa: PLC0415 - loading it takes long, the first time

    return explain(rows)
