"""A whole province as a hub serves it: every commune with hamlets, three keys a role, a programme and placements each.

Roster, first metadata and limits are the ceremony's own; the hub is filled through its own intake and release. Only the
key files are left out: under a passphrase each, 7,000 of them would take a quarter of an hour.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import Signer

from hub.areas.actions import COMMUNES_CSV
from hub.config import load_config
from hub.context import Hub, open_hub
from hub.publishing import repository
from hub.publishing.intake import take_trust
from hub.publishing.online_keys import OnlineKeys
from hub.publishing.release import publish_online, release
from hub.setup import prepare
from provisioning.keys import create_online_key
from provisioning.trust.init import ONLINE, sign_first
from provisioning.trust.roster import Person, Roster, read_roster
from wire.alert import Part, Template, Wording
from wire.areas import placements_target, policy_target, programme_target, speaker_role, template_target
from wire.blanks import Blank, Choice
from wire.codec import encode
from wire.content import Item, Sound
from wire.enrolment import Placement, Placements
from wire.envelope import signer_from_private
from wire.policy import Hours, Policy
from wire.programme import Offers, PlayItem, Programme, Recurrence, Series, Slot
from wire.release import build_role, sign_role
from wire.units import DAY, HOUR, MINUTE, UtcTime, local_day

PROVINCE = "08"
HAMLETS = 15
HOLDERS = 3
ITEMS = 30
SLOTS_H = (5, 11, 17)
"""Morning, noon and evening, as most communes have them."""
DEVICES_A_COMMUNE = 15
TEMPLATES = 12
PROVINCIAL = ("root", "targets", f"p{PROVINCE}", f"d{PROVINCE}", "tpl", "sw")
ACTS = ("ea", "ef", "ed")


def communes() -> list[str]:
    """The codes of the province's communes, from the area data."""
    with COMMUNES_CSV.open(newline="") as file:
        return [row["code"] for row in csv.DictReader(file)]


def full_roster(codes: Sequence[str], *, hamlets: int, holders: int) -> Roster:
    """Every role that can be held, with keys that nobody shares."""
    roles = [*PROVINCIAL, *(f"{act}{PROVINCE}" for act in ACTS)]
    for code in codes:
        roles += [f"c{code}", *(f"{act}{code}" for act in ACTS)]
        roles += [f"v{code}-{n:02d}" for n in range(1, hamlets + 1)]
    people = [Person(f"{role}-{n}", [role]) for role in roles for n in range(1, holders + 1)]
    return read_roster(encode(Roster(PROVINCE, list(codes), people)))


@dataclass
class WholeProvince:
    """The people with their keys, and the hub that serves what they signed."""

    roster: Roster
    signers: Mapping[str, Signer]
    hub: Hub
    root_file: Path
    now: UtcTime
    first_bytes: Mapping[str, int]
    """The size of each file of the first metadata, by role."""

    def crew(self, role: str) -> list[Signer]:
        """As many holders as must sign."""
        return self.holders(role)[: self.roster.threshold(role)]

    def holders(self, role: str) -> list[Signer]:
        return [self.signers[f"{role}-{n}"] for n in range(1, HOLDERS + 1)]

    def everybody_speaks(self, placed: Sequence[Placement]) -> None:
        """A programme of every area, placements of every commune (`placed` among them), policy and templates."""
        now = self.now
        said: dict[str, dict[str, bytes]] = {speaker_role(PROVINCE): _province_files(now)}
        for code in self.roster.communes:
            area = f"{PROVINCE}/{code}"
            said[speaker_role(area)] = {programme_target(area): encode(make_programme(area, now))}
        said[f"d{PROVINCE}"] = {
            placements_target(f"{PROVINCE}/{code}"): encode(make_placements(f"{PROVINCE}/{code}", now, placed))
            for code in self.roster.communes
        }
        said["tpl"] = {template_target(PROVINCE, one.id): encode(one) for one in make_templates()}
        with self.hub.writing() as conn:
            repository.lock(conn)
            for role, targets in said.items():
                current = repository.current_role(conn, role)
                version = current[0] + 1 if current else 1
                repository.put_targets(conn, role, version, targets, now)
                repository.put_role(conn, role, version, self._signed(role, current, targets), now)
            publish_online(conn, OnlineKeys(self.hub.config.online_dir, self.hub.keys), now)

    def change_programme(self, area: str) -> int:
        """One more bulletin in the programme of a commune, released as the hub releases it; the size of its files."""
        role, path = speaker_role(area), programme_target(area)
        with self.hub.writing() as conn:
            current = repository.current_role(conn, role)
            version = current[0] + 1 if current else 1
            now = UtcTime(self.now + version)
            targets = {path: encode(make_programme(area, now, items=ITEMS + version))}
            raw = self._signed(role, current, targets, now)
            release(
                self.hub, conn, role=role, version=version, role_file=raw, kind="programme", area=area, targets=targets
            )
        return len(raw) + len(targets[path])

    def _signed(
        self, role: str, current: tuple[int, bytes] | None, targets: Mapping[str, bytes], now: UtcTime | None = None
    ) -> bytes:
        raw = build_role(current[1] if current else None, role, targets, now or UtcTime(self.now + 1))
        for signer in self.crew(role):
            raw = sign_role(raw, signer)
        return raw


