"""``python -m bot``: arguments and exit codes. 0 is well, 1 is not, 2 is wrong settings or arguments."""

from __future__ import annotations

import signal
import sys

if __name__ == "__main__":  # loading takes a second: until `main` listens, Ctrl-C ends it without a traceback
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import asyncio
import io
import logging
from pathlib import Path

from bot import __version__
from bot.core.jobs import QUEUES
from bot.errors import NothingThere, SettingsError, VedetteError
from bot.logs import Redactor
from bot.settings import Settings, load_settings

_NO_QUEUE = "none"

HOW_TO_BEGIN = """\
There is no DISCORD_TOKEN, so the bot cannot log in to Discord. To get one:
  1. open https://discord.com/developers/applications and make an application
  2. choose Bot, then Reset Token, and copy the token
  3. write it into the file .env in this folder: DISCORD_TOKEN=...
To see the bot work without an account, run: python3 tools/run.py"""

_KEY_CHANGED = """
WARNING: THE HOST KEY HAS CHANGED. Until now {trusted} was trusted.
Unless somebody set the server up anew, somebody may be listening in: ask before you say yes.
"""


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line asks and give the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that the terminal cannot show must not end us
            stream.reconfigure(errors="replace")
    logging.getLogger().addHandler(logging.NullHandler())  # what went wrong is told by what we print
    asked = _parser().parse_args(arguments)
    before = signal.getsignal(signal.SIGINT)
    try:
        settings = load_settings()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return int(asked.command(settings, asked))
    except VedetteError as error:
        print(Redactor.of(settings)(str(error)), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        signal.signal(signal.SIGINT, before)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 tools/run.py",
        description="Vedette, a self-hosted Discord bot. Without a command: run.",
        epilog="With --sandbox before the command it meets stand-ins for Discord, TikTok and a game server.",
    )
    parser.add_argument("--version", action="version", version=f"Vedette {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")

    run = commands.add_parser("run", help="start the bot")
    _add_queue(run, "do only jobs of this queue", *QUEUES, _NO_QUEUE)
    run.set_defaults(command=_run)

    work = commands.add_parser("work", help="do jobs of the queue beside the bot, without Discord")
    _add_queue(work, "only those of this queue", *QUEUES)
    work.set_defaults(command=_work)

    record = commands.add_parser("record", help="record lives; the bot starts and ends this by itself")
    record.add_argument("--holder", default="", help=argparse.SUPPRESS)
    record.set_defaults(command=_record)

    check = commands.add_parser("check", help="try every setting and say how to mend what is wrong")
    check.set_defaults(command=_check)

    migrate = commands.add_parser(
        "migrate", help="bring the database up to this version (run does it as well)"
    )
    migrate.set_defaults(command=_migrate)

    backup = commands.add_parser("backup", help="copy the database while the bot runs, or verify a copy")
    backup.add_argument(
        "--to", type=Path, metavar="FOLDER", help="where to (default: backups in DATA_FOLDER)"
    )
    backup.add_argument(
        "--verify",
        nargs="?",
        const="",
        metavar="FILE",
        help="make none: restore FILE, or the newest one, into a temporary place and check it",
    )
    backup.set_defaults(command=_backup)

    trust = commands.add_parser("trust-host", help="show the SSH host key of a game server and pin it")
    trust.add_argument("server", help="its name in the settings: GAME_SERVERS__<name>__HOST")
    trust.add_argument(
        "--fingerprint", metavar="SHA256:...", help="pin it without a question if it is this one"
    )
    trust.set_defaults(command=_trust_host)
    return parser


def _add_queue(command: argparse.ArgumentParser, what: str, *names: str) -> None:
    command.add_argument(
        "--queue",
        action="append",
        choices=names,
        metavar="NAME",
        help=f"{what}: {', '.join(names)} (may be given again; default: all)",
    )


def _run(settings: Settings, asked: argparse.Namespace) -> int:
    queues = QUEUES if asked.queue is None else [name for name in asked.queue if name != _NO_QUEUE]
    if settings.discord_token is None:
        print(HOW_TO_BEGIN, file=sys.stderr)
        return 2
    from bot.app import run

    return run(settings, queues)


def _work(settings: Settings, asked: argparse.Namespace) -> int:
    from bot.work import run

    return run(settings, asked.queue or QUEUES)


