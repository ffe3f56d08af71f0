"""What lies on disk and in dumps tells no name, address or key; the master key opens it, and nothing else does."""

from __future__ import annotations

import dataclasses
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy import text

from hub import audit, migrations
from hub.areas import actions as areas
from hub.auth import actions as auth
from hub.auth import store as persons
from hub.auth.roles import Grant, Role
from hub.broker_tls import write_broker_config
from hub.config import load_config
from hub.context import open_hub
from hub.db import Database
from hub.devices import store as devices
from hub.errors import ConfigError
from hub.migrations import current, migrate
from hub.publishing.intake import take_trust
from hub.secrets.keyring import Keyring, SealedError, new_key, read_keys, write_keys
from hub.secrets.rotate import forget_old, rotate
from hub.setup import open_prepared, prepare, seal_secrets, secret_files
from tests.hub.conftest import COMMUNE, PASSWORD, SYSTEM, write_trust
from tests.hub.postgres import POSTGRESQL, postgresql

NAME, PHONE, ADDRESS, REASON = "Hoàng Thị Mến", "0912 345 678", "203.0.113.77", "bà Lù Seo Páo xin thôi việc"
PLANTED = (NAME, "Hoàng Thị", "Thị Mến", PHONE, "0912", ADDRESS, "Seo Páo")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request):
    """The URL of the database, empty for SQLite in the data folder."""
    if request.param == "sqlite":
        yield ""
    else:
        with postgresql() as url:
            yield url


@pytest.fixture
def full(tmp_path, server, first_province):
    """A data folder with everything that is to be kept from whoever reads the disk."""
    environ = {"LOA_HUB_DATABASE": server, "LOA_HUB_STATIONS": "station-1"}
    config = load_config(tmp_path / "data", environ=environ)
    empty(config)
    prepare(config)
    hub = open_hub(config)
    areas.import_areas(hub, province="08", name="Tỉnh Tuyên Quang")
    shutil.rmtree(tmp_path / "trust", ignore_errors=True)
    take_trust(hub, write_trust(first_province, tmp_path / "trust"))
    auth.add_person(hub, username="men", name=NAME, password=PASSWORD, held=[Grant(Role.EDITOR, COMMUNE)])
    auth.log_in(hub, "men", PASSWORD, origin=ADDRESS)
    with pytest.raises(auth.WrongPasswordError):
        auth.log_in(hub, "men", "wrong", origin=ADDRESS)
    with hub.writing() as conn:
        devices.put_cluster(conn, "cl-9", area=COMMUNE, name="Cụm 9", kind="loudspeaker", languages=["vi"], tags=[],
                            note=f"chìa khoá ở nhà trưởng thôn, {PHONE}")  # fmt: skip
        audit.note(conn, at=hub.now(), person="men", verb="return", area=COMMUNE, detail=REASON)
    write_broker_config(hub, tmp_path / "broker", names=["localhost"], address="127.0.0.1", port=8883)
    yield hub
    hub.close()


def empty(config) -> None:
    if config.database:
        db = Database(config.database)
        with db.engine.begin() as conn:
            conn.execute(text("DROP SCHEMA public CASCADE"))
            conn.execute(text("CREATE SCHEMA public"))
        db.close()


def everything_on_disk(hub) -> bytes:
    """Every byte of the data folder, and a dump of the database where it lies elsewhere."""
    raw = b"".join(path.read_bytes() for path in hub.config.root.rglob("*") if path.is_file())
    if hub.config.database:
        url = hub.config.database.replace("+psycopg", "")
        raw += subprocess.run([POSTGRESQL / "pg_dump", url], check=True, capture_output=True).stdout
    return raw


def secrets_of(hub) -> list[bytes]:
    """What each sealed file holds: passwords, the cookies' key, a line out of the middle of each private key."""
    found = []
    for path in secret_files(hub.config):
        raw = hub.keys.read(path)
        found.append(raw.splitlines()[1] if raw.startswith(b"-----BEGIN") else raw)
    return found


def test_nothing_on_disk_or_in_a_dump_tells_names_addresses_or_keys(full):
    raw = everything_on_disk(full)
    assert len(raw) > 100_000, "that was no hub"
    assert b"cl-9" in raw
    assert [word for word in PLANTED if word.encode() in raw] == []
    kept = secrets_of(full)
    assert len(kept) == 7, "cookies, hub and station-1 on the broker, snapshot, timestamp, CA, the worker's certificate"
    assert [secret for secret in kept if secret in raw] == []


