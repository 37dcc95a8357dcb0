"""The signing service: one request a connection, within limits it tells itself (specs/tiktok-live.md 1.3).

The library makes the request, over an HTTP client of ours: with a time limit, with TLS verified, and with every
refusal read before the library does (its own reading of a 429 without headers is a TypeError).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookies import CookieError
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from TikTokLive.client.errors import SignAPIError
from TikTokLive.client.web.routes.fetch_signed_websocket import WebcastPlatform
from TikTokLive.client.web.web_client import TikTokWebClient

from bot.clock import Clock
from bot.errors import SourceChanged, SourceUnavailable
from bot.ports import SignLimit
from bot.texts import text

_T = TypeVar("_T")
BODY_LIMIT_BYTES = 8 * 1024 * 1024
WINDOWS = {"minute": 60.0, "hour": 3600.0, "day": 86_400.0}
"""The windows of the service with their length in seconds."""
LONGEST_GUESS_SECONDS = 3600.0
"""Where a refusal does not say until when it holds, it is asked again after this at the latest."""
# What the library raises for an answer that is none of the service.
_UNREADABLE = (
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    EOFError,
    RecursionError,
    CookieError,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Signed:
    """What opens one connection, once and for about 30 s. Cookies and addresses in it are secrets."""

    first: Any  # the library's ProtoMessageFetchResult
    cookies: httpx.Cookies
    user_agent: str


class SignClient:
    """Asks the signing service. Use it as an async context manager."""

    def __init__(self, *, url: str, key: str | None, timeout_seconds: float, clock: Clock) -> None:
        self._url = url
        # What is packed could grow without a limit once it is unpacked.
        self._headers = {"Accept-Encoding": "identity", **({"X-Api-Key": key} if key else {})}
        self._timeout = timeout_seconds
        self._clock = clock
        self._http: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        self._tls = httpx.create_ssl_context()
        self._http = httpx.AsyncClient(
            base_url=self._url,
            headers=self._headers,
            timeout=self._timeout,
            verify=self._tls,
            follow_redirects=False,  # the key goes to no other host
            event_hooks={"response": [self._refuse_bad_answers]},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._http is not None:
            await self._http.aclose()

    async def sign(self, room_id: int) -> Signed:
        """Have one connection to a room signed. Raises `SourceUnavailable` or `SourceChanged`."""
        # A client each: cookies of one connection are not another's. It asks TikTok for nothing itself.
        web = TikTokWebClient(httpx_kwargs={"verify": self._tls}, signer_kwargs={"sign_api_base": self._url})
        web.signer.sdk_client.set_async_httpx_client(self._open())
        web.params["room_id"] = str(room_id)
        try:
            first = await self._asked(web.fetch_signed_websocket(WebcastPlatform.WEB))
        except SignAPIError as error:
            # Its text may hold the answer, its traceback the request.
            raise SourceUnavailable(
                text("the signing service gave no answer to use ({kind})", kind=error.reason.name)
            ) from None
        except _UNREADABLE:
            raise SourceChanged(text("the signing service's answer cannot be read")) from None
        finally:
            await web.close()
        return Signed(first=first, cookies=web.cookies, user_agent=str(web.headers["User-Agent"]))

    async def limits(self) -> tuple[SignLimit, ...]:
        """Ask what is left; it costs nothing. Raises `SourceUnavailable` or `SourceChanged`."""
        response = await self._asked(self._open().get("/webcast/rate_limits"))
        try:
            return read_limits(response.content)
        except _UNREADABLE:
            raise SourceChanged(text("the signing service's limits cannot be read")) from None

    def _open(self) -> httpx.AsyncClient:
        if self._http is None:
            raise RuntimeError("use the signing service inside its async context")
        return self._http

    async def _asked(self, asking: Awaitable[_T]) -> _T:
        try:
            async with asyncio.timeout(self._timeout):
                return await asking
        except (TimeoutError, httpx.TimeoutException):
            raise SourceUnavailable(text("the signing service did not answer in time")) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SourceUnavailable(
                text("the signing service cannot be reached ({kind})", kind=type(error).__name__)
            ) from None

    async def _refuse_bad_answers(self, response: httpx.Response) -> None:
        response.stream = _Limited(response.stream)
        if response.status_code == 200:
            return
        if response.status_code == 429:
            wait = retry_after(response.headers, await response.aread(), self._clock.now())
            raise SourceUnavailable(text("the signing service's limit is used up"), retry_after_seconds=wait)
        raise SourceUnavailable(
            text("the signing service answered with HTTP status {status}", status=response.status_code)
        )


class _Limited(httpx.AsyncByteStream):
    """A body that is given up where it grows beyond `BODY_LIMIT_BYTES`."""

    def __init__(self, body: Any) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._body:
            size += len(chunk)
            if size > BODY_LIMIT_BYTES:
                raise SourceUnavailable(text("the signing service's answer is far too large"))
            yield chunk

    async def aclose(self) -> None:
        await self._body.aclose()


def retry_after(headers: Mapping[str, str], body: bytes, now: datetime) -> float:
    """Give how many seconds to wait after a 429: as its headers say, else by the window that its text names.

    `RateLimit-Reset` is a Unix second; a small number is the seconds left, as the standard has it.
    """
    reset, wait = _seconds(headers.get("RateLimit-Reset")), _seconds(headers.get("Retry-After"))
    if reset is not None and reset > WINDOWS["day"]:
        reset -= now.timestamp()
    told = [seconds for seconds in (reset, wait) if seconds is not None and 0 < seconds <= WINDOWS["day"]]
    named = [seconds for name, seconds in WINDOWS.items() if f"_{name}".encode() in body[:2000]]
    if told:
        return min([max(told), *named])  # the headers may be of another window than the one that is used up
    return min(named[0] if named else WINDOWS["minute"], LONGEST_GUESS_SECONDS)


def read_limits(body: bytes) -> tuple[SignLimit, ...]:
    """Read the answer of ``/webcast/rate_limits``, shortest window first. Raises ValueError without any."""
    data = json.loads(body)
    found = [_limit(name, data[name]) for name in WINDOWS if isinstance(data.get(name), dict)]
    limits = tuple(limit for limit in found if limit is not None)
    if not limits:
        raise ValueError("no window is told")
    return limits


def _limit(name: str, window: Mapping[str, Any]) -> SignLimit | None:
    most, remaining = window.get("max"), window.get("remaining")
    if not isinstance(most, int) or not isinstance(remaining, int) or most < 1:
        return None  # a window that allows nothing at all is none
    return SignLimit(
        window=name,
        most=max(0, most),
        remaining=max(0, remaining),
        resets_at=_instant(window.get("reset_at")),
    )


def _instant(value: object) -> datetime | None:
    """Read an instant: ISO 8601, or a Unix second or millisecond."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return None
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    if not isinstance(value, bool) and isinstance(value, int | float) and 0 < value < 2**43:
        return datetime.fromtimestamp(value / 1000 if value >= 2**33 else value, UTC)
    return None


def _seconds(header: str | None) -> float | None:
    return float(header) if header and header.isdecimal() and len(header) < 12 else None
