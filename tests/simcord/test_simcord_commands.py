"""Every command by every kind of person, in SimCord's Discord; a new command needs its line in `examples.py`."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
import simcord
from discord import app_commands
from sqlalchemy import text

from bot.core.announcements import Message, Tone
from bot.core.requester import Requester
from bot.errors import SourceUnavailable
from bot.storage import outbox, privacy
from bot.storage.tables import metadata
from tests.kept_posts import keep_profile
from tests.kept_streams import keep_live
from tests.services.round_world import FIRST, SECOND
from tests.simcord.examples import (
    ADMINS,
    CHANGING,
    EXAMPLES,
    FOR_EVERYONE,
    FORGOTTEN,
    IMPOSSIBLE,
    LINKED,
    LOOKING_AGAIN,
    PUBLIC,
    READING,
    SUGGESTIONS,
    WITHOUT_DATABASE,
)
from tests.simcord.sim import Sim, shown
from tests.slashcommands import slash_commands


def options(sim: Sim, name: str) -> dict[str, Any]:
    given = EXAMPLES[name]
    return {
        key: getattr(sim, value.strip("<>")) if str(value).startswith("<") else value
        for key, value in given.items()
        if value is not None
    }


@pytest.fixture
async def at_work(sim: Sim) -> Sim:
    """Ana is followed and has a birthday; a map was played, also by the member; its round 2 is void, a team named."""
    for number, handle in enumerate(("ana", "ben"), 1):
        sim.lives.tiktok.add(handle, number)
    await sim.use(sim.admin, "live add", user="@ana", channel=sim.channel, role=sim.role)
    await sim.use(sim.admin, "predict event add", day=sim.tomorrow, name="Birthday", user="ana")
    async with sim.database.write("test.keep") as conn:
        await keep_live(conn, started_at=sim.services.clock.now() - timedelta(days=2), minutes=5)
    sim.rounds.drop(FIRST, SECOND)
    await sim.rounds.run_for(10)
    admin = Requester(guild_id=sim.guild.id, user_id=sim.admin.id)
    await sim.services.players.link(admin, sim.member.id, LINKED, as_admin=True)
    await sim.use(sim.admin, "rounds void", round="2")
    await sim.use(sim.admin, "rounds team name", team="B", name="Wolves")
    await record(sim)
    async with sim.database.write("test.profiles") as conn:
        for handle in ("ana", "cleo"):
            began = sim.services.clock.now() - timedelta(days=9, hours=1)
            await keep_profile(conn, handle=handle, guild_id=sim.guild.id, started_at=began)
    async with sim.database.write("test.forget") as conn:
        await privacy.forget_player(conn, FORGOTTEN, sim.services.clock.now())
    sim.let_bot(manage_roles=True)
    sim.logged = await logged(sim)
    return sim


async def logged(sim: Sim) -> str:
    """A round was told in the channel; give its number in the log."""
    async with sim.database.write("test.log") as conn:
        await outbox.put(
            conn,
            event_key="round:test",
            guild_id=sim.guild.id,
            channel_id=sim.channel.id,
            message=Message(title="Supply, round 2", tone=Tone.ROUND),
            now=sim.services.clock.now(),
        )
        await conn.execute(text("UPDATE outbox SET kind = 'round' WHERE event_key = 'round:test'"))
        return str((await conn.execute(text("SELECT max(id) FROM outbox"))).scalar_one())


async def record(sim: Sim) -> None:
    """Ana had a live, and is on again; both are recorded."""
    async with sim.database.write("test.record") as conn:
        await keep_live(conn, started_at=sim.lives.clock.now() - timedelta(hours=5))
    sim.lives.tiktok.go_live("ana")
    await sim.use(sim.admin, "live check", user="ana")
    await sim.use(sim.admin, "stream start", user="ana")


def test_every_command_every_option_and_every_suggestion_has_its_line():
    tree = dict(slash_commands())
    assert EXAMPLES.keys() == tree.keys()
    for name, command in tree.items():
        assert EXAMPLES[name].keys() == {one.display_name for one in command.parameters}, name
    suggesting = {
        (name, one.display_name)
        for name, command in tree.items()
        for one in command.parameters
        if one.autocomplete
    }
    assert SUGGESTIONS.keys() == suggesting


async def test_simcord_was_sent_exactly_the_commands_of_the_cogs(sim: Sim):
    assert set(sim.admin.available_commands(sim.channel)) == EXAMPLES.keys()
    assert {leaf.qualified_name for leaf in leaves(sim)} == EXAMPLES.keys()


def leaves(sim: Sim) -> list[app_commands.Command]:
    return [one for one in sim.client.tree.walk_commands() if isinstance(one, app_commands.Command)]


@pytest.mark.parametrize("name", CHANGING)
async def test_an_admin_is_answered(at_work: Sim, name: str):
    before = everything(at_work)
    await answers_an_admin(at_work, name)
    assert everything(at_work) != before, "it may be among those that change nothing"


async def test_an_admin_is_answered_by_commands_that_change_nothing(at_work: Sim, subtests: pytest.Subtests):
    before = everything(at_work)
    for name in READING:
        with subtests.test(name):
            await answers_an_admin(at_work, name)
            assert everything(at_work) == before


async def answers_an_admin(sim: Sim, name: str) -> None:
    answer = await sim.use(sim.admin, name, **options(sim, name))
    errors = sim.new_errors()
    assert answer.ephemeral is (name not in PUBLIC)
    assert shown(answer)
    assert "incident" not in shown(answer)
    assert errors == []


async def test_a_member_is_offered_what_is_for_everyone_and_groups_whose_admin_commands_look_again(sim: Sim):
    assert set(sim.member.available_commands(sim.channel)) == FOR_EVERYONE | LOOKING_AGAIN


async def test_a_member_whom_the_servers_own_rules_let_in_is_refused_and_nothing_happens(
    at_work: Sim, subtests: pytest.Subtests
):
    at_work.let_in(at_work.member)
    before = everything(at_work)
    for name in ADMINS:
        with subtests.test(name):
            answer = await at_work.use(at_work.member, name, **options(at_work, name))
            errors = at_work.new_errors()
            assert answer.ephemeral
            assert "Manage Server" in shown(answer)
            assert everything(at_work) == before
            assert [type(error).__name__ for error in errors] == ["Refused"]


def everything(sim: Sim) -> list[Any]:
    """What is stored, and what was asked outside."""
    with closing(sqlite3.connect(sim.worlds.file)) as conn:
        names = conn.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
        rows = [(name, conn.execute(f'SELECT * FROM "{name}"').fetchall()) for (name,) in names]
    return [rows, list(sim.lives.tiktok.asked), sim.rounds.folder.listings]


@pytest.mark.parametrize("name", CHANGING)
async def test_the_owner_of_the_deployment_is_let_through_where_the_server_shows_the_command(
    at_work: Sim, name: str
):
    at_work.let_in(at_work.owner)
    await lets_the_owner_through(at_work, name)


async def test_the_owner_of_the_deployment_is_let_through_to_what_changes_nothing(
    at_work: Sim, subtests: pytest.Subtests
):
    at_work.let_in(at_work.owner)
    before = everything(at_work)
    for name in READING:
        with subtests.test(name):
            await lets_the_owner_through(at_work, name)
            assert everything(at_work) == before


async def lets_the_owner_through(sim: Sim, name: str) -> None:
    answer = await sim.use(sim.owner, name, **options(sim, name))
    errors = sim.new_errors()
    assert "Manage Server" not in shown(answer)
    assert errors == []


async def test_no_command_is_offered_outside_a_server(sim: Sim):
    await sim.env.settle()
    assert not EXAMPLES.keys() & sim.admin.user.available_commands()


async def lose_the_tables(sim: Sim) -> None:
    async with sim.database.write("test.break") as conn:
        for table in metadata.tables:
            await conn.execute(text(f"ALTER TABLE {table} RENAME TO gone_{table}"))


async def test_an_unexpected_error_shows_an_incident_that_the_log_explains(
    at_work: Sim, caplog, subtests: pytest.Subtests
):
    await lose_the_tables(at_work)
    for name in sorted(EXAMPLES.keys() - WITHOUT_DATABASE):
        with subtests.test(name):
            await shows_an_incident(at_work, name, caplog)


async def shows_an_incident(sim: Sim, name: str, caplog: pytest.LogCaptureFixture) -> None:
    answer = await sim.use(sim.admin, name, **options(sim, name))
    errors = sim.new_errors()
    assert answer.ephemeral
    incident = re.search(r"incident `([0-9a-f]{8})`", shown(answer))
    assert incident, shown(answer)
    assert "no such table" not in shown(answer)
    (record,) = [one for one in caplog.records if incident[1] in one.getMessage()]
    assert f"/{name}" in record.getMessage()
    assert "no such table" in record.getMessage()  # one line: a traceback says no more of a database
    assert errors


async def test_who_asks_for_what_cannot_be_gets_a_private_hint(at_work: Sim, subtests: pytest.Subtests):
    things = {
        "<channel>": at_work.channel,
        "<hidden>": at_work.hidden,
        "<subscription>": at_work.subscription,
        "<everyone>": at_work.guild.default_role,
        "<member>": at_work.member,
        "<owner>": at_work.owner,
        "<tomorrow>": at_work.tomorrow,
    }
    for name, wanted, hint in IMPOSSIBLE:
        given = {key: things.get(value, value) for key, value in wanted.items()}
        with subtests.test(name, **wanted):
            answer = await at_work.use(at_work.admin, name, **given)
            errors = at_work.new_errors()
            assert hint in shown(answer)
            assert "incident" not in shown(answer)
            assert answer.ephemeral
            assert len(errors) == 1


async def test_a_source_that_is_down_is_told_as_such(at_work: Sim):
    at_work.lives.tiktok.trouble = SourceUnavailable("HTTP 429", blocked=True)
    at_work.rounds.folder.trouble = SourceUnavailable("alpha: no answer within 10 s")
    checked = await at_work.use(at_work.admin, "live check", user="ana")
    assert "HTTP 429" in shown(checked)
    synced = await at_work.use(at_work.admin, "rounds sync", server="alpha")
    assert "not read" in shown(synced)
    assert at_work.env.errors == []


async def test_what_is_typed_is_completed(at_work: Sim, subtests: pytest.Subtests):
    before = everything(at_work)
    for (name, option), (typed, wanted) in SUGGESTIONS.items():
        with subtests.test(f"{name} {option}"):
            choices = await at_work.admin.autocomplete(at_work.channel, name, option, typed)
            expected = {"<subscription>": at_work.subscription, "<logged>": at_work.logged}.get(
                wanted, wanted
            )
            assert expected in [choice["value"] for choice in choices]
            assert len(choices) <= 25
            assert "beta" not in [choice["value"] for choice in choices]
            assert await at_work.admin.autocomplete(at_work.channel, name, option, "zzzz") == []
    assert everything(at_work) == before


async def test_a_suggestion_that_cannot_be_made_is_none_and_the_log_says_why(at_work: Sim, caplog):
    await lose_the_tables(at_work)
    assert await at_work.admin.autocomplete(at_work.channel, "live check", "user", "a") == []
    assert "live check" in caplog.text


async def test_a_command_that_is_not_there_any_more_is_explained(sim: Sim):
    sim.client.tree.remove_command("about")
    answer = await sim.use(sim.member, "about")
    assert "has changed" in shown(answer)
    assert answer.ephemeral
    assert len(sim.env.errors) == 1


async def test_warnings_name_what_the_bot_lacks(sim: Sim):
    sim.lives.tiktok.add("ana", 1)
    quiet = sim.guild.create_role("Quiet")
    answer = await sim.use(sim.admin, "live add", user="ana", channel=sim.hidden, role=quiet)
    assert "Embed Links, Attach Files" in shown(answer)
    assert "cannot be pinged" in shown(answer)
    set_up = await sim.use(sim.admin, "setup", lives=sim.hidden)
    assert "I lack Embed Links, Attach Files" in shown(set_up)


async def test_the_last_round_has_its_chart(at_work: Sim):
    answer = await at_work.use(at_work.member, "rounds last")
    (embed,) = answer.embeds
    assert embed.title.startswith("Adlernest")
    (chart,) = answer.attachments
    assert chart.filename == "chart.png"
    with pytest.raises(simcord.SetupError):
        await at_work.member.slash(at_work.channel, "status")
