"""Shows what reaches the Discord stand-in, for people at a terminal."""

from __future__ import annotations

import re
from typing import Any

from rich.console import Console, Group
from rich.panel import Panel
from rich.text import Text

from tools.sandbox.processes import StandIn

MESSAGE_EVENTS = {"message_posted": "posted", "message_edited": "edited", "message_deleted": "deleted"}


async def print_posts(discord: StandIn) -> None:
    """Print every message of the bot as it is posted or edited, for ever."""
    console, last = Console(), 0
    while True:
        for entry in await discord.control("GET", f"events?after={last}&wait=20"):
            last = entry["n"]
            if entry["kind"] in MESSAGE_EVENTS:
                _print(console, MESSAGE_EVENTS[entry["kind"]], entry["message"])


def _print(console: Console, what: str, message: dict[str, Any]) -> None:
    lines = [Text(message["content"])] if message["content"] else []
    for embed in message["embeds"]:
        lines += _embed_lines(embed)
    lines += [Text(f"[picture] {file['url']}", style="dim") for file in message["attachments"]]
    to = "only you" if message["ephemeral"] else f"#{message['channel']}"
    console.print(
        Panel(Group(*lines), title=f"{to} · {what}", title_align="left", border_style="cyan", width=78)
    )


def _embed_lines(embed: dict[str, Any]) -> list[Text]:
    lines = [Text(_plain(embed.get("title", "")), style="bold"), Text(_plain(embed.get("description", "")))]
    lines += [Text(f"{field['name']}: {_plain(field['value'])}") for field in embed.get("fields", [])]
    if "image" in embed:
        lines.append(Text(f"[picture] {embed['image']['url']}", style="dim"))
    return [line for line in lines if line.plain]


def _plain(text: str) -> str:
    """Take Discord's escapes and code fences away; a terminal shows text as it is."""
    return re.sub(r"\\([\\*_~`|>#\[\]()<:@-])", r"\1", text).replace("```", "")
