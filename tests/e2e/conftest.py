"""The whole world, fresh for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tools.sandbox.scene import World, world


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as scene:
        yield scene
