"""The real OpenSSH server as tests use it: what game hosts run."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import Any

import pytest

from bot.sources.etlegacy.sftp import SshAddress
from tools.bench.openssh import SSHD, Sshd

needs_sshd = pytest.mark.skipif(
    not SSHD.exists() or os.geteuid() != 0, reason="needs /usr/sbin/sshd (openssh-server) and root"
)


def address_of(sshd: Sshd, folder: Path, **more: Any) -> SshAddress:
    """Give where a folder is that a running sshd shows."""
    values = {
        "name": "real",
        "host": "127.0.0.1",
        "port": sshd.port,
        "username": getpass.getuser(),
        "key_file": sshd.place / "client_key",
        "folder": str(folder),
    }
    return SshAddress(**{**values, **more})
