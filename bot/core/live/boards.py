"""The status board: how things stand, as one message that is edited in place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.core.announcements import Message, MessageField, Tone
from bot.core.live.forecast import Window
from bot.core.live.prediction_charts import percent
from bot.core.live.predictions import POLICIES, POSSIBLE, Board, BoardLine, BudgetUse, Safety, Standing
from bot.core.markup import escape, stamp
from bot.texts import join, text, texts

NAME_LIMIT = 40  # escaping may double it
# Of 4096 that a body may have; the rest is left for languages that need more words.
BODY_ROOM = 2900
NEXT_SHOWN = 3
_SAFETY = {
    Safety.SAFE: text("safe"),
    Safety.TIGHT: text("nearly all in use"),
    Safety.FULL: text("used up"),
}
_QUIET = {
    Standing.UNLIKELY: text("⚪ No likely hour in the next 24:"),
    Standing.UNKNOWN: text("❔ No forecast yet:"),
    Standing.PAUSED: text("⏸️ Paused:"),
}
_POLICIES = {
    "probability": text("learned chances"),
    "roadmap": text("the 30/60/120-minute rule"),
    "factors": text("five factors"),
    "fixed": text("evenly spread"),
}


def board_message(board: Board) -> Message:
    """Draw up a board; names are escaped, and accounts that do not fit are counted."""
    fields = [
        MessageField(name=text("Next likely lives"), value=_next(board.lines), inline=False),
        MessageField(name=text("Checks in 24 hours"), value=budget_line(board.discovery)),
        MessageField(name=text("Follow-ups in 24 hours"), value=budget_line(board.followup)),
        MessageField(
            name=text("Active predictions"),
            value=texts("{count} account", "{count} accounts", board.predictions),
        ),
        MessageField(name=text("Requests in 24 hours"), value=saved_words(board.request_reduction)),
        MessageField(name=text("Lives found in 7 days"), value=coverage_line(board.found, board.estimated)),
        MessageField(name=text("Policy"), value=policy_name(board.policy)),
    ]
    trouble = trouble_fields(board.failing, board.no_forecast)
    return Message(
        title=text("Who is live, who is next"),
        tone=Tone.WARNING if trouble else Tone.NOTICE,
        body=_body(board),
        fields=(*fields, *trouble),
    )


def board_taken_down() -> Message:
    """Say what stands where a board was."""
    return Message(
        title=text("This board was taken down"),
        tone=Tone.ENDED,
        body=text("`/predict board` puts up a new one."),
    )


def budget_line(budget: BudgetUse) -> str:
    """Say how much of a budget is used, with a word for how safe that is."""
    return text(
        "{used} of {limit} · {safety}", used=budget.used, limit=budget.limit, safety=_SAFETY[budget.safety]
    )


def coverage_line(found: int, estimated: float) -> str:
    """Say how many lives were found, of how many there must have been."""
    if estimated <= 0:
        return text("none yet")
    return text(
        "{found} of about {estimated} · {share}",
        found=found,
        estimated=max(found, round(estimated)),
        share=percent(min(1.0, found / estimated)),
    )


def saved_words(reduction: float | None) -> str:
    """Say how many requests were saved against checks evenly spread that find as much, or how many more it took."""
    if reduction is None:
        return text("not known yet")
    if reduction < 0:
        return text("{share} more than evenly spread", share=percent(-reduction))
    return text("{share} saved", share=percent(reduction))


def policy_name(policy: str) -> str:
    """Name a policy in words and as commands name it."""
    return join("", [_POLICIES[policy], f" (`{policy}`)"]) if policy in _POLICIES else policy


def trouble_fields(failing: Sequence[tuple[str, str]], no_forecast: str = "") -> tuple[MessageField, ...]:
    """Say which policies fail and what is done instead, and why there is no forecast; nothing where all is well."""
    lines = [
        text(
            "⚠️ {policy} fails ({reason}); its accounts are checked evenly spread.",
            policy=policy_name(policy),
            reason=escape(reason, 120),
        )
        for policy, reason in failing
    ]
    # Not twice: who cannot plan by learned chances has no forecast.
    if no_forecast and POLICIES[0] not in dict(failing):
        lines.append(text("⚠️ There is no forecast: it fails ({reason}).", reason=escape(no_forecast, 120)))
    return (MessageField(name=text("Trouble"), value=join("\n", lines), inline=False),) if lines else ()


def name_of(nickname: str, handle: str) -> str:
    """Give the name of an account in bold, harmless whatever it holds."""
    return f"**{escape(nickname, NAME_LIMIT) or escape(f'@{handle}')}**"


def window_words(window: Window) -> str:
    """Say when a live is expected, in each reader's own time, and how likely it is."""
    start, end, soon = stamp(window.start, "t"), stamp(window.end, "t"), stamp(window.start)
    return f"{start}-{end} ({soon}), {percent(window.probability)}"


def _body(board: Board) -> str:
    shown, hidden = fitting([_line(line) for line in board.lines if line.standing not in _QUIET], BODY_ROOM)
    for standing, words in _QUIET.items():
        room = BODY_ROOM - sum(len(line) + 1 for line in shown)
        quiet = [name_of(line.nickname, line.handle) for line in board.lines if line.standing is standing]
        # The words before the names need some of it.
        names, hidden_names = fitting(quiet, max(0, room - 40))
        hidden += hidden_names
        if names:
            shown.append(join("", [words, " ", join(", ", names)]))
    if hidden:
        shown.append(texts("and {count} more account", "and {count} more accounts", hidden))
    if not board.lines:
        shown.append(text("Nobody is followed yet. `/live add` begins."))
    return join("\n", [*shown, text("-# As of {when}", when=stamp(board.made_at))])


def fitting(lines: Iterable[str], room: int) -> tuple[list[str], int]:
    """Give the first lines that have room together, and how many are left out."""
    lines, shown = list(lines), []
    for line in lines:
        # And what joins it to the next.
        room -= len(line) + 2
        if room < 0:
            break
        shown.append(line)
    return shown, len(lines) - len(shown)


def _line(line: BoardLine) -> str:
    name = name_of(line.nickname, line.handle)
    if line.standing is Standing.LIVE:
        since = stamp(line.live_since) if line.live_since else "?"
        if line.was_predicted:
            return text("🔴 {name} is live, started {start}, as predicted", name=name, start=since)
        return text("🔴 {name} is live, started {start}, not predicted", name=name, start=since)
    if line.standing is Standing.LIKELY:
        live_now, within_hour = line.live_now or 0.0, line.within_hour or 0.0
        if live_now >= within_hour:
            return text("🟡 {name} probably live already, {chance}", name=name, chance=percent(live_now))
        return text("🟡 {name} likely within the hour, {chance}", name=name, chance=percent(within_hour))
    if line.window is None:
        return text("🔵 {name} expected today", name=name)
    return text("🔵 {name} expected {window}", name=name, window=window_words(line.window))


def _next(lines: Sequence[BoardLine]) -> str:
    # The handle decides between two that begin at once: windows cannot be compared.
    ahead = [
        (line.window.start, line.handle, line)
        for line in lines
        if line.window is not None
        and line.window.probability >= POSSIBLE
        and line.standing in {Standing.LIKELY, Standing.EXPECTED}
    ]
    shown = [
        join(" ", [name_of(line.nickname, line.handle), window_words(line.window)])
        for _, _, line in sorted(ahead, key=lambda one: one[:2])[:NEXT_SHOWN]
        if line.window is not None
    ]
    return join("\n", shown) if shown else text("none in sight")
