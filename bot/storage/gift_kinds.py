"""Statements about kinds of gifts: what is known of them, what a batch teaches, and values that become known later."""

from __future__ import annotations

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.streams.booking import GiftKind, kinds_of
from bot.core.streams.tally import Batch
from bot.storage.stream_tables import (
    gift_kinds,
)
from bot.storage.upsert import Upsert

_KINDS = select(*[gift_kinds.c[name] for name in GiftKind.__dataclass_fields__]).where(
    gift_kinds.c.gift_id.in_(bindparam("some", expanding=True))
)
_PUT = Upsert(gift_kinds, replaced=("name", "diamonds", "streakable", "seen_at"))


async def learn(conn: AsyncConnection, batch: Batch) -> dict[int, GiftKind]:
    """Keep what a batch says of kinds of gifts; gives what is known of those in it.

    Where a value becomes known, it is filled in for the gifts of all lives that had none.
    """
    some = sorted({key.gift_id for key in batch.gifts})
    if not some:
        return {}
    known = {
        row["gift_id"]: GiftKind(**row) for row in (await conn.execute(_KINDS, {"some": some})).mappings()
    }
    told = kinds_of(batch, known)
    if told:
        rows = [
            {
                "gift_id": kind.gift_id,
                "name": kind.name,
                "diamonds": kind.diamonds,
                "streakable": kind.streakable,
                "seen_at": batch.last_event_at,
            }
            for kind in told
        ]
        await conn.execute(_PUT.on(conn.dialect.name), rows)
    return known | {kind.gift_id: kind for kind in told}
