"""The control API of the game server, beside what `tools.sandbox.standin` shares.

A name may be given as `name`, or as `name_base64` for raw bytes; content as `content` (text) or `base64`.

====== ================================ ===============================================================
GET    /_control/files                  the files: name, size, mtime, and the bytes still to come
POST   /_control/files                  write {name, content, mtime?}; with ``slow: {chunk_bytes,
                                        interval_ms?}`` it begins with one chunk and grows only by the
                                        next two commands, or by itself every interval_ms
POST   /_control/files/{name}/grow      append the next {bytes?} (default: one chunk)
POST   /_control/files/{name}/finish    append all the rest
POST   /_control/files/{name}/touch     set {mtime}, Unix seconds
POST   /_control/files/{name}/rename    {to}
DELETE /_control/files/{name}           delete it
POST   /_control/ghosts                 show {name, size?, mtime?, folder?} in listings only: any name
DELETE /_control/ghosts                 show no ghosts
POST   /_control/players                {mapname?, timelimit?, hostname?, slots?, extra?, players?: [{name,
                                        team: axis|allies|spectator|connecting, score?, ping?}]}
POST   /_control/login                  {password?, authorized_key?: "ssh-ed25519 AAAA…" (is added)}
POST   /_control/host-key               take a new host key for new connections; answers it
POST   /_control/limits                 {max_channels: number or null} per connection
POST   /_control/disconnect             cut all SSH connections; answers how many
====== ================================ ===============================================================

`GET /_control/requests` holds ``{kind: "ssh", op: connect|auth|channel|list|stat|open|read|close|end, session,
path?, offset?, length?}`` and ``{kind: "udp", op, challenge}``.
"""

from __future__ import annotations

import asyncio
import base64
import os
from dataclasses import dataclass, field
from typing import Any

import paramiko
from aiohttp import web

from tools.sandbox.gameserver.files import Ghost
from tools.sandbox.gameserver.query import Client, Game
from tools.sandbox.gameserver.ssh import SshServer, host_key
from tools.sandbox.standin import add_control, control_errors, json_response

GAME_FIELDS = frozenset({"mapname", "timelimit", "hostname", "slots", "extra"})


def key_facts(key: paramiko.PKey) -> dict[str, str]:
    return {"host_key": f"{key.get_name()} {key.get_base64()}", "fingerprint": key.fingerprint}


def raw_name(body: dict[str, Any]) -> bytes:
    if "name_base64" in body:
        return base64.b64decode(body["name_base64"])
    return str(body["name"]).encode()


def content_of(body: dict[str, Any]) -> bytes:
    if "base64" in body:
        return base64.b64decode(body["base64"])
    return str(body["content"]).encode()


