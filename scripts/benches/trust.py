"""What trust costs a loudspeaker in a whole province: 124 communes, 15 hamlets each, 3 keys to every role.

The ceremony's own builder makes the metadata, a real hub serves them, and the device's own refresh takes them in a
process of its own: cold from nothing but the root, warm with nothing new, and after one commune's programme changed.
Bytes are TCP payload in both directions, heads included, as they passed a proxy; times are without it. An emergency is
judged as the device does before it sounds, signed by two officers. The peer is python-tuf's `ngclient` on the same hub.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

from edge.setup import Wishes, init_device
from scripts.benches.parts.device import Answer, Device
from scripts.benches.parts.traffic import CountingProxy
from scripts.benches.parts.whole_province import PROVINCE, WholeProvince, communes, make_province, make_templates
from scripts.benches.report import load_average, parser, percentile, print_report
from scripts.province.processes import DemoError, Processes, port_answers, program, wait_for
from scripts.province.solo import free_ports
from wire.alert import ALERT_TYPE, Start
from wire.codec import encode
from wire.enrolment import Placement
from wire.envelope import seal
from wire.trust.rolefile import sha256_hex
from wire.units import HOUR, MINUTE, UtcTime

COLD_RUNS = 5
WARM_RUNS = 50
CHANGES = 5
ALERTS = 200
SETTLED_MS = HOUR
"""How long ago everything was signed: a device whose clock is a little off takes it all the same."""


class Place:
    """A province on this machine, its hub, and loudspeakers in one of its communes."""

    def __init__(self, folder: Path, hub_port: int, root_file: Path) -> None:
        self.folder = folder
        self.hub = f"http://127.0.0.1:{hub_port}"
        self._root_file = root_file

    def make_device(self, name: str, area: str, issued: UtcTime) -> Placement:
        """Its folder, and where the registrar puts it."""
        wishes = Wishes(name, f"serial-{name}", "pc", self.hub, "", self._root_file)
        list(init_device(self.folder / name, wishes))
        key = json.loads((self.folder / name / "request.json").read_text())["key"]
        return Placement(name, [key], f"serial-{name}", area, f"cum-{name}", 1, issued)

    @contextmanager
    def device(self, name: str) -> Iterator[Device]:
        running = Device(self.folder / name)
        try:
            yield running
        finally:
            running.close()


@contextmanager
def served(folder: Path, port: int) -> Iterator[None]:
    """The hub's web process, as long as the block lasts."""
    (folder / "hub" / "hub.toml").write_text(f"port = {port}\n")
    processes = Processes(folder / "logs")
    try:
        processes.start("web", [program("loa-hub"), "web", "--dir", folder / "hub"])
        wait_for(lambda: port_answers(port), "the hub")
        yield
    finally:
        processes.stop_all()


def measure_cold(place: Place, names: Sequence[str], area: str, *, hint: str) -> list[float]:
    """From nothing but the root to all that a loudspeaker of `area` obeys. With no hint it searches its place."""
    took = []
    for name in names:
        with place.device(name) as device:
            done = device.refresh(place.hub, hint=hint)
            _check_supplied(done, area)
            took.append(float(done["ms"]))
    return took


def measure_bytes(place: Place, name: str, area: str, changes: Callable[[str], int]) -> Answer:
    """What passes the wire: at first, at rest, after a change here and after one in another commune."""
    proxy = CountingProxy(int(place.hub.rpartition(":")[2]))
    through = f"http://127.0.0.1:{proxy.port}"
    other = f"{PROVINCE}/{communes()[-1]}"

    def spent(device: Device) -> int:
        before = sum(talk.size for talk in proxy.conversations)
        device.refresh(through, hint=area)
        return sum(talk.size for talk in proxy.conversations) - before

    try:
        with place.device(name) as device:
            found: Answer = {"cold": spent(device), "warm": spent(device)}
            for what, where in (("change_here", area), ("change_elsewhere", other)):
                sizes = []
                for _ in range(CHANGES):
                    uncompressed = changes(where)
                    sizes.append(spent(device))
                found[what] = max(sizes)
                found["programme_and_role_uncompressed"] = uncompressed
            return found
    finally:
        proxy.close()


