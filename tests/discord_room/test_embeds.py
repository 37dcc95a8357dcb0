"""What Discord is sent keeps Discord's limits, whatever the message says."""

from __future__ import annotations

import discord
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.announcements import Message, MessageField, Tone
from bot.discord import embeds
from bot.discord.embeds import draw

TEXT = st.integers(0, 5000).map(lambda length: "x" * length)
FIELDS = st.lists(st.builds(MessageField, name=TEXT, value=TEXT, inline=st.booleans()), max_size=40).map(
    tuple
)
MESSAGES = st.builds(Message, title=TEXT, tone=st.sampled_from(Tone), body=TEXT, fields=FIELDS, footer=TEXT)


@given(message=MESSAGES)
@settings(max_examples=60)
def test_no_message_is_longer_than_discord_takes(message: Message) -> None:
    embed = draw(message, marker="ref 12345678").embed
    assert len(embed.title or "") <= 256
    assert len(embed.description or "") <= 4096
    assert len(embed.fields) <= 25
    assert all(0 < len(field.name) <= 256 and 0 < len(field.value) <= 1024 for field in embed.fields)
    assert len(embed) <= 6000
    assert embed.footer.text.endswith("ref 12345678")


def test_a_short_message_is_shown_whole() -> None:
    message = Message(
        title="Anna is live",
        tone=Tone.LIVE,
        body="Hello",
        url="https://example.org/live",
        fields=(MessageField(name="Viewers", value="7"),),
        image_url="https://example.org/cover.jpg",
        footer="TikTok",
    )
    embed = draw(message, marker="ref 1").embed
    assert (embed.title, embed.description, embed.url) == (
        "Anna is live",
        "Hello",
        "https://example.org/live",
    )
    assert [(field.name, field.value, field.inline) for field in embed.fields] == [("Viewers", "7", True)]
    assert embed.image.url == "https://example.org/cover.jpg"
    assert embed.footer.text == "TikTok · ref 1"


async def test_links_that_discord_would_refuse_are_left_out() -> None:
    for bad in ("javascript:alert(1)", "no link", "https://example.org/" + "x" * 3000):
        drawn = draw(Message(title="x", tone=Tone.LIVE, url=bad, image_url=bad, button_url=bad))
        assert (drawn.embed.url, drawn.embed.image.url, drawn.view) == (None, None, None)


def test_a_picture_takes_the_place_of_the_cover() -> None:
    message = Message(title="Round", tone=Tone.ROUND, image_url="https://example.org/cover.jpg")
    drawn = draw(message, picture=b"png")
    assert drawn.embed.image.url == "attachment://chart.png"
    assert [file.filename for file in drawn.files()] == ["chart.png"]


async def test_a_button_opens_the_link() -> None:
    message = Message(title="x", tone=Tone.LIVE, button_label="Watch " * 40, button_url="https://example.org")
    (button,) = draw(message).view.children
    assert button.url == "https://example.org"
    assert len(button.label) <= 80
    assert button.style is discord.ButtonStyle.link


def test_every_tone_has_a_colour_of_its_own() -> None:
    colours = {draw(Message(title="x", tone=tone)).embed.colour.value for tone in Tone}
    assert len(colours) == len(Tone)


def test_the_limits_are_those_of_the_specification() -> None:
    assert (embeds.TITLE_LIMIT, embeds.BODY_LIMIT, embeds.TOTAL_LIMIT) == (256, 4096, 6000)
