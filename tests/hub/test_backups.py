"""Backups of a hub that runs, and hubs made out of them: whole or refused, on SQLite and on PostgreSQL."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import random
import resource
import shutil
import subprocess
import sys
import threading
from contextlib import closing, contextmanager

import pytest
from sqlalchemy import text

from hub import audit, outbox
from hub.app import create_app
from hub.areas import actions as areas
from hub.auth import actions as auth
from hub.auth import store as persons
from hub.backups import archive
from hub.backups.actions import backup, restore
from hub.certificates import actions as certificates
from hub.config import load_config
from hub.content.blobs import blob_path, store_blob
from hub.context import open_hub
from hub.db import Database
from hub.devices import store as devices
from hub.errors import ConfigError
from hub.inbound import take
from hub.playlog.inbound import take_log
from hub.publishing import repository
from hub.publishing.intake import take_trust
from hub.publishing.release import LEAP, prolong_online
from hub.secrets.keyring import Keyring, SealedError, new_key, write_keys
from hub.secrets.stream import BLOCK, MAGIC, NotOpenedError, OpeningReader, SealingWriter
from hub.setup import open_prepared, prepare
from tests.hub.conftest import CAST, COMMUNE, PASSWORD, Box, SetClock, write_trust
from tests.hub.postgres import postgresql
from tests.hub.test_alerts import birth
from tests.hub.test_publishing import device_held, programme, released
from tests.hub.tls import make_request
from wire.envelope import public_hex
from wire.playlog import read_logged

SOUND = b"OggS and so on" * 5_000


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request):
    if request.param == "sqlite":
        yield ""
    else:
        with postgresql() as url:
            yield url


@pytest.fixture
def empty_database(server):
    """`empty_database()` throws away what is in the database, as a new machine would."""

    def empty() -> None:
        if server:
            db = Database(server)
            with db.engine.begin() as conn:
                conn.execute(text("DROP SCHEMA public CASCADE"))
                conn.execute(text("CREATE SCHEMA public"))
            db.close()

    return empty


@pytest.fixture
def settings(server):
    return {"LOA_HUB_DATABASE": server, "LOA_HUB_BACKUP_KEEP": "2"}


@pytest.fixture
def home(tmp_path, settings, empty_database, first_province):
    """A hub at work: people, a released programme with its sound, a CA, a device whose log came."""
    empty_database()
    config = load_config(tmp_path / "data", environ=settings)
    prepare(config)
    hub = open_hub(config, SetClock())
    areas.import_areas(hub, province="08", name="Tỉnh Tuyên Quang")
    take_trust(hub, write_trust(first_province, tmp_path / "trust"))
    for username in ("mai", "chair-00694", "deputy-00694", "dang", "ha"):
        signer = first_province.signers.get(username)
        keys = [(signer.public_key.keyid, public_hex(signer.public_key))] if signer else []
        name, held = f"Bà {username}", CAST[username]
        auth.add_person(hub, username=username, name=name, password=PASSWORD, held=held, keys=keys)
    province = dataclasses.replace(first_province, roles=dict(first_province.roles), files=dict(first_province.files))
    box = Box(config, hub, province, hub.now)
    box.add_cluster()
    certificates.make_authority(hub)
    (tmp_path / "sound").write_bytes(SOUND)
    store_blob(tmp_path / "sound", hashlib.sha256(SOUND).hexdigest(), config.blob_dir)
    release(box)
    yield box
    hub.close()


def release(box) -> None:
    ident = box.submit(COMMUNE, "programme", programme())
    for username in ("chair-00694", "deputy-00694"):
        box.sign(ident, username)


def restored_config(config, settings):
    """As another machine: a new folder, the master key brought along."""
    there = load_config(config.root.with_name("new"), environ=settings)
    shutil.copy2(config.master_key, there.master_key)
    return there


def bring_back(made, there, settings):
    return restore(there, made, reload=lambda folder: load_config(folder, environ=settings))


@contextmanager
def reopened(box, there):
    with closing(open_prepared(there)) as hub:
        yield dataclasses.replace(box, config=there, hub=dataclasses.replace(hub, now=box.clock))


# --- there and back ---


def test_a_restored_hub_serves_what_the_first_one_did(home, settings, empty_database, tmp_path):
    device = home.add_device("loa-1")
    take_log(home.hub, device.log(device.rows(3)), carrier="loa-1")
    with home.hub.reading() as conn:
        files, log = repository.newest_files(conn), audit.latest(conn, ["08"])
    ca = certificates.load_authority(home.hub).certificate_pem
    made = backup(home.hub, tmp_path / "backups")
    home.hub.close()
    empty_database()
    there = restored_config(home.config, settings)
    done = bring_back(made.path, there, settings)
    assert (done.about.database, done.parts) == ("postgresql" if settings["LOA_HUB_DATABASE"] else "sqlite", made.parts)
    with reopened(home, there) as again:
        with again.hub.reading() as conn:
            served = repository.newest_files(conn)
            assert {role for role in served if served[role] != files[role]} == {"snapshot", "timestamp"}
            assert [row for row in audit.latest(conn, ["08"]) if row["verb"] != "restore"] == log
            assert persons.names(conn)["mai"] == "Bà mai"
        assert released(again) is not None
        assert blob_path(hashlib.sha256(SOUND).hexdigest(), there.blob_dir).read_bytes() == SOUND
        assert certificates.load_authority(again.hub).certificate_pem == ca
        certificates.issue_device(again.hub, make_request()[1], "loa-1")
        auth.log_in(again.hub, "mai", PASSWORD)
        release(again)
        client = create_app(there, again.hub).test_client()
        assert client.get("/tuf/metadata/timestamp.json").status_code == 200
    assert not list(there.root.glob("work/*")), "no open copy of the database stays behind"


def test_devices_take_a_restored_hub_though_they_saw_newer_numbers(home, settings, empty_database, tmp_path):
    made = backup(home.hub, tmp_path / "backups")
    for _ in range(5):  # what the hub signs alone: timestamps, snapshots
        prolong_online(home.hub, force=True)
    seen = device_held(home, COMMUNE + "/02")
    home.hub.close()
    empty_database()
    there = restored_config(home.config, settings)
    done = bring_back(made.path, there, settings)
    with reopened(home, there) as again:
        after = device_held(again, COMMUNE + "/02", before=seen)
        assert after.timestamp.version == done.resumed.timestamp >= LEAP
        assert ("loa/1/ar/08/ver", "waiting") in states(again)


def test_a_role_signed_after_the_backup_is_missed_openly_and_comes_back_by_its_file(
    home, settings, empty_database, tmp_path
):
    made = backup(home.hub, tmp_path / "backups")
    release(home)
    seen = device_held(home, COMMUNE + "/02")
    with home.hub.reading() as conn:
        lost = repository.role_file(conn, "c00694", 2)
        path = "areas/08/00694/programme.json"
        target = repository.current_target(conn, path)
    home.hub.close()
    empty_database()
    there = restored_config(home.config, settings)
    assert bring_back(made.path, there, settings).about.versions["c00694"] == 1
    with reopened(home, there) as again:
        with pytest.raises(AssertionError, match="c00694"):
            device_held(again, COMMUNE + "/02", before=seen)
        stick = tmp_path / "stick"
        (stick / "metadata").mkdir(parents=True)
        (stick / "metadata" / "2.c00694.json").write_bytes(lost)
        (stick / "targets" / path).parent.mkdir(parents=True)
        (stick / "targets" / path).write_bytes(target)
        assert take_trust(again.hub, stick) == 1
        assert device_held(again, COMMUNE + "/02", before=seen).roles["c00694"].version == 2
        assert released(again) == target


def states(box) -> set[tuple[str, str]]:
    with box.hub.reading() as conn:
        return {(row.topic, row.state) for row in conn.execute(outbox.outbox_rows.select())}


def test_old_sessions_and_old_messages_do_not_live_again_and_logs_are_asked_for(
    home, settings, empty_database, tmp_path
):
    device = home.add_device("loa-1")
    rows = device.rows(5)
    take_log(home.hub, device.log(rows[:2]), carrier="loa-1")
    token, _ = auth.log_in(home.hub, "mai", PASSWORD)
    with home.hub.writing() as conn:
        outbox.put(conn, "loa/1/dn/loa-1/cmd", b'{"kind":"quieter"}', now=home.hub.now())
    made = backup(home.hub, tmp_path / "backups")
    take_log(home.hub, device.log(rows), carrier="loa-1")
    home.hub.close()
    empty_database()
    there = restored_config(home.config, settings)
    done = bring_back(made.path, there, settings)
    assert (done.resumed.sessions, done.resumed.messages > 0) == (1, True)
    with reopened(home, there) as again:
        assert auth.person_of(again.hub, token) is None
        assert ("loa/1/dn/loa-1/cmd", "waiting") not in states(again)
        take(again.hub, "loa/1/up/loa-1/birth", birth("loa-1", chain=device.chain))
        [answer] = [body for topic, body in again.waiting_messages() if topic.endswith("/logged")]
        assert read_logged(answer).seq == 2, "from there the device sends again what the hub lacks"
        assert take_log(again.hub, device.log(rows), carrier="loa-1") == (3, 5)


def test_the_backup_is_of_one_moment_while_people_go_on_writing(home, settings, empty_database, tmp_path):
    """Two rows that belong together are both there or both missing, however often it is done."""
    begun, stop = threading.Event(), threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            with home.hub.writing() as conn:
                for half in ("one", "other"):
                    audit.note(conn, at=home.hub.now(), person="mai", verb="pair", subject=str(number), detail=half)
            begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert begun.wait(10)
        made = backup(home.hub, tmp_path / "backups")
    finally:
        stop.set()
        writer.join()
    home.hub.close()
    empty_database()
    there = restored_config(home.config, settings)
    bring_back(made.path, there, settings)
    with reopened(home, there) as again, again.hub.reading() as conn:
        rows = conn.execute(text("SELECT subject, count(*) FROM audit WHERE verb = 'pair' GROUP BY subject")).all()
    assert {count for _, count in rows} == {2}


# --- what is refused ---


@pytest.fixture
def made(box, tmp_path):
    return backup(box.hub, tmp_path / "backups").path


@pytest.fixture
def there(box, tmp_path):
    return restored_config(box.config, {})


def test_a_backup_that_is_cut_anywhere_or_changed_in_a_bit_is_refused_and_leaves_nothing(made, there):
    raw, dice = made.read_bytes(), random.Random(5)  # noqa: S311
    edges = [len(MAGIC), 100, *(n * (BLOCK + 16) + 128 + d for n in range(len(raw) // BLOCK) for d in (-1, 0, 1))]
    cuts = [*range(130), *edges, *(dice.randrange(len(raw)) for _ in range(40)), len(raw) - 1]
    for cut in cuts:
        made.write_bytes(raw[:cut])
        with pytest.raises((NotOpenedError, SealedError)):
            bring_back(made, there, {})
    for at in [*range(120), *(dice.randrange(len(raw)) for _ in range(60))]:
        made.write_bytes(raw[:at] + bytes([raw[at] ^ 1 << dice.randrange(8)]) + raw[at + 1 :])
        with pytest.raises((NotOpenedError, SealedError)):
            bring_back(made, there, {})
    made.write_bytes(raw + b"\0")
    with pytest.raises(NotOpenedError):
        bring_back(made, there, {})
    assert [path.name for path in there.root.parent.iterdir() if path.name.startswith("new")] == ["new.key"]
    made.write_bytes(raw)
    bring_back(made, there, {})


def test_every_cut_and_every_bit_of_a_short_stream_counts(tmp_path):
    write_keys(tmp_path / "k", (new_key(),))
    keys, file = Keyring(tmp_path / "k"), io.BytesIO()
    writer = SealingWriter(file, keys)
    writer.write(b"all that a hub is")
    writer.close()
    raw = file.getvalue()

    def read(changed: bytes) -> bytes:
        opened = OpeningReader(io.BytesIO(changed), keys)
        taken = opened.read(1_000)
        opened.finish()
        return taken

    assert read(raw) == b"all that a hub is"
    for cut in range(len(raw)):
        with pytest.raises((NotOpenedError, SealedError)):
            read(raw[:cut])
    for bit in range(len(raw) * 8):
        at, turned = bit // 8, 1 << bit % 8
        with pytest.raises((NotOpenedError, SealedError)):
            read(raw[:at] + bytes([raw[at] ^ turned]) + raw[at + 1 :])


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_streams_of_every_length_come_back_and_blocks_cannot_be_left_out_or_swapped(tmp_path, size):
    write_keys(tmp_path / "k", (new_key(),))
    keys, file = Keyring(tmp_path / "k"), io.BytesIO()
    writer = SealingWriter(file, keys)
    writer.write(b"x" * size)
    writer.close()
    raw = file.getvalue()
    opened = OpeningReader(io.BytesIO(raw), keys)
    assert opened.read(10**6) == b"x" * size
    opened.finish()
    if size > BLOCK:
        head = raw.index(b"}\n") + 2
        for changed in (raw[: head + BLOCK + 16], raw[:head] + raw[head + BLOCK + 16 :]):
            with pytest.raises(NotOpenedError):
                OpeningReader(io.BytesIO(changed), keys).finish()


def test_what_is_no_backup_or_anothers_is_refused(made, there, tmp_path):
    for raw in (b"", b"PK\x03\x04", MAGIC, MAGIC + b"{}\n", MAGIC + b'{"key":"x","salt":"zz"}\n', b"x" * 10**5):
        (tmp_path / "other").write_bytes(raw)
        with pytest.raises(NotOpenedError):
            bring_back(tmp_path / "other", there, {})
    write_keys(there.master_key, (new_key(),))
    with pytest.raises(SealedError, match="not in"):
        bring_back(made, there, {})
    there.master_key.unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        bring_back(made, there, {})
    assert not there.root.exists()


def test_it_is_never_restored_over_something(made, there, home, settings):
    there.root.mkdir()
    (there.root / "hub.toml").write_text("")
    with pytest.raises(ConfigError, match="not empty"):
        bring_back(made, there, {})
    if settings["LOA_HUB_DATABASE"]:
        full = backup(home.hub, made.parent / "full").path
        place = restored_config(home.config, settings)
        shutil.rmtree(place.root, ignore_errors=True)
        with pytest.raises(ConfigError, match="tables already"):
            bring_back(full, place, settings)
        assert not place.root.exists()


def test_a_backup_of_a_newer_loa_is_left_to_it(box, there, tmp_path):
    file = tmp_path / "newer"
    about = archive.About(made_at=1, province="08", software="9", migration="9999", database="sqlite", versions={})
    with file.open("wb") as out:
        archive.write(out, box.hub.keys, [], lambda: about)
    with pytest.raises(ConfigError, match="newer"):
        bring_back(file, there, {})


# --- the file itself ---


def test_nothing_in_a_backup_can_be_read_without_the_key(box, made):
    raw = made.read_bytes()
    for word in (b"SQLite format", b"08/00694", b"mai", b"-----BEGIN", b"folder/", b"manifest"):
        assert word not in raw
    assert made.stat().st_mode & 0o777 == 0o600
    with made.open("rb") as file:
        names = {part.name for part in archive.verify(file, box.hub.keys).parts}
    assert names >= {"database/database.sqlite", "folder/secret.key", "folder/hub.password"}
    assert names >= {"folder/online/snapshot.pem", "folder/online/timestamp.pem"}
    assert not [name for name in names if name.startswith(("folder/work", "folder/hub.db"))]


def test_old_ones_leave_when_a_new_one_is_there_and_what_is_not_ours_stays(box, tmp_path):
    box = dataclasses.replace(box, hub=dataclasses.replace(box.hub, config=two_kept(box.config)))
    folder = tmp_path / "backups"
    folder.mkdir()
    for name in ("loa-08-20200101T000000Z.loabackup.partial", "loa-09-20200101T000000Z.loabackup", "notes.txt"):
        (folder / name).write_text("x")
    paths = []
    for _ in range(3):
        paths.append(backup(box.hub, folder).path)
        box.clock.at += 60_000
    assert {path.name for path in folder.iterdir()} == {
        *(path.name for path in paths[1:]), "loa-09-20200101T000000Z.loabackup", "notes.txt"
    }  # fmt: skip


def two_kept(config):
    return load_config(config.root, environ={"LOA_HUB_BACKUP_KEEP": "2"})


def test_a_full_disk_ends_it_in_one_line_and_nothing_is_lost(box, made):
    """The kernel refuses to let a file grow, as a full disk does."""
    before = sorted((path.name, path.read_bytes()) for path in made.parent.iterdir())
    code = ("import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000)); "
            "sys.argv[0] = 'loa-hub'; from hub.cli import run; sys.exit(run())")  # fmt: skip
    for _ in range(2):
        ended = subprocess.run(
            [sys.executable, "-c", code, "backup", "--dir", box.config.dir, "--out", made.parent],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (ended.returncode, ended.stdout) == (1, "")
        assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr
    assert sorted((path.name, path.read_bytes()) for path in made.parent.iterdir()) == before
    assert not list(box.config.root.glob(".backup-*"))
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_it_does_not_go_into_the_folder_that_it_saves(box):
    with pytest.raises(ConfigError, match="outside"):
        backup(box.hub, box.config.root / "backups")


def test_the_commands_say_what_they_did(box, tmp_path):
    def loa_hub(*words: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "hub", *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert loa_hub("backup", "--dir", box.config.dir).returncode == 1
    (box.config.root / "hub.toml").write_text(f'backup_dir = "{tmp_path / "b"}"\n')
    said = loa_hub("backup", "--dir", box.config.dir)
    [file] = (tmp_path / "b").iterdir()
    assert (said.returncode, str(file) in said.stdout, "verified" in said.stdout) == (0, True, True)
    new = restored_config(box.config, {})
    said = loa_hub("restore", file, "--dir", new.dir)
    assert said.returncode == 0, said.stderr
    for word in ("p08 1", "sessions", "evict-hub", "revoked", "--trust"):
        assert word in said.stdout
    assert loa_hub("restore", file, "--dir", new.dir).returncode == 1, "twice does no harm"


def test_a_device_that_knows_more_than_the_hub_is_noted_once(box):
    box.add_cluster()
    box.add_device("loa-1")
    for _ in range(2):
        take(box.hub, "loa/1/up/loa-1/birth", birth("loa-1", versions={"c00694": 7}))
    with box.hub.reading() as conn:
        assert [event["kind"] for event in devices.events_of(conn, "loa-1")].count("hub_behind") == 1

