"""The whole world, fresh for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests import canary
from tools.sandbox.scene import World, world


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as scene:
        scene.settings |= {name: canary.SETTINGS[name] for name in ("SIGN_API_KEY", canary.PASSPHRASE_NAME)}
        scene.settings["LOG_LEVEL"] = "DEBUG"
        yield scene
