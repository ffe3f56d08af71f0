"""The province that the trials stand on: the same keys and the same bytes in every process and on every day."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import Signer

from tests.builders import (
    NOW,
    Province,
    make_placement,
    make_programme,
    make_province,
    make_roster,
    make_sound,
    make_template,
)
from wire.alert import Template
from wire.codec import encode
from wire.content import Item
from wire.enrolment import Placement
from wire.envelope import public_hex, seal, signer_from_private
from wire.playlog import ACK_TYPE, FIRST_PREVIOUS, LOG_TYPE, Batch, Receipt, Row, row_hash
from wire.policy import Hours, Policy
from wire.programme import (
    Offers,
    PlayItem,
    PlayLive,
    PlayRelay,
    PlayReserve,
    PlaySeries,
    Programme,
    Recurrence,
    Series,
    Slot,
    SpecialDay,
)
from wire.trust.held import Held
from wire.units import DAY, HOUR, MINUTE, UtcTime, local_day

COMMUNE, HAMLET = "08/00694", "08/00694/02"
DEVICE = "loa-1"
CHAIN = "ab" * 16


def signer_of(name: str) -> Signer:
    """Not secret, and good for nothing else: a key that its name makes."""
    return signer_from_private(Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"fuzz {name}".encode()).digest()))


@dataclass(frozen=True)
class Ground:
    """A province in which everybody has spoken, and what one device of it holds and says."""

    province: Province
    before: Held
    """Of the device, before the last releases."""
    held: Held
    template: Template
    placement: Placement


def make_ground() -> Ground:
    """Every role has a file; each but root a second version that the device does not hold yet."""
    names = [person.name for person in make_roster().people]
    province = make_province(known={name: signer_of(name) for name in (*names, "snapshot", "timestamp")})
    template, placement = make_template(), make_placement(DEVICE, HAMLET, signer_of(DEVICE))
    before = None
    for n in (1, 2):
        province.publish_programme("08", rich_programme("08", province.now, n))
        province.publish_policy("08", Policy("08", province.now, hours=[Hours(5 * HOUR, 21 * HOUR)], max_volume=90 + n))
        province.publish_programme(COMMUNE, rich_programme(COMMUNE, province.now, n))
        province.publish_placements(COMMUNE, [placement])
        province.publish_template(template)
        for role in ("targets", "g08-01", "h00694"):
            province.release(role)
        before = before or province.held(HAMLET)
    new_root = province.revise("root", lambda _signed: None)
    held = province.held(HAMLET)
    province.files["2.root.json"] = new_root
    if before is None:
        raise ValueError("nothing was published")
    return Ground(province, before, held, template, placement)


def rich_programme(area: str, now: UtcTime, n: int) -> Programme:
    """A little of everything that a programme may hold."""
    first = local_day(now).isoformat()
    items = [
        Item(f"tin-{k}", f"Bản tin {k}", renditions=[make_sound(f"{area} {k} {n}"), make_sound(f"{k}", language="hmn")])
        for k in range(1, 5)
    ]
    plays = [
        PlayItem(area, "tin-1"), PlaySeries("08", "thoi-su"), PlayRelay("https://vov.vn/x", 10 * MINUTE), PlayReserve(),
        PlayLive("phien-1", 5 * MINUTE), PlayItem("08", "tin-2"),
    ]  # fmt: skip
    rules = [
        Recurrence(first, "daily"), Recurrence(first, "weekly", weekdays=[1, 5], until="2027-06-01"),
        Recurrence(first, "monthly", month_days=[1, -1]), Recurrence(first, dates=[first], exceptions=["2026-12-01"]),
    ]  # fmt: skip
    slots = [
        Slot(f"khung-{k}", f"Khung {k}", (5 + 4 * k) * HOUR, 30 * MINUTE, rule, plays, priority=k == 1, fixed=k == 1)
        for k, rule in enumerate(rules)
    ]
    layer = Slot("le", "Lễ", 8 * HOUR, 20 * MINUTE, rules[0], plays[:2], any_time=True, targets=[f"area:{COMMUNE}"])
    special = SpecialDay("tet", "Tết", first, "2026-12-31", replace=True, drop=["music"], slots=[layer])
    return make_programme(
        area, issued=now, play_until=UtcTime(now + 30 * DAY), items=items, slots=slots, order=["tin-1", "tin-2"],
        offers=Offers(["tin-1", "tin-2"], [Series("thoi-su", "Thời sự", ["tin-3", "tin-4"])]), reserve=["tin-4"],
        withdrawn=["tin-9"], special_days=[special],
    )  # fmt: skip


def orders(ground: Ground) -> list[bytes]:
    """Envelopes that the device obeys, of every role and kind."""
    province, template = ground.province, ground.template
    starts = [province.start_alert(area, template, act=act) for area in ("08", COMMUNE) for act in ("ea", "ed", "ef")]
    by_two = province.start_alert(COMMUNE, template, signers=province.holders("ea00694")[:2], nonce="ab" * 16)
    cancel = province.cancel_alert(COMMUNE, ["ab" * 32, "cd" * 32])
    return [*starts, by_two, cancel]


def log_batches() -> list[bytes]:
    """Batches as the device signs them."""
    rows, previous = [], FIRST_PREVIOUS
    for seq in range(1, 9):
        row = Row(seq, previous, UtcTime(NOW + seq), 3, "play", item="tin-1", area=COMMUNE, title="Bản tin")
        rows.append(row)
        previous = row_hash(row)
    batches = [Batch(DEVICE, f"serial-{DEVICE}", CHAIN, part) for part in (rows[:1], rows[:4], rows[4:])]
    return [seal(encode(batch), LOG_TYPE, [signer_of(DEVICE)]) for batch in batches]


def receipts() -> list[bytes]:
    key = signer_of(DEVICE)
    said = [Receipt(DEVICE, "ab" * 32, states, NOW, 3) for states in (["received", "verified"], ["started"])]
    return [seal(encode(receipt), ACK_TYPE, [key]) for receipt in said]


def device_key() -> str:
    return public_hex(signer_of(DEVICE).public_key)
