"""The Discord stand-in as tests use it: started as its own process, spoken to over its control API."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


class ControlRefused(AssertionError):
    """The control API answered 400; the text says why."""


class DiscordServer:
    """A running stand-in; `facts` is what it announced."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self.facts = facts

    def control(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        url = f"{self.facts['base']}/_control/{urllib.parse.quote(path, safe='/?=&')}"
        request = urllib.request.Request(url, data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise ControlRefused(error.read().decode()) from error

    def command(
        self,
        name: str,
        options: dict[str, Any] | None = None,
        *,
        user: str = "admin",
        channel: str = "general",
    ) -> str:
        """Use a slash command; the id of the interaction."""
        order = {"user": user, "channel": channel, "name": name, "options": options or {}}
        return self.control("POST", "command", order)["interaction_id"]

    def press(self, message: dict[str, Any], custom_id: str, *values: Any, user: str = "admin") -> str:
        order = {"user": user, "message_id": message["id"], "custom_id": custom_id, "values": values}
        return self.control("POST", "component", order)["interaction_id"]

    def answer(self, interaction_id: str) -> dict[str, Any]:
        """The interaction, once the bot has answered it."""
        return self.control("GET", f"interactions/{interaction_id}?wait=10")

    def run(self, name: str, options: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """Use a slash command and wait for its answer."""
        return self.answer(self.command(name, options, **more))

    def messages(self, channel: str) -> list[dict[str, Any]]:
        """What stands in the channel."""
        found = self.control("GET", f"messages?channel={channel}")
        return [message for message in found if not message["deleted"]]

    def fault(self, kind: str = "status", **more: Any) -> None:
        self.control("POST", "faults", {"kind": kind, **more})

    def violations(self) -> list[dict[str, Any]]:
        return self.control("GET", "violations")["violations"]

    def gateway(self, action: str | None = None, **more: Any) -> dict[str, Any]:
        if action is None:
            return self.control("GET", "gateway")
        return self.control("POST", "gateway", {"action": action, **more})

    def requests(self, method: str, path_end: str) -> list[dict[str, Any]]:
        entries = self.control("GET", "requests")
        return [one for one in entries if one["method"] == method and one["path"].endswith(path_end)]


def until(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Poll until the condition is true and return what it gave; fails after `seconds`."""
    deadline = time.monotonic() + seconds  # noqa: TID251 - tests of real processes wait in real time
    while not (found := condition()):
        assert time.monotonic() < deadline, "the awaited condition did not come true"  # noqa: TID251
        time.sleep(0.01)  # noqa: TID251
    return found


@contextmanager
def running_discord(*arguments: str) -> Iterator[DiscordServer]:
    """Start the stand-in, wait until it is ready, stop it afterwards."""
    command = [sys.executable, "-m", "tools.sandbox.discord", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the stand-in ended before it was ready"
        try:
            yield DiscordServer(json.loads(line))
        finally:
            process.terminate()
            process.wait(10)
