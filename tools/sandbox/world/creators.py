"""What the streamers post, and how it is seen: much in the first days, then less and less."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from tools.sandbox.world import START
from tools.sandbox.world.streamers import Streamer

#: Nobody posted before: a profile counts as many posts as its listing shows, or that has not come to its end.
FIRST_POST = START - timedelta(days=120)
_CAPTIONS = {
    "en": (
        "Behind the scenes",
        "I did not expect that",
        "Part {n}",
        "You asked, here it is",
        "Best of last night",
    ),
    "id": ("Di balik layar", "Nggak nyangka 😭", "Bagian {n}", "Banyak yang minta, nih", "Terbaik semalam"),
}
_TAGS = {"en": "#fyp #live", "id": "#fyp #livetiktok"}


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedPost:
    """One post; `reach` is how often it is seen in the end, `days` in how many days most of that comes."""

    streamer: Streamer
    posted_at: datetime
    caption: str
    duration: int
    reach: int
    days: float

    @property
    def id(self) -> int:
        """TikTok's number of the post: when it was posted (Unix seconds), then the streamer's own."""
        return int(self.posted_at.timestamp()) << 32 | self.streamer.number


@dataclass(frozen=True, kw_only=True, slots=True)
class PostCounts:
    """What is counted of a post."""

    views: int
    likes: int
    comments: int
    shares: int
    saves: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileCounts:
    """What is counted of an account; `hearts` are all likes it ever got."""

    followers: int
    following: int
    hearts: int
    videos: int


def posts_of(streamer: Streamer, since: datetime, until: datetime) -> list[PlannedPost]:
    """Give the posts of [since, until), the oldest first."""
    day, found = since.astimezone(streamer.tz).date(), []
    while day <= until.astimezone(streamer.tz).date():
        post = _of_day(streamer, day)
        if post is not None and since <= post.posted_at < until:
            found.append(post)
        day += timedelta(days=1)
    return found


def counts_at(post: PlannedPost, instant: datetime) -> PostCounts:
    """Give what is counted of a post at an instant; it never falls."""
    days = max(0.0, (instant - post.posted_at).total_seconds() / 86_400)
    views = int(post.reach * (1 - math.exp(-days / post.days)) + post.reach * 0.002 * days)
    luck = random.Random(f"rates {post.id}")  # noqa: S311 - invented rates
    return PostCounts(
        views=views,
        likes=int(views * luck.uniform(0.05, 0.15)),
        comments=int(views * luck.uniform(0.002, 0.008)),
        shares=int(views * luck.uniform(0.001, 0.006)),
        saves=int(views * luck.uniform(0.002, 0.01)),
    )


def profile_at(streamer: Streamer, instant: datetime) -> ProfileCounts:
    """Give what is counted of an account at an instant."""
    days = (instant - START).total_seconds() / 86_400
    luck = random.Random(f"profile {streamer.handle}")  # noqa: S311 - invented counts
    followers = streamer.followers * (1 + luck.uniform(0.0005, 0.003) * days)
    return ProfileCounts(
        followers=int(followers),
        following=luck.randrange(20, 400),
        hearts=int(followers * luck.uniform(8, 20)),
        videos=len(posts_of(streamer, FIRST_POST, instant)),
    )


def _of_day(streamer: Streamer, day: date) -> PlannedPost | None:
    luck = random.Random(f"post {streamer.handle} {day}")  # noqa: S311 - an invented post
    if luck.random() > 0.45:
        return None
    hour = timedelta(minutes=luck.randrange(8 * 60, 22 * 60), seconds=luck.randrange(60))
    posted_at = (datetime.combine(day, time(), streamer.tz) + hour).astimezone(UTC)
    caption = luck.choice(_CAPTIONS[streamer.language]).format(n=luck.randrange(2, 9))
    return PlannedPost(
        streamer=streamer,
        posted_at=posted_at,
        caption=f"{caption} {_TAGS[streamer.language]}",
        duration=luck.randrange(9, 90),
        reach=int(streamer.followers * luck.lognormvariate(-0.9, 0.8)),
        days=luck.uniform(1.5, 5),
    )
