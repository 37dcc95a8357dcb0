"""Profiles that were watched: their runs, day by day, and what each of them read."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.core.posts.milestones import OF_PROFILE, Passed, Standing, newly_passed
from bot.core.posts.models import COUNTED, ReportEvery, RunReason, RunState
from bot.storage.post_tables import (
    post_snapshots,
    posts,
    profile_milestones,
    profile_runs,
    profile_snapshots,
    profile_watches,
    profiles,
)
from tools.past.rows import Rows
from tools.sandbox.world.creators import PlannedPost, PostCounts, counts_at, posts_of, profile_at
from tools.sandbox.world.streamers import Streamer

OLDEST = timedelta(days=120)
"""Posts of so long before the world's start can be read (`tools.sandbox.world.shelves`)."""
INTERVAL = timedelta(days=1)
PAGE = 16
"""So many posts a page of the listing has."""
SOURCE = "yt-dlp"
FAILED_RUNS = 0.02
"""In this share of runs nobody answered; the last ones went well, so that nothing is in trouble at the start."""
WELL_FOR = timedelta(days=3)


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """A profile that a guild watches, and where it is reported; `first_run_at` is when it was first read."""

    account_id: int
    streamer: Streamer
    guild_id: int
    by: int
    first_run_at: datetime
    report: ReportEvery | None = None
    report_channel_id: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Run:
    """A run that was completed: `counted` are the posts that were there, with what was counted."""

    run_id: int
    at: datetime
    counted: Sequence[tuple[PlannedPost, PostCounts]]
    followers: int
    hearts: int


def write_profile(watch: Watch, until: datetime, first_run: int, rows: Rows) -> int:
    """Write all that is known of a profile; `first_run` is the id of its first run. Gives that of the next one."""
    streamer = watch.streamer
    all_posts = posts_of(streamer, until - OLDEST, until)
    luck = random.Random(f"runs {streamer.handle}")  # noqa: S311 - invented
    runs: list[_Run] = []
    at, number, known = watch.first_run_at, first_run, 0
    while at < until:
        taken = timedelta(seconds=luck.uniform(2, 5))
        if runs and luck.random() < FAILED_RUNS and at < until - WELL_FOR:
            rows.add(profile_runs, _failed(watch, number, at))
        else:
            counted = [(post, counts_at(post, at)) for post in all_posts if post.posted_at <= at]
            told = profile_at(streamer, at)
            run = _Run(
                run_id=number, at=at + taken, counted=counted, followers=told.followers, hearts=told.hearts
            )
            rows.add(profile_runs, _completed(watch, run, new_posts=len(counted) - known, is_first=not runs))
            runs.append(run)
            known = len(counted)
        at, number = at + INTERVAL, number + 1
    _write_posts(watch, runs, rows)
    _write_sums(watch, runs, rows)
    _write_milestones(watch, runs, rows)
    rows.add(profiles, _profile(watch, runs, next_run_at=at))
    rows.add(profile_watches, _watching(watch))
    return number


