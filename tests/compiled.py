"""One memory of compiled statements for all databases of a test run: each would compile the same ones anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.util import LRUCache

SIZE = 2000


class Compiled:
    """Compiled statements, as SQLAlchemy keeps them, but by the kind of a dialect, which each engine has anew."""

    def __init__(self) -> None:
        self._kept: LRUCache[Any, Any] = LRUCache(SIZE)

    def get(self, key: tuple[Any, ...]) -> Any:
        return self._kept.get((type(key[0]), *key[1:]))

    def __setitem__(self, key: tuple[Any, ...], compiled: Any) -> None:
        self._kept[type(key[0]), *key[1:]] = compiled


@contextmanager
def shared_by_all_engines() -> Iterator[None]:
    """Let engines share what they compile, as all work of one bot shares that of its few engines."""
    kept = Compiled()

    def use(connection: Connection) -> None:
        connection.execution_options(compiled_cache=kept)

    event.listen(Engine, "engine_connect", use)
    yield
    event.remove(Engine, "engine_connect", use)
