"""Drafts the next migration from what the stores' tables have become: `python -m hub.migrations.draft MESSAGE`.

The draft is read, corrected and tested like any other code; `test_store_contract` fails while one is missing.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig

from hub.db import Database
from hub.migrations import newest
from hub.secrets.keyring import Keyring, new_key, write_keys

_HERE = Path(__file__).parent


def main() -> None:
    number = f"{int(newest() or 0) + 1:04d}"
    config = AlembicConfig()
    config.set_main_option("script_location", str(_HERE))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    with tempfile.TemporaryDirectory() as folder:
        db = Database(f"sqlite:///{folder}/draft.db", Keyring(_a_key(Path(folder))))
        with db.engine.begin() as conn:
            config.attributes["connection"] = conn
            command.upgrade(config, "head")
        with db.engine.begin() as conn:
            config.attributes["connection"] = conn
            command.revision(config, " ".join(sys.argv[1:]) or "change", autogenerate=True, rev_id=number)
        db.close()


def _a_key(folder: Path) -> Path:
    write_keys(folder / "draft.key", (new_key(),))
    return folder / "draft.key"


if __name__ == "__main__":
    main()
