"""Real round files, each played once, so that none is taken for a copy of another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tools.sandbox.scene import World


class Supply:
    """The rounds of the reference data that are a first half, which needs no partner."""

    def __init__(self, folder: Path) -> None:
        self._files = sorted(folder.glob("*-round-1.txt"))

    async def play(self, scene: World, **more: Any) -> str:
        """Let the next round end now; gives the name of its file."""
        return await scene.write_round(self._files.pop(), **more)
