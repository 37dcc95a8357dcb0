"""Lives are recorded, and found out about, side by side in processes of their own: it is the most of the work."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.core.streams.influence import explain
from bot.core.streams.intervals import sum_up
from bot.storage.stream_tables import stream_findings
from tools.past.lives import write_live
from tools.past.looks import Found
from tools.past.rows import Rows
from tools.past.streams import INTERVAL_MINUTES, Names, Reach, Recorded, record

IN_FULL = timedelta(days=6)
"""Of older lives only steps are looked for, in their summed minutes: the whole question takes 0.15 s of a processor."""
FOUND_AFTER = timedelta(seconds=40)
AT_ONCE = 15


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """What came of some lives."""

    rows: Rows
    names: Names


def record_all(found: Sequence[Found], reach: Reach, until: datetime, pool: Executor) -> Rows:
    """Record all lives, which are in the order in which they were found; gives what is to be written of them."""
    parts = [found[start : start + AT_ONCE] for start in range(0, len(found), AT_ONCE)]
    parts.reverse()  # the newest take the longest, and nobody should wait for them alone
    done = list(pool.map(_record_some, parts, [reach] * len(parts), [until] * len(parts)))
    rows, names = Rows(), Names()
    for part in reversed(done):
        rows.take(part.rows)
        names.take(part.names)
    names.write(rows)
    return rows


def _record_some(found: Sequence[Found], reach: Reach, until: datetime) -> _Part:
    rows, names = Rows(), Names()
    for one in found:
        recorded = record(one, reach, rows, names)
        write_live(recorded, rows)
        rows.add(stream_findings, _findings(recorded, in_full=one.live.ended_at > until - IN_FULL))
    return _Part(rows=rows, names=names)


def _findings(recorded: Recorded, *, in_full: bool) -> dict[str, Any]:
    """Find out what moved the viewers, as the bot did when the live was over."""
    rows = recorded.rows if in_full else sum_up(recorded.rows, INTERVAL_MINUTES)
    over = max(recorded.found.live.ended_at, recorded.last_event_at)
    return {
        "live_id": recorded.found.live_id,
        "found_at": over + FOUND_AFTER,
        "findings": explain(rows).to_json(),
    }
