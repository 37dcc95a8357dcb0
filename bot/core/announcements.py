"""What is said: a message as plain data, without Discord's types.

A message is stored as JSON in the outbox beside the state change that caused it, and drawn by the
Discord edge when it is delivered. Text from outside must be escaped (`bot.core.markup.escape`) by
whoever builds a message. Our own words are texts (`bot.texts`): they stay texts in the outbox and are said in the
language the guild has when the message is delivered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from bot.core.charts import ChartSpec

NONCE_LENGTH = 25  # Discord's limit for a nonce (specs/discord.md 4)


class Tone(StrEnum):
    """What a message is about at a glance; the edge picks the colour."""

    LIVE = "live"
    ENDED = "ended"
    ROUND = "round"
    NOTICE = "notice"
    WARNING = "warning"


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageField:
    """One named value; `inline` fields stand beside each other."""

    name: str
    value: str
    inline: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One message. `mention_role_id` is pinged once, when the message is first posted, never on an edit.

    `chart` is drawn when the message is delivered and attached as its picture; `image_url` is a picture
    that is already somewhere. `lead` are an admin's own words above all this. `panel` names buttons that
    members press (`bot.discord.panels`), empty where there are none.
    """

    title: str
    tone: Tone
    body: str = ""
    url: str = ""
    fields: tuple[MessageField, ...] = ()
    image_url: str = ""
    button_label: str = ""
    button_url: str = ""
    footer: str = ""
    mention_role_id: int | None = None
    lead: str = ""
    panel: str = ""
    chart: ChartSpec | None = None

    def to_json(self) -> dict[str, Any]:
        """Give the message as JSON-ready data; `from_json` reads it back unchanged."""
        data = {name: getattr(self, name) for name in self.__dataclass_fields__}
        data["fields"] = tuple(asdict(field) for field in self.fields)
        data["chart"] = None if self.chart is None else self.chart.to_json()
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Message:
        """Read what `to_json` gave."""
        chart = data.get("chart")
        return cls(
            **{
                **data,
                "tone": Tone(data["tone"]),
                "fields": tuple(MessageField(**field) for field in data["fields"]),
                "chart": None if chart is None else ChartSpec.from_json(chart),
            }
        )


def nonce_for(event_key: str, channel_id: int, generation: int = 0) -> str:
    """Give the fixed nonce of an event in a channel, so that a repeated send is recognised as the same.

    `generation` counts how often the message was posted anew on purpose: that is another message.
    """
    known_by = f"{event_key}\n{channel_id}" + (f"\n{generation}" if generation else "")
    digest = hashlib.sha256(known_by.encode()).hexdigest()
    return digest[:NONCE_LENGTH]
