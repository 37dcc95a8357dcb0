"""The points at which the bot is killed, enumerated from its code, and a copy of the bot that passes them.

A point is a side of a step: before and after each commit, each request, each step over SFTP, each change of a
file. Steps are found by what they call, so whatever is added to the bot later is a point by itself; what could
not be found so, or happens at another time than it is written, is refused (`Unnamed`).
The copy is the same code with each step handed to `hook/passages.py`, which kills the process at the point
that is its turn; the bot itself knows nothing of it.
"""

from __future__ import annotations

import ast
import re
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOOK = Path(__file__).with_name("hook")
SIDES = ("before", "after")

_FILE_STEPS = frozenset(
    """
    NamedTemporaryFile TemporaryDirectory copy2 copyfile copyfileobj copytree extractall fsync hardlink_to
    makedirs mkdir mkdtemp mkstemp move removedirs rename renames rmdir rmtree symlink_to touch truncate unlink
    write_bytes write_text
    """.split()  # noqa: SIM905 - read as a list
)
_CHANGES_DISCORD = frozenset(
    """
    add_reaction add_roles ban create_dm create_role create_thread defer delete delete_original_response edit
    edit_message edit_original_response kick pin publish purge remove_roles reply send send_message send_modal sync
    unpin
    """.split()  # noqa: SIM905
)
_ASKS_DISCORD = frozenset(
    """
    active_threads archived_threads fetch fetch_channel fetch_guild fetch_member fetch_message fetch_user history original_response
    """.split()  # noqa: SIM905
)
_OVER_SFTP = frozenset(
    """
    _async_request _read_response _request connect create_connection file get getfo invoke_subsystem listdir
    listdir_attr listdir_iter lstat open open_session prefetch put putfo read remove save stat
    """.split()  # noqa: SIM905
)
_OVER_HTTP = frozenset(["delete", "patch", "post", "put", "request", "ws_connect"])
_PROGRAMS = ("Popen", "call", "check_call", "check_output", "getoutput", "getstatusoutput", "run")
_OF_MODULES: Mapping[str, frozenset[str]] = {
    "asyncio": frozenset(["create_subprocess_exec", "create_subprocess_shell"]),
    "os": frozenset(["link", "open", "popen", "remove", "replace", "symlink", "system"]),
    "shutil": frozenset(["copy", "make_archive", "unpack_archive"]),
    "sqlite3": frozenset(["connect"]),
    "subprocess": frozenset(_PROGRAMS),
    "tempfile": frozenset(),
}
"""Steps by the name of their module, where others have methods of that name; it is written out therefore."""
_ROOMS: Mapping[str, frozenset[str]] = {
    "bot/discord": _ASKS_DISCORD,
    "cogs": _ASKS_DISCORD,
    "bot/sources/etlegacy/sftp.py": _OVER_SFTP,
    "bot/sources/tiktok/live.py": frozenset(["get"]),
}
"""What is a step in some rooms only; the rest is one anywhere."""
_OWNERS = {"get": "session", "sync": "tree", "open": ("self", "sftp")}
"""Whose calls are steps there, where others have methods of that name."""
_SQL_STEPS = (
    "VACUUM",
    "PRAGMA WAL_CHECKPOINT",
    "PRAGMA INCREMENTAL_VACUUM",
    "CREATE DATABASE",
    "DROP DATABASE",
)
_HTTP = "session"
_WRITING_MODE = re.compile(r"(?=.*[wax+])[rwaxbtU+]{1,4}")
_WAYS_TO_WRITE = frozenset(["begin", "begin_nested", "commit", "connect"])
"""What opens or ends a transaction past `Database.write`; called without arguments."""
NO_STEPS: Mapping[str, str] = {
    "bot/storage/engine Database.read: self._reader.connect": "reads",
    "bot/storage/engine Database.read: connection.begin": "reads",
    "bot/storage/engine Database.write: self._writer.begin": "what every named transaction is made of",
    "bot/storage/engine Database.checkpoint: self._writer.connect": "the checkpoint is a step itself",
    "bot/storage/engine Database.make_smaller: self._writer.connect": "both statements are steps themselves",
    "bot/storage/only_bot OnlyBot._has_it: self._engine.connect": "a lock of the session, which ends with it",
    "bot/storage/backup _copy_file: sqlite3.connect": "VACUUM INTO is a step itself",
    "bot/storage/backup _described: sqlite3.connect": "reads",
    "bot/storage/backup flush: os.open": "to flush it, which is a step itself",
    "bot/storage/backup_server _temporary_database: engine.connect": "each statement is a step itself",
    "bot/storage/backup_server _major_of: subprocess.run": "asks a tool for its version",
    "bot/exports/process _run_child: pipe.send": "a word of a child to its bot",
    "bot/exports/process _written.write: pipe.send": "a word of a child to its bot",
    "bot/exports/tables Tables.begin: self._zip.open": "a child's, in a folder where nobody looks before it is done",
    "bot/sources/tiktok/listing TikTokPosts._start: asyncio.create_subprocess_exec": "a child that only reads and ends "
    "with its bot",
    "bot/sources/etlegacy/client Readings._take_answer: reading.send": "a generator gets what was read",
}
"""Calls that look like steps, and why they are none."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One place in the code; `where` is its file and line."""

    name: str
    where: str


