from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from bot.logs import Redactor, set_up_logging
from bot.settings import Settings, load_settings

CANARY = "canary/9f$8 e7d6"
TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GAbCdE.abcdefghijklmnopqrstuvwxyz0123456789AB"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch) -> Settings:
    for name, value in {
        "DISCORD_TOKEN": f"{CANARY}-token",
        "SIGN_API_KEY": f"{CANARY}-sign",
        "DATABASE_URL": f"postgresql://vedette:{quote(CANARY, safe='')}-database@db/vedette",
        "GAME_SERVERS__MAIN__HOST": "game.example",
        "GAME_SERVERS__MAIN__USERNAME": "stats",
        "GAME_SERVERS__MAIN__PASSWORD": f"{CANARY}-ssh",
        "GAME_SERVERS__MAIN__KEY_PASSPHRASE": f"{CANARY}-key",
        "DATA_FOLDER": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    return load_settings(tmp_path / "no.env")


@pytest.fixture
def begin(settings, tmp_path, capsys) -> Iterator:
    """Give a function that begins logging; what it gives ends it and tells the file and the terminal.

    (Not begun here: before the test itself runs, the terminal is another one.)
    """
    to_end = []

    def read() -> tuple[str, str]:
        to_end.pop()()
        texts = (tmp_path / "logs" / "vedette.log").read_text("utf-8"), capsys.readouterr().err
        assert "Logging error" not in "".join(texts)
        return texts

    def start() -> Callable[[], tuple[str, str]]:
        to_end.append(set_up_logging(settings))
        return read

    yield start
    for stop in to_end:
        stop()


SECRETS = [f"{CANARY}-{name}" for name in ("token", "sign", "database", "ssh", "key")]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("form", ["{}", "https://x.example/?q={}&a=1", "({!r},)"])
def test_no_setting_that_is_secret_reaches_the_file_or_the_terminal(begin, secret, form):
    logged = begin()
    logging.getLogger("any").warning("seen: %s", form.format(secret))
    logging.getLogger("any").warning("quoted: %s", form.format(quote(secret, safe="")))
    for text in logged():
        assert "canary" not in text
        assert "seen: " in text
        assert "***" in text


def test_the_password_inside_the_database_url_is_hidden_alone_as_well(begin, settings):
    logged = begin()
    logging.getLogger("any").warning("whole %s", settings.database)
    logging.getLogger("any").warning("part %s", quote(CANARY, safe="") + "-database")
    for text in logged():
        assert quote(CANARY, safe="") not in text


@pytest.mark.parametrize(
    "line",
    [
        f"logging in with {TOKEN}",
        "Authorization: Bot s3cr3t-value",
        "{'Authorization': 'Bearer s3cr3t-value', 'Accept': '*/*'}",
        "GET https://api.example/webcast/fetch?api_key=s3cr3t-value&room_id=7",
        "{'X-Api-Key': 's3cr3t-value'}",
        "Cookie: sessionid=s3cr3t-value; ttwid=s3cr3t-value2",
        "{'Cookie': 'a=1; sessionid=s3cr3t-value'}",
        "Set-Cookie: ttwid=s3cr3t-value; Path=/",
        "sessionid=s3cr3t-value;",
        'password="s3cr3t-value"',
    ],
)
def test_what_looks_like_a_secret_is_hidden(begin, line):
    logged = begin()
    logging.getLogger("any").error("%s", line)
    for text in logged():
        assert "s3cr3t" not in text
        assert TOKEN not in text
        assert "***" in text


@pytest.mark.parametrize(
    "line",
    [
        "@somebody is live with 1234 viewers",
        "room 7123456789012345678 ended",
        "the token was refused; see DISCORD_TOKEN",
        "gamestat-2026-11-20-201530-oasis-round2.txt imported",
        "a cookie jar, an api key and a password are words",
    ],
)
def test_an_ordinary_line_stays_as_it_is(settings, line):
    assert Redactor.of(settings)(line) == line


def test_a_traceback_is_written_and_hides_secrets(begin):
    logged = begin()
    try:
        raise ValueError(f"the server said {CANARY}-ssh") from KeyError(f"sessionid={CANARY}")  # noqa: TRY301
    except ValueError:
        logging.getLogger("any").exception("it failed")
    for text in logged():
        assert "canary" not in text
        assert "Traceback" in text
        assert "ValueError: the server said ***" in text


def test_text_from_outside_cannot_forge_a_line_nor_control_the_terminal(begin):
    logged = begin()
    logging.getLogger("any").warning("hello %s", "x\n2026-11-21 00:00:00 ERROR bot: forged\x1b[2J\r\u2028end")
    for text in logged():
        assert "\n2026-11-21 00:00:00 ERROR" not in text
        assert "forged" in text
        assert "\x1b" not in text
        assert "\r" not in text


def test_libraries_that_tell_every_request_are_quiet_and_ours_is_not(begin):
    logged = begin()
    for name in ("httpx", "httpcore.connection", "discord.gateway", "aiosqlite", "apscheduler.scheduler"):
        logging.getLogger(name).info("chatter of %s", name)
        logging.getLogger(name).warning("trouble of %s", name)
    logging.getLogger("paramiko.transport").error("Traceback of a refused connection, which our error tells")
    logging.getLogger("bot.services").info("a live began")
    logging.getLogger("bot.services").debug("details")
    for text in logged():
        assert "chatter" not in text
        assert text.count("trouble of") == 5
        assert "Traceback" not in text
        assert "INFO    bot.services: a live began" in text
        assert "details" not in text


def test_without_a_writable_folder_the_terminal_still_shows_the_log(settings, tmp_path, capsys):
    (tmp_path / "logs").write_text("in the way")
    stop = set_up_logging(settings)
    logging.getLogger("any").warning("still here")
    stop()
    shown = capsys.readouterr().err
    assert "terminal only" in shown
    assert "still here" in shown


def test_after_the_end_logging_is_as_it_was(settings):
    root = logging.getLogger()
    before = root.handlers[:], root.level, logging.getLogger("httpx").level
    set_up_logging(settings)()
    assert (root.handlers[:], root.level, logging.getLogger("httpx").level) == before


@pytest.mark.parametrize("text", ["a-" * 200_000, "token" * 80_000, "cookie " * 60_000, "x." * 200_000])
def test_a_very_long_text_is_cleaned_before_the_test_times_out(settings, text):
    """A pattern that tries every start with every end would take hours."""
    assert Redactor.of(settings)(text) == text
