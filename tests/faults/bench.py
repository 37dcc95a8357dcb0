"""What a case of the table needs: the running world, what the bot logged and posted since the case began."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.faults.rounds import Supply
from tools.sandbox.processes import ROOT, StandIn
from tools.sandbox.scene import World, until, world
from tools.sandbox.stored import change, rows_of

HURRIED = Path(__file__).with_name("hurried")
LINE = re.compile(r"^\S+ \S+ (DEBUG|INFO|WARNING|ERROR|CRITICAL) +([\w.]+): (.*)$")
ENDLESS = 10**6
"""So many times a fault comes true until it is taken away."""
MAY_REPEAT = 3
"""So many times a line may come that may come: when a state begins, not whenever somebody meets it."""
#: An INFO is a word about trouble when it tells of one of these; all warnings and errors are.
NEWS = re.compile(r"\b(again|is back|is lost|Connected to)\b")

Step = Callable[["Bench"], Awaitable[Any]]


async def nothing(_: Bench) -> None:
    """Break, heal or look at nothing."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One thing that goes wrong.

    `breaks` breaks it, after `prepares` made that possible, of which the log may say anything. Then `event`
    happens ("live", "round", or "" for nothing), then `looks` asserts the state in which it waits. All queued
    faults are taken away, `heals` mends the rest, and the event must be posted exactly once. `log` are patterns
    for everything the log may say of it: each matches exactly one line; one with a group matches one line for
    each value of the group; what matches `may_log` may be there as well, each line a few times. `notices` are
    the titles of what the admins have of it in the end.
    """

    name: str
    event: str = "live"
    prepares: Step = nothing
    breaks: Step
    looks: Step = nothing
    heals: Step = nothing
    log: tuple[str, ...] = ()
    may_log: str = "$"
    notices: tuple[str, ...] = ()


class Bench:
    """A world with one bot for many cases."""

    def __init__(self, scene: World, supply: Supply) -> None:
        self.scene = scene
        self.supply = supply
        self.handle = ""
        self.file = ""
        self.host_key = ""
        self.whole = b""
        self._number = 0
        self._log_from = 0
        self._outbox_from = 0

    @property
    def _standins(self) -> tuple[StandIn, ...]:
        return self.scene.discord, self.scene.tiktok, self.scene.gameserver

    # --- One case ----------------------------------------------------------------------------

    async def run(self, case: Case) -> None:
        await self._begin(case)
        await case.breaks(self)
        await self._happen(case.event)
        await case.looks(self)
        await self.until(self._are_faults_met, "every fault had come true")
        for standin in self._standins:
            await standin.control("DELETE", "faults")
        await case.heals(self)
        await self.until(lambda: self.is_posted(case.event), f"the {case.event} was posted")
        await self._over(case.event)
        await self.until(self._nothing_waits, "everything was delivered")
        await self._wait_for_log(case)
        await self.until(lambda: self._are_told(len(case.notices)), "the admins were told")
        notices = await self._notices()
        assert notices == list(case.notices), f"the admins were told {notices}"
        doubles = await self._doubles()
        assert doubles == [], f"not there exactly once: {doubles}"

    async def _begin(self, case: Case) -> None:
        self._number += 1
        self.handle = f"user{self._number}"
        if case.event == "live":
            await self.scene.follow(self.handle)
        await self.until(self._nothing_waits, "the last case was over")
        self._log_from = len(self.scene.log())
        await case.prepares(self)
        self._log_from = len(self.scene.log())
        self._outbox_from = (await self.rows("SELECT max(id) FROM outbox"))[0][0] or 0

    async def _happen(self, event: str) -> None:
        if event == "live":
            await self.scene.go_live(self.handle)
            await self.check()
        if event == "round":
            self.file = await self.supply.play(self.scene)

    async def _are_faults_met(self) -> bool:
        """Whether nothing is left of them; what is endless has come true at least once."""
        queues = [await standin.control("GET", "faults") for standin in self._standins]
        return all(ENDLESS // 2 < fault["times"] < ENDLESS for queue in queues for fault in queue)

    async def check(self) -> str:
        """Have the bot look at the account of this case; gives what it answered."""
        answered = await self.scene.command("live check", {"user": self.handle})
        return str(answered["response"] or answered["followups"])

    async def is_posted(self, event: str) -> bool:
        if not event:
            return True
        where = f"id > {self._outbox_from} AND event_key LIKE '{event}:%' AND delivered_revision > 0"
        if await self.rows(f"SELECT id FROM outbox WHERE {where}"):
            return True
        if event == "live":
            await self.check()
        return False

    async def _over(self, event: str) -> None:
        """End the live of this case and forget its account, so that the next case is alone."""
        if event == "live":
            await self.scene.tiktok.control("POST", f"accounts/{self.handle}/end", {})
            await self.until(self._is_summed_up, "the live was summed up")
            await self.scene.command("live remove", {"user": self.handle})

    async def _is_summed_up(self) -> bool:
        return not await self.scene.count("lives", "ended_at IS NULL")

    # --- What is looked at ---------------------------------------------------------------------

    async def until(self, condition: Callable[[], Awaitable[Any]], what: str) -> None:
        """Wait for something; where it does not come, all that is known of this case is told."""
        try:
            await until(condition, what)
        except AssertionError as error:
            raise AssertionError(f"{error}; {await self._all_that_is_known()}") from None

    async def _all_that_is_known(self) -> str:
        messages = await self.rows(
            "SELECT id, event_key, channel_id, state, revision, delivered_revision, tries, first_tried_at, "
            f"next_try_at, expires_at, error FROM outbox WHERE id > {self._outbox_from}"
        )
        files = await self.rows("SELECT name, state, silent, tries, reason FROM round_files ORDER BY id")
        asked = await self.scene.discord.control("GET", "requests")
        return "\n".join(
            [
                "the log says:",
                self._log(),
                "the outbox:",
                *map(str, messages),
                "the last files:",
                *map(str, files[-3:]),
                "what Discord was asked last:",
                *map(str, asked[-5:]),
            ]
        )

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        return await rows_of(self.scene.database, query)

    def _log(self) -> str:
        return self.scene.log()[self._log_from :]

    def lines(self) -> list[str]:
        """What the log tells of trouble since the case began: level and words; no traceback may be in it."""
        found = []
        for line in self._log().splitlines():
            if parts := LINE.match(line):
                level, _, words = parts.groups()
                if level not in ("DEBUG", "INFO") or (level == "INFO" and NEWS.search(words)):
                    found.append(f"{level} {words}")
            elif line.strip():
                found.append(f"not a line of the log: {line}")
        return found

    async def said(self, pattern: str) -> None:
        """Wait until the log has such a line."""
        await self.until(lambda: self.is_said(pattern), f"{pattern!r} was logged")

    async def is_said(self, pattern: str) -> bool:
        return any(re.match(pattern, line) for line in self.lines())

    async def _wait_for_log(self, case: Case) -> None:
        for pattern in case.log:
            await self.said(pattern)
        left = self.lines()
        for pattern in case.log:
            found = [match for line in left if (match := re.match(pattern, line))]
            values = {match.groups() for match in found}
            assert len(values) == len(found), f"said more than once: {[match.string for match in found]}"
            left = [line for line in left if not re.match(pattern, line)]
        more = Counter(line for line in left if re.match(case.may_log, line))
        assert all(count <= MAY_REPEAT for count in more.values()), f"said again and again: {more}"
        left = [line for line in left if line not in more]
        assert left == [], f"the log says more: {left}"

    async def _are_told(self, count: int) -> bool:
        where = f"id > {self._outbox_from} AND event_key LIKE 'notice:%'"
        return await self.scene.count("outbox", where) >= count and await self._nothing_waits()

    async def _notices(self) -> list[str]:
        """The titles of the notices of this case, as they stand on Discord."""
        where = f"id > {self._outbox_from} AND event_key LIKE 'notice:%'"
        nonces = await self.rows(f"SELECT nonce FROM outbox WHERE {where} ORDER BY id")
        posted = {message["nonce"]: message for message in await self._messages()}
        return [posted[nonce]["embeds"][0]["title"] for (nonce,) in nonces]

    async def _doubles(self) -> list[str]:
        """Messages that stand more than once, or are said to stand and do not."""
        nonces = [str(message["nonce"]) for message in await self._messages()]
        rows = await self.rows("SELECT nonce, event_key FROM outbox WHERE delivered_revision > 0")
        return [key for nonce, key in rows if nonces.count(nonce) != 1]

    async def _messages(self) -> list[dict[str, Any]]:
        messages = await self.scene.discord.control("GET", "messages")
        return [message for message in messages if not message["deleted"] and not message["ephemeral"]]

    async def _nothing_waits(self) -> bool:
        return not await self.scene.count("outbox", "delivered_revision < revision AND state <> 'expired'")

    # --- What is broken ------------------------------------------------------------------------

    async def change(self, statement: str) -> None:
        await change(self.scene.database, statement)

    async def start(self) -> None:
        """Start the bot and wait until it is connected."""
        said = len(self.scene.log())
        await self.scene.start_bot(PYTHONPATH=f"{HURRIED}:{ROOT}")
        await self.until(lambda: self._is_connected(said), "it was connected")

    async def start_in_vain(self) -> int:
        """Start the bot, which cannot start; gives its exit code."""
        with pytest.raises(AssertionError, match="the bot ended"):
            await self.start()
        return await self.scene.bot.wait()

    async def listed(self) -> None:
        """Wait until the folder of the game server was listed once more."""
        listings = len(await self._listings())
        await self.until(lambda: self._is_listed_after(listings), "the folder was listed")

    async def _is_listed_after(self, listings: int) -> bool:
        return len(await self._listings()) > listings

    async def _listings(self) -> list[dict[str, Any]]:
        asked = await self.scene.gameserver.control("GET", "requests")
        return [one for one in asked if one.get("op") == "list"]

    async def _is_connected(self, since: int) -> bool:
        return "Connected to Discord as" in self.scene.log()[since:]


@asynccontextmanager
async def opened(folder: Path, supply: Supply) -> AsyncIterator[Bench]:
    """Start the stand-ins and the bot, and set it up."""
    async with world(folder) as scene:
        scene.settings |= {"TIKTOK_TIMEOUT_SECONDS": "1", "SSH_TIMEOUT_SECONDS": "2"}
        bench = Bench(scene, supply)
        await bench.start()
        await scene.set_up()
        await until(
            lambda: scene.count("sources", "name LIKE 'ssh:%' AND last_ok_at IS NOT NULL"), "it listed"
        )
        yield bench
