"""The stick: taken by the same rules, somebody else's refused, a failing one a clear error with nothing half taken."""

from __future__ import annotations

import io
import queue
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from edge.errors import BundleError
from edge.link import NoLink
from edge.report.outbox import Outbox
from edge.report.playlog import Draft, PlayLog
from edge.sticks import Sticks, find_orders, import_by_hand, read_order_file
from edge.sync.bundle import BundleSource
from tests.builders import make_template
from tests.edge.test_sync import COMMUNE, HAMLET, PROGRAMME, Device, say
from tests.edge.world import NOW, World, daily, wait_for
from wire.bundle import MAX_ENVELOPE_BYTES, BundleIndex, encode_index
from wire.envelope import key_from_hex, open_envelope
from wire.playlog import LOG_TYPE, read_batch
from wire.programme import PlayItem
from wire.units import DAY, HOUR, UtcTime


def make_bundle(world: World, path: Path, *, area=HAMLET, devices=(), leave_out=(), compress=False, alerts=()) -> Path:
    """Everything that the hub has, as a courier would carry it."""
    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", method) as bundle:
        index = BundleIndex("08", area, list(devices), world.province.now, UtcTime(NOW + DAY))
        bundle.writestr("bundle.json", encode_index(index))
        for name, raw in world.province.files.items():
            bundle.writestr(f"metadata/{name}", raw)
        for name, raw in newest_targets(world).items():
            bundle.writestr(f"targets/{name}", raw)
        for n, raw in enumerate(alerts):
            bundle.writestr(f"alerts/{n:064x}.dsse", raw)
        for sha256, raw in world.hub.blobs.items():
            if sha256 not in leave_out:
                bundle.writestr(f"blobs/{sha256}", raw)
    return path


def newest_targets(world: World) -> dict[str, bytes]:
    """Targets by path, without the hash; a later one replaces an earlier one."""
    split = ((name.rpartition("/"), raw) for name, raw in world.province.target_files.items())
    return {f"{folder}/{hashed.partition('.')[2]}": raw for (folder, _, hashed), raw in split}


@pytest.fixture
def placed(world):
    world.place("loa-1", HAMLET)
    say(world, "tin-1")
    device = Device(world)
    yield device
    device.close()


def test_a_device_without_a_network_is_fed_by_one_file(world, placed, tmp_path):
    outcome = import_by_hand(placed.parts, make_bundle(world, tmp_path / "goi.loab"))
    assert (outcome.error, outcome.report.refusals, outcome.supply.missing) == ("", [], ())
    assert [item.id for item in outcome.supply.holdings.programmes[COMMUNE].items] == ["tin-1"]
    assert world.hub.requests == []


def test_a_bundle_for_somebody_else_is_refused(world, placed, tmp_path):
    outcome = import_by_hand(placed.parts, make_bundle(world, tmp_path / "goi.loab", devices=["loa-9"]))
    assert outcome.error == "goi.loab is for loa-9, not for loa-1"
    assert placed.parts.library.accepted == {}


def test_a_bundle_for_another_commune_is_refused(world, placed, tmp_path):
    import_by_hand(placed.parts, make_bundle(world, tmp_path / "goi.loab"))
    outcome = import_by_hand(placed.parts, make_bundle(world, tmp_path / "khac.loab", area="08/00700"))
    assert outcome.error == "khac.loab is for 08/00700, this device stands in 08/00694/02"


def test_an_older_bundle_is_refused_and_the_programme_goes_on(world, placed, tmp_path):
    old = make_bundle(world, tmp_path / "cu.loab")
    say(world, "tin-2")
    import_by_hand(placed.parts, make_bundle(world, tmp_path / "moi.loab"))
    outcome = import_by_hand(placed.parts, old)
    assert [refusal.code for refusal in outcome.report.refusals] == ["out_of_date"]
    assert [item.id for item in outcome.supply.holdings.programmes[COMMUNE].items] == ["tin-2"]


def test_a_bundle_with_a_lying_sound_keeps_the_old_programme(world, placed, tmp_path):
    import_by_hand(placed.parts, make_bundle(world, tmp_path / "cu.loab"))
    sound = world.sound(1_000, hz=999)
    item = world.item("gia", sound)
    world.say(COMMUNE, items=[item], slots=[daily(UtcTime(NOW + HOUR), "sang", PlayItem(COMMUNE, "gia"))])
    world.hub.blobs[sound.sha256] = bytes(sound.size)
    outcome = import_by_hand(placed.parts, make_bundle(world, tmp_path / "gia.loab"))
    assert [need.sha256 for need in outcome.supply.missing] == [sound.sha256]
    assert [item.id for item in outcome.supply.holdings.programmes[COMMUNE].items] == ["tin-1"]


def test_what_a_bundle_lacks_stays_missing(world, placed, tmp_path):
    outcome = import_by_hand(placed.parts, make_bundle(world, tmp_path / "goi.loab", leave_out=set(world.hub.blobs)))
    assert (outcome.error, len(outcome.supply.missing)) == ("", 1)
    assert outcome.supply.holdings.programmes == {}


