"""VEDETTE_STRICT=1 accepts no skipped test, no expected failure and no missing reference data."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from tests.conftest import LONGEST, ROOT, pytest_collection_modifyitems

CONFTEST = Path(__file__).with_name("conftest.py")
EXCUSES = {
    "test_skip": "def test_it(): pytest.skip('no sshd')",
    "test_skip_mark": "@pytest.mark.skip(reason='no sshd')\ndef test_it(): pass",
    "test_expected": "@pytest.mark.xfail(reason='no sshd')\ndef test_it(): assert False",
    "test_module": "pytest.skip('no sshd', allow_module_level=True)",
    "test_import": "pytest.importorskip('nothing_of_this_name', reason='no sshd')",
    "test_fixture": "@pytest.fixture\ndef it(): pytest.skip('no sshd')\ndef test_it(it): pass",
}


def run_tests(folder: Path, files: dict[str, str], **environment: str) -> tuple[int, list[str]]:
    """Run these files and one test that passes; give the exit code and the lines printed."""
    shutil.copy(CONFTEST, folder)
    for name, text in {**files, "test_other": "def test_other(): pass"}.items():
        (folder / f"{name}.py").write_text(f"import pytest\n{text}\n", "utf-8")
    names = {"VEDETTE_STRICT", "VEDETTE_FAILED_CHECKS", "VEDETTE_REFERENCE_DATA", "PYTEST_ADDOPTS"}
    kept = {name: value for name, value in os.environ.items() if name not in names}
    options = [
        "-c",
        os.devnull,
        "--rootdir",
        ".",
        "-ra",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:warnings",
        "--continue-on-collection-errors",
    ]
    result = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        check=False,
        cwd=folder,
        env={**kept, "PYTHONPATH": str(CONFTEST.parents[1]), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
    )
    return result.returncode, result.stdout.splitlines()


def test_a_strict_run_takes_every_excuse_for_a_failure(tmp_path):
    code, lines = run_tests(tmp_path, EXCUSES, VEDETTE_STRICT="1")
    assert code == 1
    assert "2 failed, 1 passed, 4 errors in" in lines[-1]
    reasons = [line for line in lines if line.startswith("VEDETTE_STRICT=1 accepts no") and "no sshd" in line]
    assert len(reasons) == len(EXCUSES)


def test_another_run_tells_the_reasons(tmp_path):
    code, lines = run_tests(tmp_path, EXCUSES)
    assert code == 0
    assert "1 passed, 5 skipped, 1 xfailed in" in lines[-1]
    reasons = [line for line in lines if line.startswith(("SKIPPED", "XFAIL")) and "no sshd" in line]
    assert len(reasons) == len(EXCUSES)


NEEDS_DATA = {"test_data": "def test_it(reference_data): assert (reference_data / 'etlegacy').is_dir()"}


def test_missing_reference_data_skips_with_a_reason_and_fails_a_strict_run(tmp_path):
    nowhere = {"VEDETTE_REFERENCE_DATA": str(tmp_path / "nowhere")}
    code, lines = run_tests(tmp_path, NEEDS_DATA, **nowhere)
    assert (code, lines[-1].split(" in ")[0].strip("= ")) == (0, "1 passed, 1 skipped")
    assert any("no reference data in" in line and "nowhere" in line for line in lines)
    code, lines = run_tests(tmp_path, NEEDS_DATA, VEDETTE_STRICT="1", **nowhere)
    assert code != 0
    assert any("no reference data in" in line for line in lines)


def test_reference_data_is_found_where_the_variable_says(tmp_path):
    (tmp_path / "data" / "etlegacy").mkdir(parents=True)
    given = {"VEDETTE_REFERENCE_DATA": str(tmp_path / "data"), "VEDETTE_STRICT": "1"}
    assert run_tests(tmp_path, NEEDS_DATA, **given)[0] == 0


def test_the_counts_are_printed_and_pytests_own_line_is_the_last(tmp_path):
    code, lines = run_tests(
        tmp_path, {"test_skip": EXCUSES["test_skip"]}, VEDETTE_FAILED_CHECKS="types imports"
    )
    assert code == 0
    assert "passed: 1, skipped: 1, failed: 0, error: 0" in lines
    assert "failed before the tests: types imports" in lines
    assert "1 passed, 1 skipped in" in lines[-1]


def test_the_files_that_take_longest_begin():
    names = ["tests/a.py", *reversed(LONGEST), "tests/z.py"]
    items = [SimpleNamespace(path=ROOT / name) for name in names]
    pytest_collection_modifyitems(items)
    assert [item.path for item in items] == [ROOT / name for name in (*LONGEST, "tests/a.py", "tests/z.py")]
    assert all(item.path.is_file() for item in items[: len(LONGEST)])
