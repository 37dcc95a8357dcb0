"""`python3 tools/run.py check`: try every setting against the world, all at once, and say how to mend what is wrong."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import tempfile
from collections.abc import Awaitable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp

from bot.clock import Clock
from bot.core.posts.models import Trouble
from bot.errors import (
    HostKeyChanged,
    HostKeyUnknown,
    PostsUnread,
    SourceAuthFailed,
    SourceError,
    SourceUnavailable,
    StorageError,
)
from bot.settings import ENV_FILE, GameServer, Settings
from bot.sources.etlegacy.server_query import query_status
from bot.sources.etlegacy.sftp import SftpRoundSource, ssh_address
from bot.sources.post_sources import scrapecreators_of
from bot.storage.examine import examine_database, is_embedded, sqlite_remark
from bot.storage.migrate import HEAD_REVISION

DISCORD_API = "https://discord.com/api/v10"
HTTP_SECONDS = 10.0
QUERY_SECONDS = 1.0  # nobody could play on a server that answers later
MEGABYTE = 1024 * 1024
OLD_DAYS = 180  # yt-dlp was mended three times within the eight months that were looked at
TOO_LITTLE_MB = 100
LITTLE_MB = 1000

# specs/discord.md section 4: together 274878024704, the number in the invite link.
ADMINISTRATOR = 1 << 3
BASE_PERMISSIONS = {
    "View Channels": 1 << 10,
    "Send Messages": 1 << 11,
    "Embed Links": 1 << 14,
    "Attach Files": 1 << 15,
    "Read Message History": 1 << 16,
    "Send Messages in Threads": 1 << 38,
}


class Mark(StrEnum):
    """How a finding is to be read; only WRONG fails the check."""

    OK = "ok"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One line for the admin: what was tried, how it went and, where it did not, how to mend it."""

    mark: Mark
    what: str
    text: str


def ok(what: str, text: str) -> Finding:
    """Say that something is right."""
    return Finding(mark=Mark.OK, what=what, text=text)


def note(what: str, text: str) -> Finding:
    """Say something worth knowing that stops nothing."""
    return Finding(mark=Mark.NOTE, what=what, text=text)


def wrong(what: str, text: str) -> Finding:
    """Say that something is wrong and how to mend it."""
    return Finding(mark=Mark.WRONG, what=what, text=text)


async def run_checks(settings: Settings, clock: Clock) -> tuple[Finding, ...]:
    """Try everything at once, each with its own time-out; the order of the findings is fixed."""
    servers = settings.game_servers
    with ThreadPoolExecutor(max_workers=len(servers) + 1, thread_name_prefix="check-ssh") as executor:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=HTTP_SECONDS)) as session:
            checks: list[Awaitable[Sequence[Finding]]] = [
                _check_discord(session, settings),
                _check_database(settings),
                *(_check_stats_folder(name, one, settings, executor) for name, one in servers.items()),
                *(_check_query(name, one) for name, one in servers.items()),
                _check_tiktok(session, settings),
                _check_sign_quota(session, settings),
                _check_posts(settings, clock),
            ]
            answers = await asyncio.gather(*checks)
    local = (
        *_check_env_file(),
        *_check_data_folder(settings.data_folder),
        *_check_guild_ids(servers),
        _check_disk(settings.data_folder),
        _check_time_zone(settings.time_zone, clock),
    )
    return (*(finding for answer in answers for finding in answer), *local)