def test_the_hub_itself_reads_them(full):
    with full.reading() as conn:
        assert persons.names(conn) == {"men": NAME}
        assert persons.load(conn, "men").name == NAME
        assert PHONE in devices.cluster(conn, "cl-9")["note"]
        assert audit.latest(conn, [COMMUNE])[0]["detail"] == REASON
        seen = persons.login_origin(conn, "men", ADDRESS)
        assert (seen.succeeded > 0, seen.failures) == (True, 1)
        assert persons.login_origin(conn, "men", "203.0.113.78").succeeded == 0


def test_a_new_key_seals_everything_and_the_old_one_opens_nothing(full):
    before = full.config.master_key.read_bytes()
    old = read_keys(full.config.master_key)[0]
    assert rotate(full) > 8
    assert full.keys.newest != old
    with full.reading() as conn:
        assert persons.names(conn) == {"men": NAME}
    assert forget_old(full) == [old.ident]
    assert old.ident.encode() not in everything_on_disk(full), "not in a free page or a write-ahead log either"
    open_prepared(full.config).close()
    full.config.master_key.write_bytes(before)
    with pytest.raises(SealedError, match="not in"):
        open_prepared(full.config)


def test_another_process_goes_on_while_the_key_changes(full):
    with closing(open_prepared(full.config)) as web:
        rotate(full)
        with web.reading() as conn:
            assert persons.names(conn) == {"men": NAME}
        auth.add_person(web, username="lu", name="Lù A Chay", password=PASSWORD, held=[])
    forget_old(full)
    with closing(open_prepared(full.config)) as hub, hub.reading() as conn:
        assert persons.names(conn)["lu"] == "Lù A Chay"


def test_a_change_of_key_that_broke_off_is_finished_by_the_next(full):
    keys = read_keys(full.config.master_key)
    write_keys(full.config.master_key, (new_key(), *keys))  # and then the power went
    open_prepared(full.config).close()
    rotate(full)
    assert len(forget_old(full)) == 2
    open_prepared(full.config).close()


def test_what_an_older_hub_left_open_is_sealed_and_leaves_no_trace(tmp_path, server):
    config = load_config(tmp_path / "data", environ={"LOA_HUB_DATABASE": server})
    empty(config)
    config.root.mkdir()
    write_keys(config.master_key, (new_key(),))
    (config.root / "secret.key").write_text("the-old-secret-of-cookies")
    (config.root / "hub.password").write_text("the-old-password\n")
    db = Database(config.database_url, Keyring(config.master_key))
    alembic = AlembicConfig()
    alembic.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with db.engine.begin() as conn:
        alembic.attributes["connection"] = conn
        command.upgrade(alembic, "0007")
        person, tried = {"name": NAME}, {"origin": ADDRESS}
        conn.execute(text("INSERT INTO persons VALUES ('men', :name, 'x', true, 0, 0, 0)"), person)
        conn.execute(text("INSERT INTO audit VALUES (1, 0, 'men', 'login-failed', '', '', :origin)"), tried)
        conn.execute(text("INSERT INTO login_origins VALUES ('men', :origin, 0, 0, 0, 0)"), tried)
    db.close()
    prepare(config)
    with closing(open_prepared(config)) as hub:
        raw = everything_on_disk(hub)
        assert [word for word in (*PLANTED, "the-old-") if word.encode() in raw] == []
        assert hub.keys.read(config.broker_password_file) == b"the-old-password"
        with hub.reading() as conn:
            assert persons.names(conn) == {"men": NAME}
        with hub.db.engine.begin() as conn:
            alembic.attributes["connection"] = conn
            command.downgrade(alembic, "0007")
            assert conn.execute(text("SELECT name FROM persons")).scalar() == NAME
        migrate(hub.db)
        assert current(hub.db) == migrations.newest()


# --- the key itself ---


@pytest.fixture
def config(tmp_path):
    made = load_config(tmp_path / "data", environ={})
    assert prepare(made) is True
    assert prepare(made) is False
    return made


