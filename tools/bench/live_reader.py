"""What reads a flood, for `tools.bench.live`: the client of TikTokLive alone, or the recorder with its database.

Run as a process of its own: ``python -m tools.bench.live_reader library|recorder BASE FOLDER EVENTS ROOMS ...`` (the
flood's arguments); it prints one line of JSON: seconds, seconds of the processor, what was counted, memory on the way.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from TikTokLive import TikTokLiveClient
from TikTokLive.events import (
    CommentEvent,
    GiftEvent,
    JoinEvent,
    LikeEvent,
    RoomUserSeqEvent,
    ShareEvent,
)

from bot.clock import SystemClock
from bot.core.live.models import Person, ProfileState
from bot.core.live.transitions import Live, Phase
from bot.core.streams.events import StreamEvent
from bot.ports import Ending, SignLimit
from bot.services.stream_recorder import StreamRecorder
from bot.sources.tiktok.decoding import warm_up
from bot.sources.tiktok.stream import TikTokStreamSource
from bot.storage import live as store
from bot.storage import recordings
from bot.storage.engine import Database, sqlite_url
from bot.storage.migrate import upgrade
from bot.storage.stream_reading import recorded_live
from tools.bench.flood import FIRST_ROOM, Flood

READ = (CommentEvent, GiftEvent, JoinEvent, LikeEvent, RoomUserSeqEvent, ShareEvent)
COUNTED = ("joins", "likes", "comments", "gifts", "diamonds", "shares", "dropped_joins")


async def library(base: str, folder: Path, flood: Flood) -> dict[str, Any]:
    """Read one room with the library's client and handlers that only count."""
    del folder
    client = TikTokLiveClient(
        unique_id="@flood", web_kwargs={"signer_kwargs": {"sign_api_base": base, "sign_api_key": "bench"}}
    )
    counted: Counter[str] = Counter()
    began, took = _now(), _since(_now())

    def count(_event: object) -> None:
        nonlocal began, took
        if not counted["events"]:
            began = _now()
        counted["events"] += 1
        if counted["events"] == flood.events:
            took = _since(began)  # closing the connection takes it seconds

    for kind in READ:
        client.add_listener(kind, count)
    warm_up()  # what the first messages of each kind cost is not what is compared
    await (await client.start(room_id=FIRST_ROOM, fetch_live_check=False))
    return took | {"counted": dict(counted), "expected": {"events": flood.events}}


async def recorder(base: str, folder: Path, flood: Flood) -> dict[str, Any]:
    """Read all rooms with the recorder of the bot, into a database on disk."""
    clock, live_ids = SystemClock(), []
    url = sqlite_url(folder / "live.db")
    await upgrade(url, folder, clock.now(), keep=1)
    database = Database.open(url)
    async with database.write("bench.live") as conn:
        for room in range(flood.rooms):
            person = Person(platform_id=room + 1, handle=f"flood{room}")
            account = await store.add_account(conn, person, ProfileState.ACTIVE, clock.now())
            now, rooms = clock.now(), (FIRST_ROOM + room,)
            live = Live(phase=Phase.ON, room_ids=rooms, started_at=now, found_at=now, last_seen_at=now)
            live_ids.append(await store.add_live(conn, account.id, live))
            await recordings.start(conn, live_ids[-1], account.id, FIRST_ROOM + room, clock.now())
    turn = asyncio.Lock()
    plain = TikTokStreamSource(
        sign_api_url=base, sign_api_key="bench", timeout_seconds=60, clock=clock, turn=turn
    )
    async with plain as source:
        watched = _Watched(source, flood)
        one = StreamRecorder(
            database=database, source=watched, clock=clock, holder="bench", chance=lambda: 0.0, turn=turn
        )
        running = asyncio.create_task(one.run())
        await watched.all_ended.wait()
        running.cancel()
        await asyncio.wait({running})
        await one.close()
        took = _since(watched.began)
    sums: Counter[str] = Counter()
    async with database.read() as conn:
        for live_id in live_ids:
            kept = await recorded_live(conn, live_id)
            sums.update({name: getattr(kept, name) for name in COUNTED})
    await database.close()
    expected = flood.totals()
    return took | {
        "counted": dict(sums),
        "expected": {name: expected[name] for name in COUNTED},
        "memory_mb": watched.memory,
    }


class _Watched:
    """A source that says when all rooms have ended, and measures the memory after each third of the events."""

    def __init__(self, source: TikTokStreamSource, flood: Flood) -> None:
        self.all_ended = asyncio.Event()
        self.began = _now()
        self.memory: list[float] = []
        self._source = source
        self._rooms = flood.rooms
        self._third = flood.events // 3
        self._taken = 0

    async def sign_limits(self) -> tuple[SignLimit, ...]:
        return await self._source.sign_limits()

    async def watch(
        self,
        room_id: int,
        handle: str,
        take: Callable[[StreamEvent], None],
        *,
        host_id: int | None = None,
        silent_after: float = 60.0,
    ) -> Ending:
        def taken(event: StreamEvent) -> None:
            if not self._taken:
                self.began = _now()
            self._taken += 1
            if self._taken % self._third == 0:
                self.memory.append(_memory_mb())
            take(event)

        ending = await self._source.watch(room_id, handle, taken, host_id=host_id, silent_after=silent_after)
        self._rooms -= ending is Ending.LIVE_ENDED
        if not self._rooms:
            self.all_ended.set()
        return ending


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _since(began: tuple[float, float]) -> dict[str, Any]:
    return {"seconds": time.perf_counter() - began[0], "processor": time.process_time() - began[1]}


def _memory_mb() -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
    return int(found.group(1)) / 1024 if found else float("nan")


READERS: dict[str, Callable[[str, Path, Flood], Awaitable[dict[str, Any]]]] = {
    "library": library,
    "recorder": recorder,
}


async def main() -> None:
    """Read what the command line names."""
    kind, base, folder, *numbers = sys.argv[1:]
    events, rooms, size, per_frame = (int(one) for one in numbers)
    flood = Flood(events=events, rooms=rooms, size=size, per_frame=per_frame)
    print(json.dumps(await READERS[kind](base, Path(folder), flood)))


if __name__ == "__main__":
    asyncio.run(main())
