"""Kills its own process with SIGKILL at the point whose turn it is; stands beside a copy of the bot.

The folder VEDETTE_KILL_FOLDER holds what outlives the process: `chapter` (JSON: a name, and the beginnings of
steps that are visited anew in it), `passed` (one line for each passage: chapter, point) and `unnamed`
(requests that no step announced). The file VEDETTE_KILL_SHARED holds the passages of no chapter of its own, of
all stories that are told at once: where a bot of one has died, those of the others pass. VEDETTE_KILL says when:
"each" point at its first passage; "once", the same without chapters; "none"; or "alone <n> <line>": at the n-th
passage that makes this line.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import sys
import threading
from collections import Counter
from contextvars import ContextVar
from pathlib import Path

FOLDER = Path(os.environ["VEDETTE_KILL_FOLDER"])
ORDER = os.environ.get("VEDETTE_KILL", "none")
MIGRATION = "migrate"
CHANGES = ("INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP")
PASSED, SHARED = FOLDER / "passed", Path(os.environ["VEDETTE_KILL_SHARED"])
ANY = "any"
FIRST = {"each", "once"}
BOT = os.getppid() if sys.argv[1:2] == ["record"] else None
"""Of whom a recorder is the child."""
lock = threading.Lock()
counted = Counter()
in_a_step = ContextVar("in_a_step", default=False)


def look_back():
    """Count what was passed in earlier lives."""
    counted.clear()
    for file in {PASSED, SHARED}:
        counted.update(file.read_text("utf-8").splitlines() if file.exists() else ())


def passes(step, side):
    """Count one passage; this may be the last thing the process does."""
    with lock:
        chapter = json.loads((FOLDER / "chapter").read_text("utf-8"))
        is_anew = ORDER != "once" and step.startswith(tuple(chapter["anew"]))
        name = chapter["name"] if is_anew else ANY
        line = f"{name}\t{step} | {side}"
        counted[line] += 1
        if ORDER in FIRST and counted[line] > 1:
            return
        is_first = write_down(SHARED if name == ANY else PASSED, line)
        if (ORDER in FIRST and is_first) or f"alone {counted[line]} {line}" == ORDER:
            die()


def write_down(file, line):
    """Write down a passage; gives whether no bot did before, of this story or of another that is told meanwhile."""
    with file.open("a+", encoding="utf-8") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)  # until it is closed, or its process is dead
        opened.seek(0)
        is_first = line not in opened.read().splitlines()
        if is_first or ORDER not in FIRST:
            opened.write(f"{line}\n")
    return is_first


def die():
    """Kill this process; a recorder takes its bot with it, so that the story sees the death."""
    if BOT is not None and os.getppid() == BOT:
        os.kill(BOT, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


@contextlib.asynccontextmanager
async def transaction(name, opened):
    """Pass both sides of a commit; a transaction that only looked has none. A migration passes each statement."""
    from sqlalchemy import event

    statements = []

    def note(_, __, statement, *___):
        statements.append(statement.lstrip().upper().startswith(CHANGES))
        if name == MIGRATION and statements[-1]:
            passes(f"{MIGRATION}: statement {sum(statements)}", "before")

    async with opened as connection:
        event.listen(connection.sync_connection, "before_cursor_execute", note)
        yield connection
        changed = not statements or any(statements)
        if changed:
            passes(name, "before")
    if changed:
        passes(name, "after")


async def passed(step, waiting):
    """Pass both sides of something awaited."""
    watch_requests()
    passes(step, "before")
    token = in_a_step.set(True)
    try:
        result = await waiting
    finally:
        in_a_step.reset(token)
    passes(step, "after")
    return result


def called(step, function):
    """Pass both sides of a call that blocks."""
    passes(step, "before")
    result = function()
    passes(step, "after")
    return result


class entered:  # noqa: N801 - called as a function is
    """Pass both sides of entering a context."""

    def __init__(self, step, make):
        self.step, self.make, self.context = step, make, None

    def __enter__(self):
        passes(self.step, "before")
        self.context = self.make()
        result = self.context.__enter__()
        passes(self.step, "after")
        return result

    def __exit__(self, *error):
        return self.context.__exit__(*error)

    async def __aenter__(self):
        passes(self.step, "before")
        self.context = self.make()
        result = await self.context.__aenter__()
        passes(self.step, "after")
        return result

    async def __aexit__(self, *error):
        return await self.context.__aexit__(*error)


async def iterated(step, items):
    """Pass both sides of the first item, or of the end."""
    passes(step, "before")
    first = True
    async for item in items:
        if first:
            passes(step, "after")
        first = False
        yield item
    if first:
        passes(step, "after")


def watch_requests():
    """Note requests that change something at Discord and belong to no step."""
    http, webhooks = sys.modules.get("discord.http"), sys.modules.get("discord.webhook.async_")
    if http is None or webhooks is None or hasattr(http, "watched"):
        return
    http.watched = True
    for owner in (http.HTTPClient, webhooks.AsyncWebhookAdapter):
        owner.request = _watched(owner.request)


def _watched(request):
    async def watched(self, route, *arguments, **named):
        if route.method != "GET" and not in_a_step.get():
            with (FOLDER / "unnamed").open("a", encoding="utf-8") as file:
                file.write(f"{route.method} {route.path}\n")
        return await request(self, route, *arguments, **named)

    return watched


look_back()  # also a child of the bot has lived before
