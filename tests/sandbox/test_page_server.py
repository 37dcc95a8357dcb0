"""The sandbox's page, asked as a browser asks it: what it tells, what it does, and whom it refuses. No bot runs."""

from __future__ import annotations

import base64
import json
import math
import os
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from tests.standins import until

ROOT = Path(__file__).resolve().parents[2]
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


class Page:
    """A sandbox whose first port was taken."""

    def __init__(self, taken: int, process: subprocess.Popen[str]) -> None:
        self.taken = taken
        self.process = process
        self.told = [process.stdout.readline()]
        self.base = self.told[0].split()[-1]
        self.host = self.base.removeprefix("http://")
        while not self.told[-1].startswith("{"):
            self.told.append(process.stdout.readline())
        self.env = json.loads(self.told[-1])["env"]

    def ask(
        self, path: str, body: Any = None, *, method: str | None = None, base: str = "", **headers: str
    ) -> tuple[int, bytes, dict[str, str]]:
        """Give status, body and headers of the answer."""
        data = None if body is None else json.dumps(body).encode()
        method = method or ("GET" if body is None else "POST")
        request = urllib.request.Request(
            f"{base or self.base}{path}", data=data, method=method, headers=headers
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read(), dict(answer.headers)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read(), dict(error.headers)

    def json(self, path: str, body: Any = None, **more: Any) -> Any:
        status, data, _ = self.ask(path, body, **more)
        assert status == 200, data
        return json.loads(data)

    def refusal(self, path: str, body: Any = None, **more: Any) -> tuple[int, str]:
        status, data, _ = self.ask(path, body, **more)
        return status, json.loads(data)["error"]

    def say(self, text: str, *, user: str = "admin", channel: str = "general") -> None:
        self.json("/api/discord/messages", {"user": user, "channel": channel, "content": text})

    def post_as_bot(self, files: dict[str, tuple[str, bytes]], to: str = "general") -> int:
        """Post to a channel over Discord's API, with files; gives the status."""
        channel = next(one["id"] for one in self.json("/api/state")["guild"]["channels"] if one["name"] == to)
        parts = [('name="payload_json"', "application/json", b'{"content": "from the bot"}')]
        parts += [
            (f'name="files[{number}]"; filename="{name}"', kind, data)
            for number, (name, (kind, data)) in enumerate(files.items())
        ]
        body = b"".join(
            f"--x\r\nContent-Disposition: form-data; {what}\r\nContent-Type: {kind}\r\n\r\n".encode()
            + data
            + b"\r\n"
            for what, kind, data in parts
        )
        request = urllib.request.Request(
            f"{self.env['DISCORD_API_URL']}/channels/{channel}/messages",
            data=body + b"--x--\r\n",
            headers={
                "Authorization": f"Bot {self.env['DISCORD_TOKEN']}",
                "Content-Type": "multipart/form-data; boundary=x",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            error.close()
            return error.code

    def tell(self, **facts: Any) -> None:
        """Tell it of a bot, as its supervisor does."""
        self.process.stdin.write(json.dumps(facts) + "\n")
        self.process.stdin.flush()


class Events:
    """What the page is told while it is open."""

    def __init__(self, page: Page, after: int, **headers: str) -> None:
        self._connection = HTTPConnection(page.host, timeout=20)
        self._connection.request("GET", f"/api/events?after={after}", headers=headers)
        self._answer: HTTPResponse = self._connection.getresponse()
        assert self._answer.headers["Content-Type"].startswith("text/event-stream")

    def next(self, kind: str) -> dict[str, Any]:
        """Wait for an event of this kind; gives it with its id as `id`."""
        number = None
        while True:
            line = self._answer.readline().decode().strip()
            if line.startswith("id: "):
                number = int(line[4:])
            elif line.startswith("data: "):
                event = json.loads(line[6:])
                if event["kind"] == kind:
                    return {**event, "id": number}
                number = None

    def close(self) -> None:
        self._answer.close()
        self._connection.close()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        command = [sys.executable, "-m", "tools.sandbox", "--empty", "--port", str(taken)]
        with subprocess.Popen(
            command,
            cwd=ROOT,
            env={
                **os.environ,
                "DATA_FOLDER": str(tmp_path_factory.mktemp("page")),
                "DISCOVERY_CHECKS_PER_DAY": "90",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        ) as process:
            page = Page(taken, process)
            yield page
            process.stdin.close()
            process.wait(timeout=20)


@pytest.fixture
def events(page: Page) -> Iterator[Events]:
    events = Events(page, page.json("/api/state")["n"])
    yield events
    events.close()


# Where it is, and for whom.


@pytest.mark.parametrize("wrong", [("--speed", "601"), ("--speed", "0.5"), ("--port", "65530")])
def test_what_cannot_be_is_refused_before_anything_starts(wrong):
    command = [sys.executable, "-m", "tools.sandbox", "--empty", *wrong]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False, timeout=20)
    assert (told.returncode, told.stdout) == (2, "")
    assert f"argument {wrong[0]}: must be from" in told.stderr


def test_the_address_comes_first_and_a_port_that_is_taken_is_left_alone(page):
    assert page.told[0].startswith("Vedette runs in its sandbox: http://127.0.0.1:")
    assert page.taken < int(page.base.rpartition(":")[2]) < page.taken + 20


def test_it_listens_on_loopback_only(page):
    port = int(page.base.rpartition(":")[2])
    own = socket.gethostbyname(socket.gethostname())
    if own.startswith("127."):
        own = "127.0.0.2"  # this machine as well, but not where the page is
    with socket.socket() as outside:
        assert outside.connect_ex((own, port)) != 0


@pytest.mark.parametrize("path", ["/", "/api/state", "/api/events", "/api/panel", "/attachments/1/2/a.png"])
def test_a_name_that_was_made_to_point_here_is_refused(page, path):
    status, error = page.refusal(path, Host=f"evil.example.org:{page.host.partition(':')[2]}")
    assert (status, error) == (403, f"this is {page.host}")


@pytest.mark.parametrize(
    "path", ["/api/panel/kill", "/api/panel/speed", "/api/discord/messages", "/api/discord/command"]
)
@pytest.mark.parametrize("origin", ["https://evil.example.org", "null", "http://127.0.0.1:1"])
def test_another_page_in_the_same_browser_can_order_nothing(page, path, origin):
    before = page.json("/api/state")["n"]
    body = {"user": "admin", "channel": "general", "content": "from elsewhere", "speed": 5}
    assert page.refusal(path, body, Origin=origin)[0] == 403
    assert page.json("/api/state")["n"] == before


def test_its_own_page_may_ask_by_either_name(page):
    port = page.host.partition(":")[2]
    for own in (f"127.0.0.1:{port}", f"localhost:{port}"):
        assert page.json("/api/state", Host=own, Origin=f"http://{own}")["me"] == ["admin", "member"]


@pytest.mark.parametrize("headers", [{"Host": "evil.example.org"}, {"Origin": "https://evil.example.org"}])
@pytest.mark.parametrize("setting", ["DISCORD_API_URL", "TIKTOK_URL", "SCRAPECREATORS_URL"])
def test_no_stand_in_answers_a_foreign_page(page, setting, headers):
    base = "/".join(page.env[setting].split("/")[:3])
    for path in ("/_control/requests", "/"):
        assert page.ask(path, base=base, **headers)[0] == 403
    assert page.ask("/_control/requests", base=base)[0] == 200


def test_no_page_at_all_may_control_a_stand_in(page):
    """Not even that of this machine: what it may do, the sandbox's page does for it."""
    base = "/".join(page.env["DISCORD_API_URL"].split("/")[:3])
    assert page.ask("/_control/requests", base=base, Origin=page.base)[0] == 403


# What it shows.


def test_files_come_as_what_they_are_and_load_from_nowhere_else(page):
    for path, kind in {"/": "text/html", "/app.js": "text/javascript", "/style.css": "text/css"}.items():
        status, _, headers = page.ask(path)
        assert (status, headers["Content-Type"]) == (200, f"{kind}; charset=utf-8")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert (
            headers["Cache-Control"] == "no-cache"
        )  # the browser asks again: after an update nothing is old
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; ")
        assert "http" not in policy


@pytest.mark.parametrize(
    "path",
    [
        "/../../discord/README.md",
        "/%2e%2e/%2e%2e/discord/README.md",
        "/vendor/..%2f..%2f..%2fdiscord%2fREADME.md",
        f"/{ROOT}/README.md",
        "/x.js",
    ],
)
def test_nothing_beside_the_page_is_served(page, path):
    assert page.ask(path)[0] == 404
    assert page.ask("/vendor/README.md")[0] == 200  # it is not the kind of file that is refused


@pytest.mark.parametrize("way", ["/attachments", "/pictures"])
@pytest.mark.parametrize(
    "path",
    ["..%2f_control/requests", "%2e%2e/_control/requests", "1/2/..%2f..%2f..%2f_control%2frequests"],
)
def test_no_picture_leads_to_what_controls_a_stand_in(page, way, path):
    assert page.ask(f"{way}/{path}")[0] == 404


def test_the_state_has_what_a_page_needs_to_begin(page):
    state = page.json("/api/state")
    assert [one["name"] for one in state["guild"]["channels"]] == ["lives", "rounds", "admin", "general"]
    assert {"admin", "member"} <= {one["name"] for one in state["users"]}
    assert state["clock"]["instant"].startswith("2026-10-03T1")


def test_what_happens_is_told_at_once_and_after_a_break_nothing_is_missed(page, events):
    page.say("first")
    first = events.next("message_posted")
    assert (first["message"]["content"], first["channel"], first["id"]) == ("first", "general", first["n"])
    page.say("second")
    page.say("third")
    again = Events(page, 0, **{"Last-Event-ID": str(first["id"])})
    assert [again.next("message_posted")["message"]["content"] for _ in range(2)] == ["second", "third"]
    again.close()


def test_who_begins_to_listen_hears_at_once_what_time_it_is_and_how_the_bot_does(page):
    late = Events(page, 10**6)
    assert late.next("clock")["clock"].keys() == {"instant", "speed"}
    assert late.next("bot")["state"] in {"starting", "online", "offline"}
    late.close()


def test_pictures_come_from_the_page_itself_and_other_files_are_downloaded(page):
    script = b"<script>alert(1)</script>"
    assert page.post_as_bot({"one.png": ("image/png", PICTURE), "two.html": ("text/html", script)}) == 200
    message = page.json("/api/discord/messages?channel=general")[-1]
    picture, other = (file["url"] for file in message["attachments"])
    assert page.ask(picture)[:2] == (200, PICTURE)
    status, data, headers = page.ask(other)
    assert (status, data, headers["Content-Disposition"]) == (200, script, "attachment")
    assert page.ask("/attachments/1/2/none.png")[0] == 404
    assert "127.0.0.1" not in json.dumps(message)


def test_pictures_of_tiktok_come_from_the_page_itself(page):
    handle = page.json("/api/panel")["streamers"][0]["handle"]
    post = page.json(f"/_control/accounts/{handle}/posts", base=page.env["TIKTOK_URL"])[0]
    status, data, headers = page.ask(f"/pictures/post/{post['id']}.png")
    assert (status, headers["Content-Type"], data[:4]) == (200, "image/png", b"\x89PNG")


# What it does.


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "requests"), ("GET", "state"), ("POST", "faults"), ("DELETE", "messages/1"), ("POST", "kick")],
)
def test_of_discord_a_person_can_do_what_people_can_and_no_more(page, method, path):
    body = None if method == "GET" else {}
    assert page.ask(f"/api/discord/{path}", body, method=method)[0] in {404, 405}


