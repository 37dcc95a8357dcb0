"""The points at which the bot is killed, enumerated from its code, and a copy of the bot that passes them.

A point is a side of a step: before and after each commit, each request, each step over SFTP, each change of a
file. Steps are found by what they call (`STEPS`), so whatever is added to the bot later is a point by itself.
The copy is the same code with each step handed to `hook/passages.py`, which kills the process at the point
that is its turn; the bot itself knows nothing of it.
"""

from __future__ import annotations

import ast
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOOK = Path(__file__).with_name("hook")
SIDES = ("before", "after")

_FILE_STEPS = frozenset(
    [
        "TemporaryDirectory",
        "copy",
        "copyfile",
        "fsync",
        "link_to",
        "makedirs",
        "mkdir",
        "move",
        "removedirs",
        "rename",
        "rmdir",
        "rmtree",
        "symlink_to",
        "touch",
        "unlink",
        "write_bytes",
        "write_text",
    ]
)
_TO_DISCORD = frozenset(
    [
        "add_reaction",
        "ban",
        "create_dm",
        "create_thread",
        "defer",
        "delete",
        "delete_original_response",
        "edit",
        "edit_message",
        "edit_original_response",
        "fetch",
        "fetch_channel",
        "fetch_guild",
        "fetch_member",
        "fetch_message",
        "fetch_user",
        "history",
        "kick",
        "original_response",
        "pin",
        "purge",
        "reply",
        "send",
        "send_message",
        "send_modal",
        "sync",
        "unpin",
    ]
)
_OVER_SFTP = frozenset(
    [
        "_async_request",
        "_read_response",
        "_request",
        "connect",
        "create_connection",
        "file",
        "get",
        "getfo",
        "invoke_subsystem",
        "listdir",
        "listdir_attr",
        "listdir_iter",
        "lstat",
        "open",
        "open_session",
        "prefetch",
        "put",
        "putfo",
        "read",
        "remove",
        "save",
        "stat",
    ]
)
STEPS: Mapping[str, frozenset[str]] = {
    "bot/discord": _TO_DISCORD,
    "cogs": _TO_DISCORD,
    "bot/sources/etlegacy/sftp.py": _OVER_SFTP | _FILE_STEPS,
    "bot/sources/tiktok/live.py": frozenset({"get", "post"}),
    "bot": _FILE_STEPS,
}
"""What is a step, by the first folder or file that fits."""
_OWNERS = {"copy": "shutil", "get": "session", "post": "session", "sync": "tree", "open": ("self", "sftp")}
"""Whose calls are steps, where others have methods of that name."""
_SQL_STEPS = ("VACUUM", "PRAGMA WAL_CHECKPOINT")


@dataclass(frozen=True, kw_only=True)
class Step:
    """One place in the code; `where` is its file and line."""

    name: str
    where: str


class Unnamed(Exception):
    """A transaction without a literal name, or with one that another place has too."""


def enumerate_steps(root: Path = ROOT) -> dict[str, Step]:
    """Find every step of the bot, by name. Raises `Unnamed`."""
    steps: dict[str, Step] = {}
    for path in _sources(root):
        for step in _rewritten(root, path)[1]:
            if step.name in steps:
                raise Unnamed(f"{step.where}: {steps[step.name].where} is called {step.name!r} as well")
            steps[step.name] = step
    return steps


def points(root: Path = ROOT) -> frozenset[str]:
    """Name every point."""
    return frozenset(f"{name} | {side}" for name in enumerate_steps(root) for side in SIDES)


def copy_of_the_bot(
    to: Path,
    constants: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
    root: Path = ROOT,
) -> Path:
    """Write the copy that passes the points.

    `constants` replaces module constants ("bot/discord/pages.py LIFETIME_SECONDS") by expressions: what takes
    minutes is to take a second. `files` are written beside the rest.
    """
    for room in ("bot", "cogs"):
        shutil.copytree(root / room, to / room, ignore=shutil.ignore_patterns("__pycache__"))
    for file in HOOK.glob("*.py"):
        shutil.copy(file, to)
    for path in _sources(root):
        tree, steps = _rewritten(root, path)
        name = path.relative_to(root).as_posix()
        wanted = {key.split()[1]: value for key, value in (constants or {}).items() if key.split()[0] == name}
        if steps or wanted:
            _set_constants(tree, wanted)
            (to / name).write_text(ast.unparse(ast.fix_missing_locations(tree)), "utf-8")
    for name, text in (files or {}).items():
        (to / name).write_text(text, "utf-8")
    return to


