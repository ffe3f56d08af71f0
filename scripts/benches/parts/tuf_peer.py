"""python-tuf's own client over the same repository: what a device would do with `tuf.ngclient` instead of `wire.trust`.

`python -m scripts.benches.parts.tuf_peer DIR HUB ROOT AREA`: refreshes from nothing and then again, each time down to
the programmes and policies of the area; one JSON object on standard output. It holds no place, template or time.
"""

from __future__ import annotations

import json
import logging
import statistics
import sys
import time
from pathlib import Path

from tuf.ngclient import Updater, UpdaterConfig

from edge.sync.library import paths_of

WARM = 20


def refresh_once(folder: Path, hub: str, root: bytes, area: str) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    updater = Updater(
        str(folder / "metadata"), f"{hub}/tuf/metadata/", str(folder / "targets"), f"{hub}/tuf/targets/",
        config=UpdaterConfig(prefix_targets_with_hash=True), bootstrap=root,
    )  # fmt: skip
    updater.refresh()
    for path in paths_of(area):
        found = updater.get_targetinfo(path)
        if found is not None and updater.find_cached_target(found) is None:
            updater.download_target(found)
    return (time.perf_counter() - began) * 1000


def main(folder: Path, hub: str, root_file: Path, area: str) -> None:
    logging.getLogger("tuf").setLevel(logging.WARNING)
    for name in ("metadata", "targets"):
        (folder / name).mkdir(parents=True)
    root = root_file.read_bytes()
    cold_ms = refresh_once(folder, hub, root, area)
    warm_ms = statistics.median(refresh_once(folder, hub, root, area) for _ in range(WARM))
    held = sum(1 for _ in (folder / "targets").iterdir())
    print(json.dumps({"cold_ms": round(cold_ms, 1), "warm_ms": round(warm_ms, 1), "files": held}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), sys.argv[4])
