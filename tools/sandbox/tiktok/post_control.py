"""The commands on posts, which `tools.sandbox.tiktok.control` lists; for every stand-in that has posts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from aiohttp import web

from tools.sandbox.clock import WorldClock
from tools.sandbox.standin import json_response
from tools.sandbox.tiktok.posts import POST_FIELDS, Post, Shelf


def shown(post: Post) -> dict[str, Any]:
    return dataclasses.asdict(post) | {"id": str(post.id)}


def refuse_unknown(body: dict[str, Any], known: frozenset[str]) -> None:
    if unknown := sorted(set(body) - known):
        raise ValueError(f"unknown fields {unknown}; known are {sorted(known)}")


@dataclasses.dataclass(kw_only=True)
class PostControl:
    shelf_of: Callable[[str], Shelf]
    clock: WorldClock

    def add_routes(self, app: web.Application) -> None:
        all_posts = "/_control/accounts/{name}/posts"
        app.router.add_get(all_posts, self.get)
        app.router.add_post(all_posts, self.post)
        app.router.add_patch(all_posts, self.patch_many)
        app.router.add_patch(all_posts + r"/{id:\d+}", self.patch)
        app.router.add_delete(all_posts + r"/{id:\d+}", self.delete)

    def _shelf(self, request: web.Request) -> Shelf:
        return self.shelf_of(request.match_info["name"])

    async def get(self, request: web.Request) -> web.Response:
        return json_response([shown(post) for post in self._shelf(request).shown])

    async def post(self, request: web.Request) -> web.Response:
        body, shelf = await request.json(), self._shelf(request)
        if isinstance(body, list):
            return json_response([self._added(shelf, one) for one in body])
        if "count" in body:
            refuse_unknown(body, frozenset({"count", "newest_at", "seconds_apart"}))
            return json_response(
                [shown(post) for post in shelf.add_many(**{"newest_at": int(self.clock.unix()), **body})]
            )
        return json_response(self._added(shelf, body))

    def _added(self, shelf: Shelf, body: dict[str, Any]) -> dict[str, Any]:
        refuse_unknown(body, POST_FIELDS)
        return shown(shelf.add(**{"created_at": int(self.clock.unix()), **body}))

    async def patch_many(self, request: web.Request) -> web.Response:
        shelf = self._shelf(request)
        changes: dict[str, dict[str, Any]] = await request.json()
        for post_id, body in changes.items():
            refuse_unknown(body, POST_FIELDS - {"id"})
            shelf.change(int(post_id), body)
        return json_response(len(changes))

    async def patch(self, request: web.Request) -> web.Response:
        body = await request.json()
        refuse_unknown(body, POST_FIELDS - {"id"})
        return json_response(shown(self._shelf(request).change(int(request.match_info["id"]), body)))

    async def delete(self, request: web.Request) -> web.Response:
        return json_response(shown(self._shelf(request).posts.pop(int(request.match_info["id"]))))
