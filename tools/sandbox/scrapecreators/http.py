"""ScrapeCreators' addresses, and the control API beside what `tools.sandbox.standin` shares.

======================================= ======================================================================
``/v1/tiktok/profile?handle=``          user and stats
``/v3/tiktok/profile/videos?handle=``   ten posts from ``max_cursor`` (Unix milliseconds) back
``/v1/account/credit-balance``          what is left; costs nothing
======================================= ======================================================================

Every answer of 200 but the last costs a credit; 401 without the key, 402 without credits. Control characters in
captions stand in the JSON as they are.

====== ================================ ======================================================================
GET    /_control/accounts               all accounts
POST   /_control/accounts               {handle, id?, nickname?, followers?, hearts?, videos?, private?}
PATCH  /_control/accounts/NAME          the same fields, and limited (403) and gone (404)
DELETE /_control/accounts               forget all, and make the credits 100 again
*      /_control/accounts/NAME/posts    as of the stand-in of TikTok
POST   /_control/credits                {left}
====== ================================ ======================================================================

Faults: status, drop and hang as everywhere; ``half`` ends in the middle of the body; ``repeat`` answers with the first
page and its cursor; ``overlap`` with a page that begins one post too early and has its first post twice.

`GET /_control/requests` holds ``{path, query, key: right|wrong|none, status, fault, at}``; never the key itself.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from tools.sandbox.clock import WorldClock
from tools.sandbox.standin import Fault, Faults, Recorder, add_control, control_errors, json_response
from tools.sandbox.tiktok.faults import half_of
from tools.sandbox.tiktok.post_control import PostControl, refuse_unknown
from tools.sandbox.tiktok.posts import COUNTS, Post, Shelf, cover_url
from tools.sandbox.tiktok.world import FIRST_USER_ID

KEY = "sc-key-of-the-sandbox"
KEY_HEADER = "x-api-key"
CREDITS = 100
IN_PAGE = 10
BALANCE = "/v1/account/credit-balance"
NAMES = {
    "playCount": "play_count",
    "diggCount": "digg_count",
    "commentCount": "comment_count",
    "shareCount": "share_count",
    "collectCount": "collect_count",
}
KINDS = frozenset({"status", "drop", "hang", "half", "repeat", "overlap"})
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclasses.dataclass(kw_only=True)
class Account:
    """A profile of TikTok as the service knows it."""

    handle: str
    id: int
    nickname: str = ""
    followers: int = 1200
    hearts: int = 5600
    videos: int = 0
    private: bool = False
    limited: bool = False
    gone: bool = False
    shelf: Shelf = dataclasses.field(default_factory=Shelf, repr=False)

    def shown(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in sorted(FIELDS)} | {"id": str(self.id)}


FIELDS = frozenset(one.name for one in dataclasses.fields(Account)) - {"shelf"}


class ServiceFaults(Faults):
    def add(self, raw: Mapping[str, Any]) -> None:
        if raw.get("kind", "status") not in KINDS:
            raise ValueError(f"no fault {raw['kind']!r}; there are {sorted(KINDS)}")
        super().add(raw)


class Service:
    """What the service knows, and its answers."""

    def __init__(self, key: str, clock: WorldClock) -> None:
        self.key = key
        self.clock = clock
        self.recorder = Recorder(clock)
        self.faults = ServiceFaults()
        self.accounts: dict[str, Account] = {}
        self.credits = CREDITS

    def named(self, handle: str) -> Account:
        """Give an account. Raises KeyError with those there are."""
        if handle not in self.accounts:
            raise KeyError(f"no account {handle!r}; there are {sorted(self.accounts)}")
        return self.accounts[handle]

    @web.middleware
    async def outside(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/_control"):
            return await handler(request)
        given = request.headers.get(KEY_HEADER)
        entry = self.recorder.add(
            path=request.path,
            query=dict(request.query),
            key="none" if given is None else "right" if given == self.key else "wrong",
            status=None,
            fault=None,
        )
        fault = self.faults.take(request.method, f"{request.path}?{request.query_string}", "before")
        entry["fault"] = fault.kind if fault else None
        response = await self._answer(request, handler, fault, is_known=given == self.key)
        entry["status"] = response.status
        return response

    async def _answer(
        self, request: web.Request, handler: Handler, fault: Fault | None, *, is_known: bool
    ) -> web.StreamResponse:
        kind = fault.kind if fault else ""
        if fault and kind == "status":
            return web.Response(status=fault.status, text=fault.body, headers=fault.headers)
        if kind == "hang":
            await self.faults.hang()
        if kind == "drop" and request.transport is not None:
            request.transport.close()
        if not is_known:
            return json_response({"success": False, "message": "Invalid API key"}, status=401)
        if self.credits <= 0 and request.path != BALANCE:
            return json_response({"success": False, "message": "Out of credits"}, status=402)
        request["fault"] = kind
        response = await handler(request)
        return await half_of(response, request) if kind == "half" else response

    def _asked(self, request: web.Request) -> Account:
        account = self.accounts.get(request.query.get("handle", ""))
        if account is None or account.gone:
            raise web.HTTPNotFound(text='{"success": false, "message": "account unavailable"}')
        if account.limited:
            raise web.HTTPForbidden(text='{"success": false, "message": "audience controls"}')
        return account

    def _paid(self, data: dict[str, Any]) -> web.Response:
        self.credits -= 1
        body = json.dumps({"success": True, "credits_remaining": self.credits, **data}, ensure_ascii=False)
        raw = re.sub(r"\\u00([01][0-9a-f])", lambda found: chr(int(found[1], 16)), body)
        return web.Response(body=raw.encode(), headers={"Content-Type": "application/json"})

    async def profile(self, request: web.Request) -> web.Response:
        account = self._asked(request)
        stats = {
            "followerCount": account.followers,
            "heartCount": account.hearts,
            "videoCount": account.videos,
        }
        user = {
            "id": str(account.id),
            "uniqueId": account.handle,
            "nickname": account.nickname or account.handle.title(),
            "secUid": f"MS4wLjABAAAA{account.id:064x}",
            "privateAccount": account.private,
            "avatarLarger": f"https://p16-common-sign.tiktokcdn.com/obj/avatar/{account.id}.png",
        }
        return self._paid({"user": user, "stats": stats})

    async def videos(self, request: web.Request) -> web.Response:
        account, kind = self._asked(request), request["fault"]
        newest = int(self.clock.unix() * 1000) + 1000
        cursor = newest if kind == "repeat" else int(request.query.get("max_cursor") or 0) or newest
        posts, has_more = account.shelf.before(cursor, IN_PAGE)
        following = posts[-1].created_at * 1000 if posts else cursor
        if kind == "overlap" and posts:
            before = [post for post in account.shelf.shown if post.created_at > posts[0].created_at]
            posts = [*before[-1:], posts[0], *posts]
        listed = [_listed(post) for post in posts]
        return self._paid({"aweme_list": listed, "has_more": int(has_more), "max_cursor": following})

    async def balance(self, _: web.Request) -> web.Response:
        return json_response({"creditCount": self.credits})


def _listed(post: Post) -> dict[str, Any]:
    counts = {NAMES[COUNTS[word]]: getattr(post, word) for word in COUNTS if getattr(post, word) is not None}
    return {
        "aweme_id": str(post.id),
        "desc": post.caption,
        "create_time": post.created_at,
        "statistics": counts,
        "video": {
            "duration": post.duration * 1000,
            "cover": {"url_list": [cover_url(post).replace(".png", ".heic"), cover_url(post)]},
        },
    }


@dataclasses.dataclass
class Control:
    """The commands on accounts and credits."""

    service: Service

    async def get(self, _: web.Request) -> web.Response:
        return json_response([account.shown() for account in self.service.accounts.values()])

    async def post(self, request: web.Request) -> web.Response:
        body = await request.json()
        refuse_unknown(body, FIELDS)
        facts = {"id": FIRST_USER_ID + len(self.service.accounts) + 1, **body}
        account = Account(**{**facts, "id": int(facts["id"])})
        self.service.accounts[account.handle] = account
        return json_response(account.shown())

    async def patch(self, request: web.Request) -> web.Response:
        account, body = self.service.named(request.match_info["name"]), await request.json()
        refuse_unknown(body, FIELDS - {"handle", "id"})
        for name, value in body.items():
            setattr(account, name, value)
        return json_response(account.shown())

    async def delete(self, _: web.Request) -> web.Response:
        self.service.accounts.clear()
        self.service.credits = CREDITS
        return json_response([])

    async def post_credits(self, request: web.Request) -> web.Response:
        self.service.credits = int((await request.json())["left"])
        return json_response({"left": self.service.credits})


def build_app(key: str, clock: WorldClock) -> web.Application:
    """The whole stand-in as one application."""
    service = Service(key, clock)
    app = web.Application(middlewares=[control_errors, service.outside])
    add_control(app, service.recorder, service.faults)
    control = Control(service)
    app.router.add_get("/_control/accounts", control.get)
    app.router.add_post("/_control/accounts", control.post)
    app.router.add_delete("/_control/accounts", control.delete)
    app.router.add_patch("/_control/accounts/{name}", control.patch)
    app.router.add_post("/_control/credits", control.post_credits)
    PostControl(shelf_of=lambda name: service.named(name).shelf, clock=clock).add_routes(app)
    app.router.add_get("/v1/tiktok/profile", service.profile)
    app.router.add_get("/v3/tiktok/profile/videos", service.videos)
    app.router.add_get(BALANCE, service.balance)
    return app