@pytest.mark.parametrize("text", ["x" * 2001, "", " \n"])
def test_nobody_posts_what_discords_client_would_not_send(page, text):
    order = {"user": "admin", "channel": "general", "content": text}
    assert page.ask("/api/discord/messages", order)[0] == 400
    page.say("x" * 2000)


def test_a_file_as_large_as_the_page_allows_reaches_discord(page):
    allowed = re.search(r"LARGEST_FILE = ([\d* ]+);", page.ask("/command-line.js")[1].decode())[1]
    size = math.prod(map(int, allowed.split("*")))
    file = {"filename": "large.bin", "content": base64.b64encode(bytes(size)).decode()}
    order = {"user": "admin", "channel": "general", "name": "nothing", "options": {"file": file}}
    assert "nothing" in page.refusal("/api/discord/command", order)[1]  # no bot is here to take it


def test_what_discord_refuses_is_said_in_its_words(page):
    order = {"user": "admin", "channel": "general", "name": "nothing"}
    status, error = page.refusal("/api/discord/command", order)
    assert status == 400
    assert "nothing" in error
    assert "Error" not in error


def test_time_runs_as_fast_as_asked_and_everybody_is_told(page, events):
    page.json("/api/panel/speed", {"speed": 600})
    while events.next("clock")["clock"]["speed"] != 600:
        pass
    assert page.json("/api/state")["clock"]["speed"] == 600
    assert page.refusal("/api/panel/speed", {"speed": 601})[0] == 400
    page.json("/api/panel/speed", {"speed": 1})


