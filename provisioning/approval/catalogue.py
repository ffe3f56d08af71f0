"""Chore: `python -m provisioning.approval.catalogue` lists the sentences of provisioning that lack a translation.

Python says `_("…")`, `words("…")` or `N_("…")`, the page `t("…")`; a test asks the same question.
"""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.extract import extract_from_file

from provisioning.approval.words import LOCALE, SOURCE_LANGUAGE, Words

FOLDER = Path(__file__).parent
KEYWORDS = {"_": None, "words": None, "N_": None, "t": None}


def sentences() -> dict[str, str]:
    """Every sentence of the source, with the file in which it stands first."""
    found: dict[str, str] = {}
    sources = [(path, "python") for path in sorted(FOLDER.parent.rglob("*.py"))]
    sources += [(path, "javascript") for page in ("static", "phone") for path in sorted((FOLDER / page).rglob("*.js"))]
    for path, method in sources:
        for _line, message, _comments, _context in extract_from_file(method, path, keywords=KEYWORDS):
            if isinstance(message, str) and message:
                found.setdefault(message, path.relative_to(FOLDER.parent).as_posix())
    return found


def missing(language: str) -> list[str]:
    """Sentences without a translation."""
    catalogue = Words.load(language).catalogue
    return [sentence for sentence in sentences() if sentence not in catalogue]


def left_over(language: str) -> list[str]:
    """Translations of what nobody says any more."""
    known = sentences()
    return [sentence for sentence in Words.load(language).catalogue if sentence not in known]


if __name__ == "__main__":
    for folder in sorted(LOCALE.iterdir()):
        if folder.name != SOURCE_LANGUAGE:
            for sentence in missing(folder.name):
                sys.stdout.write(f"{folder.name}: {sentence}\n")
