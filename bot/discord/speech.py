"""Where texts become words in a language: that of the guild, or for private answers that of the reader.

The catalogues in `bot/locale` are written by `tools/translate.py`. A text without a translation is said in English.
"""

from __future__ import annotations

import gettext
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import discord
from discord import app_commands
from discord.app_commands import TranslationContextLocation as Place

from bot.core.guilds import LANGUAGES, GuildSettings
from bot.texts import Text, Value, each_text, filled

LOCALE_FOLDER = Path(__file__).resolve().parents[1] / "locale"
DOMAIN = "vedette"
ENGLISH = "en"
_UNGROUPED = 1000  # below it, a number reads the same in every language
# Unicode's own English writes dates as in the United States, which the rest of the world misreads.
_LOCALES = {ENGLISH: "en_GB"}
_DESCRIPTIONS = {Place.command_description, Place.group_description, Place.parameter_description}
_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Speaker:
    """Says texts in one language; instants are written out in `time_zone`, an IANA name."""

    language: str = ENGLISH
    time_zone: str = "UTC"

    def say(self, words: str) -> str:
        """Say a text; a string from outside stays as it is."""
        # Of nothing, gettext would give the head of the catalogue.
        if not isinstance(words, Text) or not words.source:
            return words
        catalogue, count = _catalogue(self.language), words.values.get("count")
        if words.plural and isinstance(count, int):
            return filled(catalogue.ngettext(words.source, words.plural, count), words.values, self._write)
        return filled(catalogue.gettext(words.source), words.values, self._write)

    def tell(self, thing: _T) -> _T:
        """Give a message or a chart with every text in it said."""
        return each_text(thing, self.say)

    def _write(self, value: Value) -> str:
        if isinstance(value, str):
            return self.say(value)
        # Babel loads 9 MB of data: not before somebody needs it.
        locale = _LOCALES.get(self.language, self.language)
        if isinstance(value, datetime):
            from babel.dates import format_date, format_time  # noqa: PLC0415

            local = value.astimezone(ZoneInfo(self.time_zone))
            return f"{format_date(local, locale=locale)}, {format_time(local, 'short', locale=locale)}"
        if abs(value) < _UNGROUPED:
            return str(value)
        from babel.numbers import format_decimal  # noqa: PLC0415

        return format_decimal(value, locale=locale)


@cache
def language_of(locale: discord.Locale) -> str:
    """Give the language we have for a reader's Discord; English where we have none."""
    return next((code for code in (locale.value, locale.value[:2]) if code in LANGUAGES), ENGLISH)


def reader_of(interaction: discord.Interaction[discord.Client]) -> Speaker:
    """Speak to the person who gave a command, in the language of their Discord."""
    return Speaker(language=language_of(interaction.locale))


def guild_of(settings: GuildSettings) -> Speaker:
    """Speak to everyone in a guild, as its admins chose."""
    return Speaker(language=settings.language, time_zone=settings.time_zone)


class CommandTranslator(app_commands.Translator):
    """Describes the commands in every language; their names are the same in all, as documents name them."""

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """Give the description in a language, None where English stands for it."""
        language = language_of(locale)
        if context.location not in _DESCRIPTIONS or language == ENGLISH:
            return None
        return _catalogue(language).gettext(string.message)


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, LOCALE_FOLDER, [language], fallback=True)
