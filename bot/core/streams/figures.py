"""The figures of a recorded live in words; what nobody told is "unknown", never 0."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.core.announcements import MessageField
from bot.core.leaderboards import places
from bot.core.live.posts import PLATFORM_URL, duration
from bot.core.markup import escape
from bot.core.streams.events import Viewer
from bot.core.streams.models import RecordedLive, Supporter
from bot.texts import join, number, text, texts

NAME_LIMIT = 40  # letters of a name; escaping may double them
TITLE_LIMIT = 90
WHOLE = 0.995
"""From this share on a recording counts as whole: a connection takes a moment."""


def host_name(live: RecordedLive) -> str:
    """Name the host of a live, escaped."""
    return escape(live.nickname, TITLE_LIMIT) or escape(f"@{live.handle}", TITLE_LIMIT)


def host_url(live: RecordedLive) -> str:
    """Give the address of the host's page."""
    return f"{PLATFORM_URL}/@{live.handle}"


def viewer_name(viewer: Viewer) -> str:
    """Name somebody of the audience, escaped; a name that is not kept any more is left out."""
    handle = f"@{viewer.handle}" if viewer.handle else ""
    return (
        escape(viewer.nickname, NAME_LIMIT) or escape(handle, NAME_LIMIT) or text("a viewer without a name")
    )


def count_words(count: float | None) -> str:
    """Write a count; a mean is rounded."""
    return text("unknown") if count is None else number(round(count))


def share_words(share: float) -> str:
    """Write how much of a live was recorded; only all of it is 100 %."""
    percent = 100 if share >= WHOLE else min(99, round(100 * share))
    return f"{percent}%"


def dollars_words(diamonds: int, usd_per_diamond: float) -> str:
    """Write what diamonds are worth to the host in US dollars, marked as an estimate; empty without a rate."""
    if not usd_per_diamond or not diamonds:
        return ""
    worth = diamonds * usd_per_diamond
    amount = number(round(worth)) if worth >= 100 else f"{worth:.2f}"
    return text("about ${amount} (estimate)", amount=amount)


def seen(live: RecordedLive, count: int) -> int | None:
    """Give a count of what was seen; None where nobody ever looked."""
    return None if live.first_connected_at is None else count


def likes_of(live: RecordedLive) -> int | None:
    """Give the likes as the platform counts them, else those that were seen."""
    return seen(live, live.likes) if live.room_likes is None else live.room_likes


def viewer_fields(live: RecordedLive) -> tuple[MessageField, ...]:
    """Give the highest and the mean count of viewers."""
    peak = count_words(live.peak_viewers)
    if live.peak_viewers is not None and live.peak_at is not None and live.peak_at >= live.started_at:
        peak = text("{count} after {span}", count=peak, span=duration(live.peak_at - live.started_at))
    return (
        MessageField(name=text("Most viewers"), value=peak),
        MessageField(name=text("Mean viewers"), value=count_words(live.mean_viewers)),
    )


def activity_fields(live: RecordedLive, usd_per_diamond: float) -> tuple[MessageField, ...]:
    """Give likes, comments, followers won and gifts."""
    return (
        MessageField(name=text("Likes"), value=count_words(likes_of(live))),
        MessageField(name=text("Comments"), value=count_words(seen(live, live.comments))),
        MessageField(name=text("Followers won"), value=count_words(seen(live, live.follows))),
        MessageField(name=text("Diamonds"), value=diamonds_words(live, usd_per_diamond)),
    )


def diamonds_words(live: RecordedLive, usd_per_diamond: float) -> str:
    """Say what the gifts to the host were worth, and how much of that is not certain."""
    if seen(live, live.diamonds) is None:
        return text("unknown")
    gifts = texts(
        "{amount} from {count} gift", "{amount} from {count} gifts", live.gifts, amount=number(live.diamonds)
    )
    parts: list[str] = [gifts, dollars_words(live.diamonds, usd_per_diamond)]
    if live.estimated_diamonds:
        parts.append(text("{amount} of them estimated", amount=number(live.estimated_diamonds)))
    if live.unvalued_gifts:
        parts.append(
            texts("{count} gift of unknown value", "{count} gifts of unknown value", live.unvalued_gifts)
        )
    return join("\n", [part for part in parts if part])


def alert_fields(live: RecordedLive, now: datetime) -> tuple[MessageField, ...]:
    """Say in the alert of a live how it goes; nothing before anything is known."""
    if live.viewers is None and live.first_connected_at is None:
        return ()
    return (
        MessageField(name=text("Viewers"), value=count_words(live.viewers)),
        MessageField(name=text("Likes"), value=count_words(likes_of(live))),
        MessageField(name=text("Gifts so far"), value=gifts_words(live)),
        MessageField(name=text("Duration"), value=duration(live.span(now))),
    )


def gifts_words(live: RecordedLive) -> str:
    """Say how many gifts the host was given, and what they were worth."""
    if seen(live, live.gifts) is None:
        return text("unknown")
    amount = number(live.diamonds)
    return texts(
        "{count} gift, {amount} diamonds", "{count} gifts, {amount} diamonds", live.gifts, amount=amount
    )


def recorded_field(live: RecordedLive, now: datetime) -> MessageField:
    """Say how much of the live was recorded; it stands beside every total."""
    share = live.recorded_share(now)
    said: str = text("{share} of the live", share=share_words(share))
    if share < WHOLE:
        said = join(
            "\n", [said, text("Counted in this part; likes are TikTok's own count of the whole live.")]
        )
    return MessageField(name=text("Recorded"), value=said)


def supporter_lines(supporters: Sequence[Supporter]) -> list[str]:
    """Say who gave most, a line each; who gave as much shares the place."""
    by_number = dict(enumerate(supporters))
    ranked = places({at: one.diamonds for at, one in by_number.items()})
    return [_supporter_line(place, by_number[at]) for place, at in ranked]


def _supporter_line(place: int, one: Supporter) -> str:
    # A tilde, where part of it is estimated.
    about = "~" if one.estimated_diamonds else ""
    amount = join("", [about, number(one.diamonds)])
    return text(
        "**{place}.** {name}: {diamonds}, {gifts}",
        place=place,
        name=viewer_name(one.viewer),
        diamonds=texts("{amount} diamond", "{amount} diamonds", one.diamonds, amount=amount),
        gifts=texts("{count} gift", "{count} gifts", one.gifts),
    )
