"""The process in which yt-dlp lists the posts of one profile: ``python -m bot.sources.tiktok.listing_child``.

It is started by `bot.sources.tiktok.listing` and speaks in lines of JSON. The first on its standard input says what
to do: ``{"url", "proxy", "ca_file", "timeout_seconds"}``; each further line allows one request. Its end means that
nobody wants more, or that the bot is gone: the process ends at once, whatever it does. On its standard output:

======================================= =============================================================
``{"asks": address}``                   wants to send a request, and waits until it may
``{"profile": {code, user, stats}}``    what the profile page said; ``{"challenge": true}`` where it said nothing
``{"listed": {code, count, user,        what a page of the listing said, apart from its posts
stats}}``
``{"posts": [entry, ...]}``             the posts of that page, as yt-dlp gives them
``{"end": true}``                       there are no more
``{"failed": {...}}``                   status, retry_after: an answer that refuses; network: no answer;
                                        content: yt-dlp could not read an answer; bug: a traceback
======================================= =============================================================

Nothing of the bot is imported here, and nothing of yt-dlp in the bot: it takes 40 MB.
"""

from __future__ import annotations

import io
import json
import os
import queue
import re
import signal
import sys
import threading
import traceback
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

LARGEST_ANSWER = 16 * 1024 * 1024
PAGE, LISTING, LOG_IN = "/@", "/api/creator/item_list/", "/login"
NICENESS = 10  # what people wait for in Discord comes first
USER_FIELDS = ("id", "uniqueId", "secUid", "nickname", "avatarLarger", "privateAccount")
ENTRY_FIELDS = (
    *("id", "timestamp", "title", "description", "duration", "thumbnails"),
    *("view_count", "like_count", "comment_count", "repost_count", "save_count"),
)
_DATA = re.compile(rb'<script[^>]+\bid="__UNIVERSAL_DATA_FOR_REHYDRATION__"[^>]*>(.*?)</script>', re.DOTALL)
_CHALLENGE = re.compile(rb"Please wait\.\.\.|waf-aiso|captcha", re.IGNORECASE)


class Stopped(Exception):
    """A request failed, which was told; yt-dlp shall not go on with others."""


class Parent:
    """The pipes to whoever started this process."""

    def __init__(self) -> None:
        self._allowed: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
        sys.stdout = sys.stderr  # what a library prints is no line of ours
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        """Read what comes, in a thread, so that the end is noticed during a request as well."""
        # Not through sys.stdin: a thread that waits inside its buffer makes Python abort when it ends.
        rest = b""
        while data := os.read(0, 65536):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self._allowed.put(line)
        os._exit(0)

    def hear(self) -> bytes:
        """Wait for the next line."""
        return self._allowed.get()

    def tell(self, **line: Any) -> None:
        """Send a line."""
        self._out.write(json.dumps(line).encode() + b"\n")
        self._out.flush()


class Gathered:
    """The posts of the page that is being read; told as soon as yt-dlp goes on behind it."""

    def __init__(self, parent: Parent) -> None:
        self._parent = parent
        self._entries: list[Mapping[str, Any]] = []
        self.is_open = False

    def add(self, entry: Mapping[str, Any]) -> None:
        """Take a post."""
        self._entries.append({name: entry.get(name) for name in ENTRY_FIELDS})

    def tell(self) -> None:
        """Tell the page, if one was read."""
        if self.is_open:
            self._parent.tell(posts=self._entries)
        self._entries, self.is_open = [], False


def of_page(body: bytes, path: str) -> dict[str, Any]:
    """Read what a profile page says of the profile, or whether it is a challenge, or at `path` the log-in, instead."""
    match = _DATA.search(body)
    try:
        scope = json.loads(match[1])["__DEFAULT_SCOPE__"] if match else {}
    except (ValueError, KeyError, TypeError):
        scope = {}
    detail = scope.get("webapp.user-detail") if isinstance(scope, dict) else None
    if not isinstance(detail, dict):
        return {"challenge": path == LOG_IN or bool(_CHALLENGE.search(body))}
    info = detail.get("userInfo")
    info = info if isinstance(info, dict) else {}
    return {
        "code": detail.get("statusCode", 0),
        "user": _picked(info.get("user")),
        # Only this one holds counts that do not fit into 32 bits.
        "stats": info.get("statsV2") or info.get("stats"),
    }


