"""Rate limits as Discord counts them: a bucket per route, method and major parameter, and a global one.

These go by the machine's time. What is counted by the age of a message or by the day, an `Allowance`, goes by
the world's: at 600 times the speed a bot lives through an hour of them in six seconds.

The real sizes are not published, apart from 50 per second, 200 new commands per day and 10,000 invalid
requests in 10 minutes; the others are placeholders. 10 published messages per hour and 3 edits of old ones in
20 s are what people report.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tools.sandbox.clock import WorldClock
from tools.sandbox.discord.errors import ApiError
from tools.sandbox.discord.world import now

#: So many in so many of the world's seconds.
OLD_EDITS: Final = (3, 20)
PUBLISHING: Final = (10, 3600)


@dataclass(kw_only=True, slots=True)
class Bucket:
    """A fixed window that starts with its first request."""

    limit: int
    window: timedelta
    used: int = 0
    resets_at: datetime | None = None

    def take(self, at: datetime) -> float:
        """Count one request; 0.0, or the seconds to wait when the bucket is empty."""
        if self.resets_at is None or at >= self.resets_at:
            self.resets_at, self.used = at + self.window, 0
        if self.used >= self.limit:
            return (self.resets_at - at).total_seconds()
        self.used += 1
        return 0.0


class Allowance:
    """So many in so many of the world's seconds, for each key; more is refused with `code`."""

    def __init__(self, code: int, *, limit: int, seconds: float) -> None:
        self._code, self._limit, self._window = code, limit, timedelta(seconds=seconds)
        self._used: dict[object, Bucket] = {}

    def take(self, key: object, clock: WorldClock) -> None:
        """Raises ApiError, with the machine's seconds to wait, when nothing is left."""
        bucket = self._used.setdefault(key, Bucket(limit=self._limit, window=self._window))
        if wait := bucket.take(clock.now()):
            raise ApiError(self._code, retry_after=wait / clock.speed)

    def change(self, limit: int, seconds: float) -> None:
        """Begin anew with other numbers; with a limit of 0 nothing is let through."""
        self._limit, self._window = limit, timedelta(seconds=seconds)
        self.clear()

    def clear(self) -> None:
        self._used.clear()


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """`retry_after` is 0.0 for a request that may pass; `headers` go with the answer either way."""

    headers: dict[str, str]
    retry_after: float = 0.0
    everywhere: bool = False


class Limits:
    """All buckets. Switched off, it neither counts nor sends headers; the allowances hold nevertheless."""

    def __init__(self, *, enabled: bool = True, limit: int = 5, seconds: float = 5.0) -> None:
        self.enabled = enabled
        self.limit = limit
        self.seconds = seconds
        self._buckets: dict[tuple[str, ...], Bucket] = {}
        self._everywhere = Bucket(limit=50, window=timedelta(seconds=1))
        self._invalid = Bucket(limit=10_000, window=timedelta(minutes=10))
        self.old_edits = Allowance(30046, limit=OLD_EDITS[0], seconds=OLD_EDITS[1])
        self.publishing = Allowance(20028, limit=PUBLISHING[0], seconds=PUBLISHING[1])
        self.new_commands = Allowance(30034, limit=200, seconds=86_400)

    def configure(
        self,
        *,
        enabled: bool | None = None,
        limit: int | None = None,
        seconds: float | None = None,
        invalid: int | None = None,
        old_edits: tuple[int, float] | None = None,
        publishing: tuple[int, float] | None = None,
    ) -> None:
        """Change what is given and start all windows anew; `invalid` requests are a ban.

        `old_edits` and `publishing` are so many in so many of the world's seconds.
        """
        self.enabled = self.enabled if enabled is None else enabled
        self.limit = limit or self.limit
        self.seconds = seconds or self.seconds
        self._buckets.clear()
        self._everywhere.resets_at = None
        self._invalid = Bucket(limit=invalid or self._invalid.limit, window=self._invalid.window)
        for allowance in (self.old_edits, self.publishing, self.new_commands):
            allowance.clear()
        if old_edits is not None:
            self.old_edits.change(*old_edits)
        if publishing is not None:
            self.publishing.change(*publishing)

    def invalid_request(self) -> None:
        """Count an answer of 401, 403 or 429."""
        self._invalid.take(now())

    @property
    def banned(self) -> bool:
        """Has the bot asked for so much it may not have that Cloudflare keeps it out?"""
        resets_at = self._invalid.resets_at
        return resets_at is not None and now() < resets_at and self._invalid.used >= self._invalid.limit

    def take(self, method: str, template: str, major: str, *, counts_globally: bool) -> Verdict:
        if not self.enabled:
            return Verdict(headers={})
        at = now()
        if counts_globally and (wait := self._everywhere.take(at)):
            return Verdict(headers={"X-RateLimit-Global": "true"}, retry_after=wait, everywhere=True)
        window = timedelta(seconds=self.seconds)
        bucket = self._buckets.setdefault((method, template, major), Bucket(limit=self.limit, window=window))
        wait = bucket.take(at)
        return Verdict(headers=_headers(f"{method} {template}", bucket, at), retry_after=wait)


def _headers(route: str, bucket: Bucket, at: datetime) -> dict[str, str]:
    resets_at = bucket.resets_at or at
    return {
        "X-RateLimit-Limit": str(bucket.limit),
        "X-RateLimit-Remaining": str(bucket.limit - bucket.used),
        "X-RateLimit-Reset": f"{resets_at.timestamp():.3f}",
        "X-RateLimit-Reset-After": f"{(resets_at - at).total_seconds():.3f}",
        "X-RateLimit-Bucket": hashlib.sha256(route.encode()).hexdigest()[:32],
    }
