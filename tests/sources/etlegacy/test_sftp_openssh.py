"""The SFTP edge against the real OpenSSH server: what game hosts run."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from bot.errors import HostKeyChanged, HostKeyUnknown, SourceAuthFailed, SourceChanged
from bot.sources.etlegacy.sftp import SftpRoundSource, learn_host_key, trust_host_key
from tests.openssh import address_of, needs_sshd
from tests.sources.etlegacy.fetching import fetch
from tools.bench.openssh import Sshd, running_sshd

pytestmark = needs_sshd


def fingerprint(sshd: Sshd) -> str:
    """What ssh-keygen makes of the host key: "256 SHA256:… comment (ED25519)"."""
    command = ["ssh-keygen", "-l", "-f", sshd.place / "host_key.pub"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[1]


@pytest.fixture
def sshd(tmp_path):
    with running_sshd(tmp_path) as server:
        yield server


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "gamestats"
    folder.mkdir()
    return folder


@pytest.fixture
def address(sshd, folder):
    return address_of(sshd, folder)


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
    assert caught.value.fingerprint == learn_host_key(address).fingerprint == fingerprint(sshd)


async def test_only_regular_files_with_plain_names_are_listed(trusted, source, folder):
    for number in range(300):
        (folder / f"{number}.txt").write_bytes(b"x" * number)
    os.utime(folder / "7.txt", (1_700_000_000, 1_700_000_000))
    (folder / os.fsdecode(b"caf\xe9.txt")).write_bytes(b"raw")
    (folder / "loop").symlink_to("loop")
    (folder / "deeper").mkdir()
    (folder / "a\nb").touch()
    listed = {file.name: file for file in await source.list_files()}
    assert set(listed) == {f"{number}.txt" for number in range(300)}
    assert set(source.left_out) == {"a\nb", "caf\udce9.txt"}
    assert listed["7.txt"].size == 7
    assert listed["7.txt"].modified_at == datetime.fromtimestamp(1_700_000_000, UTC)
    assert await fetch(source, listed["299.txt"]) == b"x" * 299


async def test_a_file_that_differs_from_the_listing_is_refused(trusted, source, folder):
    for name in ("longer", "shorter", "gone", "same"):
        (folder / name).write_bytes(b"listed")
    listed = {file.name: file for file in await source.list_files()}
    (folder / "longer").write_bytes(b"more than listed")
    (folder / "shorter").write_bytes(b"x")
    (folder / "gone").unlink()
    for name, said in (("longer", "more came"), ("shorter", "only 1 came"), ("gone", "no longer there")):
        with pytest.raises(SourceChanged, match=said):
            await fetch(source, listed[name])
    assert await fetch(source, listed["same"]) == b"listed"


async def test_many_calls_leave_no_file_open(trusted, source, folder):
    (folder / "a").write_bytes(b"a")
    for _ in range(60):
        (file,) = await source.list_files()
        assert await fetch(source, file) == b"a"


async def test_a_changed_host_key_is_refused_until_it_is_trusted(trusted, sshd, source, address, tmp_path):
    assert await source.list_files() == ()
    sshd.stop()
    sshd.start()
    await source.close()
    with pytest.raises(HostKeyChanged) as caught:
        await source.list_files()
    assert caught.value.fingerprint == fingerprint(sshd)
    trust_host_key(tmp_path / "known_hosts", learn_host_key(address))
    assert await source.list_files() == ()


async def test_a_key_that_is_not_authorized_is_told_apart(trusted, source, tmp_path):
    (tmp_path / "client_key.pub").write_text("")
    with pytest.raises(SourceAuthFailed):
        await source.list_files()
