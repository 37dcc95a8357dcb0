"""Keep the catalogues of `bot/locale` in step with the code: ``python -m tools.translate [LANGUAGE ...]``.

Collects every text from the code, brings each catalogue (and that of a new LANGUAGE named here) up to date,
compiles it, and says what is left to translate. The exit code is 0 only if nothing is.
"""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
LOCALE_FOLDER = ROOT / "bot" / "locale"
NAME = "vedette.po"
_ROOMS = ("bot", "cogs")
# Elsewhere `text` may be SQLAlchemy's.
_SPEAKS = re.compile(r"from bot\.texts import|import .*\blocale_str\b")
_HEADER = "# What Vedette says. `python -m tools.translate` keeps this file in step with the code."
_KEYWORDS = {"text": None, "texts": (1, 2), "locale_str": None}
# The same at every run: a catalogue changes only when its texts do.
_NO_DATE = datetime(2000, 1, 1, tzinfo=UTC)


def main(languages: list[str], folder: Path = LOCALE_FOLDER) -> int:
    """Bring every catalogue of a folder up to date; give 1 where something is left to translate."""
    collected, left = collect(), 0
    known = {path.parents[1].name for path in catalogue_files(folder)}
    for language in sorted(known | set(languages)):
        path = folder / language / "LC_MESSAGES" / NAME
        catalogue = load(path) if path.exists() else Catalog(locale=language, fuzzy=False)
        catalogue.update(collected, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        _unmark(catalogue)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(as_po(catalogue))
        path.with_suffix(".mo").write_bytes(compiled(catalogue))
        missing = untranslated(catalogue)
        left += len(missing)
        print(f"{language}: {len(catalogue)} texts, {len(missing)} to translate in {path}")
    return 1 if left else 0


def _unmark(catalogue: Catalog) -> None:
    """Take back Babel's mark of doubt on new entries of languages that have not two plural forms as English has."""
    for message in catalogue:
        if isinstance(message.string, tuple) and not any(message.string):
            message.flags.discard("fuzzy")


def collect() -> Catalog:
    """Give every text of the code, with where it stands."""
    catalogue = Catalog(fuzzy=False)
    for path in sorted(path for room in _ROOMS for path in (ROOT / room).rglob("*.py")):
        if _SPEAKS.search(path.read_text("utf-8")):
            where = path.relative_to(ROOT).as_posix()
            for line, source, comments, _ in extract_from_file(
                "python", path, keywords=_KEYWORDS, comment_tags=("TRANSLATORS:",)
            ):
                catalogue.add(source, locations=[(where, line)], auto_comments=comments)
    return catalogue


def catalogue_files(folder: Path = LOCALE_FOLDER) -> list[Path]:
    """Find the catalogue of each language."""
    return sorted(folder.glob(f"*/LC_MESSAGES/{NAME}"))


def load(path: Path) -> Catalog:
    """Read a catalogue; its folder names the language."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parents[1].name, abort_invalid=True)


def as_po(catalogue: Catalog) -> bytes:
    """Write a catalogue for translators."""
    catalogue.creation_date = catalogue.revision_date = _NO_DATE
    catalogue.header_comment, catalogue.project, catalogue.version = _HEADER, "Vedette", "1"
    catalogue.msgid_bugs_address = catalogue.last_translator = catalogue.language_team = "Vedette"
    target = BytesIO()
    write_po(target, catalogue, width=110, sort_by_file=True, include_lineno=False, ignore_obsolete=True)
    return target.getvalue()


def compiled(catalogue: Catalog) -> bytes:
    """Write a catalogue as the bot reads it."""
    target = BytesIO()
    write_mo(target, catalogue)
    return target.getvalue()


def untranslated(catalogue: Catalog) -> list[Message]:
    """Give the texts that are not translated, or not in every plural form."""
    return [message for message in catalogue if message.id and not _is_whole(message)]


def _is_whole(message: Message) -> bool:
    forms = message.string if isinstance(message.string, tuple) else (message.string,)
    return all(forms) and not message.fuzzy


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
