"""The panel in which admins set notifications: what its buttons, menus and forms do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import discord
from discord.ui import Modal, TextInput

from bot.core.notifications import words, written
from bot.core.notifications.options import AfterLive, Digest, Mention, Only, Options, Quiet, QuietMode
from bot.core.notifications.templates import LEAD_LIMIT
from bot.core.requester import Requester
from bot.discord.checks import is_admin, requester_of
from bot.discord.controls import Control, Interaction, view_of
from bot.discord.errors import Refused, explain
from bot.discord.notify_pages import MOST, TEMPLATES, WIDER, Page, Pages, only_of
from bot.discord.notify_words import why_untagged
from bot.discord.permissions import missing
from bot.discord.speech import reader_of
from bot.errors import InputRefused
from bot.services.notification_list import Entry, Key, Listing
from bot.services.notification_settings import NotificationSettings
from bot.texts import join, text

_TITLE_LIMIT, _LABEL_LIMIT, _PLACEHOLDER_LIMIT = 45, 45, 100  # of a modal (specs/discord.md 4)
_Draw = Callable[[Pages], Page]


async def show(interaction: Interaction, draw: _Draw) -> None:
    """Answer a deferred command with a page of the panel."""
    page = draw(await _pages(interaction))
    await interaction.followup.send(
        content=page.content,
        embeds=page.embeds,
        view=_view(page),
        ephemeral=True,
        allowed_mentions=discord.AllowedMentions.none(),
    )


async def turn(interaction: Interaction, draw: _Draw) -> None:
    """Show another page in the place of the one that was pressed."""
    page = draw(await _pages(interaction))
    await interaction.edit_original_response(
        content=page.content or None,
        embeds=page.embeds,
        view=_view(page),
        allowed_mentions=discord.AllowedMentions.none(),
    )


async def _pages(interaction: Interaction) -> Pages:
    if interaction.guild is None:
        raise Refused(text("That works in a server only."))
    listing = await _service(interaction).listing(interaction.guild.id)
    speaker = replace(reader_of(interaction), time_zone=listing.settings.time_zone)
    return Pages(speaker=speaker, listing=listing, guild=interaction.guild)


def _view(page: Page) -> discord.ui.View:
    return view_of([[AdminControl(item) for item in row] for row in page.rows])


def _service(interaction: Interaction) -> NotificationSettings:
    return interaction.client.services.notification_settings


class AdminControl(Control, template=r"vn:(?P<order>.+)"):
    """An order is an act, with a setting behind a dot, and the key or page it is about behind a colon."""

    async def act(self, interaction: Interaction, order: str, chosen: Sequence[str]) -> None:
        """Do it and show what follows; each press is looked at again, as each command is."""
        if not is_admin(interaction):
            raise Refused(text("Only people with the permission *Manage Server* may use this command."))
        what, _, about = order.partition(":")
        what, _, setting = what.partition(".")
        if what == "ask":
            await _ask(interaction, setting, Key.parse(about))
            return
        await interaction.response.defer()
        if what in {"home", "back"}:
            await turn(interaction, lambda pages: pages.home(int(about) if about.isdecimal() else 0))
            return
        value = chosen[0] if chosen else ""
        key = Key.parse(value if what == "pick" else about)
        press = _Press(interaction=interaction, key=key, setting=setting, value=value)
        await turn(interaction, await _ACTS[what](press) if what in _ACTS else _entry_page(key))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Press:
    """What was pressed: a setting of a subscription, with what was chosen in a menu."""

    interaction: Interaction
    key: Key
    setting: str
    value: str

    @property
    def service(self) -> NotificationSettings:
        return _service(self.interaction)

    @property
    def by(self) -> Requester:
        return requester_of(self.interaction)


def _entry_page(key: Key) -> _Draw:
    return lambda pages: pages.entry(pages.listing.find(key))


def _after(key: Key, setting: str) -> _Draw:
    """Show what follows a change: a text is shown with its preview."""
    if setting in TEMPLATES:
        return lambda pages: pages.setting(pages.listing.find(key), setting)
    return _entry_page(key)


def _showing(draw: Callable[[Pages, Entry], Page]) -> Callable[[_Press], Awaitable[_Draw]]:
    async def shown(press: _Press) -> _Draw:
        return lambda pages: draw(pages, pages.listing.find(press.key))

    return shown


async def _show_setting(press: _Press) -> _Draw:
    return lambda pages: pages.setting(pages.listing.find(press.key), press.value)


async def _reset(press: _Press) -> _Draw:
    await press.service.change(press.by, press.key, **{press.setting: None})
    return _after(press.key, press.setting)


async def _switch_off(press: _Press) -> _Draw:
    await press.service.switch(press.by, press.key, off=True)
    return _entry_page(press.key)


async def _switch_on(press: _Press) -> _Draw:
    await press.service.switch(press.by, press.key, off=False)
    return _entry_page(press.key)


async def _remove(press: _Press) -> _Draw:
    entry, _ = await press.service.find(press.by, str(press.key))
    await press.service.remove(press.by, entry)
    return lambda pages: pages.home(0)


async def _put(press: _Press) -> _Draw:
    """Choose what a menu offers."""
    service, by, key, value = press.service, press.by, press.key, press.value
    if press.setting == "copy":
        entry, _ = await service.find(by, str(key))
        key = (await service.copy(by, entry, int(value))).entry.key
    elif press.setting == "pause":
        _, listing = await service.find(by, str(key))
        await service.pause(by, key, None if value == "on" else listing.now + words.PAUSES[value][1])
    elif press.setting == "role":
        if value == str(press.interaction.guild_id):
            raise InputRefused(text("I never ping everyone. Choose a role that people can take or leave."))
        await service.change(by, key, mention=Mention.ROLE, role_id=int(value))
    elif value == WIDER:
        await service.change(by, key, **{press.setting: None})
    elif press.setting == "quiet":
        await service.quiet_mode(by, key, QuietMode(value))
    else:
        await service.change(by, key, **{press.setting: _READ.get(press.setting, int)(value)})
    return _entry_page(key)


_READ: Mapping[str, Callable[[str], Any]] = {
    "mention": Mention,
    "only": only_of,
    "after_live": AfterLive,
    "digest": Digest,
    "publish": lambda value: value == "1",
    "thread": lambda value: value == "1",
}


async def _test(press: _Press) -> _Draw:
    """Post a test into the subscription's channel; what is in its way is told instead."""
    guild, channel_id = press.interaction.guild, press.key.channel_id
    entry, _ = await press.service.find(press.by, str(press.key))
    channel = None if guild is None else guild.get_channel_or_thread(channel_id)
    mention = f"<#{channel_id}>"
    if channel is None:
        raise InputRefused(text("I do not see {channel}.", channel=mention))
    if lacking := missing(channel):
        raise InputRefused(
            text("I lack {permissions} in {channel}.", permissions=join(", ", lacking), channel=mention)
        )
    if untagged := why_untagged(channel, entry.options.tag_id):
        raise InputRefused(untagged)
    await press.service.test(press.by, entry, channel_id)
    said = text("A test is on its way to {channel}; it pings nobody.", channel=mention)
    await press.interaction.followup.send(reader_of(press.interaction).say(said), ephemeral=True)
    return _after(press.key, "template")


