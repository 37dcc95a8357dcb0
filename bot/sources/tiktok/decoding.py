"""Decoding with the library's classes, and what has to be done first so that it works (spec 1.4.9).

Its classes finish themselves at their first use, by the names they find where they are used. Inside the library's own
``parse(cls, data)`` the name `data` is the bytes: a viewer with a fan club, or a gift with a scheme, is then an
AttributeError for ever. And the first class a message is decoded as decides what its user is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from betterproto2 import Message
from TikTokLive.events.proto_events import EVENT_MAPPINGS
from TikTokLive.proto import ProtoMessageFetchResult, WebcastPushFrame

from bot.sources.tiktok.events import TRANSLATORS

_From = TypeVar("_From")
_T = TypeVar("_T")


class Unreadable(ValueError):
    """Something from the wire that is not what it should be; the text is the kind of error only."""


def decoded(read: Callable[[_From], _T], raw: _From) -> _T:
    """Read something from the wire. Raises `Unreadable`, whatever the decoder raises."""
    try:
        return read(raw)
    except Exception as error:  # noqa: BLE001 - nothing that the wire brings may end a connection
        # The text of such an error quotes what people wrote, and its traceback holds it.
        raise Unreadable(type(error).__name__) from None


@cache
def warm_up() -> None:
    """Finish every class that a message of ours can hold, once in this process, before any byte is decoded."""
    waiting: list[Any] = [EVENT_MAPPINGS[method] for method in TRANSLATORS]
    waiting += [WebcastPushFrame, ProtoMessageFetchResult]
    seen = set(waiting)
    for kind in waiting:  # grows while it is read: the events first, then what they hold
        fields = kind()._betterproto.cls_by_field  # noqa: SLF001 - the library tells it nowhere else
        held = {held for held in fields.values() if isinstance(held, type) and issubclass(held, Message)}
        waiting += held - seen
        seen |= held
