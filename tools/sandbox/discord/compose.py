"""From what a bot sends to what a message is: limits, uploads, ``attachment://``, component ids.

Limits are those of specs/discord.md, section 4. The OpenAPI file does not know the sum over all embeds,
nor that bots get 2000 characters, nor what components v2 excludes; those are checked here.
"""

from __future__ import annotations

import io
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from PIL import Image, UnidentifiedImageError

from tools.sandbox.discord.components import SELECTS, check_components, number_components
from tools.sandbox.discord.errors import ApiError, invalid, too_long
from tools.sandbox.discord.payloads import UPLOAD_LIMIT
from tools.sandbox.discord.world import COMPONENTS_V2, Attachment, Message, World

CONTENT_LIMIT: Final = 2000
EMBEDS_LIMIT: Final = 10
EMBED_SUM_LIMIT: Final = 6000
REQUEST_LIMIT: Final = 25 * 1024 * 1024
_EMBED_TEXTS: Final = {"title": 256, "description": 4096, "author.name": 256, "footer.text": 2048}
_EMBED_URLS: Final = ("url", "image.url", "thumbnail.url", "author.url", "author.icon_url", "footer.icon_url")
_FIELD_TEXTS: Final = {"name": 256, "value": 1024}
_WEB: Final = ("http://", "https://")
_ATTACHMENT: Final = "attachment://"
#: SUPPRESS_EMBEDS, SUPPRESS_NOTIFICATIONS, IS_COMPONENTS_V2: what `fill` takes over from a request.
_SETTABLE_FLAGS: Final = 1 << 2 | 1 << 12 | COMPONENTS_V2


@dataclass(kw_only=True, slots=True)
class Body:
    """The body of a request: its JSON and, for multipart, the files by their index n in ``files[n]``."""

    data: Any = None
    uploads: dict[int, tuple[str, bytes]] = field(default_factory=dict)


def fill(world: World, message: Message, body: Body) -> None:
    """Write what `body` says into a new or existing message. What it does not name stays.

    Raises ApiError 40005, 50006 or 50035 and then leaves the message as it was.
    """
    data: dict[str, Any] = body.data or {}
    flags = message.flags | ((data.get("flags") or 0) & _SETTABLE_FLAGS)
    content = message.content if "content" not in data else data["content"] or ""
    embeds = message.embeds if "embeds" not in data else data["embeds"] or []
    components = message.components if "components" not in data else data["components"] or []
    if len(content) > CONTENT_LIMIT:
        raise too_long("content", CONTENT_LIMIT)
    if "embeds" in data:
        check_embeds(embeds)
    files = _files(world, message, body)
    if "embeds" in data:
        embeds = [_embed(embed, files) for embed in embeds]
    if "components" in data:
        check_components(components, in_v2=bool(flags & COMPONENTS_V2))
        components = number_components(_media(components, files, world))
    _check_whole(content, embeds, components, files, flags)
    message.flags, message.content = flags, content
    message.embeds, message.components, message.files = embeds, components, files


def snapshot(message: Message) -> dict[str, Any]:
    """What an edit may change, as it is now."""
    at = message.edited_at or message.created_at
    kept = {"content": message.content, "embeds": message.embeds, "components": message.components}
    return {"at": at.isoformat(), **kept}


def remember(message: Message, before: dict[str, Any], at: datetime) -> None:
    """Note that a message was edited; `before` is its earlier `snapshot`."""
    message.versions.append(before)
    message.edited_at = at


def _check_whole(
    content: str, embeds: list[Any], components: list[Any], files: list[Attachment], flags: int
) -> None:
    if flags & COMPONENTS_V2:
        if content or embeds:
            name = "content" if content else "embeds"
            text = "The 'content' and 'embeds' fields cannot be used with MessageFlags.IS_COMPONENTS_V2"
            raise invalid(name, "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", text)
        if components:
            return
    if not (content.strip() or embeds or files):
        raise ApiError(50006)


def check_embeds(embeds: list[dict[str, Any]]) -> None:
    """Raises ApiError 50035 for the first limit an embed breaks, and for the sum over all of them."""
    if len(embeds) > EMBEDS_LIMIT:
        raise too_long("embeds", EMBEDS_LIMIT)
    for number, embed in enumerate(embeds):
        where = f"embeds.{number}"
        for path, limit in _EMBED_TEXTS.items():
            _check_text(f"{where}.{path}", _get(embed, path), limit)
        for path in _EMBED_URLS:
            _check_url(f"{where}.{path}", _get(embed, path))
        _check_fields(where, embed.get("fields") or [])
    if sum(embed_size(embed) for embed in embeds) > EMBED_SUM_LIMIT:
        text = f"Embed size exceeds maximum size of {EMBED_SUM_LIMIT}"
        raise invalid("embeds.0", "MAX_EMBED_SIZE_EXCEEDED", text)


def _check_fields(where: str, fields: list[dict[str, Any]]) -> None:
    if len(fields) > 25:
        raise too_long(f"{where}.fields", 25)
    for number, one in enumerate(fields):
        for name, limit in _FIELD_TEXTS.items():
            path = f"{where}.fields.{number}.{name}"
            if not one.get(name):
                raise invalid(path, "BASE_TYPE_REQUIRED", "This field is required")
            _check_text(path, one[name], limit)


def _check_text(path: str, text: Any, limit: int) -> None:
    if text is not None and len(str(text)) > limit:
        raise too_long(path, limit)


