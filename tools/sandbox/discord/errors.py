"""The errors of Discord's REST API that a bot can meet here (code, HTTP status, message)."""

from __future__ import annotations

from typing import Any, Final

#: code: (HTTP status, message); the numbers are those of Discord's error code reference.
KNOWN: Final[dict[int, tuple[int, str]]] = {
    0: (401, "401: Unauthorized"),
    10003: (404, "Unknown Channel"),
    10004: (404, "Unknown Guild"),
    10007: (404, "Unknown Member"),
    10008: (404, "Unknown Message"),
    10011: (404, "Unknown Role"),
    10013: (404, "Unknown User"),
    10015: (404, "Unknown Webhook"),
    10062: (404, "Unknown interaction"),
    10063: (404, "Unknown application command"),
    10066: (404, "Unknown application command permissions"),
    10087: (404, "Unknown tag"),
    20028: (429, "The write action you are performing on the channel has hit the write rate limit."),
    30005: (400, "Maximum number of server roles reached (250)"),
    30032: (400, "Maximum number of application commands reached (100)."),
    30034: (429, "Max number of daily application command creates has been reached (200)"),
    30046: (429, "Maximum number of edits to messages older than 1 hour reached. Try again later"),
    40005: (413, "Request entity too large"),
    40033: (400, "This message has already been crossposted"),
    40060: (400, "Interaction has already been acknowledged."),
    40067: (400, "A tag is required to create a forum post in this channel"),
    50001: (403, "Missing Access"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50007: (403, "Cannot send messages to this user"),
    50008: (400, "Cannot send messages in a non-text channel"),
    50013: (403, "Missing Permissions"),
    50024: (400, "Cannot execute action on this channel type"),
    50027: (401, "Invalid Webhook Token"),
    50035: (400, "Invalid Form Body"),
    50083: (400, "Thread is archived"),
    130000: (503, "API resource is currently overloaded. Try again a little later"),
    160002: (400, "Cannot reply without permission to read message history"),
    160004: (400, "A thread has already been created for this message"),
    160005: (400, "Thread is locked"),
    200000: (400, "Message was blocked by automatic moderation"),
}


class ApiError(Exception):
    """An answer of Discord's that is not 2xx. `errors` is the tree that comes with 50035.

    `retry_after` is the machine's seconds that a limit asks to wait.
    """

    def __init__(
        self,
        code: int,
        *,
        errors: dict[str, Any] | None = None,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        known_status, self.message = KNOWN[code]
        super().__init__(self.message)
        self.code = code
        self.status = status or known_status
        self.errors = errors
        self.retry_after = retry_after

    def body(self) -> dict[str, Any]:
        tree = {} if self.errors is None else {"errors": self.errors}
        wait = (
            {} if self.retry_after is None else {"retry_after": round(self.retry_after, 3), "global": False}
        )
        return {"message": self.message, "code": self.code, **tree, **wait}

    def headers(self) -> dict[str, str]:
        if self.retry_after is None:
            return {}
        return {"Retry-After": f"{self.retry_after:.3f}", "X-RateLimit-Scope": "shared"}


def invalid(path: str, code: str, message: str) -> ApiError:
    """50035 for one field; `path` is dotted, for example ``embeds.0.title``."""
    tree: dict[str, Any] = {"_errors": [{"code": code, "message": message}]}
    for key in reversed(path.split(".")):
        tree = {key: tree}
    return ApiError(50035, errors=tree)


def too_long(path: str, limit: int) -> ApiError:
    return invalid(path, "BASE_TYPE_MAX_LENGTH", f"Must be {limit} or fewer in length.")
