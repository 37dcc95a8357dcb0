"""As `test_kill_matrix.py`, with the database on a server: the bot dies once at each commit and each send.

A file of its own, so that another process of the test run tells the stories meanwhile.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.databases import PostgreSQL
from tests.kill.drive import Outcome, died_at, tell_until_died_everywhere, wanted_points
from tests.kill.stories import STORIES

pytestmark = pytest.mark.timeout(4500)


@pytest.fixture(scope="session")
def matrix_on_a_server(
    tmp_path_factory: pytest.TempPathFactory, reference_data: Path, postgresql: PostgreSQL
) -> dict[str, Outcome]:
    """How every story went on a database server."""
    folder = tmp_path_factory.mktemp("kill-on-a-server")
    return asyncio.run(tell_until_died_everywhere(STORIES, folder, reference_data, postgresql))


@pytest.mark.parametrize("name", STORIES)
def test_nothing_is_lost_or_doubled_on_a_server_in(matrix_on_a_server: dict[str, Outcome], name: str) -> None:
    if matrix_on_a_server[name].error is not None:
        raise matrix_on_a_server[name].error


def test_the_bot_was_killed_at_every_commit_and_send_on_a_server(
    matrix_on_a_server: dict[str, Outcome],
) -> None:
    there = wanted_points(on_server=True)
    assert there - died_at(matrix_on_a_server) == set()
    assert sum(outcome.deaths for outcome in matrix_on_a_server.values()) >= len(there)
