"""The real round files, read once."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import pytest

from bot.core.rounds.files import FileKind, file_kind, parse_name
from bot.core.rounds.grammar import RoundFileError, parse_stats
from bot.core.rounds.pairing import PlayedRound


@pytest.fixture(scope="session")
def real_files(reference_data: Path) -> dict[str, bytes]:
    """Every stats file of a round, by name."""
    folder = reference_data / "etlegacy"
    return {
        path.name: path.read_bytes()
        for path in sorted(folder.iterdir())
        if file_kind(path.name) is FileKind.ROUND
    }


@pytest.fixture(scope="session")
def real_rounds(real_files: dict[str, bytes]) -> dict[str, PlayedRound]:
    """Every round in the layout that is read, by name."""
    rounds = {}
    for name, content in real_files.items():
        try:
            stats = parse_stats(content)
        except RoundFileError:
            continue
        ended_at = parse_name(name).wall_clock.replace(tzinfo=UTC)
        rounds[name] = PlayedRound(key=name, ended_at=ended_at, stats=stats)
    return rounds
