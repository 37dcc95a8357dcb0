"""Statements that forget people, and that remember whom not to record again. Each runs in the caller's transaction."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, case, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.forgotten import Forgotten, alias_of, name_of, player_digest, viewer_digest
from bot.core.streams.tally import NOBODY, UNKNOWN_GUEST
from bot.storage import gift_sums, status
from bot.storage import round_tables as of_rounds
from bot.storage.stream_tables import (
    contribution_gifts,
    contributions,
    forgotten_people,
    stream_comments,
    stream_findings,
    stream_gifts,
    stream_people,
)
from bot.storage.tables import subscriptions
from bot.storage.upsert import Upsert, insert_for

_KEY = "privacy-key"
_COUNTED = (
    *("comments", "likes", "gifts", "diamonds", "estimated_diamonds", "guest_gifts", "guest_diamonds"),
    *("follows", "shares", "joins", "subscriptions"),
)
_MERGED = Upsert(
    contributions,
    added=_COUNTED,
    lowest=("first_at",),
    highest=("last_at", "last_comment_at", "last_gift_at"),
)
_MERGED_GIFTS = Upsert(contribution_gifts, added=("count", "diamonds"))
_BY_GUID = (
    of_rounds.round_weapons,
    of_rounds.player_ratings,
    of_rounds.milestones,
    of_rounds.ignored_players,
    of_rounds.evening_members,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownViewer:
    """Somebody of an audience by the names they had last, and in how many lives they took part."""

    person_id: int
    handle: str
    nickname: str
    lives: int


# --- Whom not to record --------------------------------------------------------------------------


async def forgotten(conn: AsyncConnection) -> Forgotten:
    """Read who asked to be forgotten; the recorder and the import of rounds ask this before they write a name."""
    digests = frozenset((await conn.execute(select(forgotten_people.c.digest))).scalars())
    return Forgotten(await status.note(conn, _KEY), digests) if digests else Forgotten()


async def _secret(conn: AsyncConnection) -> str:
    """Give the deployment's secret, made the first time."""
    key = await status.note(conn, _KEY)
    if not key:
        key = secrets.token_hex(32)
        await status.write_note(conn, _KEY, key)
    return key


async def _remember(conn: AsyncConnection, digest: str, now: datetime) -> None:
    row = insert_for(conn, forgotten_people).values(digest=digest, at=now)
    await conn.execute(row.on_conflict_do_nothing())


async def record_again(conn: AsyncConnection, *, person_id: int | None = None, guid: str = "") -> bool:
    """Take somebody off the list; gives whether they were on it."""
    key = await _secret(conn)
    digest = player_digest(key, guid) if person_id is None else viewer_digest(key, person_id)
    gone = await conn.execute(delete(forgotten_people).where(forgotten_people.c.digest == digest))
    return bool(gone.rowcount)


# --- Viewers -------------------------------------------------------------------------------------


async def viewers(
    conn: AsyncConnection, guild_id: int | None, *, person_id: int | None, handle: str
) -> Sequence[KnownViewer]:
    """Find viewers by id or handle; with a guild, only among those of accounts that it follows."""
    mine = contributions.c.person_id == stream_people.c.person_id
    query = select(
        stream_people.c.person_id,
        stream_people.c.handle,
        stream_people.c.nickname,
        select(func.count()).select_from(contributions).where(mine).scalar_subquery().label("lives"),
    )
    named = func.lower(stream_people.c.handle) == handle.lower()
    query = query.where(named if person_id is None else stream_people.c.person_id == person_id)
    if guild_id is not None:
        followed = select(subscriptions.c.account_id).where(subscriptions.c.guild_id == guild_id)
        query = query.where(exists().where(mine, contributions.c.account_id.in_(followed)))
    rows = (await conn.execute(query.order_by(stream_people.c.person_id))).mappings()
    return [KnownViewer(**row) for row in rows]


async def forget_viewer(conn: AsyncConnection, person_id: int, now: datetime) -> None:
    """Remove name and comments of a viewer and add what they gave to nobody's; they are not recorded again."""
    await _remember(conn, viewer_digest(await _secret(conn), person_id), now)
    await forget_traces(conn, person_id)


async def tell_anew(conn: AsyncConnection, person_id: int, since: datetime) -> None:
    """Let the lives a viewer took part in that were told since an instant be told once more, without the name.

    To be called before the viewer is forgotten.
    """
    taken_part = select(contributions.c.live_id).where(contributions.c.person_id == person_id)
    told = (stream_findings.c.found_at >= since) & stream_findings.c.live_id.in_(taken_part)
    await conn.execute(delete(stream_findings).where(told))


