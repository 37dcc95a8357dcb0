from __future__ import annotations

from datetime import UTC, datetime

from bot.core.live.why import last_look, next_look, planned_for

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECOND = int(AT.timestamp())


def test_the_last_look_has_a_reason_and_an_answer():
    assert str(last_look("check", AT, "offline")) == (
        f"Last looked at <t:{SECOND}:R>, as planned: it was not live."
    )
    assert "because somebody asked: it was live." in str(last_look("asked", AT, "live"))
    unclear = str(last_look("check", AT, "unknown", "HTTP 403 *blocked*"))
    assert r"the answer was unclear (HTTP 403 \*blocked\*)" in unclear
    assert "unclear (-)" in str(last_look("check", AT, None))
    assert str(last_look()) == "It was never looked at."


def test_the_next_look_has_a_reason_or_there_is_none():
    assert str(next_look(AT, "likely")) == f"Next look <t:{SECOND}:R>: likely."
    assert str(next_look(None, "it is live")) == "No look is planned: it is live."


def test_the_reason_of_a_planned_look_tells_when_the_account_was_last_seen_live():
    assert str(planned_for("likely", AT)) == f"likely; last seen live <t:{SECOND}:R>"
    assert str(planned_for("likely", None)) == "likely; never found live yet"
