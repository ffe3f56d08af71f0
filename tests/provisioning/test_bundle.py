"""A bundle round trip: packed from a hub, verified as a device would; and what can go wrong on the way."""

from __future__ import annotations

import errno
import io
import zipfile
from pathlib import Path

import pytest

from edge.sync.bundle import BundleSource
from provisioning.blobs import BlobStore
from provisioning.bundle import BundleError, Order, Packer
from provisioning.bundle_check import check_bundle
from provisioning.cli import run
from provisioning.errors import HubUnreachableError
from provisioning.hub_api import HubApi
from provisioning.trusted import NotTrustedError, Truststore
from tests.builders import make_placement, make_province, make_template, new_signer
from tests.fakes.hub import FakeHub, real_now
from tests.provisioning.conftest import COMMUNE, a_programme, put_sound
from wire.bundle import INDEX_NAME, parse_entry
from wire.content import Item
from wire.units import DAY, HOUR, MINUTE, UtcTime

DEVICE = "loa-xa-01"
OTHER = "loa-xa-02"
WHOLE_DAYS = 30


@pytest.fixture
def furnished(hub) -> FakeHub:
    """A commune with a programme, a template, two devices: one speaks Vietnamese, one Mông."""
    begun = UtcTime(real_now() - MINUTE)
    said = Item("tin-1", "Tiêm phòng", renditions=[put_sound(hub), put_sound(hub, tone_hz=500, language="hmn")])
    spare = Item("nhac", "Nhạc", renditions=[put_sound(hub, tone_hz=800)])
    hub.province.publish_programme(
        COMMUNE, a_programme(COMMUNE, said, issued=begun, items=[said, spare], reserve=["nhac"])
    )
    hub.province.publish_template(make_template(sound=put_sound(hub, tone_hz=900)))
    placed = [make_placement(DEVICE, f"{COMMUNE}/01", new_signer()),
              make_placement(OTHER, f"{COMMUNE}/02", new_signer(), languages=["hmn"])]  # fmt: skip
    hub.province.publish_placements(COMMUNE, placed)
    return hub


def packer(hub: FakeHub, folder: Path) -> Packer:
    return Packer(HubApi(hub.url), Truststore(folder, hub.province.root), BlobStore(folder / "sounds"))


def names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as bundle:
        return bundle.namelist()


def test_a_bundle_is_what_a_device_verifies(furnished, tmp_path):
    out = tmp_path / "goi.loab"

    packed = packer(furnished, tmp_path / "cache").pack(Order(COMMUNE, (DEVICE,)), out)
    checked = check_bundle(out, furnished.province.root, real_now())

    assert checked.faults == ()
    assert checked.index == packed.index
    assert checked.index.devices == [DEVICE]
    assert checked.supplied_until == packed.index.supplied_until
    assert abs(packed.index.supplied_until - (real_now() + WHOLE_DAYS * DAY)) < HOUR
    assert {"c00694", "p08", "d08", "tpl", "targets"} <= set(checked.roles)


def test_it_stands_in_the_order_of_the_format_and_uncompressed(furnished, tmp_path):
    out = tmp_path / "goi.loab"
    packer(furnished, tmp_path / "cache").pack(Order(COMMUNE), out)

    found = names(out)
    with zipfile.ZipFile(out) as bundle:
        methods = {info.compress_type for info in bundle.infolist()}

    kinds = [name.split("/")[0] for name in found]
    assert found[0] == INDEX_NAME
    assert sorted(set(kinds), key=kinds.index) == [INDEX_NAME, "metadata", "targets", "blobs"]
    assert all(parse_entry(name) for name in found[1:])
    assert methods == {zipfile.ZIP_STORED}
    assert "metadata/1.root.json" in found
    assert f"targets/areas/{COMMUNE}/programme.json" in found


def test_only_the_sounds_of_the_devices_languages_are_packed(furnished, tmp_path):
    one, other = tmp_path / "viet.loab", tmp_path / "mong.loab"
    packer(furnished, tmp_path / "cache").pack(Order(COMMUNE, (DEVICE,)), one)
    packer(furnished, tmp_path / "cache").pack(Order(COMMUNE, (OTHER,)), other)

    sounds = [{name for name in names(path) if name.startswith("blobs/")} for path in (one, other)]

    assert [len(found) for found in sounds] == [3, 2]
    assert len(sounds[0] & sounds[1]) == 1  # the template's clip, which exists in one language alone


