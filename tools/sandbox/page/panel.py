"""The panel: what the world does, what goes wrong in it, what the bot asked and how much it may.

====== ================== ===============================================================================
GET    /api/panel         {clock, bot, streamers: [{handle, nickname, kind, live, viewers, since, next}], game:
                          {playing, map, players}, asked: [{name, total, last_hour, latest: [text]}], budgets:
                          [{name, used, of, per}], faults: [{name, label, on, once}]}
POST   /api/panel/speed   {speed}: from 1 to 600
POST   /api/panel/live    {handle, on}
POST   /api/panel/map     a map is played now
POST   /api/panel/fault   {name, on}; one that is `once` happens and is over
POST   /api/panel/tour    the tour goes on at once; {held: true} first: only when it is told to
POST   /api/panel/kill    the bot is killed at once, as by a power cut; it is started again a second later
====== ================== ===============================================================================

Hours and days are the world's; `since` and `next` are Unix seconds or null. The orders answer {}.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from tools.sandbox.page.asked import LOOK_SECONDS, Asked
from tools.sandbox.page.faults import Faults
from tools.sandbox.page.status import Status
from tools.sandbox.standin import json_response
from tools.sandbox.stored import rows_of
from tools.sandbox.tour import Tour
from tools.sandbox.world.play import World

DAY_SECONDS = 24 * 3600
#: The bot's ledgers: how each is called, the setting that limits it, and that setting's default.
LEDGERS = {
    "discovery": ("Looking whether somebody is live", "DISCOVERY_CHECKS_PER_DAY", 120),
    "followup": ("Following what was found", "FOLLOWUP_REQUESTS_PER_DAY", 480),
}


class Panel:
    """`world`, `settings` (the bot's whole environment) and `database` (its URL) are known when all is ready.

    `kill` asks whoever started the bot to kill it.
    """

    def __init__(self, status: Status, kill: Callable[[], None]) -> None:
        self._status = status
        self._kill = kill
        self._asked = Asked(status)
        self._faults = Faults()
        self.world: World | None = None
        self.tour: Tour | None = None
        self.settings: Mapping[str, str] = {}
        self.database = ""

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/api/panel", self.get)
        for name in ("speed", "live", "map", "fault", "tour", "kill"):
            app.router.add_post(f"/api/panel/{name}", self._order)

    async def follow(self) -> None:
        """Keep counting what is asked."""
        stage = await self._status.on_stage()
        while True:
            await self._asked.look(stage)
            await asyncio.sleep(LOOK_SECONDS)  # noqa: TID251 - the stand-ins are the outside world

    async def get(self, _: web.Request) -> web.Response:
        told = self._status
        nothing = {"streamers": [], "game": {"playing": False, "map": None, "players": 0}}
        return json_response(
            {
                "clock": told.clock_now()["clock"],
                "bot": told.bot,
                **(self.world.state() if self.world else nothing),
                "asked": self._asked.shown(),
                "budgets": await self._budgets(),
                "faults": self._faults.shown(),
            }
        )

    async def _order(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else {}
        name = request.path.rpartition("/")[2]
        if name == "speed":
            self._status.set_speed(float(body["speed"]))
        elif name == "fault":
            await self._faults.switch(await self._status.on_stage(), body["name"], on=body["on"])
        elif name == "kill":
            self._kill()
        elif name == "tour":
            self._lead_tour(held=body.get("held"))
        elif self.world is None:
            raise ValueError("the world has not begun yet")
        elif name == "map":
            await self.world.play_map()
        elif body["on"]:
            await self.world.go_live(body["handle"])
        else:
            await self.world.end_live(body["handle"])
        return json_response({})

    def _lead_tour(self, *, held: bool | None) -> None:
        if self.tour is None:
            raise ValueError("there is no tour; start with --tour")
        if held is None:
            self.tour.next()
        else:
            self.tour.held = held

    async def _budgets(self) -> list[dict[str, Any]]:
        """How much of each ledger was used in the world's last 24 hours, as the bot has written it down."""
        since = int((self._status.clock.unix() - DAY_SECONDS) * 1_000_000)
        query = f"SELECT ledger, count(*) FROM requests WHERE asked_at > {since} GROUP BY ledger"  # noqa: S608
        used: dict[str, int] = {}
        with contextlib.suppress(sqlite3.Error):  # before it is made
            used.update(await rows_of(self.database, query) if self.database else [])
        return [
            {
                "name": name,
                "used": used.get(ledger, 0),
                "of": int(self.settings.get(setting, default)),
                "per": "day",
            }
            for ledger, (name, setting, default) in LEDGERS.items()
        ]
