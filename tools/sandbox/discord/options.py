"""What a person fills in - command options, selects, modal fields - checked as Discord's client checks it.

Everything raises ValueError with the reason the client would show.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

from tools.sandbox.discord import payloads
from tools.sandbox.discord.components import walk
from tools.sandbox.discord.compose import upload
from tools.sandbox.discord.permissions import in_channel, in_guild
from tools.sandbox.discord.world import Channel, Guild, World

SUBCOMMAND, GROUP, STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = range(
    1, 12
)
#: component type of a select: the option type whose values it takes
SELECTS: Final = {3: STRING, 5: USER, 6: ROLE, 7: MENTIONABLE, 8: CHANNEL}
TEXT_INPUT: Final = 4
_TYPES: Final[dict[int, tuple[type, ...]]] = {
    STRING: (str,),
    INTEGER: (int,),
    BOOLEAN: (bool,),
    NUMBER: (int, float),
}


class Entry:
    """Collects `resolved` while values are read for one person in one place."""

    def __init__(self, world: World, guild: Guild | None, channel: Channel) -> None:
        self.resolved: dict[str, dict[str, Any]] = {}
        self._world = world
        self._guild = guild
        self._channel = channel

    def fill_in(self, options: list[dict[str, Any]], given: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The options of a command as INTERACTION_CREATE carries them."""
        known = {option["name"]: option for option in options}
        if unknown := sorted(given.keys() - known.keys()):
            raise ValueError(f"unknown options {unknown}; the command has {sorted(known)}")
        if missing := [
            name for name, option in known.items() if option.get("required") and name not in given
        ]:
            raise ValueError(f"required options are missing: {missing}")
        return [
            {"name": name, "type": option["type"], "value": self.value(option, given[name])}
            for name, option in known.items()
            if name in given
        ]

    def value(self, option: Mapping[str, Any], value: Any) -> Any:
        kind = option["type"]
        if kind in _TYPES:
            _check_plain(option, value)
            return value
        if kind == ATTACHMENT:
            return self._attachment(value)
        return self.entity(kind, value, option.get("channel_types"))

    def entity(self, kind: int, key: Any, channel_types: list[int] | None = None) -> str:
        """A user, role or channel by id or name; it is added to `resolved`."""
        if kind == CHANNEL:
            return self._channel_value(key, channel_types)
        if kind == ROLE:
            return self._role(key)
        if kind == MENTIONABLE:
            try:
                return self._role(key)
            except ValueError:
                return self._user(key)
        return self._user(key)

    def _user(self, key: Any) -> str:
        user = self._world.find_user(key)
        self._resolve("users", user.id, payloads.user(user))
        if self._guild is not None and user.id in self._guild.members:
            member = payloads.member(self._world, self._guild.members[user.id], with_user=False)
            permissions = {"permissions": str(in_guild(self._guild, user.id))}
            self._resolve("members", user.id, {**member, **permissions})
        return str(user.id)

    def _role(self, key: Any) -> str:
        if self._guild is None:
            raise ValueError("there are no roles in direct messages")
        role = self._world.find_role(self._guild, key)
        self._resolve("roles", role.id, payloads.role(role))
        return str(role.id)

    def _channel_value(self, key: Any, types: list[int] | None) -> str:
        if self._guild is None:
            raise ValueError("there are no channels in direct messages")
        channel = self._world.find_channel(key, self._guild)
        if types and channel.type not in types:
            raise ValueError(f"channel {channel.name!r} has type {channel.type}, the option takes {types}")
        permissions = str(in_channel(self._guild, channel, self._world.bot.id))
        self._resolve(
            "channels", channel.id, payloads.channel(self._world, channel) | {"permissions": permissions}
        )
        return str(channel.id)

    def _attachment(self, value: Mapping[str, str]) -> str:
        """``{"filename": ..., "content": base64}``"""
        data = base64.b64decode(value["content"])
        file = upload(self._world, self._channel.id, value["filename"], data, {})
        self._resolve("attachments", file.id, payloads.attachment(file))
        return str(file.id)

    def _resolve(self, kind: str, entity_id: int, payload: dict[str, Any]) -> None:
        self.resolved.setdefault(kind, {})[str(entity_id)] = payload

    def select(self, component: Mapping[str, Any], given: list[Any]) -> list[str]:
        """The values of a select menu."""
        least, most = component.get("min_values", 1), component.get("max_values", 1)
        if not least <= len(given) <= most:
            raise ValueError(f"{len(given)} values selected, the menu takes {least} to {most}")
        kind = SELECTS[component["type"]]
        if kind != STRING:
            return [self.entity(kind, key, component.get("channel_types")) for key in given]
        offered = [option["value"] for option in component["options"]]
        if wrong := [value for value in given if value not in offered]:
            raise ValueError(f"{wrong} is not offered; offered are {offered}")
        return [str(value) for value in given]

    def modal(self, components: list[dict[str, Any]], given: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The submitted components of a modal; a field that is not given keeps its preset value."""
        inputs = [one["custom_id"] for one in walk(components) if "custom_id" in one]
        if unknown := sorted(given.keys() - set(inputs)):
            raise ValueError(f"unknown fields {unknown}; the modal has {inputs}")
        return [self._submitted(one, given) for one in components]

    def _submitted(self, one: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
        shared = {"type": one["type"], "id": one["id"]}
        if "components" in one:
            return shared | {"components": [self._submitted(each, given) for each in one["components"]]}
        if "component" in one:
            return shared | {"component": self._submitted(one["component"], given)}
        if one["type"] == TEXT_INPUT:
            text = given.get(one["custom_id"], one.get("value") or "")
            return shared | {"custom_id": one["custom_id"], "value": _text(one, text)}
        if one["type"] in SELECTS:
            values = self.select(one, given.get(one["custom_id"], []))
            return shared | {"custom_id": one["custom_id"], "values": values}
        return shared


def _check_plain(option: Mapping[str, Any], value: Any) -> None:
    name, kind = option["name"], option["type"]
    if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != BOOLEAN):
        raise ValueError(f"option {name!r} wants {[one.__name__ for one in _TYPES[kind]]}, not {value!r}")
    choices = [choice["value"] for choice in option.get("choices") or []]
    if choices and value not in choices:
        raise ValueError(f"option {name!r} has the choices {choices}, not {value!r}")
    size = len(value) if isinstance(value, str) else value
    least = option.get("min_length", option.get("min_value"))
    most = option.get("max_length", option.get("max_value"))
    if (least is not None and size < least) or (most is not None and size > most):
        raise ValueError(f"option {name!r} must be between {least} and {most}")


def _text(one: Mapping[str, Any], text: str) -> str:
    least, most = one.get("min_length") or 0, one.get("max_length") or 4000
    if one.get("required", True) and not text:
        raise ValueError(f"field {one['custom_id']!r} is required")
    if text and not least <= len(text) <= most:
        raise ValueError(f"field {one['custom_id']!r} must have {least} to {most} characters")
    return text