def test_the_device_reads_it(furnished, tmp_path):
    out = tmp_path / "goi.loab"
    packer(furnished, tmp_path / "cache").pack(Order(COMMUNE, (DEVICE,)), out)

    with BundleSource(out) as source:
        source.check_for(DEVICE, f"{COMMUNE}/01")
        root = source.metadata("1.root.json", limit=512 * 1024)

    assert root == furnished.province.root


def test_running_alerts_are_packed_and_others_left(furnished, tmp_path):
    template = make_template(sound=put_sound(furnished, tone_hz=900))
    furnished.province.now = real_now()
    running = furnished.province.start_alert(COMMUNE, template)
    over = furnished.province.start_alert(
        COMMUNE, template, issued=UtcTime(real_now() - 2 * HOUR), expires=UtcTime(real_now() - HOUR)
    )
    elsewhere = furnished.province.start_alert("08/00700", template)
    forged = running.replace(b'"sig":"', b'"sig":"AAAA', 1)
    out = tmp_path / "goi.loab"

    packer(furnished, tmp_path / "cache").pack(Order(COMMUNE), out, [running, over, elsewhere, forged])

    assert len([name for name in names(out) if name.startswith("alerts/")]) == 1
    assert check_bundle(out, furnished.province.root, real_now()).alerts == 1


def test_a_device_of_somebody_else_is_not_packed(furnished, tmp_path):
    out = tmp_path / "goi.loab"

    with pytest.raises(BundleError, match="loa-la is not placed in 08/00694"):
        packer(furnished, tmp_path / "cache").pack(Order(COMMUNE, (DEVICE, "loa-la")), out)

    assert not out.exists()


def test_a_broken_off_run_goes_on_where_it_stopped(furnished, tmp_path):
    packer(furnished, tmp_path / "other").pack(Order(COMMUNE), tmp_path / "khac.loab")
    missing = [one for one in furnished.requests if "/blobs/" in one][-1].rsplit("/", 1)[1]
    kept = furnished.blobs.pop(missing)
    with pytest.raises(Exception, match="404"):
        packer(furnished, tmp_path / "cache").pack(Order(COMMUNE), tmp_path / "goi.loab")
    furnished.blobs[missing] = kept
    before = len(furnished.requests)

    packer(furnished, tmp_path / "cache").pack(Order(COMMUNE), tmp_path / "goi.loab")

    asked = [one for one in furnished.requests[before:] if "/blobs/" in one]
    assert f"GET /blobs/{missing}" in asked
    assert len(asked) < len(furnished.blobs)
    assert check_bundle(tmp_path / "goi.loab", furnished.province.root, real_now()).faults == ()


def test_a_sound_resumes_at_the_byte_where_it_broke_off(furnished, tmp_path):
    sha256, raw = next(iter(furnished.blobs.items()))
    folder = tmp_path / "sounds" / sha256[:2]
    folder.mkdir(parents=True)
    (folder / f"{sha256}.part").write_bytes(raw[:1000])

    path = BlobStore(tmp_path / "sounds").bring(sha256, len(raw), HubApi(furnished.url))

    assert path.read_bytes() == raw


def test_a_part_of_something_else_is_thrown_away(furnished, tmp_path):
    sha256, raw = next(iter(furnished.blobs.items()))
    folder = tmp_path / "sounds" / sha256[:2]
    folder.mkdir(parents=True)
    part = folder / f"{sha256}.part"
    part.write_bytes(b"x" * 1000)
    store = BlobStore(tmp_path / "sounds")

    with pytest.raises(Exception, match="another content"):
        store.bring(sha256, len(raw), HubApi(furnished.url))

    assert not part.exists()
    assert store.bring(sha256, len(raw), HubApi(furnished.url)).read_bytes() == raw


class FullStick(io.FileIO):
    """A stick on which nothing more fits after a few kilobytes."""

    def write(self, data) -> int:
        if self.tell() > 8_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


def test_a_failing_stick_leaves_the_old_bundle_whole(furnished, tmp_path, monkeypatch):
    out = tmp_path / "goi.loab"
    packer(furnished, tmp_path / "cache").pack(Order(COMMUNE), out)
    before = out.read_bytes()
    real_open = Path.open

    def failing_open(path, mode="r", *rest, **options):
        return (
            FullStick(path, "w")
            if path.suffix == ".tmp" and "goi" in path.name
            else real_open(path, mode, *rest, **options)
        )

    monkeypatch.setattr(Path, "open", failing_open)
    with pytest.raises(BundleError, match="No space left"):
        packer(furnished, tmp_path / "cache").pack(Order(COMMUNE), out)

    assert out.read_bytes() == before
    assert [path.name for path in tmp_path.glob("goi*")] == ["goi.loab"]


