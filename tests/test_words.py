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
# One in lower case is a word for people where it is said to them, or stands beside a value.
SAID_WORD = re.compile(WORDS.pattern + r"|^[a-z]{2,}$")
WORD_BESIDE_A_VALUE = re.compile(WORDS.pattern + r"|\s[a-z]{2,}[,;:.!?]*(\s|$)|^[a-z]{2,}[,;:.!?]*\s")
SAYING = {
    "Button",
    "Embed",
    "Field",
    "Message",
    "SelectOption",
    "TextInput",
    "add_field",
    "send",
    "send_message",
}
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
}
ALLOWED = {
    "bot/core/guilds.py": "each language is named in its own words",
    "bot/charts/text.py": "the names of fonts",
    "bot/core/rounds/weapons.py": "the names of weapons, which the game has in English alone",
    "bot/sources/etlegacy/packets.py": "what breaks the protocol is quoted, as the server's own words are",
    "bot/discord/connection.py": "it speaks to the log and, where the token is refused, on the command line",
}
# Headers of HTTP, keys of the database, the name of the bot, what a message is found again by, what the ledger
# keeps of a sweep, and words of the log.
NAMES = {"User-Agent", "Retry-After", "command tree", "Vedette {}", "ref {}", "{} of {} open"}
NAMES |= {"News", "Place"}  # of classes
NAMES |= {"Accept", "Accept-Encoding", "Cookie", "Location"}
NAMES |= {
    f"{what}-{of}" for what, of in (("Content", "Length"), ("Content", "Encoding"), ("Transfer", "Encoding"))
}
# What the child that lists posts tells the bot, which says it in its own words.
NAMES |= {"same page", "no way to the listing"}
# The names under which forgotten people go on: stored as names are, the same in every language.
NAMES |= {"Anonymous", "Anonymous {}"}
NAMES |= {
    # Invented facts of previews, and examples of what an input takes.
    "Ana",
    "Supply",
    "Supply, round 2",
    "Allies",
    "Good evening!",
    "`sat sun`, `mon-fri`",
    "sat sun / mon-fri / weekends",
    "sign limits",
    "{} of {} per {}",
    "nothing is short",
    "policy failing:",
    "predictions.shadow report",
    "An interaction",
    "is live",
    "is live again",
    "is no longer live",
}


def name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def is_for_developers(call: ast.Call) -> bool:
    is_log = isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") == "log"
    return is_log or name_of(call) in FOR_DEVELOPERS


def literals(node: ast.AST, *, is_said: bool = False) -> Iterator[tuple[int, str]]:
    """Every string with words in it that is neither a text, nor a docstring, nor for developers.

    `is_said` where the node is a call of `SAYING`, or an argument of one.
    """
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call) and name_of(child) in SPEAKING:
            values = [*child.args[1 if name_of(child) != "texts" else 2 :], *child.keywords]
            for value in values:
                yield from literals(ast.Expr(value) if isinstance(value, ast.expr) else value)
        elif isinstance(child, ast.Call) and is_for_developers(child):
            continue
        elif isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue  # a docstring
        elif isinstance(child, ast.JoinedStr):
            yield from in_f_string(child)
        elif has_words(child, SAID_WORD if is_said else WORDS):
            yield child.lineno, child.value
        else:
            is_call = isinstance(child, ast.Call)
            of_a_call = is_said and isinstance(child, ast.keyword)
            yield from literals(child, is_said=of_a_call or (is_call and name_of(child) in SAYING))


def in_f_string(node: ast.JoinedStr) -> Iterator[tuple[int, str]]:
    """The f-string, if it has words, with {} for each value; and what is in the values."""
    if any(has_words(part, WORD_BESIDE_A_VALUE) for part in node.values):
        parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
        yield node.lineno, "".join(parts)
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            yield from literals(part)


def has_words(node: ast.AST, words: re.Pattern[str]) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(words.search(node.value))


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
        'lines.append(f"{count} rounds")',
        'lines.append(f"{name}: offline")',
        'return f"in {days} days"',
        'embed.add_field(name="viewers", value=v)',
        'Button(label="next")',
        'await interaction.followup.send("done")',
        'await interaction.followup.send(f"@{name} paused")',
        'self.warning("This channel cannot be posted to")',
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
        'embed.add_field(name=text("viewers"), value=f"**{count}**")',
        'log.warning("%s cannot be posted to", channel)',
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
