"""What is said when a player reaches a round number."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.announcements import Message, Tone
from bot.core.markup import escape
from bot.core.rounds.milestones import Milestone
from bot.texts import join, number, text, texts

_HOUR = 3600


def milestone_message(name: str, reached: Sequence[Milestone], *, server: str) -> Message:
    """Congratulate one player; several numbers at once stand in one message."""
    return Message(
        title=_title(escape(name, 60), len(reached)),
        tone=Tone.ROUND,
        body=join("\n", [join(" ", ["🎯", milestone_words(one)]) for one in reached]),
        footer=server,
    )


def _title(name: str, count: int) -> str:
    if count == 1:
        return text("{name} reached a milestone", name=name)
    return texts("{name} reached {count} milestone", "{name} reached {count} milestones", count, name=name)


def milestone_words(milestone: Milestone) -> str:
    """Say what was reached, for instance `1,000 kills`."""
    amount = number(milestone.threshold)
    words = {
        "rounds": text("{amount} rounds played", amount=amount),
        "team_seconds": text("{amount} hours of playing", amount=number(milestone.threshold // _HOUR)),
        "kills": text("{amount} kills", amount=amount),
        "headshot_kills": text("{amount} kills by headshot", amount=amount),
        "damage_given": text("{amount} damage given (hp)", amount=amount),
        "revives": text("{amount} revives", amount=amount),
        "gibs": text("{amount} gibs", amount=amount),
    }
    return words[milestone.counter]
