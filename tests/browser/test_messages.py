"""What a person sees of the bot's messages, in a real browser."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import NARROW, OpenPage, Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="session")


def message(page: Page, found: dict[str, Any]) -> Any:
    """The message in the page that has this id."""
    return page.locator(f'[data-id="{found["id"]}"]')


async def test_an_answer_is_shown_with_its_command_and_vanishes_for_others(
    sandbox: Sandbox, open_page: OpenPage
) -> None:
    page = await open_page()
    answer = (await sandbox.command("about"))["response"]
    shown = message(page, answer)
    await expect(shown.locator(".above")).to_have_text(re.compile(r"admin\s+used\s+/about"))
    await expect(shown.locator(".embed-title")).to_contain_text("Vedette")
    await expect(shown.locator(".only-you")).to_contain_text("Only you can see this")
    await page.evaluate("vedette.become('member')")
    await expect(shown).to_have_count(0)
    await page.evaluate("vedette.become('admin')")
    await shown.get_by_role("button", name="Dismiss message").click()
    await expect(shown).to_have_count(0)


async def test_a_command_that_is_mentioned_is_taken_over_when_pressed(
    sandbox: Sandbox, open_page: OpenPage
) -> None:
    page = await open_page()
    shown = message(page, (await sandbox.command("live list"))["response"])
    await shown.get_by_role("button", name="/live list").click()
    await expect(page.locator("form.composer")).to_contain_text("live list")


async def test_markdown_is_shown_and_html_is_text(sandbox: Sandbox, open_page: OpenPage) -> None:
    page = await open_page()
    text = (
        '**bold** <img src=x onerror="throw 1"> <#1000000000000000020> <@&1000000000000000011>\n'
        "- one\n- two\n> quoted\n`code` [words](https://example.org/) <t:1790000000:R>\n```\ntable  x\n```\n-# small"
    )
    shown = message(page, await sandbox.say(text)).locator(".content")
    await expect(shown.locator("strong")).to_have_text("bold")
    await expect(shown).to_contain_text('<img src=x onerror="throw 1">')
    await expect(shown.locator("button.mention")).to_have_text("#lives")
    await expect(shown.locator("span.mention")).to_have_text("@Live pings")
    await expect(shown.locator("li")).to_have_text(["one", "two"])
    await expect(shown.locator("blockquote")).to_have_text("quoted")
    await expect(shown.locator("code").first).to_have_text("code")
    await expect(shown.locator("a")).to_have_attribute("href", "https://example.org/")
    await expect(shown.locator("time")).to_have_text(re.compile(r" ago$|^in "))
    await expect(shown.locator("pre")).to_have_text("table  x")
    await expect(shown.locator("small")).to_have_text("small")
    await expect(shown.locator("img")).to_have_count(0)


async def test_times_run_with_the_world(open_page: OpenPage) -> None:
    page = await open_page()
    told = await page.evaluate(
        """async () => {
            const { relative, stamp, worldNow } = await import("./time.js");
            const now = Date.parse("2026-10-03T11:40:00Z");
            const clock = { instant: "2026-10-03T11:40:00Z", speed: 600, at: Date.now() - 1000 };
            return [relative(now - 90_000, now, "en"), relative(now + 7_200_000, now, "id"), stamp(now, now),
                stamp(now - 86_400_000, now), stamp(now - 9 * 86_400_000, now),
                Math.round((worldNow(clock) - now) / 60_000)];
        }"""
    )
    assert told == [
        "1 minute ago", "dalam 2 jam", "18:40", "Yesterday at 18:40", "24/09/2026 18:40", 10
    ]  # fmt: skip


async def test_a_member_does_not_see_the_admins_channel(open_page: OpenPage) -> None:
    page = await open_page(me="member")
    channels = page.locator(".channel-list")
    await expect(channels.get_by_role("button", name=re.compile("^general"))).to_be_visible()
    await expect(channels.get_by_role("button", name=re.compile("^admin"))).to_have_count(0)
    await page.evaluate("vedette.become('admin')")
    await expect(channels.get_by_role("button", name=re.compile("^admin"))).to_be_visible()


async def test_who_is_notified_sees_it_and_unread_channels_stand_out(
    sandbox: Sandbox, open_page: OpenPage
) -> None:
    page = await open_page(me="member")
    member = await page.evaluate("vedette.myId()")
    said = await sandbox.say(f"hello <@{member}>", channel="lives")
    lives = page.get_by_role("button", name="lives, 1 new, 1 for you")
    await expect(lives).to_be_visible()
    await lives.click()
    shown = message(page, said)
    await expect(shown).to_have_class(re.compile("pinged"))
    await expect(shown.locator(".pings")).to_contain_text("@member")
    await expect(page.get_by_role("separator", name="New")).to_be_visible()


async def test_a_long_channel_stays_where_one_reads_and_draws_little(
    sandbox: Sandbox, open_page: OpenPage
) -> None:
    page = await open_page()
    # Five hundred as the server tells them; the store is fed directly, so that the bot has no part in it.
    await page.evaluate(
        """() => { for (let n = 0; n < 500; n += 1) vedette.apply({ kind: "message_posted", message: {
            id: String(2n ** 62n + BigInt(n)), channel_id: vedette.state.channel, guild_id: vedette.state.guild.id,
            channel: "general", author: vedette.bot(), content: `Number ${n}`, embeds: [], components: [],
            attachments: [], timestamp: new Date().toISOString(), type: 0 } }); }"""
    )
    await expect(page.get_by_text("Number 499", exact=True)).to_be_in_viewport()
    assert await page.locator(".message").count() < 60
    box = page.locator("#messages")
    await box.evaluate("one => one.scrollTop = 400")
    await expect(page.get_by_role("button", name="Jump to newest")).to_be_visible()
    place = await page.get_by_text("Number 460", exact=True).bounding_box()
    await page.evaluate(
        """() => vedette.apply({ kind: "message_posted", message: { ...vedette.shown().at(-1),
            id: String(2n ** 62n + 500n), content: "Number 500" } })"""
    )
    await expect(page.get_by_role("button", name="1 new message")).to_be_visible()
    assert await page.get_by_text("Number 460", exact=True).bounding_box() == place
    await page.get_by_role("button", name="Jump to newest").click()
    await expect(page.get_by_text("Number 500", exact=True)).to_be_in_viewport()
    await box.evaluate("one => one.scrollTop = 0")
    await expect(page.get_by_text("Number 410", exact=True)).to_be_attached()


async def test_the_channels_are_a_drawer_on_a_narrow_window(open_page: OpenPage) -> None:
    page = await open_page(size=NARROW)
    drawer = page.get_by_role("navigation", name="Channels")
    await expect(drawer).to_be_hidden()
    await page.get_by_role("button", name="Channels").click()
    await drawer.get_by_role("button", name="rounds").click()
    await expect(drawer).to_be_hidden()
    await expect(page.get_by_role("heading", name="rounds", exact=True)).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") == NARROW[0]


async def test_the_theme_is_the_systems_until_switched(open_page: OpenPage) -> None:
    page = await open_page(theme="light")
    back = "getComputedStyle(document.body).backgroundColor"
    assert await page.evaluate(back) == "rgb(255, 255, 255)"
    await page.get_by_role("button", name="Use the dark theme").click()
    assert await page.evaluate(back) == "rgb(49, 51, 56)"
    await page.reload()
    await page.wait_for_selector(".app")
    assert await page.evaluate(back) == "rgb(49, 51, 56)"
