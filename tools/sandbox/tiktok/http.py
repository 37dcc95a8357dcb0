"""The addresses of www.tiktok.com, webcast.tiktok.com and the signing service, all on one port.

====================================== ================== ==============================================
``/``, ``/login``                      home, log_in       a page that says it is there
``/@NAME/live``                        live_page          SIGI_STATE
``/@NAME`` (a handle or a numeric id)  profile            __UNIVERSAL_DATA_FOR_REHYDRATION__
``/api-live/user/room/?uniqueId=``     api_live           who is live where: the check
``/webcast/room/check_alive/``         check_alive        ``room_ids=1,2,3``
``/webcast/room/info/?room_id=``       room_info          also ``room/info_by_user/?unique_id=``
``/webcast/gift/list/``                gift_list
``/webcast/rate_limits``               rate_limits        signing service: what is left
``/webcast/fetch?room_id=``            sign               signing service: the first response
``/webcast/im/ws_proxy/…/``            socket             the WebSocket
``/api/creator/item_list/?secUid=``    item_list          the posts of an account: `tools.sandbox.tiktok.posts`
``/embed/@NAME``, ``/@NAME/video/ID``  embed, video       where the profile page says nothing, these name the person
``/obj/cover/ID.png``, ``avatar``,     picture
``post``
====================================== ================== ==============================================

`GET /_control/requests` holds ``{kind: "http", endpoint: the word above, method, path, query, api_key: whether
one was sent, session: whether a session cookie was sent, user_agent, fault, status, at}`` and for the socket
``{kind: "socket", op: open|im_enter_room|ack|hb|ping|text|unexpected|damaged|close_ignored|closed, socket,
room_id, ...}``. A key or cookie itself is never kept.
"""

from __future__ import annotations

import time
from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tools.sandbox.clock import WorldClock
from tools.sandbox.standin import Recorder, json_response
from tools.sandbox.tiktok import answers
from tools.sandbox.tiktok.faults import Handler, TikTokFaults
from tools.sandbox.tiktok.pictures import picture
from tools.sandbox.tiktok.push import Hub
from tools.sandbox.tiktok.sign import FALLBACK_PATH, SOCKET_PATH, SignService
from tools.sandbox.tiktok.world import Room, World

KEY_HEADER = "X-Api-Key"
KEY_PARAMETERS = frozenset({"apikey", "api_key", "x-api-key", "key"})
SESSION_PARAMETERS = frozenset({"session_id", "sessionid"})
A_MINUTE = 60
PICTURE_SIZES = {"cover": (180, 320), "avatar": (64, 64), "post": (180, 320)}


def asked(request: web.Request) -> dict[str, Any]:
    """What is kept of a request: no key and no session, only whether there was one."""
    names = {name.lower() for name in request.query}
    secret = KEY_PARAMETERS | SESSION_PARAMETERS
    return {
        "kind": "http",
        "endpoint": request.match_info.route.name,
        "method": request.method,
        "path": request.path,
        "query": {name: value for name, value in request.query.items() if name.lower() not in secret},
        "api_key": KEY_HEADER in request.headers or not names.isdisjoint(KEY_PARAMETERS),
        "session": "sessionid" in request.cookies or not names.isdisjoint(SESSION_PARAMETERS),
        "user_agent": request.headers.get("User-Agent"),
        "fault": None,
        "status": None,
    }


def base_of(request: web.Request) -> str:
    return f"{request.scheme}://{request.host}"


def _is_the_machines_now(cursor: str) -> bool:
    """Tell whether who lists posts begins with the newest: yt-dlp knows no other time than its machine's."""
    return cursor.isdigit() and abs(int(cursor) / 1000 - time.time()) < A_MINUTE  # noqa: TID251


