"""Runs SQLAlchemy's statements on SQLite without what it sets up anew for each execution.

SQLAlchemy compiles each statement, turns values into parameters and rows into results, as it does for the bot; only
its way from the one to the other is left out, which takes longer than SQLite does. What has not run before, or is
rare, goes all the way.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import BindParameter, Connection, Executable, IteratorResult
from sqlalchemy.engine.interfaces import CacheStats
from sqlalchemy.sql.compiler import WARN_LINTING, SQLCompiler

Given = Mapping[str, Any] | None
"""The named values of one execution."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Form:
    """A statement as it was compiled, with the values of its own; `collected` are those of `params()`."""

    compiled: SQLCompiler
    extracted: Sequence[BindParameter[Any]] | None
    collected: Given

    def values(self, given: Given, number: int = 0) -> MutableMapping[str, Any]:
        """Give the value of each parameter, by the compiler's name of it."""
        return self.compiled.construct_params(
            given,
            extracted_parameters=self.extracted,
            escape_names=False,
            _group_number=number,
            _collected_params=self.collected,
        )

    def in_order(self, values: Mapping[str, Any]) -> list[Any]:
        """Give the parameters as the driver takes them."""
        return _in_order(self.compiled.positiontup or (), values, self.compiled._bind_processors)  # noqa: SLF001


class Executor:
    """Executes on one connection; all rows of a result are read at once, as the bot's driver does."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._driver = cast(Any, connection.connection.driver_connection)
        self._dialect = connection.dialect
        options = connection.get_execution_options()
        self._cache = options.get("compiled_cache", connection.engine._compiled_cache)  # noqa: SLF001
        self._again: dict[tuple[Executable, tuple[str, ...]], _Form] = {}

    def execute(self, statement: Any, parameters: Any = None) -> Any:
        """Do what `Connection.execute` does."""
        groups = parameters if isinstance(parameters, list) else [parameters]
        form = self._form(statement, groups[0], many=len(groups) > 1) if groups else None
        if form is not None:
            try:
                return self._run(form, groups[0]) if len(groups) == 1 else self._run_many(form, groups)
            except self._dialect.loaded_dbapi.Error:
                pass  # what failed is rolled back with its transaction: it fails again, as SQLAlchemy tells it
        return self._connection.execute(statement, parameters)

    def _form(self, statement: Any, given: Given, *, many: bool) -> _Form | None:
        """Give the form of a statement that can take the short way, None where there is none.

        What is run once more is the same object, made once by the bot: its form is found by it, which is faster
        than by all that it consists of.
        """
        names = tuple(sorted(given)) if given else ()
        if not many and (known := self._again.get((statement, names))) is not None:
            return known
        is_one_more = "_generate_cache_key" in vars(statement)
        compiled, extracted, collected, found = statement._compile_w_cache(  # noqa: SLF001
            dialect=self._dialect,
            compiled_cache=self._cache,
            column_keys=list(names),
            for_executemany=many,
            linting=self._dialect.compiler_linting | WARN_LINTING,
        )
        if found is not CacheStats.CACHE_HIT or not _is_plain(compiled, many=many):
            return None
        form = _Form(compiled=compiled, extracted=extracted, collected=collected)
        if is_one_more and not many:
            self._again[statement, names] = form
        return form

    def _run_many(self, form: _Form, groups: Sequence[Given]) -> Any:
        rows = [form.in_order(form.values(group, number)) for number, group in enumerate(groups)]
        return Done(self._driver.executemany(form.compiled.string, rows))

    def _run(self, form: _Form, given: Given) -> Any:
        compiled, values = form.compiled, form.values(given)
        if compiled.post_compile_params or compiled.literal_execute_params:
            whole = compiled._process_parameters_for_postcompile(values)  # noqa: SLF001
            processors = {**compiled._bind_processors, **whole.processors}  # noqa: SLF001
            cursor = self._driver.execute(
                whole.statement, _in_order(whole.positiontup or (), values, processors)
            )
        else:
            cursor = self._driver.execute(compiled.string, form.in_order(values))
        if compiled._cached_metadata is None:  # noqa: SLF001
            return Done(cursor)
        return IteratorResult(compiled._cached_metadata, iter(cursor.fetchall()))  # noqa: SLF001


class Done:
    """What is left of a statement that gives no rows."""

    def __init__(self, cursor: Any) -> None:
        self.rowcount: int = cursor.rowcount


def _is_plain(compiled: Any, *, many: bool) -> bool:
    """Tell whether nothing is to be done around a statement but to give SQLite its parameters."""
    if not isinstance(compiled, SQLCompiler) or compiled.insert_prefetch or compiled.update_prefetch:
        return False
    if many and (compiled.post_compile_params or compiled.literal_execute_params):
        return False
    if (compiled.isinsert or compiled.isupdate or compiled.isdelete) and not compiled.effective_returning:
        return True
    return not many and not compiled.implicit_returning and compiled._cached_metadata is not None  # noqa: SLF001


def _in_order(names: Sequence[str], values: Mapping[str, Any], processors: Mapping[str, Any]) -> list[Any]:
    return [
        values[name] if (convert := processors.get(name)) is None else convert(values[name]) for name in names
    ]
