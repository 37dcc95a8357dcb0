"""What the services need from the outside, as protocols; the edges implement them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from bot.core.charts import ChartSpec
from bot.core.jobs import QueueCounts
from bot.core.live.models import Observation, Profile
from bot.core.posts.export import ProfileOrder
from bot.core.posts.models import Page, ProfileRef
from bot.core.posts.pictures import Picture
from bot.core.rounds.looking import Answer
from bot.core.streams.events import StreamEvent
from bot.core.streams.export import ExportedFile, ExportOrder
from bot.errors import SourceError


class LiveSource(Protocol):
    """A platform that can say whether an account is live."""

    async def check(self, handle: str) -> Observation:
        """Ask once whether `handle` is live; every trouble is the answer UNKNOWN, nothing is raised."""

    async def profile(self, handle: str) -> Profile:
        """Read the profile page of a handle (or of a numeric id).

        Raises `SourceUnavailable` when there is no usable answer and `SourceChanged` when it cannot be read.
        """

    async def rooms_alive(self, room_ids: Sequence[int]) -> Mapping[int, bool]:
        """Ask for many rooms in one request; a room the answer does not name is missing in the result.

        Raises `SourceUnavailable` or `SourceChanged`.
        """


class Ending(StrEnum):
    """How a connection to a live came to its end."""

    LIVE_ENDED = "live_ended"  # the platform said that the live is over
    CLOSED = "closed"  # without a reason, or abnormally: the live may go on
    SILENT = "silent"  # nothing came for so long that the connection is taken for dead


@dataclass(frozen=True, kw_only=True, slots=True)
class SignLimit:
    """What the signing service allows in one window (minute, hour, day): `remaining` of `most` until `resets_at`."""

    window: str
    most: int
    remaining: int
    resets_at: datetime | None


class StreamSource(Protocol):
    """A platform whose lives can be watched."""

    async def watch(
        self,
        room_id: int,
        handle: str,
        take: Callable[[StreamEvent], None],
        *,
        host_id: int | None = None,
        silent_after: float = 60.0,
    ) -> Ending:
        """Connect once (one signed request) and give every event to `take`, in order, until the connection ends.

        Gifts to anybody but `host_id` are a guest's; without it the host is known by the `handle`.
        A connection that brings nothing for `silent_after` seconds is taken for dead.

        `take` runs in the event loop and must be quick; the first event is a `Connected`. Cancelling it closes the
        connection properly within seconds. Raises `SourceUnavailable` where no connection came about:
        `blocked` when the platform refuses, `retry_after_seconds` when the signing service's limit is used up;
        `SourceChanged` for an answer that cannot be read.
        """

    async def sign_limits(self) -> tuple[SignLimit, ...]:
        """Ask what the signing service allows; costs none of it. Raises `SourceUnavailable` or `SourceChanged`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteFile:
    """One entry of a listing. `name` is an opaque key (surrogateescape-decoded), never a local path."""

    name: str
    size: int
    modified_at: datetime


class RoundSource(Protocol):
    """The folder of stats files of one game server."""

    @property
    def left_out(self) -> Sequence[str]:
        """What the last listing has that is not a regular file with a plain name, where one could be meant; never opened."""

    async def list_files(self) -> tuple[RemoteFile, ...]:
        """List the regular files. Raises a `SourceError`."""

    async def fetch(self, files: Sequence[RemoteFile]) -> Mapping[str, bytes | SourceError]:
        """Read files at once, each of exactly its `size`, and prove their ends; by name, as far as it came.

        A file that is not as it was listed, or cannot be read, has a `SourceChanged`; the one at which the server
        failed a `SourceUnavailable`, and those after it may be missing. Raises a `SourceError` where no file can be
        asked for; else there is at least one in the answer.
        """

    async def close(self) -> None:
        """Let the connection go; the next call makes a new one."""


class GameQuery(Protocol):
    """The game server itself, asked beside its folder."""

    async def ask(self) -> Answer | None:
        """Ask once what is played; None where no answer came. Nothing is raised."""


class PostSource(Protocol):
    """A way to read the posts of a profile."""

    @property
    def name(self) -> str:
        """What its rows are marked with, and what the settings call it."""

    @property
    def lists_all(self) -> bool:
        """Whether its listing holds every post that can be seen: only then one that is not in it is missing."""

    def pages(self, profile: ProfileRef) -> AsyncGenerator[Page, None]:
        """Read the listing page by page, from the newest, as long as the caller wants more.

        Requests are made only as pages are asked for, with the pause between them that the source keeps. Closing the
        iterator ends what runs for it. The iterator raises `PostsUnread` (with its `Trouble`): never an empty
        listing for a profile that could not be read. One that has no posts gives one last page without any. A
        listing that ends long before the posts that its profile is said to have ends without a last page.
        """


class JobQueue(Protocol):
    """Work that is done later, at most so much at once, and again where it failed.

    Jobs are put in the transaction of what they belong to (`bot.storage.jobs.put`), so that neither is there without
    the other; `wake` is called after it.
    """

    def wake(self) -> None:
        """Say that something was put into the queue; without it, that is noticed seconds later."""

    async def counts(self) -> tuple[QueueCounts, ...]:
        """Count the jobs of every queue by state. Raises `StorageError`."""


class PictureSource(Protocol):
    """Fetches pictures of posts and profiles, whose links come from outside."""

    async def fetch(self, url: str) -> Picture:
        """Fetch a picture. Raises `SourceUnavailable` where another try may help, else `SourceChanged`."""


class ChartRenderer(Protocol):
    """Draws pictures beside the event loop."""

    async def render(self, spec: ChartSpec) -> bytes:
        """Draw a PNG. Raises `ChartFailed`."""


class Exporter(Protocol):
    """Writes recorded lives and profiles to files, in a process beside the bot."""

    async def write(
        self, order: ExportOrder | ProfileOrder, *, most_bytes: int, told: Callable[[int], None]
    ) -> tuple[ExportedFile, ...]:
        """Write an export; its files are handed over if they have `most_bytes` together, else kept in a folder.

        `told` takes the number of rows written so far. Raises `ExportFailed` and `StorageError`.
        """

    async def forget_old(self) -> int:
        """Delete what was kept long enough; gives how many files. Raises OSError."""
