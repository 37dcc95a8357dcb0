"""What the page does when an answer takes long, when the line breaks, and where the keyboard's focus goes; with the sample bot."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, Route, expect

from tests.browser.conftest import NARROW
from tests.browser.samples import served_sample_bot
from tests.samplebot import SampleBot

pytestmark = pytest.mark.asyncio(loop_scope="session")
INTERACTIONS = "**/api/discord/interactions/*"


async def to_general(page: Page) -> None:
    await page.wait_for_selector("form.composer")
    await page.evaluate("vedette.open(vedette.findChannel('general').id)")


@dataclass(frozen=True)
class House:
    """Where the page is, the bot behind it, and what opens it."""

    address: str
    bot: SampleBot
    browser: Browser

    async def open(self, size: tuple[int, int] = (1280, 800)) -> Page:
        """Open the page in #general."""
        page = await self.browser.new_page(
            viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce"
        )
        await page.goto(self.address)
        await to_general(page)
        return page


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(browser: Browser) -> AsyncIterator[House]:
    async with served_sample_bot() as (address, bot):
        yield House(address, bot, browser)


@pytest_asyncio.fixture(loop_scope="session")
async def page(house: House) -> AsyncIterator[Page]:
    page = await house.open()
    yield page
    await page.close()


def last(page: Page, command: str) -> Locator:
    """The latest answer to a command."""
    return page.locator(".message", has=page.locator(".above", has_text=f"/{command}")).last


async def test_an_answer_that_takes_long_is_awaited_by_everybody_who_sees_it(
    house: House, page: Page
) -> None:
    await page.evaluate("void vedette.command('long')")
    await expect(last(page, "long")).to_contain_text("is thinking…")
    await page.reload()
    await to_general(page)
    await expect(last(page, "long")).to_contain_text("is thinking…")
    other = await house.open()
    await expect(last(other, "long")).to_contain_text("is thinking…")
    await asyncio.to_thread(house.bot.do, "finish", text="at last")
    for one in (page, other):
        await expect(last(one, "long").locator(".content")).to_contain_text("at last")
        await expect(last(one, "long").locator(".thinking")).to_have_count(0)
    await other.close()


async def test_a_break_of_the_line_loses_no_answer(page: Page) -> None:
    """Neither waits the message for ever, nor are its buttons dead."""
    broken = asyncio.Event()

    async def drop(route: Route) -> None:
        broken.set()
        await route.abort()

    await page.evaluate("vedette.command('panel', { size: 1 })")
    count = last(page, "panel").get_by_role("button", name="Count", exact=True)
    await page.route(INTERACTIONS, drop)
    await count.click()
    await asyncio.wait_for(broken.wait(), 10)
    await page.unroute(INTERACTIONS, drop)
    await expect(count).to_have_attribute("aria-disabled", "false")
    await expect(count.locator(".dots")).to_have_count(0)
    await expect(last(page, "panel").get_by_role("alert")).to_have_count(0)


async def test_an_answer_nobody_knows_of_any_more_has_failed(page: Page) -> None:
    gone = {"error": "no interaction 5"}
    await page.route(INTERACTIONS, lambda route: route.fulfill(json=gone, status=400))
    await page.evaluate("vedette.command('twice').catch(() => {})")
    await expect(last(page, "twice")).to_contain_text("The application did not respond")


async def test_the_page_asks_for_no_more_of_the_past_than_it_shows(page: Page) -> None:
    await page.evaluate("vedette.command('panel', { size: 1 })")
    await last(page, "panel").get_by_role("button", name="Count", exact=True).click()
    await expect(last(page, "panel")).to_contain_text("(edited)")
    async with page.expect_response("**/api/discord/messages*") as asked:
        await page.reload()
    told = await (await asked.value).json()
    assert told
    assert [one for one in told if "versions" in one] == []


@pytest.mark.parametrize("way", ["Escape", "Cancel", "Close", "Submit"])
async def test_after_a_modal_the_focus_is_where_it_was(page: Page, way: str) -> None:
    await page.evaluate("vedette.command('panel', { size: 1 })")
    opener = last(page, "panel").get_by_role("button", name="Name", exact=True)
    await opener.press("Enter")
    modal = page.get_by_role("dialog", name="Name it")
    await modal.get_by_role("textbox").fill("Vera")
    if way == "Escape":
        await page.keyboard.press(way)
    else:
        await modal.get_by_role("button", name=way).click()
    await expect(modal).to_have_count(0)
    await expect(opener).to_be_focused()


async def test_after_the_steps_to_the_real_discord_the_focus_is_where_it_was(page: Page) -> None:
    opener = page.get_by_role("button", name="Connect real Discord")
    await opener.press("Enter")
    steps = page.get_by_role("dialog", name="Connect real Discord")
    await steps.get_by_role("button", name="Close").click()
    await expect(steps).to_have_count(0)
    await expect(opener).to_be_focused()


async def test_a_menu_keeps_the_focus_while_its_choice_is_taken(page: Page) -> None:
    await page.evaluate("vedette.command('panel', { size: 1 })")
    menu = last(page, "panel").get_by_role("combobox").first
    await menu.focus()
    await menu.select_option("blue")
    await expect(last(page, "panel")).to_contain_text("colour blue")
    await expect(menu).to_be_focused()


