"""Every option can be said, of every kind; what is special about a subscription stands in its line."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.core.notifications import words
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
)

NOW = datetime(2026, 11, 22, 22, 30, tzinfo=UTC)  # a Sunday
CHOSEN = Options(
    mention=Mention.ROLE,
    role_id=7,
    template="{title}",
    over_template="over",
    quiet=Quiet(mode=QuietMode.HOLD),
    only=Only(days=(5, 6), begins=600, ends=1380),
    cooldown_minutes=90,
    min_viewers=1000,
    delay_minutes=5,
    grace_minutes=60,
    after_live=AfterLive.DELETE,
    delete_after_hours=24,
    digest=Digest.WEEKLY,
    digest_at=600,
    publish=False,
    thread=True,
    tag_id=9,
)


def test_every_option_has_words():
    assert {*words.SETTING_WORDS, "role_id"} == {field.name for field in fields(Options)}


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("options", [BUILT_IN, CHOSEN])
def test_every_option_of_every_kind_can_be_said(kind, options):
    for name in words.settings_of(kind):
        assert words.said(name, options)


def test_what_differs_stands_in_the_line_and_nothing_else():
    assert words.own_words(BUILT_IN, Kind.LIVE, BUILT_IN) == ""
    assert (
        words.own_words(replace(BUILT_IN, cooldown_minutes=90), Kind.ROUND, BUILT_IN) == "cooldown 90 minutes"
    )
    line = words.own_words(CHOSEN, Kind.LIVE, BUILT_IN)
    assert line.count(" · ") == len(words.settings_of(Kind.LIVE)) - 1
    for part in ("pings <@&7>", "quiet 22:00-07:00: hold", "only Sat Sun, 10:00-23:00", "from 1,000 viewers"):
        assert part in line
    other = replace(CHOSEN, role_id=8)
    assert words.own_words(other, Kind.LIVE, CHOSEN) == "pings <@&8>"


def state(options: Options = BUILT_IN, *, off: bool = False, paused: float | None = None) -> tuple[str, str]:
    until = None if paused is None else NOW + timedelta(hours=paused)
    return words.state_words(options, off=off, paused_until=until, now=NOW, zone=ZoneInfo("UTC"))


def test_how_a_subscription_stands():
    assert state() == ("✅", "")
    assert state(off=True, paused=1)[1] == "switched off"
    assert state(paused=1)[1].startswith("paused until <t:")
    assert state(paused=-1) == ("✅", "")
    assert state(replace(BUILT_IN, quiet=Quiet(mode=QuietMode.SILENT)))[0] == "🌙"
    assert state(replace(BUILT_IN, quiet=Quiet()))[0] == "✅"
    assert state(replace(BUILT_IN, only=Only(days=(0,))))[1].startswith("not now; again <t:")
    assert state(replace(BUILT_IN, only=Only(days=())))[1] == "not now; again never"