def of_listing(body: bytes) -> dict[str, Any]:
    """Read what a page of the listing says beside its posts; yt-dlp reads those."""
    try:
        answer = json.loads(body)
        items = answer.get("itemList") or []
        first = next((item for item in items if isinstance(item, dict)), {})
    except (ValueError, AttributeError, TypeError):
        return {"code": None, "count": None}
    return {
        "code": answer.get("statusCode", 0),
        "count": len(items),
        "user": _picked(first.get("author")),
        "stats": first.get("authorStatsV2") or first.get("authorStats"),
    }


def _picked(user: object) -> dict[str, Any]:
    return {name: user.get(name) for name in USER_FIELDS} if isinstance(user, dict) else {}


def _downloader(parent: Parent, gathered: Gathered, order: Mapping[str, Any]) -> Any:
    """Give a yt-dlp that asks before every request, and tells of every answer."""
    from yt_dlp import YoutubeDL  # noqa: PLC0415 - it reads the environment, which must be made before
    from yt_dlp.networking import Request, Response  # noqa: PLC0415
    from yt_dlp.networking.exceptions import HTTPError, IncompleteRead, RequestError  # noqa: PLC0415

    class Downloader(YoutubeDL):  # type: ignore[misc]
        def urlopen(self, req: Request) -> Response:
            gathered.tell()
            path = urlsplit(req.url).path
            parent.tell(asks=path)
            parent.hear()
            try:
                response = super().urlopen(req)
                body = response.read(LARGEST_ANSWER)
                if len(body) < _announced(response.headers):
                    raise IncompleteRead(partial=len(body))
            except HTTPError as error:
                later = error.response.headers.get("Retry-After")
                parent.tell(failed={"status": error.status, "retry_after": later, "path": path})
                raise Stopped from error
            except RequestError as error:
                parent.tell(failed={"network": type(error).__name__, "path": path})
                raise Stopped from error
            self._tell_of(path, body, response.url)
            return Response(
                io.BytesIO(body), response.url, response.headers, response.status, None, response.extensions
            )

        def _tell_of(self, path: str, body: bytes, final_url: str) -> None:
            if path == LISTING:
                parent.tell(listed=of_listing(body))
                gathered.is_open = True
            elif path.startswith(PAGE) and path.count("/") == 1:
                parent.tell(profile=of_page(body, urlsplit(final_url).path))

    return Downloader(
        {
            "quiet": True,
            "logger": _Silent(),
            "cachedir": False,
            "socket_timeout": order["timeout_seconds"],
            **({"proxy": order["proxy"]} if order["proxy"] else {}),
            **({"compat_opts": {"no-certifi"}} if os.environ.get("SSL_CERT_FILE") else {}),
        }
    )


def _announced(headers: Mapping[str, str]) -> int:
    """Give how many bytes an answer was to have; 0 where that does not say how many can be read."""
    length = headers.get("Content-Length") or ""
    return int(length) if length.isdigit() and not headers.get("Content-Encoding") else 0


class _Silent:
    """Takes what yt-dlp would print: what matters of it is told in lines."""

    def debug(self, message: str) -> None:
        pass

    info = warning = error = debug


def _list(parent: Parent, order: Mapping[str, Any]) -> None:
    gathered = Gathered(parent)
    with _downloader(parent, gathered, order) as downloader:
        from yt_dlp.utils import ExtractorError  # noqa: PLC0415 - as above

        try:
            extractor = downloader.get_info_extractor("TikTokUser")
            for entry in extractor.extract(order["url"])["entries"]:
                gathered.add(entry)
        except ExtractorError as error:
            gathered.tell()
            # The cause of an answer that was to be JSON has the place at which it is none.
            place = getattr(error.cause, "pos", None)
            parent.tell(failed={"content": error.orig_msg, "json_place": place})
        else:
            gathered.tell()
            parent.tell(end=True)


def main() -> None:
    """List until there is no more, or until nobody wants more."""
    for number in (signal.SIGINT, signal.SIGTERM):  # the parent alone decides when it ends
        signal.signal(number, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    parent = Parent()
    order = json.loads(parent.hear())
    if authority := order["ca_file"] or os.environ.get("SSL_CERT_FILE"):
        # The one authority for both libraries that yt-dlp sends requests with; they prefer different names of it.
        os.environ["SSL_CERT_FILE"] = os.environ["REQUESTS_CA_BUNDLE"] = authority
    os.environ["YTDLP_NO_PLUGINS"] = "1"
    try:
        _list(parent, order)
    except Stopped:
        pass
    except Exception:  # noqa: BLE001 - the border of the process: the bot tells it, with this traceback
        parent.tell(failed={"bug": traceback.format_exc()})
    os._exit(0)


if __name__ == "__main__":
    main()
