"""Why viewers moved: which activity comes before their changes, which after, and which has nothing to do with them."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.streams.findings import Evidence, Findings
from bot.core.streams.models import StreamMinute
from bot.core.streams.spikes import spikes


def explain(rows: Sequence[StreamMinute]) -> Findings:
    """Find out what moved the viewers of one live; `rows` are its minutes in order of time."""
    return Findings(evidence=Evidence.SHORT, minutes=0, spikes=spikes(rows))


def explain_together(lives: Sequence[Sequence[StreamMinute]]) -> Findings:
    """Put the evidence of several lives of one account together."""
    return together([explain(rows) for rows in lives])


def together(lives: Sequence[Findings]) -> Findings:
    """Put together what was found out about each of several lives of one account."""
    return Findings(evidence=Evidence.SHORT, minutes=sum(one.minutes for one in lives), lives=len(lives))