async def forget_traces(conn: AsyncConnection, person_id: int) -> None:
    """Remove all that is stored of a viewer but their gifts' sums, which become nobody's."""
    # By live first, which an index finds; before their contributions are nobody's.
    taken_part = select(contributions.c.live_id).where(contributions.c.person_id == person_id)
    theirs = (stream_gifts.c.live_id.in_(taken_part)) & (stream_gifts.c.person_id == person_id)
    await _make_nobodys(conn, theirs, person_id=NOBODY)
    await _make_nobodys(conn, stream_gifts.c.to_person_id == person_id, to_person_id=UNKNOWN_GUEST)
    for table, merged in ((contributions, _MERGED), (contribution_gifts, _MERGED_GIFTS)):
        await _merge(conn, table, merged, person_id)
    await gift_sums.forget(conn, person_id)
    for table in (stream_comments, stream_people):
        await conn.execute(delete(table).where(table.c.person_id == person_id))


async def _make_nobodys(conn: AsyncConnection, which: ColumnElement[bool], **nobody: int) -> None:
    """Take a person out of gifts. They keep their group, so that a streak that runs goes on in its row.

    A group is one person's; should nobody have it already, the row is told apart by its own number.
    """
    other = stream_gifts.alias("other")
    same = {"person_id": stream_gifts.c.person_id, "to_person_id": stream_gifts.c.to_person_id, **nobody}
    taken = exists().where(
        other.c.live_id == stream_gifts.c.live_id,
        other.c.gift_id == stream_gifts.c.gift_id,
        other.c.group_id == stream_gifts.c.group_id,
        *(other.c[name] == value for name, value in same.items()),
    )
    group = case((taken, -stream_gifts.c.id), else_=stream_gifts.c.group_id)
    await conn.execute(update(stream_gifts).where(which).values(group_id=group, **nobody))


async def _merge(conn: AsyncConnection, table: Table, merged: Upsert, person_id: int) -> None:
    of_person = table.c.person_id == person_id
    rows = [dict(row) for row in (await conn.execute(select(table).where(of_person))).mappings()]
    await conn.execute(delete(table).where(of_person))
    if rows:
        nobodys = [{**row, "person_id": NOBODY} for row in rows]
        await conn.execute(merged.on(conn.dialect.name), nobodys)


async def seen_since(conn: AsyncConnection, instant: datetime) -> Sequence[int]:
    """Name the viewers whose names were written since an instant."""
    query = select(stream_people.c.person_id).where(stream_people.c.seen_at >= instant)
    return list((await conn.execute(query)).scalars())


# --- Players -------------------------------------------------------------------------------------


async def forget_player(conn: AsyncConnection, guid: str, now: datetime) -> str:
    """Give a player's rounds, weapons, duels, awards and milestones to an alias, which is given back."""
    key = await _secret(conn)
    await _remember(conn, player_digest(key, guid), now)
    alias = alias_of(key, guid)
    await _hide_awards(conn, guid, name_of(alias))
    played, duels = of_rounds.round_players, of_rounds.round_duels
    renamed = {"guid": alias, "name": name_of(alias)}
    await conn.execute(update(played).where(played.c.guid == guid).values(renamed))
    for column in (duels.c.guid, duels.c.opponent_guid):
        await _rename(conn, duels, column, guid, alias)
    for table in _BY_GUID:
        await _rename(conn, table, table.c.guid, guid, alias)
    links = of_rounds.player_links
    await conn.execute(delete(links).where(links.c.guid == guid))
    return alias


async def _rename(
    conn: AsyncConnection, table: Table, column: ColumnElement[Any], guid: str, alias: str
) -> None:
    await conn.execute(update(table).where(column == guid).values({column: alias}))


async def _hide_awards(conn: AsyncConnection, guid: str, name: str) -> None:
    """Put another name into the awards of a player, who is known in them by the name of the round alone."""
    played, awards = of_rounds.round_players, of_rounds.round_awards
    rounds_of = select(played.c.round_id).where(played.c.guid == guid)
    is_theirs = exists().where(
        played.c.guid == guid, played.c.round_id == awards.c.round_id, played.c.name == awards.c.name
    )
    await conn.execute(update(awards).where(awards.c.round_id.in_(rounds_of), is_theirs).values(name=name))
