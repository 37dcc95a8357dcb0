"""The page's files, without a browser: what they draw and what they may ask for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "tools" / "sandbox" / "page" / "static"
PICTOGRAPHS = re.compile(
    "[\u231a\u231b\u23e9-\u23fa\u2614\u2615\u26a0\u26aa\u26ab\u2705\u2728\u274c\u2753-\u2755\u2b50\U0001f000-\U0001faff]"
)


def test_every_emoji_of_the_bot_and_its_world_is_drawn() -> None:
    used: set[str] = set()
    for folder in ("bot", "cogs", "tools/sandbox/world", "tools/past"):
        for kind in ("*.py", "*.po"):
            for file in (ROOT / folder).rglob(kind):
                used |= set(PICTOGRAPHS.findall(file.read_text("utf-8")))
    drawn = {file.stem for file in (STATIC / "vendor" / "twemoji").glob("*.svg")}
    assert {f"{ord(one):x}" for one in used} <= drawn
    named = set(re.findall(r"\b[0-9a-f]{4,5}\b", (STATIC / "emoji.js").read_text("utf-8").split(".split")[0]))
    assert named == drawn


def test_nothing_is_asked_of_others_and_no_html_is_made_of_text() -> None:
    for file in [*STATIC.glob("*.js"), *STATIC.glob("*.css"), *STATIC.glob("*.html")]:
        text = file.read_text("utf-8")
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|dangerouslySet|document\.write", text
        ), file
        assert not re.search(r"""(?:src=|import |from |url\()\s*["']?(?:https?:)?//""", text), file
    assert "<script>" not in (STATIC / "index.html").read_text("utf-8")


SEEN_ON = {
    "chat": ("text", "strong", "muted", "faint", "link", "bad-text"),
    "side": ("text", "strong", "muted", "faint", "link", "bad-text"),
    "embed": ("text", "strong", "muted", "faint", "link", "bad-text"),
    "pinged": ("text", "strong", "muted", "faint", "link"),
    "private": ("text", "strong", "muted", "faint", "link", "bad-text"),
    "raised": ("text", "muted", "faint"),
    "active": ("strong", "muted"),
    "accent": ("accent-text",),
    "mention-back": ("mention",),
    "warn": ("on-warn",),
}
READABLE, RECOGNISABLE = 4.5, 3.0
"""What WCAG 2.2 asks of texts (1.4.3, AA), and of signs (1.4.11)."""


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_what_is_written_can_be_read(theme: str) -> None:
    colours = _colours(theme)
    found = {
        (text, back): _contrast(colours[text], colours[back])
        for back, texts in SEEN_ON.items()
        for text in texts
    }
    assert {pair: round(contrast, 2) for pair, contrast in found.items() if contrast < READABLE} == {}


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_sign_that_sends_a_command_is_seen(theme: str) -> None:
    rule = re.search(
        r"\.is-command \.composer-send \{[^}]*color: var\(--([\w-]+)\)",
        (STATIC / "tools.css").read_text("utf-8"),
    )
    assert rule is not None
    colours = _colours(theme)
    assert _contrast(colours[rule[1]], colours["raised"]) >= RECOGNISABLE


def _colours(theme: str) -> dict[str, str]:
    """The colours that have a name, in a theme: the light one changes some of the dark one's."""
    text = (STATIC / "style.css").read_text("utf-8")
    blocks = [":root {", ':root[data-theme="light"] {'][: 1 + (theme == "light")]
    found: dict[str, str] = {}
    for block in blocks:
        inside = text.partition(block)[2].partition("}")[0]
        found.update(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", inside))
    return found


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
