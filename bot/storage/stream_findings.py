"""Statements about what was found out of recorded lives."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.streams.findings import Findings
from bot.storage.stream_tables import recordings, stream_findings
from bot.storage.tables import lives
from bot.storage.upsert import insert_for

_OF_LIVE = select(stream_findings.c.findings).where(stream_findings.c.live_id == bindparam("live_id"))
_OF_ACCOUNT = (
    select(stream_findings.c.findings)
    .join(recordings, recordings.c.live_id == stream_findings.c.live_id)
    .join(lives, lives.c.id == stream_findings.c.live_id)
    .where(recordings.c.account_id == bindparam("account_id"))
    .order_by(lives.c.started_at.desc(), lives.c.id.desc())
    .limit(bindparam("most"))
)


async def keep(conn: AsyncConnection, live_id: int, findings: Findings, now: datetime) -> None:
    """Store what was found out about a live; a live that went on and ended again is found out about anew."""
    values = {"live_id": live_id, "found_at": now, "findings": findings.to_json()}
    statement = insert_for(conn, stream_findings).values(values)
    await conn.execute(
        statement.on_conflict_do_update(
            index_elements=[stream_findings.c.live_id],
            set_={name: statement.excluded[name] for name in ("found_at", "findings")},
        )
    )


async def of_live(conn: AsyncConnection, live_id: int) -> Findings | None:
    """Read what was found out about a live; None before it is over."""
    found = (await conn.execute(_OF_LIVE, {"live_id": live_id})).scalar()
    return None if found is None else Findings.from_json(found)


async def of_account(conn: AsyncConnection, account_id: int, *, most: int = 200) -> tuple[Findings, ...]:
    """Read what was found out about the lives of an account, the newest first."""
    rows = await conn.execute(_OF_ACCOUNT, {"account_id": account_id, "most": most})
    return tuple(Findings.from_json(found) for found in rows.scalars())
