"""A hub on disk with a province behind it: real SQLite, real keys, and the same cast in every test.

The cast on the hub: mai edits and chair-00694, deputy-00694 approve for 00694; outsider edits for 00700; dang registers
devices, tuan is a technician; binh and chi approve for the province, ha edits for it; vy only looks at 00694.
"""

from __future__ import annotations

import base64
import dataclasses
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from hub import outbox
from hub.app import create_app
from hub.areas import actions as areas
from hub.auth import actions as auth
from hub.auth import store as persons
from hub.auth.roles import Grant, Person, Role
from hub.broker_rights import hash_password
from hub.clock import system_clock
from hub.config import Config, load_config
from hub.context import Hub, open_hub
from hub.devices import actions as devices
from hub.publishing import actions as publishing
from hub.publishing.intake import take_trust
from hub.setup import prepare
from tests.builders import NOW, Province, make_province, version_of
from tests.hub.tls import TlsClient, make_secure
from wire.codec import encode
from wire.envelope import public_hex, seal, signer_from_private
from wire.playlog import FIRST_PREVIOUS, LOG_TYPE, Batch, Row, row_hash
from wire.release import build_role, sign_role
from wire.units import UtcTime

COMMUNE, OTHER = "08/00694", "08/00700"
PASSWORD = "mot-mat-khau-dai"
CAST = {
    "mai": [Grant(Role.EDITOR, COMMUNE)],
    "vy": [Grant(Role.VIEWER, COMMUNE)],
    "chair-00694": [Grant(Role.APPROVER, COMMUNE), Grant(Role.OFFICER, COMMUNE)],
    "deputy-00694": [Grant(Role.APPROVER, COMMUNE), Grant(Role.OFFICER, COMMUNE)],
    "chair-00700": [Grant(Role.APPROVER, OTHER), Grant(Role.OFFICER, OTHER)],
    "outsider": [Grant(Role.EDITOR, OTHER)],
    "ha": [Grant(Role.EDITOR, "08")],
    "binh": [Grant(Role.APPROVER, "08"), Grant(Role.OFFICER, "08")],
    "chi": [Grant(Role.APPROVER, "08"), Grant(Role.OFFICER, "08")],
    "dang": [Grant(Role.REGISTRAR, "08")],
    "tuan": [Grant(Role.TECHNICIAN, COMMUNE)],
    "admin": [Grant(Role.ADMIN, "08")],
}


SYSTEM = Person("system", "loa-hub", (Grant(Role.TECHNICIAN, "08"),))
"""Whoever runs `loa-hub` commands: registers, never signs."""


class SetClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = NOW + 60_000

    def __call__(self) -> UtcTime:
        return UtcTime(self.at)


@dataclass
class Device:
    """A device with its key: registers, and signs what it says."""

    name: str
    cluster: str = "cl-1"
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    chain: str = "ab" * 16
    password: str = "device-password"

    @property
    def signer(self):
        return signer_from_private(self.key)

    def request(self) -> bytes:
        return encode(
            {"device": self.name, "key": public_hex(self.signer.public_key), "serial": f"serial-{self.name}",
             "board": "test", "broker_password_hash": hash_password(self.password)}
        )  # fmt: skip

    def rows(self, count: int, *, first: int = 1, previous: str = FIRST_PREVIOUS, **more) -> list[Row]:
        rows = []
        for seq in range(first, first + count):
            row = Row(
                seq=seq, previous=previous, at=UtcTime(NOW + seq), time_quality=3, kind="play", item="tin", **more
            )
            rows.append(row)
            previous = row_hash(row)
        return rows

    def log(self, rows: list[Row]) -> bytes:
        batch = Batch(device=self.name, serial=f"serial-{self.name}", chain=self.chain, rows=rows)
        return seal(encode(batch), LOG_TYPE, [self.signer])


