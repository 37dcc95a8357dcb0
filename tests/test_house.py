"""The rules of the house (style.md 24, architecture.md), measured over what ships."""

from __future__ import annotations

import ast
import io
import os
import re
import shutil
import statistics
import subprocess
import sys
import tokenize
import tomllib
from collections import Counter
from pathlib import Path

import grimp
import pytest

from tests.slashcommands import slash_commands

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("bot", "cogs", "tools")
FILES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]

# Where any exception may be caught, and what stands behind it.
BORDERS = {
    "bot/jobs/loops.py": "background work: logged, tried again later",
    "bot/jobs/worker.py": "one job: it is tried again, or given up; a bug in it must not end the others",
    "bot/core/live/policies.py": "a model that plans checks: `fixed` takes its place",
    "bot/services/apart.py": "one of many: a bug in it must not keep the others from being told",
    "bot/services/together.py": "works of several in one transaction: each gets its own error",
    "bot/discord/controls.py": "one press of a button: whoever pressed it gets a hint or an incident",
    "bot/discord/delivery.py": "one message: a bug in it must not end delivery",
    "bot/services/stream_room.py": "one connection to a live: a bug in it must not end the other recordings",
    "bot/sources/tiktok/decoding.py": "one message: nothing that the wire brings may end a connection",
    "bot/exports/process.py": "a child process: the bot gets its error and says what it was",
    "bot/sources/tiktok/listing_child.py": "a child process: the bot gets its error and says what it was",
    "bot/sources/etlegacy/threads.py": "another thread: whoever asked for the call gets its error",
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


# Who may import whom.


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


def test_every_room_imports_only_what_it_may():
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout


# For each contract a file that breaks it.
VIOLATIONS = {
    "each room sees only the rooms below it": ("bot/storage/upsert.py", "import bot.services"),
    "sources do not know each other": ("bot/sources/tiktok/parse.py", "import bot.sources.etlegacy"),
    "the core has no effects": ("bot/core/markup.py", "import random"),
    "cogs see services, the Discord room and values": ("cogs/__init__.py", "import bot.storage.engine"),
    "the bot knows neither its cogs nor its tools": ("bot/discord/__init__.py", "import cogs"),
    "the cogs know no tools": ("cogs/__init__.py", "import tools.run"),
    "what starts the bot, and what it is tried against, import nothing of it": (
        "tools/run.py",
        "import bot.errors",
    ),
}


def test_the_import_rules_find_what_breaks_them(tmp_path):
    for room in ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    protected = {
        contract["name"]: ("bot/errors.py", f"import {contract['protected_modules'][0]}")
        for contract in CONTRACTS
        if contract["type"] == "protected"
    }
    violations = {**VIOLATIONS, **protected}
    assert violations.keys() == {contract["name"] for contract in CONTRACTS}
    for path, line in violations.values():
        with (tmp_path / path).open("a", encoding="utf-8") as file:
            file.write(f"\n{line}\n")
    report = lint_imports(tmp_path).stdout
    kept = [name for name in violations if not re.search(rf"{re.escape(name)} BROKEN", report)]
    assert kept == [], report


def test_a_new_room_must_be_placed(tmp_path):
    for room in ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "bot" / "attic.py").write_text("", "utf-8")
    assert "attic" in lint_imports(tmp_path).stdout


def test_every_library_has_its_place():
    graph = grimp.build_graph(*ROOMS, include_external_packages=True, cache_dir=None)
    libraries = {name for name in graph.modules if graph.is_module_squashed(name)} - sys.stdlib_module_names
    placed = {name for contract in CONTRACTS for name in contract.get("protected_modules", ())}
    assert libraries - placed == set(), "say in pyproject.toml who may import it"


# Budgets.


def functions() -> dict[str, int]:
    """Each function with its length in lines, docstring included."""
    return {
        f"{name_of(path)}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for path in FILES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_functions_are_short():
    lengths = functions()
    deciles = statistics.quantiles(lengths.values(), n=10)
    assert {name: length for name, length in lengths.items() if length > 60} == {}
    assert statistics.median(lengths.values()) <= 10
    assert deciles[8] <= 30


def test_no_two_test_files_have_the_same_name():
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert {name: count for name, count in names.items() if count > 1} == {}, "pytest takes them for one"


def test_files_are_short():
    lengths = {name_of(path): len(path.read_text("utf-8").splitlines()) for path in FILES}
    assert {name: length for name, length in lengths.items() if length > 450} == {}


def test_comments_are_few_and_there():
    """Over the bot and its cogs; a stand-in follows its specification, which says why."""
    comments = code = 0
    for path in FILES:
        if path.is_relative_to(ROOT / "tools"):
            continue
        lines_of_code = set()
        for token in tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline):
            if token.type == tokenize.COMMENT:
                comments += not re.match(r"# (noqa: \w+|type: .*)$", token.string)
            elif token.type in {tokenize.NAME, tokenize.NUMBER, tokenize.OP}:
                lines_of_code.add(token.start[0])
        code += len(lines_of_code)
    assert 0.02 <= comments / code <= 0.08, f"{comments} comments over {code} lines of code"


