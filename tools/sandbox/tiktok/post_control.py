"""The commands on posts, which `tools.sandbox.tiktok.control` lists; for every stand-in that has posts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from aiohttp import web

from tools.sandbox.standin import json_response
from tools.sandbox.tiktok.posts import POST_FIELDS, Post, Shelf
from tools.sandbox.tiktok.world import now


def shown(post: Post) -> dict[str, Any]:
    return dataclasses.asdict(post) | {"id": str(post.id)}


def refuse_unknown(body: dict[str, Any], known: frozenset[str]) -> None:
    if unknown := sorted(set(body) - known):
        raise ValueError(f"unknown fields {unknown}; known are {sorted(known)}")


@dataclasses.dataclass(kw_only=True)
class PostControl:
    shelf_of: Callable[[str], Shelf]

    def add_routes(self, app: web.Application) -> None:
        all_posts = "/_control/accounts/{name}/posts"
        app.router.add_get(all_posts, self.get)
        app.router.add_post(all_posts, self.post)
        app.router.add_patch(all_posts + r"/{id:\d+}", self.patch)
        app.router.add_delete(all_posts + r"/{id:\d+}", self.delete)

    def _shelf(self, request: web.Request) -> Shelf:
        return self.shelf_of(request.match_info["name"])

    async def get(self, request: web.Request) -> web.Response:
        return json_response([shown(post) for post in self._shelf(request).shown])

    async def post(self, request: web.Request) -> web.Response:
        body, shelf = await request.json(), self._shelf(request)
        if "count" in body:
            refuse_unknown(body, frozenset({"count", "newest_at", "seconds_apart"}))
            return json_response(
                [shown(post) for post in shelf.add_many(**{"newest_at": int(now()), **body})]
            )
        refuse_unknown(body, POST_FIELDS)
        return json_response(shown(shelf.add(**{"created_at": int(now()), **body})))

    async def patch(self, request: web.Request) -> web.Response:
        body = await request.json()
        refuse_unknown(body, POST_FIELDS - {"id"})
        return json_response(shown(self._shelf(request).change(int(request.match_info["id"]), body)))

    async def delete(self, request: web.Request) -> web.Response:
        return json_response(shown(self._shelf(request).posts.pop(int(request.match_info["id"]))))
