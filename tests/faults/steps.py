"""What the cases of the table are made of: ways to break, to wait and to heal."""

from __future__ import annotations

from typing import Any

from tests.faults.bench import ENDLESS, Bench, Step
from tools.sandbox.scene import until


def fault(where: str, **values: Any) -> Step:
    """Queue a fault at a stand-in."""

    async def breaks(bench: Bench) -> None:
        await bench.scene.fault(getattr(bench.scene, where), **values)

    return breaks


def order(where: str, path: str, **body: Any) -> Step:
    """Give a stand-in a command of its control API."""

    async def breaks(bench: Bench) -> None:
        await getattr(bench.scene, where).control("POST", path, body)

    return breaks


def both(*steps: Step) -> Step:
    """Do one after the other."""

    async def breaks(bench: Bench) -> None:
        for step in steps:
            await step(bench)

    return breaks


def said(pattern: str) -> Step:
    """Wait until the log says so, while people go on asking for checks."""

    async def looks(bench: Bench) -> None:
        await bench.said(pattern)

    return looks


def posted(event: str) -> Step:
    """Wait until the live or the round was posted."""

    async def looks(bench: Bench) -> None:
        await bench.until(lambda: bench.is_posted(event), f"the {event} was posted")

    return looks


def unmet(where: str) -> Step:
    """Find that no fault of a stand-in has come true, and take them away."""

    async def looks(bench: Bench) -> None:
        standin = getattr(bench.scene, where)
        assert [one["times"] for one in await standin.control("GET", "faults")] == [ENDLESS]
        await standin.control("DELETE", "faults")

    return looks


def asked_until(pattern: str) -> Step:
    """Ask for checks until the log says so."""

    async def looks(bench: Bench) -> None:
        async def is_said() -> bool:
            await bench.check()
            return await bench.is_said(pattern)

        await until(is_said, f"{pattern!r} was logged")

    return looks


def gateway(*actions: str) -> Step:
    """Do something to the gateway, as `GATEWAY_ACTIONS` of the stand-in names it."""
    return both(*[order("discord", "gateway", action=action) for action in actions])


async def sync(bench: Bench) -> None:
    """Have a person ask for the game server now."""
    await bench.scene.command("rounds sync")
