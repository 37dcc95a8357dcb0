"""The whole world, fresh for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path

import pytest

from tests import canary
from tools.sandbox.scene import World, world


@pytest.fixture
async def scene(
    tmp_path: Path,
    request: pytest.FixtureRequest,
    new_database: Callable[[str], AbstractAsyncContextManager[str]],
) -> AsyncIterator[World]:
    """A world whose bot uses the default database; `on_both_engines` runs a test on a server as well."""
    engine = getattr(request, "param", "sqlite")
    async with AsyncExitStack() as stack:
        scene = await stack.enter_async_context(world(tmp_path))
        if engine != "sqlite":
            scene.settings["DATABASE_URL"] = await stack.enter_async_context(new_database(engine))
        scene.settings |= {name: canary.SETTINGS[name] for name in ("SIGN_API_KEY", canary.PASSPHRASE_NAME)}
        scene.settings["LOG_LEVEL"] = "DEBUG"
        yield scene
