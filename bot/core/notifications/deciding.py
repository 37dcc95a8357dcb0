"""Whether a message goes out now, later or not at all, whether it pings, and why: each rule of `Options` once.

The rules in their order; the first that closes decides. "Later" is looked at anew when its time comes and
whenever something changes, so that a message passes one rule after the other::

    rule       closed while                             a live waits until       others
    ---------  ---------------------------------------  -----------------------  ----------------
    pause      the subscription is paused               the pause ends           skipped
    over       the live ended before it was told        skipped; after quiet     -
                                                        hours told as a summary
    grace      a live of the account told here ended    goes on in the earlier   -
               less than so many minutes ago            message
    only       not on these days, not in these hours    the next such hour       skipped
    viewers    fewer watch, or nobody knows how many    more watch               -
    delay      it began less than so many minutes ago,  then, when it is seen    -
               or was not seen since
    cooldown   a message of the same subject is younger that time is over        skipped
    digest     one message a day or week is wanted      that message             that message
    quiet      hours in which messages are held         the quiet hours end      the same

An urgent notice passes pause, only, cooldown, digest and quiet hours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from bot.core.notifications.kinds import Kind
from bot.core.notifications.options import (
    MINUTES_OF_DAY,
    AfterLive,
    Digest,
    Mention,
    Only,
    Options,
    Quiet,
    QuietMode,
)
from bot.texts import text


class Verdict(StrEnum):
    """What happens to a message that was not posted yet."""

    SEND = "send"
    HOLD = "hold"
    SKIP = "skip"
    DIGEST = "digest"
    MERGE = "merge"


class Rule(StrEnum):
    """Which rule closed; the empty one is none."""

    NONE = ""
    PAUSE = "pause"
    OVER = "over"
    GRACE = "grace"
    ONLY = "only"
    VIEWERS = "viewers"
    DELAY = "delay"
    COOLDOWN = "cooldown"
    DIGEST = "digest"
    QUIET = "quiet"


@dataclass(frozen=True, kw_only=True, slots=True)
class Earlier:
    """The last live of the same account that was told in the channel; `ended_at` is None while it is on."""

    event_key: str
    ended_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Situation:
    """What is known when a message is decided on.

    `began_at` and `seen_at` are of the live, `viewers` None where no answer has told a count. `last_told_at` is
    when a message of the same kind and subject was last put into the channel. `held_by` is the rule that held
    this one so far. `is_pinged` is true when the role has been pinged for the same event in this guild.
    """

    kind: Kind
    now: datetime
    zone: ZoneInfo
    began_at: datetime
    seen_at: datetime | None = None
    is_over: bool = False
    is_urgent: bool = False
    viewers: int | None = None
    last_told_at: datetime | None = None
    earlier: Earlier | None = None
    paused_until: datetime | None = None
    held_by: Rule = Rule.NONE
    is_pinged: bool = False
    is_backfill: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What happens, and why in words for an admin, empty where it is as usual.

    `until` is when to look again at what is held, None when only a change can free it. `merged_into` is the event
    whose message goes on.
    """

    verdict: Verdict
    rule: Rule = Rule.NONE
    why: str = ""
    until: datetime | None = None
    pings: bool = False
    merged_into: str = ""


def decide(options: Options, of: Situation) -> Decision:
    """Apply the table of this module; `options` are whole (`inherited` down to `BUILT_IN`)."""
    for rule in _RULES:
        decision = rule(options, of)
        if decision is not None:
            return decision
    return Decision(verdict=Verdict.SEND, pings=_may_ping(options, of))


def _may_ping(options: Options, of: Situation) -> bool:
    wanted = options.mention in {Mention.ROLE, Mention.PERSONAL}
    return wanted and not (of.is_over or of.is_pinged or of.is_backfill)


def _paused(_: Options, of: Situation) -> Decision | None:
    if of.is_urgent or of.paused_until is None or of.paused_until <= of.now:
        return None
    why = text("paused until {until}", until=of.paused_until)
    return _later_or_never(of, Rule.PAUSE, of.paused_until, why)


def _over(options: Options, of: Situation) -> Decision | None:
    if not of.is_over:
        return None
    if of.held_by is Rule.QUIET and options.after_live is not AfterLive.DELETE:
        quiet = options.quiet or Quiet()
        if quiet.mode is QuietMode.HOLD and within(quiet.begins, quiet.ends, of.now, of.zone):
            return None  # the rule of quiet hours holds it on
        return Decision(verdict=Verdict.SEND, why=text("told after the quiet hours, without a ping"))
    return Decision(verdict=Verdict.SKIP, rule=Rule.OVER, why=text("over before it could be told"))


def _grace(options: Options, of: Situation) -> Decision | None:
    minutes, earlier = options.grace_minutes or 0, of.earlier
    if not minutes or earlier is None:
        return None
    if earlier.ended_at is not None and of.began_at - earlier.ended_at >= timedelta(minutes=minutes):
        return None
    why = text("it goes on in the message of the live before")
    return Decision(verdict=Verdict.MERGE, rule=Rule.GRACE, why=why, merged_into=earlier.event_key)


def _only(options: Options, of: Situation) -> Decision | None:
    only = options.only or Only()
    opens_at = next_open(only, of.now, of.zone)
    if of.is_urgent or opens_at == of.now:
        return None
    if opens_at is None:
        return Decision(verdict=Verdict.SKIP, rule=Rule.ONLY, why=text("not on these days"))
    why = text("not on these days or at this hour; next {until}", until=opens_at)
    return _later_or_never(of, Rule.ONLY, opens_at, why)