def _check_url(path: str, url: Any) -> None:
    if not url:
        return
    schemes = _WEB if path.endswith(("author.url", ".url")) and path.count(".") == 2 else (*_WEB, _ATTACHMENT)
    if not str(url).startswith(schemes):
        scheme = str(url).partition(":")[0]
        raise invalid(
            path, "URL_TYPE_INVALID_SCHEME", f"Scheme \"{scheme}\" must be one of ('http', 'https')."
        )


def embed_size(embed: Mapping[str, Any]) -> int:
    """The characters that count towards the sum: title, description, field names and values, footer, author."""
    texts = [_get(embed, path) for path in _EMBED_TEXTS]
    texts += [one.get(name) for one in embed.get("fields") or [] for name in _FIELD_TEXTS]
    return sum(len(text) for text in texts if text)


def _get(embed: Mapping[str, Any], path: str) -> Any:
    value: Any = embed
    for key in path.split("."):
        value = (value or {}).get(key)
    return value


def _files(world: World, message: Message, body: Body) -> list[Attachment]:
    """The files after the request: an existing one survives only if the list, when there is one, names it."""
    listed = (body.data or {}).get("attachments")
    kept = message.files
    if listed is not None:
        names = {str(entry["id"]) for entry in listed}
        kept = [file for file in kept if str(file.id) in names]
    about = {str(entry["id"]): entry for entry in listed or []}
    if sum(len(data) for _, data in body.uploads.values()) > REQUEST_LIMIT or any(
        len(data) > UPLOAD_LIMIT for _, data in body.uploads.values()
    ):
        raise ApiError(40005)
    new = [
        upload(world, message.channel_id, filename, data, about.get(str(index), {}))
        for index, (filename, data) in sorted(body.uploads.items())
    ]
    if len(kept) + len(new) > 10:
        raise too_long("attachments", 10)
    return [*kept, *new]


def upload(world: World, channel_id: int, filename: str, data: bytes, about: Mapping[str, Any]) -> Attachment:
    """A stored file with its CDN address; images get their size, whatever type the upload claimed."""
    file_id = world.new_id()
    name = about.get("filename") or filename
    width, height = image_size(data)
    file = Attachment(
        id=file_id,
        filename=name,
        content_type=mimetypes.guess_type(name)[0] or "application/octet-stream",
        data=data,
        url=f"{world.cdn}/{channel_id}/{file_id}/{name}",
        width=width,
        height=height,
        description=about.get("description"),
    )
    world.files[file.id] = file
    return file


def image_size(data: bytes) -> tuple[int, int] | tuple[None, None]:
    """Width and height in pixels, (None, None) for what is no image."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.size
    except (UnidentifiedImageError, OSError):
        return None, None


def _embed(sent: dict[str, Any], files: list[Attachment]) -> dict[str, Any]:
    """The embed as Discord answers it: images with proxy address and size, fields with `inline`."""
    embed = {key: value for key, value in sent.items() if value is not None} | {"type": "rich"}
    for key in ("image", "thumbnail"):
        if key in embed:
            picture = _picture(embed[key]["url"], files)
            embed |= {key: picture} if picture else {}
            if not picture:
                del embed[key]
    for key in ("author", "footer"):
        if embed.get(key, {}).get("icon_url"):
            icon = _picture(embed[key]["icon_url"], files) or {"url": embed[key]["icon_url"]}
            embed[key] = embed[key] | {"icon_url": icon["url"], "proxy_icon_url": icon["url"]}
    if "fields" in embed:
        embed["fields"] = [{"inline": False, **one} for one in embed["fields"]]
    return embed


def _picture(url: str, files: list[Attachment]) -> dict[str, Any] | None:
    """An image reference resolved. Discord drops one that names a file which was not uploaded."""
    if not url.startswith(_ATTACHMENT):
        known = next((file for file in files if file.url == url), None)
        return {"url": url, "proxy_url": url, **_size(known)}
    file = next((each for each in files if each.filename == url.removeprefix(_ATTACHMENT)), None)
    if file is None:
        return None
    return {"url": file.url, "proxy_url": file.url, "content_type": file.content_type, **_size(file)}


def _size(file: Attachment | None) -> dict[str, Any]:
    return {} if file is None or file.width is None else {"width": file.width, "height": file.height}


def _media(node: Any, files: list[Attachment], world: World) -> Any:
    """Components v2 with their media items resolved, and the defaults Discord fills in."""
    if isinstance(node, list):
        return [_media(item, files, world) for item in node]
    if not isinstance(node, dict):
        return node
    copy = {key: _media(value, files, world) for key, value in node.items()}
    for key in ("media", "file"):
        if key in copy and "url" in copy[key]:
            picture = _picture(copy[key]["url"], files)
            if picture is None:
                raise invalid(
                    "components", "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND", copy[key]["url"]
                )
            copy[key] = {"id": str(world.new_id()), **picture}
            copy = {"description": None, "spoiler": False, **copy} if key == "media" else copy
    if copy.get("type") in SELECTS:
        # Means something in modals only; Discord leaves it out of a message.
        copy.pop("required", None)
    return copy | _defaults(copy)


def _defaults(component: dict[str, Any]) -> dict[str, Any]:
    kind = component.get("type")
    if kind in SELECTS and "custom_id" in component:
        return {"min_values": component.get("min_values", 1), "max_values": component.get("max_values", 1)}
    if kind == 13 and "file" in component:
        name = component["file"]["url"].rsplit("/", 1)[-1]
        return {"name": name, "size": None, "spoiler": component.get("spoiler", False)}
    if kind == 14:
        return {"divider": component.get("divider", True), "spacing": component.get("spacing", 1)}
    if kind == 17:
        return {"accent_color": component.get("accent_color"), "spoiler": component.get("spoiler", False)}
    return {}
