"""The simulation: it holds, it repeats itself exactly, and it finds what it is there to find."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bot.core.delivery import Event, Result
from bot.discord.courier import Courier
from bot.services import timekeeping
from bot.storage import ledger
from tools import simulate
from tools.simulation import discord as chat
from tools.simulation import world
from tools.simulation.bot import Bot, Surroundings
from tools.simulation.life import Life
from tools.simulation.run import run_seed
from tools.simulation.world import World

ROOT = Path(__file__).resolve().parents[2]
SEEDS = 100


@pytest.mark.timeout(5000)
def test_every_promise_holds_in_100_weeks() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "tools.simulate", "--seeds", str(SEEDS)],
        check=False,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    assert result.returncode == 0, result.stdout[-20_000:]
    assert f"{SEEDS} seeds of 7 days: 0 broke a promise" in result.stdout


def test_the_same_seed_is_the_same_history_in_another_process_too() -> None:
    digests = {run_seed(7, days=3).digest for _ in range(2)}
    code = "from tools.simulation.run import run_seed; print(run_seed(7, days=3).digest)"
    for hash_seed in ("1", "2"):
        digests.add(
            subprocess.run(
                [sys.executable, "-W", "ignore", "-c", code],
                check=True,
                cwd=ROOT,
                env={**os.environ, "PYTHONHASHSEED": hash_seed},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                encoding="utf-8",
            ).stdout.strip()
        )
    assert len(digests) == 1
    assert run_seed(8, days=3).digest not in digests


def finds(*invariants: str) -> bool:
    """Whether one of the first seeds breaks a promise of these names."""
    return any(one.invariant in invariants for seed in range(1, 25) for one in run_seed(seed, days=7).broken)


def test_it_notices_a_budget_that_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "free_at", lambda now, asked, limit: now)
    assert finds("discovery_keeps_its_budget")


def test_it_notices_a_clock_that_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: object, **__: object) -> None:
        pass

    monkeypatch.setattr(timekeeping.timestamps, "shift", nothing)
    assert finds(
        "discovery_keeps_its_budget",
        "followup_keeps_its_budget",
        "everybody_is_checked_in_time",
        "every_hit_is_announced",
    )


def test_it_notices_a_lease_that_does_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = World._watch

    def forget_leases(of: World, name: str) -> None:
        watch(of, name)
        of.around.disk.driver.execute("UPDATE accounts SET leased_until = NULL")

    monkeypatch.setattr(World, "_watch", forget_leases)
    assert finds("no_overlapping_checks")


def test_it_notices_messages_that_are_posted_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat.Discord, "remembers", lambda *_: False)
    assert finds("no_message_is_posted_twice")


def test_it_notices_edits_that_are_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: object) -> Result:
        return Result(event=Event.EDITED)

    monkeypatch.setattr(Courier, "_edit", nothing)
    assert finds("what_stands_is_the_last_text")


def test_it_notices_a_lazy_bot(monkeypatch: pytest.MonkeyPatch) -> None:
    def start_lazy(around: Surroundings, life: Life) -> Bot:
        rules = around.monitor_rules
        third = replace(rules, discovery_per_day=max(1, rules.discovery_per_day // 3))
        return Bot(replace(around, monitor_rules=third), life)

    monkeypatch.setattr(world, "Bot", start_lazy)
    assert finds("everybody_is_checked_in_time")


def test_a_failure_names_the_seed_the_promise_and_how_to_see_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ledger, "free_at", lambda now, asked, limit: now)
    assert simulate.main(["--first", "1", "--seeds", "2", "--days", "3", "--jobs", "1"]) == 1
    said = capsys.readouterr().out
    broke = re.search(r"== seed (\d+) broke ", said)
    assert broke
    assert f"again: python -m tools.simulate --first {broke[1]} --seeds 1 --days 3 --trace" in said
    assert len(said.splitlines()) > 30


def test_a_trace_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate.main(["--seeds", "1", "--days", "1", "--trace"]) == 0
    assert "the bot starts" in capsys.readouterr().out
