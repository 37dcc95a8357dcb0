"""``python -m tools.screenshots`` on the real sandbox: it plays the tour up to the step it takes a picture of."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import Browser

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]


async def test_the_command_takes_a_picture_of_a_step(browser: Browser, tmp_path: Path) -> None:
    """`browser` is only asked for because it skips with the reason where there is none."""
    taking = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "tools.screenshots",
            "--steps",
            "live",
            "--themes",
            "dark",
            "--to",
            str(tmp_path),
        ),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await taking.communicate()
    assert taking.returncode == 0, told.decode()[-2000:]
    with Image.open(tmp_path / "live-dark.webp") as picture:
        assert picture.size == (1280, 800)
        assert len(picture.convert("RGB").getcolors(1 << 24) or ()) > 100