def _record(settings: Settings, asked: argparse.Namespace) -> int:
    from bot.recorder import run

    return run(settings, asked.holder)


def _check(settings: Settings, _: argparse.Namespace) -> int:
    from bot.checks import Mark, run_checks
    from bot.clock import SystemClock

    clean = Redactor.of(settings)
    findings = asyncio.run(run_checks(settings, SystemClock()))
    width = max(len(finding.what) for finding in findings)
    for finding in findings:
        print(f"{finding.mark:<5}  {finding.what:<{width}}  {clean(' '.join(finding.text.split()))}")
    return 1 if any(finding.mark is Mark.WRONG for finding in findings) else 0


def _migrate(settings: Settings, _: argparse.Namespace) -> int:
    from bot.clock import SystemClock
    from bot.storage.migrate import upgrade

    now = SystemClock().now()
    done = asyncio.run(upgrade(settings.database, settings.backup_folder, now, keep=settings.backups_kept))
    if done.before == done.after:
        print(f"the database has schema {done.after} already; there is nothing to do")
        return 0
    print(f"the database has schema {done.after} now (before: {done.before or 'none'})")
    if done.backup is not None:
        print(f"a backup from before is {done.backup}")
    return 0


def _backup(settings: Settings, asked: argparse.Namespace) -> int:
    from bot.clock import SystemClock
    from bot.storage.backup import list_backups
    from bot.storage.backup_server import back_up, verify
    from bot.storage.migrate import known_revisions

    folder = asked.to or settings.backup_folder
    if asked.verify is None:
        now = SystemClock().now()
        print(asyncio.run(back_up(settings.database, folder, now=now, keep=settings.backups_kept)))
        return 0
    chosen = Path(asked.verify) if asked.verify else next(iter(list_backups(folder)), None)
    if chosen is None:
        raise NothingThere(f"there is no backup in {folder}")
    proof = asyncio.run(verify(settings.database, chosen, known_revisions()))
    rows = sum(proof.manifest.rows.values())
    how = "" if proof.restored else "; it could only be read, for the database role may make no database"
    made = f"made {proof.manifest.made_at}, schema {proof.manifest.revision}, rows: {rows}"
    print(f"{chosen} is well: {made}{how}")
    return 0


def _trust_host(settings: Settings, asked: argparse.Namespace) -> int:
    from bot.sources.etlegacy import sftp

    servers = {name.lower(): server for name, server in settings.game_servers.items()}
    name = asked.server.lower()
    if not servers:
        raise NothingThere(f"the settings name no game server: fill in GAME_SERVERS__{name.upper()}__HOST")
    if name not in servers:
        raise NothingThere(f"there is no game server {name!r}; the settings name: {', '.join(servers)}")
    offer = sftp.learn_host_key(sftp.ssh_address(name, servers[name], settings.ssh_timeout_seconds))
    print(
        f"host         {offer.known_as}\nkey type     {offer.key_line.split()[1]}\nfingerprint  {offer.fingerprint}"
    )
    if asked.fingerprint is not None and asked.fingerprint != offer.fingerprint:
        print(f"this is not {asked.fingerprint}; nothing was pinned", file=sys.stderr)
        return 1
    trusted = sftp.trusted_fingerprints(settings.known_hosts_file, offer.known_as)
    if offer.fingerprint in trusted:
        print(f"this key is trusted already; there is nothing to do ({settings.known_hosts_file})")
        return 0
    if trusted:
        print(_KEY_CHANGED.format(trusted=", ".join(trusted)), file=sys.stderr)
    if asked.fingerprint is None and not _agreed():
        print("nothing was pinned", file=sys.stderr)
        return 1
    sftp.trust_host_key(settings.known_hosts_file, offer)
    print(f"pinned in {settings.known_hosts_file}")
    return 0


def _agreed() -> bool:
    if not sys.stdin.isatty():
        print("there is no terminal to ask on; give --fingerprint to say yes", file=sys.stderr)
        return False
    print("Compare it with what the server's admin tells you (ssh-keygen -lf on the server).")
    return input("Is it the right one? yes/no: ").strip().lower() == "yes"


if __name__ == "__main__":
    sys.exit(main())
