"""``python -m tools.screenshots [--steps NAME ...] [--themes dark light] [--to FOLDER]``: take the README's pictures.

Starts the sandbox with its tour, leads the tour from step to step in headless Chromium, and takes a picture where
`SHOTS` names the step. Exit code 1 if a step did not show what it announces, or a picture is too large. Needs the
packages of the tests and a Chromium: the system's, or the one of ``python -m playwright install chromium``.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import re
import shutil
import signal
import sys
import urllib.request
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.async_api import Browser, Page, async_playwright

from tools.environment import ROOT
from tools.sandbox.tour import MISSING, STEPS, Step

FOLDER = Path(__file__).parent
THEMES = ("dark", "light")
MOST_BYTES = 150 * 1024
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
_START_SECONDS = 300  # the first time three months of past are made
#: The tour's caption is for who watches it; in the README the text says what is seen.
_WITHOUT_CAPTION = ".tour { display: none !important }"

#: Of those that are seen: the others are not even asked for.
_PICTURES_ARE_THERE = """() => [...document.images].every((one) => {
  const { top, bottom } = one.getBoundingClientRect();
  return one.complete || bottom < 0 || top > innerHeight;
})"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shot:
    """One picture: the whole window, `width` by `height` pixels."""

    step: str
    width: int = 1280
    height: int = 800


SHOTS = (
    Shot(step="live"),
    Shot(step="recording"),
    Shot(step="round"),
    Shot(step="prediction"),
    Shot(step="profile", width=390),
)


def main(arguments: Sequence[str]) -> int:
    """Take the pictures; give the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.screenshots", description="Take the README's pictures."
    )
    parser.add_argument("--steps", nargs="+", default=[shot.step for shot in SHOTS], metavar="NAME")
    parser.add_argument("--themes", nargs="+", default=THEMES, choices=THEMES)
    parser.add_argument("--to", type=Path, default=FOLDER, metavar="FOLDER")
    wanted = parser.parse_args(arguments)
    shots = [shot for shot in SHOTS if shot.step in wanted.steps]
    if len(shots) < len(set(wanted.steps)):
        parser.error(f"there are pictures of {', '.join(shot.step for shot in SHOTS)}")
    wanted.to.mkdir(parents=True, exist_ok=True)
    try:
        asyncio.run(_take(shots, wanted.themes, wanted.to))
    except ShotError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


class ShotError(Exception):
    """A picture could not be taken, or should not be kept."""


async def _take(shots: Sequence[Shot], themes: Sequence[str], folder: Path) -> None:
    async with _tour() as address, _chromium() as browser:
        await _lead(address, {"held": True})
        looks = {(theme, shot.width, shot.height) for shot in shots for theme in themes}
        pages = {look: await _open(browser, address, *look) for look in sorted(looks)}
        last = max(number for number, step in enumerate(STEPS) if step.name in {shot.step for shot in shots})
        for step in STEPS[: last + 1]:
            for page in pages.values():
                await _wait_for(page, step)
            # All first: packing takes a while, and the world goes on.
            taken = {
                f"{shot.step}-{theme}.webp": await _picture(pages[theme, shot.width, shot.height])
                for shot in shots
                for theme in themes
                if shot.step == step.name
            }
            for name, picture in taken.items():
                _save(picture, folder / name)
            await _lead(address, {})


@asynccontextmanager
async def _tour() -> AsyncIterator[str]:
    """Run the sandbox with its tour; give the address of its page."""
    hidden = {"DISCORD_TOKEN", "DATA_FOLDER", "DATABASE_URL"}
    sandbox = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "tools" / "run.py"), "--tour", "--port", "0"),
        env={name: value for name, value in os.environ.items() if name not in hidden},
        stdout=asyncio.subprocess.PIPE,
    )
    reading: asyncio.Task[None] | None = None
    try:
        async with asyncio.timeout(_START_SECONDS):
            address = await _address(sandbox)
        reading = asyncio.create_task(_read_on(sandbox))
        yield address
    finally:
        if sandbox.returncode is None:
            sandbox.send_signal(signal.SIGINT)
        await sandbox.wait()
        if reading is not None:
            reading.cancel()


async def _address(sandbox: asyncio.subprocess.Process) -> str:
    while sandbox.stdout and (line := await sandbox.stdout.readline()):
        if found := _ADDRESS.search(line.decode()):
            return found.group()
    raise ShotError("The sandbox ended before it was there.")


async def _read_on(sandbox: asyncio.subprocess.Process) -> None:
    """Keep the pipe from filling."""
    while sandbox.stdout and await sandbox.stdout.readline():
        pass


@asynccontextmanager
async def _chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        program = (
            shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        )
        # Root's processes, as in a container, cannot have Chromium's own sandbox.
        is_root = hasattr(os, "geteuid") and os.geteuid() == 0
        browser = await playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"] if is_root else []
        )
        yield browser
        await browser.close()


async def _open(browser: Browser, address: str, theme: str, width: int, height: int) -> Page:
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
    )
    page = await context.new_page()
    await page.goto(address)
    await page.add_style_tag(content=_WITHOUT_CAPTION)
    return page


async def _wait_for(page: Page, step: Step) -> None:
    """Wait until the page shows what the step announces. Raises ShotError if that did not come."""
    seen = "name => { const tour = window.vedette.state.tour; return tour?.name === name && tour.state }"
    is_over = f"name => {{ const state = ({seen})(name); return state && state !== 'expected' && state }}"
    found = await page.wait_for_function(is_over, arg=step.name, timeout=1000 * _START_SECONDS)
    if await found.json_value() == MISSING:
        raise ShotError(await page.evaluate("window.vedette.state.tour.caption"))
    # The tour is told faster than what has happened in Discord.
    await page.wait_for_function("() => window.vedette.last >= window.vedette.state.tour.after")


async def _picture(page: Page) -> bytes:
    await page.wait_for_function(_PICTURES_ARE_THERE)
    return await page.screenshot(animations="disabled")


def _save(picture: bytes, file: Path) -> None:
    """Write it as it is, which WebP does in half of what PNG takes. Raises ShotError if it is too large even so."""
    packed = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").save(packed, "WEBP", lossless=True, quality=100, method=4)
    size = len(packed.getvalue())
    if size > MOST_BYTES:
        raise ShotError(f"{file.name} would have {size} bytes, more than {MOST_BYTES}.")
    file.write_bytes(packed.getvalue())
    print(f"{file} ({size / 1024:.0f} KB)", flush=True)


async def _lead(address: str, body: dict[str, Any]) -> None:
    """Hold the tour, or let it go on."""
    request = urllib.request.Request(  # noqa: S310 - the address is of this machine
        f"{address}/api/panel/tour", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    await asyncio.to_thread(_send, request)


def _send(request: urllib.request.Request) -> None:
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        answer.read()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
