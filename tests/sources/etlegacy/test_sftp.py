"""The SFTP edge against the game server stand-in, in its own process, with everything that goes wrong there."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import HostKeyChanged, HostKeyUnknown, SourceAuthFailed, SourceChanged, SourceUnavailable
from bot.ports import RemoteFile
from bot.sources.etlegacy.sftp import (
    MAX_GATHER_BYTES,
    MAX_STATS_BYTES,
    SftpRoundSource,
    SshAddress,
    is_plain_name,
    learn_host_key,
    trust_host_key,
)
from tests.gameserver import running_gameserver
from tests.sources.etlegacy.fetching import fetch
from tests.standins import until

WHEN = datetime(2025, 11, 1, 20, 15, 7, tzinfo=UTC)
NAME = "2025-11-01-211507-supply-round-1.txt"
HOSTILE = ("../../../etc/passwd", "..", "a/b.txt", "a\nb.txt", "a\x1b[2J.txt", "a\u009bb.txt", "")


@pytest.fixture(scope="module")
def shared():
    with running_gameserver() as server:
        yield server


@pytest.fixture
def server(shared):
    shared.reset()
    return shared


@pytest.fixture
def executor():
    with ThreadPoolExecutor(2, "ssh") as pool:
        yield pool


@pytest.fixture
def address(server):
    facts = server.facts
    return SshAddress(
        name="eu1",
        host=facts["ssh_host"],
        port=facts["ssh_port"],
        username=facts["username"],
        password=facts["password"],
        folder=facts["stats_folder"],
        timeout_seconds=10,
    )


@pytest.fixture
def known_hosts(tmp_path, address):
    path = tmp_path / "data" / "known_hosts"
    trust_host_key(path, learn_host_key(address))
    return path


@pytest.fixture
async def connect(known_hosts, address, executor):
    made = []

    def connect(**changes) -> SftpRoundSource:
        made.append(SftpRoundSource(replace(address, **changes), known_hosts, executor))
        return made[-1]

    yield connect
    for source in made:
        await source.close()


@pytest.fixture
def source(connect):
    return connect()


@pytest.fixture
def impatient(connect):
    return connect(timeout_seconds=0.3)


def remote(server, content: bytes, name: str = NAME) -> RemoteFile:
    server.write(name, content, mtime=int(WHEN.timestamp()))
    return RemoteFile(name=name, size=len(content), modified_at=WHEN)


async def test_files_are_listed_and_fetched_over_one_connection(server, source):
    expected = remote(server, b"one\n")
    assert await source.list_files() == (expected,)
    assert await fetch(source, expected) == b"one\n"
    assert await source.list_files() == (expected,)
    assert len(server.seen(op="auth")) == 1
    assert len(server.seen(op="channel")) == 1


async def test_an_empty_file_and_an_empty_folder(server, source):
    assert await source.list_files() == ()
    assert await fetch(source, remote(server, b"")) == b""


async def test_a_long_listing_is_complete(server, source):
    for number in range(1000):
        (Path(server.facts["folder"]) / f"{number}.txt").write_bytes(b"x")
    assert {file.name for file in await source.list_files()} == {f"{number}.txt" for number in range(1000)}
    # Nothing of the long exchange is left over to confuse the next one.
    assert await fetch(source, remote(server, b"after")) == b"after"


async def test_calls_at_the_same_time_take_turns(server, source):
    files = [remote(server, bytes([number]) * 100, f"{number}.txt") for number in range(8)]
    contents = await asyncio.gather(*(fetch(source, file) for file in files))
    assert contents == [bytes([number]) * 100 for number in range(8)]
    assert len(server.seen(op="channel")) == 1


async def test_only_regular_files_are_listed(server, source):
    folder = Path(server.facts["folder"])
    (folder / "loop.txt").symlink_to("loop.txt")
    server.control("POST", "ghosts", {"name": "archive", "folder": True})
    expected = remote(server, b"x")
    assert await source.list_files() == (expected,)
    assert source.left_out == ()


async def test_hostile_names_are_left_out_and_counted(server, source):
    expected = remote(server, b"x")
    for name in HOSTILE:
        server.control("POST", "ghosts", {"name": name})
    assert await source.list_files() == (expected,)
    assert sorted(source.left_out) == sorted(HOSTILE)
    server.control("DELETE", "ghosts")
    await source.list_files()
    assert source.left_out == ()


async def test_one_name_that_is_not_utf8_does_not_hide_the_folder(server, source):
    expected = remote(server, b"x")
    server.write(b"caf\xe9.txt", b"y")
    assert await source.list_files() == (expected,)
    assert source.left_out == ("caf\udce9.txt",)


async def test_a_name_longer_than_any_file_system_has_is_left_out_and_cut(server, source):
    expected = remote(server, b"x")
    server.control("POST", "ghosts", {"name": "x" * 4096})
    assert await source.list_files() == (expected,)
    (left_out,) = source.left_out
    assert set(left_out) == {"x"}
    assert len(left_out) < 300


async def test_files_are_read_at_once_and_one_that_is_refused_holds_up_no_other(server, source):
    files = [remote(server, bytes([number]) * 100, f"{number:03}.txt") for number in range(150)]
    server.fault("refuse", "open", path="00[12]", times=2)
    contents = await source.fetch(files)
    refused = {name for name, content in contents.items() if isinstance(content, SourceChanged)}
    assert refused == {"001.txt", "002.txt"}
    assert "Permission denied" in str(contents["001.txt"])
    assert {name: contents[name] for name in contents.keys() - refused} == {
        f"{number:03}.txt": bytes([number]) * 100 for number in range(150) if number not in {1, 2}
    }
    assert len(server.seen(op="auth")) == 1
    # The second is asked for before the first is given.
    assert [entry["op"] for entry in server.seen() if entry["op"] in {"open", "close"}][:2] == ["open"] * 2


async def test_the_file_at_which_a_server_falls_silent_is_named_and_what_came_before_is_kept(
    server, impatient
):
    files = [remote(server, b"x" * 10, f"{number}.txt") for number in range(20)]
    server.fault("freeze", "open", path="^7.txt")
    came = await impatient.fetch(files)
    assert "no answer within 0.3 s" in str(came.pop("7.txt"))
    assert came == {f"{number}.txt": b"x" * 10 for number in range(len(came))}
    assert len(came) > 3
    server.control("DELETE", "faults")
    assert len(await impatient.fetch(files)) == 20


@given(st.text(max_size=30))
def test_a_plain_name_stays_in_its_folder(name):
    if is_plain_name(name):
        assert (Path("/folder") / name).parent == Path("/folder")
        assert name.isprintable() or not set(name) & set(map(chr, [*range(32), *range(127, 160)]))


async def test_a_file_that_is_still_written_is_refused_until_it_is_whole(server, source):
    server.write(NAME, b"0123456789", slow={"chunk_bytes": 4})
    (listed,) = await source.list_files()
    assert listed.size == 4
    server.control("POST", f"files/{NAME}/grow")
    with pytest.raises(SourceChanged, match="more came"):
        await fetch(source, listed)
    server.control("POST", f"files/{NAME}/finish")
    (whole,) = await source.list_files()
    assert await fetch(source, whole) == b"0123456789"
    assert len(server.seen(op="auth")) == 1


async def test_a_truncated_file_is_refused(server, source):
    file = remote(server, b"x" * 1000)
    server.fault("truncate", "read", nbytes=600)
    with pytest.raises(SourceChanged, match="only 600 came"):
        await fetch(source, file)
    assert await fetch(source, file) == b"x" * 1000


async def test_a_file_that_comes_in_small_pieces_is_put_together(server, source):
    file = remote(server, bytes(range(200)))
    server.fault("slow", "read", nbytes=7, delay_ms=0)
    assert await fetch(source, file) == bytes(range(200))


async def test_a_file_that_is_gone_is_told_apart(server, source):
    with pytest.raises(SourceChanged, match="no longer there"):
        await fetch(source, RemoteFile(name=NAME, size=1, modified_at=WHEN))


async def test_a_file_far_too_large_is_refused_without_reading(server, source):
    file = RemoteFile(name=NAME, size=2 * 1024**3, modified_at=WHEN)
    with pytest.raises(SourceChanged, match="2,147,483,648 bytes; a stats file has at most 65,536"):
        await fetch(source, file)
    assert server.seen(op="open") == []
    largest = remote(server, b"x" * MAX_STATS_BYTES)
    assert len(await fetch(source, largest)) == MAX_STATS_BYTES


async def test_a_gathers_document_may_be_larger_than_a_stats_file(server, source):
    name = "gamestats-7-2024-12-05-210743-supply-round-2.json"
    server.write(name, b"x" * (MAX_STATS_BYTES + 1))
    (large,) = [one for one in await source.list_files() if one.name == name]
    assert len(await fetch(source, large)) == MAX_STATS_BYTES + 1
    with pytest.raises(SourceChanged, match="at most 1,048,576"):
        await fetch(source, RemoteFile(name=name, size=MAX_GATHER_BYTES + 1, modified_at=WHEN))


async def test_a_hostile_name_is_never_opened(server, source):
    with pytest.raises(SourceChanged, match="not a plain file name"):
        await fetch(source, RemoteFile(name="../secret", size=1, modified_at=WHEN))
    assert server.seen(op="auth") == []


async def test_a_drop_in_the_middle_of_a_file_heals_with_the_next_call(server, source):
    file = remote(server, b"x" * 1000)
    server.fault("drop", "read", nbytes=400)
    with pytest.raises(SourceUnavailable, match="eu1"):
        await fetch(source, file)
    assert await fetch(source, file) == b"x" * 1000
    assert len(server.seen(op="auth")) == 2


async def test_a_connection_that_died_while_idle_is_replaced(server, source):
    file = remote(server, b"x")
    assert await source.list_files() == (file,)
    transport = source._connection._client.get_transport()
    server.control("POST", "disconnect", {})
    until(lambda: not transport.is_active())
    assert await source.list_files() == (file,)


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        ("connect", r"no answer within 0\.3 s"),
        ("auth", r"no answer within 0\.3 s"),
        ("channel", "Timeout opening channel"),
        ("list", r"no answer within 0\.3 s"),
    ],
)
async def test_a_frozen_server_is_given_up_at_every_step(server, impatient, operation, said):
    server.fault("freeze", operation)
    with pytest.raises(SourceUnavailable, match=said):
        await impatient.list_files()


async def test_a_server_that_sends_a_byte_at_a_time_is_given_up(server, impatient):
    file = remote(server, b"x" * 1000)
    server.fault("slow", "read", nbytes=1, delay_ms=50)
    with pytest.raises(SourceUnavailable, match=r"not done within 1\.8 s"):
        await fetch(impatient, file)


async def test_the_loop_goes_on_while_the_server_is_frozen(server, source):
    server.fault("freeze", "list")
    listing = asyncio.create_task(source.list_files())
    await asyncio.to_thread(server.wait_for, op="list")
    assert not listing.done()
    server.control("DELETE", "faults")
    assert await listing == ()


async def test_a_cancelled_call_leaves_nothing_behind(server, source):
    file = remote(server, b"x")
    server.fault("freeze", "list")
    listing = asyncio.create_task(source.list_files())
    await asyncio.to_thread(server.wait_for, op="list")
    listing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listing
    server.control("DELETE", "faults")
    assert await source.list_files() == (file,)
    assert len(server.seen(op="auth")) == 2


async def test_closing_ends_a_call_under_way_and_the_next_call_connects_again(server, source):
    server.fault("freeze", "list")
    listing = asyncio.create_task(source.list_files())
    await asyncio.to_thread(server.wait_for, op="list")
    await source.close()
    with pytest.raises(SourceUnavailable):
        await listing
    server.control("DELETE", "faults")
    assert await source.list_files() == ()


async def test_a_wrong_password_is_not_a_network_problem(server, connect):
    source = connect(password="wr0ng-secret")
    with pytest.raises(SourceAuthFailed) as caught:
        await source.list_files()
    assert "stats" in str(caught.value)
    assert "wr0ng-secret" not in str(caught.value)


async def test_a_login_cut_off_is_a_network_problem(server, source):
    server.fault("drop", "auth", times=2)
    with pytest.raises(SourceUnavailable):
        await source.list_files()


async def test_too_many_channels_is_said(server, source):
    server.control("POST", "limits", {"max_channels": 0})
    with pytest.raises(SourceUnavailable, match=r": Resource shortage$"):
        await source.list_files()


async def test_folders_that_are_missing_or_forbidden(server, connect, source):
    with pytest.raises(SourceUnavailable, match="No such file"):
        await connect(folder="/nowhere").list_files()
    server.fault("refuse", "list")
    with pytest.raises(SourceUnavailable, match="Permission denied"):
        await source.list_files()


async def test_a_server_that_is_not_there(connect, unused_tcp_port, known_hosts):
    for changes in ({"port": unused_tcp_port}, {"host": "no-such-host.invalid"}):
        with pytest.raises(SourceUnavailable, match="eu1: "):
            await connect(**changes).list_files()


async def test_a_port_where_no_ssh_speaks(connect):
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(SourceUnavailable):
        await connect(port=listener.getsockname()[1], timeout_seconds=0.3).list_files()


@pytest.fixture
def key_file(server, tmp_path):
    key = paramiko.RSAKey.generate(2048)
    key.write_private_key_file(tmp_path / "id_rsa")
    server.control("POST", "login", {"authorized_key": f"{key.get_name()} {key.get_base64()}"})
    return tmp_path / "id_rsa"


async def test_a_server_that_wants_key_and_password_gets_both(server, connect, key_file):
    server.fault("partial", "auth")
    assert await connect(key_file=key_file).list_files() == ()


async def test_a_server_that_wants_a_password_we_have_not_is_no_reason_to_ask_on_the_terminal(
    server, connect, key_file
):
    server.fault("partial", "auth")
    with pytest.raises(SourceAuthFailed):
        await connect(key_file=key_file, password=None).list_files()


async def test_keys_log_in_with_and_without_a_passphrase(server, connect, tmp_path):
    key = Ed25519PrivateKey.generate()
    encrypted = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, BestAvailableEncryption(b"s3cret"))
    path = tmp_path / "id"
    path.write_bytes(encrypted)
    public = paramiko.PKey.from_path(path, b"s3cret")
    server.control("POST", "login", {"authorized_key": f"{public.get_name()} {public.get_base64()}"})
    source = connect(password=None, key_file=path, key_passphrase="s3cret")
    assert await source.list_files() == ()
    for changes in ({"key_passphrase": "wr0ng"}, {"key_passphrase": None}, {"key_file": tmp_path / "none"}):
        with pytest.raises(SourceAuthFailed, match="key file") as caught:
            await connect(**{"password": None, "key_file": path, **changes}).list_files()
        assert "wr0ng" not in str(caught.value)


async def test_an_unknown_host_key_is_refused_before_the_password_is_sent(
    server, address, executor, tmp_path
):
    source = SftpRoundSource(address, tmp_path / "none", executor)
    with pytest.raises(HostKeyUnknown) as caught:
        await source.list_files()
    assert caught.value.fingerprint == server.facts["fingerprint"]
    assert caught.value.host == f"[127.0.0.1]:{address.port}"
    assert server.seen(op="auth") == []


def test_learning_a_key_does_not_trust_it_and_trusting_writes_one_line(server, address, tmp_path):
    offer = learn_host_key(address)
    assert offer.fingerprint == server.facts["fingerprint"]
    assert list(tmp_path.iterdir()) == []
    path = tmp_path / "known_hosts"
    path.write_text(f"other.example {server.facts['host_key']}\n")
    for _ in range(2):
        trust_host_key(path, offer)
    assert path.read_text().splitlines() == [
        f"other.example {server.facts['host_key']}",
        f"[127.0.0.1]:{address.port} {server.facts['host_key']}",
    ]


async def test_a_changed_host_key_is_refused_until_a_person_trusts_it(address, known_hosts, executor):
    with running_gameserver() as server:
        old = replace(address, port=server.facts["ssh_port"], password=server.facts["password"])
        trust_host_key(known_hosts, learn_host_key(old))
        changed = server.control("POST", "host-key", {})
        source = SftpRoundSource(old, known_hosts, executor)
        with pytest.raises(HostKeyChanged) as caught:
            await source.list_files()
        assert caught.value.fingerprint == changed["fingerprint"]
        assert server.seen(op="auth") == []
        trust_host_key(known_hosts, learn_host_key(old))
        assert await source.list_files() == ()
        await source.close()


@pytest.mark.parametrize("hashed", [False, True])
async def test_a_pinned_key_of_another_type_counts_as_changed_and_trusting_replaces_it(
    address, executor, tmp_path, hashed
):
    offer = learn_host_key(address)
    rsa = paramiko.RSAKey.generate(2048)
    name = paramiko.HostKeys.hash_host(offer.known_as) if hashed else offer.known_as
    path = tmp_path / "known_hosts"
    path.write_text(f"{name} {rsa.get_name()} {rsa.get_base64()}\n")
    source = SftpRoundSource(address, path, executor)
    with pytest.raises(HostKeyChanged):
        await source.list_files()
    trust_host_key(path, offer)
    assert path.read_text() == offer.key_line + "\n"
    assert await source.list_files() == ()
    await source.close()


def test_secrets_do_not_show(address):
    shown = repr(replace(address, password="s3cret", key_passphrase="als0"))
    assert "s3cret" not in shown
    assert "als0" not in shown


@pytest.fixture
def black_hole():
    """An address whose host answers no attempt to connect: all places in its queue are taken."""
    with ExitStack() as stack:
        host = stack.enter_context(socket.socket())
        host.bind(("127.0.0.1", 0))
        host.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(host.getsockname())
        yield host.getsockname()


async def test_closing_ends_a_connection_that_is_still_being_made(black_hole, address, tmp_path):
    host, port = black_hole
    with ThreadPoolExecutor(1) as threads:
        silent = replace(address, host=host, port=port, timeout_seconds=60)
        source = SftpRoundSource(silent, tmp_path / "known_hosts", threads)
        before = _dialling(port)
        listing = asyncio.create_task(source.list_files())
        await asyncio.to_thread(until, lambda: _dialling(port) > before)
        await source.close()
        with pytest.raises(SourceUnavailable):
            await asyncio.wait_for(listing, 20)


def _dialling(port: int) -> int:
    """How many connections to the port wait for its host's answer: SYN_SENT in Linux's table."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text("utf-8").splitlines()[1:]]
    return sum(row[2].endswith(f":{port:04X}") and row[3] == "02" for row in rows)
