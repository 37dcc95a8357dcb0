"""What tempts a secret to come out: refused logins, wrong passwords, unreachable databases, tracebacks.

The search of the whole run is `tests/canary.py`; here the errors are driven that hold a secret in their hands.
"""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot.clock import SystemClock
from bot.errors import SettingsError, SourceAuthFailed, StorageError, VedetteError
from bot.settings import Settings, load_settings
from bot.sources.etlegacy.sftp import SftpRoundSource, learn_host_key, ssh_address, trust_host_key
from bot.sources.tiktok.live import TikTokLiveSource
from bot.storage.engine import Database
from tests import canary
from tests.canary import leaks
from tests.gameserver import GameServer, running_gameserver
from tests.standins import ROOT, StandIn, running

KEPT = ("PATH", "HOME", "LANG", "SystemRoot")
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def discord() -> Iterator[StandIn]:
    with running("discord", "--no-rate-limits", "--token", "another") as one:
        yield one


@pytest.fixture(scope="module")
def tiktok() -> Iterator[StandIn]:
    with running("tiktok") as one:
        yield one


@pytest.fixture(scope="module")
def game() -> Iterator[GameServer]:
    with running_gameserver("--password", "another") as one:
        yield one


@pytest.fixture(scope="module")
def scrapecreators() -> Iterator[StandIn]:
    with running("scrapecreators") as one:
        yield one


@pytest.fixture
def settings_of(discord, tiktok, game, scrapecreators, tmp_path) -> dict[str, str]:
    """Every secret is set, and every one is wrong for whom it is shown to."""
    server = canary.SERVER
    settings = {
        **{name: value for name, value in canary.SETTINGS.items() if name != "DATABASE_URL"},
        "DISCORD_API_URL": discord.facts["api"],
        "DISCORD_GATEWAY_URL": discord.facts["gateway"],
        "TIKTOK_URL": tiktok.facts["www"],
        "TIKTOK_WEBCAST_URL": tiktok.facts["webcast"],
        "SIGN_API_URL": tiktok.facts["sign"],
        "SCRAPECREATORS_URL": scrapecreators.base,
        "DATA_FOLDER": str(tmp_path / "data"),
        "LOG_LEVEL": "DEBUG",
        f"{server}HOST": game.facts["ssh_host"],
        f"{server}PORT": str(game.facts["ssh_port"]),
        f"{server}USERNAME": game.facts["username"],
        f"{server}QUERY_PORT": "0",
    }
    trust_host_key(tmp_path / "data" / "known_hosts", learn_host_key(_address(load(tmp_path, settings))))
    return settings


def load(folder: Path, settings: dict[str, str]) -> Settings:
    """Load settings as the bot does, from a file."""
    env_file = folder / "test.env"
    env_file.write_text("".join(f"{name}='{value}'\n" for name, value in settings.items()))
    return load_settings(env_file)


def _address(settings: Settings):
    return ssh_address("sandbox", settings.game_servers["sandbox"], 5)


