"""Enrolment on the hub: who may ask, what the registrar's signature lets in, and who never comes back."""

from __future__ import annotations

import base64
import dataclasses

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization.pkcs7 import load_der_pkcs7_certificates

from edge.certificate import make_request, read_est, request_est
from hub.auth import actions as auth
from hub.auth.roles import Grant, Role
from hub.broker_tls import write_broker_config
from hub.certificates import actions as certificates
from hub.certificates import store as issued
from hub.devices import actions as devices
from hub.devices import store as device_store
from hub.enrolment import actions, admission, store, tickets
from hub.enrolment.actions import KnownDeviceError
from hub.enrolment.admission import EndedError
from hub.enrolment.tickets import TicketError
from hub.errors import BadInputError, NotAllowedError, NotFoundError
from hub.publishing import actions as publishing
from hub.security import store as security
from tests.enrolling import Bench
from tests.hub.conftest import COMMUNE, OTHER
from wire.errors import WireError
from wire.joining import Wish
from wire.units import DAY, HOUR, UtcTime

HAMLET = COMMUNE + "/02"


@pytest.fixture
def field(box, tmp_path):
    """A hub with a CA, a cluster, and a technician's bench."""
    box.add_cluster()
    certificates.make_authority(box.hub)
    folder = tmp_path / "bench"
    folder.mkdir()
    return Field(box, Bench(folder, box.province.files["1.root.json"]))


@dataclasses.dataclass
class Field:
    box: object
    bench: Bench

    @property
    def hub(self):
        return self.box.hub

    def ticket(self, area=HAMLET, *, most=5, lasts_ms=DAY, by="dang") -> str:
        return tickets.make_ticket(self.hub, self.box.person(by), area=area, name="Tuấn", most=most, lasts_ms=lasts_ms)

    def ask(self, name="loa-x", ticket="", cluster="cl-1", **more):
        return actions.ask(self.hub, self.bench.wish(name, ticket, cluster, **more))

    def enrol(self, name="loa-x", **more):
        """Asked for and signed."""
        self.ask(name, self.ticket(), **more)
        self.box.place()
        return self.ask(name)

    def row(self, name="loa-x"):
        with self.hub.reading() as conn:
            return device_store.device(conn, name)

    def placement(self, name="loa-x"):
        with self.hub.reading() as conn:
            return devices.released_placement(conn, name, COMMUNE)

    def est(self, name="loa-x"):
        return admission.renew(self.hub, request_est(self.bench.identity(name), name))

    def serials(self, name="loa-x"):
        with self.hub.reading() as conn:
            return [(row["serial"], row["revoked_at"] is None) for row in issued.of(conn, name)]


# --- tickets ---


@pytest.mark.parametrize(("who", "area"), [("tuan", HAMLET), ("mai", HAMLET), ("admin", "08"), ("chair-00694", HAMLET)])
def test_only_a_registrar_makes_a_ticket(field, who, area):
    with pytest.raises(NotAllowedError):
        field.ticket(area, by=who)


@pytest.mark.parametrize(("most", "lasts"), [(0, DAY), (201, DAY), (1, 0), (1, 15 * DAY)])
def test_a_ticket_is_bounded(field, most, lasts):
    with pytest.raises(BadInputError):
        field.ticket(most=most, lasts_ms=lasts)


def test_a_ticket_is_stored_as_a_hash_and_read_however_it_was_typed(field):
    code = field.ticket()
    with field.hub.reading() as conn:
        (row,) = conn.execute(store.tickets.select()).mappings()
    assert code not in str(dict(row))
    typed = f" {code[:4].lower()}-{code[4:8]} {code[8:].replace('0', 'O').replace('1', 'l')}"
    assert field.ask(ticket=typed).state == "waiting"


def test_a_ticket_says_which_clusters_it_reaches_and_nothing_beyond(field):
    field.box.add_cluster("cl-2", OTHER, name="Cụm khác")
    field.box.add_device("loa-1")
    found = tickets.places(field.hub, field.ticket())
    assert [(place.cluster, place.device) for place in found] == [("cl-1", "loa-1")]


def test_an_unknown_ended_late_or_used_up_ticket_does_nothing(field):
    late, ended, used = field.ticket(lasts_ms=HOUR), field.ticket(), field.ticket(most=1)
    field.ask("loa-a", used)
    field.box.clock.at += 2 * HOUR
    tickets.end_ticket(field.hub, field.box.person("dang"), 2)
    codes = []
    for code in ("0000-0000-0000", late, ended, used):
        with pytest.raises(TicketError) as refused:
            field.ask("loa-x", code)
        codes.append(refused.value.code)
    assert codes == ["ticket_unknown", "ticket_over", "ticket_over", "ticket_used_up"]
    assert field.row() is None


