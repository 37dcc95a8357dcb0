"""Whether a message goes out now, later or not at all, whether it pings, and why: each rule of `Options` once.

The rules in their order; the first that closes decides. "Later" is looked at anew when its time comes and
whenever something changes, so that a message passes one rule after the other::

    rule       closed while                             a live waits until       others
    ---------  ---------------------------------------  -----------------------  ----------------
    over       the live ended before it was told        skipped; after quiet     -
                                                        hours told as a summary,
                                                        in a digest all the same
    pause      the subscription is paused               the pause ends           skipped
    grace      a live of the account told here ended    goes on in the earlier   -
               less than so many minutes ago            message
    only       not on these days, not in these hours    the next such hour       skipped
    viewers    fewer watch, or nobody knows how many    more watch               -
    delay      it began less than so many minutes ago,  then, when it is seen    -
               or was not seen since
    cooldown   a message of the same subject is younger that time is over        skipped
    digest     one message a day or week is wanted      that message             that message
    quiet      hours in which messages are held         the quiet hours end      the same

An urgent notice passes pause, only, cooldown, digest and quiet hours. Viewers and delay are passed once for all; so are
the others before it by what is collected for a digest, but for a pause. A live that is over waits for nothing but the
end of quiet hours and its digest. What those put off, and cannot wait for another day, has passed `only`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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

    @property
    def may_wait(self) -> bool:
        """Whether it is still news later: a live that is on."""
        return self.kind.goes_on and not self.is_over


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
    for name, rule in _RULES.items():
        decision = None if name in _PASSED.get(of.held_by, ()) else rule(options, of)
        if decision is not None:
            return decision
    why = text("told after the quiet hours, without a ping") if of.is_over else ""
    return Decision(verdict=Verdict.SEND, why=why, pings=_may_ping(options, of))


def _may_ping(options: Options, of: Situation) -> bool:
    has_role = options.mention is Mention.ROLE and options.role_id is not None
    wanted = has_role or options.mention is Mention.PERSONAL
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
        return None
    if of.held_by is Rule.DIGEST and options.digest not in {None, Digest.NONE}:
        return None
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
    if of.held_by is Rule.QUIET and not of.may_wait:  # it came at a chosen hour: they only put it off
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
    ends_at = None if of.is_urgent else _quiet_until(options, of.now, of.zone)
    if ends_at is None:
        return None
    if options.quiet is not None and options.quiet.mode is QuietMode.SILENT:
        why = text("without a ping: quiet hours until {until}", until=ends_at)
        return Decision(verdict=Verdict.SEND, rule=Rule.QUIET, why=why)
    why = text("held by quiet hours until {until}", until=ends_at)
    return Decision(verdict=Verdict.HOLD, rule=Rule.QUIET, why=why, until=ends_at)


def hushed(options: Options, paused_until: datetime | None, now: datetime, zone: ZoneInfo) -> str:
    """Give why what was let out before pings nobody when it is posted late, empty where it may."""
    if paused_until is not None and paused_until > now:
        return text("posted late, without a ping: paused until {until}", until=paused_until)
    ends_at = _quiet_until(options, now, zone)
    if ends_at is None:
        return ""
    return text("posted late, without a ping: quiet hours until {until}", until=ends_at)


def _quiet_until(options: Options, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Give when the quiet hours end that are on now, None outside of them."""
    quiet = options.quiet or Quiet()
    if quiet.mode is QuietMode.OFF or not within(quiet.begins, quiet.ends, now, zone):
        return None
    return next_minute(quiet.ends, now, zone)


_RULES: Mapping[Rule, Callable[[Options, Situation], Decision | None]] = {
    Rule.OVER: _over,
    Rule.PAUSE: _paused,
    Rule.GRACE: _grace,
    Rule.ONLY: _only,
    Rule.VIEWERS: _viewers,
    Rule.DELAY: _delay,
    Rule.COOLDOWN: _cooldown,
    Rule.DIGEST: _digest,
    Rule.QUIET: _quiet,
}
_PASSED: Mapping[Rule, frozenset[Rule]] = {
    Rule.COOLDOWN: frozenset({Rule.VIEWERS, Rule.DELAY}),
    Rule.DIGEST: frozenset({Rule.ONLY, Rule.VIEWERS, Rule.DELAY, Rule.COOLDOWN}),
    Rule.QUIET: frozenset({Rule.VIEWERS, Rule.DELAY}),
}
"""Which rules do not close any more for what another one holds."""


def _later_or_never(of: Situation, rule: Rule, until: datetime, why: str) -> Decision:
    if of.may_wait:
        return Decision(verdict=Verdict.HOLD, rule=rule, why=why, until=until)
    return Decision(verdict=Verdict.SKIP, rule=rule, why=why)


# --- The guild's clock ---------------------------------------------------------------------------


def within(begins: int, ends: int, now: datetime, zone: ZoneInfo) -> bool:
    """Tell whether `now` is in the hours from `begins` to `ends` (minutes of the local day); equal: never."""
    spans = (_span(day, begins, ends, zone) for day in _days(now, zone, until=1))
    return begins != ends and any(start <= now < end for start, end in spans)


def next_minute(minute: int, now: datetime, zone: ZoneInfo) -> datetime:
    """Give the first instant after `now` at which the local clock shows that minute, for the first time on its day."""
    instants = (at_minute(day, minute, zone) for day in _days(now, zone, until=3))
    return next(instant for instant in instants if instant > now)


def next_digest(every: Digest, minute: int, now: datetime, zone: ZoneInfo) -> datetime:
    """Give the next time after `now` of a daily digest, or of a weekly one, which comes on Mondays."""
    days = (day for day in _days(now, zone, until=16) if every is Digest.DAILY or day.weekday() == 0)
    return next(instant for day in days if (instant := at_minute(day, minute, zone)) > now)


def next_open(only: Only, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Give `now` where `only` lets messages pass, else the next instant at which it does; None: on no day."""
    is_whole = only.begins == only.ends
    begins, ends = (0, 0) if is_whole else (only.begins, only.ends)
    for day in _days(now, zone, until=16):
        start, end = _span(day, begins, ends, zone)
        # A change of the clock may leave nothing of a span.
        if day.weekday() in only.days and start < end and now < end:
            return max(start, now)
    return None


def _days(now: datetime, zone: ZoneInfo, *, until: int) -> Iterator[date]:
    """Give the local days from yesterday on, `until` so many days after today."""
    today = now.astimezone(zone).date()
    return (today + timedelta(days=days) for days in range(-1, until + 1))


def _span(day: date, begins: int, ends: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Give from when to when the hours of a day last; they end on the next one where `ends` is not later."""
    last = day if begins < ends else day + timedelta(days=1)
    return at_minute(day, begins, zone), at_minute(last, ends, zone)


def at_minute(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """Give the instant of a minute of a local day; one that a change of the clock skips comes after it."""
    hour, rest = divmod(minute % MINUTES_OF_DAY, 60)
    local = datetime(day.year, day.month, day.day, hour, rest, tzinfo=zone)
    return local.astimezone(UTC)