@dataclass
class Box:
    """A prepared hub, the province whose metadata it serves, and short ways to act as somebody."""

    config: Config
    hub: Hub
    province: Province
    clock: SetClock

    def person(self, username: str) -> Person:
        with self.hub.reading() as conn:
            found = persons.load(conn, username)
        assert found
        return found

    def add_cluster(self, ident: str = "cl-1", area: str = COMMUNE + "/02", name: str = "Cụm loa 1") -> None:
        commune = "/".join(area.split("/")[:2])
        if area != commune:
            areas.put_hamlet(self.hub, self.person("ha"), area, name="Thôn", households=90, languages=["vi"])
        devices.put_cluster(self.hub, self.person("dang"), ident, area=area, name=name)

    def add_device(self, name: str = "loa-1", cluster: str = "cl-1") -> Device:
        device = Device(name, cluster)
        devices.register_device(self.hub, SYSTEM, device.request(), cluster=cluster)
        return device

    def place(self, *names: str) -> None:
        """The registrar signs what waits."""
        for signable in publishing.signable(self.hub, self.person("dang")):
            self.sign(signable.proposal.id, "dang")

    def signed_role(self, ident: int, username: str) -> bytes:
        """The role file as the approval app of this person would build and sign it."""
        with self.hub.reading() as conn:
            held = self.hub.trusted.held(conn)
            proposal = publishing.store.get(conn, ident)
        assert proposal
        if proposal.metadata:
            return sign_role(proposal.metadata, self.province.signers[username])
        current = held.roles.get(proposal.role)
        issued = UtcTime(max(self.clock(), current.issued + 1 if current else 0))
        raw = build_role(current.raw if current else None, proposal.role, proposal.targets, issued)
        return sign_role(raw, self.province.signers[username])

    def sign(self, ident: int, username: str, *, role_file: bytes | None = None, digest: str = "") -> publishing.State:
        with self.hub.reading() as conn:
            proposal = publishing.store.get(conn, ident)
        assert proposal
        raw = role_file or self.signed_role(ident, username)
        person = self.person(username)
        return publishing.add_signature(self.hub, person, ident, digest=digest or proposal.digest, metadata=raw)

    def submit(self, area: str, kind: str, targets: dict[str, bytes], by: str = "mai") -> int:
        return publishing.submit(self.hub, self.person(by), area=area, kind=kind, targets=targets, title="Chương trình")

    def waiting_messages(self) -> list[tuple[str, bytes]]:
        with self.hub.reading() as conn:
            return [(m.topic, m.body) for m in outbox.waiting(conn, self.hub.now())]


class Caller:
    """One person at the JSON interface."""

    def __init__(self, client: FlaskClient, token: str = "") -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, path: str, **more) -> TestResponse:
        return self._client.get(path, buffered=True, headers={**self._headers, **more.pop("headers", {})}, **more)

    def post(self, path: str, json=None, **more) -> TestResponse:
        return self._client.post(
            path, json=json, buffered=True, headers={**self._headers, **more.pop("headers", {})}, **more
        )


@pytest.fixture(scope="session")
def first_province() -> Province:
    return make_province(c00694=2)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory, first_province) -> Path:
    """A data folder with areas, trust and cast, copied for each test."""
    folder = tmp_path_factory.mktemp("hub") / "data"
    config = load_config(folder, environ={})
    prepare(config)
    hub = open_hub(config, SetClock())
    areas.import_areas(hub, province="08", name="Tỉnh Tuyên Quang")
    take_trust(hub, write_trust(first_province, folder / "trust"))
    for username, held in CAST.items():
        signer = first_province.signers.get(username)
        keys = [(signer.public_key.keyid, public_hex(signer.public_key))] if signer else []
        auth.add_person(hub, username=username, name=username, password=PASSWORD, held=held, keys=keys)
    hub.close()
    return folder


@pytest.fixture
def box(tmp_path, prepared, first_province):
    folder = tmp_path / "data"
    copy_data(prepared, folder)
    config = load_config(folder, environ={})
    clock = SetClock()
    hub = open_hub(config, clock)
    province = dataclasses.replace(first_province, roles=dict(first_province.roles), files=dict(first_province.files))
    yield Box(config, hub, province, clock)
    hub.close()


@pytest.fixture
def app(box):
    made = create_app(box.config, box.hub)
    made.testing = False  # errors are answered as people would see them
    return made


@pytest.fixture
def caller(box, app):
    """`caller("mai")` asks as mai; `caller()` as somebody unknown."""

    def call(username: str = "") -> Caller:
        token = auth.log_in(box.hub, username, PASSWORD)[0] if username else ""
        return Caller(app.test_client(), token)

    return call


@pytest.fixture
def secure(box):
    """The broker runs; its hub lives at the machine's time, since TLS here checks dates."""
    made = make_secure(dataclasses.replace(box.hub, now=system_clock))
    with made.running():
        yield made


@pytest.fixture
def connect(secure):
    opened = []

    def connect(who, **more) -> TlsClient:
        folder = secure.admit(who) if isinstance(who, str) else who
        opened.append(TlsClient(secure, folder, **more))
        return opened[-1]

    yield connect
    for client in opened:
        client.close()


@pytest.fixture
def ear(secure, connect):
    """Hears all, with the worker's own certificate."""
    folder = secure.hub.config.root / "ca"
    worker = secure.keep("hub", secure.hub.keys.read(folder / "hub.key"), (folder / "hub.crt").read_bytes())
    made = connect(worker)
    assert made.is_in()
    made.subscribe("loa/1/#")
    return made


def copy_data(source: Path, target: Path) -> None:
    """A data folder, and its master key, which lies beside it."""
    shutil.copytree(source, target)
    shutil.copy2(f"{source}.key", f"{target}.key")


def write_trust(province: Province, folder: Path) -> Path:
    """As `loa-provision trust init` leaves it."""
    (folder / "metadata").mkdir(parents=True)
    (folder / "online").mkdir()
    for name, raw in province.files.items():
        (folder / "metadata" / name).write_bytes(raw)
    for role in ("snapshot", "timestamp"):
        (folder / "online" / f"{role}.pem").write_bytes(province.signers[role].private_bytes)
    return folder


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


__all__ = ["COMMUNE", "OTHER", "Box", "Caller", "Device", "b64", "version_of"]
