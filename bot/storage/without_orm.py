"""Keeps SQLAlchemy's object mapper out of memory: 38 modules and 6 MB that a bot without an ORM never uses.

`sqlalchemy.ext.asyncio` imports its sessions, and with them all of `sqlalchemy.orm`, for whoever wants only the
engine. Two empty modules stand in their place; where the real ones are loaded already, nothing changes.
"""

from __future__ import annotations

import sys
from types import ModuleType

_UNUSED = {
    "sqlalchemy.ext.asyncio.scoping": ("async_scoped_session",),
    "sqlalchemy.ext.asyncio.session": (
        *("AsyncAttrs", "AsyncSession", "AsyncSessionTransaction"),
        *("async_object_session", "async_session", "async_sessionmaker", "close_all_sessions"),
    ),
}


def leave_out_the_orm() -> None:
    """Put empty modules where SQLAlchemy's asynchronous sessions would be, unless they are loaded."""
    if "sqlalchemy.ext.asyncio" in sys.modules:
        return
    for name, offered in _UNUSED.items():
        empty = ModuleType(name, "Left out by bot.storage.without_orm.")
        for one in offered:
            setattr(empty, one, None)
        sys.modules[name] = empty