@pytest.mark.parametrize(("opener", "drawer"), [("Channels", "#channels"), ("The simulation", "#panel")])
async def test_a_drawer_takes_the_focus_and_gives_it_back(house: House, opener: str, drawer: str) -> None:
    page = await house.open(NARROW)
    button = page.locator("header.head").get_by_role("button", name=opener)
    await button.press("Enter")
    await expect(page.locator(drawer).locator(":focus")).to_have_count(1)
    await page.keyboard.press("Escape")
    await expect(button).to_be_focused()
    await page.close()


async def test_who_has_hidden_the_tour_is_left_alone(page: Page) -> None:
    tell = "(step) => vedette.apply({ kind: 'tour', of: 3, user: 'member', ...step })"
    await page.evaluate(tell, {"step": 1, "caption": "First", "channel": "lives"})
    await page.get_by_role("button", name="Hide the tour").click()
    await page.evaluate("() => { vedette.become('admin'); vedette.open(vedette.findChannel('admin').id); }")
    await page.evaluate(tell, {"step": 2, "caption": "Second", "channel": "rounds"})
    await expect(page.locator(".head h2")).to_have_text("admin")
    await expect(page.get_by_role("status", name="Tour")).to_have_count(0)


async def test_a_button_that_waits_still_says_its_name(page: Page) -> None:
    await page.evaluate("vedette.command('panel', { size: 1 })")
    count = last(page, "panel").get_by_role("button", name="Count", exact=True)
    may_answer = asyncio.Event()

    async def hold(route: Route) -> None:
        await may_answer.wait()
        await route.continue_()

    await page.route(INTERACTIONS, hold)
    await count.click()
    await expect(count).to_have_attribute("aria-disabled", "true")
    may_answer.set()
    await expect(count).to_have_attribute("aria-disabled", "false")


async def test_what_was_covered_is_read_out_once_it_is_shown(page: Page) -> None:
    await page.evaluate("vedette.say('it was ||the gardener||')")
    said = page.locator(".message", has_text="it was").last
    await said.get_by_role("button", name="Spoiler").press("Enter")
    await expect(said.get_by_role("button", name="the gardener")).to_be_focused()


async def test_a_long_channel_draws_little_although_the_oldest_drawn_is_deleted(page: Page) -> None:
    await page.evaluate(
        """() => { for (let n = 0; n < 300; n += 1) vedette.apply({ kind: "message_posted", message: {
            id: String(2n ** 62n + BigInt(n)), channel_id: vedette.state.channel, guild_id: vedette.state.guild.id,
            channel: "general", author: vedette.bot(), content: `Number ${n}`, embeds: [], components: [],
            attachments: [], timestamp: new Date().toISOString(), type: 0 } }); }"""
    )
    box = page.locator("#messages")
    await expect(page.get_by_text("Number 299", exact=True)).to_be_in_viewport()
    await box.evaluate("one => one.scrollTop = 400")
    await expect(page.get_by_role("button", name="Jump to newest")).to_be_visible()
    oldest = await page.locator(".message").first.get_attribute("data-id")
    await page.evaluate(
        "(id) => vedette.apply({ kind: 'message_deleted', message: { ...vedette.state.messages.get(id), deleted: true } })",
        oldest,
    )
    await expect(page.locator(f'[data-id="{oldest}"]')).to_have_count(0)
    assert await page.locator(".message").count() < 100


SAYS = """([channel, content]) => fetch("/api/discord/messages", { method: "POST",
    body: JSON.stringify({ user: "admin", channel, content }) })"""


async def test_news_are_marked_also_where_nothing_was_read_before_and_not_before_ones_eyes(
    page: Page,
) -> None:
    await page.evaluate("vedette.become('member')")
    await page.evaluate(SAYS, ["rounds", "the first ever"])
    await page.get_by_role("button", name="rounds, 1 new").click()
    new = page.get_by_role("separator", name="New")
    await expect(page.get_by_text("the first ever")).to_be_visible()
    await expect(new).to_have_count(1)
    await page.evaluate("vedette.open(vedette.findChannel('general').id)")
    await page.evaluate("vedette.open(vedette.findChannel('rounds').id)")
    await page.evaluate(SAYS, ["rounds", "the second"])
    await expect(page.get_by_text("the second")).to_be_visible()
    await expect(new).to_have_count(0)


async def test_a_thread_is_opened_below_its_message_and_stands_below_its_channel(house: House) -> None:
    page = await house.open()
    channel = await page.evaluate("vedette.findChannel('general').id")
    for name, archived in (("Over and closed", True), ("Ana is live", False)):
        order = {"channel": int(channel), "name": name, "archived": archived}
        await asyncio.to_thread(functools.partial(house.bot.do, "thread", **order))
    listed = page.locator("#channels .channel.thread")
    await expect(listed).to_have_text(["Ana is live"])
    for name in ("Ana is live", "Over and closed"):
        await page.evaluate("vedette.open(vedette.findChannel('general').id)")
        await page.get_by_role("button", name=f"{name} Open the thread").click()
        await expect(page.locator(".head h2")).to_have_text(name)
        await expect(page.locator(".head .topic")).to_have_text("A thread in #general")
        await expect(page.locator(".messages .content")).to_have_text(["inside"])
    await page.evaluate("vedette.open(vedette.findChannel('general').id)")
    await expect(listed).to_have_text(["Ana is live"])
    await listed.click()
    await expect(page.locator(".messages .content")).to_have_text(["inside"])
    await page.close()
