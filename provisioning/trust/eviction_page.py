"""The one page to be printed when a hub was stolen: what to do, in order, with boxes to tick. Vietnamese, A4."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template

from securesystemslib.signer import Key

from provisioning.trust.changes import ONLINE, short
from wire.trust.authority import authority
from wire.trust.held import Held

PAGE = Path(__file__).with_name("eviction.html")


def write_page(path: Path, held: Held, keys: Mapping[str, Key]) -> Path:
    """Write the page for this province and these new keys of a hub; its path."""
    root = authority(held, "root")
    old = [short(key.keyid) for name in ONLINE for key in authority(held, name).keys]
    values = {
        "province": escape(held.province or ""),
        "threshold": root.threshold,
        "new": "".join(f"<tr><td>{name}<td><code>{short(keys[name].keyid)}</code></tr>" for name in ONLINE),
        "old": ", ".join(old),
        "holders": "".join(f"<tr><td><code>{short(key.keyid)}</code><td><td></tr>" for key in root.keys),
        "fingerprint": short(held.root_fingerprint) + " … " + held.root_fingerprint[-6:],
    }
    path.write_text(Template(PAGE.read_text("utf-8")).substitute(values), "utf-8")
    return path
