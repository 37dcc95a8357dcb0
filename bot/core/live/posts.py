"""What is said about a live, and to admins about TikTok."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.core.announcements import Message, MessageField, Tone
from bot.core.live.models import Person
from bot.core.live.transitions import Live, Phase
from bot.core.markup import escape, stamp

PLATFORM_URL = "https://www.tiktok.com"
TITLE_LIMIT = 90  # escaping may double it, and a title holds 256
BODY_LIMIT = 300


def live_message(person: Person, live: Live, *, mention_role_id: int | None = None) -> Message:
    """Say that somebody is live, or, once it has ended, what the live was."""
    if live.phase is Phase.ENDED:
        return _summary(person, live)
    viewers = _count("Viewers", live.viewers)
    return Message(
        title=f"🔴 {_name(person)} is live",
        tone=Tone.LIVE,
        body=escape(live.title, BODY_LIMIT),
        url=_watch_url(person),
        fields=(*viewers, MessageField(name="Started", value=stamp(live.started_at))),
        image_url=live.cover_url,
        button_label="Watch",
        button_url=_watch_url(person),
        mention_role_id=mention_role_id,
    )


def _summary(person: Person, live: Live) -> Message:
    ended_at = live.ended_at or live.last_seen_at
    return Message(
        title=f"{_name(person)} was live",
        tone=Tone.ENDED,
        body=escape(live.title, BODY_LIMIT),
        url=f"{PLATFORM_URL}/@{person.handle}",
        fields=(
            MessageField(name="Duration", value=f"about {duration(ended_at - live.started_at)}"),
            *_count("Highest viewer count seen", live.peak_viewers),
            MessageField(name="Ended", value=stamp(ended_at)),
        ),
        image_url=live.cover_url,
    )


def blocked_notice(reason: str, until: datetime) -> Message:
    """Tell admins that checks stand still."""
    return Message(
        title="TikTok does not answer; live checks pause",
        tone=Tone.WARNING,
        body=(
            f"What it said: {escape(reason)}. The next try is {stamp(until)}. Until then nothing is known about "
            "who is live: no live is announced and none is declared over. Nothing needs to be done; if this "
            "lasts for a day, lower DISCOVERY_CHECKS_PER_DAY or use another internet connection."
        ),
    )


def recovered_notice(down_since: datetime, now: datetime) -> Message:
    """Replace `blocked_notice` once TikTok answers again."""
    return Message(
        title="TikTok answers again",
        tone=Tone.NOTICE,
        body=f"Live checks stood still for {duration(now - down_since)}, since {stamp(down_since, 'f')}.",
    )


def duration(span: timedelta) -> str:
    """Write a span in hours and minutes, such as ``2 h 05 min``."""
    minutes = max(0, round(span.total_seconds() / 60))
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest:02d} min" if hours else f"{rest} min"


def _name(person: Person) -> str:
    return escape(person.nickname, TITLE_LIMIT) or escape(f"@{person.handle}")


def _watch_url(person: Person) -> str:
    return f"{PLATFORM_URL}/@{person.handle}/live"


def _count(name: str, count: int | None) -> tuple[MessageField, ...]:
    return () if count is None else (MessageField(name=name, value=f"{count:,}"),)
