"""What admins write about times is read as they mean it, or refused with an example."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.core.notifications import written
from bot.core.notifications.options import Only
from bot.discord.speech import Speaker
from bot.errors import InputRefused

JAKARTA = ZoneInfo("Asia/Jakarta")
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)  # a Sunday, 17:00 there


@pytest.mark.parametrize(
    ("words", "hours"),
    [
        ("22:00-07:00", (1320, 420)),
        ("22-7", (1320, 420)),
        (" 22.30 - 7:05 ", (1350, 425)),
        ("22:00 to 07:00", (1320, 420)),
        ("22:00 sampai 07:00", (1320, 420)),
        ("22:00\u201307:00", (1320, 420)),
        ("18:00-24:00", (1080, 0)),
    ],
)
def test_hours(words, hours):
    assert written.hours_written(words) == hours


@pytest.mark.parametrize(
    "words", ["", "22:00", "22:00-", "25:00-07:00", "22:60-7", "ten to six", "7:00-7:00"]
)
def test_hours_that_are_none(words):
    with pytest.raises(InputRefused):
        written.hours_written(words)


@pytest.mark.parametrize(
    ("words", "days"),
    [
        ("", (0, 1, 2, 3, 4, 5, 6)),
        ("sat sun", (5, 6)),
        ("Saturday, Sunday", (5, 6)),
        ("weekends", (5, 6)),
        ("Akhir  pekan, sen", (0, 5, 6)),
        ("hari kerja", (0, 1, 2, 3, 4)),
        ("mon-fri", (0, 1, 2, 3, 4)),
        ("mon - fri; sun", (0, 1, 2, 3, 4, 6)),
        ("fri-mon", (0, 4, 5, 6)),
        ("sabtu minggu", (5, 6)),
        ("Senin-Jumat", (0, 1, 2, 3, 4)),
    ],
)
def test_days(words, days):
    assert written.days_written(words) == days
    assert written.days_written(written.days_for_input(days)) == days


@pytest.mark.parametrize("words", ["someday", "sat someday", "5", "mon-", "-fri"])
def test_days_that_are_none(words):
    with pytest.raises(InputRefused, match="sat sun"):
        written.days_written(words)


def test_days_and_hours_together():
    assert written.only_written("sat", "18-23") == Only(days=(5,), begins=1080, ends=1380)
    assert written.only_written(" ", "") == Only()


@pytest.mark.parametrize(
    ("words", "minutes"), [("90", 90), ("30 min", 30), ("2h", 120), ("2 hours", 120), ("1 jam", 60), ("0", 0)]
)
def test_minutes(words, minutes):
    assert written.minutes_written(words, 120) == minutes


@pytest.mark.parametrize("words", ["", "-5", "soon", "3 h", "2 days", "99999999"])
def test_minutes_that_are_none_or_too_many(words):
    with pytest.raises(InputRefused):
        written.minutes_written(words, 120)


@pytest.mark.parametrize(
    ("words", "hours"), [("36", 36), ("0", 0), ("2 d", 48), ("12 h", 12), ("1 minggu", 168), ("90 min", 2)]
)
def test_a_span_in_hours(words, hours):
    assert written.hours_span_written(words, 720) == hours


@pytest.mark.parametrize("words", ["soon", "31 d", "721", ""])
def test_a_span_in_hours_that_is_none_or_too_long(words):
    with pytest.raises(InputRefused):
        written.hours_span_written(words, 720)


def test_numbers():
    assert written.count_written("1,000", 5000) == 1000
    for words in ("", "-1", "many", "5001"):
        with pytest.raises(InputRefused):
            written.count_written(words, 5000)


@pytest.mark.parametrize(
    ("words", "until"),
    [
        ("2h", NOW + timedelta(hours=2)),
        ("90 min", NOW + timedelta(minutes=90)),
        ("3 days", NOW + timedelta(days=3)),
        ("1 minggu", NOW + timedelta(days=7)),
        ("18:00", datetime(2026, 11, 22, 11, 0, tzinfo=UTC)),
        ("16:00", datetime(2026, 11, 23, 9, 0, tzinfo=UTC)),
        ("tomorrow 8:00", datetime(2026, 11, 23, 1, 0, tzinfo=UTC)),
        ("besok", datetime(2026, 11, 22, 17, 0, tzinfo=UTC)),
        ("2026-12-31", datetime(2026, 12, 30, 17, 0, tzinfo=UTC)),
        ("2026-12-31 18:00", datetime(2026, 12, 31, 11, 0, tzinfo=UTC)),
    ],
)
def test_until_when(words, until):
    assert written.until_written(words, NOW, JAKARTA) == until


@pytest.mark.parametrize(
    "words",
    [
        "",
        "whenever",
        "2",
        "2026-13-01",
        "2026-11-01",
        "2029-01-01",
        "tomorrow late",
        "0h",
        "400 days",
        "1 2 3",
    ],
)
def test_until_when_that_cannot_be(words):
    with pytest.raises(InputRefused):
        written.until_written(words, NOW, JAKARTA)


def test_what_is_too_much_is_refused_in_hours_where_hours_are_written():
    with pytest.raises(InputRefused, match="4 hours is the most"):
        written.minutes_written("5 h", 240)
    with pytest.raises(InputRefused, match="720 is the most"):
        written.count_written("999", 720)


@pytest.mark.parametrize("language", ["en", "id"])
def test_each_example_of_advice_is_one_that_is_read_in_the_language_it_is_given_in(language):
    speaker, read = Speaker(language=language), 0
    for read_one in (
        written.days_written,
        lambda words: written.minutes_written(words, 240),
        lambda words: written.until_written(words, NOW, JAKARTA),
    ):
        with pytest.raises(InputRefused) as refused:
            read_one("zzz")
        for example in speaker.say(refused.value.words).split("`")[1::2]:
            read_one(example)
            read += 1
    assert read >= 9
    assert ("tomorrow" in speaker.say(refused.value.words)) == (language == "en")
