"""A short play that shows the main job: an admin sets the bot up, somebody goes live, a map is played."""

from __future__ import annotations

import asyncio
import itertools
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tools.sandbox.audience import watch
from tools.sandbox.processes import StandIn
from tools.sandbox.rounds import MAPS, play_map

STREAMER = "sandbox.star"
LIVE_SECONDS = 60
BREAK_SECONDS = 30
POSTS = 40


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The running stand-ins."""

    discord: StandIn
    tiktok: StandIn
    gameserver: StandIn
    scrapecreators: StandIn


async def play(stage: Stage) -> None:
    """Set everything up as an admin would, then let lives and maps come and go for ever."""
    await stage.tiktok.control(
        "POST", "accounts", {"handle": STREAMER, "nickname": "Sandbox Star", "followers": 1234}
    )
    posts = await _write_posts(stage)
    await _until_ready(stage.discord, {"setup", "live", "rounds"})
    await _command(stage.discord, "setup", lives="lives", rounds="rounds", admin="admin")
    await _command(stage.discord, "live add", user=f"@{STREAMER}", channel="lives", role="Live pings")
    luck = random.Random(7)  # noqa: S311 - the same play each time
    for number in itertools.count():
        map_name = MAPS[number % len(MAPS)]
        await asyncio.gather(_go_live(stage.tiktok, luck), _play_map(stage.gameserver, map_name, luck))
        await _grow(stage, posts, luck)
        await asyncio.sleep(BREAK_SECONDS)  # noqa: TID251 - the stand-ins are the outside world


async def _write_posts(stage: Stage) -> list[dict[str, Any]]:
    """Give the streamer a history of posts, the same at TikTok and at the paid source; gives them, newest first."""
    await stage.scrapecreators.control("POST", "accounts", {"handle": STREAMER, "videos": POSTS})
    await stage.tiktok.control("PATCH", f"accounts/{STREAMER}", {"videos": POSTS})
    many = {"count": POSTS, "seconds_apart": 30 * 3600}
    posts: list[dict[str, Any]] = await stage.tiktok.control("POST", f"accounts/{STREAMER}/posts", many)
    for post in posts:
        await stage.scrapecreators.control("POST", f"accounts/{STREAMER}/posts", post)
    return posts


async def _grow(stage: Stage, posts: list[dict[str, Any]], luck: random.Random) -> None:
    """Let posts be seen and liked, the newest the most."""
    for age, post in enumerate(posts):
        post["views"] += int(luck.lognormvariate(7, 1) / (age + 1))
        post["likes"] = max(post["likes"], post["views"] // 10)
        changed = {name: post[name] for name in ("views", "likes")}
        for place in (stage.tiktok, stage.scrapecreators):
            await place.control("PATCH", f"accounts/{STREAMER}/posts/{post['id']}", changed)


async def _until_ready(discord: StandIn, wanted: set[str]) -> None:
    """Wait until the bot has its commands and its gateway; the feed tells only of the commands."""
    seen = 0
    while True:
        state = await discord.control("GET", "state")
        is_connected = any(session["connected"] for session in state["gateway"]["sessions"])
        if is_connected and wanted <= {command["name"] for command in state["commands"]}:
            return
        news = await discord.control("GET", f"events?after={seen}&wait=1")
        seen = max([seen, *(entry["n"] for entry in news)])


async def _command(discord: StandIn, name: str, **options: Any) -> None:
    sent = await discord.control(
        "POST", "command", {"user": "admin", "channel": "admin", "name": name, "options": options}
    )
    await discord.control("GET", f"interactions/{sent['interaction_id']}?wait=15")


async def _go_live(tiktok: StandIn, luck: random.Random) -> None:
    viewers = luck.randrange(20, 200)
    await tiktok.control(
        "POST", f"accounts/{STREAMER}/live", {"title": "Trying the sandbox", "viewers": viewers}
    )
    await watch(tiktok, STREAMER, LIVE_SECONDS, viewers, luck)
    await tiktok.control("POST", f"accounts/{STREAMER}/end", {})


async def _play_map(gameserver: StandIn, map_name: str, luck: random.Random) -> None:
    """Write both rounds, as a server does: a file that grows for a moment, at the end of its round."""
    now = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251
    ends = (now, now + timedelta(seconds=LIVE_SECONDS // 2))
    for file in play_map(map_name, ends, luck):
        content = file.content.decode("ascii")
        slow = {"chunk_bytes": 400, "interval_ms": 200}
        await gameserver.control("POST", "files", {"name": file.name, "content": content, "slow": slow})
        await asyncio.sleep(LIVE_SECONDS / 2)  # noqa: TID251
