from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr
from pydantic_core import PydanticUndefined

from bot.errors import SettingsError
from bot.settings import GameServer, Settings, load_settings

EXAMPLE = Path(__file__).resolve().parents[1] / ".env.example"
SERVER = "GAME_SERVERS__MAIN__"
CANARY = "canary-4711"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch):
    names = {name.upper() for name in Settings.model_fields}
    for name in list(os.environ):
        if name.upper() in names or name.upper().startswith("GAME_SERVERS"):
            monkeypatch.delenv(name)


@pytest.fixture
def env_file(tmp_path):
    def write(text: str | bytes) -> Path:
        path = tmp_path / ".env"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def problems(path: Path) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    return caught.value.problems


def test_without_anything_set_the_defaults_load(tmp_path):
    settings = load_settings(tmp_path / "no such file")
    assert settings.discord_token is None
    assert settings.discovery_checks_per_day == 120
    assert settings.database == f"sqlite+aiosqlite:///{Path('data') / 'vedette.db'}"


def test_the_file_is_read_and_the_environment_wins_over_it(env_file, monkeypatch):
    path = env_file("OWNER_ID=1\nBACKUPS_KEPT=3\n")
    monkeypatch.setenv("OWNER_ID", "2")
    settings = load_settings(path)
    assert (settings.owner_id, settings.backups_kept) == (2, 3)


def test_an_empty_value_counts_as_none(env_file, monkeypatch):
    monkeypatch.setenv("OWNER_ID", "")
    assert load_settings(env_file("OWNER_ID=5\nLOG_LEVEL=\n")).owner_id == 5


def test_a_file_written_on_windows_is_read(env_file):
    assert load_settings(env_file(b"\xef\xbb\xbfOWNER_ID=5\r\nLOG_LEVEL=DEBUG\r\n")).owner_id == 5


def test_game_servers_have_names_of_their_own(env_file):
    path = env_file(
        "GAME_SERVERS__MAIN__HOST=a\nGAME_SERVERS__MAIN__USERNAME=u\nGAME_SERVERS__MAIN__GUILD_IDS=11, 12\n"
        "game_servers__second__host=b\ngame_servers__second__username=u\n"
    )
    servers = load_settings(path).game_servers
    assert {name: server.host for name, server in servers.items()} == {"main": "a", "second": "b"}
    assert servers["main"].guild_ids == (11, 12)


@pytest.mark.parametrize(
    ("lines", "zone"),
    [
        ("", "Europe/Paris"),
        ("TIME_ZONE=UTC\n", "Europe/Paris"),
        ("TIME_ZONE=Asia/Jakarta\n", "Asia/Jakarta"),
        ("TIME_ZONE=Asia/Jakarta\nGAME_SERVERS__MAIN__COMMUNITY_TIME_ZONE=Asia/Tokyo\n", "Asia/Tokyo"),
    ],
)
def test_players_have_the_clock_of_everything_else_unless_they_have_their_own(env_file, lines, zone):
    server = f"{SERVER}HOST=h\n{SERVER}USERNAME=u\n"
    assert load_settings(env_file(server + lines)).game_servers["main"].community_time_zone == zone


@pytest.mark.parametrize(
    ("line", "name", "accepted"),
    [
        ("BACKUPS_KEPT=0", "BACKUPS_KEPT", "a whole number from 1 to 365"),
        ("BACKUPS_KEPT=many", "BACKUPS_KEPT", "a whole number from 1 to 365"),
        ("OWNER_ID=-1", "OWNER_ID", "a whole number above 0"),
        ("SSH_TIMEOUT_SECONDS=500", "SSH_TIMEOUT_SECONDS", "a number above 0 to 120"),
        ("LOG_LEVEL=loud", "LOG_LEVEL", "give DEBUG, INFO, WARNING or ERROR"),
        ("TIME_ZONE=Paris", "TIME_ZONE", "Europe/Paris"),
        ("SIGN_API_URL=http://signer.example", "SIGN_API_URL", "https://"),
        ("DISCORD_TOKN=x", "DISCORD_TOKN", "no such setting"),
        (f"{SERVER}HOST=ssh://et.example", f"{SERVER}HOST", "host name or address alone"),
        (f"{SERVER}QUERY_HOST=et.example/x", f"{SERVER}QUERY_HOST", "host name or address alone"),
        (f"{SERVER}HOSTT=x", f"{SERVER}HOSTT", "no such setting"),
        (f"{SERVER}PORT=0", f"{SERVER}PORT", "a whole number from 1 to 65535"),
        (f"{SERVER}GUILD_IDS=eleven", f"{SERVER}GUILD_IDS", "whole numbers, separated by commas"),
        ("POST_SOURCES=ytdlp", "POST_SOURCES", "one or more of yt-dlp, scrapecreators, separated by commas"),
        ("GAME_SERVERS=main", "GAME_SERVERS", "GAME_SERVERS__MAIN__HOST"),
    ],
)
def test_a_wrong_setting_is_named_with_its_line_and_what_is_accepted(env_file, line, name, accepted):
    server = "".join(f"{SERVER}{one}\n" for one in ("HOST=h", "USERNAME=u"))
    path = env_file(f"# a comment\n\n{server}\n{line}\nTIKTOK_TIMEOUT_SECONDS=5\n")
    (problem,) = problems(path)
    assert problem.startswith(f"{name} ({path}, line 6): ")
    assert accepted in problem


