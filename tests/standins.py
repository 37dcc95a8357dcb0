"""A stand-in as tests use it: started as its own process, spoken to over its control API."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


class ControlRefused(AssertionError):
    """The control API answered 400; the text says why."""


class StandIn:
    """A running stand-in; `facts` is what it announced."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self.facts = facts
        self.base = facts["base"]

    def control(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base}/_control/{path}", data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise ControlRefused(error.read().decode()) from error

    def fault(self, kind: str, path: str = ".*", **more: Any) -> None:
        self.control("POST", "faults", {"kind": kind, "path": path, **more})

    def seen(self, **wanted: Any) -> list[dict[str, Any]]:
        """What was recorded and has all the wanted values."""
        return [entry for entry in self.control("GET", "requests") if wanted.items() <= entry.items()]

    def wait_for(self, count: int = 1, **wanted: Any) -> None:
        until(lambda: len(self.seen(**wanted)) >= count)


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Poll until the condition holds; fails after `seconds`."""
    deadline = time.monotonic() + seconds  # noqa: TID251 - tests of real processes wait in real time
    while not condition():
        assert time.monotonic() < deadline, "the awaited condition did not come true"  # noqa: TID251
        time.sleep(0.01)  # noqa: TID251


@contextmanager
def running(name: str, *arguments: str) -> Iterator[StandIn]:
    """Start ``tools.sandbox.<name>`` and stop it by closing its standard input."""
    command = [sys.executable, "-m", f"tools.sandbox.{name}", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            line = process.stdout.readline()
            assert line, "the stand-in ended before it was ready"
            yield StandIn(json.loads(line))
        finally:
            process.stdin.close()
            process.wait(timeout=20)
