"""What is said about a live, and to admins about TikTok."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.core.announcements import Message, MessageField, Tone
from bot.core.live.models import Person
from bot.core.live.transitions import Live, Phase
from bot.core.markup import escape, stamp
from bot.texts import Value, number, text

PLATFORM_URL = "https://www.tiktok.com"
TITLE_LIMIT = 90  # escaping may double it, and a title holds 256
BODY_LIMIT = 300


def live_message(
    person: Person,
    live: Live,
    *,
    figures: tuple[MessageField, ...] = (),
) -> Message:
    """Say that somebody is live, or, once it has ended, what the live was.

    `figures` say how a recorded live goes; without them there is the count of the last look.
    """
    if live.phase is Phase.ENDED:
        return _summary(person, live)
    viewers = figures or _count(text("Viewers"), live.viewers)
    return Message(
        title=text("🔴 {name} is live", name=_name(person)),
        tone=Tone.LIVE,
        body=escape(live.title, BODY_LIMIT),
        url=_watch_url(person),
        fields=(*viewers, MessageField(name=text("Started"), value=stamp(live.started_at))),
        image_url=live.cover_url,
        button_label=text("Watch"),
        button_url=_watch_url(person),
    )


def live_facts(person: Person, live: Live, now: datetime) -> Mapping[str, Value]:
    """Give what a template may name of a live."""
    until = (live.ended_at or live.last_seen_at) if live.phase is Phase.ENDED else now
    known: dict[str, Value | None] = {
        **person_facts(person),
        "title": escape(live.title, BODY_LIMIT) or None,
        "viewers": live.viewers,
        "peak": live.peak_viewers,
        "started": stamp(live.started_at),
        "duration": duration(until - live.started_at),
    }
    return {name: value for name, value in known.items() if value is not None}


def person_facts(person: Person) -> dict[str, Value]:
    """Give what a template may name of a person."""
    handle = escape(f"@{person.handle}")
    return {"streamer": _name(person), "handle": handle, "url": _watch_url(person)}


def _summary(person: Person, live: Live) -> Message:
    ended_at = live.ended_at or live.last_seen_at
    return Message(
        title=text("{name} was live", name=_name(person)),
        tone=Tone.ENDED,
        body=escape(live.title, BODY_LIMIT),
        url=f"{PLATFORM_URL}/@{person.handle}",
        fields=(
            MessageField(
                name=text("Duration"), value=text("about {span}", span=duration(ended_at - live.started_at))
            ),
            *_count(text("Highest viewer count seen"), live.peak_viewers),
            MessageField(name=text("Ended"), value=stamp(ended_at)),
        ),
        image_url=live.cover_url,
    )


def blocked_notice(reason: str, until: datetime) -> Message:
    """Tell admins that checks stand still."""
    return Message(
        title=text("TikTok does not answer; live checks pause"),
        tone=Tone.WARNING,
        body=text(
            "What it said: {reason}. The next try is {next_try}. Until then nothing is known about "
            "who is live: no live is announced and none is declared over. Nothing needs to be done; if this "
            "lasts for a day, lower DISCOVERY_CHECKS_PER_DAY or use another internet connection.",
            reason=escape(reason),
            next_try=stamp(until),
        ),
    )


def recovered_notice(down_since: datetime, now: datetime) -> Message:
    """Replace `blocked_notice` once TikTok answers again."""
    return Message(
        title=text("TikTok answers again"),
        tone=Tone.NOTICE,
        body=text(
            "Live checks stood still for {span}, since {since}.",
            span=duration(now - down_since),
            since=stamp(down_since, "f"),
        ),
    )


def policy_failed_notice(name: str, reason: str) -> Message:
    """Tell admins that a policy does not work."""
    return Message(
        title=text("The plan of live checks fell back"),
        tone=Tone.WARNING,
        body=text(
            "The policy `{name}` fails: {reason}. Until it works again its accounts are checked evenly spread: "
            "lives are found, only later. It is tried again every hour; please report this.",
            name=name,
            reason=escape(reason, BODY_LIMIT),
        ),
    )


def policy_works_notice(name: str, since: datetime, now: datetime) -> Message:
    """Replace `policy_failed_notice` once the policy works."""
    return Message(
        title=text("The plan of live checks is back"),
        tone=Tone.NOTICE,
        body=text(
            "The policy `{name}` works again. It failed for {span}, since {since}.",
            name=name,
            span=duration(now - since),
            since=stamp(since, "f"),
        ),
    )


def duration(span: timedelta) -> str:
    """Write a span in hours and minutes, such as ``2 h 05 min``."""
    minutes = max(0, round(span.total_seconds() / 60))
    hours, rest = divmod(minutes, 60)
    if not hours:
        return text("{minutes} min", minutes=rest)
    return text("{hours} h {minutes} min", hours=hours, minutes=f"{rest:02d}")


def _name(person: Person) -> str:
    return escape(person.nickname, TITLE_LIMIT) or escape(f"@{person.handle}")


def _watch_url(person: Person) -> str:
    return f"{PLATFORM_URL}/@{person.handle}/live"


def _count(name: str, count: int | None) -> tuple[MessageField, ...]:
    return () if count is None else (MessageField(name=name, value=number(count)),)
