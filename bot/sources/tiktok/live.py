"""TikTok as a `LiveSource`: one small GET per question, one in flight, three answers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

import aiohttp

from bot.clock import Clock
from bot.core.live.budget import ROOMS_PER_SWEEP
from bot.core.live.models import Observation, Profile, unknown
from bot.errors import SourceError, SourceUnavailable
from bot.sources.tiktok import parse
from bot.texts import text

BODY_LIMIT_BYTES = 8 * 1024 * 1024
_BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36"
)
_PARAMETERS = {"aid": "1988", "app_name": "tiktok_web", "device_platform": "web_pc", "sourceType": "54"}


class TikTokLiveSource:
    """Asks TikTok whether accounts are live. Use it as an async context manager."""

    def __init__(self, *, www_url: str, webcast_url: str, timeout_seconds: float, clock: Clock) -> None:
        self._www = www_url
        self._webcast = webcast_url
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._clock = clock
        self._one_in_flight = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            timeout=self._timeout, headers={"User-Agent": _BROWSER}, middlewares=(_only_once,)
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def check(self, handle: str) -> Observation:
        """Ask once whether `handle` is live; every trouble is the answer UNKNOWN, nothing is raised."""
        try:
            body = await self._get(f"{self._www}/api-live/user/room/", {**_PARAMETERS, "uniqueId": handle})
            return parse.read_live(body, self._clock.now())
        except SourceError as error:
            return unknown(error, self._clock.now())

    async def profile(self, handle: str) -> Profile:
        """Read the profile page of a handle or a numeric id.

        Raises `SourceUnavailable` or `SourceChanged`.
        """
        return parse.read_profile(await self._get(f"{self._www}/@{handle}", {}))

    async def rooms_alive(self, room_ids: Sequence[int]) -> Mapping[int, bool]:
        """Ask for up to `ROOMS_PER_SWEEP` rooms in one request; further ones are left out of the answer.

        Raises `SourceUnavailable` or `SourceChanged`.
        """
        asked = ",".join(str(room_id) for room_id in room_ids[:ROOMS_PER_SWEEP])
        url = f"{self._webcast}/room/check_alive/"
        return parse.read_rooms_alive(await self._get(url, {**_PARAMETERS, "room_ids": asked}))

    async def _get(self, url: str, parameters: Mapping[str, str]) -> bytes:
        if self._session is None:
            raise RuntimeError("use the source inside its async context")
        async with self._one_in_flight:
            try:
                # A redirect leads to a log-in or challenge page, and never to another host of ours.
                async with self._session.get(url, params=parameters, allow_redirects=False) as response:
                    _refuse_bad_status(response)
                    return await _read_limited(response)
            except TimeoutError:
                raise SourceUnavailable(text("TikTok did not answer in time")) from None
            except aiohttp.ClientError as error:
                raise SourceUnavailable(
                    text("TikTok cannot be reached ({kind})", kind=type(error).__name__)
                ) from None


async def _only_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending a dropped GET again by itself: the ledger has one row for one request."""
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise SourceUnavailable(
            text("TikTok cannot be reached ({kind})", kind=type(error).__name__)
        ) from None


def _refuse_bad_status(response: aiohttp.ClientResponse) -> None:
    if response.status == 200:
        return
    raise SourceUnavailable(
        text("TikTok answered with HTTP status {status}", status=response.status),
        blocked=response.status in {301, 302, 303, 307, 308, 401, 403, 429},
        retry_after_seconds=_seconds(response.headers.get("Retry-After", "")),
    )


async def _read_limited(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(65536):
        body += chunk
        if len(body) > BODY_LIMIT_BYTES:
            raise SourceUnavailable(text("TikTok's answer is far too large"))
    return bytes(body)


def _seconds(header: str) -> float | None:
    return float(header) if header.isdigit() and len(header) < 7 else None
