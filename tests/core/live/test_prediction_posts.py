"""What `/predict` answers, word by word: complete without its picture, safe, within Discord's limits."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.core.announcements import Message, Tone
from bot.core.live.prediction_posts import (
    account_message,
    accuracy_message,
    next_message,
    plan_message,
    right_line,
)
from bot.core.live.prediction_replies import asked_for, event_lines, shadow_message
from bot.core.live.predictions import (
    BudgetUse,
    Override,
    PolicyFigures,
    ShadowReport,
    SpecialEvent,
    Standing,
    TypicalWindow,
)
from bot.core.markup import escape
from bot.discord.embeds import draw
from bot.discord.speech import Speaker
from tests.predicted import (
    HOSTILE,
    HOUR,
    NO_HABITS,
    NOW,
    ZONE,
    account,
    accuracy,
    expected,
    habits,
    next_lives,
    plan,
    unknown,
    week,
)


def facts(message: Message) -> dict[str, str]:
    return {field.name: field.value for field in message.fields}


def at(hours: float, style: str = "R") -> str:
    return f"<t:{int((NOW + timedelta(hours=hours)).timestamp())}:{style}>"


def test_next_names_everyone_with_chance_confidence_and_window():
    message = next_message(
        next_lives(
            expected("ana", standing=Standing.LIVE),
            expected("ben", standing=Standing.LIKELY, within_hour=0.72),
            expected("cleo", standing=Standing.UNLIKELY, window=None, within_hour=0.004),
        )
    )
    assert message.body.splitlines() == [
        f"🔴 **Ana** is live, started {at(-1)}",
        f"🟡 **Ben** 72% within the hour · expected {at(3, 't')}-{at(5, 't')} ({at(3)}), 64% · confidence 80%",
        "⚪ **Cleo** <1% within the hour · confidence 80%",
    ]
    assert len(message.chart.lanes) == 3


def test_what_is_not_known_is_not_told_as_a_chance_of_nothing():
    following = next_lives(unknown("ana"), unknown("ben", Standing.PAUSED))
    assert next_message(following).body.splitlines() == ["❔ **Ana** no forecast yet", "⏸️ **Ben** is paused"]
    message = account_message(account(expected=unknown(), heat=None, factors=None))
    assert message.chart is None
    assert "0%" not in message.body


def test_who_asks_for_a_forecast_is_told_that_it_fails():
    for message in (
        next_message(replace(next_lives(), no_forecast="no data")),
        account_message(account(no_forecast="no data")),
    ):
        assert facts(message)["Trouble"] == "⚠️ There is no forecast: it fails (no data)."
    both = replace(next_lives(), no_forecast="no data", failing=(("probability", "no data"),))
    assert facts(next_message(both))["Trouble"].count("no data") == 1
    assert "Trouble" not in facts(next_message(next_lives()))


def test_next_without_accounts_has_no_picture_and_says_how_to_begin():
    message = next_message(replace(next_lives(), accounts=()))
    assert message.chart is None
    assert "/live add" in message.body


@pytest.mark.parametrize("language", ["en", "id"])
def test_next_fits_however_many_are_followed(language):
    following = next_lives(*[expected(f"u{number}", nickname="_" * 60) for number in range(60)])
    said = Speaker(language=language).tell(next_message(following))
    assert draw(said).embed.description == said.body
    assert next_message(following).body.splitlines()[-1].startswith("and ")


def test_an_account_is_told_with_habits_accuracy_and_the_reason_of_its_next_check():
    message = account_message(account())
    told = facts(message)
    assert told[f"Usually begins ({ZONE})"] == "19:00-21:30 · 70% of lives\n23:00-01:00 · 20% of lives"
    assert told["Lasts about"] == "1 h 37 min"
    assert told["Days"] == "Sat 30%, Sun 20%, Mon 10%"
    assert told["Known lives"] == "34 lives · 71% regular, confidence 83%"
    assert told["At its best"] == "2,310 viewers at a time\n812 diamonds an hour"
    assert told["Predictions of 28 days"] == (
        "right in 96.1% of 672 hours · always saying “unlikely”: 94.2% · Brier score 0.031"
    )
    assert f"Next check {at(0.5)}: 92% likely before 20:30" in message.body
    assert "Asked for by admins" not in told


def test_an_account_nobody_knows_yet_says_so():
    message = account_message(account(habits=NO_HABITS, factors=None))
    told = facts(message)
    unknown = [told[f"Usually begins ({ZONE})"], told["Lasts about"], told["Days"], told["At its best"]]
    assert unknown == ["not known yet"] * 4
    assert told["Known lives"].startswith("0 lives")
    assert told["Last change of habits"] == "none noticed"


def test_an_account_that_is_live_or_frozen_says_why_nothing_is_planned():
    one = expected(next_check_at=None, reason="an admin froze it")
    message = account_message(account(expected=one, override=Override(frozen=True)))
    assert "No check is planned: an admin froze it" in message.body
    assert facts(message)["Asked for by admins"] == "frozen: no planned checks"
    assert account_message(account(expected=expected(standing=Standing.LIVE))).tone is Tone.LIVE


def test_what_admins_asked_for_is_told_item_by_item():
    override = Override(
        policy="roadmap",
        priority=2.5,
        pinned=timedelta(minutes=90),
        boosted_until=NOW + HOUR,
        boosted_every=timedelta(minutes=15),
        frozen=True,
    )
    assert asked_for("ana", override).splitlines() == [
        "`@ana` now:",
        "- frozen: no planned checks",
        "- policy: the 30/60/120-minute rule (`roadmap`)",
        "- priority: 2.5",
        "- pinned: a check every 1 h 30 min",
        f"- boosted: a check at least every 15 min, until {at(1)}",
    ]
    assert asked_for("ana", Override()) == "`@ana` is planned like all others."


def test_a_plan_tells_both_budgets_what_is_reserved_and_what_is_left():
    told = facts(plan_message(plan()))
    assert told["Checks in 24 hours"] == "84 of 120 · safe"
    assert told["Follow-ups in 24 hours"] == "460 of 480 · nearly all in use"
    assert told["Reserved by admins' wishes"] == "12"
    assert told["Left now"] == "36"
    assert told["Share of this server"] == "at most 60 a day"
    assert "Compared with" not in told
    assert "`roadmap`" in facts(plan_message(plan(shadow="roadmap")))["Compared with"]


def test_a_plan_says_why_the_rest_of_the_day_is_not_in_it():
    assert facts(plan_message(plan(unplanned="too many accounts")))["Rest of the day"] == "too many accounts"
    assert "Rest of the day" not in facts(plan_message(plan()))


def test_a_plan_over_its_budget_has_nothing_left():
    assert facts(plan_message(plan(discovery=BudgetUse(used=130, limit=120))))["Left now"] == "0"


def test_a_plan_that_fell_back_says_so():
    message = plan_message(plan(failing=(("probability", "no data"),)))
    assert message.tone is Tone.WARNING
    assert "no data" in facts(message)["Trouble"]
    assert "evenly spread" in facts(message)["Trouble"]


def test_accuracy_is_told_by_week_the_newest_first():
    body = accuracy_message(accuracy()).body
    assert body.splitlines()[:2] == [
        "**Week of 2026-11-02** · found 71 of about 96 · 74% · median delay 17 min · 52% within 30 min",
        "-# 840 checks · evenly spread would need 2,100 (60% saved)",
    ]
    assert "2026-10-26" in body


@pytest.mark.parametrize(("days", "told"), [(7, ""), (5, " · 5 days scored"), (1, " · 1 day scored")])
def test_a_week_of_which_days_have_no_score_says_so(days: int, told: str):
    head = accuracy_message(accuracy(weeks=(week(days=days),))).body.split(" · found")[0]
    assert head == f"**Week of 2026-10-26**{told}"


def test_a_week_that_cost_more_than_evenly_spread_says_so():
    body = accuracy_message(accuracy(weeks=(week(fixed_requests=420.0),))).body
    assert "would need 420 (100% more than evenly spread)" in body


def test_who_is_probably_live_already_is_said_to_be():
    one = expected(standing=Standing.LIKELY, live_now=0.97, within_hour=0.02)
    body = next_message(next_lives(one)).body
    assert "probably live already, 97%" in body
    assert "2%" not in body


def test_a_window_across_midnight_has_both_its_ends():
    late = habits(windows=(TypicalWindow(start_minute=1388, end_minute=54, share=1.0),))
    told = facts(account_message(account(habits=late)))[f"Usually begins ({ZONE})"]
    assert told == "23:08-00:54 · 100% of lives"


def test_a_window_of_no_width_is_a_time():
    narrow = habits(windows=(TypicalWindow(start_minute=1200, end_minute=1200, share=1.0),))
    assert facts(account_message(account(habits=narrow)))[f"Usually begins ({ZONE})"] == (
        "about 20:00 · 100% of lives"
    )


def test_weeks_in_which_nothing_could_be_measured_are_told_without_figures():
    empty = week(
        requests=0, found=0, estimated=0.0, median_delay_minutes=None, within_30=None, fixed_requests=None
    )
    body = accuracy_message(accuracy(weeks=(empty,))).body
    assert body == "**Week of 2026-10-26** · found none yet\n-# 0 checks"


def test_before_the_first_night_there_is_nothing_to_compare_and_no_picture():
    message = accuracy_message(
        accuracy(reliability=(), weeks=(), right=None, always_unlikely=None, brier=None, predictions=0)
    )
    assert message.chart is None
    assert "No week is scored yet" in message.body
    assert facts(message)["Predictions of 28 days"] == "none to compare yet"


def test_what_is_right_stands_beside_what_is_right_without_a_forecast():
    assert right_line(1, 1.0, None, None) == "right in 100.0% of 1 hour"
    assert "94.0%" in right_line(9, 0.95, 0.94, 0.1)


def test_names_are_harmless_everywhere():
    one = expected(nickname=HOSTILE)
    for message in (next_message(next_lives(one)), account_message(account(expected=one))):
        assert escape(HOSTILE, 40)[:30] in message.body
        assert HOSTILE[:12] not in message.title + message.body


def test_an_account_message_fits_with_everything_at_its_largest():
    windows = habits().windows * 40
    message = account_message(account(habits=habits(windows=windows), expected=expected(nickname="_" * 200)))
    assert len(draw(message).embed) <= 6000


SHADOW = ShadowReport(
    policy="probability",
    shadow_policy="roadmap",
    made_at=NOW,
    since=NOW - 24 * HOUR,
    lives=51,
    active=PolicyFigures(
        policy="probability", coverage=0.71, within_30=0.52, median_delay_minutes=12.4, requests_a_day=118.2
    ),
    shadow=PolicyFigures(
        policy="roadmap", coverage=None, within_30=None, median_delay_minutes=None, requests_a_day=20
    ),
)


def test_shadow_mode_compares_both_policies():
    message = shadow_message(SHADOW)
    assert "51 lives" in message.body
    first, second = message.fields
    assert "`probability`" in first.name
    assert first.value.splitlines() == [
        "lives found: 71%",
        "within 30 min: 52%",
        "median delay 12 min",
        "checks a day: 118",
    ]
    assert second.value.splitlines() == ["lives found: -", "within 30 min: -", "checks a day: 20"]


def test_shadow_mode_says_when_it_replayed_some_accounts_alone():
    assert "accounts" not in shadow_message(SHADOW).body
    body = shadow_message(replace(SHADOW, accounts=50, followed=1200)).body
    assert body.endswith("Replayed for 50 of 1,200 accounts drawn at random, with their part of the checks.")


def test_shadow_mode_says_when_it_is_off_or_has_nothing_to_tell_yet():
    assert "off" in shadow_message(None).body
    assert "first comparison" in shadow_message(replace(SHADOW, made_at=None, active=None, shadow=None)).body


def test_special_days_are_listed_with_the_number_that_removes_them():
    events = (
        SpecialEvent(id=3, day=date(2026, 12, 1), name=HOSTILE[:14], handle="ana"),
        SpecialEvent(id=None, day=date(2026, 12, 25), name="Christmas Day"),
    )
    assert event_lines(events) == [
        rf"**2026-12-01** {escape(HOSTILE[:14])} · `@ana` · number 3",
        "**2026-12-25** Christmas Day · public holiday",
    ]
    assert "/predict event add" in event_lines(())[0]
