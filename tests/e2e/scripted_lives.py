"""A live played by a script, which keeps its own account of what was said: the recording must come to the same.

What is asked for twice (a duplicate, a replay, a streak from its start) is booked once. The account knows nothing of
how anything is recorded: each line of a script adds what a person who watched would add.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tools.sandbox.processes import StandIn
from tools.sandbox.scene import until

VALUES = {"Rose": 1, "GG": 1, "Finger Heart": 5, "Perfume": 20, "Cap": 99, "Galaxy": 1000, "Lion": 29_999}
COUNTS = (
    "comments",
    "likes",
    "gifts",
    "diamonds",
    "guest_gifts",
    "guest_diamonds",
    "follows",
    "shares",
    "joins",
    "subscriptions",
    "commenters",
    "gifters",
    "estimated_diamonds",
    "unvalued_gifts",
    "dropped_joins",
)
"""What a script and a recording both count, by the names of the columns."""


class ScriptedLive:
    """One account's live. Lines of the script wait until `send`."""

    def __init__(self, tiktok: StandIn, handle: str) -> None:
        self.handle = handle
        self.counts: Counter[str] = Counter()
        self.diamonds_of: Counter[str] = Counter()
        self.peak_viewers: int | None = None
        self._tiktok = tiktok
        self._waiting: list[dict[str, Any]] = []
        self._commenters: set[str] = set()
        self._steps: dict[int, int] = {}
        self._groups = 0
        self._earlier = 0
        self.host_id = 0

    # Lines.

    def comment(self, user: str, text: str = "hello") -> None:
        self._say("comment", user=user, text=text)
        self.counts["comments"] += 1
        self._commenters.add(user)

    def like(self, user: str, count: int) -> None:
        self._say("like", user=user, count=count)
        self.counts["likes"] += count

    def viewers(self, count: int) -> None:
        self._say("viewers", count=count)
        self.peak_viewers = max(count, self.peak_viewers or 0)

    def person(self, kind: str, user: str) -> None:
        """Follow, share, join or subscribe, each person once."""
        self._say(kind, user=user)
        self.counts[{"subscribe": "subscriptions"}.get(kind, f"{kind}s")] += 1

    def gift(self, user: str, gift: str, count: int = 1, **more: Any) -> int:
        """A gift, or a streak from its first piece to its end; gives the group."""
        return self.streak(user, gift, range(1, count + 1), end=True, **more)

    def streak(
        self,
        user: str,
        gift: str,
        steps: Sequence[int],
        *,
        group: int = 0,
        to: str = "",
        end: bool = False,
        described: bool = True,
        valued: bool = True,
    ) -> int:
        """Some messages of a streak, the others lost; with its `group` it goes on, wherever it was.

        One that is not `described` may still be `valued`: its kind was described at another time.
        """
        if not group:
            self._groups += 1
            group = 7_000_000_000_000_000_000 + self._groups
        self._say(
            "gift",
            user=user,
            gift=gift,
            count=len(steps),
            steps=list(steps) if VALUES[gift] < 1000 else None,
            end=end,
            group_id=group,
            to_user={"handle": to, "id": self.host_id} if to == self.handle else to or None,
            described=described,
        )
        more = max(0, max(steps) - self._steps.get(group, 0))
        self._steps[group] = max(*steps, self._steps.get(group, 0))
        to_guest = to not in {"", self.handle}
        side = "guest_" if to_guest else ""
        worth = VALUES[gift] if valued else 0
        self.counts[f"{side}gifts"] += more
        self.counts[f"{side}diamonds"] += more * worth
        self.counts["unvalued_gifts"] += 0 if valued else more
        if more and not to_guest:
            self.diamonds_of[user] += more * worth
        return group

    def learned(self, user: str, gift: str) -> None:
        """Know by now what a gift to the host, not valued when it was given, is worth."""
        self.counts["diamonds"] += VALUES[gift]
        self.counts["unvalued_gifts"] -= 1
        self.diamonds_of[user] += VALUES[gift]

    def _say(self, kind: str, **values: Any) -> None:
        self._waiting.append(
            {"kind": kind, **{name: value for name, value in values.items() if value is not None}}
        )

    # What is done with them.

    async def create(self) -> None:
        self._earlier = len(await self._tiktok.control("GET", "sockets"))
        self.host_id = int((await self._tiktok.control("POST", "accounts", {"handle": self.handle}))["id"])

    async def sockets(self) -> list[dict[str, Any]]:
        """Give the connections to this live so far."""
        sockets = (await self._tiktok.control("GET", "sockets"))[self._earlier :]
        return [socket for socket in sockets if socket["handle"] == self.handle]

    async def is_watched(self, connections: int = 1) -> bool:
        """Tell whether the recorder is in the room, for the so many-th time in this live."""
        mine = await self.sockets()
        return len(mine) >= connections and mine[-1]["entered"] and mine[-1]["open"]

    async def go_live(self) -> int:
        """Begin a broadcast, or go on in a new room; gives the room."""
        shown = await self._tiktok.control("POST", f"accounts/{self.handle}/live", {"viewers": 3})
        self.peak_viewers = max(3, self.peak_viewers or 0)
        return int(shown["room_id"])

    async def send(self, **how: Any) -> None:
        """Send the lines so far, one frame each; `how` is as the stand-in has it (together, copies, compress)."""
        events, self._waiting = self._waiting, []
        await self._tiktok.control("POST", f"rooms/{self.handle}/events", {"events": events, **how})

    async def connection(self, **order: Any) -> None:
        await self._tiktok.control("POST", f"rooms/{self.handle}/sockets", order)

    async def end(self) -> None:
        await self._tiktok.control("POST", f"accounts/{self.handle}/end", {})

    async def watched(self, connections: int = 1) -> None:
        """Wait until the recorder is in the room."""
        what = f"@{self.handle} was watched, {connections} times"
        await until(lambda: self.is_watched(connections), what)

    async def heard(self) -> None:
        """Wait until every frame that was sent is acknowledged."""

        async def acknowledged() -> bool:
            last = (await self.sockets())[-1]
            return len(last["acked"]) >= len(last["sent"])

        await until(acknowledged, f"@{self.handle}'s frames were acknowledged")

    def expected(self) -> dict[str, int]:
        """Give what the recording must have come to."""
        unique = {"commenters": len(self._commenters), "gifters": len(self.diamonds_of)}
        return {name: unique.get(name, self.counts[name]) for name in COUNTS}
