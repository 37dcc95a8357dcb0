from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.core.rounds.counters import COUNTERS
from bot.core.rounds.milestones import THRESHOLDS, Milestone, decide


def test_number_that_a_round_reaches_is_announced():
    decision = decide({"kills": 95}, {"kills": 100}, frozenset())
    assert decision.announce == decision.claim == (Milestone("kills", 100),)


def test_number_that_was_reached_before_is_claimed_in_silence():
    """As on the first round after old files were imported by a release without milestones."""
    decision = decide({"kills": 120}, {"kills": 130}, frozenset())
    assert (decision.claim, decision.announce) == ((Milestone("kills", 100),), ())


def test_of_several_at_once_the_highest_is_announced_and_all_are_claimed():
    decision = decide({"kills": 0, "gibs": 0}, {"kills": 1200, "gibs": 60}, frozenset())
    assert decision.announce == (Milestone("kills", 1000), Milestone("gibs", 50))
    assert len(decision.claim) == 4


def test_round_that_is_voided_and_restored_is_announced_once():
    claimed: set[Milestone] = set()
    said = []
    for was, total in ((95, 105), (105, 95), (95, 105)):
        decision = decide({"kills": was}, {"kills": total}, claimed)
        claimed |= set(decision.claim)
        said += decision.announce
    assert said == [Milestone("kills", 100)]


def test_total_that_was_unknown_is_not_zero():
    decision = decide({"headshot_kills": None}, {"headshot_kills": 150}, frozenset())
    assert (decision.claim, decision.announce) == ((Milestone("headshot_kills", 100),), ())
    assert decide({"headshot_kills": 150}, {"headshot_kills": None}, frozenset()).claim == ()


def test_lower_number_that_was_never_claimed_is_not_announced_after_a_higher_one():
    """A threshold that a later release puts between two is no news to who passed it long ago."""
    decision = decide({"kills": 99}, {"kills": 130}, {Milestone("kills", 100)})
    assert (decision.claim, decision.announce) == ((), ())


def test_claimed_one_is_not_said_again_with_a_lower_one_that_is_new():
    decision = decide({"kills": 80}, {"kills": 600}, {Milestone("kills", 500)})
    assert (decision.claim, decision.announce) == ((Milestone("kills", 100),), ())


def test_total_that_did_not_change_reaches_nothing():
    assert decide({"kills": 100}, {"kills": 100}, frozenset()).announce == ()


def test_everything_that_has_milestones_is_counted_and_they_rise():
    assert THRESHOLDS.keys() - {"rounds"} <= set(COUNTERS)
    for thresholds in THRESHOLDS.values():
        assert list(thresholds) == sorted(set(thresholds))


totals = st.fixed_dictionaries(
    {}, optional={name: st.none() | st.integers(0, 12_000) for name in ("kills", "rounds", "gibs")}
)


@given(st.lists(totals, min_size=1, max_size=12))
def test_nothing_is_announced_twice_and_everything_reached_is_claimed(history):
    claimed: set[Milestone] = set()
    said: list[Milestone] = []
    before: dict[str, int | None] = dict.fromkeys(THRESHOLDS, 0)
    for after in history:
        decision = decide(before, after, claimed)
        assert set(decision.announce) <= set(decision.claim)
        assert not set(decision.claim) & claimed
        assert len({one.counter for one in decision.announce}) == len(decision.announce)
        for one in decision.announce:
            assert before[one.counter] < one.threshold <= after[one.counter]
        claimed |= set(decision.claim)
        said += decision.announce
        before = after
    assert len(said) == len(set(said))
    highest = {name: max((one.get(name) or 0 for one in history), default=0) for name in THRESHOLDS}
    assert claimed == {
        Milestone(name, threshold)
        for name, thresholds in THRESHOLDS.items()
        for threshold in thresholds
        if threshold <= highest[name]
    }