def test_a_wrong_variable_of_the_environment_is_named_as_such_even_if_the_file_has_it_too(
    env_file, monkeypatch
):
    monkeypatch.setenv("backups_kept", "0")
    (problem,) = problems(env_file("BACKUPS_KEPT=5\n"))
    assert problem == "BACKUPS_KEPT (environment): give a whole number from 1 to 365"


def test_every_problem_is_told_at_once(env_file):
    path = env_file(f"LOG_LEVEL=loud\n{SERVER}PORT=70000\nnonsense here\n")
    told = problems(path)
    assert [problem.split(" ")[0] for problem in told] == [
        f"{path},",
        "LOG_LEVEL",
        f"{SERVER}HOST",
        f"{SERVER}PORT",
        f"{SERVER}USERNAME",
    ]
    assert told[2] == f"{SERVER}HOST (not set): every game server must have one"


@pytest.mark.parametrize("line", ["DISCORD_TOKEN='abc", 'DISCORD_TOKEN = "abc', "export OWNER_ID='5"])
@pytest.mark.parametrize(
    "after", ["", "# that's all\nLOG_LEVEL=INFO\n", "# it's\n# its 'name'\n", "# 'x'=\"y\"\n"]
)
def test_a_quote_that_is_not_closed_is_named_with_its_line(env_file, line, after):
    path = env_file(f"LOG_LEVEL=INFO\n\n{line}\n{after}")
    assert problems(path)[0] == f"{path}, line 3: the closing quote is missing"


@pytest.mark.parametrize("level", ["debug", "Warning"])
def test_a_log_level_may_be_written_in_small_letters(env_file, level):
    assert load_settings(env_file(f"LOG_LEVEL={level}\n")).log_level == level.upper()


@pytest.mark.parametrize("line", ["just words", "DISCORD_TOKEN: abc", "OWNER_ID"])
def test_a_line_that_is_no_setting_is_named(env_file, line):
    path = env_file(f"LOG_LEVEL=INFO\n\n{line}\n")
    assert problems(path) == (f"{path}, line 3: cannot be read; write NAME=value",)


def test_a_file_that_is_no_text_is_refused_in_words(env_file):
    path = env_file("DISCORD_TOKEN=tök".encode("latin-1"))
    assert problems(path) == (f"{path}: cannot be read; give a text file in UTF-8",)


@pytest.mark.parametrize("name", ["DISCORD_API_URL", "DISCORD_GATEWAY_URL"])
def test_the_token_goes_to_discord_or_to_this_machine_only(env_file, name):
    for url in ("http://127.0.0.1:8000", "ws://localhost:1", "http://[::1]:8000"):
        assert getattr(load_settings(env_file(f"{name}={url}\n")), name.lower()) == url
    for url in (
        "https://discord.example",
        "http://127.0.0.1.example:8000",
        "http://user@10.0.0.1",
        "127.0.0.1",
    ):
        (problem,) = problems(env_file(f"{name}={url}\n"))
        assert "only a loopback address" in problem


def test_the_time_of_a_world_is_not_for_the_real_discord(env_file):
    assert load_settings(env_file("")).clock_file is None
    path = env_file("CLOCK_FILE=clock.json\n")
    (problem,) = problems(path)
    assert problem.startswith(f"CLOCK_FILE ({path}, line 1): ")
    settings = load_settings(env_file("CLOCK_FILE=clock.json\nDISCORD_API_URL=http://127.0.0.1:1\n"))
    assert settings.clock_file == Path("clock.json")