async def _check_discord(session: aiohttp.ClientSession, settings: Settings) -> list[Finding]:
    owner = [] if settings.owner_id else [note("owner", "OWNER_ID is not set: nobody rules the deployment")]
    if settings.discord_token is None:
        hint = "https://discord.com/developers/applications, your application, Bot, Reset Token"
        return [wrong("token", f"DISCORD_TOKEN is not set; get one at {hint}"), *owner]
    base = settings.discord_api_url.rstrip("/") or DISCORD_API
    headers = {"Authorization": f"Bot {settings.discord_token.get_secret_value()}"}
    try:
        status, me = await _get_json(session, f"{base}/users/@me", headers)
        if status == 401:
            return [
                wrong("token", "Discord refused DISCORD_TOKEN (401); reset it in the developer portal"),
                *owner,
            ]
        if status != 200 or not isinstance(me, dict):
            return [wrong("token", f"Discord answered with HTTP status {status}; try again later"), *owner]
        found = ok("token", f"accepted, the bot is {me.get('username')}")
        status, guilds = await _get_json(session, f"{base}/users/@me/guilds?limit=200", headers)
    except SourceUnavailable as error:
        return [wrong("token", f"Discord cannot be asked: {error}"), *owner]
    if status != 200 or not isinstance(guilds, list):
        return [
            found,
            *owner,
            wrong("guilds", f"Discord answered with HTTP status {status}; try again later"),
        ]
    return [found, *owner, *_judge_guilds(guilds, _invite_link(me.get("id")), settings.game_servers)]


def _invite_link(application_id: object) -> str:
    bits = sum(BASE_PERMISSIONS.values())
    scopes = "bot+applications.commands"
    return (
        f"https://discord.com/oauth2/authorize?client_id={application_id}&scope={scopes}&permissions={bits}"
    )


def _judge_guilds(
    guilds: Sequence[Mapping[str, Any]], invite: str, servers: Mapping[str, GameServer]
) -> list[Finding]:
    """Say where the bot is, what it may not do there, and which server belongs to a guild it is not in."""
    if not guilds:
        return [wrong("guilds", f"the bot is in no Discord server; invite it: {invite}")]
    findings = []
    for guild in guilds:
        have = int(guild.get("permissions") or 0)
        missing = [name for name, bit in BASE_PERMISSIONS.items() if not have & (bit | ADMINISTRATOR)]
        if missing:
            cure = "give the bot's role these permissions"
            findings.append(wrong("guilds", f"{guild.get('name')}: lacks {', '.join(missing)}; {cure}"))
    if not findings:
        findings.append(ok("guilds", f"in {len(guilds)}, with every permission it needs"))
    known = {int(guild["id"]) for guild in guilds}
    for name, server in servers.items():
        findings += [
            wrong(f"server {name}", f"belongs to guild {guild_id}, where the bot is not; invite it: {invite}")
            for guild_id in server.guild_ids
            if guild_id not in known
        ]
    return findings


async def _check_database(settings: Settings) -> list[Finding]:
    try:
        remark = sqlite_remark() if is_embedded(settings.database) else ""
        state = await examine_database(settings.database)
    except StorageError as error:
        return [wrong("database", str(error))]
    remarks = [note("database", text) for text in (remark, state.remark) if text]
    if not state.made:
        return [note("database", f"none yet; the first start makes {state.place}"), *remarks]
    if state.revision != HEAD_REVISION:
        old = f"schema {state.revision or 'none'}, the next start makes it {HEAD_REVISION} (after a backup)"
        return [note("database", f"{state.place} opens; {old}"), *remarks]
    return [ok("database", f"{state.place} opens and can be written to, schema {state.revision}"), *remarks]


async def _check_stats_folder(
    name: str, server: GameServer, settings: Settings, executor: ThreadPoolExecutor
) -> list[Finding]:
    what, trust = f"server {name}", f"python3 tools/run.py trust-host {name}"
    address = ssh_address(name, server, settings.ssh_timeout_seconds)
    source = SftpRoundSource(address, settings.known_hosts_file, executor)
    try:
        files = await source.list_files()
    except HostKeyUnknown as error:
        return [wrong(what, f"{error}; compare, then: {trust}")]
    except HostKeyChanged as error:
        return [wrong(what, f"{error}; if it was set up anew: {trust}; else somebody may listen in")]
    except SourceError as error:
        return [wrong(what, f"{error}; see {_settings_behind(error, name, server)}")]
    finally:
        await source.close()
    if not files:
        return [note(what, f"logs in, but {server.stats_folder} is empty; is it the stats folder?")]
    return [ok(what, f"host key trusted; files in {server.stats_folder}: {len(files)}")]


