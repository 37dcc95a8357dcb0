"""The kinds of messages that people can subscribe to, and what each can say of itself in a template."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from bot.texts import text


class Kind(StrEnum):
    """What a message is about."""

    LIVE = "live"
    RECAP = "recap"
    ROUND = "round"
    EVENING = "evening"
    MILESTONE = "milestone"
    REPORT = "report"
    NOTICE = "notice"

    @property
    def goes_on(self) -> bool:
        """Whether what is told of lasts: it can be told later while it is on, and can be over before."""
        return self is Kind.LIVE


KIND_WORDS: Mapping[Kind, str] = {
    Kind.LIVE: text("Go-live alerts"),
    Kind.RECAP: text("Recaps of lives"),
    Kind.ROUND: text("Rounds"),
    Kind.EVENING: text("Evenings"),
    Kind.MILESTONE: text("Milestones"),
    Kind.REPORT: text("Reports"),
    Kind.NOTICE: text("Notices to admins"),
}

ALL = ""
"""The subject of whoever subscribes to a kind whole."""


def account_subject(account_id: int) -> str:
    """Name a followed account as what a message is about."""
    return f"account:{account_id}"


def server_subject(server: str) -> str:
    """Name a game server as what a message is about."""
    return f"server:{server}"


def subject_account(subject: str) -> int | None:
    """Give the account that a message is about, None where it is about something else."""
    kind, _, number = subject.partition(":")
    return int(number) if kind == "account" and number.isdigit() else None
