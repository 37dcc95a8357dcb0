"""``python -m tools.bench gifters``: tables of supporters over a million gifts, by kept sums and by every single gift."""

from __future__ import annotations

import math
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any

from bot.core.rounds.periods import Span
from bot.core.streams.events import Viewer
from bot.core.streams.gifters import Supporters
from bot.core.streams.models import Supporter
from bot.storage import gift_sums
from bot.storage.engine import Connection, Database, sqlite_url
from bot.storage.stream_tables import (
    contribution_gifts,
    contributions,
    recordings,
    stream_gifts,
    stream_people,
)
from bot.storage.tables import accounts, lives, metadata
from tools.bench.postgresql import running_postgresql
from tools.bench.report import Figure, percentile

GIFTS, SESSIONS, ACCOUNTS, PEOPLE, KINDS = 1_000_000, 300, 6, 5_000, 60
ONLOOKERS = 500
"""Who took part in a live and gave nothing; `contributions` has them too."""
LIMIT_MS = 20.0
RUNS = 21
SHOWN = 50
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
YEAR = timedelta(days=365)
LASTS = timedelta(hours=2)
FIRST_PERSON = 6_900_000_000_000_000_000
GUESTS_SHARE, UNVALUED_SHARE, ESTIMATED_SHARE = 0.03, 0.005, 0.02
_AT_ONCE = 5_000