def _settings_behind(error: SourceError, name: str, server: GameServer) -> str:
    """Name the settings that led to where it failed, as they are."""
    if isinstance(error, SourceAuthFailed):
        how = f"KEY_FILE={server.key_file}" if server.key_file else "PASSWORD"
        behind = [f"USERNAME={server.username}", how]
    elif isinstance(error.__cause__, FileNotFoundError | PermissionError):
        behind = [f"STATS_FOLDER={server.stats_folder}"]
    else:
        behind = [f"HOST={server.host}", f"PORT={server.port}"]
    return ", ".join(f"GAME_SERVERS__{name.upper()}__{setting}" for setting in behind)


async def _check_query(name: str, server: GameServer) -> list[Finding]:
    if not server.query_port:
        return []
    host = server.query_host or server.host
    try:
        challenge = secrets.token_hex(8)
        status = await query_status(
            host, server.query_port, challenge=challenge, timeout_seconds=QUERY_SECONDS
        )
    except SourceUnavailable as error:
        asked = f"GAME_SERVERS__{name.upper()}__QUERY_PORT={server.query_port} of {host}"
        return [note(f"query {name}", f"{error}; rounds work without it; see {asked}")]
    return [
        ok(f"query {name}", f"answers, map {status.map_name or 'unknown'}, players: {len(status.players)}")
    ]


async def _check_tiktok(session: aiohttp.ClientSession, settings: Settings) -> list[Finding]:
    try:
        status = await _get_status(session, settings.tiktok_url)
    except SourceUnavailable as error:
        return [wrong("tiktok", f"{settings.tiktok_url} cannot be reached: {error}; is the network up?")]
    if status in {403, 429}:
        cure = "wait some hours, then let it check less often (DISCOVERY_CHECKS_PER_DAY)"
        return [wrong("tiktok", f"{settings.tiktok_url} refuses this machine (HTTP {status}); {cure}")]
    if status >= 400:
        return [note("tiktok", f"{settings.tiktok_url} answers with HTTP {status}; it may be in trouble")]
    return [ok("tiktok", f"{settings.tiktok_url} can be reached")]


async def _check_sign_quota(session: aiohttp.ClientSession, settings: Settings) -> list[Finding]:
    """Ask what the sign server still allows (shape: specs/tiktok-live.md 2.2); only recordings need it."""
    if not settings.record_lives:
        return []
    key = settings.sign_api_key
    headers = {"X-Api-Key": key.get_secret_value()} if key else {}
    try:
        status, quota = await _get_json(session, f"{settings.sign_api_url}/webcast/rate_limits", headers)
    except SourceUnavailable as error:
        return [wrong("sign quota", f"{settings.sign_api_url} cannot be asked: {error}")]
    if status in {401, 403} and key:
        return [wrong("sign quota", f"SIGN_API_KEY was refused (HTTP {status}); copy it anew, or remove it")]
    if status != 200 or not isinstance(quota, dict):
        return [wrong("sign quota", f"{settings.sign_api_url} answers with HTTP {status}; try again later")]
    left = {span: part for span in ("minute", "hour", "day") if isinstance(part := quota.get(span), dict)}
    shown = ", ".join(
        f"{part.get('remaining')} of {part.get('max')} per {span}" for span, part in left.items()
    )
    whose = "with your key" if key else "without a key (SIGN_API_KEY)"
    if any(part.get("remaining") == 0 for part in left.values()):
        return [note("sign quota", f"used up for now: {shown} left {whose}")]
    return [ok("sign quota", f"{shown or 'no limit named'} left {whose}")]


