"""The short way of the simulation's statements gives what SQLAlchemy's own gives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import IntegrityError, InvalidRequestError, StatementError

from bot.storage.tables import notes, requests, sources
from tools.simulation.database import Disk
from tools.simulation.statements import Executor

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
Execute = Callable[..., Any]

_HEALTH = select(sources).where(sources.c.name == bindparam("name"))
_CLAIM = insert(requests).returning(requests.c.id)
_KEEP = sqlite.insert(notes)
_KEEP = _KEEP.on_conflict_do_update(index_elements=["name"], set_={"value": _KEEP.excluded.value})


def _story(execute: Execute) -> list[Any]:
    """Run each kind of statement several times, made once and made anew, and give all that is told of it."""
    told: list[Any] = []
    for turn in range(4):
        name, at = f"n{turn % 2}", NOW + timedelta(minutes=turn)
        told.append(execute(_KEEP, {"name": name, "value": f"v{turn}"}).rowcount)
        told.append(
            execute(
                insert(sources).values(name=f"s{turn}", failures=0, last_error="", closed_until=at)
            ).rowcount
        )
        row = {"ledger": "discovery", "purpose": "check", "asked_at": at}
        told.append(execute(_CLAIM, row).scalar_one())
        many = [{**row, "purpose": f"p{number}"} for number in range(3)]
        told.append(execute(insert(requests), many).rowcount)
        told.append([dict(one) for one in execute(_HEALTH, {"name": f"s{turn}"}).mappings()])
        told.append(execute(_HEALTH, {"name": "nobody"}).first())
        told.append([tuple(one) for one in execute(select(notes).order_by(notes.c.name))])
        wanted = [f"p{number}" for number in range(turn)]
        some = select(requests.c.purpose, func.max(requests.c.asked_at).label("latest"))
        some = some.where(requests.c.purpose.in_(wanted)).group_by(requests.c.purpose)
        told.append([(one.purpose, one.latest) for one in execute(some)])
        told.append(sorted(set(execute(select(requests.c.purpose)).scalars())))
        late = update(sources).where(sources.c.name.in_(["s0", "s1"])).values(closed_until=at)
        told.append(execute(late).rowcount)
        changed = update(sources).where(sources.c.name == bindparam("this"))
        several = [{"this": f"s{number}", "failures": turn} for number in range(2)]
        told.append(execute(changed, several).rowcount)
        told.append(execute(delete(notes).where(notes.c.name == "n1")).rowcount)
    return told


def test_the_short_way_tells_what_the_long_way_tells() -> None:
    long, short, again = Disk(), Disk(), Disk()
    expected = _story(long.connection.execute)
    assert _story(Executor(short.connection).execute) == expected
    assert _story(Executor(again.connection).execute) == expected
    for disk in (long, short, again):
        disk.close()


def test_the_short_way_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk()
    executor = Executor(disk.connection)
    _story(executor.execute)
    taken: list[object] = []
    monkeypatch.setattr(executor._connection, "execute", lambda *given: taken.append(given))
    assert executor.execute(_HEALTH, {"name": "s0"}).mappings().one()["name"] == "s0"
    assert executor.execute(select(notes).order_by(notes.c.name)).all()
    assert executor.execute(_KEEP, {"name": "n1", "value": "again"}).rowcount == 1
    assert taken == []
    disk.close()


def test_an_error_is_told_as_sqlalchemy_tells_it() -> None:
    disk = Disk()
    executor = Executor(disk.connection)
    for turn in range(3):
        executor.execute(insert(notes).values(name=f"n{turn}", value=""))
    with pytest.raises(IntegrityError):
        executor.execute(insert(notes).values(name="n2", value=""))
    disk.close()


def test_a_value_that_is_missing_is_an_error_on_the_short_way_too() -> None:
    disk = Disk()
    executor = Executor(disk.connection)
    for _ in range(3):
        executor.execute(_HEALTH, {"name": "s0"})
    with pytest.raises((InvalidRequestError, StatementError), match="value is required"):
        executor.execute(_HEALTH)
    disk.close()