def test_the_key_is_made_once_outside_the_folder_and_for_nobody_else(config):
    assert config.master_key == config.root.with_name("data.key")
    assert config.master_key.stat().st_mode & 0o777 == 0o600
    assert not list(config.root.rglob("data.key"))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda path: path.unlink(), "bring it back"),
        (lambda path: write_keys(path, (new_key(),)), "not in"),
        (lambda path: path.write_text(path.read_text().replace("key-1:", "key-1:0")), "mistyped"),
        (lambda path: path.write_text(path.read_text()[:-8]), "mistyped"),
        (lambda path: path.write_text(""), "holds no master key"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "cannot be read"),
        (lambda path: path.chmod(0o644), "chmod 600"),
    ],
)
def test_without_the_right_key_each_command_says_so_in_one_line(config, spoil, says):
    spoil(config.master_key)
    before = config.master_key.read_bytes() if config.master_key.exists() else None
    for words in (["init"], ["web"]):
        ended = subprocess.run(
            [sys.executable, "-m", "hub", *words, "--dir", config.dir], capture_output=True, text=True, check=False
        )
        assert (ended.returncode, len(ended.stderr.strip().splitlines())) == (1, 1), (words, ended.stderr)
        wanted = "cannot be read" if says == "bring it back" and words != ["init"] else says
        assert wanted in ended.stderr
        assert ended.stdout == ""
    assert before == (config.master_key.read_bytes() if config.master_key.exists() else None), "none was made anew"


def test_a_key_inside_the_data_folder_is_not_taken(tmp_path):
    config = load_config(tmp_path / "data", environ={"LOA_HUB_MASTER_KEY_FILE": str(tmp_path / "data" / "x.key")})
    with pytest.raises(ConfigError, match="outside"):
        prepare(config)


def test_the_key_may_come_from_where_systemd_puts_credentials(tmp_path, config):
    place = tmp_path / "credentials"
    place.mkdir()
    shutil.move(config.master_key, place / "master")
    (place / "master").chmod(0o440)  # as systemd shows it to a service of its own user
    moved = load_config(config.root, environ={"LOA_HUB_MASTER_KEY_FILE": str(place / "master")})
    open_prepared(moved).close()


def test_a_sealed_value_opens_in_its_own_place_alone_and_only_whole(tmp_path):
    write_keys(tmp_path / "k", (new_key(),))
    keys = Keyring(tmp_path / "k")
    token = keys.seal(b"four-bytes", "persons.name")
    assert keys.open(token, "persons.name") == b"four-bytes"
    assert keys.seal(b"four-bytes", "persons.name") != token
    with pytest.raises(SealedError):
        keys.open(token, "clusters.note")
    for at in range(len(token)):
        for other in {"A", "B", "x", "=", "."} - {token[at]}:
            with pytest.raises(SealedError):
                keys.open(token[:at] + other + token[at + 1 :], "persons.name")
    for cut in range(len(token)):
        with pytest.raises(SealedError):
            keys.open(token[:cut], "persons.name")


def test_a_value_that_was_planted_open_is_refused_and_not_believed(box):
    with closing(sqlite3.connect(box.config.root / "hub.db")) as raw, raw:
        raw.execute("UPDATE persons SET name = 'Chủ tịch' WHERE username = 'mai'")
    with pytest.raises(SealedError), box.hub.reading() as conn:
        persons.load(conn, "mai")


def test_a_program_without_the_key_can_read_what_is_not_sealed_and_nothing_else(box):
    db = Database(box.config.database_url)
    with db.read() as conn:
        assert devices.accounts(conn) == {}
        with pytest.raises(ConfigError, match="no master key"):
            persons.names(conn)
    db.close()


def test_a_station_is_told_its_password_by_a_command(config, tmp_path):
    (config.root / "hub.toml").write_text('stations = ["station-1"]\n')
    (config.root / "station-1.password").write_text("chosen-by-a-person\n")
    assert seal_secrets(config, Keyring(config.master_key)) == 1

    def loa_hub(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "hub", *words, "--dir", config.dir]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert loa_hub("account-password", "station-1").stdout == "chosen-by-a-person\n"
    assert loa_hub("account-password", "../secret").returncode == 1
    shown = loa_hub("key", "show").stdout
    assert read_keys(config.master_key)[0].ident in shown
    assert read_keys(config.master_key)[0].line not in shown


def test_the_box_of_these_tests_is_sealed_as_in_earnest(box):
    """The folder that all other tests copy."""
    assert dataclasses.asdict(box.person("mai"))["name"] == "mai"
    assert SYSTEM.name == "loa-hub"
    assert all(path.read_bytes().startswith(b"s1.") for path in secret_files(box.config))
