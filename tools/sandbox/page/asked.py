"""What the bot has asked of each stand-in: how often, in the world's last hour too, and what last."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tools.sandbox.page.status import Stage, Status

LATEST = 12
HOUR_SECONDS = 3600.0
LOOK_SECONDS = 1.0
ZONE = ZoneInfo("Asia/Jakarta")
"""Where the people of this world live; the page shows the same."""
#: Frames, channels and handshakes of a connection that is told of already.
SILENT = frozenset(
    {"ack", "hb", "ping", "text", "im_enter_room", "closed", "auth", "channel", "close", "end"}
)


class Tally:
    """Of one stand-in. `last` is the number of the latest entry that was counted or left aside."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.last = 0
        self._total = 0
        self._hour: deque[float] = deque()
        self._latest: deque[dict[str, Any]] = deque(maxlen=LATEST)

    def count(self, entries: Iterable[dict[str, Any]]) -> None:
        """Count entries of a recorder, oldest first."""
        for entry in entries:
            self.last = entry["n"]
            if entry.get("op") not in SILENT and entry.get("kind") != "connect":
                self._total += 1
                self._hour.append(entry["at"])
                self._forget(entry["at"])
                self._latest.appendleft(entry)

    def shown(self, now: float) -> dict[str, Any]:
        """Give it for the panel; `now` is the world's Unix time."""
        self._forget(now)
        latest = [told(entry) for entry in self._latest]
        return {"name": self.name, "total": self._total, "last_hour": len(self._hour), "latest": latest}

    def _forget(self, now: float) -> None:
        while self._hour and self._hour[0] <= now - HOUR_SECONDS:
            self._hour.popleft()


def told(entry: dict[str, Any]) -> str:
    """Say in a line what was asked, with the world's local time."""
    at = datetime.fromtimestamp(entry["at"], UTC).astimezone(ZONE)
    if "op" in entry:
        parts = [entry.get("kind", ""), entry["op"], entry.get("path", "")]
    else:
        named = (str(entry.get("query", {}).get(name, "")) for name in ("uniqueId", "unique_id", "handle"))
        path = str(entry.get("path", "")).removeprefix("/api/v10")
        parts = [entry.get("method", "GET"), path, *named]
        if entry.get("status"):
            parts.append(f"→ {entry['status']}")
    return " ".join([f"{at:%H:%M}", *(part for part in parts if part)])


class Asked:
    """All four."""

    def __init__(self, status: Status) -> None:
        self._status = status
        self._tallies = {
            "discord": Tally("Discord"),
            "tiktok": Tally("TikTok"),
            "gameserver": Tally("Game server"),
            "scrapecreators": Tally("ScrapeCreators"),
        }

    async def look(self, stage: Stage) -> None:
        """Count what is new."""
        for place, tally in self._tallies.items():
            tally.count(await getattr(stage, place).control("GET", f"requests?after={tally.last}"))

    def shown(self) -> list[dict[str, Any]]:
        now = self._status.clock.unix()
        return [tally.shown(now) for tally in self._tallies.values()]
