"""What a person does in the Discord app: commands, buttons, menus, modals, words.

Each refuses, with ValueError, what the real client would not let the person do.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any

from tools.sandbox.discord import asking
from tools.sandbox.discord.components import walk
from tools.sandbox.discord.compose import CONTENT_LIMIT
from tools.sandbox.discord.interactions import AUTOCOMPLETE, COMMAND, COMPONENT, MODAL, SUBMIT
from tools.sandbox.discord.mentions import pings
from tools.sandbox.discord.menu import Menu
from tools.sandbox.discord.options import SELECTS, Entry
from tools.sandbox.discord.permissions import Bits, in_channel
from tools.sandbox.discord.service import Service
from tools.sandbox.discord.world import FORUM, Channel, Command, Interaction, Message, User, now


class Person:
    """A user in a channel; `channel` "dm" is the person's direct channel with the bot."""

    def __init__(self, service: Service, user: str | int, channel: str | int) -> None:
        self.service = service
        self.world = service.world
        self.user: User = self.world.find_user(user)
        if channel == "dm":
            self.channel: Channel = self.world.direct_channel(self.user)
        else:
            self.channel = self.world.find_channel(channel)
        self.guild = self.world.guild_of(self.channel)
        if self.guild is not None and self.world.bot.id not in self.guild.members:
            raise ValueError(f"the bot is not in {self.guild.name}")
        self.permissions = in_channel(self.guild, self.channel, self.user.id)
        if not self.permissions & Bits.VIEW_CHANNEL:
            raise ValueError(f"{self.user.name} cannot see #{self.channel.name}")

    def _entry(self) -> Entry:
        return Entry(self.world, self.guild, self.channel)

    def say(self, content: str) -> Message:
        if self.channel.type == FORUM or not self.permissions & self.channel.sending:
            raise ValueError(f"{self.user.name} cannot write in #{self.channel.name}")
        if not content.strip() or len(content) > CONTENT_LIMIT:
            raise ValueError(f"A message has from 1 to {CONTENT_LIMIT} characters, this one {len(content)}.")
        message = Message(
            id=self.world.new_id(),
            channel_id=self.channel.id,
            author_id=self.user.id,
            created_at=self.world.clock.now(),
            content=content,
        )
        message.pings = pings(self.world, self.channel, message, None)
        self.world.messages[message.id] = message
        self.service.message_changed(message, "posted")
        return message

    def use_command(self, name: str, given: Mapping[str, Any]) -> Interaction:
        """`name` is the path of a sub-command, for example "live add"."""
        command, chain = Menu(self).find(name)
        entry = self._entry()
        options = entry.fill_in(chain[-1].get("options") or [], given)
        return self._start(COMMAND, _command_data(command, chain, options, entry))

    def complete(self, name: str, given: Mapping[str, Any], focused: str) -> Interaction:
        """Type into the option `focused`; the others may be missing."""
        command, chain = Menu(self).find(name)
        known = {option["name"]: option for option in chain[-1].get("options") or []}
        if focused not in known or not known[focused].get("autocomplete"):
            raise ValueError(f"option {focused!r} has no autocomplete")
        entry = self._entry()
        typed = {
            "name": focused,
            "type": known[focused]["type"],
            "value": given.get(focused, ""),
            "focused": True,
        }
        chosen = {key: known[key] | {"required": False} for key in given if key in known and key != focused}
        options = entry.fill_in(list(chosen.values()), {key: given[key] for key in given if key != focused})
        return self._start(AUTOCOMPLETE, _command_data(command, chain, [*options, typed], entry))

    def press(self, message_id: int, custom_id: str, values: list[Any]) -> Interaction:
        """Press a button or choose in a menu; `values` are names or ids for menus of users, roles, channels."""
        message = self._visible_message(message_id)
        components = [one for one in walk(message.components) if one.get("custom_id") == custom_id]
        if not components:
            there = [one["custom_id"] for one in walk(message.components) if "custom_id" in one]
            raise ValueError(f"no component {custom_id!r}; there are {there}")
        component = components[0]
        if component.get("disabled"):
            raise ValueError(f"component {custom_id!r} is disabled")
        data: dict[str, Any] = {
            "custom_id": custom_id,
            "component_type": component["type"],
            "id": component["id"],
        }
        if component["type"] in SELECTS:
            entry = self._entry()
            data["values"] = entry.select(component, values)
            # A string select must not carry `resolved`, not even an empty one (specs/discord.md, 1.7).
            data |= {"resolved": entry.resolved} if component["type"] != 3 else {}
        return self._start(COMPONENT, data, message=message)

    def submit(self, opened_by: Interaction, given: Mapping[str, Any]) -> Interaction:
        """Submit the modal with which the bot answered the interaction `opened_by`."""
        if opened_by.answer_type != MODAL or opened_by.user_id != self.user.id:
            raise ValueError(f"interaction {opened_by.id} has opened no modal for {self.user.name}")
        modal = opened_by.answer
        entry = self._entry()
        data = {"custom_id": modal["custom_id"], "components": entry.modal(modal["components"], given)}
        data |= {"resolved": entry.resolved} if entry.resolved else {}
        message = self.world.messages.get(opened_by.message_id or 0)
        return self._start(SUBMIT, data, message=message, trigger=opened_by)

    def _visible_message(self, message_id: int) -> Message:
        message = self.world.messages.get(message_id)
        if message is None or message.deleted or message.channel_id != self.channel.id:
            raise ValueError(f"there is no message {message_id} in #{self.channel.name}")
        if message.ephemeral:
            asker = self.world.interactions[message.interaction_id or 0].user_id
            if asker != self.user.id:
                raise ValueError(f"message {message_id} is only visible to {self.world.users[asker].name}")
        return message

    def _start(
        self,
        kind: int,
        data: dict[str, Any],
        *,
        message: Message | None = None,
        trigger: Interaction | None = None,
    ) -> Interaction:
        if self.channel.thread is not None and self.channel.thread.archived:
            raise ValueError(f"the thread {self.channel.name!r} is archived")
        if not self.service.gateway.sessions:
            raise ValueError("the bot is not connected to the gateway")
        interaction = Interaction(
            id=self.world.new_id(),
            token=secrets.token_urlsafe(48),
            type=kind,
            user_id=self.user.id,
            channel_id=self.channel.id,
            guild_id=self.channel.guild_id,
            data=data,
            created_at=now(),
            message_id=None if message is None else message.id,
            trigger_id=None if trigger is None else trigger.id,
        )
        self.world.interactions[interaction.id] = interaction
        self.service.feed.add(
            "interaction", id=str(interaction.id), type=kind, user=self.user.name, data=data
        )
        self.service.gateway.dispatch(
            "INTERACTION_CREATE",
            asking.interaction_create(self.world, interaction),
            guild_id=self.channel.guild_id,
        )
        # The three seconds begin when the bot can know; building and judging the payload took some too.
        interaction.created_at = now()
        # Whoever waits for the answer shall notice when it has come too late.
        asyncio.get_running_loop().call_later(self.service.ack_seconds, self.service.feed.touch)
        return interaction


def _command_data(
    command: Command, chain: list[dict[str, Any]], options: list[dict[str, Any]], entry: Entry
) -> dict[str, Any]:
    """The data of a command or autocomplete interaction: sub-commands are options within options."""
    for spec in reversed(chain[1:]):
        options = [{"name": spec["name"], "type": spec["type"], "options": options}]
    place = {} if command.guild_id is None else {"guild_id": str(command.guild_id)}
    data = {"id": str(command.id), "name": command.key[1], "type": 1, **place}
    data |= {"options": options} if options else {}
    return data | ({"resolved": entry.resolved} if entry.resolved else {})
