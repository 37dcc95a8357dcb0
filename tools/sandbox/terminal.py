"""Shows what reaches the Discord stand-in, for people at a terminal."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, Group
from rich.panel import Panel
from rich.text import Text

from tools.sandbox.processes import StandIn

MESSAGE_EVENTS = {"message_posted": "posted", "message_edited": "edited", "message_deleted": "deleted"}


async def print_posts(discord: StandIn) -> None:
    """Print every message of the bot as it is posted or edited, for ever."""
    console, last = Console(), 0
    names = _names(await discord.control("GET", "state"))
    while True:
        for entry in await discord.control("GET", f"events?after={last}&wait=20"):
            last = entry["n"]
            if entry["kind"] in MESSAGE_EVENTS:
                console.print(_panel(entry["message"], MESSAGE_EVENTS[entry["kind"]], names))


def _names(state: dict[str, Any]) -> dict[str, str]:
    """Map mentions, as they stand in a message, to what people see."""
    names: dict[str, str] = {}
    for guild in state["guilds"]:
        names |= {f"<#{channel['id']}>": f"#{channel['name']}" for channel in guild["channels"]}
        names |= {f"<@&{role['id']}>": f"@{role['name']}" for role in guild["roles"]}
    return names


def _panel(message: dict[str, Any], what: str, names: dict[str, str]) -> Panel:
    lines = [_shown(message["content"], names, style="yellow")]
    for embed in message["embeds"]:
        lines += [
            _shown(embed.get("title", ""), names, style="bold"),
            _shown(embed.get("description", ""), names),
        ]
        lines += [_shown(f"{field['name']}: {field['value']}", names) for field in embed.get("fields", [])]
        if "image" in embed:
            lines.append(Text(f"[picture] {embed['image']['url']}", style="dim", overflow="fold"))
    to = "only you see this" if message["ephemeral"] else f"#{message['channel']}"
    shown = Group(*(line for line in lines if line.plain.strip()))
    return Panel(shown, title=f"{to} · {what}", title_align="left", border_style="cyan", width=78)


def _shown(text: str, names: dict[str, str], *, style: str = "") -> Text:
    """Show Discord's mark-up as a reader would see it: names, local times, no escapes and fences."""
    for mention, name in names.items():
        text = text.replace(mention, name)
    text = re.sub(r"<t:(\d+)(?::\w)?>", lambda found: _local_time(int(found.group(1))), text)
    return Text(re.sub(r"\\([\\*_~`|>#\[\]()<:@-])", r"\1", text).replace("```", ""), style=style)


def _local_time(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC).astimezone():%H:%M:%S}"
