"""The game server stand-in, seen from outside: SFTP by plain paramiko, UDP by a plain socket."""

from __future__ import annotations

import base64
import socket
import stat
from pathlib import Path

import paramiko
import pytest

from tests.gameserver import GameServer, running_gameserver
from tests.standins import ControlRefused, until

STATS = "/legacy/gamestats"


@pytest.fixture(scope="module")
def shared():
    with running_gameserver() as server:
        yield server


@pytest.fixture
def server(shared):
    shared.reset()
    return shared


def log_in(server: GameServer, **credentials) -> paramiko.Transport:
    facts = server.facts
    transport = paramiko.Transport(socket.create_connection((facts["ssh_host"], facts["ssh_port"]), 10))
    transport.start_client(timeout=10)
    key = credentials.get("key")
    if key is None:
        transport.auth_password(facts["username"], credentials.get("password", facts["password"]))
    else:
        transport.auth_publickey(facts["username"], key)
    return transport


@pytest.fixture
def transport(server):
    with log_in(server) as transport:
        yield transport


@pytest.fixture
def sftp(transport):
    with transport.open_sftp_client() as client:
        client.get_channel().settimeout(10)
        yield client


def sizes(sftp):
    return {entry.filename: entry.st_size for entry in sftp.listdir_attr(STATS)}


def test_a_written_file_is_listed_with_its_time_and_read(server, sftp):
    server.write("a-round-1.txt", b"line\n", mtime=1_700_000_000)
    (entry,) = sftp.listdir_attr(STATS)
    assert (entry.filename, entry.st_size, entry.st_mtime) == ("a-round-1.txt", 5, 1_700_000_000)
    assert stat.S_ISREG(entry.st_mode)
    with sftp.open(f"{STATS}/a-round-1.txt") as file:
        assert file.read() == b"line\n"


def test_a_listing_of_many_files_is_complete(server, sftp):
    for number in range(120):
        (Path(server.facts["folder"]) / f"{number}.txt").write_bytes(b"x" * number)
    assert {entry.filename: entry.st_size for entry in sftp.listdir_iter(STATS)} == {
        f"{number}.txt": number for number in range(120)
    }


def test_a_client_may_walk_from_the_root_but_not_write(server, sftp):
    assert sftp.listdir("/") == ["legacy"]
    assert sftp.listdir("/legacy") == ["gamestats"]
    assert stat.S_ISDIR(sftp.stat(STATS).st_mode)
    with pytest.raises(FileNotFoundError):
        sftp.listdir("/etc")
    with pytest.raises(FileNotFoundError):
        sftp.open("/etc/passwd")
    with pytest.raises(FileNotFoundError):
        sftp.open(f"{STATS}/../../etc/passwd")
    with pytest.raises(PermissionError):
        sftp.open(f"{STATS}/new.txt", "w")


def test_a_slow_file_grows_only_when_told(server, sftp):
    server.write("slow.txt", b"0123456789", mtime=1_700_000_000, slow={"chunk_bytes": 3})
    assert sizes(sftp) == {"slow.txt": 3}
    assert sizes(sftp) == {"slow.txt": 3}
    server.control("POST", "files/slow.txt/grow", {"bytes": 1})
    assert sizes(sftp) == {"slow.txt": 4}
    server.control("POST", "files/slow.txt/grow")
    assert sizes(sftp) == {"slow.txt": 7}
    server.control("POST", "files/slow.txt/finish")
    (entry,) = sftp.listdir_attr(STATS)
    assert (entry.st_size, entry.st_mtime) == (10, 1_700_000_000)
    with pytest.raises(ControlRefused):
        server.control("POST", "files/slow.txt/grow")


def test_a_slow_file_can_grow_by_itself(server, sftp):
    server.write("slow.txt", b"0123456789", slow={"chunk_bytes": 4, "interval_ms": 1})
    until(lambda: sizes(sftp) == {"slow.txt": 10})