def sign_alerts(province: WholeProvince, area: str, count: int) -> list[bytes]:
    """Orders of the commune's two officers, no two alike, that a device would obey."""
    template = make_templates()[0]
    role = f"ea{area.rsplit('/', 1)[-1]}"
    now = UtcTime(time.time_ns() // 1_000_000)
    digest, blanks = sha256_hex(encode(template)), {"muc": template.blanks[0].choices[0].id}
    orders = [
        Start(role, area, template.id, digest, now, UtcTime(now + 5 * MINUTE), blanks=blanks, nonce=token_hex(16))
        for _ in range(count)
    ]
    return [seal(encode(order), ALERT_TYPE, province.holders(role)[:2]) for order in orders]


def measure_peer(place: Place, root_file: Path, area: str) -> Answer:
    """`tuf.ngclient` from the same hub, in a process of its own."""
    words = (place.folder / "peer", place.hub, root_file, area)
    command = [sys.executable, "-m", "scripts.benches.parts.tuf_peer", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DemoError(f"tuf.ngclient: {done.stderr.strip().splitlines()[-1]}")
    found: Answer = json.loads(done.stdout)
    return found


def _check_supplied(done: Answer, area: str) -> None:
    role = f"c{area.split('/')[1]}"
    if not {"targets", "tpl", role} <= set(done["installed"]):
        raise DemoError(f"the device is not supplied: {done['installed']}")


def measure(folder: Path, options: Any) -> tuple[dict[str, float], dict[str, object], dict[str, object]]:
    """Figures, peers, details."""
    issued = UtcTime(time.time_ns() // 1_000_000 - SETTLED_MS)
    began = time.monotonic()
    province = make_province(folder, now=issued)
    port = free_ports().hub
    place = Place(folder, port, province.root_file)
    commune = f"{PROVINCE}/{communes()[len(communes()) // 2]}"
    names = [f"loa-{n}" for n in range(options.cold)]
    placed = [place.make_device(name, f"{commune}/01", issued) for name in (*names, "loa-lost", "loa-wire")]
    province.everybody_speaks(placed)
    made_s = time.monotonic() - began
    with served(folder, port):
        cold = measure_cold(place, names, commune, hint=commune)
        lost = measure_cold(place, ["loa-lost"], commune, hint="")
        with place.device(names[0]) as device:
            empty_mb = device.rss_mb()
            device.refresh(place.hub)  # the connection stays
            warm = [float(device.refresh(place.hub)["ms"]) for _ in range(options.warm)]
            judged = device.judge(sign_alerts(province, commune, ALERTS))
            rss_mb = device.rss_mb()
        wire = measure_bytes(place, "loa-wire", commune, province.change_programme)
        peer = measure_peer(place, province.root_file, commune)
    province.hub.close()
    figures = {
        "cold_ms": statistics.median(cold), "warm_ms": statistics.median(warm),
        "commune_change_bytes": wire["change_here"], "emergency_verify_ms": judged["judge_ms"], "rss_mb": rss_mb,
    }  # fmt: skip
    details: dict[str, object] = {
        "province": {"roles": len(province.roster.holders_by_role()), "people": len(province.roster.people),
                     "made_s": round(made_s, 1)},
        "cold_ms": {"max": round(max(cold), 1), "searching_its_place": round(lost[0], 1)},
        "warm_ms": {"p99": round(percentile(warm, 0.99), 2), "max": round(max(warm), 2)},
        "bytes": wire,
        "emergency_ms": {name: round(value, 3) for name, value in judged.items()},
        "rss_mb": {"opened": round(empty_mb, 1)},
        "file_bytes": _sizes(province),
        "load": load_average(),
    }  # fmt: skip
    return figures, {"tuf.ngclient": peer}, details


def _sizes(province: WholeProvince) -> dict[str, int]:
    """Of the first metadata, uncompressed."""
    sizes = province.first_bytes
    kinds = ("root", "targets", f"p{PROVINCE}", "snapshot")
    largest = {kind: max(size for name, size in sizes.items() if name.startswith(kind)) for kind in ("g", "h")}
    return {kind: sizes[kind] for kind in kinds} | largest


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--cold", type=int, default=COLD_RUNS, help="loudspeakers that start from nothing")
    options.add_argument("--warm", type=int, default=WARM_RUNS, help="refreshes with nothing new")
    args = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as made:
        figures, peers, details = measure(Path(made), args)
    print_report("trust", figures=figures, peers=peers, runs=args.warm, as_json=args.json, details=details)


if __name__ == "__main__":
    main()
