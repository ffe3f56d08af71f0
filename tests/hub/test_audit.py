"""The log of what people did: a chain, on SQLite and on PostgreSQL, in which every change and every loss is found."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config as AlembicConfig

from hub import audit
from hub.cli import run
from hub.db import Database, metadata
from hub.migrations import _HERE, current, migrate
from hub.secrets.keyring import Keyring
from tests.hub.conftest import COMMUNE, OTHER
from tests.hub.test_store_contract import db, master_key, server
from wire.units import UtcTime

__all__ = ["db", "master_key", "server"]
NOW = UtcTime(1_795_000_000_000)
ROWS = audit.audit_rows


@pytest.fixture
def log(db):
    """Six lines, the last two in one transaction."""
    for number in range(4):
        with db.write() as conn:
            audit.note(conn, at=NOW, person="mai", verb="item-new", area=COMMUNE, subject=f"tin-{number}")
    with db.write() as conn:
        audit.note(conn, at=NOW, person="chair", verb="sign", area=COMMUNE)
        audit.note(conn, at=NOW, person="chair", verb="release", area=COMMUNE, detail="Chương trình")
    return db


def verdict(db, expect=None) -> audit.Verdict:
    with db.read() as conn:
        return audit.verify(conn, expect)


def tamper(db, *statements) -> None:
    """As somebody who has the database in their hands."""
    with db.engine.begin() as conn:
        for statement in statements:
            conn.execute(statement)


def test_an_untouched_log_is_whole(log):
    found = verdict(log)
    assert (found.is_whole, found.lines, found.last) == (True, 6, 6)
    with log.read() as conn:
        assert audit.head(conn) == (6, found.hash)


def test_what_is_rolled_back_leaves_no_line_and_no_hole(log):
    def act():
        with log.write() as conn:
            audit.note(conn, at=NOW, person="mai", verb="never")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        act()
    with log.write() as conn:
        audit.note(conn, at=NOW, person="mai", verb="after")
    found = verdict(log)
    assert (found.is_whole, found.last) == (True, 7)


@pytest.mark.parametrize(
    "values",
    [
        {"person": "binh"},
        {"detail": "x"},
        {"at": NOW + 1},
        {"area": OTHER},
        {"verb": "v"},
        {"subject": ""},
        {"hash": "0" * 64},
    ],
)
def test_a_changed_line_is_found(log, values):
    tamper(log, sa.update(ROWS).where(ROWS.c.id == 3).values(**values))
    found = verdict(log)
    assert (found.why, found.broken_at) == ("changed", 3)


def test_a_changed_line_with_a_new_hash_breaks_the_next(log):
    with log.read() as conn:
        row = conn.execute(sa.select(ROWS).where(ROWS.c.id == 3)).mappings().one()
    lie = {**row, "person": "binh"}
    tamper(
        log, sa.update(ROWS).where(ROWS.c.id == 3).values(person="binh", hash=audit.row_hash(row["previous"], 3, lie))
    )
    found = verdict(log)
    assert (found.why, found.broken_at) == ("missing", 4)


@pytest.mark.parametrize(("gone", "where"), [([1], 2), ([3], 4), ([2, 3, 4], 5)])
def test_a_removed_line_is_found(log, gone, where):
    tamper(log, sa.delete(ROWS).where(ROWS.c.id.in_(gone)))
    found = verdict(log)
    assert (found.why, found.broken_at) == ("missing", where)


def test_a_log_whose_end_was_cut_off_is_found(log):
    tamper(log, sa.delete(ROWS).where(ROWS.c.id >= 5))
    found = verdict(log)
    assert (found.why, found.broken_at) == ("cut", 5)


def test_a_log_that_was_emptied_is_found(log):
    tamper(log, sa.delete(ROWS))
    assert verdict(log).why == "cut"


def test_two_lines_that_changed_places_are_found(log):
    swap = [sa.update(ROWS).where(ROWS.c.id == a).values(id=b) for a, b in ((2, 99), (3, 2), (99, 3))]
    tamper(log, *swap)
    assert verdict(log).broken_at == 2


def test_a_chain_that_was_written_anew_as_a_whole_does_not_fit_what_was_written_down(log):
    expect = (verdict(log).last, verdict(log).hash)
    assert verdict(log, expect).is_whole
    with log.engine.begin() as conn:
        conn.execute(sa.delete(ROWS))
        conn.execute(sa.delete(audit.heads))
    for _ in range(6):
        with log.write() as conn:
            audit.note(conn, at=NOW, person="mai", verb="nothing")
    assert verdict(log).is_whole
    found = verdict(log, expect)
    assert (found.why, found.broken_at) == ("other", 6)


def test_lines_are_shown_by_area_and_those_of_no_area_to_the_province(log):
    with log.write() as conn:
        audit.note(conn, at=NOW, person="admin", verb="login")
        audit.note(conn, at=NOW, person="lan", verb="item-new", area=OTHER)
        audit.note(conn, at=NOW, person="lan", verb="hamlet", area=f"{COMMUNE}/01")
        audit.note(conn, at=NOW, person="lan", verb="item-new", area=f"{COMMUNE}9")
    with log.read() as conn:
        ours = audit.latest(conn, [COMMUNE])
        assert {row["area"] for row in ours} == {COMMUNE, f"{COMMUNE}/01"}
        assert [row["verb"] for row in audit.latest(conn, ["08"])][:4] == ["item-new", "hamlet", "item-new", "login"]
        assert [row["id"] for row in audit.latest(conn, ["08"], before=3)] == [2, 1]
        assert [row["person"] for row in audit.latest(conn, ["08"], text="admin")] == ["admin"]
        assert audit.latest(conn, [COMMUNE], text="admin") == []
        assert audit.latest(conn, []) == []


def test_lines_from_before_the_chain_are_chained_by_the_migration(server, master_key):
    db = Database(server, Keyring(master_key))
    config = AlembicConfig()
    config.set_main_option("script_location", str(_HERE))
    with db.engine.begin() as conn:
        metadata.drop_all(conn)
        conn.execute(sa.text("DROP TABLE IF EXISTS alembic_version"))
        config.attributes["connection"] = conn
        command.upgrade(config, "0007")
    with db.engine.begin() as conn:
        for number in (3, 4, 9):
            values = sa.text("INSERT INTO audit VALUES (:id, 1, 'mai', 'đổi', '08', '', '')")
            conn.execute(values, {"id": number})
    migrate(db)
    with db.write() as conn:
        audit.note(conn, at=NOW, person="mai", verb="after")
    found = verdict(db)
    assert (found.is_whole, found.lines, found.last) == (True, 4, 10)
    tamper(db, sa.update(ROWS).where(ROWS.c.id == 4).values(verb="x"))
    assert verdict(db).broken_at == 4
    assert current(db)
    db.close()


def test_the_command_says_whether_the_log_is_whole_and_where_not(box, capsys):
    ask = ["audit", "verify", "--dir", box.config.dir]
    assert run(ask) == 0
    said = capsys.readouterr().out
    assert "whole" in said
    head = said.split()[-1]
    assert run([*ask, "--expect", head]) == 0
    assert run([*ask, "--expect", "1:" + "0" * 64]) == 1
    capsys.readouterr()
    tamper(box.hub.db, sa.delete(ROWS).where(ROWS.c.id == 2))
    assert run(ask) == 1
    assert "line 3" in capsys.readouterr().err
    assert run([*ask, "--expect", "nonsense"]) == 1
