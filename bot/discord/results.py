"""What Discord's refusals mean for a message on its way."""

from __future__ import annotations

import aiohttp
import discord

from bot.core.delivery import Event, Result
from bot.core.markup import clip
from bot.texts import join, text

TROUBLE = (discord.DiscordException, aiohttp.ClientError, TimeoutError, OSError)
"""Everything a request to Discord raises on purpose."""

_UNKNOWN_MESSAGE = 10008
_OLD_EDITS = 30046
# Overload, and what one channel has limits for: slow mode, publishing, old edits.
_TOO_MANY = frozenset({130000, 20016, 20022, 20028, _OLD_EDITS})
_BLOCKED = {
    10003: text("the channel does not exist any more"),
    10004: text("the server does not know me any more"),
    10013: text("the person does not exist any more"),
    50001: text("I may not see the channel"),
    50007: text("the person does not accept direct messages from me"),
    50008: text("the channel takes no messages of this kind"),
    50013: text("I lack a permission there"),
    10087: text("the forum does not have the chosen tag any more"),
    40067: text("the forum wants a tag on each post; choose one with `/notify edit`"),
    50083: text("the thread is archived"),
    160005: text("the thread is locked"),
}
_GONE = frozenset({10003, 10004, 10013})
_REFUSED = {
    200000: text("blocked by this server's own AutoMod rules"),
    50035: text("Discord finds the message invalid"),
}
_TEXT_LENGTH = 300


def result_of(error: BaseException) -> Result:
    """Classify a failed request; the table of codes is specs/discord.md 3.3 and 4."""
    if isinstance(error, discord.RateLimited):
        return Result(
            event=Event.TRANSIENT,
            reason=text("rate limited"),
            is_limited=True,
            retry_after_seconds=error.retry_after,
        )
    if isinstance(error, discord.HTTPException):
        return _of_answer(error)
    return Result(event=Event.TRANSIENT, reason=text("no answer ({kind})", kind=type(error).__name__))


def _of_answer(error: discord.HTTPException) -> Result:
    answer = clip(error.text, _TEXT_LENGTH)
    said = text("{status}, code {code}: {said}", status=error.status, code=str(error.code), said=answer)
    if error.code == _UNKNOWN_MESSAGE:
        return Result(event=Event.GONE, reason=said)
    if error.code in _BLOCKED:
        return Result(event=Event.BLOCKED, reason=_BLOCKED[error.code], is_gone=error.code in _GONE)
    if error.code in _REFUSED:
        return Result(event=Event.REFUSED, reason=join("", [_REFUSED[error.code], " (", said, ")"]))
    if error.code in _TOO_MANY or error.status >= 500 or error.status in {401, 429}:
        return Result(event=_later(error), reason=said, retry_after_seconds=_asked_pause(error))
    return Result(event=Event.BLOCKED if error.status in {403, 404} else Event.REFUSED, reason=said)


def _later(error: discord.HTTPException) -> Event:
    if error.code == _OLD_EDITS:
        return Event.AGED
    if error.status >= 500 or error.code in _TOO_MANY:
        return Event.TRANSIENT
    # Without the Via header it is Cloudflare, not the API; each further request prolongs the ban.
    return Event.LIMITED


def _asked_pause(error: discord.HTTPException) -> float | None:
    """Give the seconds of a Retry-After header, None where there is none that can be read."""
    try:
        return float(error.response.headers["Retry-After"])
    except (KeyError, ValueError):
        return None
