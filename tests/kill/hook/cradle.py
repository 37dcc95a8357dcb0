"""Bears bots that are loaded already, so that a death costs a start and not the imports.

Reads a line of JSON for each bot: {"arguments": [...], "stdout": file, "stderr": file}. Answers with its process
id, and with its exit code (negative: the signal) when it has ended. Ends itself when nothing more comes.
"""

import json
import os
import sys

import passages

import bot.__main__
import bot.app
import bot.checks
import bot.storage.migrate
import cogs.admin
import cogs.monitoring
import cogs.stats_sync  # noqa: F401 - loaded for the bots to come


def main():
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
    return bot.__main__.main(order["arguments"])


if __name__ == "__main__":
    main()
