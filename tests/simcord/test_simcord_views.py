"""The bot's views and its posts, in SimCord's Discord."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import discord
import pytest
import simcord

from bot.core.announcements import Message, MessageField, Tone
from bot.core.requester import Requester
from bot.discord.confirming import Confirmation
from bot.discord.covers import CoverPages
from bot.discord.delivery import Delivery
from bot.discord.linking import LinkChoice
from bot.discord.notify_panel import Form
from bot.discord.pages import Pages
from bot.discord.views import LIFETIME_SECONDS, AskersView
from bot.services.boards import REFRESH_EVERY
from bot.services.privacy import Found
from bot.storage import outbox
from tests.discord_room.room import Painter
from tests.kept_posts import keep_profile
from tests.kept_rounds import put_round
from tests.services.round_world import FIRST
from tests.simcord.sim import GUILD_ID, Sim, shown

TESTED = {AskersView, Confirmation, CoverPages, Form, LinkChoice, Pages}  # Form in test_simcord_notify.py
ACCOUNTS = 20


def test_every_view_is_tested_here():
    kinds = (discord.ui.View, discord.ui.LayoutView, discord.ui.Modal)
    below = {one for kind in kinds for one in all_below(kind)}
    assert {one for one in below if one.__module__.startswith(("bot.", "cogs."))} == TESTED


def all_below(kind: type) -> set[type]:
    return {found for one in kind.__subclasses__() for found in (one, *all_below(one))}


@pytest.fixture
async def listed(sim: Sim) -> simcord.ResponseMessage:
    """A list of more accounts than fit on one page."""
    for number in range(ACCOUNTS):
        sim.lives.tiktok.add(f"ana{number:02}", number + 1)
        await sim.use(sim.admin, "live add", user=f"ana{number:02}", channel=sim.channel)
    return await sim.use(sim.admin, "live list")


async def test_pages_are_turned_to_the_end_and_back(sim: Sim, listed: simcord.ResponseMessage):
    assert "Page 1 of 2" in shown(listed)
    first = listed.embeds[0].description
    with pytest.raises(simcord.SetupError, match="disabled"):
        await sim.admin.click(listed, label="Previous")
    simcord.assert_responded(await sim.admin.click(listed, label="Next"))
    assert "Page 2 of 2" in shown(listed)
    second = listed.embeds[0].description
    assert [f"ana{number:02}" in first + second for number in range(ACCOUNTS)] == [True] * ACCOUNTS
    with pytest.raises(simcord.SetupError, match="disabled"):
        await sim.admin.click(listed, label="Next")
    await sim.admin.click(listed, label="Previous")
    assert listed.embeds[0].description == first
    assert sim.env.errors == []


async def test_nobody_else_sees_the_pages(sim: Sim, listed: simcord.ResponseMessage):
    with pytest.raises(simcord.SetupError, match="not visible"):
        await sim.member.click(listed, label="Next")


@pytest.fixture
async def table(sim: Sim) -> simcord.ResponseMessage:
    """A table of more players than fit on one page, for everybody."""
    async with sim.database.write("test.put") as conn:
        players = {f"{number:08X}": {"kills": number} for number in range(12)}
        await put_round(conn, sim.services.clock.now(), players)
    return await sim.use(sim.member, "top players", metric="kills")


async def test_everybody_reads_a_table_and_only_who_asked_turns_its_pages(
    sim: Sim, table: simcord.ResponseMessage
):
    assert "Page 1 of 2" in shown(table)
    assert "p00000000" not in shown(table)
    await sim.admin.click(table, label="Next")
    assert "Page 1 of 2" in shown(table)
    simcord.assert_responded(await sim.member.click(table, label="Next"))
    assert "Page 2 of 2" in shown(table)
    assert "p00000000" in shown(table)
    assert table.embeds[0].image.url.split("?")[0].endswith("chart.png")
    assert sim.env.errors == []


async def test_the_buttons_go_when_nobody_used_them_and_the_text_stays(
    sim: Sim, listed: simcord.ResponseMessage
):
    await sim.env.advance_time(LIFETIME_SECONDS - 10)
    assert listed.components
    await sim.env.advance_time(11)
    assert listed.components == []
    assert "ana00" in shown(listed)
    assert sim.env.errors == []


async def test_one_page_has_no_buttons(sim: Sim):
    assert (await sim.use(sim.admin, "live list")).components == []


# Who is which player.


@pytest.fixture
async def proposed(sim: Sim) -> simcord.ResponseMessage:
    """Players whose names are like the member's, of whom the likest is somebody already."""
    sim.rounds.drop(FIRST)
    await sim.rounds.run_for(10)
    admin = Requester(guild_id=sim.guild.id, user_id=sim.admin.id)
    (likest, *_) = await sim.services.players.proposals(admin, "carnie")
    await sim.services.players.link(admin, sim.admin.id, likest.player.guid, as_admin=False)
    carnie = sim.guild.add_member(sim.env.create_user("carnie"))
    sim.member = carnie
    return await sim.use(carnie, "player link")