def test_a_ticket_of_somebody_who_is_no_registrar_any_more_is_over(field):
    code = field.ticket()
    with field.hub.writing() as conn:
        auth.store.set_grants(conn, "dang", [Grant(Role.VIEWER, "08")])
    with pytest.raises(TicketError):
        field.ask(ticket=code)


def test_a_ticket_reaches_no_other_area(field):
    field.box.add_cluster("cl-2", COMMUNE + "/03", name="Thôn khác")
    for wish in ({"cluster": "cl-2"}, {"cluster": "", "spare_of": OTHER}, {"cluster": "", "spare_of": COMMUNE}):
        with pytest.raises(TicketError) as refused:
            field.ask(ticket=field.ticket(HAMLET), **wish)
        assert refused.value.code == "ticket_scope"


# --- asking and being let in ---


def test_a_request_waits_for_the_registrar_and_is_let_in_by_the_signature(field):
    waits = field.ask(ticket=field.ticket())
    assert (waits.state, waits.certificate, waits.place) == ("waiting", "", "Cụm loa 1")
    assert waits.authority.startswith("-----BEGIN CERTIFICATE-----"), "so that the device can wait by itself"
    assert field.row() is None, "nobody is registered by asking"
    field.box.place()
    placed = field.ask()
    made = x509.load_pem_x509_certificate(placed.certificate.encode())
    assert (placed.state, placed.cluster) == ("placed", "cl-1")
    assert made.subject.rfc4514_string() == "CN=loa-x"
    assert made.public_key() == field.bench.identity("loa-x").private.public_key()
    assert (made.not_valid_after_utc - made.not_valid_before_utc).days == 3651
    placement = field.placement()
    assert (placement.n, placement.serial, placement.root) == (1, "sn-loa-x", field.bench.join("loa-x").root)


def test_the_technician_proposes_and_the_registrar_who_made_the_ticket_may_sign(field):
    field.ask(ticket=field.ticket())
    with field.hub.reading() as conn:
        (proposal,) = publishing.waiting(conn, kind="placements")
    assert proposal.authors == ("ticket-1",)


def test_running_it_twice_is_harmless(field):
    code = field.ticket(most=1)
    first, again = field.ask(ticket=code), field.ask(ticket=code)
    assert first == again
    with field.hub.reading() as conn:
        assert len(publishing.waiting(conn, kind="placements")) == 1
    field.box.place()
    placed = field.ask(ticket=code)
    assert field.ask(ticket=code) == placed
    assert len(field.serials()) == 1


def test_nobody_enrols_a_key_that_is_not_there(field):
    honest = field.bench.wish("loa-x", field.ticket(), "cl-1")
    for bad in ("", "{}", honest.request.replace('"sig":"', '"sig":"AAAA'), honest.request[:-40]):
        with pytest.raises(WireError):
            actions.ask(field.hub, Wish(request=bad, ticket=field.ticket(), cluster="cl-1"))


def test_what_the_registrar_returns_says_why_and_may_be_asked_for_again(field):
    field.ask(ticket=field.ticket())
    with field.hub.reading() as conn:
        (proposal,) = publishing.waiting(conn, kind="placements")
    publishing.return_proposal(field.hub, field.box.person("dang"), proposal.id, "Sai cụm loa")
    returned = field.ask()
    assert (returned.state, returned.detail, returned.authority) == ("returned", "Sai cụm loa", "")
    assert field.ask(ticket=field.ticket()).state == "waiting"


def test_several_devices_of_a_commune_wait_in_one_proposal(field):
    code = field.ticket()
    field.box.add_cluster("cl-2", HAMLET, name="Cụm loa 2")
    field.ask("loa-a", code, "cl-1")
    field.ask("loa-b", code, "cl-2")
    field.box.place()
    assert [field.ask(name).state for name in ("loa-a", "loa-b")] == ["placed", "placed"]


def test_the_worker_lets_in_who_never_asks_again(field):
    field.ask(ticket=field.ticket())
    field.box.place()
    assert [admission.admit_signed(field.hub), admission.admit_signed(field.hub)] == [1, 0]
    assert field.row()["registered_by"] == "ticket-1"


