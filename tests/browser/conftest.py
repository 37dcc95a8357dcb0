"""One sandbox, as `tools/run.py --sandbox` starts it, and one browser for all tests of the page.

They are shared, so a test leaves behind nothing that another would trip over, and counts on no message's place.
Every test file needs ``pytestmark = pytest.mark.asyncio(loop_scope="session")``: the browser lives in that loop.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    async_playwright,
    expect,
)

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
PATIENCE_SECONDS = 580
"""The first start makes three months of past: half a minute on a machine that does nothing else."""
FAST = 60
WIDE, NARROW = (1280, 800), (390, 800)
TIMEOUT_SECONDS = PATIENCE_SECONDS + 20
OpenPage = Callable[..., Awaitable[Page]]
expect.set_options(timeout=60_000)  # of 5 s many pass on a busy machine before a page was drawn


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whichever test comes first waits for the sandbox."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(TIMEOUT_SECONDS))


class Sandbox:
    """The running sandbox and what its page's server is asked."""

    def __init__(self, address: str, process: asyncio.subprocess.Process) -> None:
        self.address = address
        self.process = process

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the page's own API. Raises urllib.error.HTTPError for what it refuses."""
        return await asyncio.to_thread(self._call, method, path, body)

    def _call(self, method: str, path: str, body: Any) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.address}/api/{path}", data, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    async def command(
        self,
        name: str,
        options: dict[str, Any] | None = None,
        *,
        user: str = "admin",
        channel: str = "general",
    ) -> dict[str, Any]:
        """Use a slash command as a person of the sandbox; give the interaction once it is answered."""
        order = {"user": user, "channel": channel, "name": name, "options": options or {}}
        sent = await self.call("POST", "discord/command", order)
        found: dict[str, Any] = await self.call(
            "GET", f"discord/interactions/{sent['interaction_id']}?wait=40"
        )
        return found

    async def say(self, content: str, *, user: str = "admin", channel: str = "general") -> dict[str, Any]:
        """Write a message as a person of the sandbox."""
        order = {"user": user, "channel": channel, "content": content}
        said: dict[str, Any] = await self.call("POST", "discord/messages", order)
        return said

    async def bot_is(self, state: str) -> None:
        """Wait until the bot is "online" or whatever else."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self._bot_state() != state:  # noqa: ASYNC110 - another process changes it
                await asyncio.sleep(0.1)  # noqa: TID251 - other processes need real time

    async def _bot_state(self) -> str:
        try:
            return str((await self.call("GET", "state"))["bot"])
        except urllib.error.URLError:
            return "nobody answers"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sandbox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sandbox]:
    """The sandbox with its bot online."""
    log = tmp_path_factory.mktemp("sandbox") / "run.out"
    async with _started(log) as process:
        found = Sandbox(await _address(log, process), process)
        await found.bot_is("online")
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def hurried(sandbox: Sandbox) -> AsyncIterator[Sandbox]:
    """Let the world run fast for the tests of the page alone: what runs after them needs the processors."""
    await sandbox.call("POST", "panel/speed", {"speed": FAST})
    yield sandbox
    await sandbox.call("POST", "panel/speed", {"speed": 1})


@asynccontextmanager
async def _started(log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    hidden = {"DISCORD_TOKEN", "DISCORD_API_URL", "DATA_FOLDER", "DATABASE_URL"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(ROOT / "tools" / "run.py"),
            "--sandbox",
            env=environment,
            stdout=file,
            stderr=file,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        try:
            async with asyncio.timeout(30):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def _address(log: Path, process: asyncio.subprocess.Process) -> str:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (found := ADDRESS.search(told := _read(log))):
            assert process.returncode is None, f"the sandbox ended:\n{told}"
            await asyncio.sleep(0.1)  # noqa: TID251 - it is another process
    return found.group()


def _read(log: Path) -> str:
    return log.read_text("utf-8", errors="replace")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Headless Chromium: the system's, or the one `playwright install chromium` brings."""
    async with async_playwright() as playwright:
        program = _chromium(playwright)
        if program is None:
            pytest.skip("no Chromium: install the system's, or run `python -m playwright install chromium`")
        # Root's processes, as in a container, cannot have Chromium's own sandbox.
        extra = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        browser = await playwright.chromium.launch(executable_path=program, args=extra)
        yield browser
        await browser.close()


def _chromium(playwright: Playwright) -> str | None:
    own = playwright.chromium.executable_path
    return shutil.which("chromium") or shutil.which("google-chrome") or (own if Path(own).exists() else None)


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser: Browser, hurried: Sandbox) -> AsyncIterator[OpenPage]:
    """Open the page: ``await open_page(channel="lives", me="member", size=NARROW, theme="light")``.

    At the end fails for whatever the page complained of, and for every request that left this machine.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    async def opened(
        *, channel: str = "general", me: str = "admin", size: tuple[int, int] = WIDE, theme: str = "dark"
    ) -> Page:
        context = await browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="light" if theme == "light" else "dark",
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if is_complaint(said) else None)
        page.on("request", lambda sent: _check_origin(sent.url, hurried, complaints))
        await page.goto(hurried.address)
        await page.wait_for_selector(".app")
        show = "([me, name]) => { vedette.become(me); vedette.open(vedette.findChannel(name).id); }"
        await page.evaluate(show, [me, channel])
        return page

    yield opened
    for context in contexts:
        await context.close()
    assert complaints == []


def is_complaint(said: ConsoleMessage) -> bool:
    """Tell whether it is one; that the server refused something is the page's to show, not the browser's."""
    return said.type == "error" and "status of 400" not in said.text


def _check_origin(url: str, sandbox: Sandbox, complaints: list[str]) -> None:
    if not url.startswith((sandbox.address, "data:")):
        complaints.append(f"asked another: {url}")
