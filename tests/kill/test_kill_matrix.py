"""The bot is killed with SIGKILL at every point of its code and started again: nothing lost, nothing doubled.

The points come from the code (`points.py`), so a new transaction, request or step with files is one by itself;
this fails when no story passes it. To add a case, add a line to a story in `stories/`, or a story to its file.

In the test command each story is told once, and its bot killed at one point after the other where none of
another story has died yet (a chapter names steps to visit anew in it), and all once more where a point was
missed; `test_kill_matrix_on_a_server.py` tells them with the database on a server, where the bot is killed once at
each commit and each send. With VEDETTE_KILL_MATRIX=full each story is also told anew, on both engines, for every
point it passes, with that one kill alone (`test_each_kill_alone.py`).
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.kill.drive import Outcome, died_at, tell_until_died_everywhere, wanted_points
from tests.kill.points import enumerate_steps
from tests.kill.stories import STORIES

pytestmark = pytest.mark.timeout(4500)


@pytest.fixture(scope="session")
def matrix(tmp_path_factory: pytest.TempPathFactory, reference_data: Path) -> dict[str, Outcome]:
    """How every story went with the default database."""
    return asyncio.run(tell_until_died_everywhere(STORIES, tmp_path_factory.mktemp("kill"), reference_data))


@pytest.mark.parametrize("name", STORIES)
def test_nothing_is_lost_or_doubled_in(matrix: dict[str, Outcome], name: str) -> None:
    if matrix[name].error is not None:
        raise matrix[name].error


def test_the_bot_was_killed_at_every_point(matrix: dict[str, Outcome]) -> None:
    where = {
        f"{name} | {side}": step.where
        for name, step in enumerate_steps().items()
        for side in ("before", "after")
    }
    here = wanted_points(on_server=False)
    assert {point: where[point] for point in sorted(here - died_at(matrix))} == {}
    assert sum(outcome.deaths for outcome in matrix.values()) >= len(here)


def test_no_request_changes_discord_without_being_a_step(matrix: dict[str, Outcome]) -> None:
    assert [request for outcome in matrix.values() for request in outcome.unnamed] == []