@dataclass(kw_only=True)
class Control:
    """The commands, each a handler that changes the SSH server or the game."""

    ssh: SshServer
    game: Game
    growers: set[asyncio.Task[None]] = field(default_factory=set)

    async def list_files(self, _: web.Request) -> web.Response:
        return json_response(self._files())

    def _files(self) -> list[dict[str, Any]]:
        files = self.ssh.state.files
        found = []
        for path in sorted(files.folder.iterdir()):
            growing = files.growing.get(path.name)
            state = path.lstat()
            to_come = len(growing.rest) if growing else 0
            found.append(
                {"name": path.name, "size": state.st_size, "mtime": int(state.st_mtime), "to_come": to_come}
            )
        return found

    async def post_file(self, request: web.Request) -> web.Response:
        body = await request.json()
        files, name, content = self.ssh.state.files, os.fsdecode(raw_name(body)), content_of(body)
        slow = body.get("slow")
        if slow is None:
            files.write(name, content, mtime=body.get("mtime"))
            return json_response(self._files())
        files.begin(name, content, chunk_bytes=int(slow["chunk_bytes"]), mtime=body.get("mtime"))
        if slow.get("interval_ms"):
            task = asyncio.create_task(self._grow_by_itself(name, slow["interval_ms"] / 1000))
            self.growers.add(task)
            task.add_done_callback(self.growers.discard)
        return json_response(self._files())

    async def _grow_by_itself(self, name: str, seconds: float) -> None:
        while name in self.ssh.state.files.growing:
            await asyncio.sleep(seconds)  # noqa: TID251 - a stand-in lives in real time
            # It may have been finished or deleted while this slept.
            if name in self.ssh.state.files.growing:
                self.ssh.state.files.grow(name)

    async def change_file(self, request: web.Request) -> web.Response:
        """Do one of grow, finish, touch, rename; the word is the end of the address."""
        name, action = request.match_info["name"], request.match_info["action"]
        body = await request.json() if request.can_read_body else {}
        files = self.ssh.state.files
        if action == "grow":
            files.grow(name, body.get("bytes"))
        elif action == "finish":
            files.finish(name)
        elif action == "touch":
            files.touch(name, int(body["mtime"]))
        else:
            files.rename(name, str(body["to"]))
        return json_response(self._files())

    async def delete_file(self, request: web.Request) -> web.Response:
        self.ssh.state.files.delete(request.match_info["name"])
        return json_response(self._files())

    async def post_ghost(self, request: web.Request) -> web.Response:
        body = await request.json()
        ghost = Ghost(
            name=raw_name(body),
            size=int(body.get("size", 1000)),
            mtime=int(body.get("mtime", 0)),
            folder=bool(body.get("folder", False)),
        )
        self.ssh.state.files.ghosts.append(ghost)
        return json_response({"ghosts": len(self.ssh.state.files.ghosts)})

    async def delete_ghosts(self, _: web.Request) -> web.Response:
        self.ssh.state.files.ghosts.clear()
        return json_response({"ghosts": 0})

    async def post_players(self, request: web.Request) -> web.Response:
        body = await request.json()
        players = [Client(**player) for player in body.pop("players", [])]
        unknown = sorted(set(body) - GAME_FIELDS)
        if unknown:
            raise ValueError(f"unknown fields {unknown}; known are players and {sorted(GAME_FIELDS)}")
        for name, value in body.items():
            setattr(self.game, name, str(value) if name == "timelimit" else value)
        self.game.players = players
        return json_response({"players": len(players)})

    async def post_login(self, request: web.Request) -> web.Response:
        body = await request.json()
        state = self.ssh.state
        state.password = str(body.get("password", state.password))
        if "authorized_key" in body:
            state.authorized_keys.add(" ".join(str(body["authorized_key"]).split()[:2]))
        return json_response({"authorized_keys": len(state.authorized_keys)})

    async def post_host_key(self, _: web.Request) -> web.Response:
        self.ssh.state.key = host_key(None)
        return json_response(key_facts(self.ssh.state.key))

    async def post_limits(self, request: web.Request) -> web.Response:
        self.ssh.state.max_channels = (await request.json())["max_channels"]
        return json_response({"max_channels": self.ssh.state.max_channels})

    async def post_disconnect(self, _: web.Request) -> web.Response:
        return json_response({"cut": self.ssh.disconnect()})


def control_app(control: Control) -> web.Application:
    """Put the commands at their addresses."""
    app = web.Application(middlewares=[control_errors])
    add_control(app, control.ssh.state.recorder, control.ssh.state.faults)
    app.router.add_get("/_control/files", control.list_files)
    app.router.add_post("/_control/files", control.post_file)
    app.router.add_post("/_control/files/{name}/{action:grow|finish|touch|rename}", control.change_file)
    app.router.add_delete("/_control/files/{name}", control.delete_file)
    app.router.add_post("/_control/ghosts", control.post_ghost)
    app.router.add_delete("/_control/ghosts", control.delete_ghosts)
    app.router.add_post("/_control/players", control.post_players)
    app.router.add_post("/_control/login", control.post_login)
    app.router.add_post("/_control/host-key", control.post_host_key)
    app.router.add_post("/_control/limits", control.post_limits)
    app.router.add_post("/_control/disconnect", control.post_disconnect)
    return app
