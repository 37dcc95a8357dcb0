"""Why the bot looks when it looks, in one sentence for the last check and one for the next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.core.live.models import Answer
from bot.core.markup import escape, stamp
from bot.texts import text

_PURPOSES = {
    "check": text("as planned"),
    "asked": text("because somebody asked"),
    "confirm": text("to confirm the end of a live"),
    "viewers": text("to count the viewers of a live"),
    "renamed": text("to find out its new name"),
}
_ANSWERS = {Answer.LIVE: text("it was live"), Answer.OFFLINE: text("it was not live")}


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """Until when no planned look can be made: by the budget, or by a source that may not be asked."""

    until: datetime
    by_budget: bool


def last_look(
    purpose: str = "", at: datetime | None = None, answer: str | None = None, reason: str = ""
) -> str:
    """Say when and why an account was last looked at, and what came back."""
    if at is None:
        return text("It was never looked at.")
    said = _ANSWERS.get(Answer(answer)) if answer in set(Answer) else None
    return text(
        "Last looked at {when}, {why}: {answer}.",
        when=stamp(at),
        why=_PURPOSES.get(purpose, text("as planned")),
        answer=said or text("the answer was unclear ({reason})", reason=escape(reason) or "-"),
    )


def next_look(at: datetime | None, reason: str) -> str:
    """Say when and why it is looked at next; `at` is None where it is not."""
    if at is None:
        return text("No look is planned: {reason}.", reason=reason)
    return text("Next look {when}: {reason}.", when=stamp(at), reason=reason)


def held_back(at: datetime, reason: str, now: datetime, held: Held | None) -> tuple[datetime, str]:
    """Give when a look planned for `at` can be made at the earliest, and its reason with what it waits for."""
    if held is None or held.until <= max(at, now):
        return max(at, now), reason
    if held.by_budget:
        # Others may wait before it.
        return held.until, text("{reason}; waits for the budget, not before then", reason=reason)
    return held.until, text("{reason}; TikTok blocks us or is out of reach until then", reason=reason)


def planned_for(reason: str, seen: datetime | None) -> str:
    """Say why a look is planned, and when the account was last `seen` live; None where it never was."""
    if seen is None:
        return text("{reason}; never found live yet", reason=reason)
    return text("{reason}; last seen live {when}", reason=reason, when=stamp(seen))
