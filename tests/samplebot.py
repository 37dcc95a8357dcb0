"""A real discord.py bot (`tests/sandbox/sample_bot.py`) as a process of its own, ordered about by tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.discordserver import DiscordServer
from tests.standins import ROOT, until


class OrderFailed(AssertionError):
    """What the bot was told to do raised; `reason` is [status, code], or [type, text]."""

    def __init__(self, reason: list[Any]) -> None:
        super().__init__(str(reason))
        self.reason = reason


class SampleBot:
    """The running bot; `lines` is everything it said."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        self._numbers = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self.process.stdout:
            self.lines.append(json.loads(line))

    def order(self, do: str, **more: Any) -> int:
        """Tell the bot to do something; the number of its result."""
        self._numbers += 1
        self.process.stdin.write(json.dumps({"number": self._numbers, "do": do, **more}) + "\n")
        self.process.stdin.flush()
        return self._numbers

    def _result(self, number: int) -> dict[str, Any] | None:
        return next((line for line in self.lines if line.get("number") == number), None)

    def result(self, number: int) -> Any:
        until(lambda: self._result(number) is not None)
        line = self._result(number)
        if "error" in line:
            raise OrderFailed(line["error"])
        return line["result"]

    def do(self, do: str, **more: Any) -> Any:
        return self.result(self.order(do, **more))

    def refused(self, do: str, **more: Any) -> list[Any]:
        try:
            done = self.do(do, **more)
        except OrderFailed as failed:
            return failed.reason
        raise AssertionError(f"{do} was not refused but gave {done}")

    def events(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line.get("event") == event]

    def wait_for(self, event: str, count: int = 1) -> dict[str, Any]:
        until(lambda: len(self.events(event)) >= count)
        return self.events(event)[count - 1]


@contextmanager
def running_bot(discord: DiscordServer, **environment: str) -> Iterator[SampleBot]:
    """Start the bot against the stand-in and stop it afterwards."""
    env = {
        **os.environ,
        "SAMPLE_API": discord.facts["api"],
        "SAMPLE_GATEWAY": discord.facts["gateway"],
        "SAMPLE_TOKEN": discord.facts["token"],
        **environment,
    }
    command = [sys.executable, "-m", "tests.sandbox.sample_bot"]
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield SampleBot(process)
        finally:
            process.terminate()
            process.wait(10)
