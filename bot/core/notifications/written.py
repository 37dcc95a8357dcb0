"""What admins write about times: hours, days, spans, and until when; each is read or refused with an example."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.core.notifications.deciding import at_minute, next_minute
from bot.core.notifications.options import MINUTES_OF_DAY, Only
from bot.errors import InputRefused
from bot.texts import Text, text, texts

LONGEST_PAUSE = timedelta(days=366)
EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
_CLOCK = re.compile(r"(\d{1,2})(?:[:.h](\d{2}))?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_SPAN = re.compile(r"(\d{1,6}) ?([a-z]*)")
# English and Indonesian, by their first three letters.
_DAYS = {
    "mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6,
    "sen": 0, "sel": 1, "rab": 2, "kam": 3, "jum": 4, "sab": 5, "min": 6,
}  # fmt: skip
_GROUPS: dict[str, tuple[int, ...]] = {
    "weekend": (5, 6),
    "weekends": (5, 6),
    "weekday": (0, 1, 2, 3, 4),
    "weekdays": (0, 1, 2, 3, 4),
    "daily": EVERY_DAY,
    "always": EVERY_DAY,
    "all": EVERY_DAY,
    "semua": EVERY_DAY,
}
_PHRASES = {r"akhir\s+pekan": "weekend", r"hari\s+kerja": "weekdays"}
_UNITS = {"": 1, "m": 1, "min": 1, "minute": 1, "h": 60, "hour": 60, "j": 60, "jam": 60, "menit": 1}
_LONG_UNITS = {"d": 1440, "day": 1440, "hari": 1440, "w": 10080, "week": 10080, "minggu": 10080}
_TOMORROW = {"tomorrow", "besok"}


def minute_written(written: str) -> int:
    """Give the minute of the day of ``22:00``, ``7`` or ``7.30``. Raises `InputRefused`."""
    found = _CLOCK.fullmatch(written.strip().lower())
    if found is not None:
        hour, minute = int(found[1]), int(found[2] or 0)
        if hour < 24 and minute < 60:
            return hour * 60 + minute
        if (hour, minute) == (24, 0):
            return 0
    raise InputRefused(text("I cannot read that time. Write it such as {example}.", example="`22:00`"))


def hours_written(written: str) -> tuple[int, int]:
    """Give begin and end in minutes of the day of ``22:00-07:00``. Raises `InputRefused`."""
    parts = [
        part
        for part in re.split(r"\s*(?:[-\u2013\u2014]|\bto\b|\bsampai\b)\s*", written.strip().lower())
        if part
    ]
    if len(parts) != 2:
        example = "`22:00-07:00`"
        raise InputRefused(text("I cannot read those hours. Write them such as {example}.", example=example))
    begins, ends = (minute_written(part) for part in parts)
    if begins == ends:
        raise InputRefused(text("Those hours begin when they end. Give two different times."))
    return begins, ends


def days_written(written: str) -> tuple[int, ...]:
    """Give the days of ``sat sun``, ``mon-fri`` or ``weekends`` (0 is Monday); of nothing all. Raises `InputRefused`."""
    found: set[int] = set()
    plain = re.sub(r"\s*[-\u2013\u2014]\s*", "-", written.strip().lower())
    for phrase, word in _PHRASES.items():
        plain = re.sub(phrase, word, plain)
    for part in re.split(r"[,;\s]+", plain):
        if part:
            found.update(_group(part))
    return tuple(sorted(found)) or EVERY_DAY


def _group(part: str) -> tuple[int, ...]:
    if part in _GROUPS:
        return _GROUPS[part]
    first, dash, last = part.partition("-")
    begin = _day(first)
    end = _day(last) if dash else begin
    return tuple((begin + step) % 7 for step in range((end - begin) % 7 + 1))


def _day(name: str) -> int:
    known = _DAYS.get(name[:3]) if name.isalpha() else None
    if known is None:
        raise InputRefused(
            text(
                "I do not know that day. Write days such as {example}.", example=text("`sat sun`, `mon-fri`")
            )
        )
    return known


def only_written(days: str, hours: str) -> Only:
    """Give when there are messages at all, of days and hours; nothing is always. Raises `InputRefused`."""
    begins, ends = hours_written(hours) if hours.strip() else (0, 0)
    return Only(days=days_written(days), begins=begins, ends=ends)


def minutes_written(written: str, most: int) -> int:
    """Give the minutes of ``90``, ``30 min`` or ``2 h``, at most `most`. Raises `InputRefused`."""
    return _within(_minutes(written, _UNITS), most, span(most))


def hours_span_written(written: str, most: int) -> int:
    """Give the hours of ``36``, ``12 h`` or ``2 d``, the next whole one, at most `most`. Raises `InputRefused`."""
    if written.strip().isdecimal():
        return count_written(written, most)
    minutes = _minutes(written, _UNITS | _LONG_UNITS)
    return _within(-(-minutes // 60), most, span(most * 60))


def count_written(written: str, most: int) -> int:
    """Give a whole number from 0 to `most`. Raises `InputRefused`."""
    plain = re.sub(r"[\s.,_]", "", written)
    if not plain.isdecimal():
        raise InputRefused(
            text("I cannot read that number. Write a whole one such as {example}.", example="`30`")
        )
    return _within(int(plain), most)


def until_written(written: str, now: datetime, zone: ZoneInfo) -> datetime:
    """Give the instant of ``2h``, ``3 days``, ``18:00``, ``tomorrow 8:00`` or ``2026-12-31 18:00``.

    Times are of the guild's `zone`; a day alone is its beginning. Raises `InputRefused`.
    """
    words = written.strip().lower().split()
    until = _on_a_day(words, now, zone) or _by_the_clock(words, now, zone) or _in_a_while(words, now)
    if until is None:
        raise InputRefused(
            text(
                "I cannot read until when. Write {examples}.",
                examples=text("`2h`, `3 days`, `18:00`, `tomorrow 8:00`, `2026-12-31`"),
            )
        )
    if not now < until <= now + LONGEST_PAUSE:
        raise InputRefused(text("That is not within the next year."))
    return until


def _on_a_day(words: list[str], now: datetime, zone: ZoneInfo) -> datetime | None:
    if not words or len(words) > 2 or not (words[0] in _TOMORROW or _DAY.fullmatch(words[0])):
        return None
    if words[0] in _TOMORROW:
        day = now.astimezone(zone).date() + timedelta(days=1)
    else:
        try:
            day = date.fromisoformat(words[0])
        except ValueError as error:
            raise InputRefused(text("There is no such day.")) from error
    return at_minute(day, minute_written(words[1]) if len(words) == 2 else 0, zone)


def _by_the_clock(words: list[str], now: datetime, zone: ZoneInfo) -> datetime | None:
    if len(words) == 1 and _CLOCK.fullmatch(words[0]) and not words[0].isdecimal() and words[0][-1] != "h":
        return next_minute(minute_written(words[0]), now, zone)
    return None


def _in_a_while(words: list[str], now: datetime) -> datetime | None:
    found = _SPAN.fullmatch(" ".join(words))
    if found is None or not found[2]:
        return None
    minutes = _minutes(" ".join(words), _UNITS | _LONG_UNITS)
    return now + timedelta(minutes=min(minutes, 10 * LONGEST_PAUSE // timedelta(minutes=1)))


def _minutes(written: str, units: dict[str, int]) -> int:
    found = _SPAN.fullmatch(written.strip().lower())
    unit = None if found is None else units.get(found[2], units.get(found[2].removesuffix("s")))
    if found is None or unit is None:
        raise InputRefused(
            text("I cannot read that span. Write it such as {examples}.", examples=text("`30 min`, `2 h`"))
        )
    return int(found[1]) * unit


def _within(value: int, most: int, said: Text | None = None) -> int:
    if value > most:
        raise InputRefused(text("That is too much; {most} is the most.", most=said or most))
    return value


# --- And the other way: times as they are shown, and can be written again ---------------------------


def span(minutes: int) -> Text:
    """Say a span in hours, or in minutes where it is no whole hours."""
    if minutes % 60:
        return texts("{count} minute", "{count} minutes", minutes)
    return texts("{count} hour", "{count} hours", minutes // 60)


def clock(minute: int) -> str:
    """Write a minute of the day as ``07:30``."""
    hour, rest = divmod(minute % MINUTES_OF_DAY, 60)
    return f"{hour:02}:{rest:02}"


def hours(begins: int, ends: int) -> str:
    """Write hours as ``22:00-07:00``."""
    return f"{clock(begins)}-{clock(ends)}"


DAY_WORDS: tuple[Text, ...] = (
    text("Mon"),
    text("Tue"),
    text("Wed"),
    text("Thu"),
    text("Fri"),
    text("Sat"),
    text("Sun"),
)


def days_for_input(days: tuple[int, ...]) -> str:
    """Write days as an input holds them, in English, which `days_written` reads in every language."""
    return "" if len(days) == 7 else " ".join(str(DAY_WORDS[day]).lower() for day in days)
