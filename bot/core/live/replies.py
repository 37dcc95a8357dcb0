"""What an admin is answered about followed accounts."""

from __future__ import annotations

from datetime import datetime

from bot.core.live.models import Answer, ProfileState
from bot.core.live.transitions import Live, Phase
from bot.core.markup import escape, stamp
from bot.texts import join, text

_STATES = {
    ProfileState.NEVER_LIVE: text("The account exists and has never been live so far."),
    ProfileState.PRIVATE: text("The account exists and is private now, so its lives cannot be seen."),
    ProfileState.NOT_FOUND: text("The account cannot be found on TikTok any more."),
}


def added(handle: str, channel_id: int, role_id: int | None, *, is_new: bool) -> str:
    """Say that an account is followed, and whom its lives ping."""
    where = {"handle": handle, "channel": f"<#{channel_id}>"}
    if is_new:
        followed = text("`@{handle}` is followed in {channel}.", **where)
    else:
        followed = text("`@{handle}` was followed in {channel} already; now it is set as you said.", **where)
    if role_id is None:
        return join(" ", [followed, text("A go-live message pings nobody.")])
    return join(
        " ", [followed, text("A go-live message pings {role}, once per live.", role=f"<@&{role_id}>")]
    )


def doubt(reason: str) -> str:
    """Say that the profile could not be read when an account was added."""
    return text(
        "⚠️ Its profile could not be read just now ({reason}). It is looked at again by itself.",
        reason=escape(reason),
    )


def state(state: ProfileState) -> str:
    """Say what is special about a profile; empty for an ordinary one."""
    return join(" ", ["📝", _STATES[state]]) if state in _STATES else ""


def checked(answer: Answer, reason: str, live: Live | None) -> str:
    """Say what a check found."""
    if answer is Answer.UNKNOWN:
        return text(
            "❔ Unknown: {reason}. That is not “offline”; nothing was changed.", reason=escape(reason)
        )
    if answer is Answer.LIVE and live is not None and live.phase is not Phase.ENDED:
        return text("🔴 Live since {start}.", start=stamp(live.started_at))
    if answer is Answer.LIVE:
        return text("⏸️ A room is there, but paused or an old one; it is announced when it is on.")
    if live is not None and live.phase is Phase.DOUBTED:
        return text("⚪ Not live in this answer; a second look confirms the end.")
    return text("⚪ Not live.")


def list_line(
    handle: str,
    channel_id: int,
    role_id: int | None,
    *,
    mark: str,
    last: datetime | None,
    following: datetime | None,
) -> str:
    """Write one line of the list: who, where, whom it pings, when it was and will be looked at."""
    ping = "" if role_id is None else f" · <@&{role_id}>"
    checked_at = text("not checked yet") if last is None else text("checked {when}", when=stamp(last))
    looks = [checked_at, *([] if following is None else [text("next {when}", when=stamp(following))])]
    return join(" · ", [f"{mark} `@{handle}` → <#{channel_id}>{ping}", join(", ", looks)])


def mark(answer: Answer | None, live: Live | None, *, paused: bool) -> str:
    """Give the sign that shows at a glance how an account stands."""
    if live is not None:
        return "🔴"
    if paused:
        return "⏸️"
    return "❔" if answer is Answer.UNKNOWN else "⚪"
