"""The README's pictures: they are there, as `python -m tools.screenshots` takes them. That it does is tests/browser's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from tools.sandbox.tour import STEPS
from tools.screenshots.__main__ import FOLDER, MOST_BYTES, SHOTS, THEMES, main

ROOT = Path(__file__).resolve().parents[2]
NAMED = sorted(
    set(re.findall(r"tools/screenshots/([\w.-]+)", (ROOT / "README.md").read_text("utf-8"))) - {"__main__.py"}
)
SIZES = {f"{shot.step}-{theme}.webp": (shot.width, shot.height) for shot in SHOTS for theme in THEMES}


@pytest.mark.parametrize("name", NAMED)
def test_a_picture_of_the_readme_is_there_small_and_of_the_tour(name):
    file = FOLDER / name
    assert file.stat().st_size <= MOST_BYTES
    with Image.open(file) as picture:
        assert picture.size == SIZES[name]


def test_the_readme_shows_every_picture_dark_and_light():
    assert sorted(SIZES) == NAMED == sorted(file.name for file in FOLDER.glob("*.webp"))


def test_every_picture_is_of_a_step_of_the_tour():
    assert {shot.step for shot in SHOTS} <= {step.name for step in STEPS}


def test_a_step_without_a_picture_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["--steps", "nothing"])
    assert "there are pictures of live, recording" in capsys.readouterr().err