def make_province(folder: Path, *, now: UtcTime, hamlets: int = HAMLETS) -> WholeProvince:
    """Lay the ceremony's folder down, and a hub that has taken it over."""
    roster = full_roster(communes(), hamlets=hamlets, holders=HOLDERS)
    signers = {person.name: signer_from_private(Ed25519PrivateKey.generate()) for person in roster.people}
    trust = folder / "trust"
    for name in ("metadata", "online"):
        (trust / name).mkdir(parents=True)
    online = {name: create_online_key(trust / "online" / f"{name}.pem") for name in ONLINE}
    files = sign_first(roster, signers, online, now)
    for name, raw in files.items():
        (trust / "metadata" / name).write_bytes(raw)
    (trust / "root.json").write_bytes(files["1.root.json"])
    config = load_config(folder / "hub", None)
    prepare(config)
    hub = open_hub(config)
    take_trust(hub, trust)
    sizes = {name.removeprefix("1.").removesuffix(".json"): len(raw) for name, raw in files.items()}
    return WholeProvince(roster, signers, hub, trust / "root.json", now, sizes)


def make_programme(area: str, issued: UtcTime, *, items: int = ITEMS) -> Programme:
    """A month of a commune: three slots a day, a bulletin each day in two languages."""
    bulletins = [_bulletin(area, n) for n in range(1, items + 1)]
    first = local_day(issued).isoformat()
    slots = [
        Slot(
            f"khung-{hour}", f"Bản tin lúc {hour} giờ", hour * HOUR, 30 * MINUTE, Recurrence(first, "daily"),
            [PlayItem(area, item.id) for item in bulletins[-5:]],
        )
        for hour in SLOTS_H
    ]  # fmt: skip
    return Programme(area, issued, UtcTime(issued + 30 * DAY), bulletins, slots)


def make_placements(commune: str, issued: UtcTime, placed: Sequence[Placement]) -> Placements:
    """A commune's loudspeakers, one a hamlet, and those of `placed` that stand there."""
    others = [_placement(commune, n, issued) for n in range(1, DEVICES_A_COMMUNE + 1)]
    return Placements(commune, issued, [*others, *(one for one in placed if one.area.startswith(f"{commune}/"))])


def make_templates() -> list[Template]:
    """As many as a province has hazards, with one blank, in two languages."""
    return [_template(n) for n in range(1, TEMPLATES + 1)]


def _province_files(now: UtcTime) -> dict[str, bytes]:
    programme = make_programme(PROVINCE, now)
    offered = [item.id for item in programme.items]
    whole = Programme(
        PROVINCE, now, programme.play_until, programme.items,
        offers=Offers(offered, [Series("thoi-su", "Thời sự tỉnh", offered)]),
    )  # fmt: skip
    policy = Policy(PROVINCE, now, hours=[Hours(5 * HOUR + 30 * MINUTE, 21 * HOUR)])
    return {programme_target(PROVINCE): encode(whole), policy_target(PROVINCE): encode(policy)}


def _bulletin(area: str, n: int) -> Item:
    title = f"Bản tin số {n}: lịch tiêm phòng, thu gom rác và phòng chống cháy rừng"
    return Item(
        f"tin-{n:04d}", title, renditions=[_sound(f"{area} {n} {language}", language) for language in ("vi", "hmn")],
        issued_by="Ủy ban nhân dân", document_number=f"{n}/TB-UBND",
    )  # fmt: skip


def _sound(content: str, language: str) -> Sound:
    return Sound(language, hashlib.sha256(content.encode()).hexdigest(), 480_000, 120_000)


def _placement(commune: str, n: int, issued: UtcTime) -> Placement:
    code = commune.split("/")[1]
    key = hashlib.sha256(f"{commune} {n}".encode()).hexdigest()
    return Placement(
        f"loa-{code}-{n:02d}", [key], f"1000000{code}{n:04d}", f"{commune}/{n:02d}", f"cum-{code}-{n:02d}", 1, issued
    )


def _template(n: int) -> Template:
    ident = f"tinh-huong-{n:02d}"
    choices = [Choice(f"muc-{m}", {"vi": f"mức {m}", "hmn": f"theem {m}"}, _clips(f"{ident} {m}")) for m in range(1, 6)]
    wordings = [
        Wording(clip.language, "Khẩn cấp: {muc}. Bà con di chuyển đến nơi an toàn.", [Part(clip), Part(blank="muc")])
        for clip in _clips(ident)
    ]
    return Template(ident, f"Tình huống {n}", "lũ", 4, wordings, [Blank("muc", choices)])


def _clips(content: str) -> list[Sound]:
    return [_sound(f"{content} {language}", language) for language in ("vi", "hmn")]


def device_placement(device: str, key_hex: str, area: str, issued: UtcTime) -> Placement:
    """Where the loudspeaker that is measured stands."""
    return Placement(device, [key_hex], f"serial-{device}", area, f"cum-{device}", 1, issued)