def test_files_are_touched_renamed_and_deleted(server, sftp):
    server.write("old.txt", b"x")
    server.control("POST", "files/old.txt/touch", {"mtime": 1_600_000_000})
    server.control("POST", "files/old.txt/rename", {"to": "new.txt"})
    assert [(e.filename, e.st_mtime) for e in sftp.listdir_attr(STATS)] == [("new.txt", 1_600_000_000)]
    assert [file["name"] for file in server.control("GET", "files")] == ["new.txt"]
    server.control("DELETE", "files/new.txt")
    assert sftp.listdir(STATS) == []
    with pytest.raises(ControlRefused, match="no file"):
        server.control("DELETE", "files/new.txt")
    with pytest.raises(ControlRefused, match="not a file name"):
        server.write("../outside", b"")


def test_ghosts_show_any_name(server, sftp):
    for name in ("../../evil", "a\nb"):
        server.control("POST", "ghosts", {"name": name, "size": 7})
    assert sizes(sftp) == {"../../evil": 7, "a\nb": 7}
    server.control("POST", "ghosts", {"name_base64": base64.b64encode(b"\xff.txt").decode()})
    with pytest.raises(UnicodeDecodeError):  # this is what paramiko makes of it
        sftp.listdir(STATS)


def test_a_wrong_password_and_a_refused_one(server):
    with pytest.raises(paramiko.AuthenticationException):
        log_in(server, password="wrong").close()
    server.fault("refuse", "auth")
    with pytest.raises(paramiko.AuthenticationException):
        log_in(server).close()
    log_in(server).close()
    assert [entry["accepted"] for entry in server.seen(op="auth")] == [False, False, True]


def test_a_public_key_is_accepted_once_it_is_authorized(server):
    key = paramiko.RSAKey.generate(2048)
    with pytest.raises(paramiko.AuthenticationException):
        log_in(server, key=key).close()
    server.control("POST", "login", {"authorized_key": f"{key.get_name()} {key.get_base64()} me@home"})
    with log_in(server, key=key) as transport:
        assert transport.is_authenticated()


def test_channels_beyond_the_limit_are_refused(server, transport):
    server.control("POST", "limits", {"max_channels": 1})
    with transport.open_sftp_client() as client:
        assert client.listdir(STATS) == []
        with pytest.raises(paramiko.ChannelException):
            transport.open_session()
    server.wait_for(op="end")
    with transport.open_sftp_client() as client:
        assert client.listdir(STATS) == []


def test_the_connection_drops_in_the_middle_of_a_file(server, sftp):
    server.write("a.txt", b"x" * 1000)
    server.fault("drop", "read", nbytes=400)
    file = sftp.open(f"{STATS}/a.txt")
    assert file.read(400) == b"x" * 400
    with pytest.raises((paramiko.SSHException, OSError)):
        file.read(600)
    assert [entry["offset"] for entry in server.seen(op="read")] == [0, 400]


def test_a_file_can_seem_truncated_or_come_in_drops(server, sftp):
    server.write("a.txt", b"x" * 100)
    server.fault("truncate", "read", nbytes=30)
    assert len(sftp.open(f"{STATS}/a.txt").read()) == 30
    server.control("DELETE", "requests")
    server.fault("slow", "read", nbytes=25, delay_ms=1)
    assert sftp.open(f"{STATS}/a.txt").read() == b"x" * 100
    assert [entry["offset"] for entry in server.seen(op="read")] == [0, 25, 50, 75, 100]


def test_a_frozen_server_says_nothing_until_it_thaws(server, sftp):
    server.fault("freeze", "list")
    sftp.get_channel().settimeout(0.2)
    with pytest.raises(TimeoutError):
        sftp.listdir(STATS)
    sftp.get_channel().settimeout(10)
    server.control("DELETE", "faults")
    assert sftp.listdir(STATS) == []


def test_connections_are_cut_and_refused(server, transport):
    assert server.control("POST", "disconnect", {}) == {"cut": 1}
    until(lambda: not transport.is_active())
    server.fault("drop", "connect")
    with pytest.raises((paramiko.SSHException, EOFError, OSError)):
        log_in(server).close()
    log_in(server).close()


