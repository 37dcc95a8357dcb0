"""The table of faults at process level: what breaks, and what people see of it.

To add a case, add an entry to `CASES`: how to break it (a queued fault of a stand-in, named in its module's
docstring, is `fault(...)`), how to heal what does not heal with the fault's end, and every line the log may
say of it. The runner (`tests/faults/bench.py`) lets a live or a round happen meanwhile, and asserts that it is
posted exactly once, that the log says exactly these lines, and that the admins have exactly these notices.
Faults of the database are in `database_table.py`.
"""

from __future__ import annotations

import asyncio
from typing import Any

from tests.faults.bench import ENDLESS, Bench, Case, Step
from tests.faults.database_table import DATABASE
from tests.faults.steps import asked_until, both, fault, gateway, order, posted, said, sync, unmet
from tools.sandbox.scene import PATIENCE_SECONDS, until

POST = {"method": "POST", "path": "/channels/.*/messages$"}
LIVE = {"path": "^/api-live"}

# --- Discord -----------------------------------------------------------------------------------

LATE = r"WARNING live:\d+: not delivered yet \({}\); trying again$"
TAKEN = r"INFO Discord takes messages again$"
REFUSES = r"ERROR Discord refuses all requests \({}.*\); nothing is sent before "
LOST = r"INFO The connection to Discord is lost; it is tried again$"
RESUMED = r"INFO The connection to Discord is back$"
CONNECTED = r"INFO Connected to Discord as "
BACK = f"(?:{RESUMED}|{CONNECTED})"


async def not_posted(bench: Bench) -> None:
    """Nothing of this live stands in the channel yet."""
    assert await bench.scene.posts("lives", "is live") == []


async def forbid(bench: Bench) -> None:
    await bench.scene.discord.control("POST", "channels/lives/deny", {"permissions": ["send_messages"]})


async def allow(bench: Bench) -> None:
    await bench.scene.discord.control("POST", "channels/lives/allow", {})


async def reset_token(bench: Bench) -> None:
    """Somebody made a new token, and then gave it to the bot."""
    await bench.scene.discord.control("POST", "gateway", {"action": "close", "code": 4004})
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await bench.scene.bot.wait() == 1
    await bench.start()


async def start_while_down(bench: Bench) -> None:
    """The machine starts before its network does."""
    await bench.scene.stop_bot()
    await bench.scene.fault(bench.scene.discord, status=503, path="/users/@me", times=2)
    await bench.start()


DISCORD = (
    Case(
        name="429 of a bucket",
        breaks=fault("discord", kind="rate_limit", headers={"Retry-After": "0.3"}, **POST),
    ),
    Case(
        name="429 for all routes",
        breaks=fault(
            "discord",
            kind="rate_limit",
            headers={"Retry-After": "0.3", "X-RateLimit-Global": "true"},
            **POST,
        ),
    ),
    Case(
        name="429 for all routes twice, longer than a request may take",
        breaks=fault(
            "discord",
            kind="rate_limit",
            times=2,
            headers={"Retry-After": "2", "X-RateLimit-Global": "true"},
            **POST,
        ),
    ),
    Case(
        name="429 without Via",
        breaks=fault("discord", kind="cloudflare", **POST),
        looks=both(said(REFUSES.format(429)), not_posted),
        log=(REFUSES.format(429), TAKEN),
    ),
    Case(name="500 before it was posted", breaks=fault("discord", status=500, **POST)),
    Case(name="500 after it was posted", breaks=fault("discord", status=500, when="after", **POST)),
    Case(
        name="503 before it was posted",
        breaks=fault("discord", status=503, times=2, **POST),
        log=(LATE.format("503.*"), TAKEN),
    ),
    Case(
        name="503 after it was posted",
        breaks=fault("discord", status=503, when="after", times=2, **POST),
        log=(LATE.format("503.*"), TAKEN),
    ),
    Case(
        name="connection cut before it was posted",
        breaks=fault("discord", kind="drop", **POST),
        log=(LATE.format(r"no answer \(\w+\)"), TAKEN),
    ),
    Case(
        name="answer lost after it was posted",
        breaks=fault("discord", kind="drop", when="after", times=2, **POST),
        log=(LATE.format(r"no answer \(\w+\)"), TAKEN),
    ),
    Case(
        name="401 for a post",
        breaks=fault("discord", status=401, **POST),
        looks=said(REFUSES.format(401)),
        log=(REFUSES.format(401), TAKEN),
    ),
    Case(
        name="a forbidden channel",
        breaks=forbid,
        looks=both(said("WARNING Channel"), not_posted),
        heals=allow,
        log=(
            r"WARNING Channel \d+ refuses messages \(I lack Send Messages, Embed Links\); they wait$",
            r"INFO Channel \d+ accepts messages again$",
        ),
        notices=("I cannot post in one of your channels",),
    ),
    Case(name="gateway dropped", breaks=both(gateway("drop"), said(RESUMED)), log=(LOST, RESUMED)),
    Case(name="asked to reconnect", breaks=both(gateway("reconnect"), said(RESUMED)), log=(LOST, RESUMED)),
    Case(
        name="resume refused",
        breaks=both(gateway("forget", "drop"), said(CONNECTED)),
        log=(LOST, CONNECTED),
    ),
    Case(
        name="session invalid",
        breaks=both(gateway("invalid_session"), said(CONNECTED)),
        log=(LOST, CONNECTED),
    ),
    Case(
        name="gateway down for a moment",
        breaks=both(gateway("down", "drop"), said(LOST), gateway("up"), said(BACK)),
        log=(LOST, BACK),
    ),
    Case(
        name="resume host dead",
        prepares=both(gateway("strand", "forget", "drop"), said(CONNECTED)),
        breaks=both(gateway("drop"), said("CRITICAL"), gateway("unstrand"), said(CONNECTED)),
        log=(
            LOST,
            r"CRITICAL Nothing was heard from Discord for 12 s; the connection is made anew$",
            CONNECTED,
        ),
    ),
    Case(
        name="Discord down when the bot starts",
        breaks=start_while_down,
        log=(r"ERROR The connection to Discord ended: gateway: 503 .*; it is made anew$", CONNECTED),
    ),
    Case(
        name="token reset",
        breaks=reset_token,
        log=(
            r"not a line of the log: Discord does not accept the token in DISCORD_TOKEN; make a new one",
            CONNECTED,
        ),
    ),
)

