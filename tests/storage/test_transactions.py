"""A rule over all of the bot's code: inside a write transaction only the database is awaited."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

BOT = Path(__file__).parents[2] / "bot"
# It copies the file before it changes the schema, which nobody else may do meanwhile.
EXEMPT = {"storage/migrate.py"}


def foreign_awaits(source: str) -> list[int]:
    """Give the lines that await something without the connection of the write transaction around them."""
    found = []
    for block in ast.walk(ast.parse(source)):
        if not isinstance(block, ast.AsyncWith):
            continue
        for item in block.items:
            call = item.context_expr
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Attribute)
                and call.func.attr == "write"
            ):
                name = item.optional_vars.id if isinstance(item.optional_vars, ast.Name) else ""
                for statement in block.body:
                    found += [
                        node.lineno
                        for node in ast.walk(statement)
                        if isinstance(node, ast.AsyncWith | ast.AsyncFor)
                        or (isinstance(node, ast.Await) and not uses(node, name))
                    ]
    return found


def uses(node: ast.AST, name: str) -> bool:
    return any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(node))


@pytest.mark.parametrize("file", sorted(BOT.rglob("*.py")), ids=lambda file: file.relative_to(BOT).as_posix())
def test_nothing_but_the_database_is_awaited_inside_a_write(file):
    if file.relative_to(BOT).as_posix() not in EXEMPT:
        assert foreign_awaits(file.read_text(encoding="utf-8")) == []


def test_the_rule_sees_a_foreign_await():
    source = """
async def f(self):
    async with self.database.write("x") as conn:
        await conn.execute(1)
        row = await statements.load(conn, 1)
        await self.http.get("x")
"""
    assert foreign_awaits(source) == [6]
