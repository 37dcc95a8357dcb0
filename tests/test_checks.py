"""`check` against the stand-ins: what is right, what is wrong, and how to mend it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from importlib.metadata import version

import pytest

from bot.checks import BASE_PERMISSIONS, Finding, Mark, _judge_guilds, run_checks
from bot.errors import StorageError
from bot.settings import load_settings
from bot.sources.etlegacy.sftp import learn_host_key, ssh_address, trust_host_key
from bot.storage.engine import sqlite_url
from bot.storage.examine import sqlite_remark
from bot.storage.migrate import HEAD_REVISION, upgrade
from tests.clocks import ManualClock
from tests.databases import PASSWORD
from tests.gameserver import GameServer, running_gameserver
from tests.standins import StandIn, running

NOW = datetime(2026, 11, 21, 4, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def discord() -> Iterator[StandIn]:
    with running("discord", "--no-rate-limits") as one:
        yield one
        assert one.control("GET", "violations")["violations"] == []


@pytest.fixture(scope="module")
def tiktok() -> Iterator[StandIn]:
    with running("tiktok") as one:
        yield one


@pytest.fixture(scope="module")
def scrapecreators() -> Iterator[StandIn]:
    with running("scrapecreators") as one:
        yield one


@pytest.fixture(scope="module")
def game() -> Iterator[GameServer]:
    with running_gameserver() as one:
        yield one


@pytest.fixture
def world(discord, tiktok, game, scrapecreators, tmp_path, monkeypatch):
    """Set the environment to the stand-ins and give a function that changes it and runs the checks."""
    for one in (discord, tiktok, game, scrapecreators):
        one.control("DELETE", "faults")
    start = {
        "DATA_FOLDER": str(tmp_path / "data"),
        "OWNER_ID": discord.facts["users"]["admin"],
        "DISCORD_TOKEN": discord.facts["token"],
        "DISCORD_API_URL": discord.facts["api"],
        "TIKTOK_URL": tiktok.facts["www"],
        "SIGN_API_URL": tiktok.facts["sign"],
        "SIGN_API_KEY": "canary-sign-key",
        "SCRAPECREATORS_URL": scrapecreators.base,
        "SCRAPECREATORS_API_KEY": scrapecreators.facts["key"],
        "SSH_TIMEOUT_SECONDS": "5",
        "TIME_ZONE": "Asia/Jakarta",
        "GAME_SERVERS__MAIN__HOST": game.facts["ssh_host"],
        "GAME_SERVERS__MAIN__PORT": str(game.facts["ssh_port"]),
        "GAME_SERVERS__MAIN__USERNAME": game.facts["username"],
        "GAME_SERVERS__MAIN__PASSWORD": game.facts["password"],
        "GAME_SERVERS__MAIN__STATS_FOLDER": game.facts["stats_folder"],
        "GAME_SERVERS__MAIN__QUERY_PORT": str(game.facts["query_port"]),
        "GAME_SERVERS__MAIN__GUILD_IDS": discord.facts["guild"],
    }
    for name, value in start.items():
        monkeypatch.setenv(name, value)

    def settings(**changes: str | None):
        for name, value in changes.items():
            monkeypatch.delenv(name) if value is None else monkeypatch.setenv(name, value)
        return load_settings(tmp_path / "no.env")

    async def check(**changes: str | None) -> dict[str, list[Finding]]:
        found: dict[str, list[Finding]] = {}
        for finding in await run_checks(settings(**changes), ManualClock(NOW)):
            found.setdefault(finding.what, []).append(finding)
        return found

    check.settings = settings
    return check


def trust(world) -> None:
    settings = world.settings()
    address = ssh_address("main", settings.game_servers["main"], 5)
    trust_host_key(settings.known_hosts_file, learn_host_key(address))


def the_wrong(found: dict[str, list[Finding]]) -> dict[str, str]:
    return {what: one.text for what, many in found.items() for one in many if one.mark is Mark.WRONG}


async def test_where_all_is_well_nothing_is_wrong(world, game, tmp_path):
    (tmp_path / "data").mkdir(mode=0o700)
    trust(world)
    game.write("gamestat-1.txt", b"x")
    settings = world.settings()
    await upgrade(settings.database, settings.backup_folder, NOW, keep=1)
    found = await world()
    assert the_wrong(found) == {}
    marks = {what: many[0].mark for what, many in found.items()}
    assert marks == dict.fromkeys(
        [
            "token",
            "guilds",
            "database",
            "server main",
            "query main",
            "tiktok",
            "sign quota",
            "yt-dlp",
            "scrapecreators",
            "disk",
            "time zone",
        ],
        Mark.OK,
    )
    assert "gamestats: 1" in found["server main"][0].text
    assert HEAD_REVISION in found["database"][0].text
    assert "Asia/Jakarta, where it is now 11:15" in found["time zone"][0].text
    assert " per day" in found["sign quota"][0].text


async def test_no_secret_is_in_any_finding(world, game, discord, scrapecreators):
    found = await world()
    shown = repr(found)
    for secret in (
        discord.facts["token"],
        game.facts["password"],
        "canary-sign-key",
        scrapecreators.facts["key"],
    ):
        assert secret not in shown


async def test_a_missing_token_is_not_well_and_says_where_to_get_one(world):
    wrong = the_wrong(await world(DISCORD_TOKEN=None))
    assert "https://discord.com/developers/applications" in wrong["token"]


async def test_a_refused_token_is_told_apart_from_an_unreachable_discord(world):
    refused = the_wrong(await world(DISCORD_TOKEN="wrong." + "x" * 60))
    assert "401" in refused["token"]
    away = the_wrong(await world(DISCORD_API_URL="http://127.0.0.1:9"))
    assert "cannot be asked" in away["token"]


async def test_a_bot_in_no_server_gets_its_invite_link(world, discord):
    discord.control("POST", "kick", {})
    try:
        wrong = the_wrong(await world())
    finally:
        discord.control("POST", "invite", {})
    assert f"client_id={discord.facts['application_id']}" in wrong["guilds"]
    assert "permissions=274878024704" in wrong["guilds"]
    assert "where the bot is not" in wrong["server main"] or "host key" in wrong["server main"]


async def test_missing_permissions_are_named(world, discord):
    assert sum(BASE_PERMISSIONS.values()) == 274878024704
    role = discord.facts["roles"]["Vedette"]
    discord.control("PATCH", f"roles/{role}", {"permissions": ["view_channel", "attach_files"]})
    wrong = the_wrong(await world())
    discord.control("PATCH", f"roles/{role}", {"permissions": ["administrator"]})
    assert "guilds" not in the_wrong(await world())
    assert "lacks Embed Links, Send Messages in Threads;" in wrong["guilds"]  # @everyone may do the rest


def test_an_administrator_lacks_nothing():
    [finding] = _judge_guilds([{"id": "1", "name": "a guild", "permissions": str(1 << 3)}], "", {})
    assert finding.mark is Mark.OK


async def test_a_server_of_a_guild_the_bot_is_not_in_is_told(world):
    trust(world)
    wrong = the_wrong(await world(GAME_SERVERS__MAIN__GUILD_IDS="12345"))
    assert "12345" in wrong["server main"]


async def test_an_untrusted_host_key_tells_the_command_and_the_fingerprint(world, game):
    wrong = the_wrong(await world())
    assert "python3 tools/run.py trust-host main" in wrong["server main"]
    assert game.facts["fingerprint"] in wrong["server main"]


async def test_a_changed_host_key_is_a_warning(world, game):
    known = world.settings().known_hosts_file
    trust(world)
    with running_gameserver() as other:
        line = known.read_text().split()
        known.write_text(" ".join([line[0], *other.facts["host_key"].split()[:2]]) + "\n")
    wrong = the_wrong(await world())
    assert "another host key" in wrong["server main"]
    assert "somebody may listen in" in wrong["server main"]


async def test_wrong_credentials_and_a_silent_server_are_told(world):
    trust(world)
    assert "password or key" in the_wrong(await world(GAME_SERVERS__MAIN__PASSWORD="wrong"))["server main"]
    assert "main" in the_wrong(await world(GAME_SERVERS__MAIN__PORT="9"))["server main"]


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("STATS_FOLDER", "legacy/gamestat", "STATS_FOLDER=legacy/gamestat"),
        ("HOST", "nowhere.invalid", "HOST=nowhere.invalid"),
        ("PORT", "9", "PORT=9"),
        ("USERNAME", "nobody", "USERNAME=nobody"),
        ("KEY_FILE", "no/such/key", "KEY_FILE=no/such/key"),
    ],
)
async def test_a_game_server_that_cannot_be_read_leads_to_the_setting(world, setting, value, told):
    trust(world)
    wrong = the_wrong(await world(**{f"GAME_SERVERS__MAIN__{setting}": value}))
    assert f"GAME_SERVERS__MAIN__{told}" in wrong["server main"]


async def test_a_server_that_belongs_to_no_guild_is_noted(world):
    trust(world)
    found = await world(GAME_SERVERS__MAIN__GUILD_IDS="")
    texts = [one.text for one in found["server main"] if one.mark is Mark.NOTE]
    assert any("GAME_SERVERS__MAIN__GUILD_IDS is empty: nobody sees its rounds" in text for text in texts)


@pytest.mark.skipif(os.name == "nt", reason="no such permissions on Windows")
async def test_settings_that_others_may_read_are_noted(world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").touch(0o600)
    assert "settings" not in await world()
    (tmp_path / ".env").chmod(0o644)
    [finding] = (await world())["settings"]
    assert finding.mark is Mark.NOTE
    assert "chmod 600 .env" in finding.text


@pytest.mark.skipif(os.name == "nt", reason="no such permissions on Windows")
async def test_a_data_folder_that_others_may_read_is_noted(world, tmp_path):
    folder = tmp_path / "kept"
    folder.mkdir(mode=0o700)
    assert "data folder" not in await world(DATA_FOLDER=str(folder))
    folder.chmod(0o755)
    [finding] = (await world(DATA_FOLDER=str(folder)))["data folder"]
    assert finding.mark is Mark.NOTE
    assert f"chmod 700 {folder}" in finding.text


async def test_who_records_nothing_needs_no_signing_service(world):
    assert "sign quota" not in await world(RECORD_LIVES="false", SIGN_API_URL="http://127.0.0.1:9")


async def test_an_unanswered_query_is_only_a_note(world):
    found = await world(GAME_SERVERS__MAIN__QUERY_PORT="9")
    assert [one.mark for one in found["query main"]] == [Mark.NOTE]
    assert "query main" not in await world(GAME_SERVERS__MAIN__QUERY_PORT="0")


async def test_a_tiktok_that_refuses_is_told_apart_from_one_that_is_away(world, tiktok):
    assert "cannot be reached" in the_wrong(await world(TIKTOK_URL="http://127.0.0.1:9"))["tiktok"]
    tiktok.fault("status", r"^/\?", status=403)
    wrong = the_wrong(await world(TIKTOK_URL=tiktok.facts["www"]))
    assert "refuses this machine (HTTP 403)" in wrong["tiktok"]


async def test_a_refused_sign_key_is_told_apart_from_a_signing_service_that_is_away(world, tiktok):
    tiktok.fault("status", "^/webcast/rate_limits", status=401)
    assert "SIGN_API_KEY was refused" in the_wrong(await world())["sign quota"]
    tiktok.fault("status", "^/webcast/rate_limits", status=401)
    assert "answers with HTTP 401" in the_wrong(await world(SIGN_API_KEY=None))["sign quota"]
    assert "cannot be asked" in the_wrong(await world(SIGN_API_URL="http://127.0.0.1:9"))["sign quota"]


async def test_the_sign_key_is_sent_where_there_is_one(world, tiktok):
    tiktok.control("DELETE", "requests")
    await world()
    found = await world(SIGN_API_KEY=None)
    asked = [entry["api_key"] for entry in tiktok.seen() if entry["path"] == "/webcast/rate_limits"]
    assert asked == [True, False]
    assert "without a key" in found["sign quota"][0].text


async def test_the_paid_source_of_posts_tells_what_is_left_or_why_it_does_not(world, scrapecreators):
    scrapecreators.control("POST", "credits", {"left": 98})
    assert "credits left: 98" in (await world())["scrapecreators"][0].text
    scrapecreators.control("POST", "credits", {"left": 0})
    assert "no credits are left" in the_wrong(await world())["scrapecreators"]
    scrapecreators.control("POST", "credits", {"left": 98})
    assert (
        "see SCRAPECREATORS_API_KEY" in the_wrong(await world(SCRAPECREATORS_API_KEY="x"))["scrapecreators"]
    )
    assert (
        "cannot be reached"
        in the_wrong(await world(SCRAPECREATORS_URL="http://127.0.0.1:9"))["scrapecreators"]
    )
    assert "scrapecreators" not in await world(SCRAPECREATORS_API_KEY=None)


async def test_who_reads_posts_is_told_with_its_release(world, monkeypatch):
    release = version("yt-dlp")
    assert f"{release} reads posts directly" in (await world())["yt-dlp"][0].text
    through = await world(POST_PROXY_URL="http://somebody:secret@proxy.example.org")
    assert "through POST_PROXY_URL" in through["yt-dlp"][0].text
    assert "secret" not in repr(through)
    monkeypatch.setattr("bot.checks.version", lambda _: "2024.01.01")
    [old] = (await world())["yt-dlp"]
    assert (old.mark, "days old" in old.text) == (Mark.NOTE, True)


async def test_the_database_is_tried_without_making_one(world, tmp_path):
    found = await world()
    assert found["database"][0].mark is Mark.NOTE
    assert not (tmp_path / "data").exists()


async def test_an_old_a_newer_and_a_broken_database_are_told_apart(world, tmp_path):
    file = tmp_path / "data" / "vedette.db"
    await upgrade(sqlite_url(file), tmp_path, NOW, keep=1)
    with closing(sqlite3.connect(file)) as plain, plain:
        plain.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "a newer Vedette wrote it" in the_wrong(await world())["database"]
    for each in file.parent.iterdir():
        each.unlink()
    file.touch()
    assert "next start" in (await world())["database"][0].text
    file.write_bytes(b"nonsense " * 1000)
    assert "not a database" in the_wrong(await world())["database"]


async def test_a_database_server_is_named_with_its_version_and_its_lack_of_pg_dump(
    world, tmp_path, postgresql, monkeypatch
):
    async with postgresql.empty_database() as url:
        assert "the next start makes it" in (await world(DATABASE_URL=url))["database"][0].text
        await upgrade(url, tmp_path, NOW, keep=1)
        monkeypatch.setenv("PATH", str(postgresql.programs))
        (finding,) = (await world(DATABASE_URL=url))["database"]
        assert finding.mark is Mark.OK
        assert "(PostgreSQL 18." in finding.text
        assert PASSWORD not in finding.text
        monkeypatch.setenv("PATH", str(tmp_path))
        first, second = (await world(DATABASE_URL=url))["database"]
        assert (first.mark, second.mark) == (Mark.OK, Mark.NOTE)
        assert "pg_dump is not on this machine; install it (Debian: postgresql-client-18)" in second.text
    assert "does not exist" in the_wrong(await world(DATABASE_URL=url))["database"]


async def test_a_data_folder_that_cannot_be_used_is_told(world, tmp_path):
    (tmp_path / "data").write_text("a file is in the way")
    assert "cannot be written" in the_wrong(await world())["disk"]


def test_sqlite_is_named_where_it_has_the_known_fault_or_is_too_old():
    assert sqlite_remark((3, 40, 1)).startswith("SQLite 3.40.1 needs one writer at a time")
    assert "nothing to do" in sqlite_remark((3, 40, 1))
    assert "3.52.0" in sqlite_remark((3, 52, 0))
    assert sqlite_remark((3, 51, 3)) == ""
    assert sqlite_remark((3, 53, 0)) == ""
    with pytest.raises(StorageError, match="too old"):
        sqlite_remark((3, 36, 0))