def test_a_board_without_a_battery_clock_is_known_as_such(field):
    field.bench.board("loa-x", has_rtc=False)
    field.enrol()
    with field.hub.reading() as conn:
        assert store.without_rtc(conn) == {"loa-x"}


def test_a_hub_without_an_authority_admits_by_password(box, tmp_path):
    box.add_cluster()
    field = Field(box, Bench(tmp_path, box.province.files["1.root.json"]))
    placed = field.enrol()
    assert (placed.state, placed.certificate, placed.authority) == ("placed", "", "")
    with box.hub.reading() as conn:
        assert device_store.account(conn, "loa-x").startswith("$7$")


# --- other hardware ---


def test_other_hardware_under_a_known_id_is_refused_unless_it_replaces(field):
    field.enrol()
    field.bench.board("loa-x", serial="sn-new")
    with pytest.raises(KnownDeviceError):
        field.ask(ticket=field.ticket())
    waits = field.ask(ticket=field.ticket(), cluster="", replaces=True)
    assert (waits.state, waits.cluster) == ("waiting", "cl-1"), "it keeps the place"
    assert field.row()["serial"] == "sn-loa-x", "until the registrar signs, what stands there goes on"
    field.box.place()
    assert field.ask().state == "placed"
    assert (field.row()["serial"], field.placement().n, field.placement().serial) == ("sn-new", 2, "sn-new")


def test_a_new_card_takes_the_name_and_ends_the_old_ones_certificate(field):
    first = field.enrol()
    field.bench.device_dir("loa-x").rename(field.bench.device_dir("loa-x").with_name("dead"))
    field.bench.board("loa-x", serial="sn-new")
    field.ask(ticket=field.ticket(), cluster="", replaces=True)
    field.box.place()
    second = field.ask()
    assert second.certificate != first.certificate
    assert sorted(alive for _, alive in field.serials()) == [False, True]
    old = Bench(field.bench.folder, field.bench.root).identity("dead")
    with pytest.raises(EndedError):
        admission.renew(field.hub, request_est(old, "loa-x"))


def test_nothing_is_replaced_that_is_not_there(field):
    with pytest.raises(NotFoundError):
        field.ask(ticket=field.ticket(), replaces=True)


def test_a_spare_is_placed_as_one_and_stands_nowhere(field):
    field.ask("loa-s", field.ticket(COMMUNE), "", spare_of=COMMUNE)
    field.box.place()
    assert field.ask("loa-s").state == "placed"
    spare = field.placement("loa-s")
    assert (spare.spare, spare.area, spare.cluster) == (True, COMMUNE, "spare-loa-s")


# --- who never comes back ---


def test_revoking_ends_certificate_registration_and_what_waits(field):
    field.enrol()
    devices.revoke_device(field.hub, field.box.person("tuan"), "loa-x", why="mất trộm")
    assert field.row()["revoked_at"]
    assert [alive for _, alive in field.serials()] == [False]
    with pytest.raises(EndedError):
        field.est()
    assert field.ask().state == "ended"
    with field.hub.reading() as conn:
        kinds = [event["kind"] for event in device_store.events_of(conn, "loa-x")]
        called = security.since(conn, UtcTime(0))
    assert kinds == ["certificate_refused"]
    calls = [one for one in called if one["kind"] == security.Kind.REVOKED_CALL]
    assert [(one["subject"], one["count"]) for one in calls] == [("loa-x", 1)]


def test_a_revoked_device_is_not_let_in_by_the_placement_that_it_had(field):
    """The registrar has not signed it away yet: what is released still names its key (Azure's lesson)."""
    field.enrol()
    devices.revoke_device(field.hub, field.box.person("tuan"), "loa-x", why="mất trộm")
    assert field.placement().keys == [field.bench.join("loa-x").key]
    assert field.ask(ticket=field.ticket()).state == "waiting"
    assert admission.admit_signed(field.hub) == 0
    with pytest.raises(EndedError):
        field.est()
    assert field.row()["revoked_at"]


def test_what_waited_when_it_was_revoked_is_never_admitted(field):
    field.enrol()
    field.bench.board("loa-x", serial="sn-new")
    field.ask(ticket=field.ticket(), cluster="", replaces=True)
    devices.revoke_device(field.hub, field.box.person("tuan"), "loa-x", why="mất trộm")
    field.box.place()
    assert admission.admit_signed(field.hub) == 0
    assert field.row()["revoked_at"]


