"""Threads for calls that block, which the end of the process does not wait for."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from threading import Thread
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class LooseThreads(Executor):
    """A thread for each call. Python waits at its end for a pool's threads, however long a look-up of a name takes.

    How many there are is for the callers to bound: `SftpRoundSource` makes one call at a time.
    """

    def submit(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Begin a call in a thread of its own."""
        future: Future[T] = Future()
        Thread(target=_work, args=(future, call, args, kwargs), name="ssh", daemon=True).start()
        return future


def _work(future: Future[T], call: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = call(*args, **kwargs)
    except BaseException as error:  # noqa: BLE001 - whoever asked is told
        future.set_exception(error)
    else:
        future.set_result(result)
