"""One proposal on its way to a signature: fetched, verified against what this machine trusts, shown, built and signed.

The hub is a mailbox: of a proposal it gives only target files and perhaps a colleague's signature. The role file that
is signed is built here (`wire.release`) from the last verified release and exactly the files that were shown.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from securesystemslib.signer import Signer

from provisioning.approval.faults import StationError, changed
from provisioning.approval.keyring import KeyFile
from provisioning.approval.review import Held as HeldReleases
from provisioning.approval.review import Media, Review, Subject, review
from provisioning.approval.words import N_, Words
from provisioning.blobs import BlobStore
from provisioning.errors import ProvisioningError
from provisioning.hub_api import HubApi, Proposal
from provisioning.trusted import Truststore
from wire.areas import ancestry, contains, placements_target, policy_target, programme_target
from wire.enrolment import read_placements
from wire.errors import BadSignatureError, WireError
from wire.policy import read_policy
from wire.programme import read_programme
from wire.proposal import may_change, proposal_digest, proposal_role
from wire.release import attach_signature, build_role, check_rebuilt, expires_after, sign_role, signed_bytes
from wire.trust.authority import authority, count_signatures, delegator_of
from wire.trust.held import Held, Refusal, last_version
from wire.trust.passkey import Passkey, signature_of
from wire.units import UtcTime, utc

TOP_LEVEL = frozenset({"root", "timestamp", "snapshot", "targets"})


@dataclass(frozen=True)
class Shown:
    """A proposal as a person saw it: what a signature in this session may cover."""

    proposal: Proposal
    targets: dict[str, bytes]
    current: bytes | None
    """The role's last verified release."""
    current_version: int
    expires: UtcTime
    threshold: int
    signers: frozenset[str]
    """Ids of the keys that have signed already."""
    keys: tuple[KeyFile, ...]
    """Keys of this machine that may sign and have not."""
    review: Review

    @property
    def digest(self) -> str:
        return proposal_digest(self.targets)


@dataclass(frozen=True)
class Desk:
    """What looking needs: the hub in somebody's name, what is trusted, sounds, this machine's keys, words."""

    hub: HubApi
    store: Truststore
    blobs: BlobStore
    keys: Sequence[KeyFile]
    words: Words


@dataclass(frozen=True)
class Assertion:
    """What a passkey answered: authenticator data, client data, signature."""

    key: Passkey
    parts: tuple[bytes, bytes, bytes]


def look(desk: Desk, proposal: Proposal, refused: Sequence[Refusal]) -> Shown:
    """Verify and compare a proposal. What speaks against signing stands in the review's refusals.

    Raises StationError where it is no proposal that could be shown at all.
    """
    _, held = desk.words, desk.store.held
    targets = _targets(proposal)
    role = proposal_role(proposal.kind, proposal.area)
    who = authority(held, role)
    if not contains(who.area, proposal.area):    # another province's commune may have the same code
        raise _foreign(proposal.area)
    current = held.roles.get(role)
    now = desk.store.now()
    reviews = [_review_target(desk, proposal, path, raw) for path, raw in targets.items()]
    broken = [line for shown in reviews for line in _missing_sounds(desk, shown.media)]
    partly, faults = _colleague(desk, proposal, targets, role)
    signers = count_signatures(held, role, partly).good if partly else frozenset()
    refusals = (*_chain_faults(held, role, refused, _), *faults, *broken)
    notes = (*_disowned(held, role, refused, _), *_staleness(desk))
    keys = tuple(key for key in desk.keys if key.key_id in who.key_ids and key.key_id not in signers)
    return Shown(
        proposal, targets, current.raw if current else None, current.version if current else last_version(held, role),
        utc(expires_after(role, now)), who.threshold, signers, keys, _merge(reviews, refusals, notes),
    )  # fmt: skip


def sign(desk: Desk, shown: Shown, signer: Signer, refused: Iterable[Refusal]) -> bytes:
    """The role file with this person's signature, which the caller posts. Raises as `unsigned` does."""
    return sign_role(unsigned(desk, shown, refused), signer)


def sign_elsewhere(
    desk: Desk, shown: Shown, prepared: bytes, assertion: Assertion, refused: Iterable[Refusal]
) -> bytes:
    """The role file with a signature that the page brought from a passkey, verified as each device does.

    `prepared` is what `unsigned` answered for it. Raises as `unsigned` does; `changed` also where a colleague has
    signed something else meanwhile, `bad_signature` for an assertion that no device would take.
    """
    raw, key = unsigned(desk, shown, refused, prepared=prepared), assertion.key
    if signed_bytes(raw) != signed_bytes(prepared):
        raise changed()
    try:
        return attach_signature(raw, key, signature_of(key.keyid, *assertion.parts))
    except BadSignatureError as error:
        raise StationError(
            N_("The passkey's signature is not right: {reason}. Nothing was signed."),
            code="bad_signature", status=403, reason=error.detail,
        ) from error  # fmt: skip


def unsigned(desk: Desk, shown: Shown, refused: Iterable[Refusal], *, prepared: bytes | None = None) -> bytes:
    """The role file that this person's signature is missing on. The caller has just refreshed.

    Raises StationError `changed` where proposal or release is not the shown one any more, or the review forbids it.
    """
    if shown.review.refusals or _chain_faults(desk.store.held, shown.proposal.role, refused, desk.words):
        raise StationError(N_("This cannot be signed: see what speaks against it."), code="refused", status=409)
    if desk.store.is_clock_behind():
        raise StationError(N_("The clock of this machine is wrong: it stands in the past. Set it, then sign again."))
    fresh = desk.hub.proposal(str(shown.proposal.id))
    role = proposal_role(shown.proposal.kind, shown.proposal.area)
    current = desk.store.held.roles.get(role)
    if _targets(fresh) != shown.targets or (current.raw if current else None) != shown.current:
        raise changed()
    partly, faults = _colleague(desk, fresh, shown.targets, role)
    if faults:
        raise changed()
    return partly or prepared or build_role(
        shown.current, role, shown.targets, desk.store.now(), after=shown.current_version
    )


