"""A message as Discord shows it: embed, button, picture; Discord's limits are kept by clipping."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace

import discord

from bot.core.announcements import Message, MessageField, Tone
from bot.core.markup import clip
from bot.discord.role_controls import panel_buttons

CHART_NAME = "chart.png"
# Limits: specs/discord.md 4.
TITLE_LIMIT, BODY_LIMIT, FIELDS_LIMIT, NAME_LIMIT, VALUE_LIMIT = 256, 4096, 25, 256, 1024
CONTENT_LIMIT, FOOTER_LIMIT, TOTAL_LIMIT, LABEL_LIMIT, URL_LIMIT, LINK_LIMIT = 2000, 2048, 6000, 80, 512, 2048
# Discord refuses an empty name or value; this one is empty to the eye.
_NOTHING = "\u200b"
COLOURS = {
    # From the palette of Okabe and Ito, which people with any colour vision tell apart.
    Tone.LIVE: 0xD55E00,
    Tone.ENDED: 0x999999,
    Tone.ROUND: 0x0072B2,
    Tone.NOTICE: 0x009E73,
    Tone.WARNING: 0xE69F00,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """What is sent. `content` is the role to ping and the admin's own words, empty where there is neither."""

    content: str
    embed: discord.Embed
    view: discord.ui.View | None
    picture: bytes | None

    def files(self) -> list[discord.File]:
        """Give the picture as a new upload; a discord.File can be sent once."""
        return [] if self.picture is None else [discord.File(io.BytesIO(self.picture), CHART_NAME)]


def draw(message: Message, *, marker: str = "", picture: bytes | None = None) -> Drawn:
    """Draw a message; `marker` stands in the footer, by which the bot finds its own message again."""
    return Drawn(
        content=_content(message),
        embed=_embed(_fitted(message, marker), with_picture=picture is not None),
        view=_button(message),
        picture=picture,
    )


def bears(message: discord.Message, marker: str) -> bool:
    """Tell whether a posted message is the one with this marker."""
    return any((embed.footer.text or "").endswith(marker) for embed in message.embeds)


def _content(message: Message) -> str:
    mention = "" if message.mention_role_id is None else f"<@&{message.mention_role_id}>"
    lead = clip(message.lead, CONTENT_LIMIT - len(mention) - 1)
    return " ".join(part for part in (mention, lead) if part)


def _embed(message: Message, *, with_picture: bool) -> discord.Embed:
    embed = discord.Embed(
        title=message.title or None,
        description=message.body or None,
        url=_link(message.url) or None,
        colour=COLOURS[message.tone],
    )
    for field in message.fields:
        embed.add_field(name=field.name, value=field.value, inline=field.inline)
    if message.footer:
        embed.set_footer(text=message.footer)
    if with_picture:
        embed.set_image(url=f"attachment://{CHART_NAME}")
    elif _link(message.image_url):
        embed.set_image(url=message.image_url)
    return embed


def _button(message: Message) -> discord.ui.View | None:
    view = discord.ui.View(timeout=None)
    if _link(message.button_url, URL_LIMIT):
        label = clip(message.button_label or "↗", LABEL_LIMIT)
        view.add_item(discord.ui.Button(style=discord.ButtonStyle.link, label=label, url=message.button_url))
    for one in panel_buttons(message):
        view.add_item(one)
    return view if view.children else None


def _link(url: str, limit: int = LINK_LIMIT) -> str:
    """Give a link back if Discord takes it, else nothing: a bad one would cost the whole message."""
    return url if url.startswith(("https://", "http://")) and len(url) <= limit else ""


def _fitted(message: Message, marker: str) -> Message:
    """Clip each text to its own limit, then the body and the last fields to the limit of all together."""
    space = FOOTER_LIMIT - len(marker) - 3
    footer = " · ".join(part for part in (clip(message.footer, space), marker) if part)
    title = clip(message.title, TITLE_LIMIT)
    left = TOTAL_LIMIT - len(title) - len(footer)
    fields = []
    for field in message.fields[:FIELDS_LIMIT]:
        fitted = MessageField(
            name=clip(field.name, NAME_LIMIT) or _NOTHING,
            value=clip(field.value, VALUE_LIMIT) or _NOTHING,
            inline=field.inline,
        )
        size = len(fitted.name) + len(fitted.value)
        if size > left:
            break
        left -= size
        fields.append(fitted)
    body = clip(message.body, min(BODY_LIMIT, left)) if left > 0 else ""
    return replace(message, title=title, body=body, fields=tuple(fields), footer=footer)
