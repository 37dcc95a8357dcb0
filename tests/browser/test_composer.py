"""Writing in the page: slash commands as Discord's client offers them, and plain text."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Locator, Page, Route, expect

from tests.browser.conftest import NARROW, OpenPage

pytestmark = pytest.mark.asyncio(loop_scope="session")


def composer(page: Page) -> Locator:
    return page.locator("form.composer")


def offers(page: Page) -> Locator:
    """What the open list offers, from the top."""
    return composer(page).get_by_role("option")


async def begin(page: Page, text: str) -> None:
    """Type into the empty line."""
    line = composer(page).locator("textarea")
    await line.focus()
    await page.keyboard.type(text[:1])
    if text.startswith("/"):  # the list is there once the commands are known
        await expect(composer(page).locator(".menu-item, .composer-hint").first).to_be_visible(timeout=90_000)
    await page.keyboard.type(text[1:])


async def test_a_command_is_found_by_the_starts_of_its_words_and_given_by_keys_alone(
    open_page: OpenPage,
) -> None:
    page = await open_page(me="member")
    await begin(page, "/tp")
    await expect(offers(page).first).to_contain_text("/top players")
    await page.keyboard.press("Enter")
    await page.keyboard.type("kills")
    await expect(offers(page).first).to_have_text("Kills")
    await page.keyboard.press("Enter")  # takes it
    await expect(composer(page).get_by_role("combobox", name="metric")).to_have_value("Kills")
    await page.keyboard.press("Enter")  # sends
    answer = page.locator(".message", has_text="/top players").last
    await expect(answer).to_contain_text("Kills", timeout=90_000)
    await expect(composer(page).locator("textarea")).to_have_value("")


async def test_what_a_member_may_not_use_is_not_offered_and_said_so(open_page: OpenPage) -> None:
    page = await open_page(me="member")
    await begin(page, "/live")
    await expect(composer(page)).to_contain_text("/live add and 5 more are not for member")
    await expect(offers(page)).to_have_count(0)
    await page.keyboard.press("Enter")
    await expect(composer(page).get_by_role("alert")).to_contain_text("member lacks the permissions of /live")
    await composer(page).get_by_role("button", name="Switch to admin").click()
    await expect(offers(page).first).to_contain_text("/live add")
    await expect(page.get_by_role("button", name="admin", pressed=True)).to_be_visible()


async def test_options_come_one_by_one_and_a_missing_or_wrong_one_is_named(open_page: OpenPage) -> None:
    page = await open_page()
    await begin(page, "/profile watch ")
    user, error = composer(page).get_by_role("combobox", name="user"), composer(page).get_by_role("alert")
    await expect(user).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(error).to_have_text("user: This option is required. Specify a value.")
    await page.keyboard.type("nobody.here")
    await page.keyboard.press("Tab")  # behind it: the optional ones
    await expect(offers(page)).to_have_count(1)
    await page.keyboard.press("Tab")
    await page.keyboard.type("9999")
    await page.keyboard.press("Enter")
    await expect(error).to_have_text("hours: Enter a whole number from 1 to 720.")
    await page.keyboard.press("Backspace")
    await expect(error).to_have_count(0)
    await composer(page).get_by_role("button", name="Remove hours").click()
    await expect(composer(page).get_by_role("combobox", name="hours")).to_have_count(0)
    await page.keyboard.press("Escape")
    await expect(composer(page).locator("textarea")).to_have_value("/profile watch")


async def test_what_discord_refuses_is_told_in_its_words_and_kept_to_be_mended(open_page: OpenPage) -> None:
    page = await open_page()
    refusal = {"error": "the bot is not connected to the gateway"}
    await page.route("**/api/discord/command", lambda route: route.fulfill(json=refusal, status=400))
    await begin(page, "/about")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await expect(composer(page).get_by_role("alert")).to_have_text(refusal["error"])
    await expect(composer(page).get_by_role("button", name="/about")).to_be_visible()
    await page.unroute("**/api/discord/command")
    await page.keyboard.press("Enter")
    await expect(composer(page).locator("textarea")).to_have_value("")
    await expect(page.locator(".message", has_text="/about").last).to_be_visible()


async def test_offers_for_an_earlier_text_are_dropped(open_page: OpenPage) -> None:
    page = await open_page()
    first_asked, may_answer = asyncio.Event(), asyncio.Event()

    async def hold_the_first(route: Route) -> None:
        if first_asked.is_set():
            return await route.continue_()
        first_asked.set()
        answer = await route.fetch()
        await may_answer.wait()
        return await route.fulfill(response=answer)

    await page.route("**/api/discord/interactions/*", hold_the_first)
    await begin(page, "/top players ")
    await page.keyboard.type("gib")
    await asyncio.wait_for(first_asked.wait(), 10)
    for _ in range(3):
        await page.keyboard.press("Backspace")
    await page.keyboard.type("revi")
    await expect(offers(page)).to_have_text(["Revives"])
    async with page.expect_response("**/api/discord/interactions/*"):
        may_answer.set()
    await expect(offers(page)).to_have_text(["Revives"])


async def test_arrow_up_brings_back_what_was_sent(open_page: OpenPage) -> None:
    page = await open_page()
    await begin(page, "plain words")
    await page.keyboard.press("Enter")
    await expect(page.locator(".message", has_text="plain words").last).to_be_visible()
    await begin(page, "/predict next ")
    await page.keyboard.press("Enter")
    await expect(composer(page).get_by_role("button", name="/predict next")).to_have_count(0)
    await page.keyboard.press("ArrowUp")
    await expect(composer(page).get_by_role("button", name="/predict next")).to_be_visible()
    await page.keyboard.press("Escape")
    await composer(page).locator("textarea").fill("")
    await page.keyboard.press("ArrowUp")
    await expect(composer(page).locator("textarea")).to_have_value("plain words")
    await page.keyboard.press("ArrowDown")
    await expect(composer(page).get_by_role("button", name="/predict next")).to_be_visible()


async def test_commands_are_described_in_the_language_of_the_persons_discord(open_page: OpenPage) -> None:
    page = await open_page(me="member")
    language = page.get_by_role("combobox", name="Language of your Discord")
    try:
        await language.select_option("id")
        await begin(page, "/predict next")
        await expect(offers(page).first).to_contain_text("Siapa")
    finally:
        await language.select_option("en-US")
    await expect(offers(page).first).to_contain_text("Who is likely to go live")


async def test_a_finger_is_enough(open_page: OpenPage) -> None:
    page = await open_page(me="member", size=NARROW)
    await composer(page).get_by_role("button", name="Show the commands").click()
    await offers(page).filter(has_text="/predict next").click()
    await expect(composer(page)).to_contain_text("Who is likely to go live in the next hours")
    await composer(page).get_by_role("button", name="Send").click()
    await expect(page.locator(".message", has_text="/predict next").last).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]


TEXTS = [
    ({"type": 4, "min_value": 5}, "5", {"value": 5}),
    ({"type": 4, "min_value": 5}, "4", {"error": "Enter a whole number from 5."}),
    ({"type": 4}, "1.5", {"error": "Enter a whole number."}),
    ({"type": 10, "max_value": 2}, "1,5", {"value": 1.5}),
    ({"type": 10, "max_value": 2}, "3", {"error": "Enter a number up to 2."}),
    ({"type": 3, "min_length": 2, "max_length": 3}, "x", {"error": "Enter from 2 to 3 characters."}),
    ({"type": 3}, " x ", {"value": "x"}),
    ({"type": 3, "choices": [{"name": "A", "value": "a"}]}, "A", {"error": "Choose one of the list."}),
    ({"type": 6}, "someone", {"error": "Choose one of the list."}),
    ({"type": 3, "required": True}, " ", {"error": "This option is required. Specify a value."}),
    ({"type": 3}, "", {}),
]
NAMES = ["predict next", "rounds team player", "stream now", "top players", "profile watch"]
MEANT = {
    "tp": ["top players", "rounds team player"],
    "pw": ["profile watch"],
    "pro": ["profile watch"],
    "no": ["stream now"],
    "t pl": ["top players", "rounds team player"],
    "player": ["rounds team player", "top players"],
    "zz": [],
}


async def test_the_best_match_is_first_and_a_typed_value_is_read_or_refused(open_page: OpenPage) -> None:
    page = await open_page()
    decide = """async ([texts, names, meant]) => {
        const { ranked, read } = await import("./commands.js");
        return [texts.map(([option, text]) => read(option, { text })),
            Object.fromEntries(meant.map((typed) => [typed, ranked(typed, names, (name) => name)]))];
    }"""
    values, found = await page.evaluate(decide, [TEXTS, NAMES, list(MEANT)])
    assert values == [expected for _, _, expected in TEXTS]
    assert found == MEANT


async def test_a_group_is_no_command_and_unknown_words_are_not_posted(open_page: OpenPage) -> None:
    page = await open_page(me="member")
    await begin(page, "/nosuchthing")
    await page.keyboard.press("Enter")
    await expect(composer(page).get_by_role("alert")).to_have_text("There is no such command.")
    await expect(page.locator(".message", has_text="/nosuchthing")).to_have_count(0)
    await expect(page.get_by_text(re.compile("No command for you matches"))).to_be_visible()
