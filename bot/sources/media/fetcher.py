"""Fetches pictures whose links come from outside, so that no link can do harm.

Only https, only TikTok's hosts (again after each redirect), only addresses of the public internet, only pictures of
a few types, none above a size, all within a time. The address that was looked at is the one that is connected to;
through a proxy it is the proxy that looks addresses up.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from types import TracebackType
from typing import Self
from urllib.parse import urljoin

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from bot.core.posts.pictures import LARGEST_BYTES, Picture, host_of, type_of
from bot.errors import SourceChanged, SourceUnavailable
from bot.texts import text

TIMEOUT_SECONDS = 20.0
"""For all of a picture, with its redirects."""
_MOST_REDIRECTS = 3
_ENOUGH_TO_TELL = 12  # bytes, for `type_of`
_PART_BYTES = 65536
_REDIRECTS = frozenset([301, 302, 303, 307, 308])
_NEVER_AGAIN = frozenset([400, 401, 403, 404, 410, 451])
_HEADERS = {"Accept": "image/webp,image/jpeg,image/png,image/gif", "Accept-Encoding": "identity"}
_TRANSLATED = IPv6Network("64:ff9b::/96")  # IPv4 as a network without it sees it


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """For tests: a server on this machine that stands for TikTok's, with its own names, addresses and authority."""

    resolver: AbstractResolver
    trust: ssl.SSLContext
    addresses: frozenset[str] = frozenset()


class MediaFetcher:
    """A `bot.ports.PictureSource`, through an HTTP `proxy` where one is given. Use it as an async context manager."""

    def __init__(
        self,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        most_bytes: int = LARGEST_BYTES,
        neighbour: Neighbour | None = None,
        proxy: str = "",
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._most_bytes = most_bytes
        self._neighbour = neighbour
        self._proxy = proxy
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        near = self._neighbour
        # The admin's own proxy may stand in a private network, and no other name is looked up then.
        resolver = aiohttp.ThreadedResolver() if self._proxy else _guarded(near)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=resolver, ssl=near.trust if near else True),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=_HEADERS,
            auto_decompress=False,  # a few bytes may unpack to gigabytes
            timeout=aiohttp.ClientTimeout(total=None),  # `fetch` has one for all requests of a picture
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def fetch(self, url: str) -> Picture:
        """Fetch a picture. Raises `SourceUnavailable` where another try may help, else `SourceChanged`."""
        if self._session is None:
            raise RuntimeError("use the source inside its async context")
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._follow(self._session, url)
        except TimeoutError:
            raise SourceUnavailable(text("the picture did not come in time")) from None
        except aiohttp.ClientError as error:
            raise SourceUnavailable(
                text("the picture cannot be fetched ({kind})", kind=type(error).__name__)
            ) from None

    async def _follow(self, session: aiohttp.ClientSession, url: str) -> Picture:
        for _ in range(_MOST_REDIRECTS + 1):
            async with session.get(
                _checked(url), allow_redirects=False, proxy=self._proxy or None
            ) as response:
                if response.status not in _REDIRECTS:
                    return await self._read(response)
                url = urljoin(url, response.headers.get("Location", ""))
        raise SourceChanged(text("the picture's link leads from one to the next without end"))

    async def _read(self, response: aiohttp.ClientResponse) -> Picture:
        _refuse_by_head(response)
        if (response.content_length or 0) > self._most_bytes:
            raise _too_large(self._most_bytes)
        body = bytearray()
        async for part in response.content.iter_chunked(_PART_BYTES):
            body += part
            if len(body) > self._most_bytes:
                raise _too_large(self._most_bytes)
            if len(body) >= _ENOUGH_TO_TELL and type_of(bytes(body[:_ENOUGH_TO_TELL])) is None:
                break
        media_type = type_of(bytes(body[:_ENOUGH_TO_TELL]))
        if media_type is None:
            raise SourceChanged(text("what came is no picture of a known type"))
        return Picture(content=bytes(body), media_type=media_type)


def _guarded(near: Neighbour | None) -> AbstractResolver:
    return _PublicOnly(near.resolver, near.addresses) if near else _PublicOnly(aiohttp.ThreadedResolver())


class _PublicOnly(AbstractResolver):
    """Looks names up, and refuses one that leads into a private network, wholly or in part."""

    def __init__(self, resolver: AbstractResolver, allowed: frozenset[str] = frozenset()) -> None:
        self._resolver = resolver
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Give the addresses of a host. Raises `SourceChanged` and OSError."""
        found = await self._resolver.resolve(host, port, family)
        if not all(one["host"] in self._allowed or is_public(one["host"]) for one in found):
            raise SourceChanged(text("the picture's host has an address in a private network"))
        return found

    async def close(self) -> None:
        """Close the resolver."""
        await self._resolver.close()


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the public internet; one that another is packed in is not, but by NAT64."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address):
        if parsed in _TRANSLATED:
            parsed = IPv4Address(int(parsed) & 0xFFFF_FFFF)
        elif parsed.ipv4_mapped or parsed.sixtofour or parsed.teredo:
            return False
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


def _checked(url: str) -> URL:
    """Give a link that may be asked for, to the letter as it was looked at. Raises `SourceChanged`."""
    host = host_of(url)
    parsed = None if host is None else URL(url, encoded=True)
    if parsed is None or (parsed.scheme, parsed.host, parsed.port, parsed.user) != ("https", host, 443, None):
        raise SourceChanged(text("the picture's link does not lead to a host of TikTok"))
    return parsed


def _refuse_by_head(response: aiohttp.ClientResponse) -> None:
    """Raise for an answer whose head tells already that it is not a picture as it was asked for."""
    status = response.status
    if status in _NEVER_AGAIN:
        raise SourceChanged(
            text("the picture's link does not work any more (HTTP status {status})", status=status)
        )
    if status != 200:
        raise SourceUnavailable(text("HTTP status {status} instead of the picture", status=status))
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise SourceChanged(text("the picture was packed, though it was to come as it is"))
    is_chunked = "chunked" in response.headers.get("Transfer-Encoding", "").lower()
    if response.content_length is None and not is_chunked:  # nobody could tell that half of it is missing
        raise SourceChanged(text("the picture came without its length"))


def _too_large(most_bytes: int) -> SourceChanged:
    return SourceChanged(text("the picture is larger than {bytes} bytes", bytes=most_bytes))
