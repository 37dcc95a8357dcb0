"""Messages as they are stored, made for many channels that differ by little: the mentioned role, an admin's words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.core.announcements import Message
from bot.core.notifications.kinds import Kind
from bot.core.notifications.news import News
from bot.core.notifications.options import Mention, Options
from bot.core.notifications.panels import bell
from bot.core.notifications.placement import Placement
from bot.core.notifications.templates import filled_template
from bot.storage.notified import Noted
from bot.storage.types import compact
from bot.texts import unpacked

_ODD = (ValueError, TypeError, LookupError, AttributeError)
_NOBODY = '"mention_role_id":null'


class Drafts:
    """Writes messages of one event as JSON; what two channels have in common is written once."""

    def __init__(self, news: News) -> None:
        self._news = news
        self._facts = compact(news.to_json())[:-1]
        self._leads: dict[tuple[str, str], str] = {}
        self._messages: dict[tuple[int, str, str], tuple[Message, list[str]]] = {}
        self._placements: dict[tuple[Any, ...], str] = {}

    def lead(self, options: Options, message: Message) -> str:
        """Give an admin's words above a message, as things are now."""
        news = self._news
        template = (options.over_template if news.is_over else options.template) or ""
        if not template:
            return ""
        if (template, message.title) not in self._leads:
            # A live has a title of its own.
            facts = news.facts if news.kind.goes_on else {"title": message.title, **news.facts}
            self._leads[template, message.title] = filled_template(template, facts, news.kind)
        return self._leads[template, message.title]

    def panel(self, options: Options) -> str:
        """Give the button by which members ask for an account whose asking members are pinged."""
        is_asked_for = options.mention is Mention.PERSONAL and self._news.kind.goes_on
        return bell(self._news.subject) if is_asked_for and not self._news.is_over else ""

    def message(self, message: Message, lead: str, role_id: int | None, panel: str = "") -> str:
        """Give a message with its lead and its panel that mentions a role, as it is stored."""
        key = (id(message), lead, panel)
        if key not in self._messages:
            plain = replace(message, lead=lead, mention_role_id=None, panel=panel or message.panel)
            self._messages[key] = message, compact(plain.to_json()).split(_NOBODY, 1)
        if role_id is None:
            return _NOBODY.join(self._messages[key][1])
        return f'"mention_role_id":{role_id}'.join(self._messages[key][1])

    def facts(self, more: Mapping[str, Any]) -> str:
        """Give what stays with a message of the event, and what is its channel's own, as it is stored."""
        return f"{self._facts},{compact(more)[1:]}"

    def placement(self, message: Message, options: Options, in_thread_of: str) -> str:
        """Give where in its channel a message stands, as it is stored."""
        opens_thread = bool(options.thread) and self._news.kind.goes_on
        key = (message.title, options.publish, opens_thread, options.tag_id, in_thread_of)
        if key not in self._placements:
            placement = Placement(
                publish=bool(options.publish),
                opens_thread=opens_thread,
                thread_name=message.title,
                tag_id=options.tag_id,
                in_thread_of=in_thread_of,
            )
            self._placements[key] = compact(placement.to_json())
        return self._placements[key]


class Stored:
    """Reads messages as they are stored; each text is read once."""

    def __init__(self) -> None:
        self._known: dict[str, Message | None] = {}
        self._facts: dict[str, Mapping[str, Any]] = {}

    def message(self, stored: str) -> Message | None:
        """Give a message without what was decided of it; None for one that this version of the bot cannot read."""
        if stored not in self._known:
            self._known[stored] = _read(stored)
        return self._known[stored]

    def news(self, row: Noted) -> News | None:
        """Give what was told last of a row; None for what this version of the bot cannot read."""
        try:
            data = self.facts(row)
            return News.from_json(data, kind=Kind(row.kind), subject=row.subject, event_key=row.event_key)
        except _ODD:
            return None

    def role_id(self, row: Noted) -> int | None:
        """Give the role that was given with `/live add` when a row was told last."""
        role_id: int | None = self.facts(row).get("role_id")
        return role_id

    def facts(self, row: Noted) -> Mapping[str, Any]:
        """Give what was kept with a message; of one that an older version put, only whom it mentions."""
        kept = row.facts or row.message
        if kept not in self._facts:
            data = unpacked(json.loads(kept))
            self._facts[kept] = data if row.facts else {"pinged": data.get("mention_role_id")}
        return self._facts[kept]

    def is_same(self, stored: str, wanted: str) -> bool:
        """Tell whether two messages read the same."""
        return stored == wanted or (
            self.message(stored) is not None and self.message(stored) == self.message(wanted)
        )


def _read(stored: str) -> Message | None:
    try:
        return Message.from_json(unpacked(json.loads(stored)))
    except _ODD:
        return None
