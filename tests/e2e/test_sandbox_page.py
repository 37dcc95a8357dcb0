"""``tools/run.py --sandbox`` as a whole: orders come from the page alone, and the bot is looked after."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.standins import until

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 90


class Sandbox:
    """One that runs; `process` is ``tools/run.py``."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.base = process.stdout.readline().split()[-1]

    def ask(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.base}/api/{path}", data=data, timeout=60) as answer:
            return json.load(answer)

    def is_online(self) -> bool:
        return self.ask("state")["bot"] == "online"

    def command(self, name: str, **options: Any) -> dict[str, Any]:
        """Give a slash command as the admin; gives what the bot answered."""
        order = {"user": "admin", "channel": "admin", "name": name, "options": options}
        sent = self.ask("discord/command", order)
        return self.ask(f"discord/interactions/{sent['interaction_id']}?wait=30")

    def posts(self, of: str) -> list[dict[str, Any]]:
        messages = self.ask("discord/messages?channel=lives")
        return [
            one
            for one in messages
            if not one["deleted"] and of in json.dumps(one["embeds"], ensure_ascii=False)
        ]

    def latest_of_discord(self) -> list[str]:
        return next(one["latest"] for one in self.ask("panel")["asked"] if one["name"] == "Discord")

    def wait(self, what: Any) -> None:
        until(what, PATIENCE_SECONDS)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    # Of this Python, which has all it needs: tests/tools/test_run.py makes environments.
    command = [sys._base_executable, "tools/run.py", "--sandbox", "--empty", "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        try:
            yield Sandbox(process)
        finally:
            process.kill()
            process.stdout.close()


def descendants(pid: int) -> set[int]:
    """Give all that a process has started, and what those have."""
    children: dict[int, set[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text("utf-8").rpartition(")")[2].split()[1])
        except OSError:  # gone meanwhile
            continue
        children.setdefault(parent, set()).add(int(stat.parent.name))
    found, new = set(), {pid}
    while new:
        new = set().union(*(children.get(one, set()) for one in new))
        found |= new
    return found


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def sockets_of(pid: int) -> set[str]:
    found = set()
    with contextlib.suppress(OSError):  # gone meanwhile
        for file in Path(f"/proc/{pid}/fd").iterdir():
            found.add(str(file.readlink()))
    return found


def listening() -> Iterator[tuple[str, str]]:
    """Give each socket that waits for others, and its address in hexadecimal; of UDP those without a peer."""
    for kind, waits in {"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"}.items():
        file = Path("/proc/net") / kind
        for line in file.read_text("utf-8").splitlines()[1:] if file.exists() else ():
            words = line.split()
            if words[3] == waits:
                yield f"socket:[{words[9]}]", words[1]


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="finds sockets by /proc")
def test_everything_listens_on_loopback_only(sandbox):
    """Page, stand-ins, proxy, SSH and the game server's UDP port, and the bot."""
    sandbox.wait(sandbox.is_online)
    own = set().union(*(sockets_of(pid) for pid in descendants(sandbox.process.pid)))
    places = [place for socket, place in listening() if socket in own]
    assert len(places) >= 9
    assert {place.partition(":")[0] for place in places} == {"0100007F"}, places  # 127.0.0.1


def test_a_bot_killed_while_it_announces_a_live_comes_back_and_announces_it_once(sandbox):
    sandbox.wait(sandbox.is_online)
    asleep = [one for one in sandbox.ask("panel")["streamers"] if one["next"] and not one["live"]]
    handle = max(asleep, key=lambda one: one["next"])["handle"]
    sandbox.wait(lambda: sandbox.ask("state")["commands"])
    sandbox.command("setup", lives="lives", rounds="rounds", admin="admin")
    sandbox.wait(lambda: sandbox.ask("discord/messages?channel=lives"))
    sandbox.command("live add", user=f"@{handle}", channel="lives", role="Live pings")

    sandbox.ask("panel/fault", {"name": "rate_limit", "on": True})
    sandbox.ask("panel/live", {"handle": handle, "on": True})
    sandbox.command("live check", user=f"@{handle}")
    sandbox.wait(lambda: any(line.endswith("/messages → 429") for line in sandbox.latest_of_discord()))
    sandbox.ask("panel/kill", {})
    sandbox.wait(lambda: not sandbox.is_online())
    sandbox.wait(sandbox.is_online)
    assert sandbox.posts(handle) == []
    sandbox.ask("panel/fault", {"name": "rate_limit", "on": False})
    sandbox.wait(lambda: sandbox.posts(handle))

    sandbox.ask("panel/live", {"handle": handle, "on": False})
    sandbox.command("live check", user=f"@{handle}")
    sandbox.wait(lambda: sandbox.posts(handle)[0]["edits"])
    alerts = [one for one in sandbox.posts(handle) if one["pinged_roles"]]
    assert len(alerts) == 1


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes by /proc")
def test_nothing_goes_on_when_what_was_started_is_killed(sandbox):
    sandbox.wait(sandbox.is_online)
    started = descendants(sandbox.process.pid)
    assert len(started) >= 6  # the sandbox, four stand-ins, the bot
    os.kill(sandbox.process.pid, signal.SIGKILL)
    until(lambda: not any(running(pid) for pid in started), 30)
