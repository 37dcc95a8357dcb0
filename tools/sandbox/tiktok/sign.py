"""The signing service: quotas a minute, an hour and a day, and the first response of a live.

The quotas are fixed windows that begin with their first request: keyless the numbers measured in public notes
(spec 1.3), with a key wide enough not to be in the way of a test that does not ask for them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from tools.sandbox.clock import WorldClock
from tools.sandbox.standin import json_response
from tools.sandbox.tiktok.messages import REPLAYED_COMMENTS, fetch_result
from tools.sandbox.tiktok.world import Room

WINDOWS = {"minute": 60, "hour": 3600, "day": 86_400}
KEYLESS = {"minute": 5, "hour": 30, "day": 100}
WITH_KEY = {"minute": 1000, "hour": 5000, "day": 25_000}
COOKIE = "ttwid=sandbox-ttwid; Path=/; Domain=.tiktok.com"
SOCKET_PATH = "/webcast/im/ws_proxy/ws_reuse_supplement/"
FALLBACK_PATH = "/ws-fallback/"
# What a fault of this kind leaves out of an otherwise good answer.
MISSING = {"no_cursor": "cursor", "no_push_server": "push_server", "no_route_params": "route_params"}
SIGN_KINDS = frozenset({"rate_limit", "rate_limit_bare", "empty", "no_cookie", "stub", *MISSING})


@dataclass(kw_only=True)
class Window:
    """One quota: at most `max` requests in `seconds` from the first on."""

    seconds: int
    max: int
    used: int = 0
    reset_at: float | None = None

    def roll(self, now: float) -> None:
        if self.reset_at is not None and now >= self.reset_at:
            self.used, self.reset_at = 0, None

    @property
    def remaining(self) -> int:
        return max(0, self.max - self.used)

    def take(self, now: float) -> None:
        self.used += 1
        self.reset_at = self.reset_at or now + self.seconds

    def as_json(self) -> dict[str, Any]:
        reset = datetime.fromtimestamp(self.reset_at, UTC).isoformat() if self.reset_at else None
        return {"max": self.max, "remaining": self.remaining, "reset_at": reset}


@dataclass(kw_only=True)
class Quota:
    """The three windows of one caller."""

    label: str
    clock: WorldClock
    windows: dict[str, Window]

    @classmethod
    def of(cls, label: str, numbers: Mapping[str, int], clock: WorldClock) -> Quota:
        windows = {name: Window(seconds=seconds, max=numbers[name]) for name, seconds in WINDOWS.items()}
        return cls(label=label, clock=clock, windows=windows)

    def set(self, name: str, *, max: int | None = None, remaining: int | None = None) -> None:  # noqa: A002
        window = self.windows[name]
        window.max = window.max if max is None else max
        if remaining is not None:
            window.used = window.max - remaining
            window.reset_at = self.clock.unix() + window.seconds

    def roll(self) -> None:
        for window in self.windows.values():
            window.roll(self.clock.unix())

    def exhausted(self) -> str | None:
        """The name of a window that is used up."""
        self.roll()
        return next((name for name, window in self.windows.items() if not window.remaining), None)

    def take(self) -> None:
        for window in self.windows.values():
            window.take(self.clock.unix())

    def headers(self) -> dict[str, str]:
        """The tightest window, with the reset as a Unix second."""
        self.roll()
        tight = min(self.windows.values(), key=lambda window: window.remaining)
        return {
            "RateLimit-Limit": str(tight.max),
            "RateLimit-Remaining": str(tight.remaining),
            "RateLimit-Reset": str(int(tight.reset_at or self.clock.unix() + tight.seconds)),
        }

    def as_json(self) -> dict[str, Any]:
        self.roll()
        return {name: window.as_json() for name, window in self.windows.items()}


class SignService:
    def __init__(self, clock: WorldClock) -> None:
        self._clock = clock
        self.keyless = Quota.of("ip", KEYLESS, clock)
        self.with_key = Quota.of("account", WITH_KEY, clock)

    def quota(self, *, has_key: bool) -> Quota:
        return self.with_key if has_key else self.keyless

    def limits(self, *, has_key: bool) -> web.Response:
        shedding = {"at": None, "chance": 0}
        return json_response(
            {"code": 200, **self.quota(has_key=has_key).as_json(), "load_shedding": shedding}
        )

    def fetch(self, room: Room | None, host: str, *, has_key: bool, fault: str | None) -> web.Response:
        """Sign a room: use up quota and give the first response, or fail as `fault` says."""
        quota = self.quota(has_key=has_key)
        if fault in ("rate_limit", "rate_limit_bare"):
            return rate_limited(quota, "minute", with_headers=fault == "rate_limit")
        if used_up := quota.exhausted():
            return rate_limited(quota, used_up, with_headers=True)
        quota.take()
        if room is None:
            return json_response({"code": 400, "message": "Invalid room_id"}, status=400)
        if fault == "empty":
            return web.Response(body=b"", headers={"X-Set-TT-Cookie": COOKIE})
        at, missing = self._clock.unix(), MISSING.get(fault or "")
        body = stub(host, at) if fault == "stub" else first_response(room, host, at=at, without=missing)
        # Sent in plain bytes, neither gzipped nor framed, unlike on the socket.
        headers = {"X-Set-TT-Cookie": COOKIE, "X-Room-Id": str(room.id), "X-Request-Id": "sandbox"}
        if fault == "no_cookie":
            del headers["X-Set-TT-Cookie"]
        return web.Response(
            body=body, headers=headers | quota.headers(), content_type="application/octet-stream"
        )


def rate_limited(quota: Quota, window: str, *, with_headers: bool) -> web.Response:
    label = f"rate_limit_{quota.label}_{window}"
    body = {"code": 429, "message": "Too many connections started.", "limit_label": label}
    headers = quota.headers() | {"RateLimit-Remaining": "0"} if with_headers else {}
    return web.Response(
        body=json.dumps(body).encode(), status=429, headers=headers, content_type="application/json"
    )


def first_response(room: Room, host: str, *, at: float, without: str | None) -> bytes:
    """The answer that opens a live: the last comments and where the socket is."""
    facts: dict[str, Any] = {
        "cursor": f"{int(at * 1000)}_7_1_1_0_0",
        "route_params": {"imprp": f"sandbox-{room.id}", "wrss": "sandbox"},
        "push_server": f"ws://{host}{SOCKET_PATH}",
    }
    if without:
        del facts[without]
    history = [message.as_history() for message in room.comments[-REPLAYED_COMMENTS:]]
    facts.setdefault("cursor", "")  # else a fresh one would be made up
    return fetch_result(history, internal_ext="first", at=at, is_first=True, need_ack=True, **facts)


def stub(host: str, at: float) -> bytes:
    """What the service gave during its outage of September 2026: a relay that refuses every socket.

    The raw user agent as a route parameter is what made clients before 7.0.1 fail already at the address.
    """
    return fetch_result(
        [],
        internal_ext="Connected through Euler Stream fallback proxy",
        at=at,
        cursor="fallback",
        route_params={"token": "sandbox", "user_agent": "Mozilla/5.0 (Sandbox; rv:1)"},
        push_server=f"ws://{host}{FALLBACK_PATH}",
        is_first=True,
    )
