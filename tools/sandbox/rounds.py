"""Single rounds for tests, benches and simulations; the world plays whole evenings of them."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from tools.sandbox.world.evenings import RoundFile, files_of, map_that_ended

MAPS = ("sandbox_bridge", "sandbox_depot", "sandbox_harbour")


def play_map(
    map_name: str, ends: tuple[datetime, datetime], luck: random.Random
) -> tuple[RoundFile, RoundFile]:
    """Play both rounds of a map; `ends` are the instants at which their files are written, in the server's zone."""
    files = files_of(map_that_ended(map_name, ends, luck), ends[0].tzinfo or UTC)
    first, second = (file for file in files if file.roster)
    return first, second
