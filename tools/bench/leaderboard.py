"""How long `/top players` takes over 100,000 player rounds: the sums in the database and the ranking, all time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from bot.core.rounds.metrics import METRICS, Metric, Per, related
from bot.core.rounds.periods import Span
from bot.services.leaderboards import rank
from bot.storage.engine import Database
from bot.storage.round_tables import round_files, round_players, rounds
from bot.storage.tables import metadata
from tools.bench.report import Figure, percentile

PLAYER_ROUNDS = 100_000
IN_A_ROUND = 10
PEOPLE = 300
LIMIT_MS = 50.0
RUNS = 9
SERVER = "bench"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
_AT_ONCE = 1000


async def measure_leaderboard(url: str, engine: str) -> list[Figure]:
    """Fill an empty database and rank all players by each metric; gives the ordinary one and the slowest."""
    database = Database.open(url)
    try:
        await _fill(database)
        took = {metric.key: await _took_ms(database, metric) for metric in METRICS.values()}
        rate = await _took_ms(database, related(METRICS["gibs"], Per.TEN_MINUTES))
    finally:
        await database.close()
    slowest = max(took, key=lambda key: took[key])
    how = f"median of {RUNS}; {PLAYER_ROUNDS:,} player rounds of {PEOPLE} people, all time"
    return [
        _figure(f"leaderboard by damage per minute, {engine}", took["dpm"], how, LIMIT_MS),
        _figure(f"leaderboard by gibs per 10 minutes, {engine}", rate, how, LIMIT_MS),
        _figure(f"leaderboard by {slowest}, the slowest, {engine}", took[slowest], how),
    ]


def _figure(name: str, value: float, how: str, limit: float = float("inf")) -> Figure:
    return Figure(name=name, value=value, unit="ms", how=how, limit=limit)


async def _took_ms(database: Database, metric: Metric) -> float:
    took = []
    for _ in range(RUNS):
        started = time.perf_counter()
        async with database.read() as conn:
            ranking = await rank(conn, [SERVER], metric, Span())
        took.append(1000 * (time.perf_counter() - started))
        if len(ranking.players) != PEOPLE:
            raise RuntimeError(f"{len(ranking.players)} of {PEOPLE} people were ranked by {metric.key}")
    return percentile(took, 0.5)


async def _fill(database: Database) -> None:
    """Write the same made-up rounds each time, one each twenty minutes."""
    luck = Random(7)  # noqa: S311 - the same rounds each time
    async with database.write("bench.fill") as conn:
        await conn.run_sync(metadata.create_all)
        for table, rows in _rows(luck):
            for start in range(0, len(rows), _AT_ONCE):
                await conn.execute(table.insert(), rows[start : start + _AT_ONCE])
        if conn.dialect.name == "postgresql":  # which does so by itself within a minute (autovacuum)
            await conn.exec_driver_sql("ANALYZE")


def _rows(luck: Random) -> Iterator[tuple[Any, list[dict[str, Any]]]]:
    numbers = range(1, PLAYER_ROUNDS // IN_A_ROUND + 1)
    ended = {number: NOW - timedelta(minutes=20 * (len(numbers) - number)) for number in numbers}
    yield round_files, [_file(number, ended[number]) for number in numbers]
    yield rounds, [_round(number, ended[number]) for number in numbers]
    counters = [
        column.name
        for column in round_players.c
        if column.name not in {"guid", "round_id", "side", "counter_reset", "name"}
    ]
    yield (
        round_players,
        [
            {
                "guid": f"{person * 7919:08X}",
                "round_id": number,
                "side": 1,
                "counter_reset": False,
                "name": f"Player {person}",
                **{name: luck.randrange(1, 400) for name in counters},
            }
            for number in numbers
            for person in luck.sample(range(PEOPLE), IN_A_ROUND)
        ],
    )


def _file(number: int, at: datetime) -> dict[str, Any]:
    instants = dict.fromkeys(("modified_at", "first_seen_at", "listed_at"), at)
    names = {"server": SERVER, "name": f"file {number}", "state": "imported"}
    return {"id": number, **names, **instants, "size": 1, "silent": True}


def _round(number: int, at: datetime) -> dict[str, Any]:
    names = {"id": number, "file_id": number, "server": SERVER, "map": "supply", "round": 1}
    sides = {"winner_side": 2, "defender_side": 1, "played_seconds": 600}
    return {**names, **sides, "ended_at": at, "imported_at": at, "flags": [], "counted": True}
