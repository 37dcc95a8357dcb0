"""Registering application commands: what Discord refuses, and which ids stay the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from tools.sandbox.discord import asking
from tools.sandbox.discord.errors import ApiError, invalid, too_long
from tools.sandbox.discord.rest import Call, Route
from tools.sandbox.discord.world import Command

_NAME: Final = re.compile(r"[-_'\w]{1,32}")
_CHAT_INPUT, _MAX_COMMANDS, _MAX_CHARACTERS = 1, 100, 8000
_GLOBAL: Final = "/applications/{application_id}/commands"
_GUILD: Final = "/applications/{application_id}/guilds/{guild_id}/commands"


def routes() -> list[Route]:
    found = [
        Route(method="GET", path=_GUILD + "/permissions", handler=lambda _: []),
        Route(method="GET", path=_GUILD + "/{command_id}/permissions", handler=permissions),
    ]
    for base in (_GLOBAL, _GUILD):
        one = base + "/{command_id}"
        found += [
            Route(method="GET", path=base, handler=get_all),
            Route(method="PUT", path=base, handler=overwrite),
            Route(method="POST", path=base, handler=create),
            Route(method="GET", path=one, handler=get),
            Route(method="PATCH", path=one, handler=patch),
            Route(method="DELETE", path=one, handler=delete),
        ]
    return found


def _scope(call: Call) -> int | None:
    """The guild of the path, None for global. Raises ApiError 50001, as for another's application."""
    world = call.service.world
    if call.id("application_id") != world.bot.id:
        raise ApiError(50001)
    if "guild_id" not in call.params:
        return None
    guild = world.guilds.get(call.id("guild_id"))
    if guild is None or world.bot.id not in guild.members:
        raise ApiError(50001)
    return guild.id


def _registered(call: Call) -> list[Command]:
    scope = _scope(call)
    return [command for command in call.service.world.commands.values() if command.guild_id == scope]


def _known(call: Call) -> Command:
    wanted = call.id("command_id")
    for command in _registered(call):
        if command.id == wanted:
            return command
    raise ApiError(10063)


def get_all(call: Call) -> list[dict[str, Any]]:
    return [asking.command(call.service.world, command) for command in _registered(call)]


def get(call: Call) -> dict[str, Any]:
    return asking.command(call.service.world, _known(call))


def overwrite(call: Call) -> list[dict[str, Any]]:
    """Bulk overwrite: a command with the type and name of an old one keeps its id."""
    world, scope = call.service.world, _scope(call)
    specs: list[dict[str, Any]] = call.data or []
    _check_set(specs)
    old = {command.key: command for command in _registered(call)}
    new = [
        _stored(call, scope, spec, old.get((spec.get("type") or _CHAT_INPUT, spec["name"]))) for spec in specs
    ]
    for command in old.values():
        del world.commands[command.id]
    world.commands |= {command.id: command for command in new}
    call.service.feed.add("commands", count=len(new))
    return [asking.command(world, command) for command in new]


def create(call: Call) -> dict[str, Any]:
    """A new command, or the old one of the same type and name replaced."""
    scope = _scope(call)
    rest = [command for command in _registered(call) if command.spec["name"] != call.data["name"]]
    _check_set([*(command.spec for command in rest), call.data])
    same = [command for command in _registered(call) if command not in rest]
    command = _stored(call, scope, call.data, same[0] if same else None)
    call.service.world.commands[command.id] = command
    return asking.command(call.service.world, command)


def patch(call: Call) -> dict[str, Any]:
    command = _known(call)
    spec = command.spec | call.data
    _check(spec, "")
    command.spec, command.version = spec, call.service.world.new_id()
    return asking.command(call.service.world, command)


def delete(call: Call) -> None:
    del call.service.world.commands[_known(call).id]


def permissions(call: Call) -> None:
    _known(call)
    raise ApiError(10066)


def _stored(call: Call, scope: int | None, spec: dict[str, Any], old: Command | None) -> Command:
    if old is not None and old.spec == spec:
        return old
    if old is None:
        call.service.limits.new_commands.take(scope, call.service.world.clock)
    new_id = call.service.world.new_id()
    return Command(id=old.id if old else new_id, guild_id=scope, version=new_id, spec=spec)


def _check_set(specs: list[dict[str, Any]]) -> None:
    for number, spec in enumerate(specs):
        _check(spec, f"{number}.")
    keys = [(spec.get("type") or _CHAT_INPUT, spec["name"]) for spec in specs]
    for number, key in enumerate(keys):
        if key in keys[:number]:
            text = "Application command names must be unique"
            raise invalid(str(number), "APPLICATION_COMMANDS_DUPLICATE_NAME", text)
    if sum(kind == _CHAT_INPUT for kind, _ in keys) > _MAX_COMMANDS:
        raise ApiError(30032)


def _check(spec: Mapping[str, Any], where: str) -> None:
    if (spec.get("type") or _CHAT_INPUT) != _CHAT_INPUT:
        return
    _check_node(spec, where)
    if _characters(spec) > _MAX_CHARACTERS:
        raise too_long(f"{where}options", _MAX_CHARACTERS)


def _check_node(node: Mapping[str, Any], where: str) -> None:
    """A command, sub-command or option: name, description, and its own options in the right order."""
    name = node.get("name") or ""
    if not _NAME.fullmatch(name) or name != name.lower():
        raise invalid(f"{where}name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    if not 1 <= len(node.get("description") or "") <= 100:
        raise invalid(f"{where}description", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
    options = node.get("options") or []
    for key, most in (("options", 25), ("choices", 25)):
        if len(node.get(key) or []) > most:
            raise too_long(f"{where}{key}", most)
    needed = [bool(option.get("required")) for option in options]
    if needed != sorted(needed, reverse=True):
        text = "Required options must be placed before non-required options"
        raise invalid(f"{where}options", "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", text)
    for number, option in enumerate(options):
        _check_node(option, f"{where}options.{number}.")


def _characters(node: Mapping[str, Any]) -> int:
    """Name, description and string choices of a command and everything in it (specs/discord.md, section 4)."""
    own = len(node.get("name") or "") + len(node.get("description") or "")
    own += sum(len(str(choice["name"])) + len(str(choice["value"])) for choice in node.get("choices") or [])
    return own + sum(_characters(option) for option in node.get("options") or [])