def undocumented(body: list[ast.stmt], prefix: str) -> list[str]:
    found = []
    for node in body:
        if not isinstance(
            node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        ) or node.name.startswith("_"):
            continue
        if ast.get_docstring(node) is None:
            found.append(f"{prefix}{node.name}")
        if isinstance(node, ast.ClassDef):
            found += undocumented(node.body, f"{prefix}{node.name}.")
    return found


def test_what_is_public_in_the_bot_says_what_it_is():
    missing = []
    for path in FILES:
        if path.is_relative_to(ROOT / "bot"):
            tree = tree_of(path)
            is_empty = not tree.body and path.name == "__init__.py"
            if ast.get_docstring(tree) is None and not is_empty:
                missing.append(name_of(path))
            missing += undocumented(tree.body, f"{name_of(path)} ")
    assert missing == []


def is_broad(handler: ast.ExceptHandler) -> bool:
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(
        node is None or (isinstance(node, ast.Name) and node.id in {"Exception", "BaseException"})
        for node in caught
    )


def test_any_exception_is_caught_at_the_named_borders_only():
    found = Counter(
        name_of(path)
        for path in FILES
        if not path.is_relative_to(ROOT / "tools")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ExceptHandler) and is_broad(node)
    )
    assert dict(found) == dict.fromkeys(BORDERS, 1)


# Importing has no effect.

WATCHED_IMPORT = """
import pkgutil, sys, threading, importlib
ROOT = sys.argv[1]
sys.path.insert(0, ROOT)
sys.dont_write_bytecode = True
found = []

def from_our_code():
    # The first frame that is neither Python's own says whose effect it is.
    frame = sys._getframe(2)
    while frame:
        name = frame.f_code.co_filename
        if "site-packages" in name:
            return None
        if name.startswith((ROOT + "/bot/", ROOT + "/cogs/")):
            return f"{name}:{frame.f_lineno}"
        frame = frame.f_back

EFFECTS = ("socket.", "subprocess.", "os.", "shutil.", "tempfile.", "sqlite3.", "signal.", "_thread.start")
def hook(event, args):
    if event == "open":
        mode, flags = args[1], args[2]
        if not isinstance(args[0], str) or args[0].endswith((".py", ".pyc", ".so")):
            return
    elif not event.startswith(EFFECTS) or event in ("os.listdir", "os.scandir"):
        return
    where = from_our_code()
    if where:
        found.append(f"{event} {args[:1]} at {where}")

sys.addaudithook(hook)
import bot, cogs
names = [m.name for p in (bot, cogs) for m in pkgutil.walk_packages(p.__path__, p.__name__ + ".")]
for name in names:
    if not name.endswith(".__main__") and ".migrations." not in name:
        importlib.import_module(name)
found += [f"thread {thread.name}" for thread in threading.enumerate() if thread is not threading.main_thread()]
print(len(names), *found, sep="\\n")
"""


def test_importing_any_module_has_no_effect(tmp_path):
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WATCHED_IMPORT, str(ROOT)],
        check=False,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
    )
    assert result.returncode == 0, result.stderr
    count, *found = result.stdout.splitlines()
    assert found == []
    assert int(count) > 30
    assert list(tmp_path.iterdir()) == []


# Commands.


def test_no_two_commands_have_the_same_name():
    names = Counter(name for name, _ in slash_commands())
    assert {name: count for name, count in names.items() if count > 1} == {}
    assert {"live add", "rounds sync", "setup", "status"} <= names.keys()


# The locks.


def pins(lock: str) -> set[str]:
    return set(re.findall(r"(?m)^([\w.\-\[\]]+==[^ \\]+)", (ROOT / lock).read_text("utf-8")))


def test_the_test_lock_is_the_lock_and_more():
    assert pins("requirements.lock") < pins("requirements-test.lock")


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-test.lock"])
def test_everything_is_locked_by_its_hash(lock):
    entries = re.split(r"(?m)^(?=\w)", (ROOT / lock).read_text("utf-8"))[1:]
    assert len(entries) == len(pins(lock)) > 40
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_what_the_project_asks_for_is_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    locked = {pin.split("==")[0] for pin in pins("requirements-test.lock")}
    asked = project["project"]["dependencies"] + project["dependency-groups"]["test"]
    assert {re.match(r"[\w-]+", name).group() for name in asked} <= locked
