"""Rounds as they were resolved, read back from their rows: no file is parsed again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.rounds.evenings import EveningRound
from bot.core.rounds.player import ResolvedPlayer
from bot.core.rounds.resolve import Flag, ResolvedRound
from bot.storage.round_tables import round_files, round_players, rounds

AT_ONCE = 100
"""So many rounds are made of their rows before the event loop gets its turn; each has a dozen players."""
_PLAYER = [field.name for field in fields(ResolvedPlayer) if field.name != "weapons"]
_ROUND = [
    *("map", "round", "ended_at", "limit_seconds", "defender_side", "winner_side"),
    *("attackers_succeeded", "played_seconds"),
]
_other_rounds = rounds.alias("other_rounds")
_other_files = round_files.alias("other_files")


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptRound:
    """A stored round. `told` has the name of its file as key, and players without their weapons.

    `silent` forbids to post it.
    """

    id: int
    file_id: int
    server: str
    silent: bool
    told: EveningRound


async def read_rounds(
    conn: AsyncConnection,
    servers: Collection[str],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    map_name: str | None = None,
    with_players: bool = True,
) -> tuple[KeptRound, ...]:
    """Read the rounds of servers that ended in a span (both ends are in it), oldest first.

    Without their players they take little time, however many; with them other work gets its turns.
    """
    wanted: list[ColumnElement[bool]] = [rounds.c.server.in_(servers)]
    if since is not None:
        wanted.append(rounds.c.ended_at >= since)
    if until is not None:
        wanted.append(rounds.c.ended_at <= until)
    if map_name is not None:
        wanted.append(rounds.c.map == map_name)
    query = (
        select(
            rounds.c.id,
            rounds.c.file_id,
            rounds.c.server,
            rounds.c.flags,
            rounds.c.counted,
            round_files.c.name,
            round_files.c.silent,
            _other_files.c.name.label("partner"),
            *[rounds.c[name] for name in _ROUND],
        )
        .join(round_files, rounds.c.file_id == round_files.c.id)
        .outerjoin(_other_rounds, rounds.c.partner_round_id == _other_rounds.c.id)
        .outerjoin(_other_files, _other_rounds.c.file_id == _other_files.c.id)
        .where(*wanted)
        .order_by(rounds.c.ended_at, rounds.c.id)
    )
    async with conn.stream(query.execution_options(yield_per=AT_ONCE)) as result:
        parts = [part async for part in result.mappings().partitions()]
    kept: list[KeptRound] = []
    for part in parts:
        players = await _players(conn, [row["id"] for row in part]) if with_players else {}
        kept += [_kept(row, players.get(row["id"], [])) for row in part]
    return tuple(kept)


async def _players(conn: AsyncConnection, ids: list[int]) -> Mapping[int, list[ResolvedPlayer]]:
    """Read the players of rounds, by round, most damage first as they were resolved."""
    played: dict[int, list[ResolvedPlayer]] = defaultdict(list)
    columns = [round_players.c[name] for name in _PLAYER]
    query = select(round_players.c.round_id, *columns).where(round_players.c.round_id.in_(ids))
    for row in (await conn.execute(query)).mappings():
        played[row["round_id"]].append(ResolvedPlayer(**{name: row[name] for name in _PLAYER}))
    return played


def _kept(row: RowMapping, players: Iterable[ResolvedPlayer]) -> KeptRound:
    resolved = ResolvedRound(
        **{name: row[name] for name in _ROUND},
        players=tuple(sorted(players, key=lambda player: (-player.damage_given, player.guid))),
        flags=frozenset(Flag(flag) for flag in row["flags"]),
        partner_key=row["partner"],
    )
    left_out = resolved.counted and not row["counted"]
    return KeptRound(
        id=row["id"],
        file_id=row["file_id"],
        server=row["server"],
        silent=row["silent"],
        told=EveningRound(key=row["name"], resolved=resolved, voided=left_out),
    )
