"""Requests that discord.py must not repeat by itself, because Discord would do a second time what it did already.

After a 500, 502, 504 or 524 discord.py asks again. A message has a nonce by which Discord knows it again; a post in
a forum has none, so it is looked for before it is tried again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import SimpleNamespace

import aiohttp

_is_asked_once: ContextVar[bool] = ContextVar("is_asked_once", default=False)
_IN_TROUBLE = 500


class UnclearAnswer(aiohttp.ClientError):
    """Discord was in trouble: nobody knows whether it has done what it was asked."""


@contextmanager
def asked_once() -> Iterator[None]:
    """Let what is requested here fail with `UnclearAnswer` where discord.py would ask again."""
    token = _is_asked_once.set(True)
    try:
        yield
    finally:
        _is_asked_once.reset(token)


def request_trace() -> aiohttp.TraceConfig:
    """Give what makes `asked_once` work in the session of a client."""
    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(_look_at)
    return trace


async def _look_at(
    _session: aiohttp.ClientSession, _context: SimpleNamespace, ended: aiohttp.TraceRequestEndParams
) -> None:
    if _is_asked_once.get() and ended.response.status >= _IN_TROUBLE:
        ended.response.close()
        raise UnclearAnswer(f"{ended.response.status} {ended.response.reason}")
