"""The slash commands of every cog, as Discord names them."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

from discord import app_commands
from discord.ext import commands

COGS = Path(__file__).resolve().parents[1] / "cogs"


def slash_commands() -> list[tuple[str, app_commands.Command]]:
    """Each command of each cog with its full name, for example "live add"."""
    modules = [importlib.import_module(f"cogs.{path.stem}") for path in sorted(COGS.glob("[!_]*.py"))]
    cogs = [
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, commands.Cog) and value.__module__ == module.__name__
    ]
    return [named for cog in cogs for named in _commands_of(cog)]


def _commands_of(cog: type[commands.Cog]) -> Iterator[tuple[str, app_commands.Command]]:
    # A GroupCog's commands learn of their group only when the cog is made.
    prefix = f"{cog.__cog_group_name__} " if issubclass(cog, commands.GroupCog) else ""
    for command in cog.__cog_app_commands__:
        children = command.walk_commands() if isinstance(command, app_commands.Group) else [command]
        yield from ((prefix + child.qualified_name, child) for child in children)
