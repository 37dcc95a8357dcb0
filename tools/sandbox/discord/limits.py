"""Rate limits as Discord counts them: a bucket per route, method and major parameter, and a global one.

The real sizes are not published. 5 requests per 5 s is a placeholder, 50 per second is documented.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from tools.sandbox.discord.world import now


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """`retry_after` is 0.0 for a request that may pass; `headers` go with the answer either way."""

    headers: dict[str, str]
    retry_after: float = 0.0
    everywhere: bool = False


class Limits:
    """All buckets. Switched off, it neither counts nor sends headers."""

    def __init__(self, *, enabled: bool = True, limit: int = 5, seconds: float = 5.0) -> None:
        self.enabled = enabled
        self.limit = limit
        self.seconds = seconds
        self._buckets: dict[tuple[str, ...], Bucket] = {}
        self._everywhere = Bucket(limit=50, window=timedelta(seconds=1))

    def configure(
        self, *, enabled: bool | None = None, limit: int | None = None, seconds: float | None = None
    ) -> None:
        """Change what is given and start all windows anew."""
        self.enabled = self.enabled if enabled is None else enabled
        self.limit = limit or self.limit
        self.seconds = seconds or self.seconds
        self._buckets.clear()

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
