"""Pictures of posts and profiles: which are taken from outside, and when one is asked for again.

A picture is known by its first bytes, never by what whoever sends it calls it. TikTok signs its links anew each time
they are told, so two links lead to the same picture where their paths are the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from bot.core.jobs import MEDIA_QUEUE, NewJob
from bot.core.posts.models import MediaOwner

LARGEST_BYTES = 2_000_000
"""What one picture may weigh; covers weigh about 0.1 MB."""
TRIED_AGAIN_AFTER = timedelta(hours=20)
"""A picture that could not be fetched is asked for by the next daily run, not by each of an hourly one."""
HOSTS = (
    "tiktokcdn.com",
    "tiktokcdn-us.com",
    "tiktokcdn-eu.com",
    "ibyteimg.com",
    "muscdn.com",
)
"""Where TikTok keeps its pictures: these hosts and what is below them."""

_HOST_AND_PATH = re.compile(
    r"https://([a-z0-9.-]{1,253})(?::443)?(/[^?#]*)?(?:[?#].*)?", re.IGNORECASE | re.DOTALL
)
_UNCLEAN = re.compile(r"[^\x21-\x7e]|\\")


class PictureType(StrEnum):
    """What a picture is, by its media type."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    GIF = "image/gif"


_ENDINGS = {PictureType.JPEG: "jpg", PictureType.PNG: "png", PictureType.WEBP: "webp", PictureType.GIF: "gif"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """A picture as it was fetched; `ending` is how the name of its file ends, without a dot."""

    content: bytes
    media_type: PictureType

    @property
    def ending(self) -> str:
        """Give the ending of a file's name."""
        return _ENDINGS[self.media_type]


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureOf:
    """A picture that is wanted: the cover of a post (by its id) or the avatar of a profile (by its account's id)."""

    owner: MediaOwner
    owner_id: int
    url: str

    def job(self) -> NewJob:
        """Give the job that fetches it; avatars go first, since a page shows one of them and many covers."""
        return NewJob(
            queue=MEDIA_QUEUE,
            kind=MEDIA_QUEUE,
            args={"owner": self.owner, "owner_id": self.owner_id, "url": self.url},
            queueing_lock=f"{MEDIA_QUEUE}:{self.owner}:{self.owner_id}",
            priority=1 if self.owner is MediaOwner.PROFILE else 0,
        )

    @classmethod
    def of(cls, args: Mapping[str, Any]) -> Self:
        """Read what a job is about."""
        return cls(owner=MediaOwner(args["owner"]), owner_id=int(args["owner_id"]), url=str(args["url"]))


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownPicture:
    """What is known of the picture of a post or a profile; `file` is empty where none is kept."""

    source_url: str
    file: str
    media_type: str
    sha256: str
    error: str
    tried_at: datetime | None


def type_of(content: bytes) -> PictureType | None:
    """Tell by its first bytes what a picture is; None for anything else."""
    if content.startswith(b"\xff\xd8\xff"):
        return PictureType.JPEG
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return PictureType.PNG
    if content.startswith((b"GIF87a", b"GIF89a")):
        return PictureType.GIF
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return PictureType.WEBP
    return None


def host_of(url: str) -> str | None:
    """Give the host of a link that a picture may be fetched from; None for every other link.

    That is an https link to one of `HOSTS` at the usual port, without a user, in printable ASCII.
    """
    found = None if _UNCLEAN.search(url) else _HOST_AND_PATH.fullmatch(url)
    if found is None:
        return None
    host = found[1].lower()
    return host if any(host == one or host.endswith(f".{one}") for one in HOSTS) else None


def is_wanted(url: str, known: KnownPicture | None, now: datetime) -> bool:
    """Decide whether the picture behind a link is to be fetched, given what is known of it."""
    if not url:
        return False
    if known is None or not _is_same(url, known.source_url):
        return True
    return bool(known.error) and (known.tried_at is None or now - known.tried_at >= TRIED_AGAIN_AFTER)


def is_kept(url: str, known: KnownPicture | None) -> bool:
    """Tell whether the picture behind a link is the one that is kept."""
    return known is not None and bool(known.file) and not known.error and _is_same(url, known.source_url)


def _is_same(url: str, other: str) -> bool:
    return _picture_in(url) == _picture_in(other)


def _picture_in(url: str) -> str:
    """Give what names the picture in a link: its path, without the size that is asked for."""
    found = _HOST_AND_PATH.fullmatch(url)
    return url if found is None else (found[2] or "").partition("~")[0]
