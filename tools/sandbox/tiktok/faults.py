"""What can go wrong with a request, beside what every stand-in offers.

================ =========================================================================================
status           as in `standin`: 429 with ``headers: {"Retry-After": "120"}`` or without, 403, 302, 500;
                 on the socket's path 200 or 400 refuse the handshake (``Handshake-Msg`` says why)
drop, hang       as in `standin`; a request that hung is answered as usual once the faults are deleted
delay            answered as usual after `body` milliseconds
half             answered as usual, but the connection ends in the middle of the body
repeat           the listing of posts: the first page, whatever the cursor
waf              200 with the page "Please wait..."
not_json         200 with some other page
rate_limit       sign: 429 with the RateLimit headers; ``rate_limit_bare``: without them
empty            sign: 200 without a body
no_cookie        sign: the header X-Set-TT-Cookie is missing
no_cursor        sign: a field of the response is missing; also ``no_push_server``, ``no_route_params``
stub             sign: the fallback stub of September 2026; its socket refuses with 400
================ =========================================================================================

`path` is searched in the decoded path with its query, so ``^/api-live.*uniqueId=anna`` hits one account.
The kinds of the signing service need no path.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from tools.sandbox.standin import Fault, Faults
from tools.sandbox.tiktok import answers
from tools.sandbox.tiktok.sign import SIGN_KINDS

PAGES = {"waf": answers.WAF_PAGE, "not_json": answers.OTHER_PAGE}
KINDS = {"status", "drop", "hang", "delay", "half", "repeat", *PAGES, *SIGN_KINDS}
SIGN_PATH = "^/webcast/fetch"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class TikTokFaults(Faults):
    def add(self, raw: Mapping[str, Any]) -> None:
        kind = raw.get("kind", "status")
        if kind not in KINDS:
            raise ValueError(f"no fault {kind!r}; there are {sorted(KINDS)}")
        super().add({"path": SIGN_PATH, **raw} if kind in SIGN_KINDS else raw)

    async def before(self, fault: Fault, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a request that goes wrong before TikTok did anything."""
        if fault.kind in SIGN_KINDS:
            request["sign_fault"] = fault.kind
            return await handler(request)
        if fault.kind in ("hang", "delay"):
            await self._wait(fault)
            return await handler(request)
        if fault.kind == "repeat":
            request["repeats"] = True
            return await handler(request)
        if fault.kind == "half":
            return await half_of(await handler(request), request)
        return self.bad_answer(fault, request)

    async def after(
        self, fault: Fault, request: web.Request, response: web.StreamResponse
    ) -> web.StreamResponse:
        """Spoil the answer to a request that TikTok has carried out."""
        if fault.kind in ("hang", "delay"):
            await self._wait(fault)
            return response
        return self.bad_answer(fault, request)

    async def _wait(self, fault: Fault) -> None:
        if fault.kind == "hang":
            await self.hang()
        else:
            await asyncio.sleep(float(fault.body) / 1000)  # noqa: TID251 - a stand-in lives in real time

    def bad_answer(self, fault: Fault, request: web.Request) -> web.Response:
        if fault.kind in PAGES:
            return web.Response(text=PAGES[fault.kind], content_type="text/html")
        if fault.kind == "drop" and request.transport is not None:
            request.transport.close()
        return web.Response(status=fault.status, text=fault.body, headers=fault.headers)


async def half_of(response: web.StreamResponse, request: web.Request) -> web.StreamResponse:
    """Send the first half of an answer and let the connection end."""
    body = response.body if isinstance(response, web.Response) else b""
    whole = body if isinstance(body, bytes) else b""
    half = web.StreamResponse(
        headers={"Content-Type": response.content_type, "Content-Length": str(len(whole))}
    )
    await half.prepare(request)
    await half.write(whole[: len(whole) // 2])
    if request.transport is not None:
        request.transport.close()
    return half
