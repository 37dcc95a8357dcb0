"""``python -m tools.bench profiles``: a hundred profiles that are due at once, and questions over a million snapshots."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bot.storage.engine import sqlite_url
from tools.bench.postgresql import running_postgresql
from tools.bench.profile_history import measure_history
from tools.bench.profile_load import measure_load
from tools.bench.report import Figure


async def measure() -> list[Figure]:
    """Measure everything; takes about four minutes, most of them to write the snapshots."""
    figures = []
    with tempfile.TemporaryDirectory(prefix="vedette-bench-") as place:
        figures += await measure_load(str(sqlite_url(Path(place) / "load.db")), Path(place))
        figures += await measure_history(str(sqlite_url(Path(place) / "history.db")), "SQLite")
    with running_postgresql() as url:
        if url is not None:
            figures += await measure_history(url, "PostgreSQL")
    return figures
