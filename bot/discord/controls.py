"""Buttons and menus that work for as long as their message stands: what they do is written in their custom ids.

The bot need not remember them, so they work after a restart as before it. discord.py finds the class of a
control by its custom id and makes it anew for each press.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import discord
from discord.ui import Button, ChannelSelect, DynamicItem, Item, RoleSelect, Select, View

from bot.discord.client import VedetteClient
from bot.discord.errors import explain

Interaction = discord.Interaction[VedetteClient]
ID_LIMIT, LABEL_LIMIT = 100, 80  # specs/discord.md 4
OPTION_LIMIT = 100
PLACEHOLDER_LIMIT = 150


class Control(DynamicItem[Item[View]], template=re.compile("(?!)")):
    """A button or a menu. A family of controls has a `template` of its own with the group `order`."""

    def __init__(self, item: Item[Any], order: str = "") -> None:
        super().__init__(item)
        self._order = order

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], item: Item[Any], match: re.Match[str], /
    ) -> Self:
        """Make the control anew that was pressed."""
        return cls(item, match["order"])

    @property
    def values(self) -> frozenset[str]:
        """What can be chosen in a menu as it stands in its message."""
        return frozenset(one.value for one in getattr(self.item, "options", ()))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Do what its order says; what goes wrong is explained to whoever pressed it."""
        try:
            await self.act(interaction, self._order, _chosen(interaction))
        except Exception as error:  # noqa: BLE001 - the border: discord.py would only log it
            await explain(interaction, error)

    @abstractmethod
    async def act(self, interaction: Interaction, order: str, chosen: Sequence[str]) -> None:
        """Do what was pressed; `chosen` are the values or ids that a menu gives."""


def view_of(rows: Sequence[Sequence[Control]]) -> View:
    """Put controls into rows: up to five buttons, or one menu."""
    view = View(timeout=None)
    for number, row in enumerate(row for row in rows if row):
        for control in row:
            control.row = number
            view.add_item(control)
    return view


def button(
    custom_id: str,
    label: str = "",
    *,
    emoji: str | None = None,
    style: discord.ButtonStyle = discord.ButtonStyle.secondary,
    disabled: bool = False,
) -> Button[Any]:
    """Give a button; `label` is said already."""
    return Button(
        custom_id=custom_id,
        label=label[:LABEL_LIMIT] or None,
        emoji=emoji,
        style=style,
        disabled=disabled,
    )


def menu(
    custom_id: str,
    placeholder: str,
    options: Sequence[discord.SelectOption],
    *,
    least: int = 1,
    most: int = 1,
) -> Select[Any]:
    """Give a menu of options; `placeholder` is said already."""
    return Select(
        custom_id=custom_id,
        placeholder=placeholder[:PLACEHOLDER_LIMIT],
        options=list(options),
        min_values=least,
        max_values=most,
    )


def role_menu(custom_id: str, placeholder: str) -> RoleSelect[Any]:
    """Give a menu of the server's roles."""
    return RoleSelect(custom_id=custom_id, placeholder=placeholder[:PLACEHOLDER_LIMIT])


def channel_menu(
    custom_id: str, placeholder: str, types: Sequence[discord.ChannelType]
) -> ChannelSelect[Any]:
    """Give a menu of the server's channels of these types."""
    return ChannelSelect(
        custom_id=custom_id, placeholder=placeholder[:PLACEHOLDER_LIMIT], channel_types=list(types)
    )


def option(label: str, value: str, *, hint: str = "", is_chosen: bool = False) -> discord.SelectOption:
    """Give one option of a menu; its words are said already."""
    return discord.SelectOption(
        label=label[:OPTION_LIMIT],
        value=value,
        description=hint[:OPTION_LIMIT] or None,
        default=is_chosen,
    )


def _chosen(interaction: discord.Interaction[Any]) -> list[str]:
    data: dict[str, Any] = dict(interaction.data or {})
    return [str(value) for value in data.get("values", ())]
