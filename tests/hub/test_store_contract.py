"""The same stores on SQLite and on PostgreSQL 15: what one database does, the other does."""

from __future__ import annotations

import dataclasses
import multiprocessing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, Integer, Table, func, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from hub import audit, outbox, set_aside
from hub.alerts import store as alerts
from hub.areas import actions as area_actions
from hub.areas import store as areas
from hub.auth import actions as auth
from hub.auth.roles import Grant, Role
from hub.config import load_config
from hub.context import open_hub
from hub.db import Database, insert_new, metadata, upsert
from hub.devices import store as devices
from hub.migrations import current, migrate, newest
from hub.playlog import store as playlog
from hub.publishing import repository
from hub.publishing import store as proposals
from hub.publishing.model import State
from hub.secrets.keyring import Keyring, new_key, write_keys
from hub.security import store as security
from hub.telemetry import store as telemetry
from tests.hub.conftest import COMMUNE, PASSWORD, Device, SetClock
from tests.hub.postgres import postgresql
from wire.units import DAY, UtcTime

NOW = UtcTime(1_795_000_000_000)
EVER = {"since": UtcTime(0), "until": UtcTime(2**60)}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request, tmp_path_factory):
    """A URL whose database is emptied by each test."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('db')}/hub.db"
    else:
        with postgresql() as url:
            yield url


@pytest.fixture
def master_key(tmp_path):
    write_keys(tmp_path / "data.key", (new_key(),))
    return tmp_path / "data.key"


@pytest.fixture
def db(server, master_key):
    database = Database(server, Keyring(master_key))
    if current(database):
        with database.engine.begin() as conn:
            conn.execute(text("DROP TABLE alembic_version"))
            metadata.drop_all(conn)
    migrate(database)
    yield database
    database.close()


@pytest.fixture
def hub(db, server, tmp_path):
    config = load_config(tmp_path / "data", environ={"LOA_HUB_DATABASE": server})
    config.root.mkdir()
    opened = open_hub(config, SetClock())
    yield dataclasses.replace(opened, db=db)
    opened.close()


def test_migrations_make_exactly_the_tables_of_the_stores(db):
    with db.engine.connect() as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": True})
        differences = compare_metadata(context, metadata)
    assert differences == []  # otherwise: python -m hub.migrations.draft
    assert current(db) == newest()
    migrate(db)


def test_the_reading_side_cannot_write(db):
    with pytest.raises(SQLAlchemyError), db.read() as conn:
        outbox.put(conn, "t", b"x", now=NOW)
    with db.read() as conn:
        assert outbox.waiting(conn, NOW) == []


def test_a_transaction_that_fails_leaves_nothing(db):
    def act() -> None:
        with db.write() as conn:
            outbox.put(conn, "t", b"x", now=NOW)
            audit.note(conn, at=NOW, person="mai", verb="x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        act()
    with db.read() as conn:
        assert (outbox.waiting(conn, NOW), audit.latest(conn, ["08"])) == ([], [])


def test_inserting_what_is_there_says_so_and_changes_nothing(db):
    row = {"sha256": "a" * 64, "size": 1, "released_at": NOW}
    with db.write() as conn:
        assert insert_new(conn, repository.released_blobs, row) is True
        assert insert_new(conn, repository.released_blobs, {**row, "size": 2}) is False
        upsert(conn, repository.released_blobs, {"sha256": "a" * 64}, {"size": 3, "released_at": NOW})
        assert conn.execute(select(repository.released_blobs.c.size)).scalar_one() == 3


def test_the_outbox_keeps_order_urgency_expiry_and_what_is_retained(db):
    with db.write() as conn:
        outbox.put(conn, "a", b"1", now=NOW)
        outbox.put(conn, "b", b"2", now=NOW, urgency=outbox.FIRST)
        outbox.put(conn, "c", b"3", now=NOW, lasts_ms=10)
        outbox.put(conn, "d", b"old", now=NOW, retained=True)
        outbox.put(conn, "d", b"new", now=NOW, retained=True)
    with db.write() as conn:
        assert [m.topic for m in outbox.waiting(conn, UtcTime(NOW + 10))] == ["b", "a", "d"]
        assert [(m.topic, m.body) for m in outbox.retained(conn)] == [("d", b"new")]
        assert outbox.expire(conn, UtcTime(NOW + 10)) == 1
        first, second, third = outbox.waiting(conn, NOW)
        outbox.mark_sent(conn, [first.id], NOW)
        outbox.set_aside(conn, second.id, "no")
        assert [m.id for m in outbox.waiting(conn, NOW)] == [third.id]


def test_people_and_sessions(hub):
    held = [Grant(Role.EDITOR, COMMUNE), Grant(Role.VIEWER, "08")]
    auth.add_person(hub, username="mai", name="Mai", password=PASSWORD, held=held, keys=[("k" * 64, "p")])
    token, person = auth.log_in(hub, "mai", PASSWORD)
    assert (set(person.grants), person.keys) == (set(held), {"k" * 64})
    assert auth.person_of(hub, token) == person
    auth.add_person(hub, username="mai", name="Mai", password=PASSWORD, held=[])
    assert auth.person_of(hub, token) is None


@pytest.fixture
def officer(hub):
    """Somebody who has logged in at the office before."""
    auth.add_person(hub, username="mai", name="Mai", password=PASSWORD, held=[])
    auth.log_in(hub, "mai", PASSWORD, origin="10.0.0.1")


def guess(hub, *origins: str) -> None:
    for origin in origins:
        with pytest.raises(auth.WrongPasswordError):
            auth.log_in(hub, "mai", "x", origin=origin)


def test_wrong_passwords_lock_out_their_address_and_nobody_else(hub, officer):
    guess(hub, *["10.0.0.66"] * 10)
    with pytest.raises(auth.TooManyError):
        auth.log_in(hub, "mai", PASSWORD, origin="10.0.0.66")
    assert auth.log_in(hub, "mai", PASSWORD, origin="10.0.0.1")
    assert auth.log_in(hub, "mai", PASSWORD, origin="10.0.0.2")


def test_guessing_from_many_addresses_locks_strangers_out_and_not_the_office(hub, officer):
    guess(hub, *[f"10.9.0.{n}" for n in range(50)])
    with pytest.raises(auth.TooManyError):
        auth.log_in(hub, "mai", PASSWORD, origin="10.9.9.9")
    assert auth.log_in(hub, "mai", PASSWORD, origin="10.0.0.1")


def test_an_office_that_mistypes_is_locked_for_a_quarter_of_an_hour(hub, officer):
    guess(hub, *["10.0.0.1"] * 10)
    with pytest.raises(auth.TooManyError):
        auth.log_in(hub, "mai", PASSWORD, origin="10.0.0.1")
    assert auth.log_in(hub, "mai", PASSWORD, origin="10.0.0.2")


def test_areas_and_their_predecessors(hub):
    assert area_actions.import_areas(hub, province="08", name="Tỉnh Tuyên Quang") == 124
    with hub.reading() as conn:
        assert areas.get(conn, COMMUNE)["name"] == "Phường Hà Giang 1"
        assert len(areas.below(conn, "08", now=hub.now())) == 125
        assert len(areas.below(conn, "08", now=UtcTime(0))) == 0
        assert len(areas.children(conn, "08")) == 124
        assert "Phường Quang Trung" in [row["old_name"] for row in areas.predecessors_of(conn, COMMUNE)]


def test_devices_presence_and_events(db):
    with db.write() as conn:
        add_device(conn, "loa-1")
        devices.put_presence(conn, "loa-1", **presence(session="aa"))
        devices.remember_session(conn, "loa-1", "aa", NOW)
        devices.add_event(conn, "loa-1", "refused", "x" * 5_000, NOW)
        assert devices.is_past_session(conn, "loa-1", "aa", NOW)
        assert not devices.is_past_session(conn, "loa-1", "aa", NOW + 1)
        assert devices.end_presence(conn, "loa-1", "bb", NOW) is False
        assert devices.end_presence(conn, "loa-1", "aa", NOW) is True
        [row] = devices.devices_below(conn, COMMUNE)
        assert (row["online"], row["cluster_name"], row["languages"]) == (False, "Cụm", ["vi"])
        assert devices.devices_below(conn, "08/00700") == []
        assert len(devices.events_of(conn, "loa-1")[0]["detail"]) == 1_000


def test_the_play_log_and_its_gaps(db):
    device = Device("loa-1")
    rows = device.rows(5)
    where = {"cluster": "cl", "cluster_area": COMMUNE, "received_at": NOW}
    with db.write() as conn:
        assert playlog.add_chain(conn, "loa-1", device.chain, "s", NOW) is True
        assert playlog.add_chain(conn, "loa-1", device.chain, "s", NOW) is False
        playlog.add_rows(conn, "loa-1", device.chain, [rows[0], rows[3], rows[4]], **where)
        assert playlog.whole_to(conn, "loa-1", device.chain, 0) == 1
        assert playlog.gaps(conn, "loa-1", device.chain) == [(2, 3)]
        playlog.add_rows(conn, "loa-1", device.chain, rows[1:3], **where)
        assert playlog.whole_to(conn, "loa-1", device.chain, 1) == 5
        assert [row["seq"] for row in playlog.plays(conn, area="08", **EVER)] == [5, 4, 3, 2, 1]


def test_alerts_and_receipts(db):
    def add(conn, ident, kind="start", **more):
        return alerts.add(
            conn, **{"id": ident, "kind": kind, "role": "ea08", "area": "08", "template": "t", "title": "T",
                     "severity": 1, "drill": False, "issued": NOW, "expires": NOW + 100, "cancels": [],
                     "envelope": b"x", "key_ids": [], "taken_at": NOW, "taken_from": "binh", **more},
        )  # fmt: skip

    with db.write() as conn:
        assert add(conn, "a" * 64) is True
        assert add(conn, "a" * 64) is False
        add(conn, "b" * 64, "cancel", cancels=["a" * 64])
        assert [c["id"] for c in alerts.cancels_of(conn, "a" * 64, NOW)] == ["b" * 64]
        assert [a["id"][0] for a in alerts.running(conn, [COMMUNE], NOW)] == ["a"]
        alerts.mark_cancelled(conn, ["a" * 64], "b" * 64)
        assert alerts.running(conn, [COMMUNE], NOW) == []
        assert [a["id"][0] for a in alerts.unexpired_for(conn, COMMUNE, NOW)] == ["b"]
        receipt = {"at": NOW, "received_at": NOW, "time_quality": 3, "detail": ""}
        assert alerts.add_receipt(conn, "a" * 64, "loa-1", "received", **receipt) is True
        assert alerts.add_receipt(conn, "a" * 64, "loa-1", "received", **receipt) is False


def test_proposals_move_once(db):
    values = {"role": "c00694", "area": COMMUNE, "kind": "programme", "title": "T", "digest": "0" * 64,
              "authors": ["mai"], "submitted_at": NOW, "sign_before": None}  # fmt: skip
    with db.write() as conn:
        ident = proposals.add(conn, targets={"p": "đ".encode()}, **values)
        proposals.keep_signatures(conn, ident, b"role", ["chair"])
        found = proposals.get(conn, ident)
        assert (found.targets, found.metadata, found.signers) == ({"p": "đ".encode()}, b"role", ("chair",))
        assert proposals.close(conn, ident, State.RETURNED, closed_at=NOW) is True
        assert proposals.close(conn, ident, State.RELEASED, closed_at=NOW) is False
        assert proposals.find(conn) == []
        assert proposals.latest(conn, COMMUNE, "programme").state is State.RETURNED


def test_the_repository_and_its_current_targets(db):
    with db.write() as conn:
        repository.lock(conn)
        for version in (1, 2):
            repository.put_role(conn, "c00694", version, bytes([version]), NOW)
            repository.put_targets(conn, "c00694", version, {"areas/08/00694/programme.json": bytes([version])}, NOW)
        assert repository.current_role(conn, "c00694") == (2, b"\x02")
        assert repository.current_target(conn, "areas/08/00694/programme.json") == b"\x02"
        assert repository.target_paths(conn, "areas/08/", "programme.json") == ["areas/08/00694/programme.json"]
        assert repository.role_versions(conn) == {"c00694": 2}
        assert repository.newest_files(conn) == {"c00694": b"\x02"}


def test_health_and_what_is_set_aside_stay_bounded(db):
    with db.write() as conn:
        assert telemetry.put(conn, "loa-1", {"fault": 1}, NOW) == 0
        assert telemetry.put(conn, "loa-1", {"fault": 4}, UtcTime(NOW + 1)) == 1
        telemetry.forget_old(conn, UtcTime(NOW + telemetry.KEEP_MS + 1))
        assert [row["readings"] for row in telemetry.curve(conn, "loa-1", UtcTime(0))] == [{"fault": 4}]
        for number in range(set_aside.KEEP + 5):
            set_aside.put(conn, "t", b"x", str(number), NOW)
        assert set_aside.count(conn) == set_aside.KEEP


def test_security_events_are_counted_and_stay_bounded(db):
    kind = security.Kind.REVOKED_CALL
    with db.write() as conn:
        security.note(conn, kind, "loa-1", now=NOW, area=COMMUNE, detail="renew")
        security.note(conn, kind, "loa-1", now=UtcTime(NOW + 5), count=3)
        [row] = security.since(conn, NOW)
        assert (row["count"], row["first_at"], row["last_at"], row["area"]) == (4, NOW, NOW + 5, COMMUNE)
        for number in range(security.MOST_SUBJECTS + 20):
            security.note(conn, kind, f"invented-{number}", now=NOW)
        rows = {row["subject"]: row["count"] for row in security.since(conn, NOW)}
        assert len(rows) == security.MOST_SUBJECTS + 1
        assert (rows[security.OTHERS], rows["loa-1"]) == (21, 4)
        security.forget_old(conn, UtcTime(NOW + security.KEEP_MS + 2 * DAY))
        assert security.since(conn, UtcTime(0)) == []


# --- two processes that write at once ------------------------------------------------------------------------------

counter = Table(
    "counter_of_this_test", metadata.__class__(), Column("id", Integer, primary_key=True), Column("n", Integer)
)
ROUNDS = 150


def test_two_processes_of_writers_lose_nothing(db, server, master_key):
    with db.engine.begin() as conn:
        counter.drop(conn, checkfirst=True)
        counter.create(conn)
        conn.execute(counter.insert().values(id=1, n=0))
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=count_up, args=(server, master_key)) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0]
    with db.read() as conn:
        assert conn.execute(select(counter.c.n)).scalar_one() == 2 * ROUNDS
        assert conn.execute(select(func.count()).select_from(outbox.outbox_rows)).scalar_one() == 2 * ROUNDS
        chain = audit.verify(conn)
    assert (chain.is_whole, chain.lines) == (True, 2 * ROUNDS)
    with db.engine.begin() as conn:
        counter.drop(conn)


def count_up(url: str, master_key: Path) -> None:
    """Read, think, write, as actions do."""
    database = Database(url, Keyring(master_key))
    for _ in range(ROUNDS):
        with database.write() as conn:
            seen = conn.execute(select(counter.c.n).where(counter.c.id == 1).with_for_update()).scalar_one()
            audit.note(conn, at=NOW, person="mai", verb="count")
            outbox.put(conn, "t", b"x", now=NOW)
            conn.execute(update(counter).where(counter.c.id == 1).values(n=seen + 1))
    database.close()


def add_device(conn, ident: str) -> None:
    devices.put_cluster(conn, "cl", area=COMMUNE, name="Cụm", kind="loudspeaker", languages=["vi"], tags=[], note="")
    devices.put_device(
        conn, ident, key="0" * 64, serial="s", board="", broker_hash="h", cluster="cl", placement_n=1,
        registered_at=NOW, registered_by="tuan", revoked_at=None,
    )  # fmt: skip


def presence(**more) -> dict:
    return {"online": True, "session": "", "heard_at": NOW, "born_at": NOW, "ended_at": None, "serial": "s",
            "boot": "b", "software": "1", "root_fingerprint": "0" * 64, "area": COMMUNE, "cluster": "cl",
            "placement_n": 1, "versions": {"root": 1}, "time_quality": 3, "supplied_until": NOW, **more}  # fmt: skip