# --- TikTok ------------------------------------------------------------------------------------

SILENT = r"WARNING TikTok does not answer \({}\); next try at "
ANSWERS = r"INFO TikTok answers again$"
TIKTOK_NOTICE = ("TikTok answers again",)


def tiktok(name: str, said_of_it: str, **values: Any) -> Case:
    """A TikTok that answers no check: the breaker opens, admins are told, nothing is taken for offline."""
    return Case(
        name=f"TikTok: {name}",
        breaks=fault("tiktok", times=ENDLESS, **LIVE, **values),
        looks=both(asked_until(SILENT.format(said_of_it)), not_posted),
        log=(SILENT.format(said_of_it), ANSWERS),
        notices=TIKTOK_NOTICE,
    )


TIKTOK = (
    tiktok("429 with Retry-After", ".* 429", status=429, headers={"Retry-After": "2"}),
    tiktok("429 without headers", ".* 429", status=429),
    tiktok("403", ".* 403", status=403),
    tiktok("a redirect to a challenge", ".* 302", status=302),
    tiktok("WAF page with status 200", "TikTok shows a challenge page", kind="waf"),
    tiktok("another page with status 200", "the answer is not JSON", kind="not_json"),
    tiktok("500 three times", ".* 500", status=500),
    tiktok("time-outs", "TikTok did not answer in time", kind="hang"),
    tiktok("cut connections", "TikTok cannot be reached.*", kind="drop"),
    Case(
        name="sign server down, which is not asked",
        breaks=fault("tiktok", status=503, path="^/webcast/fetch", times=ENDLESS),
        looks=both(posted("live"), unmet("tiktok")),
    ),
)

# --- The game server ---------------------------------------------------------------------------

UNREAD = r"ERROR sandbox cannot be read: {}"
READ = r"INFO sandbox answers again$"
LEFT_ALONE = r"WARNING sandbox: left alone, not a regular file with a plain name: "
UNFETCHED = r"WARNING sandbox: \S+ could not be fetched: {}"
# When the connection is cut just while the folder is listed, that is told.
CUT = "the connection was closed"
NO_CHANNEL = f".*(?:Resource shortage|{CUT})"
CLOSED = ("The game server sandbox can be read again",)


def server(name: str, said_of_it: str, *breaks: Step) -> Case:
    """A server that fails as a whole: one line each way, and the round comes afterwards."""
    pattern = UNREAD.format(said_of_it)
    return Case(
        name=f"SFTP: {name}",
        event="round",
        breaks=both(*breaks),
        looks=said(pattern),
        log=(pattern, READ),
    )


def file(name: str, said_of_it: str, **values: Any) -> Case:
    """A file that fails while it is read: it is put off, the server is not down."""
    pattern = UNFETCHED.format(said_of_it)
    return Case(
        name=f"SFTP: {name}",
        event="round",
        breaks=fault("gameserver", method="read", **values),
        looks=said(pattern),
        log=(pattern,),
    )


def endless(kind: str, method: str) -> Step:
    return fault("gameserver", kind=kind, method=method, times=ENDLESS)


