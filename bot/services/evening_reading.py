"""Evenings read from the database, scored, with what admins set about their teams."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.announcements import Message
from bot.core.rounds.evenings import Evening, group_evenings
from bot.core.rounds.post import round_message
from bot.core.rounds.scored import ScoredEvening, TeamChoices, score_evening
from bot.storage import evenings as store
from bot.storage import round_choices
from bot.storage.engine import Connection
from bot.storage.resolved_rounds import KeptRound, read_rounds

REACH = timedelta(hours=18)
"""So far to each side rounds are read to find an evening: none lasts longer."""
AHEAD = timedelta(days=1)
"""So far ahead of ours the clock of a game server may be; what it dates later is not the last that was played."""
TOUCHES = timedelta(hours=2)
"""An evening this near an instant can come out differently by a round there; more than the gap between evenings."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptEvening:
    """An evening of a server with its stored rounds, oldest first."""

    server: str
    rounds: tuple[KeptRound, ...]
    scored: ScoredEvening

    @property
    def ended_at(self) -> datetime:
        """When the last round ended, aware UTC."""
        return self.rounds[-1].told.resolved.ended_at

    @property
    def is_worth_telling(self) -> bool:
        """Whether a round of it counts and may be told."""
        return any(one.told.counted and not one.silent for one in self.rounds)

    def is_over(self, now: datetime) -> bool:
        """Tell whether nothing was played for so long that the next round is another evening's."""
        return Evening(rounds=self.scored.rounds).is_over(now)

    def message_of(self, kept: KeptRound, awards: Sequence[tuple[str, str, str]] = ()) -> Message:
        """Give the message of one of its rounds."""
        told = kept.told
        return round_message(
            told.resolved, server=self.server, key=told.key, evening=self.scored, awards=awards
        )


async def evenings_around(conn: Connection, server: str, around: datetime) -> tuple[KeptEvening, ...]:
    """Read the evening of a server at an instant, and those so near that they could be one with it."""
    found = await evenings_between(conn, server, around - REACH, around + REACH)
    return tuple(
        one for one in found if one.rounds[0].told.began_at - TOUCHES <= around <= one.ended_at + TOUCHES
    )


async def evenings_between(
    conn: Connection, server: str, since: datetime, until: datetime
) -> tuple[KeptEvening, ...]:
    """Read the evenings of a server in a span, oldest first; what crosses its ends is cut there."""
    kept = {one.told.key: one for one in await read_rounds(conn, [server], since=since, until=until)}
    evenings = group_evenings(one.told for one in kept.values())
    file_ids = [one.file_id for one in kept.values()]
    names = await store.team_names(conn, file_ids)
    members = await store.members(conn, file_ids)
    ignored = frozenset(guid for _, guid in await round_choices.players_ignored(conn, [server]))
    return tuple(_kept(server, evening, kept, names, members, ignored=ignored) for evening in evenings)


def _kept(
    server: str,
    evening: Evening,
    by_key: Mapping[str, KeptRound],
    names: Mapping[int, Mapping[int, str]],
    members: Mapping[int, Mapping[str, int]],
    *,
    ignored: frozenset[str],
) -> KeptEvening:
    rounds = tuple(by_key[one.key] for one in evening.rounds)
    placed: dict[str, int] = {}
    for one in rounds:
        placed |= members.get(one.file_id, {})
    named = {one.told.key: names[one.file_id] for one in rounds if one.file_id in names}
    chosen = TeamChoices(names=named, members=placed, ignored=ignored)
    return KeptEvening(server=server, rounds=rounds, scored=score_evening(evening.rounds, chosen))


async def last_round_message(conn: Connection, servers: Collection[str], now: datetime) -> Message | None:
    """Give the message of the round that ended last on one of these servers."""
    found = await store.last_round(conn, servers, until=now + AHEAD)
    if found is None:
        return None
    server, ended_at = found
    for evening in reversed(await evenings_around(conn, server, ended_at)):
        last = evening.rounds[-1]
        awards = await store.awards(conn, [last.id])
        return evening.message_of(last, awards.get(last.id, ()))
    return None
