"""REST v10: every bot request passes `Api.handle`, which records, checks, limits, answers, and breaks on order.

Faults (`tools.sandbox.standin.Fault`) apply here. Beside "status", "drop" and "hang" there are two kinds:
"rate_limit" is a 429 as Discord sends it (JSON, Via, `Retry-After` from the fault's headers, default 0.2 s;
header ``X-RateLimit-Global: true`` makes it a global one); "cloudflare" is a 429 in text without Via; "code" is
any of Discord's own errors, its number in `body`: "130000" is an overload.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import aiohttp
from aiohttp import web

from tools.sandbox.discord.compose import REQUEST_LIMIT, Body
from tools.sandbox.discord.errors import ApiError
from tools.sandbox.discord.service import Service
from tools.sandbox.discord.world import now
from tools.sandbox.standin import Fault, json_response, keep

PREFIX: Final = "/api/v10"
#: Discord's edge names itself; discord.py takes a 429 without it for a ban by Cloudflare.
VIA: Final = {"Via": "1.1 google"}
_MAJOR: Final = ("channel_id", "guild_id", "webhook_id", "webhook_token")


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request, parsed; `at` is when it had arrived, before it was judged."""

    service: Service
    at: datetime
    params: Mapping[str, str]
    query: Mapping[str, str]
    body: Body

    def id(self, name: str) -> int:
        """A path parameter as a snowflake. Raises ApiError 50035 for what is none."""
        if not self.params[name].isdecimal():
            raise ApiError(50035)
        return int(self.params[name])

    @property
    def data(self) -> Any:
        return self.body.data


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """`path` is written as in the OpenAPI file. A handler's None is 204, all else `status`.

    `token_in_path`: no bot token needed.
    """

    method: str
    path: str
    handler: Callable[[Call], Any]
    token_in_path: bool = False
    limited: bool = True
    status: int = 200


