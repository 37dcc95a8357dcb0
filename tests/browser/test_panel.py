"""The simulation's controls, and that the bot copes with being killed."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import FAST, NARROW, OpenPage, Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="session")
PATIENCE_MS = 90_000


def panel(page: Page) -> Locator:
    return page.get_by_role("complementary", name="The simulation")


def section(page: Page, title: str | re.Pattern[str]) -> Locator:
    return panel(page).locator("section", has=page.get_by_role("heading", name=title))


async def posted(sandbox: Sandbox) -> list[dict[str, Any]]:
    """What the bot has posted into the channels and is still there."""
    messages = await sandbox.call("GET", "discord/messages")
    return [one for one in messages if one["author"]["bot"] and one["nonce"] and not one["deleted"]]


async def test_the_worlds_time_runs_as_fast_as_wanted(sandbox: Sandbox, open_page: OpenPage) -> None:
    page = await open_page()
    shown, speed = panel(page).locator(".world-clock time"), panel(page).get_by_role("slider", name="Speed")
    try:
        await panel(page).get_by_role("button", name="600 times").click()
        await expect(speed).to_have_attribute("aria-valuetext", "600 times")
        before = await shown.text_content()
        await expect(shown).not_to_have_text(before or "", timeout=60_000)
        assert (await sandbox.call("GET", "state"))["clock"]["speed"] == 600
        await speed.press("Home")
        await expect(
            panel(page).get_by_role("button", name="1 times", exact=True, pressed=True)
        ).to_be_visible()
        await expect(shown).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))  # slow enough for seconds
        async with asyncio.timeout(60):
            while (await sandbox.call("GET", "state"))["clock"]["speed"] != 1:  # noqa: ASYNC110 - its own process
                await asyncio.sleep(0.05)  # noqa: TID251 - other processes need real time
    finally:
        await sandbox.call("POST", "panel/speed", {"speed": FAST})


@pytest_asyncio.fixture(loop_scope="session")
async def unhurried(hurried: Sandbox) -> AsyncIterator[Sandbox]:
    """The sandbox at the pace of this machine: what has begun does not end before the bot is back."""
    await hurried.call("POST", "panel/speed", {"speed": 1})
    yield hurried
    await hurried.call("POST", "panel/speed", {"speed": FAST})


async def test_killed_in_the_middle_of_a_live_the_bot_comes_back_and_doubles_nothing(
    unhurried: Sandbox, open_page: OpenPage
) -> None:
    sandbox, page = unhurried, await open_page(channel="lives")
    streamer = next(one for one in (await sandbox.call("GET", "panel"))["streamers"] if not one["live"])
    row = panel(page).locator(".panel-item", has_text=f"@{streamer['handle']}")
    earlier = {one["id"] for one in await posted(sandbox)}
    await row.get_by_role("button", name=re.compile("^Go live")).click()
    await expect(row.locator(".live-mark")).to_be_visible()
    async with asyncio.timeout(PATIENCE_MS / 1000):  # by itself it finds out later
        check = {"user": streamer["handle"]}
        while "Live since" not in str(await sandbox.command("live check", check)):  # noqa: ASYNC110
            await asyncio.sleep(1)  # noqa: TID251 - the bot is another process
    post = page.locator(".message", has=page.locator(".embed-title", has_text=streamer["nickname"])).last
    await expect(post).to_contain_text("is live", timeout=PATIENCE_MS)
    post = page.locator(f'[data-id="{await post.get_attribute("data-id")}"]')
    before = {one["id"] for one in await posted(sandbox)}

    await panel(page).get_by_role("button", name="Kill the bot").click()
    bot = section(page, "The bot").locator(".bot-state")
    await expect(bot).not_to_have_text("Online")
    await expect(bot).to_have_text("Online", timeout=PATIENCE_MS)

    await row.get_by_role("button", name=re.compile("^End")).click()
    await sandbox.command("live check", {"user": streamer["handle"]})
    await expect(post).to_contain_text("Duration", timeout=PATIENCE_MS)
    now = await posted(sandbox)
    # They may have been live before, at their own hours.
    new = [one for one in now if one["id"] not in earlier]
    about = [
        one for one in new if streamer["nickname"] in "".join(e.get("title") or "" for e in one["embeds"])
    ]
    assert [one["id"] for one in about] == [await post.get_attribute("data-id")]
    assert before <= {one["id"] for one in now}
    assert [nonce for nonce, count in Counter(one["nonce"] for one in now).items() if count > 1] == []


async def test_a_fault_is_switched_and_what_it_does_is_told(sandbox: Sandbox, open_page: OpenPage) -> None:
    page = await open_page()
    faults = section(page, "Let something go wrong")
    switch = faults.get_by_role("switch", name="Discord: too many requests (429)")
    await expect(faults).to_contain_text(
        "The bot waits as long as it is told to, then posts what waited, once."
    )
    await switch.click()
    await expect(switch).to_be_checked()
    shown = {one["name"]: one["on"] for one in (await sandbox.call("GET", "panel"))["faults"]}
    await switch.click()
    await expect(switch).not_to_be_checked()
    assert shown["rate_limit"] is True
    told = await faults.locator("li").all_inner_texts()
    assert [text for text in told if len(text) < 60] == []  # none without its explanation


async def test_what_was_asked_and_the_budgets_are_shown(open_page: OpenPage) -> None:
    page = await open_page()
    asked = section(page, "What was asked of each stand-in")
    await asked.get_by_text("Discord", exact=True).click()
    await expect(asked.locator("details[open] li").first).to_contain_text("/")
    await expect(section(page, "Budgets").get_by_role("meter").first).to_be_visible()
    await expect(section(page, "Game server")).to_contain_text(re.compile("Nobody plays|Playing"))


async def test_on_a_narrow_window_the_panel_is_a_drawer(open_page: OpenPage) -> None:
    page = await open_page(size=NARROW)
    await expect(panel(page)).to_be_hidden()
    await page.get_by_role("button", name="The simulation").click()
    await expect(panel(page).locator(".world-clock")).to_be_in_viewport()
    assert await page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]
    await panel(page).get_by_role("button", name="Close").click()
    await expect(panel(page)).to_be_hidden()


async def test_the_banner_says_what_this_is_and_how_to_connect_the_real_one(open_page: OpenPage) -> None:
    page = await open_page()
    await expect(page.get_by_role("region", name="About this page")).to_contain_text(
        "A simulation on this machine."
    )
    await page.get_by_role("button", name="Connect real Discord").click()
    steps = page.get_by_role("dialog", name="Connect real Discord")
    await expect(steps).to_contain_text("DISCORD_TOKEN=")
    await page.keyboard.press("Escape")
    await expect(steps).to_have_count(0)


async def test_the_tour_shows_its_caption_and_leads_to_channel_and_person(open_page: OpenPage) -> None:
    page = await open_page(channel="general", me="admin")
    step = {"kind": "tour", "step": 2, "caption": "Somebody goes live", "channel": "lives", "user": "member"}
    await page.evaluate("(step) => vedette.apply(step)", step)
    caption = page.get_by_role("status", name="Tour")
    await expect(caption).to_contain_text("Somebody goes live")
    await expect(page.get_by_role("button", name="member", pressed=True)).to_be_visible()
    await expect(page.locator(".head h2")).to_have_text("lives")
    await page.get_by_role("button", name="Hide the tour").click()
    await expect(caption).to_have_count(0)
