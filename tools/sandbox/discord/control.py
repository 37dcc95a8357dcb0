"""The control API: what tests, the terminal printer and a page ask of this Discord, and order from it.

Plain HTTP and JSON on the port of the API; 400 with ``{"error": reason}`` for what cannot be done, above all
what Discord's own client would refuse. Users, channels, roles and guilds are named by id or by name
("admin", "lives", "Live pings"); channel "dm" is the user's direct channel. Ids in answers are strings.
Beside these there are ``/_control/requests`` and ``/_control/faults`` of `tools.sandbox.standin`; the kinds of
fault are in `tools.sandbox.discord.rest`.

====== ====================================== ===========================================================
GET    /_control/state                        guilds with channels, roles and members; users; commands;
                                              `gateway` counts; `invalid_requests` (401, 403, 429);
                                              `last_event`: the `n` of the feed's last entry
GET    /_control/messages[?channel=C]         all messages, also deleted and ephemeral (`message_view`), with
                                              their earlier `versions`; &limit=N the newest ones, without
POST   /_control/messages                     a person writes: {user, channel, content}
PATCH  /_control/messages/{id}                {hours_old}: it was sent so long ago
DELETE /_control/messages/{id}                a moderator deletes
GET    /_control/commands?user=U&channel=C    what the client offers after a slash: `Menu.offered`
POST   /_control/command                      {user, channel, name: "live add", options: {name: value}}
POST   /_control/autocomplete                 the same and `focused`: the option being typed
POST   /_control/component                    {user, channel?, message_id, custom_id, values?}
POST   /_control/modal                        {user, interaction_id (that opened it) or custom_id (the latest
                                              such modal), fields: {custom_id: text, or list for a menu}}
                                              these four answer {interaction_id}
GET    /_control/interactions                 all of them, oldest first
GET    /_control/interactions/{id}[?wait=S]   `interaction_view`; waits until it is answered or failed
POST   /_control/interactions/{id}/expire     its 15 minutes are over
GET    /_control/events[?after=N&wait=S]      what happened after entry N; waits for at least one
GET    /_control/violations                   {validation: "on" or why not, violations: [...]}
DELETE /_control/violations                   forget them
POST   /_control/rate_limits                  {enabled?, limit?, seconds?}: the bucket of every route;
                                              {invalid?}: so many 401, 403, 429 are a ban;
                                              {old_edits?, publishing?}: [so many, in so many seconds]
GET    /_control/gateway                      counts, and the sessions with `connected`
POST   /_control/gateway                      {action}: see `GATEWAY_ACTIONS`
POST   /_control/users                        {name, guild?, roles?}: a new member
PATCH  /_control/users/{user}                 {accepts_dms?, locale?, roles?, guild?}
POST   /_control/guilds                       {name, owner?}: the bot is invited to a new guild
POST   /_control/kick                         {guild?}: the bot is removed
POST   /_control/invite                       {guild?}: and comes back
POST   /_control/outage                       {guild?, available}: GUILD_DELETE as unavailable, or back
POST   /_control/channels                     {name, guild?, kind?: "text", "announcement" or "forum",
                                              tags?: [name], needs_tag?}
PATCH  /_control/channels/{channel}           {name?, overwrites?: [{target, allow: [...], deny: [...]}]};
                                              of a forum {needs_tag?}, of a thread {archived?, locked?}
DELETE /_control/channels/{channel}
POST   /_control/channels/{channel}/deny      {permissions: ["send_messages", ...]} to the bot; default: view
POST   /_control/channels/{channel}/allow     takes the denial back
POST   /_control/automod                      {words, guild?}: what AutoMod does not let through
POST   /_control/roles                        {name, guild?, mentionable?, permissions?}
PATCH  /_control/roles/{role}                 {guild?, name?, mentionable?, permissions?}
DELETE /_control/roles/{role}[?guild=G]
====== ====================================== ===========================================================

An entry of the feed has `n`, `kind` and what belongs to it: "message_posted", "message_edited" and
"message_deleted" have `channel` (its name) and `message` (`message_view`), as has "thinking": the placeholder of a
deferred answer; "interaction" has `id`, `type`, `user`, `data`; "commands" `count`; "typing" `channel` and `user`;
"world" `event`, `guild`; "violation" `violation`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from aiohttp import web

from tools.sandbox.discord import asking
from tools.sandbox.discord.changes import Changes
from tools.sandbox.discord.client import Person
from tools.sandbox.discord.menu import Menu
from tools.sandbox.discord.rest import Api
from tools.sandbox.discord.service import Service
from tools.sandbox.discord.views import guild_view, message_view, user_view
from tools.sandbox.discord.world import Interaction, Message, now
from tools.sandbox.standin import json_response

#: action: what it does
GATEWAY_ACTIONS = {
    "drop": "break all TCP connections without a closing handshake",
    "reconnect": "send op 7",
    "invalid_session": "send op 9; `resumable` (default false) says whether the session survives",
    "close": "close all connections with `code` (default 4000)",
    "forget": "the next RESUME of any session is refused with op 9",
    "mute": "do not acknowledge heartbeats any more",
    "unmute": "acknowledge them again",
    "down": "refuse new connections with 503",
    "up": "accept them again",
    "strand": "from now on, tell sessions to resume at an address where nobody listens",
    "unstrand": "tell them the real one again",
}
Handler = Callable[[web.Request], Awaitable[Any]]


class Control:
    """The handlers of the control API; each answers what becomes the JSON."""

    def __init__(self, service: Service, api: Api) -> None:
        self.service = service
        self.world = service.world
        self.api = api

    def add_to(self, app: web.Application) -> None:
        own: list[tuple[str, str, Handler]] = [
            ("GET", "state", self.state),
            ("GET", "messages", self.messages),
            ("POST", "messages", self.say),
            ("PATCH", "messages/{message}", self.age_message),
            ("DELETE", "messages/{message}", self.delete_message),
            ("GET", "commands", self.commands),
            ("POST", "command", self.command),
            ("POST", "autocomplete", self.autocomplete),
            ("POST", "component", self.component),
            ("POST", "modal", self.modal),
            ("GET", "interactions", self.interactions),
            ("GET", "interactions/{interaction}", self.interaction),
            ("POST", "interactions/{interaction}/expire", self.expire),
            ("GET", "events", self.events),
            ("GET", "violations", self.violations),
            ("DELETE", "violations", self.forget_violations),
            ("POST", "rate_limits", self.rate_limits),
            ("GET", "gateway", self.gateway),
            ("POST", "gateway", self.gateway_action),
        ]
        for method, path, handler in [*own, *Changes(self.service).table()]:
            app.router.add_route(method, f"/_control/{path}", _as_json(handler))

    async def state(self, _: web.Request) -> Any:
        return {
            "application_id": str(self.world.bot.id),
            "guilds": [guild_view(self.world, guild) for guild in self.world.guilds.values()],
            "users": [user_view(user) for user in self.world.users.values()],
            "commands": [asking.command(self.world, command) for command in self.world.commands.values()],
            "gateway": self._gateway(),
            "invalid_requests": self.api.invalid_requests,
            "rate_limits": self.service.limits.enabled,
            "last_event": len(self.service.feed.entries),
        }

    async def messages(self, request: web.Request) -> Any:
        found = list(self.world.messages.values())
        if "channel" in request.query:
            channel = self.world.find_channel(request.query["channel"])
            found = [message for message in found if message.channel_id == channel.id]
        if "limit" in request.query:
            return [message_view(self.world, one) for one in found[-int(request.query["limit"]) :]]
        return [message_view(self.world, one) | {"versions": one.versions} for one in found]

    async def say(self, request: web.Request) -> Any:
        order = await request.json()
        message = Person(self.service, order["user"], order["channel"]).say(order["content"])
        return message_view(self.world, message)

    async def age_message(self, request: web.Request) -> Any:
        message = self._message(request.match_info["message"])
        message.created_at -= timedelta(hours=float((await request.json())["hours_old"]))
        return message_view(self.world, message)

    async def delete_message(self, request: web.Request) -> Any:
        message = self._message(request.match_info["message"])
        message.deleted = True
        self.service.message_changed(message, "deleted")
        return message_view(self.world, message)

    async def commands(self, request: web.Request) -> Any:
        return Menu(Person(self.service, request.query["user"], request.query["channel"])).offered()

    async def command(self, request: web.Request) -> Any:
        order = await request.json()
        person = Person(self.service, order["user"], order["channel"])
        return _started(person.use_command(order["name"], order.get("options") or {}))

    async def autocomplete(self, request: web.Request) -> Any:
        order = await request.json()
        person = Person(self.service, order["user"], order["channel"])
        return _started(person.complete(order["name"], order.get("options") or {}, order["focused"]))

    async def component(self, request: web.Request) -> Any:
        order = await request.json()
        message = self._message(order["message_id"])
        person = Person(self.service, order["user"], order.get("channel", message.channel_id))
        return _started(person.press(message.id, order["custom_id"], order.get("values") or []))

    async def modal(self, request: web.Request) -> Any:
        order = await request.json()
        opened_by = self._opened(order)
        person = Person(self.service, order["user"], opened_by.channel_id)
        return _started(person.submit(opened_by, order.get("fields") or {}))

    def _opened(self, order: dict[str, Any]) -> Interaction:
        if "interaction_id" in order:
            return self._interaction(order["interaction_id"])
        for one in reversed(self.world.interactions.values()):
            if one.answer.get("custom_id") == order["custom_id"]:
                return one
        raise ValueError(f"no modal {order['custom_id']!r} was opened")

    async def interactions(self, _: web.Request) -> Any:
        return [interaction_view(self.service, one) for one in self.world.interactions.values()]

    async def interaction(self, request: web.Request) -> Any:
        found = self._interaction(request.match_info["interaction"])
        seconds = float(request.query.get("wait", "0"))
        await self.service.feed.wait_for(
            lambda: state_of(self.service, found) in ("answered", "failed"), seconds
        )
        return interaction_view(self.service, found)

    async def expire(self, request: web.Request) -> Any:
        found = self._interaction(request.match_info["interaction"])
        found.created_at -= timedelta(seconds=self.service.token_seconds)
        return interaction_view(self.service, found)

    async def events(self, request: web.Request) -> Any:
        feed, number = self.service.feed, int(request.query.get("after", "0"))
        await feed.wait_for(lambda: bool(feed.after(number)), float(request.query.get("wait", "0")))
        return feed.after(number)

    async def violations(self, _: web.Request) -> Any:
        return {"validation": self.service.oracle.state, "violations": self.service.oracle.violations}

    async def forget_violations(self, request: web.Request) -> Any:
        self.service.oracle.violations.clear()
        return await self.violations(request)

    async def rate_limits(self, request: web.Request) -> Any:
        limits = self.service.limits
        limits.configure(**await request.json())
        return {"enabled": limits.enabled, "limit": limits.limit, "seconds": limits.seconds}

    async def gateway(self, _: web.Request) -> Any:
        return self._gateway()

    async def gateway_action(self, request: web.Request) -> Any:
        order = await request.json()
        await self._act(order["action"], order)
        return self._gateway()

    async def _act(self, action: str, order: dict[str, Any]) -> None:
        gateway = self.service.gateway
        if action not in GATEWAY_ACTIONS:
            raise ValueError(f"unknown action {action!r}; known are {sorted(GATEWAY_ACTIONS)}")
        match action:
            case "drop":
                for connection in gateway.connections:
                    connection.drop()
            case "close":
                for connection in gateway.connections:
                    await connection.socket.close(code=order.get("code", 4000))
            case "reconnect":
                gateway.ask_to_reconnect()
            case "invalid_session":
                gateway.invalidate(resumable=order.get("resumable", False))
            case "forget":
                gateway.sessions.clear()
            case _:
                self._switch(action)

    def _switch(self, action: str) -> None:
        """Set what stays so until it is switched back."""
        gateway = self.service.gateway
        if action in ("mute", "unmute"):
            gateway.muted = action == "mute"
        elif action in ("strand", "unstrand"):
            gateway.stranded = action == "strand"
        else:
            gateway.down = action == "down"

    def _gateway(self) -> dict[str, Any]:
        gateway = self.service.gateway
        sessions = [
            {"id": one.id, "connected": one.connection is not None, "frames": one.sent}
            for one in gateway.sessions.values()
        ]
        counts = {name: gateway.counts[name] for name in ("identify", "resume", "replayed", "heartbeat")}
        return {**counts, "sessions": sessions, "muted": gateway.muted, "down": gateway.down}

    def _message(self, key: str | int) -> Message:
        if int(key) not in self.world.messages:
            raise ValueError(f"no message {key}")
        return self.world.messages[int(key)]

    def _interaction(self, key: str | int) -> Interaction:
        if int(key) not in self.world.interactions:
            raise ValueError(f"no interaction {key}")
        return self.world.interactions[int(key)]


def state_of(service: Service, interaction: Interaction) -> str:
    """One of "pending", "deferred" (acknowledged, the answer is to come), "answered", or "failed" (too late)."""
    if interaction.acked_at is None:
        late = now() - interaction.created_at >= timedelta(seconds=service.ack_seconds)
        return "failed" if late else "pending"
    return "deferred" if interaction.answer_type == 5 and not interaction.filled else "answered"


def interaction_view(service: Service, one: Interaction) -> dict[str, Any]:
    """An interaction as a test sees it.

    `state` is that of `state_of`, `ack_ms` the milliseconds until the callback, `answer_type` its type;
    `response` is the message ``@original`` means, `modal` and `choices` what the bot answered instead of one.
    """
    world = service.world
    original = world.messages.get(one.original_id or 0)
    ack = None if one.acked_at is None else (one.acked_at - one.created_at).total_seconds() * 1000
    return {
        "id": str(one.id),
        "type": one.type,
        "state": state_of(service, one),
        "user": world.users[one.user_id].name,
        "channel": world.channels[one.channel_id].name,
        "data": one.data,
        "ack_ms": None if ack is None else round(ack, 3),
        "answer_type": one.answer_type,
        "ephemeral": original is not None and original.ephemeral,
        "response": None if original is None else message_view(world, original),
        "followups": [message_view(world, world.messages[message_id]) for message_id in one.followup_ids],
        "edits": one.edits,
        "choices": one.answer.get("choices"),
        "modal": one.answer if one.answer_type == 9 else None,
    }


def _started(interaction: Interaction) -> dict[str, str]:
    return {"interaction_id": str(interaction.id)}


def _as_json(handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:
        return json_response(await handler(request))

    return answer
