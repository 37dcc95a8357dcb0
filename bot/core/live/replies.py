"""What an admin is answered about followed accounts."""

from __future__ import annotations

from datetime import datetime

from bot.core.live.models import Answer, ProfileState
from bot.core.live.transitions import Live, Phase
from bot.core.markup import escape, stamp

_STATES = {
    ProfileState.NEVER_LIVE: "has never been live so far",
    ProfileState.PRIVATE: "is private now, so its lives cannot be seen",
    ProfileState.NOT_FOUND: "cannot be found on TikTok any more",
}


def added(handle: str, channel_id: int, role_id: int | None, *, is_new: bool) -> str:
    """Say that an account is followed, and whom its lives ping."""
    ping = "pings nobody" if role_id is None else f"pings <@&{role_id}>, once per live"
    verb = "is followed" if is_new else "was followed already; now it is set as you said:"
    return f"`@{handle}` {verb} in <#{channel_id}>. A go-live message {ping}."


def doubt(reason: str) -> str:
    """Say that the profile could not be read when an account was added."""
    return f"⚠️ Its profile could not be read just now ({escape(reason)}). It is looked at again by itself."


def state(state: ProfileState) -> str:
    """Say what is special about a profile; empty for an ordinary one."""
    return f"📝 The account exists and {_STATES[state]}." if state in _STATES else ""


def checked(answer: Answer, reason: str, live: Live | None) -> str:
    """Say what a check found."""
    if answer is Answer.UNKNOWN:
        return f"❔ Unknown: {escape(reason)}. That is not “offline”; nothing was changed."
    if answer is Answer.LIVE and live is not None and live.phase is not Phase.ENDED:
        return f"🔴 Live since {stamp(live.started_at)}."
    if answer is Answer.LIVE:
        return "⏸️ A room is there, but paused or an old one; it is announced when it is on."
    if live is not None and live.phase is Phase.DOUBTED:
        return "⚪ Not live in this answer; a second look confirms the end."
    return "⚪ Not live."


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
    checked_at = "not checked yet" if last is None else f"checked {stamp(last)}"
    planned = "" if following is None else f", next {stamp(following)}"
    return f"{mark} `@{handle}` → <#{channel_id}>{ping} · {checked_at}{planned}"


def mark(answer: Answer | None, live: Live | None, *, paused: bool) -> str:
    """Give the sign that shows at a glance how an account stands."""
    if live is not None:
        return "🔴"
    if paused:
        return "⏸️"
    return "❔" if answer is Answer.UNKNOWN else "⚪"