def test_only_a_new_signature_brings_a_revoked_device_back(field, tmp_path):
    field.enrol()
    devices.revoke_device(field.hub, field.box.person("tuan"), "loa-x", why="mất trộm")
    field.box.place()
    assert field.placement() is None
    field.ask(ticket=field.ticket())
    field.box.place()
    back = field.ask()
    assert (back.state, field.placement().n) == ("placed", 2)
    assert sorted(alive for _, alive in field.serials()) == [False, True]
    write_broker_config(field.hub, tmp_path / "broker", names=["localhost"], address="127.0.0.1", port=1)
    assert "user loa-x" not in (tmp_path / "broker" / "acl").read_text()


def test_a_revoked_device_is_not_registered_by_hand(field):
    field.box.add_device("loa-1")
    devices.revoke_device(field.hub, field.box.person("tuan"), "loa-1", why="mất")
    with pytest.raises(NotAllowedError):
        field.box.add_device("loa-1")


# --- renewal ---


def test_an_expired_certificate_renews_by_the_devices_own_signature(field):
    first = field.enrol().certificate.encode()
    assert field.est() == first, "one that lasts long is handed out again"
    field.box.clock.at += 11 * 365 * DAY
    fresh = field.est()
    made = x509.load_pem_x509_certificate(fresh)
    assert fresh != first
    assert made.not_valid_after_utc.timestamp() * 1_000 > field.box.clock()


def test_a_stranger_and_another_key_get_no_certificate(field):
    field.enrol()
    field.bench.request("loa-y")
    other = field.bench.identity("loa-y")
    for name in ("loa-y", "loa-x", "hub", "../x", "#"):
        with pytest.raises(EndedError):
            admission.renew(field.hub, request_est(other, name))
    assert [alive for _, alive in field.serials()] == [True]


def test_est_speaks_as_rfc_7030(field, app):
    field.enrol()
    client = app.test_client()
    body = request_est(field.bench.identity("loa-x"), "loa-x")
    answer = client.post("/.well-known/est/simplereenroll", data=body, content_type="application/pkcs10")
    assert (answer.status_code, answer.mimetype) == (200, "application/pkcs7-mime")
    (made,) = load_der_pkcs7_certificates(base64.b64decode(answer.data))
    assert made.subject.rfc4514_string() == "CN=loa-x"
    assert read_est(answer.data) == field.ask().certificate.encode()
    authority = client.get("/.well-known/est/cacerts")
    assert load_der_pkcs7_certificates(base64.b64decode(authority.data))[0].issuer == made.issuer
    for bad in (b"", b"x", base64.b64encode(b"x" * 900), body[:-30]):
        refused = client.post("/.well-known/est/simplereenroll", data=bad, content_type="application/pkcs10")
        assert (refused.status_code, refused.mimetype) == (400, "application/problem+json")
    assert client.post("/.well-known/est/simplereenroll", data=b"x" * 20_000).status_code == 413
    assert make_request(field.bench.identity("loa-x"), "loa-x").is_signature_valid


def test_the_doors_for_technicians_and_devices_answer_with_reasons(field, app):
    client = app.test_client()
    places = client.post("/device/enrol/places", json={"ticket": field.ticket()})
    assert [place["cluster"] for place in places.get_json()] == ["cl-1"]
    unknown = client.post("/device/enrol/places", json={"ticket": "0" * 12})
    assert (unknown.status_code, unknown.get_json()["code"]) == (403, "ticket_unknown")
    wish = field.bench.wish("loa-x", field.ticket(), "cl-1")
    said = client.post("/device/enrol", json=msgspec.to_builtins(wish))
    assert (said.status_code, said.get_json()["state"]) == (200, "waiting")
    for bad in (b"", b"{}", b"[]", b'{"request": 1}'):
        assert client.post("/device/enrol", data=bad).status_code == 400


def test_every_commune_that_held_the_device_lets_it_go(field):
    """Enrolled for another commune after it was revoked: it is taken out of the first one's placements."""
    field.enrol()
    devices.revoke_device(field.hub, field.box.person("tuan"), "loa-x", why="chuyển xã")
    field.box.add_cluster("cl-2", OTHER, name="Cụm khác")
    field.ask("loa-x", field.ticket("08"), "cl-2")
    field.box.place()
    field.box.place()
    assert field.placement() is None
    with field.hub.reading() as conn:
        assert devices.released_placement(conn, "loa-x", OTHER).cluster == "cl-2"
