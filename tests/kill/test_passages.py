"""Two bots that live at the same time share the points: where one has died, the other passes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.kill.points import HOOK

A_BOT = """
import sys
import passages

print("alive", flush=True)
for line in sys.stdin:
    passages.passes(line.strip(), "before")
    print("passed", flush=True)
"""


class Bot:
    """Passes the steps it is told."""

    def __init__(self, folder: Path, name: str, order: str) -> None:
        own = folder / name
        own.mkdir()
        (own / "chapter").write_text('{"name": "a", "anew": ["told anew"]}', "utf-8")
        orders = {
            "PYTHONPATH": str(HOOK),
            "VEDETTE_KILL": order,
            "VEDETTE_KILL_FOLDER": str(own),
            "VEDETTE_KILL_SHARED": str(folder / "shared"),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-c", A_BOT],
            env={**os.environ, **orders},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout.readline() == "alive\n"

    def dies_at(self, step: str) -> bool:
        self._process.stdin.write(f"{step}\n")
        self._process.stdin.flush()
        if self._process.stdout.readline() == "passed\n":
            return False
        assert self._process.wait() == -signal.SIGKILL
        return True

    def end(self) -> None:
        self._process.communicate()


def test_one_bot_dies_at_a_point_and_the_others_that_live_meanwhile_pass_it(tmp_path: Path) -> None:
    one, other = Bot(tmp_path, "one", "each"), Bot(tmp_path, "other", "each")
    assert one.dies_at("a step")
    assert not other.dies_at("a step")
    assert not other.dies_at("a step")
    assert other.dies_at("another step")
    one.end()
    other.end()


def test_what_is_told_anew_kills_each_bot_once(tmp_path: Path) -> None:
    one, other = Bot(tmp_path, "one", "each"), Bot(tmp_path, "other", "each")
    assert one.dies_at("told anew")
    assert other.dies_at("told anew")
    one.end()
    other.end()


def test_a_kill_that_is_asked_for_alone_counts_the_passages(tmp_path: Path) -> None:
    bot = Bot(tmp_path, "one", "alone 2 any\ta step | before")
    assert not bot.dies_at("a step")
    assert bot.dies_at("a step")
    bot.end()
