"""Every command by every kind of person, in SimCord's Discord; a new command needs its line here."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import simcord
from discord import app_commands
from sqlalchemy import text

from bot.core.requester import Requester
from bot.errors import SourceUnavailable
from bot.storage import privacy
from bot.storage.tables import metadata
from tests.kept_posts import FIRST_POST, keep_profile
from tests.kept_streams import keep_live
from tests.services.round_world import FIRST, SECOND
from tests.simcord.sim import Sim, shown
from tests.slashcommands import slash_commands

# Who played in `FIRST`, and who of them is a member.
PLAYER, LINKED = "2B5938F5", "1C747DF1"
FORGOTTEN = "DEADBEEF"  # who asked for it
NEWEST_POST = str(FIRST_POST + 1_000_000 + 7)  # of ana, who is the first account
# Each command with options that suit it; a name in angle brackets is something of the guild.
EXAMPLES: dict[str, dict[str, Any]] = {
    "privacy delete": {"user": PLAYER},
    "privacy restore": {"user": FORGOTTEN},
    "live add": {"user": "@ben", "channel": "<channel>", "role": "<role>"},
    "live remove": {"user": "ana", "channel": "<channel>"},
    "live list": {},
    "live check": {"user": "ana"},
    "live pause": {"user": "ana", "paused": True},
    "live why": {"user": "ana"},
    "predict next": {},
    "predict account": {"user": "ana"},
    "predict plan": {},
    "predict accuracy": {},
    "predict policy": {"policy": "roadmap", "user": "ana"},
    "predict priority": {"user": "ana", "priority": 2.5},
    "predict pin": {"user": "ana", "minutes": 30},
    "predict boost": {"user": "ana", "hours": 1.5},
    "predict freeze": {"user": "ana", "frozen": True},
    # Only the owner switches it on; an admin reads the comparison.
    "predict shadow": {"policy": None},
    "predict board": {"channel": "<channel>", "remove": False},
    "predict scores": {"on": True},
    "predict holidays": {"country": "ID"},
    "predict event add": {"day": "<tomorrow>", "name": "New Year's Eve", "user": "ana"},
    "predict event remove": {"event": "1"},
    "predict event list": {},
    "player stats": {"player": PLAYER, "user": None},
    "player compare": {"a": PLAYER, "b": LINKED},
    "player link": {"player": PLAYER, "user": "<owner>"},
    "player unlink": {"user": "<member>"},
    "rounds sync": {"server": "alpha", "backfill": True},
    "rounds last": {"server": "alpha"},
    "export stream": {"live": "1", "format": "both"},
    "export profile": {"account": "ana", "format": "both"},
    "export range": {"account": "ana", "from": "2025-09-01", "to": None, "format": "csv"},
    "top players": {
        "metric": "dpm",
        "period": "all_time",
        "per": "total",
        "min_rounds": 1,
        "server": "alpha",
    },
    "top gifters": {"period": None, "user": "ana", "from": "2026-03-01", "to": "2026-03-31"},
    "stream now": {"user": "ana"},
    "stream history": {"user": "ana"},
    "stream compare": {"a": "1", "b": "2"},
    "stream correlation": {"live": "1", "user": None},
    "stream start": {"user": "ana"},
    "stream stop": {"user": "ana"},
    "stream settings": {"user": "ana", "record": True, "live_edits": True, "keep_comments": False},
    "profile watch": {"user": "@ben", "hours": 12},
    "profile unwatch": {"user": "ana"},
    "profile pause": {"user": "ana", "paused": True},
    "profile update": {"user": "ana", "full": True},
    "profile report": {"user": "ana", "every": "daily", "channel": "<channel>"},
    "profile list": {},
    "profile logs": {"user": "ana"},
    "profile queue": {},
    "profile show": {"user": "ana"},
    "profile posts": {"user": "ana", "sort": "growth"},
    "profile post": {"post": NEWEST_POST},
    "profile compare": {"a": "ana", "b": "cleo"},
    "rounds balance": {"server": "alpha"},
    "rounds evening": {"date": "2025-10-26", "server": "alpha"},
    "rounds map": {"name": "etl_adlernest", "server": "alpha"},
    "rounds scheduler": {"server": "alpha"},
    "rounds toggle": {"what": "posts", "on": False, "server": "alpha"},
    "rounds ignore": {"map": "etl_adlernest", "player": None, "ignored": True, "server": "alpha"},
    "rounds void": {"round": "1"},
    "rounds restore": {"round": "2"},
    "rounds team name": {"team": "A", "name": "Foxes", "round": "1"},
    "rounds team player": {"player": PLAYER, "team": "B", "round": "1"},
    "rounds team reset": {"round": "1"},
    "rounds reimport": {"file": "1", "fetch": False},
    "rounds audit": {},
    "setup": {
        "lives": "<channel>",
        "rounds": "<channel>",
        "admin": "<hidden>",
        "audit": "<channel>",
        "time_zone": "Asia/Jakarta",
        "language": "id",
        "digest": False,
        "clear": "rounds",
    },
    "status": {},
    "about": {},
}
# Each option that suggests, with what is typed, and a suggestion that must be among the answers.
SUGGESTIONS = {
    ("live remove", "user"): ("an", "ana"),
    ("export stream", "live"): ("AN", "1"),
    ("export range", "account"): ("an", "ana"),
    ("export profile", "account"): ("an", "ana"),
    ("live check", "user"): ("", "ana"),
    ("live pause", "user"): ("@a", "ana"),
    ("live why", "user"): ("an", "ana"),
    ("predict account", "user"): ("an", "ana"),
    ("predict policy", "user"): ("", "ana"),
    ("predict priority", "user"): ("@a", "ana"),
    ("predict pin", "user"): ("an", "ana"),
    ("predict boost", "user"): ("an", "ana"),
    ("predict freeze", "user"): ("an", "ana"),
    ("predict event add", "user"): ("an", "ana"),
    ("predict event remove", "event"): ("birth", "1"),
    ("player stats", "player"): ("BRON", PLAYER),
    ("player compare", "a"): ("ronze", PLAYER),
    ("player compare", "b"): ("smet", LINKED),
    ("player link", "player"): ("", PLAYER),
    ("rounds sync", "server"): ("al", "alpha"),
    ("rounds last", "server"): ("", "alpha"),
    ("top players", "metric"): ("DAMAGE", "dpm"),
    ("top players", "server"): ("", "alpha"),
    ("top gifters", "user"): ("an", "ana"),
    ("stream now", "user"): ("@A", "ana"),
    ("stream history", "user"): ("an", "ana"),
    ("stream compare", "a"): ("", "2"),
    ("stream compare", "b"): ("an", "@ana"),
    ("stream correlation", "live"): ("ana", "1"),
    ("stream correlation", "user"): ("", "ana"),
    ("stream start", "user"): ("an", "ana"),
    ("stream stop", "user"): ("an", "ana"),
    ("stream settings", "user"): ("@an", "ana"),
    ("profile unwatch", "user"): ("an", "ana"),
    ("profile pause", "user"): ("@A", "ana"),
    ("profile update", "user"): ("", "ana"),
    ("profile report", "user"): ("", "ana"),
    ("profile logs", "user"): ("cl", "cleo"),
    ("profile show", "user"): ("an", "ana"),
    ("profile posts", "user"): ("an", "ana"),
    ("profile post", "post"): ("#dance", NEWEST_POST),
    ("profile compare", "a"): ("an", "ana"),
    ("profile compare", "b"): ("", "cleo"),
    ("rounds balance", "server"): ("", "alpha"),
    ("rounds evening", "date"): ("2025", "2025-10-26 21:35"),
    ("rounds evening", "server"): ("al", "alpha"),
    ("rounds map", "name"): ("adler", "etl_adlernest"),
    ("rounds map", "server"): ("al", "alpha"),
    ("rounds scheduler", "server"): ("", "alpha"),
    ("rounds toggle", "server"): ("al", "alpha"),
    ("rounds ignore", "server"): ("al", "alpha"),
    ("rounds ignore", "map"): ("adler", "etl_adlernest"),
    ("rounds ignore", "player"): ("", PLAYER),
    ("rounds void", "round"): ("adler", "1"),
    ("rounds restore", "round"): ("", "2"),
    ("rounds team name", "round"): ("Adler", "1"),
    ("rounds team player", "round"): ("", "1"),
    ("rounds team player", "player"): ("", PLAYER),
    ("rounds team reset", "round"): ("", "2"),
    ("rounds reimport", "file"): ("ROUND-2", "2"),
    ("setup", "time_zone"): ("jakarta", "Asia/Jakarta"),
}
READ_BY_ALL = {f"predict {name}" for name in ("next", "account", "plan", "accuracy")}
READ_BY_ALL |= {"player stats", "player compare", "top players", "top gifters"}
READ_BY_ALL |= {f"stream {name}" for name in ("now", "history", "compare", "correlation")}
READ_BY_ALL |= {f"profile {name}" for name in ("show", "posts", "post", "compare")}
FOR_EVERYONE = {
    "about",
    "rounds last",
    "rounds balance",
    "rounds evening",
    "rounds map",
    "rounds scheduler",
    "player link",
    "player unlink",
} | READ_BY_ALL
PUBLIC = {"rounds last", "rounds balance", "rounds evening", "rounds map"} | READ_BY_ALL
# They stand in a group that is open to all, and look again themselves.
LOOKING_AGAIN = {name for name in EXAMPLES if name.startswith(("predict ", "profile ", "rounds ", "stream "))}
WITHOUT_DATABASE = {"about"}
ADMINS = sorted(EXAMPLES.keys() - FOR_EVERYONE)


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
    return sim


async def record(sim: Sim) -> None:
    """Ana had a live, and is on again; both are recorded."""
    async with sim.database.write("test.record") as conn:
        await keep_live(conn, started_at=sim.lives.clock.now() - timedelta(hours=5))
    sim.lives.tiktok.go_live("ana")
    await sim.use(sim.admin, "live check", user="ana")
    await sim.use(sim.admin, "stream start", user="ana")


def test_every_command_every_option_and_every_suggestion_has_its_line_here():
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


@pytest.mark.parametrize("name", EXAMPLES)
async def test_an_admin_is_answered(at_work: Sim, name: str):
    answer = await at_work.use(at_work.admin, name, **options(at_work, name))
    assert answer.ephemeral is (name not in PUBLIC)
    assert shown(answer)
    assert "incident" not in shown(answer)
    assert at_work.env.errors == []


async def test_a_member_is_offered_what_is_for_everyone_and_groups_whose_admin_commands_look_again(sim: Sim):
    assert set(sim.member.available_commands(sim.channel)) == FOR_EVERYONE | LOOKING_AGAIN


@pytest.mark.parametrize("name", ADMINS)
async def test_a_member_whom_the_servers_own_rules_let_in_is_refused_and_nothing_happens(
    at_work: Sim, name: str
):
    at_work.let_in(at_work.member)
    before = await everything(at_work)
    answer = await at_work.use(at_work.member, name, **options(at_work, name))
    assert answer.ephemeral
    assert "Manage Server" in shown(answer)
    assert await everything(at_work) == before
    assert [type(error).__name__ for error in at_work.env.errors] == ["Refused"]


async def everything(sim: Sim) -> list[Any]:
    """What is stored, and what was asked outside."""
    async with sim.database.read() as conn:
        names = (await conn.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))).scalars()
        rows = [(name, (await conn.execute(text(f'SELECT * FROM "{name}"'))).all()) for name in sorted(names)]
    return [rows, list(sim.lives.tiktok.asked), sim.rounds.folder.listings]


@pytest.mark.parametrize("name", EXAMPLES)
async def test_the_owner_of_the_deployment_is_let_through_where_the_server_shows_the_command(
    at_work: Sim, name: str
):
    at_work.let_in(at_work.owner)
    answer = await at_work.use(at_work.owner, name, **options(at_work, name))
    assert "Manage Server" not in shown(answer)
    assert at_work.env.errors == []


@pytest.mark.parametrize("name", EXAMPLES)
async def test_no_command_is_offered_outside_a_server(sim: Sim, name: str):
    await sim.env.settle()
    assert name not in sim.admin.user.available_commands()


async def lose_the_tables(sim: Sim) -> None:
    async with sim.database.write("test.break") as conn:
        for table in metadata.tables:
            await conn.execute(text(f"ALTER TABLE {table} RENAME TO gone_{table}"))


@pytest.mark.parametrize("name", sorted(EXAMPLES.keys() - WITHOUT_DATABASE))
async def test_an_unexpected_error_shows_an_incident_that_the_log_explains(at_work: Sim, caplog, name: str):
    given = options(at_work, name)
    await lose_the_tables(at_work)
    answer = await at_work.use(at_work.admin, name, **given)
    assert answer.ephemeral
    incident = re.search(r"incident `([0-9a-f]{8})`", shown(answer))
    assert incident, shown(answer)
    assert "no such table" not in shown(answer)
    (record,) = [one for one in caplog.records if incident[1] in one.getMessage()]
    assert f"/{name}" in record.getMessage()
    assert "no such table" in record.getMessage()  # one line: a traceback says no more of a database
    assert at_work.env.errors


@pytest.mark.parametrize(
    ("name", "given", "hint"),
    [
        ("live add", {"user": "no handle!", "channel": "<channel>"}, "handle"),
        ("live add", {"user": "@ben", "channel": "<channel>", "role": "<everyone>"}, "never ping everyone"),
        ("live remove", {"user": "nobody"}, "nobody"),
        ("live check", {"user": "nobody"}, "nobody"),
        ("live pause", {"user": "nobody"}, "nobody"),
        ("live why", {"user": "nobody"}, "nobody"),
        ("predict account", {"user": "nobody"}, "nobody"),
        ("predict account", {"user": "no handle!"}, "handle"),
        ("predict policy", {"policy": "fixed", "user": "nobody"}, "nobody"),
        ("predict policy", {"policy": "default"}, "Give the account"),
        ("predict policy", {"policy": "fixed"}, "owner"),
        ("predict priority", {"user": "nobody", "priority": 2.0}, "nobody"),
        ("predict pin", {"user": "nobody", "minutes": 30}, "nobody"),
        ("predict boost", {"user": "nobody"}, "nobody"),
        ("predict freeze", {"user": "nobody"}, "nobody"),
        ("predict shadow", {"policy": "roadmap"}, "owner"),
        ("predict board", {"remove": True}, "board"),
        ("predict holidays", {"country": "XX"}, "country"),
        ("predict event add", {"day": "tomorrow", "name": "x"}, "2026-12-31"),
        ("predict event add", {"day": "<tomorrow>", "name": "x", "user": "nobody"}, "nobody"),
        ("predict event remove", {"event": "4711"}, "no such special day"),
        ("predict event remove", {"event": "birthday"}, "number"),
        ("export stream", {"live": "4711"}, "not recorded"),
        ("export stream", {"live": "ana"}, "suggestions"),
        ("export range", {"account": "nobody"}, "nobody"),
        ("export profile", {"account": "nobody"}, "not watched"),
        ("export range", {"from": "yesterday"}, "2026-12-31"),
        ("export range", {"from": "2026-12-31", "to": "2026-12-30"}, "before"),
        ("export range", {"from": "2020-01-01", "to": "2020-01-02"}, "No live"),
        ("player stats", {}, "/player link"),
        ("player stats", {"player": "nobody"}, "nobody"),
        ("player stats", {"player": PLAYER, "user": "<member>"}, "not both"),
        ("player stats", {"user": "<owner>"}, "not linked"),
        ("player compare", {"a": PLAYER}, "/player link"),
        ("player compare", {"a": PLAYER, "b": "bronze"}, "one and the same"),
        ("player link", {"player": "nobody"}, "nobody"),
        ("player link", {}, "Name the player"),
        ("player unlink", {}, "no link"),
        ("top gifters", {"user": "nobody"}, "nobody"),
        ("top gifters", {"from": "yesterday"}, "2026-12-31"),
        ("top gifters", {"from": "2026-03-02", "to": "2026-03-01"}, "before the first"),
        ("top gifters", {"period": "7_days", "to": "2026-03-01"}, "not both"),
        ("rounds sync", {"server": "beta"}, "does not belong"),
        ("rounds last", {"server": "beta"}, "does not belong"),
        ("rounds balance", {"server": "beta"}, "does not belong"),
        ("rounds scheduler", {"server": "beta"}, "does not belong"),
        ("rounds toggle", {"what": "posts", "server": "beta"}, "does not belong"),
        ("rounds ignore", {}, "Give a map or a player"),
        ("rounds ignore", {"map": "supply", "server": "beta"}, "does not belong"),
        ("rounds ignore", {"player": "NOBODY00"}, "suggestions"),
        ("rounds void", {"round": "2"}, "so already"),
        ("rounds restore", {"round": "adlernest"}, "suggestions"),
        ("rounds team name", {"team": "A", "round": "4711"}, "suggestions"),
        ("rounds team player", {"player": "nobody"}, "suggestions"),
        ("rounds reimport", {"file": "4711"}, "suggestions"),
        ("stream now", {"user": "nobody"}, "nobody"),
        ("stream history", {"user": "nobody"}, "nobody"),
        ("stream compare", {"a": "1", "b": "1"}, "one and the same"),
        ("stream correlation", {}, "not both"),
        ("stream start", {"user": "nobody"}, "nobody"),
        ("stream stop", {"user": "nobody"}, "nobody"),
        ("stream settings", {"user": "nobody", "record": False}, "nobody"),
        ("profile watch", {"user": "no handle!"}, "handle"),
        ("profile unwatch", {"user": "nobody"}, "nobody"),
        ("profile pause", {"user": "nobody"}, "nobody"),
        ("profile update", {"user": "nobody"}, "nobody"),
        ("profile report", {"user": "nobody", "every": "off"}, "nobody"),
        ("profile logs", {"user": "nobody"}, "nobody"),
        ("profile show", {"user": "nobody"}, "nobody"),
        ("profile posts", {"user": "nobody"}, "nobody"),
        ("profile post", {"post": "4711"}, "suggestions"),
        ("profile post", {"post": "99999999999999999999"}, "suggestions"),
        ("profile compare", {"a": "ana", "b": "@ana"}, "one and the same"),
        ("profile compare", {"a": "ana", "b": "nobody"}, "nobody"),
        ("setup", {"time_zone": "Jakarta"}, "time zone"),
    ],
)
async def test_who_asks_for_what_cannot_be_gets_a_private_hint(
    at_work: Sim, name: str, given: dict[str, Any], hint: str
):
    things = {
        "<channel>": at_work.channel,
        "<everyone>": at_work.guild.default_role,
        "<member>": at_work.member,
        "<owner>": at_work.owner,
        "<tomorrow>": at_work.tomorrow,
    }
    given = {key: things.get(value, value) for key, value in given.items()}
    answer = await at_work.use(at_work.admin, name, **given)
    assert hint in shown(answer)
    assert "incident" not in shown(answer)
    assert answer.ephemeral
    assert len(at_work.env.errors) == 1


async def test_a_source_that_is_down_is_told_as_such(at_work: Sim):
    at_work.lives.tiktok.trouble = SourceUnavailable("HTTP 429", blocked=True)
    at_work.rounds.folder.trouble = SourceUnavailable("alpha: no answer within 10 s")
    checked = await at_work.use(at_work.admin, "live check", user="ana")
    assert "HTTP 429" in shown(checked)
    synced = await at_work.use(at_work.admin, "rounds sync", server="alpha")
    assert "not read" in shown(synced)
    assert at_work.env.errors == []


@pytest.mark.parametrize(("name", "option"), SUGGESTIONS)
async def test_what_is_typed_is_completed(at_work: Sim, name: str, option: str):
    typed, wanted = SUGGESTIONS[name, option]
    choices = await at_work.admin.autocomplete(at_work.channel, name, option, typed)
    assert wanted in [choice["value"] for choice in choices]
    assert len(choices) <= 25
    assert "beta" not in [choice["value"] for choice in choices]
    assert await at_work.admin.autocomplete(at_work.channel, name, option, "zzzz") == []


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
