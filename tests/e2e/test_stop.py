"""Told to stop, the bot ends at once, whoever leaves it waiting."""

from __future__ import annotations

import asyncio

import pytest

from tools.sandbox.scene import World, until

STOP_SECONDS = 10
"""Whoever supervises the bot kills it then (Docker); far less than the silences below."""
PATIENT = {"SSH_TIMEOUT_SECONDS": "120"}


async def stops_cleanly(scene: World) -> None:
    async with asyncio.timeout(STOP_SECONDS):
        assert await scene.stop_bot() == 0
    assert "Traceback" not in scene.log()


@pytest.mark.parametrize("operation", ["connect", "list", "read"])
async def test_while_a_game_server_is_frozen(scene: World, operation: str) -> None:
    await scene.fault(scene.gameserver, kind="freeze", method=operation, times=1000)
    if operation == "read":
        file = {"name": "2026-01-01-120000-supply-round-1.txt", "content": "no round\n"}
        await scene.gameserver.control("POST", "files", file)
    await scene.start_bot(**PATIENT)
    await until(lambda: was_asked(scene, operation), "the server froze")
    await stops_cleanly(scene)


async def was_asked(scene: World, operation: str) -> bool:
    """The server notes what it is asked before it freezes; a read freezes the file that was opened for it."""
    wanted = "open" if operation == "read" else operation
    return any(entry.get("op") == wanted for entry in await scene.gameserver.control("GET", "requests"))