def test_somebody_goes_live_and_ends_and_a_map_is_played_when_it_is_asked_for(page):
    def one() -> dict[str, Any]:
        return page.json("/api/panel")["streamers"][0]

    handle = one()["handle"]
    page.json("/api/panel/live", {"handle": handle, "on": True})
    until(lambda: one()["live"])
    assert "live already" in page.refusal("/api/panel/live", {"handle": handle, "on": True})[1]
    page.json("/api/panel/live", {"handle": handle, "on": False})
    until(lambda: not one()["live"])
    page.json("/api/panel/map", {})
    until(lambda: page.json("/api/panel")["game"]["playing"])


def test_what_goes_wrong_is_taken_back_one_by_one(page):
    def switch(name: str, *, on: bool) -> None:
        page.json("/api/panel/fault", {"name": name, "on": on})

    def wrong() -> list[str]:
        return [fault["name"] for fault in page.json("/api/panel")["faults"] if fault["on"]]

    assert page.post_as_bot({}) == 200
    switch("rate_limit", on=True)
    assert page.post_as_bot({}) == 429
    switch("discord", on=True)
    assert wrong() == ["rate_limit", "discord"]
    switch("discord", on=False)
    assert page.post_as_bot({}) == 429
    switch("rate_limit", on=False)
    assert (page.post_as_bot({}), wrong()) == (200, [])
    assert "no trouble 'flood'" in page.refusal("/api/panel/fault", {"name": "flood", "on": True})[1]
    assert "go live first" in page.refusal("/api/panel/fault", {"name": "drop", "on": True})[1]


