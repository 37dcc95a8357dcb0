"""Rounds are written as their files say, each with its awards; all in the caller's transaction."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.core.rounds.endstats import endstats_of, parse_endstats, player_duels
from bot.core.rounds.files import parse_name
from bot.core.rounds.grammar import RoundFileError
from bot.core.rounds.hiding import awards_without_names, duels_without_names, without_names
from bot.core.rounds.resolve import ResolvedRound
from bot.storage import endstats as awards_store
from bot.storage import privacy
from bot.storage import rounds as store
from bot.storage.engine import Connection

BUGS = (ValueError, ArithmeticError, LookupError, TypeError)
"""What our own mistakes over an odd file raise: its rounds are left alone, and those of other files go on."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A round as it was written; `key` is the name of its file."""

    key: str
    id: int
    resolved: ResolvedRound


async def write_rounds(
    conn: Connection,
    server: str,
    resolved: Mapping[str, ResolvedRound],
    *,
    file_ids: Mapping[str, int],
    round_ids: Mapping[str, int],
    now: datetime,
) -> tuple[Made, ...]:
    """Write rounds, a round 1 before its round 2; `round_ids` has those that are stored already, also of others."""
    ids = dict(round_ids)
    made = []
    forgotten = await privacy.forgotten(conn)
    for key, named in resolved.items():
        one = without_names(named, forgotten)
        partner_id = None if one.partner_key is None else ids.get(one.partner_key)
        ids[key] = await store.keep_round(
            conn, server, file_ids[key], one, partner_round_id=partner_id, now=now
        )
        await join_endstats(conn, server, ids[key], key)
        made.append(Made(key=key, id=ids[key], resolved=one))
    return tuple(made)


async def join_endstats(conn: Connection, server: str, round_id: int, file: str) -> None:
    """Write the awards and duels of the round that was made of `file`, where they have come."""
    name = parse_name(file)
    if name is None:
        return
    near = {parse_name(one.name): one for one in await awards_store.near_endstats(conn, server, name)}
    nearest = near.get(endstats_of(name, [other for other in near if other is not None]))
    if nearest is None:
        await awards_store.forget_endstats(conn, round_id)
        return
    try:
        read = parse_endstats(nearest.content)
    except RoundFileError as error:  # it was read once, by another version
        log.warning("%s: %s can no longer be read: %s", server, nearest.name, error)
        return
    names = await awards_store.player_names(conn, round_id)
    duels = duels_without_names(player_duels(read, names), await privacy.forgotten(conn))
    awards = awards_without_names(read.awards, names)
    await awards_store.keep_endstats(conn, round_id, nearest.id, awards, duels)
