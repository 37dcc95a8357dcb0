"""The pages of `/notify panel`: all subscriptions, one of them, one of its settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import discord
from discord.ui import Item

from bot.core.announcements import Tone
from bot.core.markup import clip
from bot.core.notifications import words
from bot.core.notifications.kinds import KIND_WORDS, Kind
from bot.core.notifications.options import Digest, Mention, Only
from bot.core.notifications.samples import sample_end, sample_message
from bot.core.notifications.templates import PLACEHOLDERS
from bot.discord.controls import OPTION_LIMIT, button, channel_menu, menu, option, role_menu
from bot.discord.embeds import BODY_LIMIT, COLOURS, draw
from bot.discord.notify_words import entry_line, state_of, warnings, whence
from bot.discord.rooms import ROOM_TYPES
from bot.discord.speech import Speaker, guild_of
from bot.services.notification_list import Entry, Listing
from bot.texts import Text, join, text

PER_PAGE = 10
WIDER = "wider"
"""The value of the option that lets the wider choice count."""
TEMPLATES = ("template", "over_template")
_PREFIX = "vn:"
_KEY_LIMIT = 60  # so that a custom id has room for its order
_Rows = list[list[Item[Any]]]

MOST: Mapping[str, int] = {
    "delay_minutes": 240,
    "min_viewers": 1_000_000,
    "grace_minutes": 720,
    "cooldown_minutes": 7 * 24 * 60,
    "delete_after_hours": 30 * 24,
}
"""The most that can be chosen of a number, in the unit of its name."""
_OFFERED: Mapping[str, tuple[int, ...]] = {
    "delay_minutes": (0, 2, 5, 10, 15),
    "min_viewers": (0, 10, 50, 100, 500, 1000),
    "grace_minutes": (0, 5, 15, 30, 60),
    "cooldown_minutes": (0, 30, 60, 180, 720, 1440),
    "delete_after_hours": (0, 1, 6, 12, 24, 72, 168),
    "digest_at": (480, 540, 720, 1080, 1200),
}
_ONLY: Mapping[str, tuple[str, Only]] = {
    "always": (text("always"), Only()),
    "weekends": (text("on Saturdays and Sundays"), Only(days=(5, 6))),
    "weekdays": (text("from Monday to Friday"), Only(days=(0, 1, 2, 3, 4))),
    "evenings": (text("in the evening, 18:00-23:00"), Only(begins=18 * 60, ends=23 * 60)),
}
_HELP: Mapping[str, Text] = {
    "mention": text(
        "One ping for each live, never for an edit. Nobody else is ever pinged, least of all everyone."
    ),
    "template": text("It stands above the message. Names in braces become what they stand for:"),
    "over_template": text(
        "It stands there once the live is over. Names in braces become what they stand for:"
    ),
    "quiet": text("Hours of this server's time zone. Urgent notices come all the same."),
    "only": text("Days and hours of this server's time zone. A live that is still on then is told then."),
    "delay_minutes": text("A live that ends sooner is not told. It is looked at again before it is told."),
    "min_viewers": text("It waits until so many watch. Where nobody knows how many do, it waits."),
    "grace_minutes": text(
        "Who ends and is back within that time goes on in the same message, and nobody is pinged again."
    ),
    "cooldown_minutes": text(
        "For so long after a message, no other of the same account or server follows here."
    ),
    "after_live": text("What becomes of the message of a live that is over."),
    "delete_after_hours": text("I delete my message so long after it was posted."),
    "digest": text("Messages are collected; one message lists them, at the time of the digest."),
    "digest_at": text("The time of day in this server's time zone."),
    "publish": text("In an announcement channel, servers that follow it get the message too."),
    "thread": text("Opens a thread below each alert, to talk in. Needs *Create Public Threads*."),
    "tag_id": text("Which tag a post in a forum gets."),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """What is shown: words for everyone to see above embeds, and rows of controls without their class."""

    embeds: list[discord.Embed]
    rows: _Rows
    content: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pages:
    """Draws the pages for one reader in one guild."""

    speaker: Speaker
    listing: Listing
    guild: discord.Guild

    def home(self, page: int) -> Page:
        """Show all subscriptions, so many on a page, and the defaults of the server."""
        say, every = self.speaker.say, self.listing.entries
        last = max(len(every) - 1, 0) // PER_PAGE
        page = min(max(page, 0), last)
        shown = every[page * PER_PAGE : (page + 1) * PER_PAGE]
        lines = [entry_line(entry, self.listing) for entry in shown] or [
            text("Nothing is told here yet. `/live add` follows somebody; `/notify add` adds anything else.")
        ]
        rows: _Rows = []
        if options := self._options(shown):
            rows.append([menu(_id("pick"), say(text("Change a subscription")), options)])
        rows.append(
            [
                menu(
                    _id("pick", "defaults"),
                    say(text("Change what counts everywhere")),
                    self._options(self.listing.defaults),
                )
            ]
        )
        if last:
            rows.append(
                [
                    button(_id("back", page - 1), say(text("Previous")), disabled=page == 0),
                    button(_id("home", page + 1), say(text("Next")), disabled=page == last),
                ]
            )
        footer = join(
            " · ",
            [
                text("Times are in {zone}", zone=self.listing.settings.time_zone),
                text("Page {number} of {count}", number=page + 1, count=last + 1),
            ],
        )
        return Page(embeds=[self._embed(text("Notifications"), join("\n", lines), footer)], rows=rows)

    def entry(self, entry: Entry) -> Page:
        """Show one subscription with everything that counts for it."""
        say, key = self.speaker.say, entry.key
        sign, state = state_of(entry, self.listing)
        where = [] if key.is_default else [f"<#{key.channel_id}>"]
        head = join(" ", [sign, *where, *([state] if state else [])]) if not key.is_default else ""
        lines = [part for part in (head, whence(entry), *warnings(entry, self.guild)) if part]
        lines += ["", *self._settings(entry)]
        options = [
            option(say(words.SETTING_WORDS[name]), name, hint=self._plain(words.said(name, entry.options)))
            for name in self._names(entry)
        ]
        rows: _Rows = [
            [menu(_id("setting", key), say(text("Choose what to change")), options)],
            self._entry_buttons(entry),
        ]
        usual = text("✏️ is chosen for the whole server; everything else is as usual")
        footer = (
            usual if key.is_default else text("✏️ is chosen here; everything else is as usual in this server")
        )
        return Page(embeds=[self._embed(entry.title, join("\n", lines), footer)], rows=rows)

    def _entry_buttons(self, entry: Entry) -> list[Item[Any]]:
        say, key = self.speaker.say, entry.key
        back = button(_id("home", 0), say(text("All notifications")), emoji="↩️")
        if key.is_default:
            forget = say(text("Forget all this"))
            return [back, button(_id("remove", key), forget, style=discord.ButtonStyle.danger)]
        switch = "on" if entry.is_off else "off"
        label = text("Switch on") if entry.is_off else text("Switch off")
        return [
            back,
            button(_id("pause", key), say(text("Pause")), emoji="⏸️"),
            button(_id(switch, key), say(label)),
            button(_id("copy", key), say(text("Copy"))),
            button(_id("remove", key), say(text("Remove")), style=discord.ButtonStyle.danger),
        ]

    def _names(self, entry: Entry) -> list[str]:
        """Give what can be chosen: what does not fit the channel says nothing there."""
        left_out: set[str] = {"digest_at"} if entry.options.digest in {None, Digest.NONE} else set()
        if entry.key.is_default:
            left_out.add("tag_id")  # each forum has its own
        else:
            channel = self.guild.get_channel_or_thread(entry.key.channel_id)
            news = isinstance(channel, discord.TextChannel) and channel.is_news()
            left_out |= set() if isinstance(channel, discord.TextChannel) else {"thread"}
            left_out |= set() if news else {"publish"}
            left_out |= set() if isinstance(channel, discord.ForumChannel) else {"tag_id"}
        return [name for name in words.settings_of(entry.key.kind) if name not in left_out]

    def _settings(self, entry: Entry) -> Iterator[str]:
        for name in self._names(entry):
            is_own = getattr(entry.own, name) is not None
            mark = "✏️ " if is_own else ""
            value = words.said(name, entry.options)
            yield join("", [mark, "**", words.SETTING_WORDS[name], "**: ", value])

    def setting(self, entry: Entry, name: str) -> Page:
        """Show one setting, with what can be chosen for it."""
        if name in TEMPLATES:
            return self._template(entry, name)
        say, key = self.speaker.say, entry.key
        now = join(": ", [text("Now"), words.said(name, entry.options)])
        rows: _Rows = []
        if options := list(self._choices(entry, name)):
            rows.append([menu(_id(f"put.{name}", key), say(words.SETTING_WORDS[name]), options)])
        if name == "mention":
            rows.append([role_menu(_id("put.role", key), say(text("Ping this role")))])
        rows.append([button(_id("open", key), say(text("Back")), emoji="↩️")])
        if ask := _ASK.get(name):
            rows[-1].append(
                button(_id(f"ask.{name}", key), say(ask), style=discord.ButtonStyle.primary, emoji="✏️")
            )
        body = join("\n", [_HELP[name], now, *warnings(entry, self.guild)])
        title = join(" · ", [words.SETTING_WORDS[name], entry.title])
        footer = text("Times are in {zone}", zone=self.listing.settings.time_zone)
        return Page(embeds=[self._embed(title, body, footer)], rows=rows)

    def _template(self, entry: Entry, name: str) -> Page:
        """Show an own text with a preview of the message below it."""
        say, key = self.speaker.say, entry.key
        known = PLACEHOLDERS[key.kind]
        lines = [
            _HELP[name],
            *(join("", [f"`{{{one}}}` ", placeholder.words]) for one, placeholder in known.items()),
        ]
        now = self.listing.now
        is_over = name == "over_template"
        sample = sample_end(entry.options, now) if is_over else sample_message(key.kind, entry.options, now)
        said = guild_of(self.listing.settings).tell(sample)
        current = getattr(entry.options, name) or ""
        lines += ["", text("Now")] if current else []
        lines += [f"```\n{current.replace('```', '')}\n```"] if current else []
        buttons: list[Item[Any]] = [
            button(_id("open", key), say(text("Back")), emoji="↩️"),
            button(_id(f"ask.{name}", key), say(text("Write")), style=discord.ButtonStyle.primary, emoji="✏️"),
        ]
        if not key.is_default and name == "template":
            buttons.append(button(_id("test", key), say(text("Post a test"))))
        if getattr(entry.own, name) is not None:
            buttons.append(button(_id(f"wider.{name}", key), say(text("As usual"))))
        title = join(" · ", [words.SETTING_WORDS[name], entry.title])
        page = self._embed(title, join("\n", lines), text("Above: the message as it would be"))
        return Page(embeds=[draw(said).embed, page], rows=[buttons], content=said.lead)

    def pause(self, entry: Entry) -> Page:
        """Ask how long a subscription is paused."""
        say, key = self.speaker.say, entry.key
        options = [option(say(label), value) for value, (label, _) in words.PAUSES.items()]
        if entry.paused_until is not None:
            options.insert(0, option(say(text("Go on now")), "on"))
        buttons: list[Item[Any]] = [
            button(_id("open", key), say(text("Back")), emoji="↩️"),
            button(_id("ask.pause", key), say(text("Until…")), style=discord.ButtonStyle.primary, emoji="✏️"),
        ]
        body = text("Nothing is told until then. A live that is still on then is told then.")
        rows: _Rows = [[menu(_id("put.pause", key), say(text("For how long")), options)], buttons]
        return Page(embeds=[self._embed(join(" · ", [text("Pause"), entry.title]), body)], rows=rows)

    def copy(self, entry: Entry) -> Page:
        """Ask for the channel a subscription is copied to."""
        say = self.speaker.say
        body = text("It is told in the other channel as well, with the same choices.")
        rows: _Rows = [
            [channel_menu(_id("put.copy", entry.key), say(text("Copy to this channel")), ROOM_TYPES)],
            [button(_id("open", entry.key), say(text("Back")), emoji="↩️")],
        ]
        return Page(embeds=[self._embed(join(" · ", [text("Copy"), entry.title]), body)], rows=rows)

    def removal(self, entry: Entry) -> Page:
        """Ask whether a subscription is really to be removed."""
        say = self.speaker.say
        yes = button(_id("removed", entry.key), say(text("Yes, remove")), style=discord.ButtonStyle.danger)
        rows: _Rows = [[button(_id("open", entry.key), say(text("Back")), emoji="↩️"), yes]]
        return Page(embeds=[self._embed(entry.title, removal_question(entry))], rows=rows)

    def _choices(self, entry: Entry, name: str) -> Iterator[discord.SelectOption]:
        """Give what is offered for a setting, and last that the wider choice counts."""
        say, current = self.speaker.say, getattr(entry.own, name)
        offered: list[tuple[str, str]] = [*self._values(entry, name)]
        for value, label in offered[:23]:
            yield option(self._plain(label), value, is_chosen=value == _value_of(current))
        wider = words.said(name, entry.wider)
        yield option(say(text("As usual")), WIDER, hint=self._plain(wider), is_chosen=current is None)

    def _values(self, entry: Entry, name: str) -> Iterator[tuple[str, str]]:
        if name == "mention":
            yield Mention.NOBODY, words.MENTION_WORDS[Mention.NOBODY]
            if self.listing.may_make_roles and entry.key.kind in {Kind.LIVE, Kind.RECAP}:
                yield Mention.PERSONAL, words.MENTION_WORDS[Mention.PERSONAL]
        elif name == "only":
            yield from ((value, label) for value, (label, _) in _ONLY.items())
        elif name == "tag_id":
            channel = self.guild.get_channel(entry.key.channel_id)
            if isinstance(channel, discord.ForumChannel):
                yield from ((str(tag.id), tag.name) for tag in channel.available_tags)
        elif name in {"publish", "thread"}:
            yield from (("1", words.ON), ("0", words.NO))
        elif name in _OFFERED:
            for value in _OFFERED[name]:
                yield str(value), words.value_words(name, value)
        else:
            yield from ((str(value), label) for value, label in _ENUMS[name].items())

    def _options(self, entries: Sequence[Entry]) -> list[discord.SelectOption]:
        return [
            option(self._plain(entry.title), str(entry.key), hint=self._where(entry))
            for entry in entries
            if len(str(entry.key)) <= _KEY_LIMIT
        ]

    def _where(self, entry: Entry) -> str:
        if entry.key.is_default:
            return self._plain(words.own_words(entry.options, entry.key.kind, entry.wider))
        channel = self.guild.get_channel_or_thread(entry.key.channel_id)
        return f"#{channel.name}" if channel is not None else str(entry.key.channel_id)

    def _plain(self, said: str) -> str:
        """Say words where Discord shows no markdown and no mentions."""
        plain = self.speaker.say(said).replace("\\", "")
        for role in self.guild.roles:
            plain = plain.replace(f"<@&{role.id}>", f"@{role.name}")
        return clip(plain, OPTION_LIMIT)

    def _embed(self, title: str, body: str, footer: str = "") -> discord.Embed:
        say = self.speaker.say
        embed = discord.Embed(
            title=clip(say(title), 256),
            description=clip(say(body), BODY_LIMIT),
            colour=COLOURS[Tone.NOTICE],
        )
        return embed.set_footer(text=say(footer)) if footer else embed


_ENUMS: Mapping[str, Mapping[Any, str]] = {
    "quiet": words.QUIET_WORDS,
    "after_live": words.AFTER_WORDS,
    "digest": words.DIGEST_WORDS,
}
_ASK: Mapping[str, str] = {
    "quiet": text("Hours…"),
    "only": text("Days and hours…"),
    "delay_minutes": text("Another…"),
    "min_viewers": text("Another…"),
    "grace_minutes": text("Another…"),
    "cooldown_minutes": text("Another…"),
    "delete_after_hours": text("Another…"),
    "digest_at": text("Another…"),
}


def removal_question(entry: Entry) -> str:
    """Ask before something is removed, and say what that means."""
    channel = f"<#{entry.key.channel_id}>"
    if entry.key.is_default:
        return text("Forget what was chosen for {what} in the whole server?", what=KIND_WORDS[entry.key.kind])
    if entry.route is not None and entry.key.kind is Kind.LIVE:
        return text(
            "Stop following {name} in {channel}? Its recaps end there as well. What was recorded is kept.",
            name=entry.name,
            channel=channel,
        )
    if entry.route is not None:
        return text("Switch off {what} in {channel}?", what=entry.title, channel=channel)
    return text("Remove {what} from {channel}, with all that was chosen?", what=entry.title, channel=channel)


def _id(act: str, about: object = "") -> str:
    return f"{_PREFIX}{act}:{about}"


def _value_of(current: Any) -> str:
    """Give the value of the option that stands for what was chosen; empty where none does."""
    if isinstance(current, bool):
        return str(int(current))
    if isinstance(current, Only):
        return next((value for value, (_, only) in _ONLY.items() if only == current), "")
    mode = getattr(current, "mode", current)
    return "" if mode is None else str(mode)


def only_of(value: str) -> Only:
    """Give the days and hours of an offered choice."""
    return _ONLY[value][1]
