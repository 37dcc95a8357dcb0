"""The lives that were found, the ledger of what was asked, and what was said of each hour and day."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.core.live.budget import Ledger
from bot.core.live.day_scores import DayFacts, score
from bot.core.live.models import Answer
from bot.core.live.outcomes import OutcomeSum
from bot.core.live.predictions import POLICIES, recommended
from bot.core.live.transitions import Phase
from bot.services.daily_scores import LASTING_OF
from bot.storage import predictions as said_store
from bot.storage.engine import Connection
from bot.storage.tables import live_rooms, lives, predictions, requests
from tools.past.looks import CHECKS_BEFORE, CHECKS_PER_DAY, HOUR, LEARNED_FOR, Looks
from tools.past.rows import Rows
from tools.past.streams import Recorded

POLLED_EVERY = timedelta(minutes=15)
SWEPT_EVERY = timedelta(minutes=10)
SWEEPS_KEPT = timedelta(days=31)
"""The ledger forgets so early what teaches nothing."""
DAY = timedelta(days=1)


def write_live(recorded: Recorded, rows: Rows) -> None:
    """Write a live that was found, with its room."""
    found, live = recorded.found, recorded.found.live
    minutes = recorded.rows
    rows.add(
        lives,
        {
            "id": found.live_id,
            "account_id": found.account_id,
            "phase": Phase.ENDED,
            "started_at": live.started_at,
            "found_at": found.found_at,
            "last_seen_at": _looks_at(found.found_at, live.ended_at)[-1],
            "ended_at": live.ended_at,
            "title": live.title,
            "cover_url": "",
            "viewers": minutes[-1].viewers_last if minutes else None,
            "peak_viewers": max((row.viewers_max or 0 for row in minutes), default=None),
        },
    )
    rows.add(live_rooms, {"live_id": found.live_id, "room_id": live.room_id, "started_at": live.started_at})


def _looks_at(found_at: datetime, ended_at: datetime) -> list[datetime]:
    """Give when a live was seen on: when it was found, and at each poll."""
    return [
        found_at + POLLED_EVERY * number
        for number in range(max(1, -(-(ended_at - found_at) // POLLED_EVERY)))
    ]


def write_ledger(looks: Looks, until: datetime, rows: Rows) -> dict[int, tuple[datetime, Answer]]:
    """Write every request that the ledger still has; gives the last answer about each account."""
    asked: list[tuple[datetime, Ledger, str, int | None, str]] = []
    for check in looks.checks:
        answer: str = Answer.OFFLINE if check.found is None else Answer.LIVE
        asked.append((check.at, Ledger.DISCOVERY, "check", check.account_id, answer))
    for found in looks.found:
        polls = _looks_at(found.found_at, found.live.ended_at)[1:]
        asked += [(at, Ledger.FOLLOWUP, "viewers", found.account_id, Answer.LIVE) for at in polls]
    asked += _sweeps(looks, until - SWEEPS_KEPT)
    asked = [one for one in asked if not any(span.start <= one[0] < span.end for span in looks.down)]
    asked.sort(key=lambda one: one[0])
    for at, ledger, purpose, account_id, said in asked:
        rows.add(
            requests,
            {
                "ledger": ledger,
                "purpose": purpose,
                "account_id": account_id,
                "asked_at": at,
                "answer": said,
            },
        )
    return {
        account_id: (at, Answer(answer)) for at, _, _, account_id, answer in asked if account_id is not None
    }


def _sweeps(looks: Looks, since: datetime) -> list[tuple[datetime, Ledger, str, int | None, str]]:
    """Give the requests by which all rooms that were on were asked at once."""
    on: defaultdict[int, int] = defaultdict(int)
    for found in looks.found:
        first = -(-int(found.found_at.timestamp()) // int(SWEPT_EVERY.total_seconds()))
        last = int(found.live.ended_at.timestamp()) // int(SWEPT_EVERY.total_seconds())
        for number in range(first, last + 1):
            on[number] += 1
    begin, zone = since.timestamp(), since.tzinfo
    instants = [(number * SWEPT_EVERY.total_seconds(), count) for number, count in sorted(on.items())]
    return [
        (datetime.fromtimestamp(at, zone), Ledger.FOLLOWUP, "sweep", None, f"{count} of {count} open")
        for at, count in instants
        if at >= begin
    ]


# --- What was said -----------------------------------------------------------------------------------


def write_said(looks: Looks, until: datetime, rows: Rows) -> None:
    """Write what was said of hours, joined with what came of it as far as anybody knows."""
    starts = {(one.account_id, _hour(one.live.started_at)) for one in looks.found}
    looked: defaultdict[int, list[datetime]] = defaultdict(list)
    for check in looks.checks:
        looked[check.account_id].append(check.at)
    for said in looks.said:
        is_over = said.hour + HOUR <= until
        rows.add(
            predictions,
            {
                "account_id": said.account_id,
                "hour": said.hour,
                "policy": POLICIES[0],
                "probability": said.start,
                "live": said.live,
                "confidence": said.confidence,
                "recommendation": recommended(said.live),
                "expected_missed": looks.missed.get((said.account_id, said.hour), 0.0),
                "started": _started(said.account_id, said.hour, starts, looked) if is_over else None,
            },
        )


def _started(
    account_id: int,
    hour: datetime,
    starts: set[tuple[int, datetime]],
    looked: Mapping[int, Sequence[datetime]],
) -> bool | None:
    """Say whether a live was seen to start in an hour; None where nobody looked within a day after it."""
    if (account_id, hour) in starts:
        return True
    looks = looked.get(account_id, ())
    place = bisect_left(looks, hour + HOUR)
    return False if place < len(looks) and looks[place] < hour + HOUR + DAY else None


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


async def score_days(conn: Connection, looks: Looks, since: datetime, until: datetime, zone: str) -> int:
    """Score each whole day as the nights did; gives how many."""
    day, place = (since.astimezone(ZoneInfo(zone)) + DAY).date(), ZoneInfo(zone)
    account_ids = sorted({one.account_id for one in looks.checks})
    count = 0
    while _midnight(day + DAY, place) <= until:
        begins, ends = _midnight(day, place), _midnight(day + DAY, place)
        outcomes = await said_store.outcomes(conn, account_ids, begins, ends)
        facts = _facts(day, begins, ends, looks, outcomes, len(account_ids), until - LEARNED_FOR)
        await said_store.save_score(conn, score(facts))
        day, count = day + DAY, count + 1
    return count


def _facts(  # noqa: PLR0917 - what a day is made of
    day: date,
    begins: datetime,
    ends: datetime,
    looks: Looks,
    outcomes: Sequence[OutcomeSum],
    accounts: int,
    switched_at: datetime,
) -> DayFacts:
    is_learned = begins >= switched_at
    checks = [one for one in looks.checks if begins <= one.at < ends]
    mine = [one for one in looks.found if begins <= one.live.started_at < ends]
    lasting = [
        (one.live.ended_at - one.live.started_at) / timedelta(minutes=1)
        for one in looks.found
        if ends - LASTING_OF <= one.live.started_at and one.live.ended_at <= ends
    ]
    return DayFacts(
        day=day,
        policy=POLICIES[0] if is_learned else POLICIES[-1],
        limit=CHECKS_PER_DAY if is_learned else CHECKS_BEFORE,
        checks=len(checks),
        hits=sum(one.found is not None for one in checks),
        starts=[one.live.started_at for one in mine],
        finds=[one.found_at for one in mine],
        expected_missed=sum(missed for (_, hour), missed in looks.missed.items() if begins <= hour < ends),
        outcomes=outcomes,
        lasting=lasting,
        hours=24 * accounts,
    )


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(ZoneInfo("UTC"))
