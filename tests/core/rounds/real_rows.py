"""The real rounds as rows of tables, twice: through `bot`, and from the bytes by the second decoder."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from bot.core.rounds.counters import PlayerRound, counters_of
from bot.core.rounds.evenings import Evening, EveningRound, group_evenings
from bot.core.rounds.pairing import PlayedRound, pair_rounds
from bot.core.rounds.resolve import ResolvedRound, resolve
from tests.core.rounds import decoder

# Positions in the tail by its number of fields; 33 fields have no denied time (specs/etlegacy.md 1.4).
_NOW = {
    "dynamite": (17, 18),
    "useful_kills": (27,),
    "denied_seconds": (28,),
    "multi_kills": (29, 30, 31, 32, 33),
}
_THEN = {"dynamite": (17, 18), "useful_kills": (27,), "multi_kills": (28, 29, 30, 31, 32)}
# Too few players, nobody, an orphan, an aborted round.
UNCOUNTED = ("2024-09-11-212540", "2024-09-12-174949", "2025-01-06-221847", "2025-10-26-200001")


def resolved_rounds(played: Mapping[str, PlayedRound]) -> dict[str, ResolvedRound]:
    pairings = pair_rounds(played.values())
    return {key: resolve(one, pairings[key]) for key, one in played.items()}


def evenings(played: Mapping[str, PlayedRound]) -> tuple[Evening, ...]:
    resolved = resolved_rounds(played)
    return group_evenings(EveningRound(key=key, resolved=one) for key, one in resolved.items())


def rows(played: Mapping[str, PlayedRound]) -> list[PlayerRound]:
    """Give every player's rounds, as a service makes them of what is stored."""
    found = []
    for one in resolved_rounds(played).values():
        found += [
            PlayerRound(
                guid=player.guid,
                name=player.name,
                ended_at=one.ended_at,
                counted=one.counted,
                counters=counters_of(player),
            )
            for player in one.players
        ]
    return found


def expected_rows(files: Mapping[str, bytes]) -> dict[str, list[dict[str, Any]]]:
    """Give the counted rounds of every player, by GUID, from the bytes."""
    found = defaultdict(list)
    for name, one in decoder.rounds(files).items():
        if name.startswith(UNCOUNTED):
            continue
        tails = _tails(files[name])
        for guid, numbers in one["players"].items():
            found[guid].append({"file": name, **numbers, **tails[guid]})
    return found


def _tails(content: bytes) -> dict[str, dict[str, int]]:
    found = {}
    for line in content.decode("latin-1").splitlines()[1:]:
        fields = line.split("\t")[1:]
        positions = _THEN if len(fields) == 33 else _NOW
        found[line[:8]] = {what: sum(int(fields[one]) for one in spots) for what, spots in positions.items()}
    return found
