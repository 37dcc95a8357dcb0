"""Recorded lives in a database, for tests of what reads them: made from a seed, as the recorder writes them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, select

from bot.core.streams.recording import RecordingState
from bot.storage import gift_sums
from bot.storage.engine import Connection
from bot.storage.stream_tables import (
    contribution_gifts,
    contributions,
    gift_kinds,
    recordings,
    stream_gifts,
    stream_minutes,
    stream_people,
)
from bot.storage.tables import accounts, live_rooms, lives
from bot.storage.upsert import insert_for

START = datetime(2026, 3, 1, 18, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
GIFTS = {
    5655: ("Rose", 1),
    5658: ("Perfume", 20),
    6064: ("GG", 1),
    5879: ("Doughnut", 30),
    6149: ("Interstellar", 10_000),
}
FIRST_PERSON = 6_900_000_000_000_000_000


@dataclass(frozen=True, kw_only=True)
class KeptLive:
    """What was written: the sums a test compares with."""

    live_id: int
    account_id: int
    started_at: datetime
    ended_at: datetime | None
    diamonds_of: dict[int, int]
    totals: dict[str, int]


async def keep_live(
    conn: Connection,
    *,
    handle: str = "ana",
    seed: int = 1,
    started_at: datetime = START,
    minutes: int = 90,
    going_on: bool = False,
    people: int = 12,
    connected_share: float = 1.0,
) -> KeptLive:
    """Write one recorded live of an account (which is made if it is not there)."""
    chance = random.Random(f"{handle} {seed}")
    account_id = await _account(conn, handle, started_at)
    ended_at = None if going_on else started_at + minutes * MINUTE
    phase = "on" if going_on else "ended"
    live_id = (
        await conn.execute(
            insert(lives)
            .values(
                account_id=account_id,
                phase=phase,
                started_at=started_at,
                found_at=started_at + MINUTE,
                last_seen_at=started_at + minutes * MINUTE,
                ended_at=ended_at,
                title=f"Live of {handle}",
                cover_url="",
                viewers=100,
                peak_viewers=50,  # the checks saw fewer than the recorder
            )
            .returning(lives.c.id)
        )
    ).scalar_one()
    room_id = int(started_at.timestamp()) << 32 | live_id
    await conn.execute(insert(live_rooms).values(live_id=live_id, room_id=room_id, started_at=started_at))
    gifts = _gifts(chance, started_at, minutes, people)
    rows = _minutes(chance, started_at, minutes, gifts, connected_share)
    await conn.execute(insert(stream_minutes), [{"live_id": live_id, **row} for row in rows])
    known = [
        {"gift_id": number, "name": name, "diamonds": each, "streakable": each < 100, "seen_at": started_at}
        for number, (name, each) in GIFTS.items()
    ]
    await conn.execute(insert_for(conn, gift_kinds).values(known).on_conflict_do_nothing())
    named = [
        {"person_id": FIRST_PERSON + i, "handle": f"fan{i}", "nickname": f"Fan {i}", "seen_at": started_at}
        for i in range(people)
    ]
    await conn.execute(insert_for(conn, stream_people).values(named).on_conflict_do_nothing())
    if gifts:
        await conn.execute(insert(stream_gifts), [{"live_id": live_id, **gift} for gift in gifts])
    taken_part = _contributions(chance, started_at, minutes, people, gifts)
    await conn.execute(
        insert(contributions), [{"live_id": live_id, "account_id": account_id, **row} for row in taken_part]
    )
    given = [
        gift_sums.Given(
            person_id=row["person_id"],
            gifts=row["gifts"],
            diamonds=row["diamonds"],
            estimated_diamonds=0,
            last_gift_at=row["last_gift_at"],
            kinds=frozenset(gift["gift_id"] for gift in gifts if gift["person_id"] == row["person_id"]),
        )
        for row in taken_part
        if row["gifts"]
    ]
    await gift_sums.add(conn, live_id, given)
    kinds: dict[tuple[int, int], list[int]] = {}
    for gift in gifts:
        sums = kinds.setdefault((gift["person_id"], gift["gift_id"]), [0, 0])
        sums[0] += gift["count"]
        sums[1] += gift["count"] * gift["diamonds_each"]
    if kinds:
        await conn.execute(
            insert(contribution_gifts),
            [
                {"live_id": live_id, "person_id": person, "gift_id": gift, "count": n, "diamonds": worth}
                for (person, gift), (n, worth) in kinds.items()
            ],
        )
    counted = ("comments", "likes", "gifts", "diamonds", "follows", "shares", "joins")
    totals = {name: sum(row[name] for row in rows) for name in counted}
    seen = [row["viewers_max"] for row in rows]
    await conn.execute(
        insert(recordings).values(
            live_id=live_id,
            account_id=account_id,
            room_id=room_id,
            state=RecordingState.RECORDING if going_on else RecordingState.DONE,
            wanted_at=started_at,
            first_connected_at=started_at,
            last_event_at=started_at + minutes * MINUTE,
            connected_seconds=60 * minutes * connected_share,
            connections=1,
            viewers=rows[-1]["viewers_last"],
            viewers_at=started_at + minutes * MINUTE,
            peak_viewers=max(seen),
            peak_at=rows[seen.index(max(seen))]["minute"],
            viewer_seconds=sum(row["viewer_seconds"] for row in rows),
            watched_seconds=sum(row["watched_seconds"] for row in rows),
            entered=5 * max(seen),
            room_likes=totals["likes"] + 50,
            people=people,
            commenters=sum(row["comments"] > 0 for row in taken_part),
            likers=people,
            gifters=len({gift["person_id"] for gift in gifts}),
            **totals,
        )
    )
    sums: dict[int, int] = {}
    for gift in gifts:
        sums[gift["person_id"]] = sums.get(gift["person_id"], 0) + gift["count"] * gift["diamonds_each"]
    return KeptLive(
        live_id=live_id,
        account_id=account_id,
        started_at=started_at,
        ended_at=ended_at,
        diamonds_of=sums,
        totals=totals,
    )


async def _account(conn: Connection, handle: str, now: datetime) -> int:
    known = (await conn.execute(select(accounts.c.id).where(accounts.c.handle == handle))).scalar()
    if known is not None:
        return int(known)
    made = insert(accounts).values(
        platform="tiktok",
        platform_id=7_100_000_000_000_000_000 + sum(handle.encode()) * 1000 + len(handle),
        handle=handle,
        nickname=handle.title(),
        profile_state="active",
        added_at=now,
        next_check_at=now,
    )
    return int((await conn.execute(made.returning(accounts.c.id))).scalar_one())


def _gifts(chance: random.Random, started_at: datetime, minutes: int, people: int) -> list[dict[str, object]]:
    found = []
    for minute in range(minutes):
        for _ in range(chance.choice([0, 0, 0, 1, 2])):
            gift_id = chance.choices(list(GIFTS), weights=[60, 15, 15, 9, 1])[0]
            at = started_at + minute * MINUTE + timedelta(seconds=chance.randrange(60))
            found.append(
                {
                    "person_id": FIRST_PERSON + int(people * chance.random() ** 2),
                    "gift_id": gift_id,
                    "group_id": len(found) + 1,
                    "count": chance.choice([1, 1, 2, 5, 10]) if GIFTS[gift_id][1] < 100 else 1,
                    "diamonds_each": GIFTS[gift_id][1],
                    "value_from": "event",
                    "first_at": at,
                    "last_at": at,
                }
            )
    return found


def _minutes(
    chance: random.Random, started_at: datetime, minutes: int, gifts: list[dict[str, object]], share: float
) -> list[dict[str, object]]:
    rows, viewers = [], 100
    for number in range(minutes):
        minute = started_at + number * MINUTE
        first, viewers = viewers, max(5, viewers + chance.randrange(-8, 10))
        mine = [gift for gift in gifts if minute <= gift["first_at"] < minute + MINUTE]
        rows.append(
            {
                "minute": minute,
                "viewers_first": first,
                "viewers_last": viewers,
                "viewers_min": min(first, viewers),
                "viewers_max": max(first, viewers),
                "viewer_seconds": 30.0 * (first + viewers),
                "watched_seconds": 60.0,
                "connected_seconds": 60.0 * share,
                "comments": chance.randrange(12),
                "likes": chance.randrange(200),
                "gifts": sum(gift["count"] for gift in mine),
                "diamonds": sum(gift["count"] * gift["diamonds_each"] for gift in mine),
                "follows": chance.choice([0, 0, 1]),
                "shares": chance.choice([0, 0, 0, 1]),
                "joins": chance.randrange(6),
                "people": chance.randrange(5, 12),
                "commenters": chance.randrange(5),
                "gifters": len({gift["person_id"] for gift in mine}),
            }
        )
    return rows


def _contributions(
    chance: random.Random, started_at: datetime, minutes: int, people: int, gifts: list[dict[str, object]]
) -> list[dict[str, object]]:
    rows = []
    for i in range(people):
        mine = [gift for gift in gifts if gift["person_id"] == FIRST_PERSON + i]
        rows.append(
            {
                "person_id": FIRST_PERSON + i,
                "comments": chance.randrange(20),
                "likes": chance.randrange(500),
                "gifts": sum(gift["count"] for gift in mine),
                "diamonds": sum(gift["count"] * gift["diamonds_each"] for gift in mine),
                "shares": chance.randrange(2),
                "first_at": started_at,
                "last_at": started_at + minutes * MINUTE,
                "last_gift_at": max((gift["last_at"] for gift in mine), default=None),
            }
        )
    return rows