def options_of(answer: simcord.ResponseMessage) -> list[tuple[str, str]]:
    return [(one["label"], one["value"]) for one in answer.components[0]["components"][0]["options"]]


async def test_the_likest_names_are_proposed_and_who_is_somebody_is_named_and_not_chosen(
    sim: Sim, proposed: simcord.ResponseMessage
):
    (likest, _), (second, guid), *more = options_of(proposed)
    assert likest == "carniee"
    assert len(more) <= 3
    assert proposed.ephemeral
    assert f"Link with **{second}** ({guid})?\ncarniee is {sim.admin.mention}." == shown(proposed)


async def test_another_proposal_is_chosen_asked_about_and_confirmed(
    sim: Sim, proposed: simcord.ResponseMessage
):
    (likest, taken), (name, guid) = options_of(proposed)
    await sim.member.select(proposed, [taken])
    assert shown(proposed).startswith(f"Link with **{likest}** ({taken})?")
    await sim.member.select(proposed, [guid])
    assert shown(proposed).startswith(f"Link with **{name}** ({guid})?")
    await sim.member.click(proposed, label="Yes, link")
    assert shown(proposed) == f"{sim.member.mention} is {name} now."
    assert proposed.components == []
    by = Requester(guild_id=sim.guild.id, user_id=sim.member.id)
    assert (await sim.services.players.of_member(by, by.user_id)).guid == guid
    assert sim.env.errors == []


async def test_a_player_who_is_somebody_stays_so_and_the_choice_stays_open(
    sim: Sim, proposed: simcord.ResponseMessage
):
    await sim.member.select(proposed, [options_of(proposed)[0][1]])
    result = await sim.member.click(proposed, label="Yes, link")
    assert "An admin of this server can change that." in shown(result.response)
    assert result.response.ephemeral
    assert [type(error).__name__ for error in sim.env.errors] == ["NotAllowed"]
    assert proposed.components
    await sim.member.click(proposed, label="Cancel")
    assert shown(proposed) == "Nothing is changed."
    by = Requester(guild_id=sim.guild.id, user_id=sim.admin.id)
    assert (await sim.services.players.of_member(by, by.user_id)).name == "carniee"


async def test_nobody_else_sees_the_choice_and_it_goes_when_nobody_used_it(
    sim: Sim, proposed: simcord.ResponseMessage
):
    with pytest.raises(simcord.SetupError, match="not visible"):
        await sim.admin.click(proposed, label="Yes, link")
    await sim.env.advance_time(LIFETIME_SECONDS + 1)
    assert proposed.components == []
    assert "carniee" in shown(proposed)


# What goes through the outbox.


async def deliver(sim: Sim) -> None:
    """Bring everything that is due to Discord, as the loop of the delivery does."""
    delivery = Delivery(sim.client, sim.services.announcements, Painter())
    await delivery.start_due()
    async with asyncio.timeout(10):
        await asyncio.gather(*delivery._busy.values())
    await sim.env.settle()


async def test_setup_posts_a_test_that_pings_nobody(sim: Sim):
    await sim.use(sim.admin, "setup", lives=sim.channel)
    await deliver(sim)
    (post,) = sim.channel.history()
    assert post.embeds[0].title == "This channel works"
    assert post.content == ""
    assert (post.role_mentions, post.mentions, post.mention_everyone) == ([], [], False)


async def test_nobody_is_forgotten_before_an_admin_says_so_twice(sim: Sim):
    sim.rounds.drop(FIRST)
    await sim.rounds.run_for(10)
    player = (await sim.services.players.suggest(Requester(guild_id=GUILD_ID, user_id=1), ""))[0]

    async def is_known() -> bool:
        found = await sim.services.players.suggest(Requester(guild_id=GUILD_ID, user_id=1), "")
        return player in found

    asked = await sim.use(sim.admin, "privacy delete", user=player.guid)
    assert "cannot be undone" in shown(asked)
    assert asked.ephemeral
    await sim.admin.click(asked, label="Cancel")
    assert "Nothing is changed" in shown(asked)
    assert await is_known()
    asked = await sim.use(sim.admin, "privacy delete", user=player.guid)
    await sim.admin.click(asked, label="Yes, forget")
    assert player.guid in shown(asked)
    assert not await is_known()
    assert sim.env.errors == []


