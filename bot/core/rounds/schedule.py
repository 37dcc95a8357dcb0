"""How the watching of game servers stands: what `/rounds scheduler` says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.core.announcements import Message, MessageField, Tone
from bot.core.markup import escape, stamp
from bot.core.rounds.files import FileState
from bot.core.rounds.looking import Look, LookPlan, News, Result, Why
from bot.texts import join, text, texts

MOST_SERVERS = 5
SHOWN_TROUBLES = 2

WHY = {
    Why.START: text("the first look"),
    Why.FIXED: text("a fixed distance"),
    Why.ERROR: text("it could not be read"),
    Why.PRIME: text("prime time"),
    Why.RAMP_UP: text("prime time is near"),
    Why.OFF_HOURS: text("off-hours"),
    Why.ASLEEP: text("asleep until the evening"),
    Why.BOUNDARY: text("another part of the day begins"),
    Why.ROUND_OVER: text("a round has just ended"),
    Why.PLAYING: text("people are in teams"),
    Why.NEXT_ROUND: text("the next round may be over"),
    Why.USUAL_HOUR: text("games often begin about now"),
    Why.QUIET: text("nothing speaks for a game"),
}
_RESULTS = {
    Result.FOUND: text("new files"),
    Result.EMPTY: text("nothing new"),
    Result.FAILED: text("not read"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Looks:
    """What a process knows of its looks at one server; `last` and `plan` are None before the first."""

    policy: str
    last: Look | None
    plan: LookPlan | None
    news: News
    asks: bool
    players_for_game: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerSchedule:
    """One server. `other` is the process that looks in place of this one, empty where none does.

    `troubles` are the newest files that are not imported, each with its reason. Instants are aware UTC.
    """

    server: str
    looks: Looks
    last_ok_at: datetime | None
    files: Mapping[FileState, int]
    troubles: Sequence[tuple[str, str]] = ()
    other: str = ""
    is_off: bool = False
    is_closed: bool = False


def schedule_message(schedules: Sequence[ServerSchedule]) -> Message:
    """Say how the watching of servers stands, a field for each."""
    hidden = len(schedules) - MOST_SERVERS
    return Message(
        title=text("When game servers are looked at"),
        tone=Tone.NOTICE,
        body=texts("and {count} more", "and {count} more", hidden) if hidden > 0 else "",
        fields=tuple(
            MessageField(name=escape(one.server, 60), value=join("\n", _lines(one)), inline=False)
            for one in schedules[:MOST_SERVERS]
        ),
    )


def _lines(one: ServerSchedule) -> list[str]:
    lines = [text("Policy: {policy}", policy=one.looks.policy), _next(one)]
    if one.looks.last is not None:
        last = one.looks.last
        lines.append(text("Last look: {when}, {result}", when=stamp(last.at), result=_RESULTS[last.result]))
    if one.last_ok_at is not None:
        lines.append(text("Last read: {when}", when=stamp(one.last_ok_at)))
    if not one.other:
        lines.append(_answer(one.looks))
    return lines + _files(one)


def _next(one: ServerSchedule) -> str:
    if one.is_off:
        return text("Next look: none, its monitoring is switched off")
    if one.other:
        return text("Next look: left to {program}, which runs beside me", program=escape(one.other, 60))
    if one.is_closed:
        return text("Next look: none until a person has mended it; `/status` tells admins more")
    if one.looks.plan is None:
        return text("Next look: at once")
    plan = one.looks.plan
    return text("Next look: {when} ({why})", when=stamp(plan.look_at), why=WHY[plan.why])


def _answer(looks: Looks) -> str:
    news = looks.news
    if not looks.asks:
        return text("The game itself is not asked what is played")
    if news.answered_at is None:
        asked = text("never yet") if news.asked_at is None else text("without an answer")
        return text("The game was asked: {how}", how=asked)
    if news.is_game_on:
        what = text("{count} or more are in teams", count=looks.players_for_game)
    elif news.is_anyone_in:
        what = text("fewer than {count} are in teams", count=looks.players_for_game)
    else:
        what = text("nobody is in a team")
    parts = [stamp(news.answered_at), what]
    if news.scene[0]:
        parts.append(text("map {map}", map=escape(news.scene[0], 30)))
    if not news.is_to_be_had:
        parts.append(text("no answer since"))
    return text("The game said: {what}", what=join(", ", parts))


def _files(one: ServerSchedule) -> list[str]:
    waiting = one.files.get(FileState.SEEN, 0) + one.files.get(FileState.STABLE, 0)
    failed = one.files.get(FileState.FAILED, 0)
    parts = [texts("{count} imported", "{count} imported", one.files.get(FileState.IMPORTED, 0))]
    if waiting:
        parts.append(texts("{count} waiting to rest", "{count} waiting to rest", waiting))
    if failed:
        parts.append(texts("{count} failed", "{count} failed", failed))
    troubles = [
        join("", ["-# ", escape(name, 50), ": ", escape(reason, 80)])
        for name, reason in one.troubles[:SHOWN_TROUBLES]
    ]
    return [text("Files: {counts}", counts=join(", ", parts)), *troubles]
