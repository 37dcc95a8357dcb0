"""The object mapper of SQLAlchemy stays out of memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOADED = "import sys; from bot.storage.engine import Database; print('sqlalchemy.orm' in sys.modules)"


def test_the_engine_is_loaded_without_the_orm() -> None:
    told = subprocess.run(
        [sys.executable, "-W", "error", "-c", LOADED],
        check=True,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    assert told.stdout.strip() == "False"


def test_whoever_has_loaded_it_before_keeps_it() -> None:
    code = f"from sqlalchemy.ext.asyncio import AsyncSession as real; {LOADED}; assert real is not None"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, stdin=subprocess.DEVNULL)