async def test_a_deletion_that_takes_long_is_answered_before_it_begins(sim: Sim, monkeypatch):
    sim.rounds.drop(FIRST)
    await sim.rounds.run_for(10)
    player = (await sim.services.players.suggest(Requester(guild_id=GUILD_ID, user_id=1), ""))[0]
    clicks: list[discord.Interaction] = []
    answered: list[bool] = []
    forget = sim.services.privacy.forget

    async def seen(self: AskersView, interaction: discord.Interaction) -> bool:
        clicks.append(interaction)
        return True

    async def slow(by: Requester, found: Found) -> str:
        answered.append(clicks[-1].response.is_done())
        return await forget(by, found)

    monkeypatch.setattr(AskersView, "interaction_check", seen)
    monkeypatch.setattr(sim.services.privacy, "forget", slow)
    asked = await sim.use(sim.admin, "privacy delete", user=player.guid)
    await sim.admin.click(asked, label="Yes, forget")
    assert answered == [True]
    assert player.guid in shown(asked)
    assert asked.components == []
    assert sim.env.errors == []


async def test_a_live_is_posted_with_its_link_and_pings_the_chosen_role_once(sim: Sim):
    sim.lives.tiktok.add("ana", 1)
    sim.lives.tiktok.go_live("ana")
    await sim.use(sim.admin, "live add", user="ana", channel=sim.channel, role=sim.role)
    await deliver(sim)
    (post,) = sim.channel.history()
    assert post.content == sim.role.mention
    assert [role.id for role in post.role_mentions] == [sim.role.id]
    (button,) = post.components[0].children
    assert button.url == "https://www.tiktok.com/@ana/live"


async def test_a_board_is_put_up_follows_what_happens_and_is_taken_down(sim: Sim):
    for number in range(25):
        sim.lives.tiktok.add(f"ana{number:02}", number + 1)
        await sim.use(sim.admin, "live add", user=f"ana{number:02}", channel=sim.hidden)
    await sim.use(sim.admin, "predict board")
    await sim.services.boards.step()
    await deliver(sim)
    (post,) = sim.channel.history()
    assert post.embeds[0].title == "Who is live, who is next"
    assert len(post.embeds[0]) <= 6000
    assert post.content == ""
    sim.lives.tiktok.go_live("ana07")
    await sim.use(sim.admin, "live check", user="ana07")
    sim.services.clock.advance(REFRESH_EVERY.total_seconds() + 1)
    await sim.services.boards.step()
    await deliver(sim)
    (post,) = sim.channel.history()
    assert "🔴 **Ana07** is live" in post.embeds[0].description
    await sim.use(sim.admin, "predict board", remove=True)
    await deliver(sim)
    (post,) = sim.channel.history()
    assert post.embeds[0].title == "This board was taken down"


async def test_the_largest_message_fits_discords_limits(sim: Sim):
    message = Message(
        title="T" * 300,
        tone=Tone.NOTICE,
        body="b" * 5000,
        fields=tuple(MessageField(name="n" * 300, value="v" * 1100) for _ in range(30)),
    )
    async with sim.database.write("test.put") as conn:
        await outbox.put(
            conn,
            event_key="test:large",
            guild_id=GUILD_ID,
            channel_id=sim.channel.id,
            message=message,
            now=sim.services.clock.now(),
        )
    await deliver(sim)
    (post,) = sim.channel.history()
    assert len(post.embeds[0]) <= 6000
    assert post.embeds[0].title.startswith("TTT")


async def test_a_channel_without_permission_gets_nothing_and_is_named_as_blocked(sim: Sim):
    denied = discord.PermissionOverwrite(send_messages=False)
    closed = sim.guild.create_text_channel("closed", overwrites={sim.guild.me: denied})
    await sim.env.settle()
    sim.lives.tiktok.add("ana", 1)
    sim.lives.tiktok.go_live("ana")
    await sim.use(sim.admin, "live add", user="ana", channel=closed)
    await deliver(sim)
    assert closed.history() == []
    status = shown(await sim.use(sim.admin, "status"))
    assert closed.mention in status
    assert "I lack Send Messages" in status


async def test_posts_are_turned_by_who_asked_alone(sim: Sim):
    async with sim.database.write("test.keep") as conn:
        await keep_profile(conn, guild_id=GUILD_ID, started_at=sim.services.clock.now() - timedelta(days=20))
    listed = await sim.use(sim.member, "profile posts", user="ana", sort="newest")
    assert "Page 1 of 2" in shown(listed)
    head, *first = [embed.title for embed in listed.embeds]
    await sim.admin.click(listed, label="Next")
    assert [embed.title for embed in listed.embeds] == [head, *first]
    simcord.assert_responded(await sim.member.click(listed, label="Next"))
    assert "Page 2 of 2" in shown(listed)
    second = [embed.title for embed in listed.embeds][1:]
    assert len({*first, *second}) == len(first) + len(second) == 8
    await sim.member.click(listed, label="Previous")
    assert [embed.title for embed in listed.embeds] == [head, *first]
    assert sim.env.errors == []
