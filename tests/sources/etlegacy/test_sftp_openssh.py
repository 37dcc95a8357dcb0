"""The SFTP edge against the real OpenSSH server: what game hosts run."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.errors import HostKeyChanged, HostKeyUnknown, SourceAuthFailed, SourceChanged
from bot.sources.etlegacy.sftp import SftpRoundSource, SshAddress, learn_host_key, trust_host_key
from tests.standins import until

SSHD = Path("/usr/sbin/sshd")

pytestmark = pytest.mark.skipif(
    not SSHD.exists() or os.geteuid() != 0, reason="needs /usr/sbin/sshd (openssh-server) and root"
)

CONFIG = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/client_key.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
MaxSessions 4
Subsystem sftp internal-sftp
"""


def make_key(path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


class Sshd:
    """An sshd whose host key and configuration lie in `place`; restarted, it has a new host key."""

    def __init__(self, place: Path, port: int) -> None:
        self.place = place
        self.port = port
        self.process = None

    def start(self) -> None:
        for old in self.place.glob("host_key*"):
            old.unlink()
        make_key(self.place / "host_key")
        config = self.place / "sshd_config"
        config.write_text(CONFIG.format(port=self.port, folder=self.place))
        # Few open files, so that a handle which is never closed is soon missed.
        command = ["prlimit", "--nofile=48", SSHD, "-D", "-f", config, "-E", self.place / "sshd.log"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        until(lambda: answers(self.port))

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=20)

    def fingerprint(self) -> str:
        """What ssh-keygen makes of the host key: "256 SHA256:… comment (ED25519)"."""
        command = ["ssh-keygen", "-l", "-f", self.place / "host_key.pub"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[1]


@pytest.fixture
def sshd(tmp_path, unused_tcp_port):
    Path("/run/sshd").mkdir(exist_ok=True)  # where sshd of Debian drops its privileges
    make_key(tmp_path / "client_key")
    server = Sshd(tmp_path, unused_tcp_port)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "gamestats"
    folder.mkdir()
    return folder


@pytest.fixture
def address(sshd, folder, tmp_path):
    return SshAddress(
        name="real",
        host="127.0.0.1",
        port=sshd.port,
        username=getpass.getuser(),
        key_file=tmp_path / "client_key",
        folder=str(folder),
    )


@pytest.fixture
async def source(address, tmp_path):
    with ThreadPoolExecutor(1, "ssh") as executor:
        source = SftpRoundSource(address, tmp_path / "known_hosts", executor)
        yield source
        await source.close()


@pytest.fixture
def trusted(address, tmp_path):
    trust_host_key(tmp_path / "known_hosts", learn_host_key(address))


async def test_an_unknown_host_is_refused_and_shows_the_fingerprint_that_ssh_keygen_shows(
    sshd, address, source
):
    with pytest.raises(HostKeyUnknown) as caught:
        await source.list_files()
    assert caught.value.fingerprint == learn_host_key(address).fingerprint == sshd.fingerprint()


async def test_only_regular_files_with_plain_names_are_listed(trusted, source, folder):
    for number in range(300):
        (folder / f"{number}.txt").write_bytes(b"x" * number)
    os.utime(folder / "7.txt", (1_700_000_000, 1_700_000_000))
    (folder / os.fsdecode(b"caf\xe9.txt")).write_bytes(b"raw")
    (folder / "loop").symlink_to("loop")
    (folder / "deeper").mkdir()
    (folder / "a\nb").touch()
    listed = {file.name: file for file in await source.list_files()}
    assert set(listed) == {f"{number}.txt" for number in range(300)} | {"caf\udce9.txt"}
    assert source.left_out == 1
    assert listed["7.txt"].size == 7
    assert listed["7.txt"].modified_at == datetime.fromtimestamp(1_700_000_000, UTC)
    assert await source.fetch(listed["caf\udce9.txt"]) == b"raw"
    assert await source.fetch(listed["299.txt"]) == b"x" * 299


async def test_a_file_that_differs_from_the_listing_is_refused(trusted, source, folder):
    for name in ("longer", "shorter", "gone", "same"):
        (folder / name).write_bytes(b"listed")
    listed = {file.name: file for file in await source.list_files()}
    (folder / "longer").write_bytes(b"more than listed")
    (folder / "shorter").write_bytes(b"x")
    (folder / "gone").unlink()
    for name, said in (("longer", "more came"), ("shorter", "only 1 came"), ("gone", "no longer there")):
        with pytest.raises(SourceChanged, match=said):
            await source.fetch(listed[name])
    assert await source.fetch(listed["same"]) == b"listed"


async def test_many_calls_leave_no_file_open(trusted, source, folder):
    (folder / "a").write_bytes(b"a")
    for _ in range(60):
        (file,) = await source.list_files()
        assert await source.fetch(file) == b"a"


async def test_a_changed_host_key_is_refused_until_it_is_trusted(trusted, sshd, source, address, tmp_path):
    assert await source.list_files() == ()
    sshd.stop()
    sshd.start()
    await source.close()
    with pytest.raises(HostKeyChanged) as caught:
        await source.list_files()
    assert caught.value.fingerprint == sshd.fingerprint()
    trust_host_key(tmp_path / "known_hosts", learn_host_key(address))
    assert await source.list_files() == ()


async def test_a_key_that_is_not_authorized_is_told_apart(trusted, source, tmp_path):
    (tmp_path / "client_key.pub").write_text("")
    with pytest.raises(SourceAuthFailed):
        await source.list_files()
