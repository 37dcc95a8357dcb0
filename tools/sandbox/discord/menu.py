"""The slash commands one person is offered in one channel: found, refused, and listed as Discord's client does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from tools.sandbox.discord.options import GROUP, SUBCOMMAND
from tools.sandbox.discord.permissions import ALL, Bits

if TYPE_CHECKING:
    from tools.sandbox.discord.client import Person
    from tools.sandbox.discord.world import Command

_IN_GUILD, _IN_DIRECT = 0, 1
_CHAT_INPUT: Final = 1
#: What a page needs of an option beside its texts, as the bot registered it.
_OPTION: Final = ("type", "min_value", "max_value", "min_length", "max_length", "channel_types")

Chain = list[dict[str, Any]]


class Menu:
    """What `person` may choose from after typing a slash."""

    def __init__(self, person: Person) -> None:
        self._person = person
        self._here = _IN_DIRECT if person.guild is None else _IN_GUILD

    def find(self, name: str) -> tuple[Command, Chain]:
        """The command and the chain of specs from it down to the sub-command named, for example "live add".

        Raises ValueError if there is none, or if the person may not use it here.
        """
        first, *rest = name.split()
        command = self._registered(first)
        if reason := self.refusal(command):
            raise ValueError(reason)
        chain = [command.spec]
        for word in rest:
            below = [one for one in _subcommands(chain[-1]) if one["name"] == word]
            if not below:
                raise ValueError(f"no sub-command {word!r} in {name!r}; there are {_names(chain[-1])}")
            chain.append(below[0])
        if _subcommands(chain[-1]):
            raise ValueError(f"{name!r} is a group; use one of {_names(chain[-1])}")
        return command, chain

    def _registered(self, name: str) -> Command:
        found = {command.key[1]: command for command in self._commands()}
        if name not in found:
            raise ValueError(f"no command /{name} is registered; there are {sorted(found)}")
        return found[name]

    def _commands(self) -> list[Command]:
        """A guild's command hides the global one of the same name."""
        place = self._person.channel.guild_id
        scopes = (None,) if place is None else (None, place)
        found = {
            command.key[1]: command
            for scope in scopes
            for command in self._person.world.commands.values()
            if command.guild_id == scope and command.key[0] == _CHAT_INPUT
        }
        return list(found.values())

    def refusal(self, command: Command) -> str:
        """Why the person may not use the command here; "" if they may."""
        name, person = command.key[1], self._person
        contexts = command.spec.get("contexts")
        in_direct = self._here == _IN_DIRECT
        if (contexts is not None and self._here not in contexts) or (
            in_direct and command.spec.get("dm_permission") is False
        ):
            return f"/{name} cannot be used {'in direct messages' if in_direct else 'in a guild'}"
        if in_direct:
            return ""
        if not person.permissions & Bits.USE_APPLICATION_COMMANDS:
            return f"{person.user.name} may not use commands in #{person.channel.name}"
        wanted = command.spec.get("default_member_permissions")
        lacks = wanted is not None and (int(wanted) == 0 or int(wanted) & ~person.permissions)
        if lacks and person.permissions != ALL:
            return f"{person.user.name} lacks the permissions of /{name} ({wanted})"
        return ""

    def offered(self) -> list[dict[str, Any]]:
        """Every command and sub-command by the order of names: texts in the person's language, and who may not.

        `name` and the options' `name` are what the control API takes, `label` what the client shows.
        """
        return [
            entry
            for command in sorted(self._commands(), key=lambda one: one.key[1])
            for entry in self._entries(command)
        ]

    def _entries(self, command: Command) -> Iterator[dict[str, Any]]:
        reason = self.refusal(command)
        for chain in _leaves([command.spec]):
            yield {
                "name": " ".join(spec["name"] for spec in chain),
                "label": " ".join(self._text(spec, "name") for spec in chain),
                "description": self._text(chain[-1], "description"),
                "options": [self._option(one) for one in chain[-1].get("options") or []],
                "allowed": not reason,
                "reason": reason or None,
            }

    def _option(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "name": spec["name"],
            "label": self._text(spec, "name"),
            "description": self._text(spec, "description"),
            "required": bool(spec.get("required")),
            "autocomplete": bool(spec.get("autocomplete")),
            "choices": [
                {"name": self._text(choice, "name"), "value": choice["value"]}
                for choice in spec.get("choices") or []
            ],
            **{key: spec[key] for key in _OPTION if spec.get(key) is not None},
        }

    def _text(self, spec: Mapping[str, Any], key: str) -> str:
        translated = spec.get(f"{key}_localizations") or {}
        return str(translated.get(self._person.user.locale) or spec[key])


def _leaves(chain: Chain) -> Iterator[Chain]:
    below = _subcommands(chain[-1])
    if not below:
        yield chain
    for spec in below:
        yield from _leaves([*chain, spec])


def _subcommands(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [one for one in spec.get("options") or [] if one["type"] in (SUBCOMMAND, GROUP)]


def _names(spec: Mapping[str, Any]) -> list[str]:
    return [one["name"] for one in _subcommands(spec)]


def command_path(data: Mapping[str, Any]) -> str:
    """The command that the data of an interaction names: "live add"."""
    below = [one for one in data.get("options") or [] if one["type"] in (SUBCOMMAND, GROUP)]
    return " ".join([data["name"], *(command_path(one) for one in below)])
