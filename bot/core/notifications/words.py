"""The choices of a subscription in the words of its admins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.core.markup import stamp
from bot.core.notifications import written
from bot.core.notifications.deciding import next_minute, next_open, within
from bot.core.notifications.kinds import Kind
from bot.core.notifications.options import (
    AfterLive,
    Digest,
    Mention,
    Only,
    Options,
    Quiet,
    QuietMode,
    applies,
)
from bot.texts import join, number, text, texts

SETTING_WORDS: Mapping[str, str] = {
    "mention": text("Who is pinged"),
    "template": text("Your text above the message"),
    "over_template": text("Your text once the live is over"),
    "quiet": text("Quiet hours"),
    "only": text("Only on some days or hours"),
    "delay_minutes": text("Wait before it is told"),
    "min_viewers": text("Fewest viewers"),
    "grace_minutes": text("Back within: same message goes on"),
    "cooldown_minutes": text("Cooldown for the same account or server"),
    "after_live": text("When the live is over"),
    "delete_after_hours": text("Delete the message later"),
    "digest": text("One digest instead of messages"),
    "digest_at": text("Time of the digest"),
    "publish": text("Publish in an announcement channel"),
    "thread": text("A thread for each live"),
    "tag_id": text("Tag of forum posts"),
}
"""What can be chosen, in the order in which it is shown; `role_id` goes with the mention."""

MENTION_WORDS: Mapping[Mention, str] = {
    Mention.NOBODY: text("nobody"),
    Mention.ROLE: text("a role"),
    Mention.PERSONAL: text("whoever asked for this account"),
}
QUIET_WORDS: Mapping[QuietMode, str] = {
    QuietMode.OFF: text("none"),
    QuietMode.SILENT: text("post without a ping"),
    QuietMode.HOLD: text("hold until they end"),
}
AFTER_WORDS: Mapping[AfterLive, str] = {
    AfterLive.SUMMARY: text("make it a summary"),
    AfterLive.DELETE: text("delete it"),
    AfterLive.LEAVE: text("leave it as it is"),
}
DIGEST_WORDS: Mapping[Digest, str] = {
    Digest.NONE: text("no, each message by itself"),
    Digest.DAILY: text("one a day"),
    Digest.WEEKLY: text("one a week, on Mondays"),
}
OFF = text("off")
ON = text("yes")
NO = text("no")


def settings_of(kind: Kind) -> tuple[str, ...]:
    """Give what can be chosen for messages of a kind."""
    return tuple(name for name in SETTING_WORDS if applies(name, kind))


def said(setting: str, options: Options) -> str:
    """Say one choice in a few words."""
    value = getattr(options, setting)
    if setting == "mention":
        return _mention(options)
    if value is None:
        return NO
    return value_words(setting, value)


def value_words(setting: str, value: Any) -> str:
    """Say a value of a setting that is no mention."""
    return _WORDS.get(setting, _minutes)(value)


def _mention(options: Options) -> str:
    if options.mention is Mention.ROLE and options.role_id is not None:
        return f"<@&{options.role_id}>"
    return MENTION_WORDS[options.mention or Mention.NOBODY]


def _quiet(quiet: Quiet) -> str:
    if quiet.mode is QuietMode.OFF:
        return QUIET_WORDS[QuietMode.OFF]
    return join(": ", [written.hours(quiet.begins, quiet.ends), QUIET_WORDS[quiet.mode]])


def _only(only: Only) -> str:
    days = [] if len(only.days) == 7 else [join(" ", [written.DAY_WORDS[day] for day in only.days])]
    hours = [] if only.begins == only.ends else [written.hours(only.begins, only.ends)]
    return join(", ", [*days, *hours]) if days or hours else text("always")


def _minutes(minutes: int) -> str:
    return written.span(minutes) if minutes else OFF


def _template(template: str) -> str:
    return text("none") if not template else text("your own")


_WORDS: Mapping[str, Callable[[Any], str]] = {
    "template": _template,
    "over_template": _template,
    "quiet": _quiet,
    "only": _only,
    "min_viewers": lambda fewest: number(fewest) if fewest else OFF,
    "after_live": AFTER_WORDS.__getitem__,
    "delete_after_hours": lambda hours: (
        texts("after {count} hour", "after {count} hours", hours) if hours else NO
    ),
    "digest": DIGEST_WORDS.__getitem__,
    "digest_at": written.clock,
    "publish": lambda on: ON if on else NO,
    "thread": lambda on: ON if on else NO,
    "tag_id": lambda _: text("chosen"),
}


def state_words(
    options: Options,
    *,
    off: bool,
    paused_until: datetime | None,
    now: datetime,
    zone: ZoneInfo,
) -> tuple[str, str]:
    """Say how a subscription stands at this moment: a sign, and words, empty where it is simply on."""
    if off:
        return "⚪", text("switched off")
    if paused_until is not None and paused_until > now:
        return "⏸️", text("paused until {when}", when=stamp(paused_until, "f"))
    only, quiet = options.only or Only(), options.quiet or Quiet()
    opens_at = next_open(only, now, zone)
    if opens_at is None or opens_at > now:
        when = text("never") if opens_at is None else stamp(opens_at, "f")
        return "🕒", text("not now; again {when}", when=when)
    if quiet.mode is not QuietMode.OFF and within(quiet.begins, quiet.ends, now, zone):
        ends_at = next_minute(quiet.ends, now, zone)
        return "🌙", text("quiet hours until {when}", when=stamp(ends_at, "t"))
    return "✅", ""


def own_words(options: Options, kind: Kind, usual: Options) -> str:
    """Say in one line in what a subscription differs from `usual`; empty where in nothing."""
    own = [
        _SHORT[name](options)
        for name in settings_of(kind)
        if getattr(options, name) != getattr(usual, name)
        or (name == "mention" and options.role_id != usual.role_id)
    ]
    return join(" · ", own)


_SHORT: Mapping[str, Callable[[Options], str]] = {
    "mention": lambda of: text("pings {who}", who=_mention(of)),
    "template": lambda _: text("own text"),
    "over_template": lambda _: text("own text at the end"),
    "quiet": lambda of: text("quiet {hours}", hours=_quiet(of.quiet or Quiet())),
    "only": lambda of: text("only {hours}", hours=_only(of.only or Only())),
    "delay_minutes": lambda of: text("told after {span}", span=_minutes(of.delay_minutes or 0)),
    "min_viewers": lambda of: text("from {fewest} viewers", fewest=of.min_viewers or 0),
    "grace_minutes": lambda of: text("back within {span}", span=_minutes(of.grace_minutes or 0)),
    "cooldown_minutes": lambda of: text("cooldown {span}", span=_minutes(of.cooldown_minutes or 0)),
    "after_live": lambda of: text("at the end: {what}", what=AFTER_WORDS[of.after_live or AfterLive.SUMMARY]),
    "delete_after_hours": lambda of: text(
        "deleted {when}", when=_WORDS["delete_after_hours"](of.delete_after_hours or 0)
    ),
    "digest": lambda of: text("digest: {every}", every=DIGEST_WORDS[of.digest or Digest.NONE]),
    "digest_at": lambda of: text("digest at {time}", time=written.clock(of.digest_at or 0)),
    "publish": lambda of: text("published") if of.publish else text("not published"),
    "thread": lambda of: text("with threads") if of.thread else text("without threads"),
    "tag_id": lambda of: text("with a tag") if of.tag_id else text("without a tag"),
}

PAUSES: Mapping[str, tuple[str, timedelta]] = {
    "1h": (text("1 hour"), timedelta(hours=1)),
    "8h": (text("8 hours"), timedelta(hours=8)),
    "1d": (text("1 day"), timedelta(days=1)),
    "7d": (text("7 days"), timedelta(days=7)),
}
"""Pauses that are offered to be chosen from."""
