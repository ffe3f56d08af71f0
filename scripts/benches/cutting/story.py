"""A device's days on the recorded file system: the agent's real durable half, driven as its loop drives it.

Refresh, fetch, switch, alerts and cancels, plays with their rows, `logged`, the floor of time, forgetting, restarts.
After each the running device's facts are kept as acknowledged, and a mark goes into the record.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from edge.config import Config, check_config
from edge.errors import EdgeError
from edge.link import NoLink
from edge.parts import Parts, build_parts
from edge.report.outbox import Outbox
from edge.report.playlog import Draft, PlayLog
from edge.setup import Wishes, init_device
from edge.supply_line import SupplyLine, Tell
from edge.sync.alerts import Accepted, Moment
from scripts.benches.cutting.disk import MARK, Op, Tree
from scripts.benches.cutting.facts import Facts, Truth, facts_of
from tests.builders import Province, make_placement, make_programme, make_province, make_template
from wire.alert import Template
from wire.content import Item, Sound
from wire.envelope import key_from_hex
from wire.playlog import Receipt
from wire.programme import PlayItem, Programme, Recurrence, Slot
from wire.trust.expiry import NETWORK
from wire.trust.rolefile import sha256_hex
from wire.units import DAY, HOUR, MINUTE, SECOND, UtcTime, local_day

DEVICE, COMMUNE, HAMLET = "loa-1", "08/00694", "08/00694/02"
BLOB_BYTES = 9_000
MOUNT_LIMIT_S = 20


@dataclass
class Source:
    """What a province has released, as a device's source; and sounds by hash."""

    files: dict[str, bytes]
    target_files: dict[str, bytes]
    blobs: dict[str, bytes] = field(default_factory=dict)
    signed: dict[str, int] = field(default_factory=dict)
    """Whatever was ever released, by hash, in its order."""

    def note_releases(self) -> None:
        for raw in (*self.files.values(), *self.target_files.values()):
            self.signed.setdefault(sha256_hex(raw), len(self.signed) + 1)

    def metadata(self, file: str, *, limit: int) -> bytes | None:  # noqa: ARG002 - the protocol's shape
        return self.files.get(file)

    def target(self, path: str, sha256: str, *, limit: int) -> bytes | None:  # noqa: ARG002
        folder, _, name = path.rpartition("/")
        return self.target_files.get(f"{folder}/{sha256}.{name}")

    def blob(self, sha256: str, start: int, *, limit: int) -> Piece | None:  # noqa: ARG002
        raw = self.blobs.get(sha256)
        return Piece(start, raw[start:]) if raw is not None else None

    def add_sound(self, name: str, duration_ms: int = 30_000) -> Sound:
        """Bytes that nobody decodes here."""
        raw = (name.encode() * (BLOB_BYTES // len(name) + 1))[:BLOB_BYTES]
        self.blobs[sha256_hex(raw)] = raw
        return Sound(language="vi", sha256=sha256_hex(raw), size=len(raw), duration_ms=duration_ms)


@dataclass(frozen=True)
class Piece:
    """Bytes under way, in four gulps."""

    start: int
    raw: bytes

    def copy_to(self, file: BinaryIO, taken: Callable[[bytes], None]) -> None:
        step = len(self.raw) // 4 + 1
        for at in range(0, len(self.raw), step):
            file.write(self.raw[at : at + step])
            file.flush()
            taken(self.raw[at : at + step])


@dataclass(frozen=True)
class Recording:
    """What came of it: the disk before, every operation, what was acknowledged at which mark."""

    first: Tree
    ops: list[Op]
    acked: list[Facts]
    truth: Truth
    source: Source
    now: UtcTime


class Device:
    """The durable half, opened and opened again."""

    def __init__(self, folder: Path, source: Source, province: Province, acknowledged: Callable[[Facts], None]) -> None:
        self._folder = folder
        self._source = source
        self.province = province
        self._acknowledged = acknowledged
        self.boots = 0
        self.start()

    def start(self) -> None:
        self.boots += 1
        self.parts = open_parts(self._folder, self.province.now, boot=f"boot-{self.boots}")
        self.playlog = PlayLog(self.parts.store)
        self.playlog.close_broken(self.now, 3)
        self.outbox = Outbox(self.parts.store, self.playlog, NoLink(), self.parts.identity, self.parts.me)
        self.line = supply_line(self.parts)
        self.line.load()
        self.acknowledge()

    def stop(self) -> None:
        self.line.stop()
        self.parts.store.close()

    @property
    def now(self) -> UtcTime:
        return self.province.now

    def acknowledge(self) -> None:
        self._acknowledged(facts_of(self.parts, self.playlog))

    def refresh(self) -> None:
        self._source.note_releases()
        self.parts.syncer.refresh(self._source, NETWORK)
        self.acknowledge()

    def haul(self) -> None:
        """Fetch what is missing; what is complete comes into force, as `settle` does."""
        for need in self.line.load().missing:
            self.parts.cache.take(self._source, need.sha256, need.size)
            self.acknowledge()
        self.line.load()
        self.acknowledge()

    def play(self, number: int) -> None:
        draft = Draft(self.now, 3, "play", item=f"tin-{number}", area=COMMUNE, started=self.now)
        self.playlog.open_play(f"cue-{number}", draft)
        self.acknowledge()
        self.playlog.close_play(f"cue-{number}", draft)
        self.acknowledge()

    def note(self, text: str) -> None:
        self.playlog.append(Draft(self.now, 3, "event", detail=text))
        self.acknowledge()

    def take_order(self, raw: bytes) -> str:
        parts = self.parts
        holdings = parts.library.holdings(parts.syncer.placement)
        judged = parts.alerts.judge(raw, parts.trust.held, holdings, Moment(self.now, self.now, parts.clock.floor))
        if not isinstance(judged, Accepted):
            raise EdgeError(f"the story's own order is not taken: {judged}")
        parts.alerts.remember(judged)
        self.acknowledge()
        self.outbox.add_receipt(Receipt(DEVICE, judged.seen.id, ["received", "verified"], self.now, 3))
        return judged.seen.id


def open_parts(folder: Path, now: UtcTime, *, boot: str) -> Parts:
    rig = {"clock_offset_s": now / SECOND - time.time(), "boot_id": boot}
    return build_parts(folder, _config(rig))


def _config(rig: dict[str, object]) -> Config:
    values = {"device": DEVICE, "serial": f"serial-{DEVICE}", "rig": rig, "store": {"free_floor_mb": 0}}
    return check_config(values, where="powercut")


def supply_line(parts: Parts) -> SupplyLine:
    def ignore(_: object) -> None:
        """Nobody listens: the story asks."""

    return SupplyLine(
        me=parts.me, trust=parts.trust, library=parts.library, cache=parts.cache, syncer=parts.syncer,
        clock=parts.clock, fetcher=None, tell=Tell(ignore, ignore, ignore, ignore, ignore),
        failed=lambda _name, error: (_ for _ in ()).throw(error),
    )  # fmt: skip


def record(folder: Path, *, rounds: int) -> Recording:
    """Let a device live `rounds` days below `folder`, and bring the record home."""
    province = make_province()
    source = Source(province.files, province.target_files)
    back, mount, ops_file = folder / "back", folder / "mount", folder / "record.pickle"
    prepare(folder, back, source, province)
    first = {path.relative_to(back).as_posix(): path.read_bytes() for path in back.rglob("*") if path.is_file()}
    acked: list[Facts] = []

    def acknowledge(facts: Facts) -> None:
        os.setxattr(mount, MARK, str(len(acked)).encode())
        acked.append(facts)

    with mounted(back, mount, ops_file):
        live(Device(mount, source, province, acknowledge), source, rounds)
    ops = pickle.loads(ops_file.read_bytes())  # noqa: S301 - our own recorder wrote it
    return Recording(first, ops, acked, Truth(source.signed, frozenset(source.blobs)), source, province.now)


def prepare(folder: Path, back: Path, source: Source, province: Province) -> None:
    """Enrol the device, and let everybody speak once."""
    (folder / "root.json").write_bytes(province.root)
    list(init_device(back, Wishes(DEVICE, f"serial-{DEVICE}", "pc", "", "", folder / "root.json")))
    key = key_from_hex(_public_key(back))
    province.publish_template(template_of(source))
    province.publish_placements(COMMUNE, [make_placement(DEVICE, HAMLET, _Key(key))])  # type: ignore[arg-type]
    province.publish_programme(COMMUNE, programme_of(source, province.now, 0))


def live(device: Device, source: Source, rounds: int) -> None:
    """One round is a day."""
    province = device.province
    for day in range(rounds):
        province.now = UtcTime(province.now + DAY // 2)
        device.refresh()
        device.haul()
        device.play(day)
        first = device.take_order(province.start_alert(COMMUNE, template_of(source), nonce=f"{day:04x}"))
        device.note("alert")
        device.take_order(province.cancel_alert(COMMUNE, [first], nonce=f"{day:04x}"))
        device.playlog.mark_logged(device.playlog.chain, device.playlog.last_seq)
        device.parts.store.put(mutes="[]")
        device.acknowledge()
        device.parts.clock.save()
        province.now = UtcTime(province.now + DAY // 2)
        device.parts.alerts.forget(UtcTime(province.now + DAY))
        device.acknowledge()
        province.publish_programme(COMMUNE, programme_of(source, province.now, day + 1))
        if day % 3 == 2:
            device.stop()
            device.start()
    device.refresh()
    device.haul()
    device.stop()


def template_of(source: Source) -> Template:
    return make_template(sound=source.add_sound("bao dong", 5_000))


def programme_of(source: Source, now: UtcTime, number: int) -> Programme:
    """A new bulletin each day, beside one that stays."""
    items = [Item(name, name, renditions=[source.add_sound(f"{name} ")]) for name in ("nhac-hieu", f"tin-{number}")]
    when = Recurrence(first=local_day(now).isoformat(), freq="daily")
    slot = Slot("sang", "Khung sáng", 6 * HOUR, 30 * MINUTE, when, [PlayItem(COMMUNE, item.id) for item in items])
    return make_programme(COMMUNE, issued=now, play_until=UtcTime(now + 3 * DAY), items=items, slots=[slot])


@contextmanager
def mounted(back: Path, mount: Path, ops_file: Path) -> Iterator[None]:
    """The recorder in a process of its own, until the block ends and it has written its record."""
    mount.mkdir()
    command = [sys.executable, "-m", "scripts.benches.cutting.recorder", str(back), str(mount), str(ops_file)]
    recorder = subprocess.Popen(command)
    try:
        _wait(lambda: os.path.ismount(mount) or recorder.poll() is not None)
        if not os.path.ismount(mount):
            raise EdgeError("the recorder could not mount: /dev/fuse and fusermount3 (Debian: fuse3) are needed")
        yield
    finally:
        if os.path.ismount(mount):
            subprocess.run(["fusermount3", "-u", str(mount)], check=True)
        recorder.wait(MOUNT_LIMIT_S)


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + MOUNT_LIMIT_S
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)


def _public_key(folder: Path) -> str:
    return str(json.loads((folder / "request.json").read_text())["key"])


@dataclass(frozen=True)
class _Key:
    """Stands where a signer is asked for its public half."""

    public_key: object