@pytest.mark.parametrize("damage", ["cut", "zeros", "text", "empty", "compressed"])
def test_what_is_no_whole_bundle_is_refused_in_one_line(world, placed, tmp_path, damage):
    path = make_bundle(world, tmp_path / "goi.loab", compress=damage == "compressed")
    raw = path.read_bytes()
    damaged = {
        "cut": raw[: len(raw) // 2], "zeros": raw[:200] + bytes(9_000) + raw[9_200:], "text": b"hello\n" * 99,
        "empty": b"", "compressed": raw,
    }  # fmt: skip
    path.write_bytes(damaged[damage])
    outcome = import_by_hand(placed.parts, path)
    assert outcome.error.startswith("goi.loab")
    assert placed.parts.library.accepted == {}


class Failing(io.RawIOBase):
    """A stick that says EIO beyond a byte."""

    def __init__(self, path: Path, good_bytes: int) -> None:
        super().__init__()
        self._file = path.open("rb")
        self._good = good_bytes

    def read(self, size=-1):
        at = self._file.tell()
        if at <= self._good and (size < 0 or self._good <= at + size):
            raise OSError(5, "Input/output error")
        return self._file.read(size)

    def seek(self, offset, whence=io.SEEK_SET):
        return self._file.seek(offset, whence)

    def tell(self):
        return self._file.tell()

    def seekable(self):
        return True

    def close(self):
        self._file.close()
        super().close()


def test_a_failing_stick_is_a_clear_error_and_nothing_is_half_taken(world, placed, tmp_path):
    path = make_bundle(world, tmp_path / "goi.loab")
    need = next(iter(world.hub.blobs))
    at = path.read_bytes().index(world.hub.blobs[need])
    bundle = BundleSource(path, open_file=lambda path: Failing(path, at + 4_000))
    with pytest.raises(BundleError, match=r"the stick cannot be read \(goi.loab\): .*Input/output error"):
        placed.parts.cache.take(bundle, need, len(world.hub.blobs[need]))
    bundle.close()
    assert not placed.parts.cache.path(need).exists()


def test_a_stick_that_fails_at_its_directory_is_a_clear_error(world, tmp_path):
    path = make_bundle(world, tmp_path / "goi.loab")
    with pytest.raises(BundleError, match="the stick cannot be read"):
        BundleSource(path, open_file=lambda path: Failing(path, path.stat().st_size - 10))


def test_alerts_on_a_stick_are_handed_on(world, placed, tmp_path):
    raw = world.province.start_alert(COMMUNE, make_template())
    with BundleSource(make_bundle(world, tmp_path / "goi.loab", alerts=[raw])) as bundle:
        assert list(bundle.alerts()) == [raw]


def test_the_stick_takes_the_signed_log_and_a_status_home(world, placed, tmp_path):
    stick = tmp_path / "usb"
    stick.mkdir()
    found: queue.Queue[Path] = queue.Queue()
    orders: queue.Queue[bytes] = queue.Queue()
    playlog = PlayLog(placed.parts.store)
    playlog.append(*(Draft(UtcTime(NOW + n), 3, "event", detail=f"row {n}") for n in range(150)))
    outbox = Outbox(placed.parts.store, playlog, NoLink(), placed.parts.identity, placed.parts.me)
    config = world.config("loa-1", stick_dir=str(stick))
    parts = replace(placed.parts, config=config)
    sticks = Sticks(parts, playlog, outbox, found=found.put, ordered=orders.put)
    make_bundle(world, stick / "goi.loab")
    sticks.look()
    outcome = import_by_hand(placed.parts, found.get(timeout=10))
    sticks.answer(outcome)
    status = stick / "loa-1-trang-thai.txt"
    wait_for(status.exists)
    sticks.look()
    sticks.stop()
    assert found.empty()
    keys = [key_from_hex(placed.parts.identity.public_hex)]
    batches = [
        read_batch(open_envelope(line, payload_type=LOG_TYPE, keys=keys, threshold=1, limit=100_000))
        for line in (stick / "loa-1.log").read_bytes().splitlines()
    ]
    assert [row.seq for batch in batches for row in batch.rows] == list(range(1, 151))
    text = status.read_text("utf-8-sig")
    assert "ĐỦ NỘI DUNG ĐẾN: 08:00 ngày 23/12/2026" in text
    assert f"  - {PROGRAMME}" in text


def test_orders_on_a_stick_are_read_as_files_and_nothing_else(tmp_path):
    good, long = tmp_path / "a.dsse", tmp_path / "dai.dsse"
    good.write_bytes(b"envelope")
    long.write_bytes(bytes(MAX_ENVELOPE_BYTES + 100))
    (tmp_path / "stick").mkdir()
    (tmp_path / "stick" / "b.dsse").write_bytes(b"below")
    (tmp_path / "link.dsse").symlink_to(good)
    (tmp_path / "folder.dsse").mkdir()
    found = find_orders(tmp_path)
    assert [path.name for path in found] == ["a.dsse", "dai.dsse", "folder.dsse", "link.dsse", "b.dsse"]
    assert [read_order_file(path) for path in (good, found[4])] == [b"envelope", b"below"]
    assert len(read_order_file(long)) == MAX_ENVELOPE_BYTES + 1
    assert [read_order_file(tmp_path / name) for name in ("link.dsse", "folder.dsse", "gone.dsse")] == [None] * 3


def test_an_order_in_the_inbox_is_taken_once_and_removed(world, placed):
    orders: queue.Queue[bytes] = queue.Queue()
    inbox = placed.parts.folder / "inbox"
    inbox.mkdir()
    (inbox / "lenh.dsse").write_bytes(b"envelope")
    playlog = PlayLog(placed.parts.store)
    outbox = Outbox(placed.parts.store, playlog, NoLink(), placed.parts.identity, placed.parts.me)
    sticks = Sticks(placed.parts, playlog, outbox, found=queue.Queue().put, ordered=orders.put)
    sticks.look()
    assert orders.get(timeout=10) == b"envelope"
    sticks.stop()
    assert list(inbox.iterdir()) == []
