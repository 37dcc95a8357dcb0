"""What simple policies remember of each account: since when it is followed, its zone, its last lives."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from bot.core.live.history import Ended, Event, Followed, Forgotten, Found
from bot.core.live.past_lives import PastLive, zone_named


@dataclass(slots=True)
class History:
    """One account: `starts` are those of all lives found, in order, and `lives` those that have ended too."""

    followed_at: datetime | None = None
    zone: tzinfo = UTC
    starts: list[datetime] = field(default_factory=list)
    ends: dict[datetime, datetime] = field(default_factory=dict)

    def starts_in(self, since: datetime, until: datetime) -> list[datetime]:
        """Give the starts of `since` <= start < `until`, in order."""
        return self.starts[bisect_left(self.starts, since) : bisect_left(self.starts, until)]


class Histories:
    """The histories of all accounts, from the events of `bot.core.live.history`, kept for `memory`."""

    def __init__(self, memory: timedelta) -> None:
        self._memory = memory
        self._accounts: dict[int, History] = {}

    def __getitem__(self, account_id: int) -> History:
        """Give the history of an account, an empty one where nothing is known of it."""
        return self._accounts.get(account_id) or History()

    def learn(self, event: Event) -> None:
        """Take in an event; a live told twice is one, a later end of it replaces the earlier."""
        if isinstance(event, Forgotten):
            self._accounts.pop(event.account_id, None)
            return
        history = self._accounts.setdefault(event.account_id, History())
        if isinstance(event, Followed):
            history.followed_at = (
                event.at if history.followed_at is None else min(history.followed_at, event.at)
            )
            history.zone = zone_named(event.zone)
        elif isinstance(event, Found):
            self._begin(history, event.started_at)
        elif isinstance(event, Ended):
            self._begin(history, event.started_at)
            if event.ended_at > event.started_at:
                history.ends[event.started_at] = event.ended_at

    def lives(self, account_id: int, since: datetime, until: datetime) -> list[PastLive]:
        """Give the lives that have ended, of `since` <= start and end <= `until`, in order."""
        history = self[account_id]
        ended = [(start, history.ends.get(start)) for start in history.starts_in(since, until)]
        return [
            PastLive(account_id=account_id, started_at=start, ended_at=end)
            for start, end in ended
            if end is not None and end <= until
        ]

    def _begin(self, history: History, started_at: datetime) -> None:
        place = bisect_left(history.starts, started_at)
        if history.starts[place : place + 1] != [started_at]:
            insort(history.starts, started_at)
        # Memory is counted from the last live: after a long silence the old habits are all there is.
        oldest = history.starts[-1] - self._memory
        for old in history.starts[: bisect_left(history.starts, oldest)]:
            history.ends.pop(old, None)
        del history.starts[: bisect_left(history.starts, oldest)]
