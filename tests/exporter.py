"""An exporter without a process: it hands over a small file, keeps it, or fails on order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.core.streams.export import ExportedFile, ExportOrder
from bot.errors import ExportFailed

CONTENT = b"PK an export"


@dataclass
class FakeExporter:
    """`may_end` holds exports up until it is set; `says` is told before."""

    trouble: str = ""
    size: int = len(CONTENT)
    says: tuple[int, ...] = ()
    may_end: asyncio.Event | None = None
    orders: list[ExportOrder] = field(default_factory=list)
    most_bytes: list[int] = field(default_factory=list)

    async def write(
        self, order: ExportOrder, *, most_bytes: int, told: Callable[[int], None]
    ) -> tuple[ExportedFile, ...]:
        self.orders.append(order)
        self.most_bytes.append(most_bytes)
        for rows in self.says:
            told(rows)
        if self.may_end is not None:
            await self.may_end.wait()
        if self.trouble:
            raise ExportFailed(self.trouble)
        name = f"{order.name}.{order.format.value}"
        if self.size > most_bytes:
            return (ExportedFile(name=name, size=self.size, place=f"data/exports/{name}"),)
        return (ExportedFile(name=name, size=self.size, content=CONTENT),)

    async def forget_old(self) -> int:
        return 0