def _sources(root: Path) -> list[Path]:
    return sorted(path for room in ("bot", "cogs") for path in (root / room).rglob("*.py"))


def _set_constants(tree: ast.Module, wanted: Mapping[str, str]) -> None:
    found = set()
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in wanted:
            found.add(ast.unparse(node.targets[0]))
            node.value = ast.parse(wanted[ast.unparse(node.targets[0])], mode="eval").body
    if missing := wanted.keys() - found:
        raise ValueError(f"no such constants: {sorted(missing)}")


def _rewritten(root: Path, path: Path) -> tuple[ast.Module, list[Step]]:
    """Give a file as it stands in the copy, and its steps."""
    name = path.relative_to(root).as_posix()
    tree = ast.parse(path.read_text("utf-8"))
    rewriter = _Rewriter(name, next(calls for room, calls in STEPS.items() if name.startswith(room)))
    rewriter.visit(tree)
    if rewriter.steps:
        at = 1 + max(
            (i for i, node in enumerate(tree.body[:2]) if isinstance(node, ast.Expr | ast.ImportFrom)),
            default=-1,
        )
        tree.body.insert(at, ast.Import(names=[ast.alias(name="passages")]))
    return tree, rewriter.steps


class _Rewriter(ast.NodeTransformer):
    """Hands each step to `passages`: awaited, called, entered or iterated."""

    def __init__(self, file: str, calls: frozenset[str]) -> None:
        self.steps: list[Step] = []
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

    def visit_AsyncFor(self, node: ast.AsyncFor) -> ast.AST:
        if isinstance(node.iter, ast.Call) and self._is_step(node.iter):
            node.iter = self._handed_to("iterated", node.iter)
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) == "passages":
            return node
        if self._is_transaction(node):
            raise Unnamed(f"{self._where(node)}: a transaction is opened by `async with` alone")
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
        function = call.func
        return (
            isinstance(function, ast.Attribute)
            and function.attr == "write"
            and ast.unparse(function.value).endswith(("database", "db"))
        )

    def _is_step(self, call: ast.Call) -> bool:
        if not isinstance(call.func, ast.Attribute):
            return False
        called, receiver = call.func.attr, ast.unparse(call.func.value)
        if called == "replace":  # of a file; of a text there are two arguments, of an instant it has a name
            return len(call.args) == 1 and not call.keywords
        if called == "execute" and call.args and isinstance(call.args[0], ast.Constant):
            return str(call.args[0].value).upper().startswith(_SQL_STEPS)
        owner = _OWNERS.get(called)
        return called in self._calls and (owner is None or receiver.endswith(owner))

    def _name(self, call: ast.Call) -> str:
        what = f"{self._file.removesuffix('.py')} {'.'.join(self._inside)}: {ast.unparse(call.func)}"
        self._known[what] += 1
        name = what if self._known[what] == 1 else f"{what} #{self._known[what]}"
        self._add(name, call)
        return name

    def _add(self, name: str, call: ast.Call) -> None:
        self.steps.append(Step(name=name, where=self._where(call)))

    def _where(self, node: ast.Call) -> str:
        return f"{self._file}:{node.lineno}"


def _later(call: ast.Call) -> ast.Lambda:
    nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    return ast.Lambda(args=nothing, body=call)


def _call(function: str, *arguments: ast.expr) -> ast.Call:
    hook = ast.Attribute(value=ast.Name(id="passages", ctx=ast.Load()), attr=function, ctx=ast.Load())
    return ast.Call(func=hook, args=list(arguments), keywords=[])