def _viewers(options: Options, of: Situation) -> Decision | None:
    fewest = options.min_viewers or 0
    if not of.kind.goes_on or not fewest or (of.viewers is not None and of.viewers >= fewest):
        return None
    why = (
        text("it waits for {fewest} viewers; nobody knows how many there are", fewest=fewest)
        if of.viewers is None
        else text("it waits for {fewest} viewers; {viewers} watch", fewest=fewest, viewers=of.viewers)
    )
    return Decision(verdict=Verdict.HOLD, rule=Rule.VIEWERS, why=why)


def _delay(options: Options, of: Situation) -> Decision | None:
    minutes = options.delay_minutes or 0
    if not of.kind.goes_on or not minutes:
        return None
    ripe_at = of.began_at + timedelta(minutes=minutes)
    if of.now < ripe_at:
        why = text("announced from {until} on, if it is still on", until=ripe_at)
        return Decision(verdict=Verdict.HOLD, rule=Rule.DELAY, why=why, until=ripe_at)
    if of.seen_at is None or of.seen_at < ripe_at:
        why = text("it waits for a look that sees it still on")
        return Decision(verdict=Verdict.HOLD, rule=Rule.DELAY, why=why)
    return None


def _cooldown(options: Options, of: Situation) -> Decision | None:
    minutes = options.cooldown_minutes or 0
    if of.is_urgent or not minutes or of.last_told_at is None:
        return None
    free_at = of.last_told_at + timedelta(minutes=minutes)
    if free_at <= of.now or of.last_told_at > of.now:  # told in the future: the clock was set back
        return None
    return _later_or_never(of, Rule.COOLDOWN, free_at, text("cooldown until {until}", until=free_at))


def _digest(options: Options, of: Situation) -> Decision | None:
    every = options.digest or Digest.NONE
    if of.is_urgent or every is Digest.NONE:
        return None
    at = next_digest(every, options.digest_at or 0, of.now, of.zone)
    why = text("it is told in the digest of {until}", until=at)
    return Decision(verdict=Verdict.DIGEST, rule=Rule.DIGEST, why=why, until=at)


def _quiet(options: Options, of: Situation) -> Decision | None:
    quiet = options.quiet or Quiet()
    if of.is_urgent or quiet.mode is QuietMode.OFF or not within(quiet.begins, quiet.ends, of.now, of.zone):
        return None
    ends_at = next_minute(quiet.ends, of.now, of.zone)
    if quiet.mode is QuietMode.SILENT:
        why = text("without a ping: quiet hours until {until}", until=ends_at)
        return Decision(verdict=Verdict.SEND, rule=Rule.QUIET, why=why)
    why = text("held by quiet hours until {until}", until=ends_at)
    return Decision(verdict=Verdict.HOLD, rule=Rule.QUIET, why=why, until=ends_at)


_RULES: tuple[Callable[[Options, Situation], Decision | None], ...] = (
    _paused,
    _over,
    _grace,
    _only,
    _viewers,
    _delay,
    _cooldown,
    _digest,
    _quiet,
)


def _later_or_never(of: Situation, rule: Rule, until: datetime, why: str) -> Decision:
    if of.kind.goes_on:
        return Decision(verdict=Verdict.HOLD, rule=rule, why=why, until=until)
    return Decision(verdict=Verdict.SKIP, rule=rule, why=why)


# --- The guild's clock ---------------------------------------------------------------------------


def within(begins: int, ends: int, now: datetime, zone: ZoneInfo) -> bool:
    """Tell whether `now` is in the hours from `begins` to `ends` (minutes of the local day); equal: never."""
    local = now.astimezone(zone)
    minute = local.hour * 60 + local.minute
    if begins <= ends:
        return begins <= minute < ends
    return minute >= begins or minute < ends


def next_minute(minute: int, now: datetime, zone: ZoneInfo) -> datetime:
    """Give the first instant after `now` at which the local clock shows that minute of the day."""
    today = now.astimezone(zone).date()
    instants = (at_minute(today + timedelta(days=days), minute, zone) for days in range(-1, 4))
    return next(instant for instant in instants if instant > now)


def next_digest(every: Digest, minute: int, now: datetime, zone: ZoneInfo) -> datetime:
    """Give the next time after `now` of a daily digest, or of a weekly one, which comes on Mondays."""
    today = now.astimezone(zone).date()
    for days in range(-1, 16):
        day = today + timedelta(days=days)
        instant = at_minute(day, minute, zone)
        if instant > now and (every is Digest.DAILY or day.weekday() == 0):
            return instant
    raise AssertionError("two weeks have a Monday")


def next_open(only: Only, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Give `now` where `only` lets messages pass, else the next instant at which it does; None: on no day."""
    today = now.astimezone(zone).date()
    whole = only.begins == only.ends
    for days in range(-1, 9):
        day = today + timedelta(days=days)
        if day.weekday() not in only.days:
            continue
        begins = at_minute(day, 0 if whole else only.begins, zone)
        runs_over = whole or only.ends < only.begins
        ends = at_minute(day + timedelta(days=1) if runs_over else day, 0 if whole else only.ends, zone)
        if begins <= now < ends:
            return now
        if begins > now:
            return begins
    return None


def at_minute(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """Give the instant of a minute of a local day; one that a change of the clock skips comes after it."""
    hour, rest = divmod(minute % MINUTES_OF_DAY, 60)
    local = datetime(day.year, day.month, day.day, hour, rest, tzinfo=zone)
    return local.astimezone(UTC)