def test_a_new_host_key_and_one_that_survives_a_restart(tmp_path):
    seen = []
    for _ in range(2):
        with running_gameserver("--host-key", str(tmp_path / "key")) as server, log_in(server) as transport:
            seen.append(server.facts["fingerprint"])
            assert transport.get_remote_server_key().fingerprint == server.facts["fingerprint"]
    assert seen[0] == seen[1]
    with running_gameserver() as server:
        changed = server.control("POST", "host-key", {})
        with log_in(server) as transport:
            key = transport.get_remote_server_key()
    assert changed == {"host_key": f"{key.get_name()} {key.get_base64()}", "fingerprint": key.fingerprint}
    assert changed["fingerprint"] != server.facts["fingerprint"]


def test_a_given_folder_is_served_as_it_is(tmp_path):
    (tmp_path / "here.txt").write_bytes(b"abc")
    (tmp_path / "link.txt").symlink_to("here.txt")
    with (
        running_gameserver("--folder", str(tmp_path)) as server,
        log_in(server) as transport,
        transport.open_sftp_client() as client,
    ):
        modes = {entry.filename: stat.S_IFMT(entry.st_mode) for entry in client.listdir_attr(STATS)}
    assert modes == {"here.txt": stat.S_IFREG, "link.txt": stat.S_IFLNK}
    assert (tmp_path / "here.txt").exists()


@pytest.fixture
def ask(server):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.connect((server.facts["query_host"], server.facts["query_port"]))

        def ask(question: bytes, seconds: float = 10) -> bytes:
            udp.settimeout(seconds)
            udp.send(b"\xff\xff\xff\xff" + question)
            return udp.recv(65536)

        yield ask


def test_getstatus_tells_the_game(server, ask):
    server.control(
        "POST",
        "players",
        {
            "mapname": "etl_adlernest",
            "timelimit": 7.5,
            "players": [
                {"name": "^1One", "team": "axis", "score": 12, "ping": 48},
                {"name": "Two", "team": "allies", "score": -3, "ping": 999},
                {"name": "Three"},
            ],
        },
    )
    head, keys, *clients = ask(b"getstatus abc").split(b"\n")
    assert head == b"\xff\xff\xff\xffstatusResponse"
    assert keys.startswith(b"\\challenge\\abc\\")
    assert b"\\mapname\\etl_adlernest\\timelimit\\7.5\\" in keys
    assert b"\\P\\123" + b"-" * 17 in keys
    assert clients == [b'12 48 "^1One"', b'-3 999 "Two"', b'0 50 "Three"', b""]
    assert server.seen(kind="udp")[0]["challenge"] == "abc"
    with pytest.raises(ControlRefused, match="unknown team"):
        server.control("POST", "players", {"players": [{"name": "x", "team": "red"}]})


def test_getinfo_counts_and_the_challenge_may_be_left_out(server, ask):
    server.control("POST", "players", {"players": [{"name": "One", "team": "axis"}]})
    head, keys = ask(b"getinfo").split(b"\n")
    assert head == b"\xff\xff\xff\xffinfoResponse"
    assert b"\\clients\\1\\humans\\1\\" in keys
    assert b"challenge" not in keys


def test_packets_are_lost_forged_and_garbled(server, ask):
    server.fault("silence", "getstatus")
    with pytest.raises(TimeoutError):
        ask(b"getstatus abc", seconds=0.2)
    server.fault("stranger", "getstatus")
    with pytest.raises(TimeoutError):  # the socket is connected and hears only the server
        ask(b"getstatus abc", seconds=0.2)
    server.fault("forged", "getstatus")
    assert b"\\challenge\\forged\\" in ask(b"getstatus abc")
    server.fault("garbled", "getstatus", body="hello")
    assert ask(b"getstatus abc") == b"hello"
    assert b"\\challenge\\abc\\" in ask(b"getstatus abc")


def test_a_fault_of_an_unknown_kind_is_refused(server):
    with pytest.raises(ControlRefused, match="unknown kind"):
        server.fault("explode", "list")
