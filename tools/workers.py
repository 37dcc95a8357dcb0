"""Processes that compute side by side, each on a processor of its own."""

from __future__ import annotations

import gc
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context


def workers(count: int) -> ProcessPoolExecutor:
    """Give a pool of new processes; what they run is imported anew in each."""
    # NumPy reads this when it is loaded: each process would start a thread for each processor, and they would
    # wait for one another.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_settle)


def _settle() -> None:
    """Keep the garbage collector from walking all modules again and again."""
    gc.freeze()
    gc.set_threshold(50_000)
