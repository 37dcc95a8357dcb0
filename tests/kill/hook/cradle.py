"""Bears bots that are loaded already, so that a death costs a start and not the imports.

What a bot loads only when it needs it is loaded here too, and set aside from the garbage collector: a bot that
is born walks none of it and copies none of its pages.

Reads a line of JSON for each bot: {"arguments": [...], "stdout": file, "stderr": file}. Answers with its process
id, and with its exit code (negative: the signal) when it has ended. Ends itself when nothing more comes.
"""

import gc
import importlib
import json
import os
import sys
import zoneinfo

import passages

LOADED = (
    "aiosqlite",
    "alembic.command",
    "alembic.config",
    "asyncpg",
    "babel.dates",
    "babel.numbers",
    "bot.__main__",
    "bot.app",
    "bot.checks",
    "bot.storage.migrate",
    "encodings.idna",
)
"""Loaded in `main`: the processes that a bot starts for itself begin with this file too, and need none of it."""


def main():
    for name in LOADED:
        importlib.import_module(name)
    for extension in importlib.import_module("bot.discord.client").EXTENSIONS:
        importlib.import_module(extension)
    zoneinfo.ZoneInfo("Europe/Paris")  # loads its data's reader
    importlib.import_module("bot.settings").time_zones()
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if not child:
            sys.exit(live(order))
        tell(child)
        _, status = os.waitpid(child, 0)
        tell(os.waitstatus_to_exitcode(status))


def tell(number):
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def live(order):
    """Be the bot."""
    passages.look_back()
    for number, name in ((1, order["stdout"]), (2, order["stderr"])):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    return sys.modules["bot.__main__"].main(order["arguments"])


if __name__ == "__main__":
    main()
