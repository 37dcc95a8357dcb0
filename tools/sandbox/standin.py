"""What every stand-in shares: how it starts, what it records, how faults are queued.

A stand-in is started as ``python -m tools.sandbox.<name> [--port N] [--clock FILE]``. When it is ready it prints
one line of JSON on standard output, for example ``{"ready": true, "base": "http://127.0.0.1:4711"}``,
and it stops on SIGTERM, SIGINT or when its standard input reaches end of file (its parent died).

The control API is plain HTTP and JSON below ``/_control``; an answer of 400 says what was wrong:

====== ======================= ====================================================================
GET    /_control/requests      what the stand-in was asked, oldest first, the latest 10,000; `n` counts from 1
                               [?after=N]: only what came after that number
DELETE /_control/requests      forget what was recorded
GET    /_control/faults        the queue: what has not come true yet, `times` counted down
POST   /_control/faults        queue a `Fault` (its fields as JSON); answers the queue
DELETE /_control/faults        forget queued faults and release requests that hang
====== ======================= ====================================================================

Each stand-in adds commands of its own, listed in its module docstring. It answers on loopback only, and only who
asks it by a name of its own: a page in a browser, led here by a name that was made to point here, is refused.

With ``SANDBOX_EVIDENCE=<folder>`` a stand-in also keeps there, in ``<name>-<process>.asked``, all that reaches
it: the head of each HTTP request, what it records, uploaded files. Who looks for leaked secrets searches them.
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import json
import os
import re
import signal
import sys
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from tools.sandbox.clock import WorldClock

LOOPBACK = "127.0.0.1"
KEPT = 10_000
"""So many entries a recorder keeps: a sandbox may run for days."""
_OWN = re.compile(r"(https?://)?(127\.0\.0\.1|localhost)(:\d+)?")
_PLAYED = re.compile(r"(https?://)?([\w-]+\.)*tiktok(cdn(-\w+)?)?\.com(:443)?")
"""Whom a stand-in plays, reached through its proxy."""


@dataclass(kw_only=True)
class Fault:
    """One thing that goes wrong, for the next `times` requests whose path matches.

    ``when`` is "before" (nothing happened at the service) or "after" (it was committed, the answer is bad).
    ``kind`` is "status" (answer `status` with `body` and `headers`), "drop" (close the socket without an
    answer), "hang" (answer nothing until the fault is deleted), or a kind the stand-in documents.
    """

    kind: str = "status"
    status: int = 500
    when: str = "before"
    method: str = ".*"
    path: str = ".*"
    times: int = 1
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def matches(self, method: str, path: str) -> bool:
        return bool(re.fullmatch(self.method, method) and re.search(self.path, path))


class Faults:
    """The queue of faults: `take` returns the first that matches and counts it down."""

    def __init__(self) -> None:
        self.queue: list[Fault] = []
        self.released = asyncio.Event()

    def add(self, raw: Mapping[str, Any]) -> None:
        names = {f.name for f in dataclasses.fields(Fault)}
        unknown = sorted(set(raw) - names)
        if unknown:
            raise ValueError(f"unknown fields {unknown}; known are {sorted(names)}")
        self.queue.append(Fault(**raw))

    def take(self, method: str, path: str, when: str) -> Fault | None:
        for fault in self.queue:
            if fault.when == when and fault.matches(method, path):
                fault.times -= 1
                if fault.times <= 0:
                    self.queue.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        self.queue.clear()
        self.released.set()
        self.released = asyncio.Event()

    async def hang(self) -> None:
        await self.released.wait()


class Recorder:
    """What the stand-in was asked lately; `n` and `at` (the world's Unix seconds) beside what the caller gives."""

    def __init__(self, clock: WorldClock | None = None) -> None:
        self._clock = clock or WorldClock(None)
        self.entries: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._numbers = itertools.count(1)

    def add(self, **entry: Any) -> dict[str, Any]:
        entry["n"] = next(self._numbers)
        entry["at"] = self._clock.unix()
        self.entries.append(entry)
        keep(json.dumps(entry, default=str).encode())
        return entry


def keep(data: bytes) -> None:
    """Add to the evidence, if somebody wants it."""
    if folder := os.environ.get("SANDBOX_EVIDENCE"):
        name = Path(sys.argv[0]).parent.name
        with (Path(folder) / f"{name}-{os.getpid()}.asked").open("ab") as file:
            file.write(data + b"\n")


def json_response(data: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """JSON with the exact content type real services send (no charset: discord.py compares it literally)."""
    return web.Response(
        body=json.dumps(data).encode(),
        status=status,
        headers={**(headers or {}), "Content-Type": "application/json"},
    )


def add_control(app: web.Application, recorder: Recorder, faults: Faults) -> None:
    """Add the part of the control API that all stand-ins share."""

    async def get_requests(request: web.Request) -> web.Response:
        after = int(request.query.get("after", "0"))
        kept = list(recorder.entries)  # at once: a thread may add to it meanwhile
        return json_response([entry for entry in kept if entry["n"] > after])

    async def delete_requests(_: web.Request) -> web.Response:
        recorder.entries.clear()
        return json_response([])

    async def get_faults(_: web.Request) -> web.Response:
        return json_response([dataclasses.asdict(fault) for fault in faults.queue])

    async def post_fault(request: web.Request) -> web.Response:
        faults.add(await request.json())
        return await get_faults(request)

    async def delete_faults(_: web.Request) -> web.Response:
        faults.clear()
        return json_response([])

    async def release_hanging(_: web.Application) -> None:
        faults.clear()  # a request that hangs would keep the server from stopping

    app.on_shutdown.append(release_hanging)
    app.router.add_get("/_control/requests", get_requests)
    app.router.add_delete("/_control/requests", delete_requests)
    app.router.add_get("/_control/faults", get_faults)
    app.router.add_post("/_control/faults", post_fault)
    app.router.add_delete("/_control/faults", delete_faults)


@web.middleware
async def control_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Turn a wrong control command into 400 with the reason, so that a test fails with words."""
    try:
        return await handler(request)
    except (ValueError, TypeError, KeyError) as error:
        if not request.path.startswith("/_control"):
            raise
        return json_response({"error": f"{type(error).__name__}: {error}"}, status=400)


@web.middleware
async def _keep_head(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    if not request.path.startswith("/_control"):
        head = [f"{request.method} {request.path_qs}", *(f"{k}: {v}" for k, v in request.headers.items())]
        keep("\n".join(head).encode())
    return await handler(request)


@web.middleware
async def _from_this_machine(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Refuse what a foreign page has a browser ask; the control API is for no page at all."""
    host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
    if request.path.startswith("/_control"):
        is_own = _OWN.fullmatch(host) is not None and origin is None
    else:
        is_own = all(_OWN.fullmatch(name) or _PLAYED.fullmatch(name) for name in (host, origin or LOOPBACK))
    if not is_own:
        return json_response({"error": f"only for this machine, not for {origin or host}"}, status=403)
    return await handler(request)


async def start_http(app: web.Application, port: int) -> tuple[web.AppRunner, int]:
    """Serve `app` on loopback; port 0 takes a free one. Returns the runner and the port."""
    app.middlewares[:0] = [_keep_head, _from_this_machine]
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, LOOPBACK, port)
    await site.start()
    return runner, int(runner.addresses[0][1])


def announce(**facts: Any) -> None:
    """Print the line that tells the parent this stand-in is ready, and where."""
    print(json.dumps({"ready": True, **facts}), flush=True)


async def until_stopped(hear: Callable[[str], None] | None = None) -> None:
    """Wait for SIGTERM, SIGINT or the end of standard input; `hear` gets its lines."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in ("SIGTERM", "SIGINT"):
        try:
            loop.add_signal_handler(getattr(signal, name), stop.set)
        except NotImplementedError:  # Windows has no signal handlers on its loop
            signal.signal(getattr(signal, name), lambda *_: loop.call_soon_threadsafe(stop.set))

    def read_to_end() -> None:
        # Not through sys.stdin: a thread that waits inside its buffer makes Python abort on SIGTERM.
        rest = b""
        while read := os.read(0, 4096):
            *lines, rest = (rest + read).split(b"\n")
            if hear is not None:
                for line in lines:
                    loop.call_soon_threadsafe(hear, line.decode())
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=read_to_end, daemon=True).start()
    await stop.wait()
