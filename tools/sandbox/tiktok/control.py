"""The control API of TikTok, beside what `tools.sandbox.standin` shares. NAME is a handle or a numeric id.

====== ================================ ===============================================================
GET    /_control/accounts               all accounts, as every command on one answers it (see `shown`)
POST   /_control/accounts               {handle, id?, nickname?, never_live?, title?, private?, followers?,
                                        following?, hearts?, videos?, age_restricted?}: an account that was
                                        live a day ago, unless never_live
DELETE /_control/accounts               forget all accounts, rooms and used quota; close all sockets
PATCH  /_control/accounts/NAME          the same fields but id and never_live (handle renames), and gone;
                                        of the current live: viewers, entered, likes
POST   /_control/accounts/NAME/live     {title?, viewers?, room_id?, started_at?: Unix seconds}: a new room;
                                        who is live already goes on in the new one
POST   /_control/accounts/NAME/pause    {announce?: true}; also ``resume``. announce = control message
POST   /_control/accounts/NAME/end      {announce?: true, suspended?: false, close?: 1000|1011|"reset"}
POST   /_control/rooms/NAME/events      [event, ...] or {events, together?: false, copies?: 1, socket?,
                                        compress?}: sent to the sockets, one frame a message (together: one
                                        in all), each frame so many times; answers
                                        {messages: [{method, msg_id}], sent_to}
GET    /_control/sockets                all connections: socket, handle, room_id, open, entered, silent,
                                        sent and acked (log ids), heartbeats
POST   /_control/rooms/NAME/sockets     {do, socket?, code?, reason?, frame_base64?}; do: close (code 1000),
                                        reset (TCP), silence (nothing more is sent or answered), wake,
                                        duplicate (the last frame again), replay (the last comments again,
                                        as history), send (any bytes as a frame)
GET    /_control/accounts/NAME/posts    what anybody may see, newest first
POST   /_control/accounts/NAME/posts    {created_at?: Unix seconds, id?, caption?, duration?, hidden?, views?,
                                        likes?, comments?, shares?, saves?: null is not told} or {count,
                                        newest_at?, seconds_apart?}, or a list of such posts; the number of
                                        `videos` is told apart
PATCH  /_control/accounts/NAME/posts    {ID: the same fields but id}: many at once
PATCH  /_control/accounts/NAME/posts/ID the same fields but id; DELETE lets it vanish
GET    /_control/quota                  {keyless: {minute, hour, day}, with_key: {...}}
POST   /_control/quota                  {with_key?: false, minute?|hour?|day?: {max?, remaining?}}
====== ================================ ===============================================================

Events, each with optional `msg_id` and `at` (Unix seconds); a `user` is a handle or {handle, id?, nickname?,
avatar?, following?, gifter?, subscriber?, follower?, moderator?}:

========= ===============================================================================================
comment   user, text, language?; the last six are replayed to who connects later
like      user, count? (taps), total?
gift      user, gift (name, id or {id, name, diamonds, type?}), count?, to_user?, group_id?, group_count?,
          described? (false: without the gift's description). Type 1 is a streak of count messages and
          one that ends it: steps? (the counts to send instead of 1..count), end? (false: the end is lost)
follow    user; raises the host's followers
share     user, count?
join      user, action? (1 joined, 3 subscribed)
viewers   count, entered?, anonymous?, top? [{user, score}]; raises what api-live tells
subscribe user, months?
chest     user, diamonds, people
barrage   key?
pause     only the message; also ``resume``, ``end``, ``suspend``. The room itself stays as it is
unknown   method?
raw       method, payload_base64: any body, for example a damaged one
========= ===============================================================================================

A socket that enters a room which has ended is told so by a control message at once.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tools.sandbox.standin import add_control, control_errors, json_response
from tools.sandbox.tiktok.http import Site
from tools.sandbox.tiktok.messages import REPLAYED_COMMENTS, Message
from tools.sandbox.tiktok.post_control import PostControl, refuse_unknown
from tools.sandbox.tiktok.push import Socket
from tools.sandbox.tiktok.sign import SignService
from tools.sandbox.tiktok.world import ENDED, LIVE, PAUSED, STATUS_NAMES, Account, Room, World

ACCOUNT_FIELDS = frozenset(
    {"nickname", "followers", "following", "hearts", "videos", "title", "private", "age_restricted"}
)
ROOM_FIELDS = frozenset({"title", "viewers", "entered", "likes"})
STATES = {"pause": PAUSED, "resume": LIVE, "end": ENDED}


async def body_of(request: web.Request) -> Any:
    return await request.json() if request.can_read_body else {}


@dataclass(kw_only=True)
class Control:
    site: Site

    def shown(self, account: Account) -> dict[str, Any]:
        """An account as commands answer it; ids are strings, `started_at` Unix seconds."""
        room = account.room
        shown = {
            name: getattr(account, name) for name in sorted(ACCOUNT_FIELDS | {"handle", "gone", "sec_uid"})
        }
        shown |= {"id": str(account.id), "status": "never" if room is None else STATUS_NAMES[room.status]}
        if room:
            shown |= {"room_id": str(room.id), "started_at": room.started_at}
            shown |= {"viewers": room.viewers, "entered": room.entered, "likes": room.likes}
        return shown

    def account(self, request: web.Request) -> Account:
        return self.site.world.named(request.match_info["name"])

    def room(self, request: web.Request) -> Room:
        account = self.account(request)
        if account.room is None:
            raise ValueError(f"{account.handle} was never live")
        return account.room

    async def get_accounts(self, _: web.Request) -> web.Response:
        return json_response([self.shown(account) for account in self.site.world.accounts.values()])

    async def post_account(self, request: web.Request) -> web.Response:
        body = await request.json()
        refuse_unknown(body, ACCOUNT_FIELDS | {"handle", "id", "never_live"})
        if "id" in body:
            body["id"] = int(body["id"])
        return json_response(self.shown(self.site.world.create(**body)))

    async def delete_accounts(self, _: web.Request) -> web.Response:
        await self.site.hub.close_all()
        self.site.world, self.site.sign = World(self.site.clock), SignService(self.site.clock)
        return json_response([])

    async def patch_account(self, request: web.Request) -> web.Response:
        account, body = self.account(request), await request.json()
        refuse_unknown(body, ACCOUNT_FIELDS | ROOM_FIELDS | {"handle", "gone"})
        if "handle" in body:
            self.site.world.rename(account, body.pop("handle"))
        for name, value in body.items():
            # A title is of the account (the next live) and of the live that is on.
            if name in ROOM_FIELDS:
                setattr(self.room(request) if name != "title" or account.room else account, name, value)
            if name not in ROOM_FIELDS or name == "title":
                setattr(account, name, value)
        return json_response(self.shown(account))

    async def go_live(self, request: web.Request) -> web.Response:
        account, body = self.account(request), await body_of(request)
        refuse_unknown(body, frozenset({"title", "viewers", "room_id", "started_at"}))
        for name in {"room_id", "started_at"} & set(body):
            body[name] = int(body[name])
        self.site.world.open_room(account, **body)
        return json_response(self.shown(account))

    async def change_state(self, request: web.Request) -> web.Response:
        """Do one of pause, resume, end; the word is the end of the address."""
        action, account, body = request.match_info["action"], self.account(request), await body_of(request)
        refuse_unknown(body, frozenset({"announce", "suspended", "close"}))
        room = self.site.world.set_status(account, STATES[action])
        if body.get("announce", True):
            kind = "suspend" if body.get("suspended") else action
            await self.site.hub.broadcast(room, self.site.hub.compose(room, {"kind": kind}))
        if "close" in body:
            for client in self.site.hub.of_room(room):
                await self._cut(client, body["close"], "")
        return json_response(self.shown(account))

    async def _cut(self, client: Socket, how: int | str, reason: str) -> None:
        if how == "reset":
            client.reset()
        else:
            await client.close(int(how), reason)

    async def post_events(self, request: web.Request) -> web.Response:
        room, body = self.room(request), await request.json()
        order: dict[str, Any] = body if isinstance(body, dict) else {"events": body}
        refuse_unknown(order, frozenset({"events", "together", "copies", "socket", "compress"}))
        groups: list[list[Message]] = [self.site.hub.compose(room, event) for event in order["events"]]
        messages = [message for group in groups for message in group]
        frames = [messages] if order.get("together") else [[message] for message in messages]
        frames = [frame for frame in frames for _ in range(order.get("copies", 1))]
        sent_to = 0
        for frame in frames:
            sent_to = await self.site.hub.broadcast(
                room, frame, number=order.get("socket"), compress=order.get("compress")
            )
        told = [{"method": message.method, "msg_id": message.msg_id} for message in messages]
        return json_response({"messages": told, "sent_to": sent_to})

    async def get_sockets(self, _: web.Request) -> web.Response:
        clients = self.site.hub.sockets
        return json_response([client.as_json() | {"handle": client.room.owner.handle} for client in clients])

    async def post_sockets(self, request: web.Request) -> web.Response:
        room, body = self.room(request), await request.json()
        refuse_unknown(body, frozenset({"do", "socket", "code", "reason", "frame_base64"}))
        clients = self.site.hub.of_room(room, body.get("socket"))
        for client in clients:
            await self._do(body, client)
        return json_response([client.as_json() for client in clients])

    async def _do(self, body: dict[str, Any], client: Socket) -> None:
        match body["do"]:
            case "close":
                await self._cut(client, body.get("code", 1000), body.get("reason", ""))
            case "reset":
                client.reset()
            case "silence" | "wake" as state:
                client.silent = state == "silence"
            case "duplicate":
                await client.send(client.last_frame)
            case "send":
                await client.send(base64.b64decode(body["frame_base64"]))
            case "replay":
                comments = [message.as_history() for message in client.room.comments[-REPLAYED_COMMENTS:]]
                await self.site.hub.broadcast(client.room, comments, number=client.number)
            case other:
                raise ValueError(f"cannot do {other!r}")

    async def get_quota(self, _: web.Request) -> web.Response:
        sign = self.site.sign
        return json_response({"keyless": sign.keyless.as_json(), "with_key": sign.with_key.as_json()})

    async def post_quota(self, request: web.Request) -> web.Response:
        body = await request.json()
        quota = self.site.sign.quota(has_key=body.pop("with_key", False))
        for name, numbers in body.items():
            quota.set(name, **numbers)
        return await self.get_quota(request)


def build_app(site: Site) -> web.Application:
    """The whole stand-in as one application; its sockets are closed when it stops."""
    app = web.Application(middlewares=[control_errors, site.outside])
    add_control(app, site.recorder, site.faults)
    control, one = Control(site=site), "/_control/accounts/{name}"
    app.router.add_get("/_control/accounts", control.get_accounts)
    app.router.add_post("/_control/accounts", control.post_account)
    app.router.add_delete("/_control/accounts", control.delete_accounts)
    app.router.add_patch(one, control.patch_account)
    app.router.add_post(f"{one}/live", control.go_live)
    app.router.add_post(one + "/{action:pause|resume|end}", control.change_state)
    app.router.add_post("/_control/rooms/{name}/events", control.post_events)
    app.router.add_post("/_control/rooms/{name}/sockets", control.post_sockets)
    app.router.add_get("/_control/sockets", control.get_sockets)
    app.router.add_get("/_control/quota", control.get_quota)
    app.router.add_post("/_control/quota", control.post_quota)
    PostControl(shelf_of=lambda name: site.world.named(name).shelf, clock=site.clock).add_routes(app)
    site.add_routes(app)

    async def stop(_: web.Application) -> None:
        await site.hub.close_all()

    app.on_shutdown.append(stop)
    return app
