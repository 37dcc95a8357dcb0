"""What all tests share: the reference data, and the strict mode that accepts no skipped test."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.compiled import shared_by_all_engines
from tests.databases import database, database_url, new_database, postgresql, tables_file
from tests.nursery import Nursery
from tools.sandbox.processes import Programs

pytest_plugins = ("tests.canary",)
__all__ = ["database", "database_url", "new_database", "postgresql", "tables_file"]  # fixtures for every test

ROOT = Path(__file__).resolve().parents[1]

# How long an example takes says more of the machine than of the code: no test asserts a wall-clock time.
settings.register_profile("vedette", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("vedette")
LONGEST = (
    "tests/kill/test_kill_matrix.py",
    "tests/kill/test_kill_matrix_on_a_server.py",
    "tests/simulation/test_simulation.py",
    "tests/e2e/test_kill.py",
    "tests/e2e/test_flows.py",
    "tests/faults/test_table.py",
    "tests/tools/test_backtest.py",
)
"""The files that take minutes; they begin, so that no process ends with one while the others have nothing to do."""
_NO_EXCUSES = "VEDETTE_STRICT=1 accepts no skipped test and no expected failure"


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """The folder of real round files, live histories and API schemas; never part of the repository."""
    folder = Path(os.environ.get("VEDETTE_REFERENCE_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no reference data in {folder}; VEDETTE_REFERENCE_DATA names another folder")
    return folder


@pytest.fixture(scope="session", autouse=True)
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Start bots and stand-ins of end-to-end tests from a process that has loaded them already."""
    if not hasattr(os, "pidfd_open"):
        yield
        return
    started = Nursery(tmp_path_factory.mktemp("nursery") / "door")
    usual, Programs.spawn = Programs.spawn, started.spawn
    yield
    Programs.spawn = usual
    started.close()


@pytest.fixture(scope="session", autouse=True)
def compiled_statements() -> Iterator[None]:
    with shared_by_all_engines():
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {ROOT / file: place for place, file in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(LONGEST)))


def pytest_collection_finish() -> None:
    """Keep the garbage collector from walking all modules and tests again and again."""
    gc.collect()
    gc.freeze()


def _is_strict() -> bool:
    return os.environ.get("VEDETTE_STRICT") == "1"


def _refuse_excuses(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip or an expected failure into a failure that tells its reason."""
    if report.skipped and _is_strict():
        reason = getattr(report, "wasxfail", None) or report.longrepr
        if isinstance(reason, tuple):
            reason = f"{reason[0]}:{reason[1]}: {reason[2]}"
        report.outcome = "failed"
        report.longrepr = f"{_NO_EXCUSES}: {reason}"
        vars(report).pop("wasxfail", None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    report = yield
    _refuse_excuses(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    report = yield
    _refuse_excuses(report)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many passed and were skipped, and what failed before the tests (tools/test.py tells)."""
    counts = {
        kind: len(terminalreporter.getreports(kind)) for kind in ("passed", "skipped", "failed", "error")
    }
    terminalreporter.section("Vedette")
    terminalreporter.write_line(", ".join(f"{kind}: {count}" for kind, count in counts.items()))
    if checks := os.environ.get("VEDETTE_FAILED_CHECKS"):
        terminalreporter.write_line(f"failed before the tests: {checks}", red=True)