async def _check_posts(settings: Settings, clock: Clock) -> list[Finding]:
    """Say what reads the posts of profiles; the paid source is asked what is left, which costs nothing."""
    found = [_check_yt_dlp(settings, clock)] if "yt-dlp" in settings.post_sources else []
    paid = scrapecreators_of(settings, clock)
    if paid is None:
        return found
    what = paid.name
    try:
        left = await paid.credits_left()
    except PostsUnread as error:
        cure = "see SCRAPECREATORS_API_KEY" if error.trouble is Trouble.AUTH else "try again later"
        return [*found, wrong(what, f"{error}; {cure}")]
    if left == 0:
        return [
            *found,
            wrong(what, "the key is accepted, but no credits are left: buy some, or remove the key"),
        ]
    return [*found, ok(what, f"the key is accepted; credits left: {'unknown' if left is None else left}")]


def _check_yt_dlp(settings: Settings, clock: Clock) -> Finding:
    try:
        release = version("yt-dlp")
    except PackageNotFoundError:
        return wrong("yt-dlp", "is not installed, so that no posts are read; start by python3 tools/run.py")
    how = "through POST_PROXY_URL" if settings.post_proxy_url else "directly"
    year, month, day = (int(part) for part in release.split(".")[:3])
    age = (clock.now() - datetime(year, month, day, tzinfo=UTC)).days
    if age > OLD_DAYS:
        return note("yt-dlp", f"{release} reads posts {how}; it is {age} days old, and TikTok changes often")
    return ok("yt-dlp", f"{release} reads posts {how}")


def _check_env_file() -> list[Finding]:
    if os.name != "posix" or not ENV_FILE.exists() or not ENV_FILE.stat().st_mode & 0o077:
        return []
    return [note("settings", f"other users of this machine may read {ENV_FILE}: chmod 600 {ENV_FILE}")]


def _check_data_folder(folder: Path) -> list[Finding]:
    if os.name != "posix" or not folder.exists() or not folder.stat().st_mode & 0o077:
        return []
    hint = f"other users of this machine may read {folder}, which holds people's names: chmod 700 {folder}"
    return [note("data folder", hint)]


def _check_guild_ids(servers: Mapping[str, GameServer]) -> list[Finding]:
    cure = "write the ids of your Discord servers there (Developer Mode, Copy Server ID)"
    return [
        note(
            f"server {name}",
            f"GAME_SERVERS__{name.upper()}__GUILD_IDS is empty: nobody sees its rounds; {cure}",
        )
        for name, server in servers.items()
        if not server.guild_ids
    ]


def _check_disk(folder: Path) -> Finding:
    place = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
    try:
        with tempfile.TemporaryFile(dir=place):
            free = shutil.disk_usage(place).free // MEGABYTE
    except OSError as error:
        return wrong("disk", f"DATA_FOLDER {folder} cannot be written to: {error.strerror}")
    if free < TOO_LITTLE_MB:
        return wrong("disk", f"only {free} MB free for DATA_FOLDER {folder}; make room or move it")
    return (note if free < LITTLE_MB else ok)("disk", f"{free} MB free for DATA_FOLDER {folder}")


def _check_time_zone(name: str, clock: Clock) -> Finding:
    return ok("time zone", f"{name}, where it is now {clock.now().astimezone(ZoneInfo(name)):%H:%M (UTC%z)}")


async def _get_status(session: aiohttp.ClientSession, url: str) -> int:
    try:
        async with session.get(url) as response:
            return response.status
    except (aiohttp.ClientError, TimeoutError) as error:
        raise _unavailable(error) from None


async def _get_json(session: aiohttp.ClientSession, url: str, headers: Mapping[str, str]) -> tuple[int, Any]:
    """Give the status and the JSON of an answer, None where it is not JSON. Raises `SourceUnavailable`."""
    try:
        async with session.get(url, headers=headers, allow_redirects=False) as response:
            return response.status, await response.json(content_type=None)
    except ValueError:
        return response.status, None
    except (aiohttp.ClientError, TimeoutError) as error:
        raise _unavailable(error) from None


def _unavailable(error: Exception) -> SourceUnavailable:
    timed_out = isinstance(error, TimeoutError)
    return SourceUnavailable(f"no answer within {HTTP_SECONDS:g} s" if timed_out else type(error).__name__)
