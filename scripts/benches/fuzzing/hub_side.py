"""A real hub on SQLite over the trials' province, which has had all the good input already."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import delete, func, select

from hub import inbound, outbox, set_aside
from hub.alerts.store import alerts
from hub.alerts.store import receipts as receipt_rows
from hub.areas import actions as areas
from hub.auth.roles import Grant, Person, Role
from hub.broker_rights import hash_password
from hub.config import load_config
from hub.context import open_hub
from hub.devices import actions as devices
from hub.devices.store import devices as device_rows
from hub.playlog.store import rows as play_rows
from hub.publishing import repository
from hub.publishing.intake import take_trust
from hub.setup import prepare
from scripts.benches.fuzzing.province import DEVICE, HAMLET, Ground, device_key, log_batches, orders, receipts
from wire.areas import template_target
from wire.codec import encode
from wire.topics import ACK, EMERGENCY, LOG, dotted
from wire.units import UtcTime

CLUSTER = "cl-1"
LIMITS = ("LOGINS_PER_MINUTE", "REQUESTS_PER_MINUTE", "DEVICE_REQUESTS_PER_MINUTE", "UPLOADS_PER_HOUR")
STAFF = Person("fuzz", "fuzz", tuple(Grant(role, "08") for role in (Role.EDITOR, Role.REGISTRAR, Role.TECHNICIAN)))


class HubSide:
    """`counts` is what signatures protect: no mutant may change it. The clock stands still."""

    def __init__(self, ground: Ground, folder: Path) -> None:
        now = UtcTime(ground.province.now + 1_000)
        trust = _write_trust(ground, folder / "trust")
        unlimited = {f"LOA_HUB_LIMIT_{name}": "0" for name in LIMITS}  # else only the first few mutants get in
        config = load_config(folder / "hub", environ=unlimited)
        prepare(config)
        self.hub = open_hub(config, lambda: now)
        areas.import_areas(self.hub, province="08", name="Tỉnh Tuyên Quang")
        take_trust(self.hub, trust)
        areas.put_hamlet(self.hub, STAFF, HAMLET, name="Thôn 2", households=90, languages=["vi"])
        devices.put_cluster(self.hub, STAFF, CLUSTER, area=HAMLET, name="Cụm loa 1")
        devices.register_device(self.hub, STAFF, _request(), cluster=CLUSTER)
        template = {template_target("08", ground.template.id): encode(ground.template)}
        with self.hub.writing() as conn:
            repository.put_targets(conn, "tpl", 1, template, now)
        for topic, raw in self.good_messages(ground):
            inbound.take(self.hub, topic, raw)
        self.first_counts = self.counts()
        if 0 in self.first_counts[:-1] or self.stumbled_at():
            raise ValueError(f"the hub did not take the good input: {self.first_counts} {self.stumbled_at()}")

    @staticmethod
    def good_messages(ground: Ground) -> list[tuple[str, bytes]]:
        """Topic and body of what is signed."""
        said = [(LOG.of(DEVICE), raw) for raw in log_batches()] + [(ACK.of(DEVICE), raw) for raw in receipts()]
        return said + [(EMERGENCY.of(dotted("08")), raw) for raw in orders(ground)]

    def counts(self) -> tuple[int, ...]:
        """Rows of the log, orders, receipts, devices; and those orders that are cancelled."""
        with self.hub.reading() as conn:
            totals = [
                int(conn.execute(select(func.count()).select_from(table)).scalar() or 0)
                for table in (play_rows, alerts, receipt_rows, device_rows)
            ]
            cancelled = select(func.count()).select_from(alerts).where(alerts.c.cancelled_by.is_not(None))
            return (*totals, int(conn.execute(cancelled).scalar() or 0))

    def stumbled_at(self) -> str:
        """The error of a message that was set aside, which is then forgotten; empty where there is none."""
        rows = set_aside.set_aside_rows
        with self.hub.reading() as conn:
            found = conn.execute(select(rows.c.error).limit(1)).scalar()
        if found is None:
            return ""
        with self.hub.db.write() as conn:
            conn.execute(delete(rows))
        return str(found)

    def empty_outbox(self) -> None:
        """No worker sends here."""
        with self.hub.db.write() as conn:
            conn.execute(delete(outbox.outbox_rows))

    def close(self) -> None:
        self.hub.close()


def _request() -> bytes:
    return encode(
        {"device": DEVICE, "key": device_key(), "serial": f"serial-{DEVICE}", "board": "fuzz",
         "broker_password_hash": hash_password("fuzz-fuzz")}
    )  # fmt: skip


def _write_trust(ground: Ground, folder: Path) -> Path:
    for name in ("metadata", "online"):
        (folder / name).mkdir(parents=True)
    for name, raw in ground.province.files.items():
        (folder / "metadata" / name).write_bytes(raw)
    for role in ("snapshot", "timestamp"):
        (folder / "online" / f"{role}.pem").write_bytes(ground.province.signers[role].private_bytes)  # type: ignore[attr-defined]
    return folder
