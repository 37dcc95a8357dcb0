"""Every kind of option, and a modal: with the sample bot, for Vedette opens none."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.samples import served_sample_bot

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """The page over the sample bot, in #general."""
    async with served_sample_bot() as (address, _):
        page = await browser.new_page(reduced_motion="reduce")
        await page.goto(address)
        await page.wait_for_selector("form.composer")
        await page.evaluate("vedette.open(vedette.findChannel('general').id)")
        yield page
        await page.close()


async def begin(page: Page, text: str) -> None:
    await page.locator("form.composer textarea").focus()
    await page.keyboard.type(text[:1])
    await expect(page.locator("form.composer .menu-item").first).to_be_visible(timeout=90_000)
    await page.keyboard.type(text[1:])


async def test_people_roles_numbers_yes_or_no_and_files_are_picked(page: Page) -> None:
    await begin(page, "/everything ")
    offers = page.locator("form.composer").get_by_role("option")
    await expect(offers).to_have_text(["@admin", "@vedetteApp", "@member"])
    await page.keyboard.type("mem")
    await page.keyboard.press("Tab")
    await page.keyboard.type("pings")
    await expect(offers).to_have_text(["@Live pingsRole"])
    await page.keyboard.press("Tab")
    await page.keyboard.type("1.5")
    await page.keyboard.press("Tab")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    file = {"name": "note.txt", "mimeType": "text/plain", "buffer": b"hi there"}
    await page.get_by_label("note").set_input_files(files=[file])
    await page.locator("form.composer").get_by_role("button", name="Send").click()
    answer = page.locator(".message", has_text="/everything").last
    await expect(answer).to_contain_text("member Live pings 1.5 False note.txt hi there")


async def test_a_modal_is_checked_closed_and_sent(page: Page) -> None:
    await begin(page, "/panel ")
    await page.keyboard.press("Enter")  # takes the size "Small"
    await page.keyboard.press("Enter")
    opener = page.get_by_role("button", name="Name", exact=True)
    await opener.click()
    modal = page.get_by_role("dialog", name="Name it")
    field, error = modal.get_by_role("textbox", name="Name"), modal.get_by_role("alert")
    await expect(field).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(error).to_have_text("This field is required.")
    await field.fill("x")
    await modal.get_by_role("button", name="Submit").click()
    await expect(error).to_have_text("Must be 2 or more in length.")
    await page.keyboard.press("Escape")
    await expect(modal).to_have_count(0)
    await opener.click()
    await expect(field).to_have_value("")
    await field.fill("Vera")
    await page.keyboard.press("Enter")
    await expect(modal).to_have_count(0)
    await expect(page.get_by_text("named Vera")).to_be_visible()
