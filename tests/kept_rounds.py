"""Invented rounds put straight into the tables, for whatever reads sums of players."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select

from bot.core.rounds.counters import COUNTERS, PlayerRound
from bot.storage.round_tables import round_files, round_players, rounds

_NULLABLE = {column.name for column in round_players.c if column.nullable}


async def put_round(
    conn,
    ended_at: datetime,
    players: Mapping[str, Mapping[str, Any]],
    *,
    server: str = "alpha",
    counted: bool = True,
    silent: bool = False,
    seconds: int | None = 600,
) -> int:
    """Put a round; `players` are counters by GUID, and `name`. What is not given is 0, or unknown where it can be."""
    number = ((await conn.execute(select(func.max(rounds.c.id)))).scalar() or 0) + 1
    made = await conn.execute(
        insert(round_files).values(
            server=server,
            name=f"file {number}",
            state="imported",
            size=1,
            modified_at=ended_at,
            first_seen_at=ended_at,
            listed_at=ended_at,
            silent=silent,
        )
    )
    kept = await conn.execute(
        insert(rounds).values(
            file_id=made.inserted_primary_key[0],
            server=server,
            map="supply",
            round=1,
            ended_at=ended_at,
            imported_at=ended_at,
            played_seconds=seconds,
            winner_side=1,
            defender_side=1,
            flags=[],
            counted=counted,
        )
    )
    round_id: int = kept.inserted_primary_key[0]
    columns = [column.name for column in round_players.c]
    nothing = {name: None if name in _NULLABLE else 0 for name in columns} | {
        "counter_reset": False,
        "side": 1,
    }
    rows = [
        {**nothing, "name": f"p{guid}", **given, "guid": guid, "round_id": round_id}
        for guid, given in players.items()
    ]
    if rows:
        await conn.execute(insert(round_players), rows)
    return round_id


def as_player_rounds(
    ended_at: datetime, players: Mapping[str, Mapping[str, Any]], *, counted: bool = True
) -> list[PlayerRound]:
    """Give the same as core reads it."""
    found = []
    for guid, given in players.items():
        counters = {name: given.get(name, None if name in _NULLABLE else 0) for name in COUNTERS}
        if not counters["team_seconds"]:
            counters["team_seconds"] = counters["alive_seconds"] = None
        name = given.get("name", f"p{guid}")
        found.append(PlayerRound(guid=guid, name=name, ended_at=ended_at, counted=counted, counters=counters))
    return found
