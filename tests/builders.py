"""A small province with every role and key, for tests: real keys, real signatures, the layout of `trust init`.

    province = make_province()                       # 08 with communes 00694, 00700 and ten more that nobody works in
    province.publish_programme("08/00694", programme)
    held = province.held("08/00694/02")              # as a device there would have verified it
    envelope = province.start_alert("08/00694", template)

`province.files` and `province.target_files` are what the hub serves under /tuf/metadata and /tuf/targets.
The cast: binh, chi, lan for the province; dang registers devices; chair-…, deputy-… and head-… in each commune.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import Signer
from tuf.api.metadata import Metadata

from provisioning.trust.delegations import FirstMetadata
from provisioning.trust.roster import Person, Roster
from wire.alert import ALERT_TYPE, Cancel, Part, Repeat, Start, Template, Wording, own_words
from wire.areas import (
    emergency_role,
    placements_target,
    policy_target,
    programme_target,
    speaker_role,
    template_target,
)
from wire.blanks import Blank, Choice
from wire.codec import encode
from wire.content import Sound
from wire.enrolment import Placement, Placements
from wire.envelope import public_hex, seal, signer_from_private
from wire.policy import Policy
from wire.programme import Programme
from wire.release import (
    build_role,
    build_snapshot,
    build_timestamp,
    metadata_file_name,
    sign_role,
    target_file_name,
)
from wire.trust.expiry import NETWORK, Rules
from wire.trust.held import Held, pin_root
from wire.trust.refresh import Outcome, Wanted, refresh, run
from wire.trust.scope import DeviceScope, Scope, WholeProvince
from wire.units import DAY, HOUR, MINUTE, UtcTime, at_local

NOW = at_local(date(2026, 11, 23), 8 * HOUR)
"""Monday 23 November 2026, 08:00 in Việt Nam."""

PROVINCE = "08"
COMMUNES = ("00694", "00700")
QUIET_COMMUNES = tuple(f"{n:05d}" for n in range(701, 711))
PROVINCE_PEOPLE = ("binh", "chi", "lan")


def new_signer() -> Signer:
    return signer_from_private(Ed25519PrivateKey.generate())


def make_roster(province: str = PROVINCE, communes: Sequence[str] = COMMUNES, **thresholds: int) -> Roster:
    """The cast of a province whose `communes` have a chair, a deputy and the head of hamlet 02."""
    roles = ["root", "targets", f"p{province}", "tpl", "sw", *(f"{act}{province}" for act in ("ea", "ef", "ed"))]
    people = [Person(name, list(roles)) for name in PROVINCE_PEOPLE] + [Person("dang", [f"d{province}"])]
    for code in communes:
        emergency = [f"{act}{code}" for act in ("ea", "ef", "ed")]
        people += [Person(f"{who}-{code}", [f"c{code}", *emergency]) for who in ("chair", "deputy")]
        people += [Person(f"head-{code}", [f"v{code}-02", *emergency])]
    return Roster(province, [*communes, *QUIET_COMMUNES], people, dict(thresholds))


@dataclass
class Province:
    """A province and its repository. `now` is when the next thing is issued; move it as the test needs."""

    roster: Roster
    signers: dict[str, Signer]
    """By person's name, and `snapshot` and `timestamp`."""
    roles: dict[str, bytes]
    """The newest signed file of each role."""
    now: UtcTime
    files: dict[str, bytes] = field(default_factory=dict)
    """All metadata files ever published, by name under /tuf/metadata."""
    target_files: dict[str, bytes] = field(default_factory=dict)
    """All targets ever published, by name under /tuf/targets (with hash)."""

    # -- what others see --

    @property
    def root(self) -> bytes:
        """What a device is enrolled with."""
        return self.files["1.root.json"]

    def fetch(self, wanted: Wanted) -> bytes | None:
        """For `wire.trust.refresh.run`."""
        return self.files.get(wanted.name)

    def refresh(
        self, held: Held, scope: Scope | str | None = None, *, floor: UtcTime | None = None, rules: Rules = NETWORK
    ) -> Outcome:
        """One refresh against what is published; `scope` may be an area; None: a device without a place."""
        wanted = DeviceScope(scope) if scope is None or isinstance(scope, str) else scope
        return run(refresh(held, scope=wanted, floor=self.now if floor is None else floor, rules=rules), self.fetch)

    def held(self, area: str | None = None) -> Held:
        """What a device at `area` holds after its first refresh, or with None what the hub holds."""
        outcome = self.refresh(pin_root(self.root), WholeProvince() if area is None else area)
        assert not outcome.refusals, outcome.refusals
        return outcome.held

    # -- signing --

    def holders(self, role: str) -> list[Signer]:
        """The signers of all people who hold a role."""
        names = self.roster.holders(f"p{self.roster.province}" if role[0] in "gh" else role)
        return [self.signers[name] for name in names]

    def enough(self, role: str) -> list[Signer]:
        """Just as many of them as must sign."""
        source = f"p{self.roster.province}" if role[0] in "gh" else role
        return self.holders(role)[: self.roster.threshold(source)]

    def release(
        self, role: str, changes: Mapping[str, bytes | None] | None = None, signers: Iterable[Signer] | None = None
    ) -> bytes:
        """Sign and publish the next version of a role, a new snapshot and timestamp. Returns the role's file."""
        self.now = UtcTime(self.now + 1)
        raw = build_role(self.roles.get(role), role, changes or {}, self.now)
        for signer in self.enough(role) if signers is None else signers:
            raw = sign_role(raw, signer)
        for path, content in (changes or {}).items():
            if content is not None:
                self.target_files[target_file_name(path, hashlib.sha256(content).hexdigest())] = content
        self.publish({role: raw})
        return raw

    def publish(self, roles: Mapping[str, bytes]) -> None:
        """Put finished role files (good or bad) into the repository, with a snapshot and timestamp that name them."""
        self.roles.update(roles)
        delegated = {n: raw for n, raw in self.roles.items() if n not in ("root", "snapshot", "timestamp")}
        snapshot = build_snapshot(self.roles.get("snapshot"), delegated, self.now)
        self.roles["snapshot"] = sign_role(snapshot, self.signers["snapshot"])
        timestamp = build_timestamp(self.roles.get("timestamp"), self.roles["snapshot"], self.now)
        self.roles["timestamp"] = sign_role(timestamp, self.signers["timestamp"])
        for name in (*roles, "snapshot", "timestamp"):
            self.files[metadata_file_name(name, version_of(self.roles[name]))] = self.roles[name]

    def revise(
        self, role: str, edit: Callable[[Any], object], signers: Iterable[Signer] | None = None, *, version: int = 1
    ) -> bytes:
        """A role file changed at will by `edit(signed)`, `version` versions on, and signed anew; not published."""
        self.now = UtcTime(self.now + 1)
        metadata: Metadata[Any] = Metadata.from_bytes(self.roles[role])
        metadata.signed.version += version
        metadata.signed.unrecognized_fields["issued"] = self.now
        edit(metadata.signed)
        metadata.signatures.clear()
        raw = metadata.to_bytes()
        for signer in self.enough(role) if signers is None else signers:
            raw = sign_role(raw, signer)
        return raw

    # -- what people publish --

    def publish_programme(self, area: str, programme: Programme | bytes) -> bytes:
        return self._publish(speaker_role(area), programme_target(area), programme)

    def publish_policy(self, area: str, policy: Policy | bytes) -> bytes:
        return self._publish(speaker_role(area), policy_target(area), policy)

    def publish_placements(self, commune: str, placements: Iterable[Placement] | bytes) -> bytes:
        whole = placements if isinstance(placements, bytes) else Placements(commune, self.now, list(placements))
        return self._publish(f"d{self.roster.province}", placements_target(commune), whole)

    def publish_template(self, template: Template | bytes, ident: str | None = None) -> bytes:
        name = template.id if isinstance(template, Template) else str(ident)
        return self._publish("tpl", template_target(self.roster.province, name), template)

    def _publish(self, role: str, path: str, value: object) -> bytes:
        """Encode, sign, release; the target's bytes come back."""
        raw = value if isinstance(value, bytes) else encode(value)
        self.release(role, {path: raw})
        return raw

    # -- alerts --

    def start_alert(
        self,
        area: str,
        template: Template | bytes,
        *,
        act: str = "ea",
        role: str | None = None,
        signers: Iterable[Signer] | None = None,
        **fields: object,
    ) -> bytes:
        """An envelope that starts a template below `area`, signed by just enough holders of the area's role."""
        raw = template if isinstance(template, bytes) else encode(template)
        role = role or emergency_role(area, act)
        order = Start(
            role=role, area=area, template=_template_id(template), template_sha256=hashlib.sha256(raw).hexdigest(),
            blanks=_first_choices(template),
            issued=self.now, expires=UtcTime(self.now + HOUR), repeat=Repeat(times=2, within_ms=5 * MINUTE),
        )  # fmt: skip
        return self.sign_order(_with(order, fields), signers)

    def say_own(self, area: str, text: str, *, signers: Iterable[Signer] | None = None, **fields: object) -> bytes:
        """An envelope with officers' own words for `area`, signed by just enough holders of its ef role."""
        own = own_words(title="Tin khẩn", hazard="", severity=3, texts={"vi": text})
        order = Start(
            role=emergency_role(area, "ef"), area=area, template=own.id,
            template_sha256=hashlib.sha256(encode(own)).hexdigest(), own=own, issued=self.now,
            expires=UtcTime(self.now + HOUR), repeat=Repeat(times=2, within_ms=5 * MINUTE),
        )  # fmt: skip
        return self.sign_order(_with(order, fields), signers)

    def cancel_alert(
        self,
        area: str,
        ids: Iterable[str],
        *,
        act: str = "ea",
        signers: Iterable[Signer] | None = None,
        **fields: object,
    ) -> bytes:
        """An envelope that cancels alerts by id."""
        order = Cancel(emergency_role(area, act), area, list(ids), self.now, UtcTime(self.now + HOUR))
        return self.sign_order(_with(order, fields), signers)

    def sign_order(self, order: Start | Cancel, signers: Iterable[Signer] | None = None) -> bytes:
        return seal(encode(order), ALERT_TYPE, self.enough(order.role) if signers is None else signers)


