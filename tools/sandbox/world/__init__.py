"""The sandbox's world: who lives in it and what they do, the same for everybody who asks.

All but `play` is pure: from names, instants and nothing else it says what happens in any window of time, so
that the past in the database and the future at the stand-ins are parts of one story.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

#: Here the world begins: a Saturday, 18:40 in Asia/Jakarta.
START = datetime(2026, 10, 3, 11, 40, tzinfo=UTC)
PAST_DAYS = 92
PAST_BEGINS = START - timedelta(days=PAST_DAYS)