class Unnamed(Exception):
    """What cannot be a point as it is written: a transaction without a name of its own, a send not awaited."""


@cache
def enumerate_steps(root: Path = ROOT) -> dict[str, Step]:
    """Find every step of the bot, by name. Raises `Unnamed`."""
    steps: dict[str, Step] = {}
    for path in _sources(root):
        for step in _rewritten(root, path)[1].steps:
            if step.name in steps:
                raise Unnamed(f"{step.where}: {steps[step.name].where} is called {step.name!r} as well")
            steps[step.name] = step
    return steps


def points(root: Path = ROOT) -> frozenset[str]:
    """Name every point."""
    return frozenset(f"{name} | {side}" for name in enumerate_steps(root) for side in SIDES)


def left_out(root: Path = ROOT) -> frozenset[str]:
    """Name the calls that `NO_STEPS` explains."""
    return frozenset().union(*(_rewritten(root, path)[1].left_out for path in _sources(root)))


def copy_of_the_bot(to: Path, root: Path = ROOT) -> Path:
    """Write the copy that passes the points."""
    for room in ("bot", "cogs"):
        shutil.copytree(root / room, to / room, ignore=shutil.ignore_patterns("__pycache__"))
    for file in HOOK.glob("*.py"):
        shutil.copy(file, to)
    for path in _sources(root):
        tree, rewriter = _rewritten(root, path)
        if rewriter.steps:
            _write(to / path.relative_to(root), tree)
    return to


def changed_copy(of: Path, to: Path, constants: Mapping[str, str], files: Mapping[str, str]) -> Path:
    """Copy a copy, with what Python has compiled of it.

    `constants` replaces module constants ("bot/discord/pages.py LIFETIME_SECONDS") by expressions: what takes
    minutes is to take a second. `files` are written beside the rest.
    """
    being_compiled = shutil.ignore_patterns("*.pyc.*")  # by the bot of another story: it goes in a moment
    shutil.copytree(of, to, ignore=being_compiled)
    wanted: dict[str, dict[str, str]] = {}
    for key, value in constants.items():
        name, constant = key.split()
        wanted.setdefault(name, {})[constant] = value
    for name, values in wanted.items():
        tree = ast.parse((of / name).read_text("utf-8"))
        _set_constants(tree, values)
        _write(to / name, tree)
    for name, text in files.items():
        (to / name).write_text(text, "utf-8")
    return to


def _write(file: Path, tree: ast.Module) -> None:
    file.write_text(ast.unparse(ast.fix_missing_locations(tree)), "utf-8")


def _sources(root: Path) -> list[Path]:
    return sorted(path for room in ("bot", "cogs") for path in (root / room).rglob("*.py"))


