"""With VEDETTE_KILL_MATRIX=full: each story told anew for every point it passes, that kill alone. Takes hours."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.databases import ENGINES
from tests.kill.drive import server_of, tell
from tests.kill.mortal import NONE
from tests.kill.stories import STORIES

PASSAGES = 3
"""So many times each point is passed before the kill."""

if os.environ.get("VEDETTE_KILL_MATRIX") == "full":

    @pytest.mark.timeout(24 * 3600)
    @pytest.mark.parametrize("name", STORIES)
    @pytest.mark.parametrize("engine", ENGINES)
    async def test_each_kill_alone(
        tmp_path: Path, reference_data: Path, request: pytest.FixtureRequest, engine: str, name: str
    ) -> None:
        told, server = STORIES[name], server_of(engine, request)
        whole = await tell(told, tmp_path / "whole", reference_data, NONE, server=server)
        assert whole.error is None
        orders = [
            f"alone {number} {line}"
            for line, count in whole.passed.items()
            for number in range(1, min(count, PASSAGES) + 1)
        ]
        wrong = {}
        for number, order in enumerate(orders):
            outcome = await tell(told, tmp_path / str(number), reference_data, order, server=server)
            if outcome.error is not None:
                wrong[order] = outcome.error
        assert wrong == {}