_ACTS: Mapping[str, Callable[[_Press], Awaitable[_Draw]]] = {
    "setting": _show_setting,
    "pause": _showing(Pages.pause),
    "copy": _showing(Pages.copy),
    "remove": _showing(Pages.removal),
    "put": _put,
    "wider": _reset,
    "on": _switch_on,
    "off": _switch_off,
    "test": _test,
    "removed": _remove,
}
"""What each control does; those that are not here show the subscription they are about."""


# --- Forms --------------------------------------------------------------------------------------------


class Form(Modal):
    """Asks for what is written; `then` does it, and the page that was pressed is shown anew."""

    def __init__(
        self,
        title: str,
        inputs: Sequence[TextInput[Any]],
        then: Callable[[Interaction, Sequence[str]], Awaitable[_Draw]],
    ) -> None:
        super().__init__(title=title[:_TITLE_LIMIT], timeout=900)
        self._inputs = inputs
        self._then = then
        for one in inputs:
            self.add_item(one)

    async def on_submit(self, interaction: discord.Interaction[Any]) -> None:
        """Do what was written and show what follows."""
        await interaction.response.defer()
        await turn(interaction, await self._then(interaction, [one.value for one in self._inputs]))

    async def on_error(  # type: ignore[override]
        self, interaction: discord.Interaction[Any], error: Exception
    ) -> None:
        """Explain what was wrong, with the text that was written, so that nobody writes it twice."""
        lost = "".join(one.value for one in self._inputs if one.style is discord.TextStyle.paragraph)
        if isinstance(error, InputRefused) and lost:
            lost = lost.replace("```", "")
            error = InputRefused(join("\n", [error.words, f"```\n{lost[: LEAD_LIMIT - 300]}\n```"]))
        await explain(interaction, error)


