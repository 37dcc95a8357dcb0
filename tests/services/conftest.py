"""What the tests of the services share; their databases are in tests/databases.py."""

from __future__ import annotations

import pytest

from tests.clocks import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()
