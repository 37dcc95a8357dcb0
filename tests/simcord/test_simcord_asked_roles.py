"""The roles the bot keeps for who asked for an account: one for each, that its alerts can ping."""

from __future__ import annotations

import discord
import pytest
import simcord

from bot.core.notifications.options import Mention
from bot.core.requester import Requester
from bot.services.notification_list import Key
from tests.simcord.sim import GUILD_ID, Sim, shown
from tests.simcord.test_simcord_notify import deliver, followed

__all__ = ["followed"]
BELL = "vm:bell:1"


@pytest.fixture
async def alert(followed: Sim) -> simcord.Message:
    """An alert with a bell."""
    followed.let_bot(manage_roles=True)
    await followed.use(followed.admin, "notify personal", on=True)
    by, key = Requester(guild_id=GUILD_ID, user_id=1), Key.parse(followed.subscription)
    await followed.services.notification_settings.change(by, key, mention=Mention.PERSONAL)
    followed.lives.tiktok.go_live("ana")
    await followed.use(followed.admin, "live check", user="ana")
    await deliver(followed)
    (posted,) = followed.channel.history()
    return posted


def kept(sim: Sim) -> list[discord.Role]:
    return [one for one in sim.guild.roles.values() if one.name == "🔔 ana"]


@pytest.mark.parametrize("may_mention_all", [True, False])
async def test_the_bot_can_ping_the_role_it_keeps(
    followed: Sim,
    alert: simcord.Message,
    may_mention_all: bool,
):
    followed.let_bot(manage_roles=True, mention_everyone=may_mention_all)
    await followed.member.click(alert, custom_id=BELL)
    (role,) = kept(followed)
    assert followed.env.backend.guilds[GUILD_ID].roles[role.id].mentionable is not may_mention_all


async def test_a_role_that_was_deleted_by_hand_is_made_anew(followed: Sim, alert: simcord.Message):
    await followed.member.click(alert, custom_id=BELL)
    (role,) = kept(followed)
    followed.env.backend.delete_role(followed.guild.id, role.id)
    await followed.env.settle()
    await followed.member.click(alert, custom_id=BELL)
    assert [one.id != role.id for one in kept(followed)] == [True]
    assert followed.env.errors == []


async def test_what_was_deleted_while_the_bot_was_away_is_offered_no_more(followed: Sim):
    service, by = followed.services.notification_roles, Requester(guild_id=GUILD_ID, user_id=1)
    await service.offer(by, 4_700_000_000_000_999)
    assert "A role that was offered is gone" in shown(await followed.use(followed.admin, "notify roles"))
    assert (await service.offer_of(GUILD_ID)).role_ids == ()
    assert "gone" not in shown(await followed.use(followed.admin, "notify roles"))