def secret_names(model: type[BaseModel], prefix: str = "") -> list[str]:
    return [
        prefix + name.upper()
        for name, field in model.model_fields.items()
        if "SecretStr" in str(field.annotation)
    ]


def test_secrets_show_as_stars_wherever_settings_are_printed(env_file):
    names = secret_names(Settings) + secret_names(GameServer, SERVER)
    assert {"DISCORD_TOKEN", "DATABASE_URL", "SIGN_API_KEY", f"{SERVER}PASSWORD"} <= set(names)
    text = "".join(f"{name}={'http://' * name.endswith('_URL')}{CANARY}\n" for name in names)
    settings = load_settings(env_file(f"{text}{SERVER}HOST=h\n{SERVER}USERNAME=u\n"))
    assert isinstance(settings.discord_token, SecretStr)
    assert settings.discord_token.get_secret_value() == CANARY
    for shown in (repr(settings), str(settings), f"{settings.game_servers}", settings.model_dump_json()):
        assert CANARY not in shown
        assert "***" in shown


def test_no_error_repeats_a_value_because_any_may_be_a_secret_in_the_wrong_place(env_file):
    names = [name.upper() for name in Settings.model_fields] + [
        SERVER + name.upper() for name in GameServer.model_fields
    ]
    lines = [f"{name}={CANARY}" for name in names if name != "GAME_SERVERS"]
    path = env_file("\n".join([*lines, f"{CANARY}", f"UNKNOWN={CANARY}"]))
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    assert len(caught.value.problems) > 20
    assert CANARY not in str(caught.value) + repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


# .env.example and the code say the same.

ENTRY = re.compile(r"((?:^# .*\n)+)^(#?)([A-Z_]+)=(.*)$", re.MULTILINE)


def example_entries() -> dict[str, tuple[str, str, bool]]:
    """Each setting of the example: its comment, its value, whether it is commented out."""
    found = ENTRY.findall(EXAMPLE.read_text("utf-8"))
    assert len({name for _, _, name, _ in found}) == len(found)
    return {name: (comment, value, bool(mark)) for comment, mark, name, value in found}


def code_settings() -> dict[str, object]:
    """Each setting of the code with its default."""
    fields = {name.upper(): field for name, field in Settings.model_fields.items() if name != "game_servers"}
    fields |= {SERVER + name.upper(): field for name, field in GameServer.model_fields.items()}
    return {name: field.get_default(call_default_factory=True) for name, field in fields.items()}


def test_the_example_lists_every_setting_and_no_other():
    assert list(example_entries()) == list(code_settings())


@pytest.mark.parametrize("name", code_settings())
def test_the_example_tells_unit_default_and_reason_of(name):
    comment, value, is_commented = example_entries()[name]
    default = code_settings()[name]
    assert is_commented == name.startswith(SERVER)
    unit, why = re.fullmatch(r"# (.+)\n((?:# .+\n)+)", comment).groups()
    assert len(why.strip()) > 20
    if default in (None, "", (), PydanticUndefined):
        assert re.search(r"No default|Default: (none|the server's HOST)\.", unit)
        assert value == "" or default is PydanticUndefined
    else:
        told = re.search(r"Default: (\S+)\.$", unit).group(1)
        assert told == value
        assert (tuple(value.split(",")) if isinstance(default, tuple) else type(default)(value)) == default


@pytest.mark.parametrize(
    "name", [name for name, default in code_settings().items() if type(default) in (int, float)]
)
def test_the_example_tells_the_accepted_range_of(name, env_file):
    least, most = re.search(r"(\d+) to (\d+)", example_entries()[name][0]).groups()
    is_open = "above" in example_entries()[name][0]
    server = f"{SERVER}HOST=h\n{SERVER}USERNAME=u\n"
    for accepted in (most, str(float(least) + 0.5) if is_open else least):
        load_settings(env_file(f"{server}{name}={accepted}\n"))
    for refused in (int(most) + 1, int(least) if is_open else int(least) - 1):
        assert len(problems(env_file(f"{server}{name}={refused}\n"))) == 1


def test_a_copy_of_the_example_loads_and_changes_nothing(env_file):
    assert load_settings(env_file(EXAMPLE.read_text("utf-8"))) == load_settings(Path("no such file"))


def test_the_commented_lines_of_the_example_load(env_file):
    text = re.sub(rf"(?m)^#({SERVER})", r"\1", EXAMPLE.read_text("utf-8"))
    server = load_settings(env_file(text)).game_servers["main"]
    assert server == GameServer(host="et.example.org", username="vedette")
