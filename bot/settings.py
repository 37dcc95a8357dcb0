"""Typed settings: the only reader of the environment and of the `.env` file.

Every field stands in `.env.example` with its unit, default and a line of why (a test compares them).
A game server has its settings under a name of its own: ``GAME_SERVERS__<NAME>__HOST`` and so on.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from functools import cache
from io import StringIO
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from dotenv.parser import parse_stream
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings import (
    SettingsError as SourceError,
)

from bot.errors import SettingsError

ENV_FILE = Path(".env")
_NESTED = "__"
# The reader goes on to the next such quote, however many lines below; no setting has a value of several lines.
_OPEN_QUOTE = re.compile(r"""\s*(?:export\s+)?\w+[ \t]*=[ \t]*(["'])(?!.*\1)""")


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _loopback_only(url: str) -> str:
    """Refuse another address: whoever answers there is sent the bot's token."""
    if url and not _is_loopback(url):
        raise ValueError("only a loopback address such as http://127.0.0.1:8000 is accepted, or nothing")
    return url


def _safe_url(url: str) -> str:
    """Refuse a plain-text address outside this machine."""
    if not url.startswith("https://") and not _is_loopback(url):
        raise ValueError("give an https:// address (or a loopback one)")
    return url.rstrip("/")


def _proxy(url: SecretStr) -> SecretStr:
    """Take what a proxy's address may be; it is secret because a password may stand in it."""
    parts = urlsplit(url.get_secret_value())
    if parts.scheme not in {"http", "https", "socks5", "socks5h"} or not parts.hostname:
        raise ValueError(
            "give an address such as http://127.0.0.1:8080 or socks5://127.0.0.1:1080, or nothing"
        )
    return url


@cache
def time_zones() -> frozenset[str]:
    """Give the names of the time zones of this machine; reading them takes long enough to be felt (0.04 s)."""
    return frozenset(available_timezones())


def _time_zone(name: str) -> str:
    if name not in time_zones():
        raise ValueError("give an IANA time zone such as Europe/Paris, Asia/Jakarta or UTC")
    return name


def _host(name: str) -> str:
    if re.search(r"://|[/\s]", name):
        raise ValueError("give a host name or address alone, such as et.example.org, without :// or a path")
    return name


def _capitals(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def _comma_separated(value: Any) -> Any:
    return [part for part in re.split(r"[,\s]+", value) if part] if isinstance(value, str) else value


LoopbackUrl = Annotated[str, AfterValidator(_loopback_only)]
SafeUrl = Annotated[str, AfterValidator(_safe_url)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Host = Annotated[str, AfterValidator(_host)]
LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_capitals)]
SecretProxy = Annotated[SecretStr, AfterValidator(_proxy)]
PostSourceName = Literal["yt-dlp", "scrapecreators"]
PostSources = Annotated[
    tuple[PostSourceName, ...], NoDecode, BeforeValidator(_comma_separated), Field(min_length=1)
]
RoundPolicy = Literal["auto", "classic", "learned"]
Ids = Annotated[tuple[int, ...], NoDecode, BeforeValidator(_comma_separated)]


class GameServer(BaseModel):
    """One ET:Legacy server whose stats folder is read over SSH."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    host: Host = Field(min_length=1)
    port: int = Field(default=22, ge=1, le=65535)
    username: str = Field(min_length=1)
    password: SecretStr | None = None
    key_file: Path | None = None
    key_passphrase: SecretStr | None = None
    stats_folder: str = "legacy/gamestats"
    guild_ids: Ids = ()
    time_zone: TimeZone = "UTC"
    query_host: Host = ""
    query_port: int = Field(default=27960, ge=0, le=65535)
    round_policy: RoundPolicy = "auto"
    community_time_zone: TimeZone = "Europe/Paris"
    players_for_game: int = Field(default=4, ge=1, le=64)


class Settings(BaseSettings):
    """Everything an admin can set. Build it with `load_settings`."""

    model_config = SettingsConfigDict(
        env_file_encoding="utf-8-sig",  # Windows editors write a mark before the first name
        env_nested_delimiter=_NESTED,
        env_ignore_empty=True,
        extra="forbid",
        hide_input_in_errors=True,
        validate_default=True,
    )

    discord_token: SecretStr | None = None
    owner_id: int | None = Field(default=None, gt=0)
    discord_api_url: LoopbackUrl = ""
    discord_gateway_url: LoopbackUrl = ""
    clock_file: Path | None = None

    data_folder: Path = Path("data")
    database_url: SecretStr | None = None
    log_level: LogLevel = "INFO"
    time_zone: TimeZone = "UTC"
    backups_kept: int = Field(default=7, ge=1, le=365)

    discovery_checks_per_day: int = Field(default=120, ge=1, le=5760)
    discovery_checks_per_hour: int | None = Field(default=None, ge=1, le=5760)
    check_spacing_seconds: int = Field(default=300, ge=1, le=3600)
    followup_requests_per_day: int = Field(default=480, ge=1, le=5760)
    requests_per_minute: int = Field(default=4, ge=1, le=1000)
    guild_share_percent: int = Field(default=100, ge=1, le=100)
    accounts_per_guild: int = Field(default=25, ge=1, le=1000)
    sweep_seconds: int = Field(default=600, ge=1, le=3600)
    viewers_seconds: int = Field(default=900, ge=1, le=86400)
    end_confirm_seconds: int = Field(default=60, ge=1, le=3600)
    restart_gap_seconds: int = Field(default=600, ge=0, le=3600)

    tiktok_url: SafeUrl = "https://www.tiktok.com"
    tiktok_webcast_url: SafeUrl = "https://webcast.tiktok.com/webcast"
    sign_api_url: SafeUrl = "https://api.eulerstream.com"
    sign_api_key: SecretStr | None = None
    tiktok_timeout_seconds: float = Field(default=10.0, gt=0, le=60)

    record_lives: bool = True
    gift_tier_special_diamonds: int = Field(default=100, ge=1, le=1_000_000)
    gift_tier_premium_diamonds: int = Field(default=1000, ge=1, le=1_000_000)
    usd_per_diamond: float = Field(default=0.005, ge=0, le=1)
    stream_details_days: int = Field(default=90, ge=31, le=3650)
    comments_days: int = Field(default=30, ge=1, le=3650)

    post_sources: PostSources = ("yt-dlp", "scrapecreators")
    post_proxy_url: SecretProxy | None = None
    scrapecreators_api_key: SecretStr | None = None
    scrapecreators_url: SafeUrl = "https://api.scrapecreators.com"
    profiles_per_guild: int = Field(default=25, ge=1, le=1000)
    profile_interval_hours: int = Field(default=24, ge=1, le=720)
    profile_newest_posts: int = Field(default=100, ge=1, le=10_000)
    profile_recent_days: int = Field(default=30, ge=1, le=3650)
    profile_page_seconds: float = Field(default=1.0, ge=0, le=60)
    profile_timeout_minutes: int = Field(default=15, ge=1, le=240)
    post_details_days: int = Field(default=90, ge=30, le=3650)
    media_megabytes: int = Field(default=500, ge=0, le=100_000)

    game_servers: dict[str, GameServer] = Field(default_factory=dict)
    round_poll_seconds: float | None = Field(default=None, ge=1, le=86400)
    round_settle_seconds: float = Field(default=3.0, ge=3, le=60)
    round_post_max_age_minutes: int = Field(default=120, ge=1, le=10080)
    ssh_timeout_seconds: float = Field(default=10.0, gt=0, le=120)

    @model_validator(mode="after")
    def _players_live_here(self) -> Self:
        """Let those who play have the clock that was chosen for everything, where no other was chosen for them."""
        for server in self.game_servers.values():
            if "community_time_zone" not in server.model_fields_set and self.time_zone != "UTC":
                server.community_time_zone = self.time_zone
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file; there are no other sources."""
        del settings_cls, init_settings, file_secret_settings
        return env_settings, dotenv_settings

    @property
    def known_hosts_file(self) -> Path:
        """Where trusted SSH host keys are kept."""
        return self.data_folder / "known_hosts"

    @property
    def backup_folder(self) -> Path:
        """Where backups of an embedded database are kept."""
        return self.data_folder / "backups"

    @property
    def archive_folder(self) -> Path:
        """Where details of recorded lives are exported to before they are deleted."""
        return self.data_folder / "archive"

    @property
    def media_folder(self) -> Path:
        """Where covers and avatars are kept."""
        return self.data_folder / "media"

    @property
    def export_folder(self) -> Path:
        """Where exports are put that are too large for Discord."""
        return self.data_folder / "exports"

    @property
    def database(self) -> str:
        """The database's URL; by default an SQLite file in the data folder. Holds a secret on a server."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite+aiosqlite:///{self.data_folder / 'vedette.db'}"


def environment_of_others() -> dict[str, str]:
    """Give the environment for a program that needs none of the settings: without them, so without their secrets."""
    ours = {name.upper() for name in Settings.model_fields}
    return {name: value for name, value in os.environ.items() if name.upper().split(_NESTED)[0] not in ours}


def load_settings(env_file: Path = ENV_FILE) -> Settings:
    """Read the environment and `env_file` (which need not exist).

    Raises `SettingsError` with one line per problem: the setting, where it stands, what is accepted. No
    value is repeated in the text, because any value may be a secret pasted into the wrong place.
    """
    lines, unreadable = _read_lines(env_file)
    try:
        settings = Settings(_env_file=env_file if env_file.is_file() else None)
    except ValidationError as error:
        # The errors of pydantic hold the values unless they are told not to.
        found = error.errors(include_input=False, include_context=False, include_url=False)
        problems = tuple(_problem(dict(item), lines, env_file) for item in found)
        raise SettingsError(unreadable + problems) from None
    except SourceError as error:  # a value that should be JSON; its cause holds the value
        match = re.search(r'field "(\w+)"', str(error))
        name = match.group(1).upper() if match else "a setting"
        where = _where(name, lines, env_file)
        hint = "cannot be read; give one line per value, such as GAME_SERVERS__MAIN__HOST=..."
        raise SettingsError((*unreadable, f"{name} ({where}): {hint}")) from None
    if unreadable:
        raise SettingsError(unreadable)
    if "yt-dlp" not in settings.post_sources and settings.scrapecreators_api_key is None:
        where = _where("POST_SOURCES", lines, env_file)
        raise SettingsError((f"POST_SOURCES ({where}): set SCRAPECREATORS_API_KEY, or name yt-dlp too",))
    if settings.clock_file is not None and not settings.discord_api_url:
        where = _where("CLOCK_FILE", lines, env_file)
        hint = "the real Discord has the real time; set DISCORD_API_URL too, or nothing here"
        raise SettingsError((f"CLOCK_FILE ({where}): {hint}",))
    return settings


def _read_lines(env_file: Path) -> tuple[Mapping[str, int], tuple[str, ...]]:
    """Map each name in the file to the line it stands on, and tell which lines cannot be read."""
    try:
        text = env_file.read_text("utf-8-sig")
    except FileNotFoundError:
        return {}, ()
    except (OSError, UnicodeDecodeError):
        raise SettingsError((f"{env_file}: cannot be read; give a text file in UTF-8",)) from None
    lines, unreadable = {}, []
    for binding in parse_stream(StringIO(text)):
        # A binding begins with the blank lines before it.
        blank = re.match(r"\s*", binding.original.string)
        number = binding.original.line + (blank.group().count("\n") if blank else 0)
        if _OPEN_QUOTE.match(binding.original.string):
            unreadable.append(f"{env_file}, line {number}: the closing quote is missing")
        elif binding.error or (binding.key is not None and binding.value is None):
            unreadable.append(f"{env_file}, line {number}: cannot be read; write NAME=value")
        elif binding.key is not None:
            lines[binding.key.upper()] = number
    return lines, tuple(unreadable)


def _problem(error: Mapping[str, Any], lines: Mapping[str, int], env_file: Path) -> str:
    path = [str(part) for part in error["loc"] if not isinstance(part, int)]
    name = _NESTED.join(path).upper()
    where = _where(name, lines, env_file)
    if error["type"] == "extra_forbidden":
        return f"{name} ({where}): there is no such setting; .env.example lists all of them"
    if error["type"] in {"missing", "string_too_short"}:
        return f"{name} ({where}): every game server must have one"
    hint = _accepted(path) or str(error["msg"]).removeprefix("Value error, ")
    return f"{name} ({where}): {hint}"


def _accepted(path: Sequence[str]) -> str:
    """Say which numbers or words a setting accepts; empty where it is neither and the error says it itself."""
    owner = Settings if len(path) == 1 else GameServer
    schema = owner.model_json_schema()["properties"].get(path[-1], {})
    schema = schema.get("anyOf", [schema])[0]
    if schema.get("type") == "array":
        names = schema["items"].get("enum")
        what = "whole numbers" if names is None else f"one or more of {', '.join(names)}"
        return f"give {what}, separated by commas"
    if "enum" in schema:
        return f"give {', '.join(schema['enum'][:-1])} or {schema['enum'][-1]}"
    if schema.get("type") not in {"integer", "number"}:
        return ""
    kind = "a whole number" if schema["type"] == "integer" else "a number"
    least = f"from {schema['minimum']}" if "minimum" in schema else f"above {schema['exclusiveMinimum']}"
    most = f" to {schema['maximum']}" if "maximum" in schema else ""
    return f"give {kind} {least}{most}"


def _where(name: str, lines: Mapping[str, int], env_file: Path) -> str:
    if name in {variable.upper() for variable in os.environ}:  # which wins over the file
        return "environment"
    return f"{env_file}, line {lines[name]}" if name in lines else "not set"