def make_province(
    *,
    province: str = PROVINCE,
    communes: Sequence[str] = COMMUNES,
    now: UtcTime = NOW,
    known: Mapping[str, Signer] | None = None,
    **thresholds: int,
) -> Province:
    """A province as it stands after `trust init`: nobody has said anything yet. `c00694=2` raises a threshold.

    `known` are keys that some of the cast have already, by name.
    """
    roster = make_roster(province, communes, **thresholds)
    names = (*(person.name for person in roster.people), "snapshot", "timestamp")
    signers = {name: new_signer() for name in names} | dict(known or {})
    keys = {name: signer.public_key for name, signer in signers.items()}
    first = FirstMetadata(roster, keys, keys, now)
    roles = {}
    for role, raw in first.roles().items():
        signed = raw
        for name in first.signers(role):
            signed = sign_role(signed, signers[name])
        roles[role] = signed
    built = Province(roster, signers, {}, now)
    built.publish(roles)
    return built


def make_template(ident: str = "xa-lu", *, severity: int = 4, sound: Sound | None = None) -> Template:
    """A template with one blank, one clip and one language; give a real `sound` where it must be heard."""
    clip = sound or make_sound("clip of " + ident)
    choice = Choice("ho-tuyen-quang", {"vi": "Hồ Tuyên Quang"}, [clip])
    wording = Wording("vi", "{ho} xả lũ khẩn cấp.", [Part(clip=clip), Part(blank="ho")])
    return Template(ident, "Xả lũ khẩn cấp", "lũ", severity, [wording], [Blank("ho", [choice])])


