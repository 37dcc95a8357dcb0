"""What is said about a live, in the longest and in the emptiest case."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.announcements import Message
from bot.core.live.models import Person
from bot.core.live.posts import duration, live_message
from bot.core.live.transitions import Live, Phase
from bot.core.markup import escape

STARTED = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
ANA = Person(platform_id=1, handle="ana", nickname="Ana")
ON = Live(phase=Phase.ON, room_ids=(1,), started_at=STARTED, found_at=STARTED, last_seen_at=STARTED)
OVER = replace(ON, phase=Phase.ENDED, ended_at=STARTED + timedelta(hours=2, minutes=5))


def test_what_is_not_known_is_not_said() -> None:
    assert [field.name for field in live_message(ANA, ON).fields] == ["Started"]
    assert [field.name for field in live_message(ANA, OVER).fields] == ["Duration", "Ended"]


def test_a_summary_pings_nobody_and_has_no_watch_button() -> None:
    summary = live_message(ANA, OVER)
    assert (summary.mention_role_id, summary.button_url) == (None, "")


def test_a_person_without_a_name_is_called_by_the_handle() -> None:
    assert live_message(replace(ANA, nickname="\u200b"), ON).title == r"🔴 \@ana is live"


@given(st.text(max_size=600), st.text(max_size=600))
def test_outside_text_is_inert_and_keeps_discords_limits(nickname: str, title: str) -> None:
    for live in (ON, OVER):
        message = live_message(replace(ANA, nickname=nickname), replace(live, title=title))
        assert len(message.title) <= 256
        assert len(message.body) <= 4096
        for text in (message.title, message.body):
            assert "\n" not in text
            for opening in ("<@", "@everyone", "@here", "](", "**", "||", "```"):
                assert opening not in text
        assert Message.from_json(message.to_json()) == message


@pytest.mark.parametrize(
    ("text", "inert"),
    [
        ("**bold** @everyone", r"\*\*bold\*\* \@everyone"),
        ("[x](https://evil.example)", r"\[x\]\(https\://evil.example\)"),
        ("a\u202ecba\u202c", "acba"),
        ("two\nlines\t", "two lines"),
        ("👩‍🚀", "👩‍🚀"),
    ],
)
def test_escape(text: str, inert: str) -> None:
    assert escape(text) == inert


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(minutes=4), "4 min"),
        (timedelta(hours=2, minutes=5), "2 h 05 min"),
        (timedelta(seconds=-3), "0 min"),
    ],
)
def test_durations(span: timedelta, words: str) -> None:
    assert duration(span) == words
