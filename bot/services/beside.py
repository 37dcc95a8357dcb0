"""Work that goes through years of rounds is done beside the event loop; a little is done at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

MANY = 1000
"""So many names, rounds or players are gone through in some milliseconds."""


async def beside(count: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do pure work that goes through `count` things; more than `MANY` in a thread."""
    return work(*args, **kwargs) if count <= MANY else await asyncio.to_thread(work, *args, **kwargs)