def make_sound(content: str, *, duration_ms: int = 3_000, language: str = "vi") -> Sound:
    """A sound whose blob nobody needs to have."""
    digest = hashlib.sha256(content.encode()).hexdigest()
    return Sound(language=language, sha256=digest, size=12_000, duration_ms=duration_ms)


def make_programme(area: str, *, issued: UtcTime = NOW, **fields: object) -> Programme:
    """An empty programme that may play for 30 days."""
    return _with(Programme(area, issued, UtcTime(issued + 30 * DAY)), fields)


def make_placement(device: str, area: str, key: Signer, *, n: int = 1, **fields: object) -> Placement:
    """A loudspeaker at an area, on a cluster named after the device."""
    keys = [public_hex(key.public_key)]
    placement = Placement(device, keys, f"serial-{device}", area, f"cl-{device}", n, NOW)
    return _with(placement, fields)


def version_of(raw: bytes) -> int:
    return int(msgspec.json.decode(raw)["signed"]["version"])


def _template_id(template: Template | bytes) -> str:
    return template.id if isinstance(template, Template) else "xa-lu"


def _first_choices(template: Template | bytes) -> dict[str, str]:
    blanks = template.blanks if isinstance(template, Template) else []
    return {blank.id: blank.choices[0].id for blank in blanks if blank.choices}


def _with(value, fields):
    return msgspec.structs.replace(value, **fields) if fields else value
