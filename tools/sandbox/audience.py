"""Those who watch the sandbox's live: they come, write, tap and give; after a gift more of them come."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from tools.sandbox.processes import StandIn

PEOPLE = ("ana", "budi", "citra", "dewi", "eko", "farah", "gita", "hadi", "intan", "joko")
COMMENTS = ("halo!", "hi from Paris", "keren 🔥", "first time here", "semangat kak", "what song is this?")
GIFTS = ("Rose", "Finger Heart", "Perfume", "Doughnut")
TICK_SECONDS = 1.0
GIFT_DRAWS = 12  # so many viewers a gift brings


async def watch(tiktok: StandIn, handle: str, seconds: float, viewers: int, luck: random.Random) -> None:
    """Send what an audience does for so long, one bundle of events a second."""
    for tick in range(int(seconds / TICK_SECONDS)):
        events = _events(luck)
        given = sum(event["kind"] == "gift" for event in events)
        viewers = max(1, viewers + luck.randrange(-3, 5) + GIFT_DRAWS * given)
        if tick % 5 == 0:
            events.append({"kind": "viewers", "count": viewers})
        await tiktok.control("PATCH", f"accounts/{handle}", {"viewers": viewers})
        await tiktok.control("POST", f"rooms/{handle}/events", {"events": events, "together": True})
        await asyncio.sleep(TICK_SECONDS)  # noqa: TID251 - the stand-ins are the outside world


def _events(luck: random.Random) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = [{"kind": "like", "count": luck.randrange(1, 15)}]
    if luck.random() < 0.6:
        events.append({"kind": "comment", "text": luck.choice(COMMENTS)})
    if luck.random() < 0.2:
        events.append({"kind": "gift", "gift": luck.choice(GIFTS), "count": luck.choice((1, 1, 3, 5))})
    if luck.random() < 0.3:
        events.append({"kind": "join"})
    if luck.random() < 0.05:
        events.append({"kind": luck.choice(("follow", "share"))})
    return [{**event, "user": luck.choice(PEOPLE)} for event in events]