def test_a_channel_is_shut_to_the_bot_and_opened_again(page):
    for on, answer in ((True, 403), (False, 200)):
        page.json("/api/panel/fault", {"name": "shut", "on": on})
        assert page.post_as_bot({}, to="lives") == answer


def test_the_bot_may_make_roles_here_which_its_invite_link_does_not_ask_for(page):
    api, guild = page.env["DISCORD_API_URL"], page.json("/api/state")["guild"]["id"]
    order, bot = {"name": "🔔 ana"}, {"Authorization": f"Bot {page.env['DISCORD_TOKEN']}"}
    headers = {"Content-Type": "application/json", **bot}
    assert page.ask(f"/guilds/{guild}/roles", order, base=api, **headers)[0] == 200


def test_what_was_asked_is_counted_and_told(page):
    def asked() -> dict[str, Any]:
        return next(one for one in page.json("/api/panel")["asked"] if one["name"] == "Discord")

    before = asked()["total"]
    for _ in range(3):
        page.post_as_bot({})
    until(lambda: asked()["total"] >= before + 3)
    assert asked()["last_hour"] >= 3
    assert re.fullmatch(r"\d\d:\d\d POST /channels/\d+/messages → (200|429)", asked()["latest"][0])


def test_the_budgets_are_those_the_bot_has(page):
    budgets = page.json("/api/panel")["budgets"]
    assert [(one["used"], one["of"], one["per"]) for one in budgets] == [(0, 90, "day"), (0, 480, "day")]


def test_the_page_knows_how_the_bot_does_and_its_supervisor_is_asked_to_kill_it(page, events):
    page.tell(bot="started", pid=os.getpid())
    events.next("bot")
    assert page.json("/api/state")["bot"] == "starting"
    page.json("/api/panel/kill", {})
    assert json.loads(page.process.stdout.readline()) == {"kill": True}
    page.tell(bot="ended", text="It was killed.")
    told = events.next("bot")
    while told["state"] != "offline":
        told = events.next("bot")
    assert told["text"] == "It was killed."
    assert page.json("/api/state")["trouble"] == "It was killed."


def test_a_bot_whose_supervisor_is_gone_is_killed():
    with subprocess.Popen(["sleep", "600"]) as bot:
        command = [sys.executable, "-m", "tools.sandbox", "--empty", "--port", "0"]
        with subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, encoding="utf-8"
        ) as sandbox:
            sandbox.stdin.write(json.dumps({"bot": "started", "pid": bot.pid}) + "\n")
            sandbox.stdin.close()
            assert bot.wait(timeout=20) == -9


def test_an_end_while_the_page_is_open_says_nothing(tmp_path):
    command, file = [sys.executable, "-m", "tools.sandbox", "--empty", "--port", "0"], tmp_path / "said"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "encoding": "utf-8"}
    with file.open("w") as said, subprocess.Popen(command, cwd=ROOT, stderr=said, **pipes) as process:
        page = Page(0, process)
        events = Events(page, page.json("/api/state")["n"])
        events.next("bot")
        process.stdin.close()
        assert process.wait(timeout=20) == 0
        events.close()
    assert file.read_text() == ""
