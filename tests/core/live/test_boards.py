"""The status board says how things stand, safely and within Discord's limits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.announcements import Message, Tone
from bot.core.live.boards import board_message, board_taken_down
from bot.core.live.predictions import BudgetUse, Standing
from bot.core.markup import escape
from bot.discord.embeds import draw
from bot.discord.speech import Speaker
from tests.predicted import HOSTILE, HOUR, NOW, board, line, window

LANGUAGES = ("en", "id")


def facts(message: Message) -> dict[str, str]:
    return {field.name: field.value for field in message.fields}


def at(hours: float, style: str) -> str:
    return f"<t:{int((NOW + timedelta(hours=hours)).timestamp())}:{style}>"


def test_each_account_says_how_it_stands():
    message = board_message(
        board(
            line("ana", Standing.LIVE, was_predicted=True),
            line("ben", Standing.LIVE),
            line("cleo", Standing.LIKELY),
            line("dora", Standing.EXPECTED),
            line("ed", Standing.EXPECTED, window=None),
            line("finn", Standing.UNLIKELY),
            line("gwen", Standing.UNLIKELY),
            line("hugo", Standing.UNKNOWN, live_now=None, within_hour=None),
            line("ivy", Standing.PAUSED, live_now=None, within_hour=None),
        )
    )
    assert message.body.splitlines() == [
        f"🔴 **Ana** is live, started {at(-1, 'R')}, as predicted",
        f"🔴 **Ben** is live, started {at(-1, 'R')}, not predicted",
        "🟡 **Cleo** likely within the hour, 61%",
        f"🔵 **Dora** expected {at(3, 't')}-{at(5, 't')} ({at(3, 'R')}), 64%",
        "🔵 **Ed** expected today",
        "⚪ No likely hour in the next 24: **Finn**, **Gwen**",
        "❔ No forecast yet: **Hugo**",
        "⏸️ Paused: **Ivy**",
        f"-# As of {at(0, 'R')}",
    ]


def test_budgets_savings_and_coverage_are_told():
    told = facts(board_message(board(line())))
    assert told["Checks in 24 hours"] == "84 of 120 · safe"
    assert told["Follow-ups in 24 hours"] == "460 of 480 · nearly all in use"
    assert told["Active predictions"] == "7 accounts"
    assert told["Requests in 24 hours"] == "62% saved"
    assert told["Lives found in 7 days"] == "34 of about 41 · 82%"
    assert "`probability`" in told["Policy"]


def test_what_is_not_known_is_not_made_up():
    told = facts(board_message(board(line(), request_reduction=None, found=0, estimated=0.0)))
    assert told["Requests in 24 hours"] == "not known yet"
    assert told["Lives found in 7 days"] == "none yet"


def test_what_was_not_saved_is_not_hidden():
    told = facts(board_message(board(line(), request_reduction=-1.04)))
    assert told["Requests in 24 hours"] == "104% more than evenly spread"


@pytest.mark.parametrize(
    ("used", "word"),
    [(0, "safe"), (113, "safe"), (114, "nearly all in use"), (119, "nearly"), (120, "used up")],
)
def test_a_budget_has_a_word_for_its_safety(used, word):
    told = facts(board_message(board(discovery=BudgetUse(used=used, limit=120))))
    assert word in told["Checks in 24 hours"]


def test_the_next_lives_are_the_three_that_begin_first_and_are_not_live():
    lines = [line(f"a{hours}", window=window(hours)) for hours in (9, 2, 5, 7)]
    lines.append(line("live", Standing.LIVE, window=window(1)))
    lines.append(line("rare", Standing.UNLIKELY, window=window(1, probability=0.004)))
    # Probably live already: what is ahead of it tomorrow is not likely.
    lines.append(line("on", Standing.LIKELY, live_now=0.9, window=window(1, probability=0.06)))
    told = facts(board_message(board(*lines)))["Next likely lives"]
    assert [part.split("**")[1] for part in told.splitlines()] == ["A2", "A5", "A7"]
    assert facts(board_message(board(line(window=None))))["Next likely lives"] == "none in sight"


def test_who_is_probably_live_already_is_said_to_be():
    """Unseen so far, and hardly likely to start once more."""
    body = board_message(board(line(standing=Standing.LIKELY, live_now=0.97, within_hour=0.02))).body
    assert "probably live already, 97%" in body
    assert "2%" not in body


def test_a_failing_policy_is_a_warning_and_a_budget_that_is_used_is_none():
    assert board_message(board(line())).tone is Tone.NOTICE
    failing = board_message(board(line(), failing=(("probability", f"no data {HOSTILE}"),)))
    assert failing.tone is Tone.WARNING
    assert "evenly spread" in facts(failing)["Trouble"]
    assert "@everyone" not in facts(failing)["Trouble"].replace("\\@", "")
    assert board_message(board(discovery=BudgetUse(used=120, limit=120))).tone is Tone.NOTICE


def test_a_board_without_a_forecast_says_why():
    message = board_message(board(line(), no_forecast=f"no data {HOSTILE}"))
    assert message.tone is Tone.WARNING
    assert facts(message)["Trouble"].startswith("⚠️ There is no forecast: it fails (no data ")
    assert "@everyone" not in facts(message)["Trouble"].replace("\\@", "")


def test_an_empty_board_says_how_to_begin():
    assert "/live add" in board_message(board()).body


def test_names_are_harmless_and_an_account_without_one_has_its_handle():
    body = board_message(board(line(nickname=HOSTILE), line("b_n", Standing.LIKELY, nickname=""))).body
    assert f"**{escape(HOSTILE, 40)}**" in body
    assert r"**\@b\_n**" in body


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("count", [1, 25, 60, 400])
@pytest.mark.parametrize("standing", list(Standing))
def test_however_many_are_followed_the_board_fits_and_leaves_nobody_uncounted(language, count, standing):
    lines = [line(f"user{number:03}", standing, nickname="_" * 60) for number in range(count)]
    failing = (("probability", "x" * 500), ("roadmap", "y" * 500))
    message = board_message(board(*lines, failing=failing))
    said = Speaker(language=language).tell(message)
    assert draw(said).embed.description == said.body  # nothing was clipped
    assert len(draw(said).embed) <= 6000
    shown = message.body.count("**") // 2
    hidden = [row for row in message.body.splitlines() if row.startswith("and ")]
    counted = int(hidden[0].split()[1]) if hidden else 0
    assert shown + counted == count
    assert counted == 0 or count > 15


def test_an_unchanged_board_is_the_same_message_so_that_it_is_not_edited():
    assert board_message(board(line())) == board_message(board(line()))
    assert board_message(board(line())) != board_message(board(line(), made_at=NOW + HOUR))


def test_what_stands_where_a_board_was_says_how_to_get_a_new_one():
    assert "/predict board" in board_taken_down().body