@pytest.fixture
def bot(settings_of, tmp_path) -> Run:
    """Run `python -m bot` with the settings; what it prints and writes must hold no secret."""

    def run(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        inherited = {name: os.environ[name] for name in KEPT if name in os.environ}
        done = subprocess.run(
            [sys.executable, "-m", "bot", *arguments],
            cwd=tmp_path,
            env={**inherited, "PYTHONPATH": str(ROOT), **settings_of, **changes},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert leaks(done.stdout, done.stderr) == []
        return done

    return run


def test_a_token_that_discord_refuses_is_not_repeated(bot, tmp_path):
    done = bot("run")
    assert done.returncode == 1
    assert "Discord does not accept the token in DISCORD_TOKEN" in done.stderr
    assert leaks((tmp_path / "data" / "logs" / "vedette.log").read_text("utf-8")) == []


def test_check_tells_what_is_refused_without_repeating_it(bot, tiktok):
    tiktok.fault("status", "/webcast/rate_limits", status=401, body=f"key {canary.SIGN_KEY} is unknown")
    said = bot("check").stdout
    assert "Discord refused DISCORD_TOKEN" in said
    assert "SIGN_API_KEY was refused" in said
    assert "password or key" in said
    assert tiktok.seen(api_key=True)


def test_each_secret_is_sent_to_whom_it_belongs_as_it_is_and_the_run_keeps_it_as_evidence(bot):
    right = {
        "discord": f"Authorization: Bot {canary.TOKEN}",
        "tiktok": f"X-Api-Key: {canary.SIGN_KEY}",
        "scrapecreators": f"x-api-key: {canary.PAID_KEY}",
    }
    before = {name: evidence(name).count(line) for name, line in right.items()}
    with running("discord", "--no-rate-limits") as discord:
        said = bot("check", DISCORD_API_URL=discord.facts["api"]).stdout
        assert "token           accepted" in said
        assert "with your key" in said
    for name, line in right.items():
        assert evidence(name).count(line) > before[name]


def evidence(name: str) -> list[str]:
    """Everything that was asked of the stand-ins of this name, line by line."""
    files = Path(os.environ["SANDBOX_EVIDENCE"]).glob(f"{name}-*.asked")
    return [line for file in files for line in file.read_text("utf-8", "replace").splitlines()]


NOWHERE = {
    "dead port": canary.SETTINGS["DATABASE_URL"],
    "other driver": canary.SETTINGS["DATABASE_URL"].replace("+asyncpg", ""),
    "no host": canary.SETTINGS["DATABASE_URL"].replace("127.0.0.1:9", "no.such.host.invalid"),
    "no engine": canary.SETTINGS["DATABASE_URL"].replace("postgresql+asyncpg", "nonsense"),
    "wrong option": f"{canary.SETTINGS['DATABASE_URL']}?sslmode={canary.MARK}",
    "not quoted": f"postgresql+asyncpg://vedette:{canary.DATABASE_PASSWORD}@127.0.0.1:port/x",
    "no address": f"{canary.MARK} is no address",
}


@pytest.mark.parametrize(
    ("command", "kind"),
    [*(("check", kind) for kind in NOWHERE), *((one, "dead port") for one in ("run", "migrate", "backup"))],
)
def test_a_database_address_that_leads_nowhere_is_told_without_its_password(bot, command, kind):
    done = bot(command, DATABASE_URL=NOWHERE[kind])
    assert done.returncode == 1
    assert done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def key_file(folder: Path) -> Path:
    path = folder / "key"
    path.write_bytes(
        Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.BestAvailableEncryption(b"another"),
        )
    )
    return path


@asynccontextmanager
async def source_of(settings: Settings) -> AsyncIterator[SftpRoundSource]:
    with ThreadPoolExecutor(1) as threads:
        source = SftpRoundSource(_address(settings), settings.known_hosts_file, threads)
        try:
            yield source
        finally:
            await source.close()


def with_a_key(settings: dict[str, str], folder: Path) -> dict[str, str]:
    without = {name: value for name, value in settings.items() if name != f"{canary.SERVER}PASSWORD"}
    return {**without, f"{canary.SERVER}KEY_FILE": str(key_file(folder))}


@pytest.mark.parametrize("way", ["password", "passphrase"])
async def test_a_refused_ssh_login_holds_no_secret_in_error_or_traceback(settings_of, tmp_path, way):
    settings = settings_of if way == "password" else with_a_key(settings_of, tmp_path)
    async with source_of(load(tmp_path, settings)) as source:
        with pytest.raises(SourceAuthFailed) as caught:
            await source.list_files()
    assert leaks(*told(caught.value)) == []


async def test_a_database_that_does_not_answer_holds_no_password_in_error_or_traceback():
    database = Database.open(canary.SETTINGS["DATABASE_URL"])
    try:
        with pytest.raises(StorageError) as caught:
            async with database.read():
                pass
    finally:
        await database.close()
    assert leaks(*told(caught.value), repr(database), str(vars(database))) == []


def told(error: VedetteError) -> Iterator[str]:
    """Everything an error can be made to tell: itself, its chain, and the local variables of our own code."""
    yield from (str(error), repr(error), repr(error.args), repr(vars(error)))
    yield "".join(traceback.format_exception(error))
    chain: BaseException | None = error
    while chain is not None:
        yield from (str(chain), repr(chain))
        yield from locals_of_ours(chain)
        chain = chain.__cause__ or chain.__context__


def locals_of_ours(error: BaseException) -> Iterator[str]:
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if Path(frame.f_code.co_filename).is_relative_to(ROOT / "bot"):
            yield from (
                f"{frame.f_code.co_name}: {name} = {value!r}" for name, value in frame.f_locals.items()
            )


async def test_whatever_holds_a_secret_shows_stars_when_it_is_printed(settings_of, tmp_path):
    settings = load(tmp_path, {**settings_of, "DATABASE_URL": canary.SETTINGS["DATABASE_URL"]})
    database = Database.open(settings.database)
    async with (
        source_of(settings) as source,
        TikTokLiveSource(
            www_url=settings.tiktok_url,
            webcast_url=settings.tiktok_webcast_url,
            timeout_seconds=5,
            clock=SystemClock(),
        ) as tiktok,
    ):
        held: list[Any] = [settings, settings.game_servers, _address(settings), source, tiktok, database]
        for one in held:
            parts = vars(one) if hasattr(one, "__dict__") else {}
            assert leaks(repr(one), str(one), f"{one}", repr(parts)) == [], type(one)
    await database.close()
    assert leaks(settings.model_dump_json(), repr(settings.model_dump())) == []


WRONG_PLACES = [*canary.SETTINGS, "OWNER_ID", "TIME_ZONE", "LOG_LEVEL", "DISCORD_API_URL"]


@pytest.mark.parametrize("value", [canary.PASSWORD, f"[{canary.PASSWORD}", f'{{"a": "{canary.PASSWORD}"}}'])
@pytest.mark.parametrize("name", [*WRONG_PLACES[1:], f"{canary.PASSWORD.replace(' ', '_')}"])
def test_a_secret_in_the_wrong_place_is_not_repeated(settings_of, tmp_path, name, value):
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, {**settings_of, name: value, "OWNER_ID": canary.PASSWORD, f"{name}__X": value})
    assert leaks(*told(caught.value)) == []


def test_a_traceback_with_local_variables_shows_stars_for_settings_and_addresses(settings_of, tmp_path):
    settings = load(tmp_path, settings_of)

    def fail(settings: Settings, address: object) -> None:
        raise StorageError("it broke")

    with pytest.raises(StorageError) as caught:
        fail(settings, _address(settings))
    told_all = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    shown = "".join(line for line in told_all.format() if "settings_of" not in line)
    assert "address = SshAddress(" in shown
    assert leaks(*(line for line in shown.splitlines() if "settings_of = " not in line)) == []