async def change_key(bench: Bench) -> None:
    bench.host_key = (await bench.scene.gameserver.control("POST", "host-key", {}))["host_key"]
    await bench.scene.gameserver.control("POST", "disconnect", {})
    await bench.said(UNREAD.format(".*another host key"))


async def noted(bench: Bench) -> None:
    """Wait until the outage is written, which is after it is logged."""
    await bench.until(
        lambda: bench.scene.count("sources", "name LIKE 'ssh:%' AND down_since IS NOT NULL"), "it was noted"
    )


async def trust_key(bench: Bench) -> None:
    """Somebody looks at the new key and pins it."""
    facts = bench.scene.gameserver.facts
    line = f"[{facts['ssh_host']}]:{facts['ssh_port']} {bench.host_key}\n"
    (bench.scene.folder / "data" / "known_hosts").write_text(line, "utf-8")
    await sync(bench)


async def ghosts(bench: Bench) -> None:
    for ghost in (
        {"name_base64": "/y0xOTE3MjUtc3VwcGx5LXJvdW5kLTEudHh0"},  # a byte that no UTF-8 begins with
        {"name": "../2025-10-26-191725-supply-round-1.txt"},
        {"name": "..", "folder": True},
    ):
        await bench.scene.gameserver.control("POST", "ghosts", ghost)


async def no_ghosts(bench: Bench) -> None:
    await bench.scene.gameserver.control("DELETE", "ghosts")


async def no_ghost_is_known(bench: Bench) -> None:
    """What was noted of the folder, once it was listed anew, are its files alone."""
    await bench.listed()
    await bench.listed()
    files = {file["name"] for file in await bench.scene.gameserver.control("GET", "files")}
    noted = {name for (name,) in await bench.rows("SELECT name FROM round_files")}
    assert noted <= files


async def half_a_file(bench: Bench) -> None:
    """A file that was written in half and rests: two listings show it unchanged."""
    bench.file = await bench.supply.play(bench.scene, slow={"chunk_bytes": 200})
    await bench.said(r"WARNING sandbox: \S+ is not imported")


async def other_half(bench: Bench) -> None:
    await bench.scene.gameserver.control("POST", f"files/{bench.file}/finish", {})
    await until(
        lambda: bench.scene.count("round_files", f"name = '{bench.file}' AND state = 'imported'"), "it"
    )
    await posted("round")(bench)


def limits(count: int | None) -> Step:
    return both(order("gameserver", "limits", max_channels=count), order("gameserver", "disconnect"))


GAME_SERVER = (
    file("dropped in a file", f".*{CUT}", kind="drop", nbytes=100),
    file("a file that ends early", ".*was listed with", kind="truncate", nbytes=100),
    file("frozen in a file", ".*no answer within 2 s", kind="freeze"),
    server("frozen", ".*no answer within 2 s", endless("freeze", "list")),
    server(
        "silent from the first byte",
        rf".*(?:no answer within 2 s|{CUT})",
        endless("freeze", "connect"),
        order("gameserver", "disconnect"),
    ),
    server("dropped while it lists", f".*{CUT}", endless("drop", "list")),
    Case(
        name="SFTP: no channel is granted",
        event="round",
        breaks=limits(0),
        looks=said(UNREAD.format(NO_CHANNEL)),
        heals=limits(None),
        log=(UNREAD.format(NO_CHANNEL), READ),
    ),
    Case(
        name="SFTP: restarted",
        event="round",
        breaks=order("gameserver", "disconnect"),
        may_log=rf"(?:{UNREAD.format(f'.*{CUT}')}|{READ})",
    ),
    Case(
        name="SFTP: names that are not UTF-8 or lead away",
        event="round",
        breaks=ghosts,
        looks=both(said(LEFT_ALONE), no_ghost_is_known),
        heals=no_ghosts,
        may_log=LEFT_ALONE,  # once, or once more for what came while the folder was listed
    ),
    Case(
        name="SFTP: half a file",
        event="",
        breaks=half_a_file,
        heals=other_half,
        log=(r"WARNING sandbox: \S+ is not imported",),
    ),
    Case(
        name="SFTP: changed host key",
        event="round",
        breaks=change_key,
        heals=trust_key,
        log=(UNREAD.format(".*another host key"), READ),
        may_log=UNREAD.format(f".*{CUT}"),
        notices=CLOSED,
    ),
    Case(
        name="SFTP: password refused",
        event="round",
        breaks=both(
            endless("refuse", "auth"),
            order("gameserver", "disconnect"),
            said(UNREAD.format(".*did not accept")),
            noted,
        ),
        heals=sync,
        log=(UNREAD.format(".*did not accept"), READ),
        may_log=UNREAD.format(f".*{CUT}"),
        notices=CLOSED,
    ),
)

CASES = (*TIKTOK, *GAME_SERVER, *DATABASE, *DISCORD)
