"""Whether a message goes out: each rule alone, every pair of them, and what stays true whatever the choices are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.notifications import deciding
from bot.core.notifications.deciding import Decision, Earlier, Rule, Situation, Verdict, decide
from bot.core.notifications.kinds import Kind
from bot.core.notifications.options import (
    BUILT_IN,
    AfterLive,
    Digest,
    Mention,
    Only,
    Options,
    Quiet,
    QuietMode,
    inherited,
)

ZONE = ZoneInfo("Europe/Berlin")
#: A Saturday, 23:30 in Berlin.
NOW = datetime(2026, 11, 21, 22, 30, tzinfo=UTC)
MORNING = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)  # 7:00 in Berlin
NIGHTLY = Quiet(mode=QuietMode.HOLD, begins=22 * 60, ends=7 * 60)
SILENTLY = replace(NIGHTLY, mode=QuietMode.SILENT)
WORKDAYS = Only(days=(0, 1, 2, 3, 4))
MONDAY = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)  # its first minute in Berlin
DAILY_AT = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)  # 9:00 in Berlin


def minutes(count: int) -> timedelta:
    return timedelta(minutes=count)


def situation(**more: object) -> Situation:
    """A live that began two hours ago and was just seen, with 50 viewers."""
    usual = {
        "kind": Kind.LIVE,
        "now": NOW,
        "zone": ZONE,
        "began_at": NOW - timedelta(hours=2),
        "seen_at": NOW,
        "viewers": 50,
    }
    return Situation(**(usual | more))


def choose(**chosen: object) -> Options:
    return inherited(Options(**{"mention": Mention.ROLE, "role_id": 5, **chosen}), BUILT_IN)


@dataclass(frozen=True, kw_only=True)
class Closed:
    """A rule that closes: by what is chosen, in which situation; what becomes of a live and of a round."""

    chosen: dict[str, object] = field(default_factory=dict)
    given: dict[str, object] = field(default_factory=dict)
    live: Verdict
    other: Verdict | None
    until: datetime | None = None


CLOSED = {
    Rule.OVER: Closed(given={"is_over": True}, live=Verdict.SKIP, other=None),
    Rule.PAUSE: Closed(
        given={"paused_until": NOW + minutes(5)},
        live=Verdict.HOLD,
        other=Verdict.SKIP,
        until=NOW + minutes(5),
    ),
    Rule.GRACE: Closed(
        chosen={"grace_minutes": 30},
        given={"earlier": Earlier(event_key="live:1", ended_at=NOW - timedelta(hours=2) - minutes(29))},
        live=Verdict.MERGE,
        other=None,
    ),
    Rule.ONLY: Closed(chosen={"only": WORKDAYS}, live=Verdict.HOLD, other=Verdict.SKIP, until=MONDAY),
    Rule.VIEWERS: Closed(chosen={"min_viewers": 51}, live=Verdict.HOLD, other=None),
    Rule.DELAY: Closed(chosen={"delay_minutes": 125}, live=Verdict.HOLD, other=None, until=NOW + minutes(5)),
    Rule.COOLDOWN: Closed(
        chosen={"cooldown_minutes": 60},
        given={"last_told_at": NOW - minutes(59)},
        live=Verdict.HOLD,
        other=Verdict.SKIP,
        until=NOW + minutes(1),
    ),
    Rule.DIGEST: Closed(
        chosen={"digest": Digest.DAILY}, live=Verdict.DIGEST, other=Verdict.DIGEST, until=DAILY_AT
    ),
    Rule.QUIET: Closed(chosen={"quiet": NIGHTLY}, live=Verdict.HOLD, other=Verdict.HOLD, until=MORNING),
}
ORDER = list(CLOSED)
PAIRS = [(one, other) for one, other in permutations(ORDER, 2) if ORDER.index(one) < ORDER.index(other)]
PASSED_BY_THE_URGENT = {Rule.PAUSE, Rule.ONLY, Rule.COOLDOWN, Rule.DIGEST, Rule.QUIET}


def decided(*rules: Rule, kind: Kind = Kind.LIVE, **more: object) -> Decision:
    """Decide with some rules closed."""
    chosen: dict[str, object] = {}
    given: dict[str, object] = {"kind": kind}
    for rule in rules:
        chosen |= CLOSED[rule].chosen
        given |= CLOSED[rule].given
    return decide(choose(**chosen), situation(**(given | more)))


def opened_by_time(rule: Rule) -> datetime | None:
    return CLOSED[rule].until


def test_the_rules_of_the_docstring_are_those_there_are_in_their_order() -> None:
    lines = iter(deciding.__doc__.splitlines())
    next(line for line in lines if line.strip().startswith("----"))
    names = [line[4:12].strip() for line in lines if line.startswith("    ")]
    assert [name for name in names if name] == [rule.value for rule in ORDER]
    assert {*ORDER, Rule.NONE} == set(Rule)


@pytest.mark.parametrize("kind", Kind)
def test_nothing_chosen_closes_nothing_and_pings_nobody(kind: Kind) -> None:
    assert decide(inherited(BUILT_IN), situation(kind=kind)) == Decision(verdict=Verdict.SEND)


# --- Each rule alone -----------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ORDER)
def test_a_rule_alone_holds_or_skips_a_live_and_says_why(rule: Rule) -> None:
    decision, wanted = decided(rule), CLOSED[rule]
    assert (decision.verdict, decision.rule, decision.until) == (wanted.live, rule, wanted.until)
    assert decision.why
    assert not decision.pings


@pytest.mark.parametrize("rule", ORDER)
@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.LIVE])
def test_a_rule_alone_holds_or_skips_what_does_not_go_on(rule: Rule, kind: Kind) -> None:
    wanted = CLOSED[rule]
    if rule in {Rule.OVER, Rule.GRACE}:  # nobody asks for them of what does not go on
        return
    decision = decided(rule, kind=kind)
    if wanted.other is None:
        assert decision == Decision(verdict=Verdict.SEND, pings=True)
    else:
        assert (decision.verdict, decision.rule) == (wanted.other, rule)
        assert decision.until == (wanted.until if wanted.other is not Verdict.SKIP else None)


@pytest.mark.parametrize("rule", [rule for rule in ORDER if opened_by_time(rule)])
def test_a_rule_is_closed_until_its_time_and_open_from_then_on(rule: Rule) -> None:
    until = CLOSED[rule].until
    assert until is not None
    before = decided(rule, now=until - timedelta(microseconds=1), seen_at=until)
    assert (before.rule, before.until) == (rule, until)
    after = decided(rule, now=until, seen_at=until)
    if rule is Rule.DIGEST:  # it comes again; `NotificationDesk` asks for nobody's decision at its time
        assert after.until == until + timedelta(days=1)
    else:
        assert after == Decision(verdict=Verdict.SEND, pings=True)


def test_a_live_within_the_grace_goes_on_in_the_message_before() -> None:
    assert decided(Rule.GRACE).merged_into == "live:1"
    for ended_at, verdict in (
        (NOW - timedelta(hours=2) - minutes(30), Verdict.SEND),
        (NOW - timedelta(hours=1), Verdict.MERGE),  # the one before was believed over after this one began
        (None, Verdict.MERGE),
    ):
        earlier = Earlier(event_key="live:1", ended_at=ended_at)
        assert decided(Rule.GRACE, earlier=earlier).verdict is verdict
    assert (
        decide(choose(), situation(earlier=Earlier(event_key="live:1", ended_at=None))).verdict
        is Verdict.SEND
    )


@pytest.mark.parametrize("viewers", [None, 0, 50, 51, 10**6])
def test_a_live_waits_for_its_viewers(viewers: int | None) -> None:
    verdict = Verdict.SEND if (viewers or 0) >= 51 else Verdict.HOLD
    assert decided(Rule.VIEWERS, viewers=viewers).verdict is verdict


def test_after_the_delay_a_live_is_told_when_it_was_seen_since() -> None:
    ripe_at = NOW + minutes(5)
    for seen_at in (None, NOW, ripe_at - timedelta(microseconds=1)):
        decision = decided(Rule.DELAY, now=ripe_at, seen_at=seen_at)
        assert (decision.verdict, decision.rule, decision.until) == (Verdict.HOLD, Rule.DELAY, None)
    assert decided(Rule.DELAY, now=ripe_at, seen_at=ripe_at).verdict is Verdict.SEND


def test_a_message_of_the_future_holds_nothing_up() -> None:
    """The clock was set back."""
    assert decided(Rule.COOLDOWN, last_told_at=NOW + minutes(1)).verdict is Verdict.SEND


def test_on_no_day_a_live_is_skipped_too() -> None:
    decision = decide(choose(only=Only(days=())), situation())
    assert (decision.verdict, decision.rule, decision.until) == (Verdict.SKIP, Rule.ONLY, None)


def test_silent_hours_send_without_a_ping() -> None:
    decision = decide(choose(quiet=SILENTLY), situation())
    assert (decision.verdict, decision.rule, decision.pings) == (Verdict.SEND, Rule.QUIET, False)
    assert "07:00" not in decision.why  # an instant: each guild reads it in its own zone
    assert decide(choose(quiet=SILENTLY), situation(now=MORNING)).pings


def test_a_weekly_digest_comes_on_mondays() -> None:
    decision = decide(choose(digest=Digest.WEEKLY), situation())
    assert decision.until == datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


# --- Who is pinged -------------------------------------------------------------------------------


@pytest.mark.parametrize("mention", Mention)
@pytest.mark.parametrize("role_id", [None, 5])
@pytest.mark.parametrize("spoiler", [None, "is_pinged", "is_backfill"])
def test_a_ping_is_for_a_role_and_the_first_telling(
    mention: Mention, role_id: int | None, spoiler: str | None
) -> None:
    more = {} if spoiler is None else {spoiler: True}
    decision = decide(choose(mention=mention, role_id=role_id), situation(**more))
    wanted = mention is Mention.PERSONAL or (mention is Mention.ROLE and role_id is not None)
    assert decision.verdict is Verdict.SEND
    assert decision.pings == (wanted and spoiler is None)


# --- Pairs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_of_two_that_are_closed_the_first_decides(first: Rule, second: Rule) -> None:
    decision, wanted = decided(first, second), CLOSED[first]
    assert decision.rule is first
    if first is Rule.OVER:
        assert decision.verdict is Verdict.SKIP
    else:
        assert (decision.verdict, decision.until) == (wanted.live, wanted.until)


@pytest.mark.parametrize(
    ("first", "second"), [pair for pair in PAIRS if not {Rule.OVER, Rule.GRACE, Rule.DIGEST} & {*pair}]
)
def test_a_live_waits_for_one_rule_after_the_other_and_is_then_told_once(first: Rule, second: Rule) -> None:
    """Time passes, the live is seen again and again, and more and more people watch."""
    now, held_by, rules = NOW, Rule.NONE, list[Rule]()
    for _ in range(20):
        viewers = 50 if Rule.VIEWERS not in rules else 51
        decision = decided(first, second, now=now, seen_at=now, viewers=viewers, held_by=held_by)
        if decision.verdict is not Verdict.HOLD:
            break
        held_by = decision.rule
        rules.append(held_by)
        now = decision.until or now + minutes(1)
    assert decision == Decision(verdict=Verdict.SEND, pings=True)
    # In between either may close again: the quiet hours of another night, the days that are left out.
    assert rules[0] is first
    assert len(rules) <= 5
    assert set(rules) <= {first, second}
    closed_for = {rule: CLOSED[rule].until or NOW + minutes(1) for rule in (first, second)}
    if closed_for[second] > closed_for[first]:
        assert second in rules


@pytest.mark.parametrize("rule", ORDER)
def test_what_is_urgent_passes_what_is_a_matter_of_taste(rule: Rule) -> None:
    if rule in PASSED_BY_THE_URGENT:
        decision = decided(rule, kind=Kind.NOTICE, is_urgent=True)
        assert decision == Decision(verdict=Verdict.SEND, pings=True)


def test_what_is_urgent_passes_all_of_them_at_once_and_pings_at_night() -> None:
    decision = decided(*PASSED_BY_THE_URGENT, kind=Kind.NOTICE, is_urgent=True)
    assert decision == Decision(verdict=Verdict.SEND, pings=True)
    quiet = decide(choose(quiet=SILENTLY), situation(kind=Kind.NOTICE, is_urgent=True))
    assert quiet == Decision(verdict=Verdict.SEND, pings=True)


# --- What is over before it was told -------------------------------------------------------------


@pytest.mark.parametrize("held_by", [*Rule])
@pytest.mark.parametrize("after_live", AfterLive)
def test_only_quiet_hours_and_a_digest_tell_of_what_is_over(held_by: Rule, after_live: AfterLive) -> None:
    chosen = {"after_live": after_live, "digest": Digest.DAILY if held_by is Rule.DIGEST else Digest.NONE}
    decision = decide(choose(**chosen), situation(is_over=True, held_by=held_by))
    if held_by is Rule.DIGEST:
        assert decision.verdict is Verdict.DIGEST
    elif held_by is Rule.QUIET and after_live is not AfterLive.DELETE:
        assert decision.verdict is Verdict.SEND
        assert decision.why
    else:
        assert (decision.verdict, decision.rule) == (Verdict.SKIP, Rule.OVER)
    assert not decision.pings


def test_what_ended_in_the_quiet_hours_waits_for_their_end() -> None:
    given = {"is_over": True, "held_by": Rule.QUIET, "viewers": 3}
    chosen = choose(quiet=NIGHTLY, min_viewers=20, delay_minutes=300)
    decision = decide(chosen, situation(**given))
    assert (decision.verdict, decision.rule, decision.until) == (Verdict.HOLD, Rule.QUIET, MORNING)
    morning = decide(chosen, situation(**given, now=MORNING))
    assert (morning.verdict, morning.rule, morning.pings) == (Verdict.SEND, Rule.NONE, False)


def test_a_digest_that_is_wanted_no_more_tells_of_nothing_over() -> None:
    decision = decide(choose(), situation(is_over=True, held_by=Rule.DIGEST))
    assert (decision.verdict, decision.rule) == (Verdict.SKIP, Rule.OVER)


@pytest.mark.parametrize("rule", [Rule.ONLY, Rule.VIEWERS, Rule.DELAY, Rule.COOLDOWN])
def test_what_is_collected_stays_collected(rule: Rule) -> None:
    for is_over in (False, True):
        decision = decided(rule, Rule.DIGEST, held_by=Rule.DIGEST, is_over=is_over)
        assert (decision.verdict, decision.rule) == (Verdict.DIGEST, Rule.DIGEST)


@pytest.mark.parametrize("given", [{"kind": Kind.ROUND}, {"is_over": True}])
def test_what_came_on_a_chosen_day_and_waits_for_the_morning_is_told_on_the_next(
    given: dict[str, object],
) -> None:
    weekends = choose(only=Only(days=(5, 6)), quiet=NIGHTLY)
    sunday = NOW + timedelta(days=1)
    morning = MORNING + timedelta(days=1)
    first = decide(weekends, situation(now=sunday, began_at=sunday, kind=given.get("kind", Kind.LIVE)))
    assert (first.verdict, first.rule, first.until) == (Verdict.HOLD, Rule.QUIET, morning)
    then = decide(weekends, situation(now=morning, held_by=Rule.QUIET, **given))
    assert then.verdict is Verdict.SEND


@pytest.mark.parametrize("rule", [Rule.PAUSE, Rule.COOLDOWN])
def test_what_is_over_does_not_wait_for_a_later_hour(rule: Rule) -> None:
    decision = decided(rule, is_over=True, held_by=Rule.QUIET)
    assert (decision.verdict, decision.rule, decision.until) == (Verdict.SKIP, rule, None)


# --- Whatever is chosen --------------------------------------------------------------------------

moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(  # noqa: DTZ001 - made aware here
    lambda moment: moment.replace(tzinfo=UTC)
)
minutes_of_day = st.integers(0, 1439)
chosen_options = st.builds(
    Options,
    mention=st.none() | st.sampled_from(Mention),
    role_id=st.none() | st.just(5),
    quiet=st.none()
    | st.builds(Quiet, mode=st.sampled_from(QuietMode), begins=minutes_of_day, ends=minutes_of_day),
    only=st.none()
    | st.builds(Only, days=st.sets(st.integers(0, 6)).map(tuple), begins=minutes_of_day, ends=minutes_of_day),
    cooldown_minutes=st.none() | st.integers(0, 3000),
    min_viewers=st.none() | st.integers(0, 100),
    delay_minutes=st.none() | st.integers(0, 300),
    grace_minutes=st.none() | st.integers(0, 300),
    after_live=st.none() | st.sampled_from(AfterLive),
    digest=st.none() | st.sampled_from(Digest),
    digest_at=st.none() | minutes_of_day,
)
zones = st.sampled_from(
    [ZoneInfo(name) for name in ("Europe/Berlin", "America/New_York", "Asia/Jakarta", "Australia/Lord_Howe")]
)


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    now = draw(moments)
    ago = st.none() | st.integers(-60, 3000).map(lambda count: now - minutes(count))
    return Situation(
        kind=draw(st.sampled_from(Kind)),
        now=now,
        zone=draw(zones),
        began_at=now - minutes(draw(st.integers(0, 1000))),
        seen_at=draw(ago),
        is_over=draw(st.booleans()),
        is_urgent=draw(st.booleans()),
        viewers=draw(st.none() | st.integers(0, 200)),
        last_told_at=draw(ago),
        earlier=draw(st.none() | st.builds(Earlier, event_key=st.just("live:1"), ended_at=ago)),
        paused_until=draw(ago),
        held_by=draw(st.sampled_from(Rule)),
        is_pinged=draw(st.booleans()),
        is_backfill=draw(st.booleans()),
    )


@given(options=chosen_options, of=situations())
def test_whatever_is_chosen_a_decision_is_whole(options: Options, of: Situation) -> None:
    decision = decide(inherited(options, BUILT_IN), of)
    if decision.pings:
        assert decision.verdict is Verdict.SEND
        assert not any((of.is_over, of.is_pinged, of.is_backfill))
    assert decision.verdict is Verdict.SEND or decision.why
    assert (decision.verdict is Verdict.MERGE) == bool(decision.merged_into)
    if decision.until is not None:
        assert decision.verdict in {Verdict.HOLD, Verdict.DIGEST}
        assert decision.until > of.now
    if decision.verdict is Verdict.DIGEST:
        assert decision.until is not None
    if decision.verdict is Verdict.HOLD and decision.until is None:  # only a change frees it
        assert decision.rule in {Rule.VIEWERS, Rule.DELAY}
        assert of.kind.goes_on


@given(options=chosen_options, of=situations())
def test_whatever_is_chosen_an_urgent_notice_goes_out_now(options: Options, of: Situation) -> None:
    of = replace(of, kind=Kind.NOTICE, is_urgent=True, is_over=False, earlier=None)
    assert decide(inherited(options, BUILT_IN), of).verdict is Verdict.SEND


@given(options=chosen_options, of=situations())
def test_a_message_that_does_not_go_on_is_never_held_for_ever(options: Options, of: Situation) -> None:
    """Looked at anew at each time it is held to, it goes out, into a digest or is skipped within some nights."""
    of = replace(of, kind=Kind.ROUND, is_over=False, earlier=None, held_by=Rule.NONE)
    whole = inherited(options, BUILT_IN)
    for decision in times_of(whole, of):
        if decision.verdict is not Verdict.HOLD:
            return
    raise AssertionError("held for ever")


def times_of(options: Options, of: Situation) -> Iterator[Decision]:
    for _ in range(5):
        decision = decide(options, of)
        yield decision
        of = replace(of, now=decision.until or of.now, held_by=decision.rule)