def _foreign(what: str) -> StationError:
    return StationError(
        N_("The proposal holds more than it says: {paths}. It is not shown and cannot be signed."),
        code="foreign_target", status=409, paths=what,
    )  # fmt: skip


def _targets(proposal: Proposal) -> dict[str, bytes]:
    targets = {path: text.encode() for path, text in proposal.targets.items()}
    foreign = [path for path in targets if not may_change(proposal.kind, proposal.area, path)]
    if foreign or not targets or proposal.role != proposal_role(proposal.kind, proposal.area):
        raise _foreign(", ".join(foreign) or proposal.role)
    if proposal.digest != proposal_digest(targets):
        raise StationError(
            N_("The proposal is not the one that the list named. Look again."), code="changed", status=409
        )
    return targets


def _review_target(desk: Desk, proposal: Proposal, path: str, after: bytes) -> Review:
    before = desk.store.target(path, desk.hub)
    if proposal.kind in ("programme", "policy"):
        held = releases_around(desk, proposal.area)
    else:
        held = HeldReleases(roots=desk.store.root_fingerprints)
    return review(Subject(proposal.kind, proposal.area, path, before, after), held, desk.store.now(), desk.words)


def releases_around(desk: Desk, area: str) -> HeldReleases:
    """The verified programmes and policies of the area's path, and the placements of its commune."""
    programmes = {a: desk.store.target(programme_target(a), desk.hub) for a in ancestry(area)}
    policies = {a: desk.store.target(policy_target(a), desk.hub) for a in ancestry(area)}
    placements = desk.store.target(placements_target(area), desk.hub) if "/" in area else None
    return HeldReleases(
        programmes={a: read_programme(raw).programme for a, raw in programmes.items() if raw},
        policies={a: read_policy(raw) for a, raw in policies.items() if raw},
        placements=read_placements(placements) if placements else None,
    )


def _missing_sounds(desk: Desk, media: Iterable[Media]) -> list[str]:
    """Each new recording is brought and verified before anybody may sign."""
    faults = []
    for one in {one.media.sha256: one for one in media if one.is_new}.values():
        try:
            desk.blobs.bring(one.media.sha256, one.media.size, desk.hub)
        except (ProvisioningError, OSError) as error:
            faults.append(
                desk.words("The recording “{title}” is not right: {reason}", title=one.title, reason=str(error))
            )
    return faults


def _colleague(desk: Desk, proposal: Proposal, targets: dict[str, bytes], role: str) -> tuple[bytes | None, list[str]]:
    """The role file that somebody has signed before, if it says exactly what building it here says."""
    if proposal.metadata is None:
        return None, []
    held = desk.store.held.roles.get(role)
    try:
        raw = base64.b64decode(proposal.metadata, validate=True)
        base, last = held.raw if held else None, last_version(desk.store.held, role)
        return check_rebuilt(raw, base, role, targets, now=desk.store.now(), after=last), []
    except (WireError, binascii.Error) as error:
        reason = getattr(error, "detail", str(error))
        said = desk.words("What was signed before is something else than what is shown: {reason}", reason=reason)
        return None, [said]


def _chain_faults(held: Held, role: str, refused: Iterable[Refusal], _: Words) -> list[str]:
    """Refused files that the role rests on. A neighbour's broken file stops nobody."""
    chain = {role, *TOP_LEVEL}
    name = role
    while name not in TOP_LEVEL:
        name = delegator_of(held, name).name
        chain.add(name)
    return [
        _("The system gave a file of {role} that does not verify: {reason}", role=one.role, reason=one.detail)
        for one in refused
        if one.role in chain and not _is_disowned(held, role, one)
    ]


def _is_disowned(held: Held, role: str, one: Refusal) -> bool:
    """Whether the last release was signed by people who are taken out since: the next one begins anew."""
    return one.role == role and one.code == BadSignatureError.code and role not in held.roles


def _disowned(held: Held, role: str, refused: Iterable[Refusal], _: Words) -> tuple[str, ...]:
    """Loud, since a hub can also bring it about by hiding good signatures."""
    said = _(
        "The last release was signed by people who may not sign any more: nothing of it counts. This one begins anew; "
        "what else was released with it (hours, volume) must be signed again."
    )
    return (said,) if any(_is_disowned(held, role, one) for one in refused) else ()


def _staleness(desk: Desk) -> tuple[str, ...]:
    said = desk.words("The system has not been brought up to date for days: newer releases may be missing here.")
    return (said,) if desk.store.is_stale() else ()


def _merge(reviews: Sequence[Review], refusals: tuple[str, ...], notes: tuple[str, ...]) -> Review:
    return Review(
        changes=tuple(change for one in reviews for change in one.changes),
        refusals=(*refusals, *(line for one in reviews for line in one.refusals)),
        notes=(*notes, *(line for one in reviews for line in one.notes)),
        media=tuple({m.media.sha256: m for one in reviews for m in one.media}.values()),
        on_air=tuple(day for one in reviews for day in one.on_air),
    )
