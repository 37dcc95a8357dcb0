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
    30032: (400, "Maximum number of application commands reached (100)."),
    40005: (413, "Request entity too large"),
    40060: (400, "Interaction has already been acknowledged."),
    50001: (403, "Missing Access"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50007: (403, "Cannot send messages to this user"),
    50013: (403, "Missing Permissions"),
    50027: (401, "Invalid Webhook Token"),
    50035: (400, "Invalid Form Body"),
    160002: (400, "Cannot reply without permission to read message history"),
}


class ApiError(Exception):
    """An answer of Discord's that is not 2xx. `errors` is the tree that comes with 50035."""

    def __init__(self, code: int, *, errors: dict[str, Any] | None = None, status: int | None = None) -> None:
        known_status, self.message = KNOWN[code]
        super().__init__(self.message)
        self.code = code
        self.status = status or known_status
        self.errors = errors

    def body(self) -> dict[str, Any]:
        tree = {} if self.errors is None else {"errors": self.errors}
        return {"message": self.message, "code": self.code, **tree}


def invalid(path: str, code: str, message: str) -> ApiError:
    """50035 for one field; `path` is dotted, for example ``embeds.0.title``."""
    tree: dict[str, Any] = {"_errors": [{"code": code, "message": message}]}
    for key in reversed(path.split(".")):
        tree = {key: tree}
    return ApiError(50035, errors=tree)


def too_long(path: str, limit: int) -> ApiError:
    return invalid(path, "BASE_TYPE_MAX_LENGTH", f"Must be {limit} or fewer in length.")