@dataclass(kw_only=True)
class Site:
    """Everything a request can reach. `outside` is the middleware that records and spoils."""

    clock: WorldClock
    faults: TikTokFaults = field(default_factory=TikTokFaults)
    recorder: Recorder = field(init=False)
    world: World = field(init=False)
    sign: SignService = field(init=False)
    hub: Hub = field(init=False)

    def __post_init__(self) -> None:
        self.recorder = Recorder(self.clock)
        self.world, self.sign = World(self.clock), SignService(self.clock)
        self.hub = Hub(self.recorder, self.clock)

    def add_routes(self, app: web.Application) -> None:
        routes = {
            "home": ("/", self.home),
            "log_in": ("/login", self.home),
            "live_page": ("/@{name}/live", self.live_page),
            "profile": ("/@{name}", self.profile),
            "api_live": ("/api-live/user/room/", self.api_live),
            "check_alive": ("/webcast/room/check_alive/", self.check_alive),
            "room_info": ("/webcast/room/info/", self.room_info),
            "room_info_by_user": ("/webcast/room/info_by_user/", self.room_info),
            "gift_list": ("/webcast/gift/list/", self.gift_list),
            "rate_limits": ("/webcast/rate_limits", self.rate_limits),
            "sign": ("/webcast/fetch", self.fetch),
            "socket": (SOCKET_PATH, self.socket),
            "fallback": (FALLBACK_PATH, self.fallback),
            "item_list": ("/api/creator/item_list/", self.item_list),
            "embed": ("/embed/@{name}", self.embed),
            "video": (r"/@{name}/video/{id:\d+}", self.video),
            "picture": (r"/obj/{kind:cover|avatar|post}/{id:\d+}.png", self.picture),
        }
        for name, (path, handler) in routes.items():
            app.router.add_get(path, handler, name=name)

    @web.middleware
    async def outside(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/_control"):
            return await handler(request)
        entry = self.recorder.add(**asked(request))
        try:
            response = await self._answer(request, handler, entry)
        except web.HTTPException as error:
            entry["status"] = error.status
            raise
        entry["status"] = None if entry["fault"] == "drop" else response.status
        return response

    async def _answer(
        self, request: web.Request, handler: Handler, entry: dict[str, Any]
    ) -> web.StreamResponse:
        # Decoded and with its query, so that a fault can name an account.
        target = f"{request.path}?{request.query_string}"
        if fault := self.faults.take(request.method, target, "before"):
            entry["fault"] = fault.kind
            return await self.faults.before(fault, request, handler)
        response = await handler(request)
        if fault := self.faults.take(request.method, target, "after"):
            entry["fault"] = fault.kind
            return await self.faults.after(fault, request, response)
        return response

    async def home(self, _: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>TikTok</title>", content_type="text/html")

    async def live_page(self, request: web.Request) -> web.Response:
        account = self.world.find(request.match_info["name"])
        return web.Response(text=answers.live_page(account, base_of(request)), content_type="text/html")

    async def profile(self, request: web.Request) -> web.Response:
        account = self.world.find_by_page(request.match_info["name"])
        return web.Response(text=answers.profile_page(account, base_of(request)), content_type="text/html")

    async def api_live(self, request: web.Request) -> web.Response:
        account = self.world.find(request.query.get("uniqueId", ""))
        return json_response(answers.room_lookup(account, base_of(request)))

    def _room(self, number: str | None) -> Room | None:
        return self.world.rooms.get(int(number)) if number and number.isdigit() else None

    async def check_alive(self, request: web.Request) -> web.Response:
        wanted = (self._room(number) for number in request.query.get("room_ids", "").split(","))
        return json_response(answers.check_alive((room for room in wanted if room), self.clock.unix()))

    async def room_info(self, request: web.Request) -> web.Response:
        if "unique_id" in request.query:
            account = self.world.find(request.query["unique_id"])
            room = account.room if account else None
        else:
            room = self._room(request.query.get("room_id"))
        return json_response(answers.room_info(room, base_of(request), self.clock.unix()))

    async def gift_list(self, _: web.Request) -> web.Response:
        return json_response(answers.gift_list())

    async def rate_limits(self, request: web.Request) -> web.Response:
        return self.sign.limits(has_key=asked(request)["api_key"])

    async def fetch(self, request: web.Request) -> web.Response:
        room = self._room(request.query.get("room_id"))
        fault = request.get("sign_fault")
        return self.sign.fetch(room, request.host, has_key=asked(request)["api_key"], fault=fault)

    async def socket(self, request: web.Request) -> web.StreamResponse:
        room = self._room(request.query.get("room_id"))
        if room is None:
            return web.Response(status=200, headers={"Handshake-Msg": "room not found"})
        return await self.hub.serve(request, room)

    async def fallback(self, _: web.Request) -> web.Response:
        return web.Response(status=400, headers={"Handshake-Msg": "fallback proxy"})

    async def item_list(self, request: web.Request) -> web.Response:
        account = self.world.find_by_sec_uid(request.query.get("secUid", ""))
        query = dict(request.query)
        if "repeats" in request or _is_the_machines_now(query.get("cursor", "")):
            query["cursor"] = str(int(self.clock.unix() * 1000) + 1000)
        return json_response(answers.item_list(account, base_of(request), query))

    async def embed(self, request: web.Request) -> web.Response:
        account = self.world.find(request.match_info["name"])
        if account is None or account.private or not account.shelf.shown:
            raise web.HTTPNotFound
        return web.Response(text=answers.embed_page(account), content_type="text/html")

    async def video(self, request: web.Request) -> web.Response:
        account, post_id = self.world.find(request.match_info["name"]), int(request.match_info["id"])
        if account is None or post_id not in account.shelf.posts:
            raise web.HTTPNotFound
        page = answers.video_page(account, account.shelf.posts[post_id], base_of(request))
        return web.Response(text=page, content_type="text/html")

    async def picture(self, request: web.Request) -> web.Response:
        kind, number = request.match_info["kind"], int(request.match_info["id"])
        known: Container[int] = self.world.rooms if kind == "cover" else self.world.accounts
        if kind == "post":
            known = {post for account in self.world.accounts.values() for post in account.shelf.posts}
        if number not in known:
            raise web.HTTPNotFound
        return web.Response(body=picture(number, *PICTURE_SIZES[kind]), content_type="image/png")