async def _ask(interaction: Interaction, setting: str, key: Key) -> None:
    """Open the form of a setting, filled with what counts now."""
    entry, listing = await _service(interaction).find(requester_of(interaction), str(key))
    say = reader_of(interaction).say
    name = text("Pause until") if setting == "pause" else words.SETTING_WORDS[setting]
    inputs: list[TextInput[Any]] = [
        TextInput(
            custom_id=f"field{place}",
            label=say(label)[:_LABEL_LIMIT],
            default=value or None,
            placeholder=say(hint)[:_PLACEHOLDER_LIMIT],
            required=False,
            style=discord.TextStyle.paragraph if setting in TEMPLATES else discord.TextStyle.short,
            max_length=LEAD_LIMIT if setting in TEMPLATES else 60,
        )
        for place, (label, value, hint) in enumerate(_fields(setting, entry.options))
    ]

    async def then(submitted: Interaction, given: Sequence[str]) -> _Draw:
        if not is_admin(submitted):
            raise Refused(text("Only people with the permission *Manage Server* may use this command."))
        press = _Press(interaction=submitted, key=key, setting=setting, value=given[0].strip())
        await _write(press, given, listing)
        return _after(key, setting)

    await interaction.response.send_modal(Form(say(name), inputs, then))


_Field = tuple[str, str, str]
"""An input of a form: its label, what is in it, an example."""


def _fields(setting: str, options: Options) -> list[_Field]:
    if setting in TEMPLATES:
        return [(text("Your text; empty for none"), getattr(options, setting) or "", "{streamer} · {title}")]
    if setting in _TIMES:
        return _TIMES[setting](options)
    label, example, _ = _NUMBERS.get(setting, _A_SPAN)
    return [(label, str(getattr(options, setting) or 0), example)]


def _quiet_fields(options: Options) -> list[_Field]:
    quiet = options.quiet or Quiet()
    return [(text("From - to"), written.hours(quiet.begins, quiet.ends), "22:00-07:00")]


def _only_fields(options: Options) -> list[_Field]:
    only = options.only or Only()
    hours = "" if only.begins == only.ends else written.hours(only.begins, only.ends)
    return [
        (
            text("Days; empty for all"),
            written.days_for_input(only.days),
            text("sat sun / mon-fri / weekends"),
        ),
        (text("From - to; empty for the whole day"), hours, "18:00-23:00"),
    ]


_TIMES: Mapping[str, Callable[[Options], list[_Field]]] = {
    "pause": lambda _: [
        (text("Until when"), "", text("2h / 3 days / 18:00 / tomorrow 8:00 / 2026-12-31 18:00"))
    ],
    "quiet": _quiet_fields,
    "only": _only_fields,
    "digest_at": lambda of: [(text("Time of day"), written.clock(of.digest_at or 0), "09:00")],
}
_Number = tuple[str, str, Callable[[str, int], int]]
"""How a number is asked for: a label, an example, and what reads it, up to the most there can be."""
_A_SPAN: _Number = (text("How long; 0 to switch it off"), text("30 min / 2 h"), written.minutes_written)
_NUMBERS: Mapping[str, _Number] = {
    "min_viewers": (text("Viewers; 0 for no limit"), "100", written.count_written),
    "delete_after_hours": (text("Hours; 0 to keep it"), text("24 / 2 days"), written.hours_span_written),
}


async def _write(press: _Press, given: Sequence[str], listing: Listing) -> None:
    """Choose what was written. Raises `InputRefused` with an example for what cannot be read."""
    setting, first = press.setting, press.value
    if setting == "pause":
        until = written.until_written(first, listing.now, listing.zone) if first else None
        await press.service.pause(press.by, press.key, until)
    elif setting == "quiet":
        begins, ends = written.hours_written(first)
        await press.service.quiet_hours(press.by, press.key, begins, ends)
    else:
        await press.service.change(press.by, press.key, **{setting: _value(setting, given)})


def _value(setting: str, given: Sequence[str]) -> Any:
    first = given[0].strip()
    if setting in TEMPLATES:
        return first
    if setting == "only":
        return written.only_written(given[0], given[1])
    if setting == "digest_at":
        return written.minute_written(first)
    *_, read = _NUMBERS.get(setting, _A_SPAN)
    return read(first or "0", MOST[setting])