def test_a_lying_hub_makes_no_bundle(furnished, tmp_path):
    furnished.lie_about_metadata = {"timestamp.json": b"{}"}

    with pytest.raises(NotTrustedError, match="timestamp"):
        packer(furnished, tmp_path / "cache").pack(Order(COMMUNE), tmp_path / "goi.loab")


def test_without_a_hub_it_says_so_in_one_line(furnished, tmp_path):
    api = HubApi("http://127.0.0.1:1")
    nowhere = Packer(api, Truststore(tmp_path, furnished.province.root), BlobStore(tmp_path / "sounds"))

    with pytest.raises(HubUnreachableError) as caught:
        nowhere.pack(Order(COMMUNE), tmp_path / "goi.loab")

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda name, raw: None if name.startswith("blobs/") else raw, "is missing"),
        (lambda name, raw: b"x" * len(raw) if name.startswith("blobs/") else raw, "is damaged"),
        (
            lambda name, raw: raw.replace(b"chieu", b"sangg") if name.endswith("/programme.json") else raw,
            "not the bytes",
        ),
        (lambda name, raw: None if name.endswith("c00694.json") else raw, "c00694"),
        (lambda name, raw: raw.replace(b'"version":1', b'"version":2') if "c00694" in name else raw, "c00694"),
        (lambda name, raw: None if name.startswith("targets/areas/08/00694/place") else raw, "is released but not in"),
    ],
)
def test_what_a_device_would_refuse_is_named(furnished, tmp_path, damage, fault):
    good, bad = tmp_path / "goi.loab", tmp_path / "hong.loab"
    packer(furnished, tmp_path / "cache").pack(Order(COMMUNE, (DEVICE,)), good)
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(bad, "w") as target:
        for name in source.namelist():
            raw = damage(name, source.read(name))
            if raw is not None:
                target.writestr(name, raw)

    checked = check_bundle(bad, furnished.province.root, real_now())

    assert any(fault in one for one in checked.faults), checked.faults


def test_a_file_that_is_no_bundle_is_said_in_one_line(furnished, tmp_path):
    (tmp_path / "x.loab").write_bytes(b"PK\x03\x04 not really")

    with pytest.raises(BundleError, match="cannot be read as a bundle"):
        check_bundle(tmp_path / "x.loab", furnished.province.root, real_now())


def test_another_provinces_root_verifies_nothing(furnished, tmp_path, key_files):
    packer(furnished, tmp_path / "cache").pack(Order(COMMUNE), tmp_path / "goi.loab")
    stranger = make_province(now=UtcTime(real_now() - MINUTE), known=key_files[1])

    checked = check_bundle(tmp_path / "goi.loab", stranger.root, real_now())

    assert checked.roles == {}
    assert checked.faults


def test_the_commands_pack_show_and_submit(furnished, tmp_path, capsys):
    root, out, log = tmp_path / "root.json", tmp_path / "goi.loab", tmp_path / f"{DEVICE}.log"
    root.write_bytes(furnished.province.root)
    log.write_bytes(b'{"a": 1}\n{"b": 2}\n')
    packing = ["bundle", "--hub", furnished.url, "--root", str(root), "--device", DEVICE, "--area", COMMUNE]

    codes = [
        run([*packing, "--out", str(out), "--cache", str(tmp_path / "cache")]),
        run(["bundle", "show", str(out), "--root", str(root)]),
        run(["bundle", "submit", str(log), "--hub", furnished.url]),
        run(["bundle", "submit", str(log), "--hub", furnished.url]),
    ]

    said = capsys.readouterr().out.splitlines()
    assert codes == [0, 0, 0, 0]
    assert said[1].startswith("Đủ nội dung đến ")
    assert said[1] == said[5]
    assert said[6:] == [
        "Đã nộp: 2 mục mới, 0 mục đã có, 0 mục không nhận",
        "Đã nộp: 0 mục mới, 2 mục đã có, 0 mục không nhận",
    ]


def test_a_refused_log_line_ends_with_one(furnished, tmp_path, capsys):
    (tmp_path / "x.log").write_bytes(b'{"a": 1}\nrubbish\n')

    code = run(["bundle", "submit", str(tmp_path / "x.log"), "--hub", furnished.url])

    assert code == 1
    assert "Đã nộp: 1 mục mới, 0 mục đã có, 1 mục không nhận" in capsys.readouterr().out


def test_a_missing_option_is_wrong_usage(tmp_path, capsys):
    assert run(["bundle", "--hub", "http://localhost:1"]) == 2
    assert "--root" in capsys.readouterr().err
