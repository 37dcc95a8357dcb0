"""No words for people outside `bot.texts`: every sentence in the rooms that speak is found and must be a text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("bot/core", "bot/services", "bot/sources", "bot/discord", "bot/charts", "cogs")
# Two words, or one that begins like a title.
WORDS = re.compile(r"[A-Za-z]{2,}[,;:.]? +[A-Za-z]|^[A-Z][a-z]{2,}\b")
SPEAKING = {"text", "texts", "locale_str"}
# What these say goes to the log or to a developer.
FOR_DEVELOPERS = {
    "AssertionError",
    "ChartFailed",
    "NotImplementedError",
    "RuntimeError",
    "SettingsError",
    "StorageError",
    "TypeError",
    "ValueError",
    "compile",
    "create_task",
    "getattr",
    "warning",
}
ALLOWED = {
    "bot/core/guilds.py": "each language is named in its own words",
    "bot/charts/text.py": "the names of fonts",
    "bot/discord/connection.py": "it speaks to the log and, where the token is refused, on the command line",
}
# Headers of HTTP, keys of the database, the name of the bot, and words of the log.
NAMES = {"User-Agent", "Retry-After", "command tree", "Vedette "}
NAMES |= {"policy failing:", "predictions.shadow report", "An interaction", "is live", "is live again", "is no longer live"}


def name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def is_for_developers(call: ast.Call) -> bool:
    is_log = isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") == "log"
    return is_log or name_of(call) in FOR_DEVELOPERS


def literals(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Every string with words in it that is neither a text, nor a docstring, nor for developers."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call) and name_of(child) in SPEAKING:
            values = [*child.args[1 if name_of(child) != "texts" else 2 :], *child.keywords]
            for value in values:
                yield from literals(ast.Expr(value) if isinstance(value, ast.expr) else value)
        elif isinstance(child, ast.Call) and is_for_developers(child):
            continue
        elif isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue  # a docstring
        elif isinstance(child, ast.Constant):
            if isinstance(child.value, str) and WORDS.search(child.value):
                yield child.lineno, child.value
        else:
            yield from literals(child)


def found_in(path: Path) -> list[str]:
    where = path.relative_to(ROOT).as_posix()
    return [
        f"{where}:{line} {words!r}"
        for line, words in literals(ast.parse(path.read_text("utf-8")))
        if where not in ALLOWED and words not in NAMES and not words.startswith("Mozilla/5.0 ")
    ]


def test_every_word_for_people_is_a_text():
    files = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    assert len(files) > 50
    assert [found for path in files for found in found_in(path)] == []


@pytest.mark.parametrize(
    "line",
    [
        'raise InputRefused("Give me a name.")',
        'raise InputRefused(f"Give {name} a name.")',
        'await interaction.followup.send("It is done.")',
        'Message(title="Status", tone=tone)',
        'lines.append("not checked yet")',
        '@app_commands.command(description="Stop following")\nasync def remove(): ...',
        'WORDS = {1: "the thread is locked"}',
        'text("{what} is new", what="a word for people")',
        'await self._finish("Everything " + text("is new"))',
    ],
)
def test_a_sentence_that_is_no_text_is_found(line):
    assert len(list(literals(ast.parse(line)))) == 1


@pytest.mark.parametrize(
    "line",
    [
        'raise InputRefused(text("Give me a name."))',
        'log.info("%s is new", name)',
        'raise ValueError("not a number of seconds")',
        'def f():\n    """Say what is new."""',
        'key = f"notice:{name}"',
    ],
)
def test_what_is_said_right_is_not_found(line):
    assert list(literals(ast.parse(line))) == []


def first_arguments() -> Iterator[tuple[str, ast.expr]]:
    for path in (path for room in ("bot", "cogs") for path in sorted((ROOT / room).rglob("*.py"))):
        source = path.read_text("utf-8")
        if "from bot.texts import" in source or "locale_str" in source:
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.Call) and name_of(node) in SPEAKING:
                    for argument in node.args[: 2 if name_of(node) == "texts" else 1]:
                        yield f"{path.relative_to(ROOT)}:{node.lineno}", argument


def test_translators_get_every_text_because_it_is_a_literal():
    arguments = list(first_arguments())
    assert len(arguments) > 200
    assert [where for where, argument in arguments if not isinstance(argument, ast.Constant)] == []