# What the kept sums must equal: gifts belong to the live they were given in.
_BY_SINGLE_GIFTS = """
SELECT person_id, sum(count), sum(count * coalesce(diamonds_each, 0)),
    sum(CASE WHEN value_from = 'estimate' THEN count * diamonds_each ELSE 0 END),
    max(last_at), count(DISTINCT gift_id)
FROM stream_gifts JOIN lives ON lives.id = live_id
WHERE to_person_id = 0 AND account_id IN ({accounts}) AND started_at >= {since} AND started_at < {until}
GROUP BY person_id
"""
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One table somebody may ask for."""

    name: str
    accounts: tuple[int, ...]
    span: Span
    live_id: int | None = None
    limit: float = LIMIT_MS


async def measure() -> list[Figure]:
    """Measure everything; takes about four minutes, most of them to write the gifts."""
    figures = []
    with tempfile.TemporaryDirectory(prefix="vedette-bench-") as place:
        figures += await measure_gifters(str(sqlite_url(Path(place) / "gifters.db")), "SQLite")
    with running_postgresql() as url:
        if url is not None:
            figures += await measure_gifters(url, "PostgreSQL")
    return figures


async def measure_gifters(url: str, engine: str) -> list[Figure]:
    """Fill an empty database, and ask for each table. Raises `RuntimeError` where the two ways differ."""
    database = Database.open(url)
    try:
        await fill(database, Random(6))  # noqa: S311 - the same gifts each time
        figures = []
        for asked in _asked():
            quick, slow = await _both(database, asked)
            figures.append(
                Figure(
                    name=f"top gifters, {asked.name}, {engine}",
                    value=quick,
                    unit="ms",
                    how=f"median of {RUNS}; {slow:,.0f} ms over {GIFTS:,} single gifts, equal in every row",
                    limit=asked.limit,
                )
            )
    finally:
        await database.close()
    return figures


def _asked() -> list[Asked]:
    """Give what is judged, and in the end how long the slowest spans take: months in whole and in parts."""
    everybody = tuple(range(1, ACCOUNTS + 1))
    summer = Span(since=datetime(2026, 5, 12, tzinfo=UTC), until=datetime(2026, 8, 20, tzinfo=UTC))
    spans = {
        "7 days": Span(since=NOW - timedelta(days=7)),
        "30 days": Span(since=NOW - timedelta(days=30)),
        "100 days in summer": summer,
        "all time": Span(),
    }
    asked = [Asked(name="the last live", accounts=everybody, span=Span(), live_id=SESSIONS)]
    for whose, chosen in (("one account", (1,)), ("all accounts", everybody)):
        asked += [Asked(name=f"{name}, {whose}", accounts=chosen, span=span) for name, span in spans.items()]
    for name, since in (("half a year", YEAR / 2), ("a year but its ends", YEAR - timedelta(days=15))):
        span = Span(since=NOW - since, until=NOW - timedelta(days=10))
        asked.append(Asked(name=f"{name}, all accounts", accounts=everybody, span=span, limit=math.inf))
    return asked


async def _both(database: Database, asked: Asked) -> tuple[float, float]:
    """Give how many milliseconds each way takes."""
    took = []
    async with database.read() as conn:
        for _ in range(RUNS):
            started = time.perf_counter()
            quick = await by_sums(conn, asked)
            took.append(1000 * (time.perf_counter() - started))
        started = time.perf_counter()
        slow = await by_single_gifts(conn, asked)
        slowly = 1000 * (time.perf_counter() - started)
    if without_names(quick) != slow:
        raise RuntimeError(f"{asked.name}: the kept sums differ from the single gifts")
    return percentile(took, 0.5), slowly


async def by_sums(conn: Connection, asked: Asked, shown: int = SHOWN) -> Supporters:
    """Read a table as the bot does."""
    if asked.live_id is not None:
        return await gift_sums.supporters_of_live(conn, asked.live_id, most=shown)
    return await gift_sums.supporters(conn, asked.accounts, asked.span, most=shown)


async def by_single_gifts(conn: Connection, asked: Asked, shown: int = SHOWN) -> Supporters:
    """Make the same table from every single gift."""
    query = _BY_SINGLE_GIFTS.format(
        accounts=", ".join(map(str, asked.accounts)),
        since=0 if asked.span.since is None else (asked.span.since - _EPOCH) // _MICROSECOND,
        until=10**17 if asked.span.until is None else (asked.span.until - _EPOCH) // _MICROSECOND,
    )
    if asked.live_id is not None:
        query = query.replace("WHERE", f"WHERE live_id = {asked.live_id} AND")
    rows = [tuple(map(int, row)) for row in await conn.exec_driver_sql(query)]
    people = sorted((row for row in rows if row[0]), key=lambda row: (-row[2], row[0]))
    return Supporters(
        shown=tuple(_supporter(row) for row in people[:shown]),
        count=len(people),
        nameless=sum(row[2] for row in rows if not row[0]),
    )


def _supporter(row: tuple[int, ...]) -> Supporter:
    person, gifts, diamonds, estimated, last, kinds = row
    return Supporter(
        viewer=Viewer(id=person),
        diamonds=diamonds,
        estimated_diamonds=estimated,
        gifts=gifts,
        kinds=kinds,
        last_at=_EPOCH + last * _MICROSECOND,
    )


def without_names(table: Supporters) -> Supporters:
    """Give a table as single gifts know it: people by their number alone."""
    return replace(table, shown=tuple(replace(one, viewer=Viewer(id=one.viewer.id)) for one in table.shown))


# --- The gifts -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Crowd:
    """Everybody who ever gives, with how much they tend to: a few give most of it."""

    homes: Sequence[int]  # whose lives they like best
    tendencies: Sequence[float]

    def of_live(self, luck: Random, account: int) -> tuple[list[int], list[float]]:
        """Choose who gives in a live, with the sums of their tendencies."""
        there = [
            number
            for number, home in enumerate(self.homes)
            if luck.random() < (0.5 if home == account else 0.15)
        ]
        weights = [self.tendencies[at] * (1 if self.homes[at] == account else 0.05) for at in there]
        return there, list(accumulate(weights))


async def fill(database: Database, luck: Random) -> None:
    """Write a year of lives with every single gift, and what the recorder keeps of them."""
    crowd = _Crowd(
        homes=[luck.randrange(1, ACCOUNTS + 1) for _ in range(PEOPLE)],
        tendencies=[luck.paretovariate(1.1) for _ in range(PEOPLE)],
    )
    begins = sorted(NOW - LASTS - YEAR * luck.random() for _ in range(SESSIONS))
    async with database.write("bench.fill") as conn:
        await conn.run_sync(metadata.create_all)
        await _write(conn, accounts, [_account(number) for number in range(1, ACCOUNTS + 1)])
        await _write(conn, stream_people, [_person(number) for number in range(PEOPLE)])
        for live_id, began in enumerate(begins, 1):
            account = luck.randrange(1, ACCOUNTS + 1)
            gifts = list(_gifts(luck, crowd, live_id, account, began))
            for table, rows in _live(live_id, account, began, gifts).items():
                await _write(conn, table, rows)
        await gift_sums.rebuild(conn)
        if conn.dialect.name == "postgresql":  # which does so by itself within a minute (autovacuum)
            await conn.exec_driver_sql("ANALYZE")


async def _write(conn: Connection, table: Any, rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), _AT_ONCE):
        await conn.execute(table.insert(), rows[start : start + _AT_ONCE])


def _gifts(
    luck: Random, crowd: _Crowd, live_id: int, account: int, began: datetime
) -> Iterator[dict[str, Any]]:
    there, tendencies = crowd.of_live(luck, account)
    popular = list(accumulate(1 / (1 + kind) ** 1.3 for kind in range(KINDS)))
    count = GIFTS // SESSIONS
    givers = luck.choices(there, cum_weights=tendencies, k=count)
    kinds = luck.choices(range(KINDS), cum_weights=popular, k=count)
    for number, (giver, kind) in enumerate(zip(givers, kinds, strict=True), 1):
        at = began + LASTS * luck.random()
        each, chance = 1 + kind**2, luck.random()
        yield {
            "live_id": live_id,
            "person_id": 0 if giver == 1 else FIRST_PERSON + giver,  # one of them was forgotten
            "to_person_id": FIRST_PERSON - 1 if luck.random() < GUESTS_SHARE else 0,
            "gift_id": 5000 + kind,
            "group_id": number,
            "count": min(99, int(luck.paretovariate(1.5))) if each < 100 else 1,
            "diamonds_each": None if chance < UNVALUED_SHARE else each,
            "value_from": "estimate" if UNVALUED_SHARE < chance < ESTIMATED_SHARE else "event",
            "first_at": at,
            "last_at": at,
        }


def _live(
    live_id: int, account: int, began: datetime, gifts: list[dict[str, Any]]
) -> Mapping[Any, list[dict[str, Any]]]:
    """Give the rows of one live, by table."""
    ended = began + LASTS
    common = {"live_id": live_id, "account_id": account}
    spent: dict[int, Counter[str]] = defaultdict(Counter)
    kinds: dict[tuple[int, int], Counter[str]] = defaultdict(Counter)
    last: dict[int, datetime] = {}
    for gift in gifts:
        if gift["to_person_id"]:
            continue
        person, worth = gift["person_id"], gift["count"] * (gift["diamonds_each"] or 0)
        estimated = worth if gift["value_from"] == "estimate" else 0
        spent[person].update(gifts=gift["count"], diamonds=worth, estimated_diamonds=estimated)
        kinds[person, gift["gift_id"]].update(count=gift["count"], diamonds=worth)
        last[person] = max(last.get(person, began), gift["last_at"])
    times = {"first_at": began, "last_at": ended}
    names = ("gifts", "diamonds", "estimated_diamonds")
    givers = [
        {
            **common,
            **times,
            "person_id": one,
            "last_gift_at": last[one],
            **{name: sums[name] for name in names},
        }
        for one, sums in spent.items()
    ]
    onlookers = [
        {
            **common,
            **times,
            "person_id": FIRST_PERSON - 2 - number,
            "last_gift_at": None,
            **dict.fromkeys(names, 0),
        }
        for number in range(ONLOOKERS)
    ]
    return {
        lives: [_row_of_live(live_id, account, began)],
        recordings: [{**common, "state": "done", "room_id": live_id, "wanted_at": began}],
        stream_gifts: gifts,
        contributions: givers + onlookers,
        contribution_gifts: [
            {"live_id": live_id, "person_id": person, "gift_id": kind, **sums}
            for (person, kind), sums in kinds.items()
        ],
    }


def _row_of_live(live_id: int, account: int, began: datetime) -> dict[str, Any]:
    times = {"started_at": began, "found_at": began, "last_seen_at": began + LASTS, "ended_at": began + LASTS}
    words = {"phase": "ended", "title": "", "cover_url": ""}
    return {"id": live_id, "account_id": account, **times, **words}


def _account(number: int) -> dict[str, Any]:
    names = {"platform": "tiktok", "handle": f"account{number}", "profile_state": "active"}
    return {"id": number, "platform_id": number, **names, "added_at": NOW, "next_check_at": NOW}


def _person(number: int) -> dict[str, Any]:
    names = {"handle": f"fan{number}", "nickname": f"Fan {number}"}
    return {"person_id": FIRST_PERSON + number, **names, "seen_at": NOW}
