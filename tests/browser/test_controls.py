"""Buttons, pictures and lives, as a person meets them in the page: the whole way to the bot and back."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage, Sandbox
from tests.browser.test_messages import message

pytestmark = pytest.mark.asyncio(loop_scope="session")
SLOW_MS = 90_000
STREAMER = "mila.makes"


async def test_a_leaderboard_is_paged_by_keyboard(sandbox: Sandbox, open_page: OpenPage) -> None:
    page = await open_page()
    answer = (await sandbox.command("top players", {"metric": "rating"}))["response"]
    shown = message(page, answer)
    await expect(shown.locator(".embed-footer")).to_contain_text("Page 1 of")
    following = shown.get_by_role("button", name="Next")
    await following.focus()
    await page.keyboard.press("Enter")
    await expect(shown.locator(".embed-footer")).to_contain_text("Page 2 of", timeout=SLOW_MS)
    await expect(following).to_be_focused()
    await shown.get_by_role("button", name="Previous").click()
    await expect(shown.locator(".embed-footer")).to_contain_text("Page 1 of", timeout=SLOW_MS)
    assert await page.locator(f'[data-id="{answer["id"]}"]').count() == 1


async def test_nobody_else_turns_the_pages(sandbox: Sandbox, open_page: OpenPage) -> None:
    page = await open_page(me="member")
    answer = (await sandbox.command("top players", {"metric": "rating"}))["response"]
    shown = message(page, answer)
    await shown.get_by_role("button", name="Next").click()
    await expect(shown.get_by_role("alert")).to_have_text("This interaction failed", timeout=SLOW_MS)
    await expect(shown.locator(".embed-footer")).to_contain_text("Page 1 of")
    await page.evaluate("vedette.become('admin')")
    await expect(shown.get_by_role("alert")).to_have_count(0)


async def test_a_chart_keeps_its_place_and_is_shown_large(sandbox: Sandbox, open_page: OpenPage) -> None:
    page = await open_page()
    answer = (await sandbox.command("rounds last"))["response"]
    chart = message(page, answer).locator(".picture img")
    await expect(chart).to_have_js_property("complete", value=True)
    natural = await chart.evaluate("one => [one.naturalWidth, one.naturalHeight]")
    assert natural[0] >= 600
    promised = await chart.evaluate("one => one.getAttribute('width') / one.getAttribute('height')")
    assert promised == pytest.approx(natural[0] / natural[1], rel=0.02)
    opener = page.get_by_role("button", name=re.compile("^Enlarge")).last
    await opener.click()
    large = page.get_by_role("dialog", name="Picture")
    await expect(large.get_by_role("img")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(large).to_have_count(0)
    await expect(opener).to_be_focused()


async def test_a_live_is_told_and_its_message_tells_the_end(sandbox: Sandbox, open_page: OpenPage) -> None:
    page = await open_page(channel="lives")
    await sandbox.call("POST", "panel/live", {"handle": STREAMER, "on": True})
    await sandbox.command("live check", {"user": f"@{STREAMER}"})
    told = page.locator(".message", has_text="Mila Makes is live").last
    await expect(told).to_be_visible(timeout=SLOW_MS)
    await expect(told.get_by_role("link", name="Watch")).to_be_visible()
    number = await told.get_attribute("data-id")
    await sandbox.call("POST", "panel/live", {"handle": STREAMER, "on": False})
    await _tells_the_end(page, number)


async def _tells_the_end(page: Page, number: str | None) -> None:
    """It is the same message, edited; nothing is said twice."""
    told = page.locator(f'[data-id="{number}"]')
    await expect(told.locator(".embed-title")).to_have_text("Mila Makes was live", timeout=90_000)
    await expect(told.locator(".edited")).to_be_visible()
    await expect(
        page.locator(".embed-title", has_text=re.compile("^.?Mila Makes (is|was) live"))
    ).to_have_count(1)