def _set_constants(tree: ast.Module, wanted: Mapping[str, str]) -> None:
    found = set()
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            name = ast.unparse(node.target if isinstance(node, ast.AnnAssign) else node.targets[0])
            if name in wanted:
                found.add(name)
                node.value = ast.parse(wanted[name], mode="eval").body
    if missing := wanted.keys() - found:
        raise ValueError(f"no such constants: {sorted(missing)}")


def _rewritten(root: Path, path: Path) -> tuple[ast.Module, _Rewriter]:
    """Give a file as it stands in the copy, and what was found in it."""
    name = path.relative_to(root).as_posix()
    tree = ast.parse(path.read_text("utf-8"))
    in_this_room = [calls for room, calls in _ROOMS.items() if name.startswith(room)]
    rewriter = _Rewriter(name, frozenset().union(*in_this_room))
    rewriter.visit(tree)
    if rewriter.steps:
        at = 1 + max(
            (i for i, node in enumerate(tree.body[:2]) if isinstance(node, ast.Expr | ast.ImportFrom)),
            default=-1,
        )
        tree.body.insert(at, ast.Import(names=[ast.alias(name="passages")]))
    return tree, rewriter


class _Rewriter(ast.NodeTransformer):
    """Hands each step to `passages`: awaited, called, entered or iterated."""

    def __init__(self, file: str, calls: frozenset[str]) -> None:
        self.steps: list[Step] = []
        self.left_out: set[str] = set()
        self._file = file
        self._calls = calls
        self._inside: list[str] = []
        self._known: Counter[str] = Counter()

    def _scope(self, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        self._inside.append(node.name)
        self.generic_visit(node)
        self._inside.pop()
        return node

    visit_ClassDef = visit_FunctionDef = visit_AsyncFunctionDef = _scope  # noqa: N815 - ast's names

    def visit_Await(self, node: ast.Await) -> ast.AST:
        if isinstance(node.value, ast.Call) and self._is_step(node.value):
            node.value = self._handed_to("passed", node.value)
            return node
        return self.generic_visit(node)

    def visit_withitem(self, node: ast.withitem) -> ast.AST:
        call = node.context_expr
        if isinstance(call, ast.Call) and self._is_transaction(call):
            name = call.args[0] if call.args else None
            if not isinstance(name, ast.Constant) or not isinstance(name.value, str):
                raise Unnamed(f"{self._where(call)}: a transaction needs a literal name")
            self._add(name.value, call)
            node.context_expr = _call("transaction", name, call)
            return node
        if isinstance(call, ast.Call) and self._is_step(call):
            node.context_expr = _call("entered", ast.Constant(self._name(call)), _later(call))
            return node
        return self.generic_visit(node)

    def visit_AsyncFor(self, node: ast.AsyncFor | ast.comprehension) -> ast.AST:
        if isinstance(node.iter, ast.Call) and self._is_step(node.iter):
            node.iter = self._handed_to("iterated", node.iter)
        return self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        return self.visit_AsyncFor(node) if node.is_async else self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> ast.AST:
        for one in node.names:
            if one.name in _OF_MODULES and one.asname is not None:
                raise Unnamed(f"{self._where(node)}: steps are found by the name {one.name}")
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        for one in node.names:
            if node.module in _OF_MODULES and one.name in {*_OF_MODULES[node.module], *_FILE_STEPS, "*"}:
                raise Unnamed(f"{self._where(node)}: steps are found by the name {node.module}.{one.name}")
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Attribute):
            if ast.unparse(node.func.value) == "passages":
                return node
            self._refuse_what_has_no_point(node, node.func)
        if self._is_step(node):
            name = self._name(node)
            self.generic_visit(node)
            return _call("called", ast.Constant(name), _later(node))
        return self.generic_visit(node)

    def _handed_to(self, how: str, call: ast.Call) -> ast.Call:
        name = self._name(call)
        self.generic_visit(call)
        return _call(how, ast.Constant(name), call)

    def _is_transaction(self, call: ast.Call) -> bool:
        return isinstance(call.func, ast.Attribute) and call.func.attr == "write"

    def _refuse_what_has_no_point(self, call: ast.Call, function: ast.Attribute) -> None:
        """Raise `Unnamed` for a transaction past `Database.write`, and for what happens at another time."""
        called, receiver = function.attr, ast.unparse(function.value)
        is_named = bool(call.args) and isinstance(call.args[0], ast.JoinedStr | ast.Constant)
        if called == "write" and (is_named or receiver.endswith(("database", "db"))):
            raise Unnamed(f"{self._where(call)}: a transaction is opened by `async with` alone")
        if called in _WAYS_TO_WRITE and not call.args and not call.keywords and not self._is_listed(call):
            raise Unnamed(
                f"{self._where(call)}: a transaction is opened by `async with database.write` alone"
            )
        is_awaitable = called in _CHANGES_DISCORD | _ASKS_DISCORD or receiver.endswith(_HTTP)
        if is_awaitable and self._is_step(call):
            raise Unnamed(f"{self._where(call)}: what is sent is awaited where it is written")

    def _is_step(self, call: ast.Call) -> bool:
        return self._looks_like_a_step(call) and not self._is_listed(call)

    def _looks_like_a_step(self, call: ast.Call) -> bool:
        if not isinstance(call.func, ast.Attribute):
            return isinstance(call.func, ast.Name) and call.func.id == "open" and _writes(call)
        called, receiver = call.func.attr, ast.unparse(call.func.value)
        if receiver == "app_commands":
            return False  # it describes a command, also where it calls an option something
        if called in _OF_MODULES.get(receiver, ()) or (called == "open" and _writes(call)):
            return True
        if called == "replace":  # of a file; of a text there are two arguments, of an instant it has a name
            return len(call.args) == 1 and not call.keywords
        if called == "execute":
            return _sql_of(call).upper().startswith(_SQL_STEPS)
        owner = _OWNERS.get(called)
        if called in self._calls or called in _CHANGES_DISCORD | _FILE_STEPS:
            return owner is None or receiver.endswith(owner)
        return called in _OVER_HTTP and receiver.endswith(_HTTP)

    def _is_listed(self, call: ast.Call) -> bool:
        name = self._what(call)
        if name in NO_STEPS:
            self.left_out.add(name)
        return name in NO_STEPS

    def _what(self, call: ast.Call) -> str:
        return f"{self._file.removesuffix('.py')} {'.'.join(self._inside)}: {ast.unparse(call.func)}"

    def _name(self, call: ast.Call) -> str:
        what = self._what(call)
        self._known[what] += 1
        name = what if self._known[what] == 1 else f"{what} #{self._known[what]}"
        self._add(name, call)
        return name

    def _add(self, name: str, call: ast.Call) -> None:
        self.steps.append(Step(name=name, where=self._where(call)))

    def _where(self, node: ast.Call | ast.Import | ast.ImportFrom) -> str:
        return f"{self._file}:{node.lineno}"


def _writes(call: ast.Call) -> bool:
    """Whether this opens a file to write: by one of its first two arguments, or by its name."""
    modes = [*call.args[:2], *(one.value for one in call.keywords if one.arg == "mode")]
    return any(
        isinstance(mode, ast.Constant) and _WRITING_MODE.fullmatch(str(mode.value)) is not None
        for mode in modes
    )


def _sql_of(call: ast.Call) -> str:
    """Give how the first text in the call's first argument begins, "" where it has none."""
    texts = (
        (node.value for node in ast.walk(call.args[0]) if isinstance(node, ast.Constant)) if call.args else ()
    )
    return next((text for text in texts if isinstance(text, str)), "")


def _later(call: ast.Call) -> ast.Lambda:
    nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    return ast.Lambda(args=nothing, body=call)


def _call(function: str, *arguments: ast.expr) -> ast.Call:
    hook = ast.Attribute(value=ast.Name(id="passages", ctx=ast.Load()), attr=function, ctx=ast.Load())
    return ast.Call(func=hook, args=list(arguments), keywords=[])
