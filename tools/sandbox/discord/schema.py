"""The oracle: Discord's OpenAPI file and gateway schemas, made strict, judge every request and answer.

Discord's file leaves objects open; `_close` shuts them, so that an unknown field is a violation. What
discord.py 2.7.1 sends beyond the file is allowed by `QUIRKS` and nothing else (specs/discord.md, 1.8).
Without the files, or without jsonschema (a test dependency), validation is off and says why.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from tools.sandbox.discord.feed import Feed

_FLAG: Final = {"type": ["boolean", "null"]}
_ID: Final = {"type": ["integer", "string", "null"]}
_IDS: Final = {"type": ["array", "null"], "items": _ID, "maxItems": 100, "uniqueItems": True}
#: schema: {property: what discord.py sends there although the published file does not list it}
QUIRKS: Final[dict[str, dict[str, Any]]] = {
    "RichEmbed": {"flags": {"type": "integer"}},
    "ApplicationCommandCreateRequest": {"nsfw": _FLAG},
    "ApplicationCommandPatchRequestPartial": {"nsfw": _FLAG},
    "ApplicationCommandUpdateRequest": {"nsfw": _FLAG},
    "MessageEditRequestPartial": {"tts": _FLAG},
    "IncomingWebhookUpdateRequestPartial": {"tts": _FLAG},
    "IncomingWebhookUpdateForInteractionCallbackRequestPartial": {"tts": _FLAG},
    "MessageAttachmentRequest": {"id": _ID},
    # discord.py sends these ids as integers too; the four of the specification did not meet them.
    "MessageAllowedMentionsRequest": {"roles": _IDS, "users": _IDS},
    "MessageReferenceRequest": {"message_id": _ID, "channel_id": _ID, "guild_id": _ID},
    "CreatePrivateChannelRequest": {"recipient_id": _ID},
    "BaseCreateMessageCreateRequest": {"tts": _FLAG},
    "CreateForumThreadRequest": {"type": {"type": "integer"}},
    "CreateRoleRequest": {"permissions": _ID},
    "UpdateRoleRequestPartial": {"permissions": _ID},
    # Not discord.py's doing: a post in a forum is answered with its message, which discord.py reads.
    "CreatedThreadResponse": {"message": {"$ref": "#/components/schemas/MessageResponse"}},
    # Nor this: the file says the codes in the tree of 50035 are integers; they are words.
    "InnerErrors": {"_errors": {"type": "array"}},
}
#: (method, path): a query parameter discord.py sends there although the published file does not list it
QUIRKY_QUERIES: Final = {("POST", "/channels/{channel_id}/threads"): "use_nested_fields"}
GATEWAY_FILES: Final = {
    "HELLO": "Hello",
    "READY": "Ready",
    "GUILD_CREATE": "GuildCreate",
    "INTERACTION_CREATE": "InteractionCreate",
    "MESSAGE_CREATE": "MessageCreate",
}
_ROOT: Final = "urn:discord"


class Oracle:
    """Judges payloads and keeps the violations; `state` is "on" or why validation is off."""

    def __init__(self, folder: Path, feed: Feed) -> None:
        self.violations: list[dict[str, Any]] = []
        self._feed = feed
        self._paths: dict[str, Any] = {}
        self._gateway: dict[str, _Judge] = {}
        self._judge_of: Callable[[str], _Judge] | None = None
        self.state = self._load(folder)

    def _load(self, folder: Path) -> str:
        file = folder / "openapi.json"
        if not file.is_file():
            return f"off: no {file}"
        try:
            library = importlib.import_module("jsonschema")
            referencing = importlib.import_module("referencing.jsonschema")
        except ImportError as error:
            return f"off: {error}"
        document = json.loads(file.read_bytes())
        self._paths = document["paths"]
        self._judge_of = _judges(library, referencing, document["components"]["schemas"])
        for event, name in GATEWAY_FILES.items():
            schema = json.loads((folder / "gateway" / f"{name}.json").read_bytes())
            self._gateway[event] = _Judge(library, library.Draft7Validator, _flags_as_integers(schema))
        return "on"

    def record(self, kind: str, *, method: str, path: str, direction: str, reason: str) -> None:
        violation = {"kind": kind, "method": method, "path": path, "direction": direction, "reason": reason}
        self.violations.append(violation)
        self._feed.add("violation", violation=violation)

    def check_request(self, method: str, template: str, body: Any, query: Mapping[str, str]) -> None:
        """Record what is wrong with a request; `template` is the path as the OpenAPI file writes it."""
        operation = self._operation(method, template)
        if operation is None:
            return
        known = {
            p["name"]
            for p in (*operation.get("parameters", ()), *self._paths[template].get("parameters", ()))
        }
        for name in query.keys() - known - {QUIRKY_QUERIES.get((method, template))}:
            self._violation(method, template, "request", f"unknown query parameter {name!r}")
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" in content:
            self._judge(method, template, "request", content["application/json"]["schema"], body)
        elif body is not None:
            self._violation(method, template, "request", "a body where none is described")

    def check_response(self, method: str, template: str, status: int, body: Any) -> None:
        operation = self._operation(method, template)
        if operation is None:
            return
        responses = operation["responses"]
        described = responses.get(str(status)) or responses.get(f"{status // 100}XX")
        if described is None:
            self._violation(method, template, "response", f"status {status} is not described")
            return
        if "$ref" in described:
            described = {"content": {"application/json": {"schema": _shared_error(status)}}}
        content = described.get("content", {}).get("application/json")
        if content is not None:
            self._judge(method, template, "response", content["schema"], body)
        elif body is not None:
            self._violation(method, template, "response", f"a body with status {status}")

    def check_event(self, event: str, payload: Any) -> None:
        """Record what is wrong with a gateway payload, for the events that have a schema."""
        judge = self._gateway.get(event)
        if judge is not None and (reason := judge.what_is_wrong(payload)):
            self._violation("GATEWAY", event, "event", reason)

    def _operation(self, method: str, template: str) -> Any:
        if self._judge_of is None:
            return None
        operation = self._paths.get(template, {}).get(method.lower())
        if operation is None:
            self._violation(method, template, "request", "no such operation in the OpenAPI file")
        return operation

    def _judge(self, method: str, template: str, direction: str, schema: Any, body: Any) -> None:
        if self._judge_of is None:
            raise RuntimeError("validation is off")
        if reason := self._judge_of(json.dumps(schema)).what_is_wrong(body):
            self._violation(method, template, direction, reason)

    def _violation(self, method: str, path: str, direction: str, reason: str) -> None:
        self.record("schema", method=method, path=path, direction=direction, reason=reason)


class _Judge:
    """One schema. What it found right once is right: a bot sends its commands again at every start."""

    def __init__(self, library: Any, draft: Any, schema: Any, **registry: Any) -> None:
        self._library = library
        self._thorough = draft(schema, **registry)
        first = {"oneOf": _one_of(library), "anyOf": _any_of(library)}
        self._quick = library.validators.extend(draft, first)(schema, **registry)
        self._right: set[bytes] = set()

    def what_is_wrong(self, body: Any) -> str:
        """Give the place and the reason, "" where the body is right."""
        seen = hashlib.sha256(json.dumps(body).encode()).digest()
        if seen in self._right:
            return ""
        if self._quick.is_valid(body):
            self._right.add(seen)
            return ""
        error = self._library.exceptions.best_match(self._thorough.iter_errors(body))
        # In a union the branch that got furthest is most likely the one that was meant.
        while error.context:
            error = max(error.context, key=lambda one: len(one.absolute_path))
        return f"{error.json_path}: {error.message[:500]}"


def _one_of(library: Any) -> Callable[..., Iterator[Any]]:
    """The keyword of that name, which here does not look for more than the first error of a branch."""

    def check(validator: Any, branches: list[Any], instance: Any, _: Any) -> Iterator[Any]:
        if len(list(islice(_fitting(validator, branches, instance), 2))) != 1:
            yield library.ValidationError("not exactly one of these")

    return check


def _any_of(library: Any) -> Callable[..., Iterator[Any]]:
    """As `_one_of`."""

    def check(validator: Any, branches: list[Any], instance: Any, _: Any) -> Iterator[Any]:
        if not any(True for _ in _fitting(validator, branches, instance)):
            yield library.ValidationError("none of these")

    return check


def _fitting(validator: Any, branches: list[Any], instance: Any) -> Iterator[Any]:
    return (branch for branch in branches if next(validator.descend(instance, branch), None) is None)


def _shared_error(status: int) -> dict[str, str]:
    name = "RatelimitedResponse" if status == 429 else "ErrorResponse"
    return {"$ref": f"#/components/schemas/{name}"}


def _judges(library: Any, referencing: ModuleType, schemas: dict[str, Any]) -> Callable[[str], _Judge]:
    for name, properties in QUIRKS.items():
        if name in schemas:
            schemas[name]["properties"] |= properties
    document = {
        "closed": {name: _close(schema) for name, schema in schemas.items()},
        "open": {name: _close(schema, leave_open=True) for name, schema in schemas.items()},
    }
    resource = referencing.DRAFT202012.create_resource(document)
    registry = referencing.SchemaRegistry().with_resource(_ROOT, resource)

    @functools.cache
    def judge(schema: str) -> _Judge:
        return _Judge(library, library.Draft202012Validator, _close(json.loads(schema)), registry=registry)

    return judge


def _close(node: Any, *, leave_open: bool = False) -> Any:
    """A copy that forbids unknown properties; branches of allOf stay open, or they would forbid each other's."""
    if isinstance(node, list):
        return [_close(item, leave_open=leave_open) for item in node]
    if not isinstance(node, dict):
        return node
    owns = "properties" in node or "allOf" in node
    closed: dict[str, Any] = {}
    for key, value in node.items():
        if key == "$ref":
            closed[key] = f"{_ROOT}#/{'open' if leave_open else 'closed'}/{value.rsplit('/', 1)[-1]}"
        elif key == "properties":
            closed[key] = {name: _close(schema) for name, schema in value.items()}
        elif key in ("items", "additionalProperties"):
            closed[key] = _close(value)
        elif key in ("allOf", "anyOf", "oneOf"):
            closed[key] = _close(value, leave_open=leave_open or owns)
        else:
            closed[key] = value
    if owns and not leave_open and "additionalProperties" not in node:
        closed["unevaluatedProperties"] = False
    return closed


def _flags_as_integers(schema: dict[str, Any]) -> dict[str, Any]:
    """Bit-flag enums list single bits; a combination of them is right too."""
    names = [name for name in schema["definitions"] if name.endswith("Flags")]
    return {**schema, "definitions": schema["definitions"] | {name: {"type": "integer"} for name in names}}