def _completed(watch: Watch, run: _Run, *, new_posts: int, is_first: bool) -> dict[str, Any]:
    pages = max(1, -(-len(run.counted) // PAGE))
    return {
        **_run(watch, run.run_id, run.at),
        "state": RunState.COMPLETED,
        "reason": RunReason.FIRST if is_first else RunReason.DUE,
        "is_full": is_first,
        "attempts": 1,
        "posts": len(run.counted),
        "pages": pages,
        "requests": pages + 1,
        "new_posts": new_posts,
        "source": SOURCE,
        "is_complete": True,
        "error": "",
    }


def _failed(watch: Watch, number: int, at: datetime) -> dict[str, Any]:
    nothing = dict.fromkeys(("posts", "pages", "new_posts"), 0)
    return {
        **_run(watch, number, at + timedelta(minutes=21)),
        "state": RunState.FAILED,
        "reason": RunReason.DUE,
        "is_full": False,
        "attempts": 4,
        **nothing,
        "requests": 4,
        "source": "",
        "is_complete": False,
        "error": "no answer within 10 s",
    }


def _run(watch: Watch, number: int, finished_at: datetime) -> dict[str, Any]:
    return {
        "id": number,
        "account_id": watch.account_id,
        "queued_at": finished_at - timedelta(seconds=6),
        "started_at": finished_at - timedelta(seconds=5),
        "finished_at": finished_at,
    }


def _write_posts(watch: Watch, runs: Sequence[_Run], rows: Rows) -> None:
    first_seen: dict[int, datetime] = {}
    for run in runs:
        for post, counts in run.counted:
            first_seen.setdefault(post.id, run.at)
            rows.add(
                post_snapshots,
                {"post_id": post.id, "run_id": run.run_id, "at": run.at, **asdict(counts), "source": SOURCE},
            )
    for post, counts in runs[-1].counted if runs else ():
        rows.add(
            posts,
            {
                "post_id": post.id,
                "account_id": watch.account_id,
                "posted_at": post.posted_at,
                "caption": post.caption,
                "url": f"https://www.tiktok.com/@{watch.streamer.handle}/video/{post.id}",
                "cover_url": "",
                "duration_seconds": post.duration,
                "first_seen_at": first_seen[post.id],
                "last_seen_at": runs[-1].at,
                **asdict(counts),
                "counted_at": runs[-1].at,
            },
        )


def _write_sums(watch: Watch, runs: Sequence[_Run], rows: Rows) -> None:
    for run in runs:
        sums = {name: sum(getattr(counts, name) for _, counts in run.counted) for name in COUNTED}
        rows.add(
            profile_snapshots,
            {
                "account_id": watch.account_id,
                "run_id": run.run_id,
                "at": run.at,
                "posts": len(run.counted),
                **sums,
                "followers": run.followers,
                "total_likes": run.hearts,
                "source": SOURCE,
            },
        )


def _write_milestones(watch: Watch, runs: Sequence[_Run], rows: Rows) -> None:
    """Write down which round numbers were passed, by the bot's own rule; at the first run nothing is news."""
    written: dict[tuple[Passed, int], int] = {}
    for run in runs:
        for one in newly_passed(_standings(run, is_first=run is runs[0]), written):
            written[one.measure, one.post_id] = one.value
            rows.add(
                profile_milestones,
                {
                    "account_id": watch.account_id,
                    "post_id": one.post_id,
                    "measure": one.measure,
                    "value": one.value,
                    "passed_at": run.at if one.is_news else None,
                },
            )


def _standings(run: _Run, *, is_first: bool) -> list[Standing]:
    views = sum(counts.views for _, counts in run.counted)
    of_profile = ((Passed.FOLLOWERS, run.followers), (Passed.TOTAL_VIEWS, views))
    return [
        *[
            Standing(measure=measure, post_id=OF_PROFILE, value=value, was_known=not is_first)
            for measure, value in of_profile
        ],
        *[
            Standing(
                measure=Passed.POST_VIEWS,
                post_id=post.id,
                value=counts.views,
                was_known=not is_first,
            )
            for post, counts in run.counted
        ],
    ]


def _profile(watch: Watch, runs: Sequence[_Run], *, next_run_at: datetime) -> dict[str, Any]:
    last = runs[-1] if runs else None
    return {
        "account_id": watch.account_id,
        "sec_uid": watch.streamer.sec_uid,
        "followers": last and last.followers,
        "total_likes": last and last.hearts,
        "counted_at": last and last.at,
        "last_run_at": last and last.at,
        "full_read_at": runs[0].at if runs else None,
        "next_run_at": next_run_at,
    }


def _watching(watch: Watch) -> dict[str, Any]:
    return {
        "account_id": watch.account_id,
        "guild_id": watch.guild_id,
        "interval_hours": round(INTERVAL / timedelta(hours=1)),
        "report": watch.report or "",
        "report_channel_id": watch.report_channel_id,
        "report_since": None if watch.report is None else watch.first_run_at,
        "created_by": watch.by,
        "created_at": watch.first_run_at - timedelta(seconds=20),
    }
