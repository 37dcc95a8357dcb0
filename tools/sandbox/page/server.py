"""Serves the sandbox's page, and lets it ask and order what a person can: nothing else, and nobody else.

On loopback only. A foreign Host header (a name that was made to point here) and a foreign Origin (another page
in the same browser) are refused. Everything is of this one origin: attachments and pictures come through here.

====== ======================== =========================================================================
GET    /                        `static/index.html`; the other files of `static/` beside it
GET    /api/state               {clock: {instant: ISO 8601, speed}, bot: preparing|starting|online|offline,
                                preparing: what is being done or null, trouble: why the bot is offline or null,
                                guild, users, commands, me: [names to be], tour: bool, n: the last event in this state}
GET    /api/events[?after=N]    Server-Sent Events: those of Discord's feed after N (`id:` is their `n`), and without
                                an id {kind: "clock", clock}, {kind: "bot", state, text}, {kind: "tour", step,
                                caption, channel?, user?}; the latest of each is told again at the start
*      /api/discord/...         what `PASSED_ON` names, as the control API of the Discord stand-in answers it
*      /api/panel[/...]         see `tools.sandbox.page.panel`
GET    /attachments/...         an upload to Discord
GET    /pictures/...            a picture of TikTok's
====== ======================== =========================================================================

What is refused is answered with 4xx and {"error": text}.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from tools.sandbox.page.panel import Panel
from tools.sandbox.page.status import Status
from tools.sandbox.standin import LOOPBACK, json_response
from tools.sandbox.tiktok.posts import PICTURES

STATIC = Path(__file__).with_name("static")
PORT = 8700
PORTS_TRIED = 20
LAST_PORT = 65535 - PORTS_TRIED
"""The last to begin with."""
ME = ("admin", "member")
KEEP_ALIVE_SECONDS = 10.0
FEED_WAIT_SECONDS = 20
LARGEST_REQUEST = 2 * 1024 * 1024
"""Bytes: a file of the largest size that the composer allows is a third longer in base64."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
#: Said here and not left to the machine: Windows' registry may call a script plain text.
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".md": "text/plain; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}
SHOWN_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
#: What of the Discord stand-in's control API a person may use: method and path.
PASSED_ON = (
    ("GET", r"messages"),
    ("GET", r"commands"),
    ("GET", r"interactions/[0-9]+"),
    ("POST", r"command|autocomplete|component|modal|messages"),
    ("PATCH", r"users/[^/]+"),
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PageServer:
    """The handlers. `port` is known once it is served."""

    def __init__(self, status: Status, panel: Panel) -> None:
        self.status = status
        self.panel = panel
        self.port = 0
        self._session: aiohttp.ClientSession | None = None

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._only_this_page, refusals], client_max_size=LARGEST_REQUEST)
        app.on_response_prepare.append(_add_headers)
        app.router.add_get("/api/state", self.state)
        app.router.add_get("/api/events", self.events)
        app.router.add_route("*", "/api/discord/{path:.+}", self.discord)
        self.panel.add_to(app)
        app.router.add_get("/attachments/{channel:[0-9]+}/{file:[0-9]+}/{name}", self.attachment)
        app.router.add_get("/pictures/{kind:[a-z]+}/{number:[0-9]+}.png", self.picture)
        app.router.add_get("/{path:.*}", serve_static)
        return app

    @web.middleware
    async def _only_this_page(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        own = {f"{name}:{self.port}" for name in (LOOPBACK, "localhost")}
        origin = request.headers.get("Origin")
        if request.headers.get("Host") not in own:
            return json_response({"error": f"this is {LOOPBACK}:{self.port}"}, status=403)
        if origin is not None and origin.removeprefix("http://") not in own:
            return json_response({"error": "only the sandbox's own page may ask"}, status=403)
        return await handler(request)

    @asynccontextmanager
    async def served(self, port: int) -> AsyncIterator[str]:
        """Serve on `port` or the next free one; gives the address."""
        runner = web.AppRunner(
            self.application(), access_log=None, shutdown_timeout=0.5, handler_cancellation=True
        )
        await runner.setup()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as self._session:
            try:
                self.port = await _listen(runner, port)
                yield f"http://{LOOPBACK}:{self.port}"
            finally:
                await runner.cleanup()

    async def state(self, _: web.Request) -> web.Response:
        discord = await self.status.discord()
        there = await discord.control("GET", "state")
        told = self.status
        return self._json(
            {
                "clock": told.clock_now()["clock"],
                "bot": told.bot,
                "preparing": told.preparing,
                "trouble": told.trouble,
                "guild": there["guilds"][0],
                "users": there["users"],
                "commands": there["commands"],
                "me": ME,
                "tour": told.tour,
                "n": there["last_event"],
            }
        )

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Tell what happens until the page is closed."""
        after = int(request.headers.get("Last-Event-ID") or request.query.get("after") or 0)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        with self.status.bus.listening() as queue:
            for entry in self.status.now():
                queue.put_nowait(entry)
            feed = asyncio.create_task(self._follow_discord(queue, after))
            try:
                while not feed.done():
                    await response.write(self._event(await self._next(queue)))
            finally:
                feed.cancel()
                # Discord's stand-in may have ended just before.
                with contextlib.suppress(asyncio.CancelledError, aiohttp.ClientError):
                    await feed
        return response

    async def _next(self, queue: asyncio.Queue[dict[str, Any]]) -> dict[str, Any]:
        """Give what is told next; from time to time the clock, which also finds out whether somebody is there."""
        try:
            async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                return await queue.get()
        except TimeoutError:
            return self.status.clock_now()

    async def _follow_discord(self, queue: asyncio.Queue[dict[str, Any]], after: int) -> None:
        discord = await self.status.discord()
        while True:
            for entry in await discord.control("GET", f"events?after={after}&wait={FEED_WAIT_SECONDS}"):
                after = entry["n"]
                queue.put_nowait(entry)

    def _event(self, entry: dict[str, Any]) -> bytes:
        number = f"id: {entry['n']}\n" if "n" in entry else ""
        return f"{number}data: {self._of_this_origin(json.dumps(entry))}\n\n".encode()

    async def discord(self, request: web.Request) -> web.StreamResponse:
        """Pass on what a person does in Discord's client, and the answer."""
        path = request.match_info["path"]
        if not any(request.method == method and re.fullmatch(known, path) for method, known in PASSED_ON):
            return json_response({"error": f"no {request.method} {path} here"}, status=404)
        body = await request.json() if request.can_read_body else None
        base = (await self.status.discord()).facts["base"]
        url = f"{base}/_control/{path}?{request.query_string}"
        async with self._asking.request(request.method, url, json=body) as answer:
            data = await answer.json()
        if answer.status != HTTPStatus.OK:
            data = {"error": re.sub(r"^\w+Error: ", "", data["error"])}  # its class is for tests
        return self._json(data, status=answer.status)

    async def attachment(self, request: web.Request) -> web.StreamResponse:
        discord, asked = await self.status.discord(), request.match_info
        # The name is for people and may hold anything, "../" too: the number says which file it is.
        path = f"attachments/{asked['channel']}/{asked['file']}/file"
        return await self._fetched(f"{discord.facts['base']}/{path}")

    async def picture(self, request: web.Request) -> web.StreamResponse:
        stage, asked = await self.status.on_stage(), request.match_info
        path = f"obj/{asked['kind']}/{asked['number']}.png"
        return await self._fetched(f"{stage.tiktok.facts['base']}/{path}")

    async def _fetched(self, url: str) -> web.Response:
        """Give a file as it was uploaded; only a picture is shown, anything else is downloaded."""
        async with self._asking.get(url) as answer:
            kind = answer.content_type
            shown = {} if kind in SHOWN_PICTURES else {"Content-Disposition": "attachment"}
            return web.Response(
                body=await answer.read(), status=answer.status, content_type=kind, headers=shown
            )

    @property
    def _asking(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the page is not served yet")
        return self._session

    def _json(self, data: Any, *, status: int = 200) -> web.Response:
        text = self._of_this_origin(json.dumps(data))
        return web.Response(text=text, status=status, content_type="application/json")

    def _of_this_origin(self, text: str) -> str:
        """Let addresses of pictures lead through here: the page may ask nobody else."""
        stage = self.status.stage
        if stage is None:
            return text
        text = text.replace(f"{stage.discord.facts['base']}/attachments/", "/attachments/")
        for base in (stage.tiktok.facts["base"], PICTURES):
            text = text.replace(f"{base}/obj/", "/pictures/")
        return text


async def _listen(runner: web.AppRunner, port: int) -> int:
    """Listen on `port`, or the first free one after it; 0 is any."""
    for tried in range(port, port + PORTS_TRIED):
        try:
            await web.TCPSite(runner, LOOPBACK, tried).start()
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
        else:
            return int(runner.addresses[0][1])
    raise OSError(f"the ports {port} to {port + PORTS_TRIED - 1} are all taken; choose one with --port")


@web.middleware
async def refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what cannot be done into 400 with the reason."""
    try:
        return await handler(request)
    except (ValueError, TypeError, KeyError) as error:
        return json_response({"error": str(error)}, status=400)


async def serve_static(request: web.Request) -> web.StreamResponse:
    """A file of the page; the browser asks each time whether it is still the same."""
    file = (STATIC / (request.match_info["path"] or "index.html")).resolve()
    kind = TYPES.get(file.suffix)
    if kind is None or not file.is_relative_to(STATIC.resolve()) or not file.is_file():
        return json_response({"error": f"no file {request.path}"}, status=404)
    return web.FileResponse(file, headers={"Content-Type": kind})


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers.setdefault("Cache-Control", "no-cache")
