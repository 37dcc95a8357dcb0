"""Every language is complete, says the same values as English, and fits into Discord."""

from __future__ import annotations

import string

import pytest
from babel.messages.catalog import Catalog, Message

from bot.core.guilds import LANGUAGES
from bot.core.rounds import post
from bot.discord.speech import ENGLISH, Speaker
from bot.texts import Text
from tools import translate

FILES = translate.catalogue_files()
LANGUAGE = [path.parents[1].name for path in FILES]
# What reads the same in a language as in English, and why that is right.
SAME = {
    "id": {
        "Allies": "the name of a side of the game",
        "Axis": "the name of a side of the game",
        "Rating": "the word players use",
        "premium": "one word in both languages",
        ("{count} map", "{count} maps"): "the word players use, which has one form in Indonesian",
        (
            "{count} live",
            "{count} lives",
        ): "the word people use for a broadcast, which has one form in Indonesian",
        ("{count} live.", "{count} lives."): "as above",
        ("{count} live, {span}", "{count} lives, {span}"): "as above",
        ("**{name}**: {count} live, {span}", "**{name}**: {count} lives, {span}"): "as above",
        "{when}": "an instant alone",
        "{kind}: {name}": "values alone",
        "**{place}.** {name}: {diamonds}, {gifts}": "values alone",
        "{count} ({gained})": "values alone",
        "Status": "Indonesian has the same word",
    }
}
every_language = pytest.mark.parametrize("path", FILES, ids=LANGUAGE)


@pytest.fixture(scope="module")
def collected() -> Catalog:
    return translate.collect()


def entries(catalogue: Catalog) -> dict[object, Message]:
    return {message.id: message for message in catalogue if message.id}


def forms(words: object) -> tuple[str, ...]:
    return tuple(words) if isinstance(words, list | tuple) else (str(words),)


def placeholders(pattern: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(pattern) if name is not None}


def test_each_language_that_can_be_chosen_has_a_catalogue():
    assert {ENGLISH, *LANGUAGE} == set(LANGUAGES)


@every_language
def test_a_catalogue_has_every_text_and_no_other(path, collected):
    catalogue = translate.load(path)
    missing = entries(collected).keys() - entries(catalogue).keys()
    obsolete = entries(catalogue).keys() - entries(collected).keys()
    assert (missing, obsolete) == (set(), set()), "run `python -m tools.translate`"
    assert len(entries(catalogue)) > 250


@every_language
def test_every_text_is_translated(path):
    catalogue = translate.load(path)
    assert [message.id for message in translate.untranslated(catalogue)] == []
    counts = {len(message.string) for message in catalogue if isinstance(message.string, tuple)}
    assert counts == {catalogue.num_plurals}


@every_language
def test_no_text_is_left_in_english(path):
    same = {
        message.id
        for message in entries(translate.load(path)).values()
        if set(forms(message.id)) & set(forms(message.string))
    }
    assert same == SAME[path.parents[1].name].keys()


@every_language
def test_a_translation_holds_the_same_values(path):
    for message in entries(translate.load(path)).values():
        wanted = placeholders(forms(message.id)[0])
        for form in forms(message.id) + forms(message.string):
            assert placeholders(form) == wanted, message.id


@every_language
def test_a_translation_says_nothing_twice(path):
    for message in entries(translate.load(path)).values():
        for form in forms(message.string):
            half = len(form) // 2
            assert len(form) < 8 or form[:half] != form[half:], message.id
            for name in placeholders(form):
                most = max(one.count(f"{{{name}}}") for one in forms(message.id))
                assert form.count(f"{{{name}}}") <= most, message.id


@every_language
def test_markup_survives_translation(path):
    """Code, a line that starts anew, a link and a sign mean the same in every language."""
    for message in entries(translate.load(path)).values():
        for form in forms(message.string):
            english = forms(message.id)[0]
            for mark in ("`", "*", "\n", "](", "🔴", "⚠️", "❔", "⏸️", "⚪", "·"):
                assert form.count(mark) == english.count(mark), message.id
            assert form[:1].isspace() == form[-1:].isspace() == False  # noqa: E712


@every_language
def test_the_bot_reads_what_the_translators_wrote(path):
    assert path.with_suffix(".mo").read_bytes() == translate.compiled(translate.load(path))


@every_language
def test_a_catalogue_is_as_the_tool_writes_it(path, collected):
    catalogue = translate.load(path)
    catalogue.update(collected, no_fuzzy_matching=True)
    assert without_places(path.read_text("utf-8")) == without_places(translate.as_po(catalogue).decode())


def without_places(po: str) -> list[str]:
    """Leave out in which files a text stands: a translator may live with an old answer."""
    return [line for line in po.splitlines() if not line.startswith("#: ")]


@pytest.mark.parametrize("language", LANGUAGE)
def test_the_head_of_a_table_keeps_its_columns(language):
    head = Speaker(language=language).say(post._HEAD)
    assert len(head) == len(post._HEAD)
    assert head[post._NAME_WIDTH :] == post._HEAD[post._NAME_WIDTH :]


def test_the_tool_makes_a_new_language_and_says_that_it_is_to_be_translated(tmp_path, capsys):
    assert translate.main(["fr"], tmp_path) == 1
    (path,) = translate.catalogue_files(tmp_path)
    catalogue = translate.load(path)
    assert len(translate.untranslated(catalogue)) == len(catalogue) > 250
    assert "fr: " in capsys.readouterr().out
    for message in catalogue:
        message.string = (
            tuple(f"x{form}" for form in message.id) if message.pluralizable else f"x{message.id}"
        )
    path.write_bytes(translate.as_po(catalogue))
    assert translate.main([], tmp_path) == 0
    assert path.with_suffix(".mo").stat().st_size > 10_000


def test_a_text_without_a_translation_is_said_in_english():
    words = Text("{count} fortnight", "{count} fortnights", {"count": 2000})
    assert Speaker(language="id").say(words) == "2.000 fortnights"
    assert Speaker(language=ENGLISH).say(words) == "2,000 fortnights"
