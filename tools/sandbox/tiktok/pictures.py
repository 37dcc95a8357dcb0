"""Pictures for covers and avatars: somebody before a coloured wall, other colours for each seed."""

from __future__ import annotations

import colorsys
import io

from PIL import Image, ImageDraw, ImageOps

_SPREAD = 2654435761  # Knuth's: neighbours get colours far apart
_QUALITY = 6  # of zlib


def picture(seed: int, width: int, height: int) -> bytes:
    """A PNG of that size in pixels; the same seed gives the same picture."""
    mixed = seed * _SPREAD & 0xFFFFFFFF
    hue = (mixed >> 12) / 0xFFFFF
    wall = ImageOps.colorize(
        Image.linear_gradient("L").resize((width, height)), black=_rgb(hue + 0.1, 0.6), white=_rgb(hue, 0.3)
    )
    draw = ImageDraw.Draw(wall)
    middle, head = width * (0.4 + 0.2 * (mixed & 0xFF) / 0xFF), width * 0.17
    neck, person = height * 0.62, _rgb(hue - 0.06, 0.14)
    draw.ellipse((middle - 2.1 * head, neck, middle + 2.1 * head, neck + height), fill=person)
    draw.ellipse(
        (middle - head, neck - 2.1 * head, middle + head, neck + 0.2 * head), fill=_rgb(hue - 0.06, 0.2)
    )
    file = io.BytesIO()
    wall.save(file, "PNG", compress_level=_QUALITY)
    return file.getvalue()


def _rgb(hue: float, lightness: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hls_to_rgb(hue % 1, lightness, 0.5)
    return round(red * 255), round(green * 255), round(blue * 255)
