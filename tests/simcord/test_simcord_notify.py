"""The panel of `/notify`, its forms, and what members press, in SimCord's Discord."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import discord
import pytest
import simcord
from sqlalchemy import text

from bot.core.announcements import Message, Tone
from bot.core.notifications.kinds import Kind
from bot.core.notifications.options import Mention, Only, Options, QuietMode
from bot.core.requester import Requester
from bot.discord.client import VedetteClient
from bot.services.notification_list import Entry, Key
from bot.storage import outbox
from tests.simcord.sim import GUILD_ID, Sim, shown
from tests.simcord.test_simcord_views import deliver

MANY = 12


@pytest.fixture
async def followed(sim: Sim) -> Sim:
    """Ana is followed in the channel, with a role."""
    sim.lives.tiktok.add("ana", 1)
    await sim.use(sim.admin, "live add", user="ana", channel=sim.channel, role=sim.role)
    return sim


async def entry(sim: Sim, key: str | None = None) -> Entry:
    by = Requester(guild_id=GUILD_ID, user_id=1)
    found, _ = await sim.services.notification_settings.find(by, key or sim.subscription)
    return found


async def choose(sim: Sim, page: Any, act: str, value: Any, key: str | None = None) -> None:
    custom_id = f"vn:{act}:{sim.subscription if key is None else key}"
    simcord.assert_responded(await sim.admin.select(page, [value], custom_id=custom_id))


async def press(sim: Sim, page: Any, act: str, key: str | None = None) -> simcord.InteractionResult:
    return await sim.admin.click(page, custom_id=f"vn:{act}:{sim.subscription if key is None else key}")


async def edit(sim: Sim, key: str | None = None) -> simcord.ResponseMessage:
    return await sim.use(sim.admin, "notify edit", subscription=key or sim.subscription)


def options_of(page: simcord.ResponseMessage, row: int = 0) -> list[str]:
    return [one["value"] for one in page.components[row]["components"][0]["options"]]


async def test_the_panel_leads_from_all_to_one_and_back(followed: Sim):
    page = await followed.use(followed.admin, "notify panel")
    assert page.ephemeral
    assert "Go-live alerts: @ana" in shown(page)
    assert options_of(page, 1) == [f"0:{kind}:" for kind in Kind]
    await choose(followed, page, "pick", followed.subscription, "")
    assert page.embeds[0].title == "Go-live alerts: @ana"
    assert f"**Who is pinged**: {followed.role.mention}" in shown(page)
    await press(followed, page, "home", "0")
    assert page.embeds[0].title == "Notifications"
    await choose(followed, page, "pick", "0:round:", "defaults")
    assert page.embeds[0].title == "Rounds everywhere"
    assert followed.env.errors == []


async def test_a_long_list_has_pages(followed: Sim):
    for number in range(MANY):
        followed.lives.tiktok.add(f"ben{number:02}", number + 2)
        await followed.use(followed.admin, "live add", user=f"ben{number:02}", channel=followed.channel)
    page = await followed.use(followed.admin, "notify panel")
    first = options_of(page)
    assert len(first) == 10
    await press(followed, page, "home", "1")
    second = options_of(page)
    assert "Page 2 of 3" in shown(page)
    await press(followed, page, "home", "2")
    assert len({*first, *second, *options_of(page)}) == 2 * (MANY + 1)
    await press(followed, page, "back", "1")
    assert options_of(page) == second
    listed = await followed.use(followed.admin, "notify list")
    assert "Page 1 of 3" in shown(listed)


CHOSEN: list[tuple[str, str, Options]] = [
    ("quiet", "hold", Options()),
    ("mention", "nobody", Options(mention=Mention.NOBODY)),
    ("only", "weekends", Options(only=Only(days=(5, 6)))),
    ("delay_minutes", "5", Options(delay_minutes=5)),
    ("min_viewers", "100", Options(min_viewers=100)),
    ("grace_minutes", "15", Options(grace_minutes=15)),
    ("cooldown_minutes", "60", Options(cooldown_minutes=60)),
    ("after_live", "delete", Options()),
    ("delete_after_hours", "24", Options(delete_after_hours=24)),
    ("digest", "daily", Options()),
    ("thread", "1", Options(thread=True)),
]


async def test_each_setting_is_chosen_from_a_menu_and_is_as_usual_again(
    followed: Sim, subtests: pytest.Subtests
):
    for setting, value, options in CHOSEN:
        with subtests.test(setting):
            page = await edit(followed)
            await choose(followed, page, "setting", setting)
            await choose(followed, page, f"put.{setting}", value)
            assert "✏️ **" in shown(page)
            own = (await entry(followed)).own
            assert getattr(own, setting) is not None
            if options != Options():
                assert own == options
            await choose(followed, page, "setting", setting)
            await choose(followed, page, f"put.{setting}", "wider")
            assert (await entry(followed)).own == Options()
    assert followed.env.errors == []


async def test_what_does_not_fit_the_channel_is_not_offered(followed: Sim):
    settings = options_of(await edit(followed))
    assert {"publish", "tag_id", "digest_at"} & {*settings} == set()
    assert {"thread", "digest"} <= {*settings}
    rounds = options_of(await edit(followed, "0:round:"))
    assert "min_viewers" not in rounds
    assert "publish" in rounds
    assert "tag_id" not in rounds  # each forum has tags of its own


async def test_a_role_is_chosen_and_everyone_is_refused(followed: Sim):
    page = await edit(followed)
    await choose(followed, page, "setting", "mention")
    quiet = followed.guild.create_role("Quiet")
    await choose(followed, page, "put.role", quiet)
    assert (await entry(followed)).own == Options(mention=Mention.ROLE, role_id=quiet.id)
    assert "cannot be pinged" in shown(page)
    await choose(followed, page, "setting", "mention")
    result = await followed.admin.select(
        page, [followed.guild.default_role], custom_id=f"vn:put.role:{followed.subscription}"
    )
    assert "never ping everyone" in said(result)
    assert (await entry(followed)).own.role_id == quiet.id


FORMS: list[tuple[str, dict[str, str], str, Any]] = [
    ("quiet", {"field0": "23:00-6:30"}, "quiet", (1380, 390)),
    ("only", {"field0": "sat", "field1": "18-23"}, "only", Only(days=(5,), begins=1080, ends=1380)),
    ("delay_minutes", {"field0": "7 min"}, "delay_minutes", 7),
    ("min_viewers", {"field0": "1,500"}, "min_viewers", 1500),
    ("cooldown_minutes", {"field0": "2 h"}, "cooldown_minutes", 120),
    ("delete_after_hours", {"field0": "36"}, "delete_after_hours", 36),
    ("template", {"field0": "{streamer}!"}, "template", "{streamer}!"),
    ("over_template", {"field0": "{peak}"}, "over_template", "{peak}"),
]


async def test_each_form_takes_what_is_written(followed: Sim, subtests: pytest.Subtests):
    for setting, fields, name, wanted in FORMS:
        with subtests.test(setting):
            page = await edit(followed)
            await choose(followed, page, "setting", setting)
            form = await press(followed, page, f"ask.{setting}")
            simcord.assert_responded(await followed.admin.submit_modal(form, fields))
            value = getattr((await entry(followed)).own, name)
            assert ((value.begins, value.ends) if setting == "quiet" else value) == wanted
    assert followed.env.errors == []


async def test_a_digests_time_is_written_once_there_is_a_digest(followed: Sim):
    page = await edit(followed)
    await choose(followed, page, "setting", "digest")
    await choose(followed, page, "put.digest", "weekly")
    await choose(followed, page, "setting", "digest_at")
    form = await press(followed, page, "ask.digest_at")
    await followed.admin.submit_modal(form, {"field0": "7:30"})
    assert (await entry(followed)).own.digest_at == 450


async def test_what_cannot_be_read_is_explained_and_what_was_written_is_given_back(followed: Sim):
    page = await edit(followed)
    await choose(followed, page, "setting", "quiet")
    form = await press(followed, page, "ask.quiet")
    result = await followed.admin.submit_modal(form, {"field0": "at night"})
    assert "22:00-07:00" in said(result)
    await choose(followed, await edit(followed), "setting", "template")
    page = await followed.use(followed.admin, "notify template", subscription=followed.subscription)
    for words in (
        "See {streamr}!",
        "Come and see {streamr}, who is on, with a title that nobody wants to write twice",
    ):
        form = await press(followed, page, "ask.template")
        result = await followed.admin.submit_modal(form, {"field0": words})
        assert "I do not know `{streamr}`" in said(result)
        assert words in said(result)
    assert (await entry(followed)).own == Options()
    followed.new_errors()


async def test_a_template_is_previewed_tested_and_pings_nobody(followed: Sim):
    page = await followed.use(followed.admin, "notify template", subscription=followed.subscription)
    assert "`{viewers}`" in shown(page)
    form = await press(followed, page, "ask.template")
    await followed.admin.submit_modal(form, {"field0": "@everyone **{streamer}** is on"})
    assert page.content == "@everyone **Ana** is on"
    assert page.embeds[0].title == "🔴 Ana is live"
    await press(followed, page, "test")
    await deliver(followed)
    (post,) = followed.channel.history()
    assert post.content == "@everyone **Ana** is on"
    assert (post.role_mentions, post.mentions, post.mention_everyone) == ([], [], False)
    await press(followed, page, "wider.template")
    assert (await entry(followed)).own == Options()
    over = await followed.use(
        followed.admin, "notify template", subscription=followed.subscription, over=True
    )
    assert over.embeds[0].title == "Ana was live"
    assert followed.env.errors == []


async def test_a_preview_speaks_as_the_server_does_of_a_live_that_is_on_now(followed: Sim):
    by = Requester(guild_id=GUILD_ID, user_id=1)
    await followed.services.guilds.save(by, language="id")
    page = await followed.use(followed.admin, "notify template", subscription=followed.subscription)
    form = await press(followed, page, "ask.template")
    await followed.admin.submit_modal(form, {"field0": "{started}, {duration}"})
    began = followed.services.clock.now() - timedelta(hours=2, minutes=5)
    assert page.content == f"<t:{int(began.timestamp())}:R>, 2 jam 05 mnt"
    assert page.embeds[0].title == "🔴 Ana sedang live"
    assert "Back" in str(page.components)


async def test_a_test_that_could_not_arrive_is_not_sent(followed: Sim):
    await followed.use(followed.admin, "notify add", kind="round", channel=followed.hidden)
    key = f"{followed.hidden.id}:round:"
    page = await followed.use(followed.admin, "notify template", subscription=key)
    result = await press(followed, page, "test", key)
    assert "I lack Embed Links" in said(result)


async def test_pausing_switching_copying_and_removing_in_the_panel(followed: Sim):
    page = await edit(followed)
    await press(followed, page, "pause")
    await choose(followed, page, "put.pause", "8h")
    assert "⏸️" in shown(page)
    await press(followed, page, "pause")
    form = await press(followed, page, "ask.pause")
    await followed.admin.submit_modal(form, {"field0": "3 days"})
    assert (await entry(followed)).paused_until is not None
    await press(followed, page, "pause")
    await choose(followed, page, "put.pause", "on")
    assert (await entry(followed)).paused_until is None
    await press(followed, page, "off")
    assert "switched off" in shown(page)
    await press(followed, page, "on")
    assert not (await entry(followed)).is_off
    await press(followed, page, "copy")
    await choose(followed, page, "put.copy", followed.hidden)
    assert followed.hidden.mention in shown(page)
    assert "I lack Embed Links, Attach Files" in shown(page)
    page = await edit(followed)
    await press(followed, page, "remove")
    assert "Stop following @ana" in shown(page)
    await press(followed, page, "open")
    await press(followed, page, "remove")
    await press(followed, page, "removed")
    assert page.embeds[0].title == "Notifications"
    left = await followed.services.watchlist.entries(GUILD_ID)
    assert [one.channel_id for one in left] == [followed.hidden.id]
    assert followed.env.errors == []


async def test_a_page_of_what_is_gone_says_so(followed: Sim):
    page = await edit(followed)
    await followed.use(followed.admin, "live remove", user="ana")
    result = await press(followed, page, "off")
    assert "not there any more" in said(result)


async def test_the_panel_works_after_a_restart(followed: Sim):
    page = await edit(followed)
    await followed.env.restart_bot(VedetteClient(followed.services))
    await choose(followed, page, "setting", "quiet")
    await choose(followed, page, "put.quiet", "silent")
    assert (await entry(followed)).own.quiet.mode is QuietMode.SILENT


async def test_who_is_no_admin_any_more_changes_nothing(followed: Sim):
    page = await edit(followed)
    roles = [one for one in followed.guild.roles.values() if one.name == "Admins"]
    followed.env.backend.edit_role(followed.guild.id, roles[0].id, {"permissions": 0x80000000 | 0xC00})
    result = await press(followed, page, "off")
    assert "Manage Server" in said(result)
    assert not (await entry(followed)).is_off


async def test_a_removal_by_command_asks_first(followed: Sim):
    asked = await followed.use(followed.admin, "notify remove", subscription=followed.subscription)
    assert "Stop following @ana" in shown(asked)
    await followed.admin.click(asked, label="Yes, remove")
    assert "not followed" in shown(asked)
    assert await followed.services.watchlist.entries(GUILD_ID) == ()


async def test_the_log_explains_one_message(followed: Sim):
    async with followed.database.write("test.put") as conn:
        await outbox.put(
            conn,
            event_key="round:1",
            guild_id=GUILD_ID,
            channel_id=followed.channel.id,
            message=Message(title="Supply, round 2", tone=Tone.ROUND),
            now=followed.services.clock.now(),
        )
        held = "state = 'held', held_by = 'quiet', held_until = created_at, why = 'held by quiet hours until 07:00'"
        await conn.execute(text(f"UPDATE outbox SET kind = 'round', subject = 'server:alpha', {held}"))
        number = (await conn.execute(text("SELECT max(id) FROM outbox"))).scalar_one()
    logged = await followed.use(followed.admin, "notify log")
    assert f"`#{number}`" in shown(logged)
    assert "held by quiet hours until 07:00" in shown(logged)
    told = shown(await followed.use(followed.admin, "notify log", message=str(number)))
    for part in ("Supply, round 2", "Rounds", "alpha", "looked at again <t:"):
        assert part in told


async def test_a_number_typed_for_the_log_is_that_message_whatever_others_are_called(followed: Sim):
    async with followed.database.write("test.titles") as conn:
        for place, title in enumerate(("Supply, round 1", "won in 1:10", "won in 2:10")):
            await outbox.put(
                conn,
                event_key=f"round:{place}",
                guild_id=GUILD_ID,
                channel_id=followed.channel.id,
                message=Message(title=title, tone=Tone.ROUND),
                now=followed.services.clock.now(),
            )
        await conn.execute(text("UPDATE outbox SET kind = 'round'"))
        first = (await conn.execute(text("SELECT min(id) FROM outbox"))).scalar_one()
    for typed, places in ((str(first), [0]), (f"#{first}", [0]), ("won in", [2, 1])):
        found = await followed.admin.autocomplete(followed.channel, "notify log", "message", typed)
        assert [int(choice["value"]) - first for choice in found] == places


# What members press.


@pytest.fixture
async def offered(followed: Sim) -> simcord.ResponseMessage:
    """Members may take a role and ask for Ana; the message with the button stands in the channel."""
    followed.let_bot(manage_roles=True)
    await followed.use(followed.admin, "notify personal", on=True)
    await followed.use(followed.admin, "notify roles", offer=followed.role, post=followed.channel)
    await deliver(followed)
    (post,) = followed.channel.history()
    result = await followed.member.click(post, custom_id="vm:open")
    answers = [result.response, *result.followups]
    return next(one for one in answers if one is not None)


def roles_of(sim: Sim) -> set[str]:
    guild = sim.env.backend.guilds[GUILD_ID]
    return {guild.roles[one].name for one in guild.members[sim.member.id].role_ids}


def said(result: simcord.InteractionResult) -> str:
    """Everything that an interaction shows."""
    return "\n".join(shown(one) for one in (result.response, *result.followups) if one is not None)


async def test_a_member_takes_a_role_and_leaves_it(followed: Sim, offered: simcord.ResponseMessage):
    assert offered.ephemeral
    await followed.member.select(offered, [str(followed.role.id)], custom_id="vm:roles")
    assert "Live pings" in roles_of(followed)
    assert followed.role.mention in shown(offered)
    await followed.member.select(offered, [], custom_id="vm:roles")
    assert "Live pings" not in roles_of(followed)
    assert followed.env.errors == []


async def test_a_member_asks_for_an_account_and_the_bot_makes_its_role_once(
    followed: Sim, offered: simcord.ResponseMessage
):
    await followed.member.select(offered, ["1"], custom_id="vm:people:0")
    assert "🔔 ana" in roles_of(followed)
    await followed.member.select(offered, [], custom_id="vm:people:0")
    assert "🔔 ana" not in roles_of(followed)
    await followed.member.select(offered, ["1"], custom_id="vm:people:0")
    roles = followed.env.backend.guilds[GUILD_ID].roles.values()
    assert [one.permissions for one in roles if one.name == "🔔 ana"] == [0]
    assert followed.env.errors == []


async def test_a_role_that_got_powers_is_given_to_nobody(followed: Sim, offered: simcord.ResponseMessage):
    powers = discord.Permissions(ban_members=True).value
    followed.env.backend.edit_role(followed.guild.id, followed.role.id, {"permissions": powers})
    await followed.env.settle()
    await followed.member.select(offered, [str(followed.role.id)], custom_id="vm:roles")
    assert "Live pings" not in roles_of(followed)
    assert "permissions of moderators" in shown(await followed.use(followed.admin, "notify roles"))


async def test_a_role_with_powers_above_the_bot_or_of_who_may_not_give_it_is_not_offered(followed: Sim):
    followed.let_bot(manage_roles=True)
    strong = followed.guild.create_role("Strong", permissions=discord.Permissions(kick_members=True))
    refused = await followed.use(followed.admin, "notify roles", offer=strong)
    assert "permissions of moderators" in shown(refused)
    high = followed.guild.create_role("High", position=50)
    assert "above my own role" in shown(await followed.use(followed.admin, "notify roles", offer=high))
    (admins,) = [one for one in followed.guild.roles.values() if one.name == "Admins"]
    may = discord.Permissions(manage_guild=True, view_channel=True, use_application_commands=True)
    followed.env.backend.edit_role(followed.guild.id, admins.id, {"permissions": may.value})
    await followed.env.settle()
    refused = await followed.use(followed.admin, "notify roles", offer=followed.role)
    assert "*Manage Roles*" in shown(refused)
    assert (await followed.services.notification_roles.offer_of(GUILD_ID)).role_ids == ()
    followed.new_errors()


async def test_without_the_permission_it_is_asked_for_when_it_is_needed(followed: Sim):
    refused = await followed.use(followed.admin, "notify roles", offer=followed.role)
    assert "I lack *Manage Roles*" in shown(refused)
    allowed = await followed.use(followed.admin, "notify personal", on=True)
    assert "I lack *Manage Roles*" in shown(allowed)
    followed.new_errors()


async def test_a_member_is_told_to_show_an_admin_what_only_an_admin_can_mend(
    followed: Sim, offered: simcord.ResponseMessage
):
    followed.let_bot(manage_roles=False)
    await followed.env.settle()
    told = said(await followed.member.select(offered, ["1"], custom_id="vm:people:0"))
    assert "show this to an admin: I lack *Manage Roles*" in told
    followed.new_errors()


async def test_a_button_that_offers_nothing_yet_is_posted_with_a_warning(followed: Sim):
    for order in ({}, {"post": followed.channel}):
        told = shown(await followed.use(followed.admin, "notify roles", **order))
        assert "nothing to choose" in told
    followed.let_bot(manage_roles=True)
    told = shown(await followed.use(followed.admin, "notify roles", offer=followed.role))
    assert "nothing to choose" not in told


async def test_the_bell_of_an_alert_asks_for_its_account(followed: Sim):
    followed.let_bot(manage_roles=True)
    await followed.use(followed.admin, "notify personal", on=True)
    by = Requester(guild_id=GUILD_ID, user_id=1)
    key = Key.parse(followed.subscription)
    await followed.services.notification_settings.change(by, key, mention=Mention.PERSONAL)
    followed.lives.tiktok.go_live("ana")
    await followed.use(followed.admin, "live check", user="ana")
    await deliver(followed)
    (alert,) = followed.channel.history()
    for wanted in (True, False):
        result = await followed.member.click(alert, custom_id="vm:bell:1")
        assert ("🔔 ana" in roles_of(followed)) is wanted
        assert "@ana" in said(result)
    assert followed.env.errors == []


async def test_a_menu_takes_only_what_it_shows(followed: Sim, offered: simcord.ResponseMessage):
    """What was offered after somebody opened the menu, and what that one has, is not taken away by it."""
    later = followed.guild.create_role("Weekly")
    followed.env.backend.add_member_role(followed.guild.id, followed.member.id, later.id)
    await followed.env.settle()
    await followed.use(followed.admin, "notify roles", offer=later)
    await followed.member.select(offered, [str(followed.role.id)], custom_id="vm:roles")
    assert {"Live pings", "Weekly"} <= roles_of(followed)


async def test_a_menu_of_people_takes_only_what_it_shows(followed: Sim, offered: simcord.ResponseMessage):
    followed.lives.tiktok.add("bea", 2)
    await followed.use(followed.admin, "live add", user="bea", channel=followed.channel)
    result = await followed.member.click(followed.channel.history()[0], custom_id="vm:open")
    newer = next(one for one in (result.response, *result.followups) if one is not None)
    await followed.member.select(newer, ["2"], custom_id="vm:people:0")
    await followed.member.select(offered, ["1"], custom_id="vm:people:0")
    assert {"🔔 ana", "🔔 bea"} <= roles_of(followed)