class Api:
    """Serves routes under `PREFIX`; what no route matches is 404 and a violation of kind "unimplemented"."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.invalid_requests = 0

    def add_to(self, app: web.Application, routes: list[Route]) -> None:
        for route in routes:
            app.router.add_route(route.method, PREFIX + route.path, self._handler(route))
        app.router.add_route("*", PREFIX + "/{rest:.*}", self._unimplemented)

    def _handler(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handler(request: web.Request) -> web.StreamResponse:
            return await self.handle(route, request)

        return handler

    async def handle(self, route: Route, request: web.Request) -> web.StreamResponse:
        service = self.service
        body = await read_body(request)
        at = now()
        entry = service.recorder.add(
            method=request.method,
            path=request.path,
            query=dict(request.query),
            body=body.data,
            files=[{"filename": name, "size": len(data)} for name, data in body.uploads.values()],
            status=None,
        )
        for _, data in body.uploads.values():
            keep(data)
        service.oracle.check_request(route.method, route.path, body.data, request.query)
        if service.limits.banned:
            entry["status"] = 429
            return fault_response(Fault(kind="cloudflare"))
        if fault := service.faults.take(request.method, request.path, "before"):
            return await self._fail(fault, request, entry)
        call = Call(service=service, at=at, params=request.match_info, query=request.query, body=body)
        response = self._answer(route, call, request)
        if fault := service.faults.take(request.method, request.path, "after"):
            return await self._fail(fault, request, entry)
        entry["status"] = response.status
        self._count(response)
        return response

    def _answer(self, route: Route, call: Call, request: web.Request) -> web.Response:
        verdict_headers: dict[str, str] = {}
        if route.limited:
            major = "/".join(request.match_info.get(name, "") for name in _MAJOR)
            verdict = self.service.limits.take(
                route.method, route.path, major, counts_globally=not route.token_in_path
            )
            verdict_headers = verdict.headers
            if verdict.retry_after:
                return rate_limited(verdict.retry_after, verdict_headers, everywhere=verdict.everywhere)
        try:
            self._authorise(route, request)
            answer = route.handler(call)
            status = 204 if answer is None else route.status
        except ApiError as error:
            answer, status = error.body(), error.status
            verdict_headers = verdict_headers | error.headers()
        self.service.oracle.check_response(route.method, route.path, status, answer)
        if answer is None:
            return web.Response(status=204, headers=VIA | verdict_headers)
        return json_response(answer, status=status, headers=VIA | verdict_headers)

    def _authorise(self, route: Route, request: web.Request) -> None:
        if (
            not route.token_in_path
            and request.headers.get("Authorization") != f"Bot {self.service.world.token}"
        ):
            raise ApiError(0)

    async def _fail(self, fault: Fault, request: web.Request, entry: dict[str, Any]) -> web.StreamResponse:
        """Do what the fault says; a request that hung is dropped when it is released."""
        entry["fault"] = fault.kind
        if fault.kind == "hang":
            await self.service.faults.hang()
        if fault.kind in ("hang", "drop"):
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        response = fault_response(fault)
        entry["status"] = response.status
        self._count(response)
        return response

    def _count(self, response: web.Response) -> None:
        """A 429 for a limit that others share is not the bot's fault."""
        if response.status in (401, 403, 429) and response.headers.get("X-RateLimit-Scope") != "shared":
            self.invalid_requests += 1
            self.service.limits.invalid_request()

    async def _unimplemented(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix(PREFIX)
        self.service.recorder.add(
            method=request.method, path=request.path, query=dict(request.query), status=404
        )
        self.service.oracle.record(
            "unimplemented",
            method=request.method,
            path=path,
            direction="request",
            reason="no such route here",
        )
        return json_response({"message": "404: Not Found", "code": 0}, status=404, headers=VIA)


def fault_response(fault: Fault) -> web.Response:
    """The answer of a fault of kind "status", "code", "rate_limit" or "cloudflare"."""
    if fault.kind == "cloudflare":
        return web.Response(status=429, text=fault.body or "error code: 1015", headers=fault.headers)
    if fault.kind == "code":
        error = ApiError(int(fault.body))
        if error.status == 429:
            error = ApiError(error.code, retry_after=float(fault.headers.get("Retry-After", "0.2")))
        headers = VIA | error.headers() | fault.headers
        return json_response(error.body(), status=error.status, headers=headers)
    if fault.kind == "rate_limit":
        everywhere = fault.headers.get("X-RateLimit-Global") == "true"
        return rate_limited(
            float(fault.headers.get("Retry-After", "0.2")), fault.headers, everywhere=everywhere
        )
    if fault.body:
        # From bytes: aiohttp would add a charset to application/json, which discord.py takes for text.
        headers = {"Content-Type": "text/plain; charset=utf-8"} | fault.headers
        return web.Response(status=fault.status, body=fault.body.encode(), headers=headers)
    body = {"message": f"{fault.status}: on order of a test", "code": 0}
    return json_response(body, status=fault.status, headers=VIA | fault.headers)


def rate_limited(retry_after: float, headers: Mapping[str, str], *, everywhere: bool) -> web.Response:
    """429 as Discord sends it."""
    body = {
        "message": "You are being rate limited.",
        "retry_after": round(retry_after, 3),
        "global": everywhere,
    }
    scope = {"X-RateLimit-Scope": "global" if everywhere else "user"}
    retry = {"Retry-After": f"{retry_after:.3f}"}
    return json_response(body, status=429, headers={**VIA, **scope, **retry, **headers})


async def read_body(request: web.Request) -> Body:
    """JSON, or multipart with ``payload_json`` and ``files[n]``."""
    if not request.content_type.startswith("multipart/"):
        raw = await request.read()
        return Body(data=json.loads(raw) if raw else None)
    body = Body()
    async for part in await request.multipart():
        if not isinstance(part, aiohttp.BodyPartReader):
            continue
        name = part.name or ""
        if name == "payload_json":
            body.data = json.loads(await part.text())
        elif name.startswith("files["):
            index = int(name.removeprefix("files[").removesuffix("]"))
            body.uploads[index] = (part.filename or "file", bytes(await part.read()))
    return body


#: The largest request that is read at all; what is above Discord's own limit is answered 40005.
CLIENT_MAX_SIZE: Final = 2 * REQUEST_LIMIT
