"""Submitting, signing, returning and releasing: from a draft to what devices fetch.

The hub never signs content. It checks each signature with the same rules as a device, and once enough people have
signed, one transaction makes role file, targets, snapshot and timestamp the newest and queues the nudge to devices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from hub import audit
from hub.auth.roles import Person, Right
from hub.content.blobs import blob_path
from hub.context import Hub
from hub.errors import N_, BadInputError, ChangedError, NotAllowedError, NotFoundError
from hub.publishing import store
from hub.publishing.checks import blobs_of, check_proposal
from hub.publishing.model import Proposal, Signable, State
from hub.publishing.release import release
from hub.publishing.signatures import Progress, add_new_signature
from wire.errors import UnknownKeyError
from wire.proposal import proposal_digest, proposal_role
from wire.trust.authority import Authority, authority
from wire.trust.held import Held
from wire.units import UtcTime

MAX_REASON = 1_000
SUBMIT_RIGHTS = {"placements": Right.DEVICES}
"""The right to propose; EDIT where nothing is said."""
SIGN_RIGHTS = {"placements": Right.PLACE}
"""The right to sign or return; APPROVE where nothing is said."""


class OwnWorkError(NotAllowedError):
    """Author ≠ approver."""

    code = "own_work"


def submit(
    hub: Hub, person: Person, *, area: str, kind: str, targets: Mapping[str, bytes], title: str,
    authors: Sequence[str] = (), sign_before: UtcTime | None = None,
) -> int:  # fmt: skip
    """Put a change up for signature; its id. A waiting proposal of the same files is superseded.

    Raises BadInputError, NotAllowedError, or a WireError naming what devices would refuse.
    """
    person.require(SUBMIT_RIGHTS.get(kind, Right.EDIT), area)
    now = hub.now()
    check_proposal(kind, area, targets, now=now)
    for sha256, size in blobs_of(kind, targets):
        _check_blob(hub, sha256, size)
    role = proposal_role(kind, area)
    with hub.writing() as conn:
        for earlier in store.find(conn, role=role):
            if set(earlier.targets) & set(targets):
                store.close(conn, earlier.id, State.SUPERSEDED, closed_at=now, closed_by=person.username)
        ident = store.add(
            conn, role=role, area=area, kind=kind, title=title[:300], digest=proposal_digest(targets), targets=targets,
            authors=sorted({person.username, *authors}), submitted_at=now, sign_before=sign_before,
        )  # fmt: skip
        audit.note(conn, at=now, person=person.username, verb="submit", area=area, subject=kind, detail=title)
    return ident


def signable(hub: Hub, person: Person) -> list[Signable]:
    """The waiting proposals that this person's keys may sign, the most urgent first."""
    with hub.reading() as conn:
        held = hub.trusted.held(conn)
        found = [_signable(held, proposal) for proposal in store.find(conn)]
    mine = [s for s in found if person.keys & s.key_ids and person.may(_sign_right(s.proposal), s.proposal.area)]
    return sorted(mine, key=lambda s: (s.proposal.sign_before or 2**62, s.proposal.id))


def look_at(hub: Hub, person: Person, ident: int) -> Signable:
    """A proposal with its content. Raises NotFoundError for those who may not see its area."""
    with hub.reading() as conn:
        proposal = store.get(conn, ident)
        if proposal is None or not person.may(Right.VIEW, proposal.area):
            raise NotFoundError
        return _signable(hub.trusted.held(conn), proposal)


def add_signature(hub: Hub, person: Person, ident: int, *, digest: str, metadata: bytes) -> State:
    """Take a role file with one more signature of this person; RELEASED when that was the last one needed.

    A refusal is on record. Raises:
        ChangedError: the proposal is not the one that was shown.
        OwnWorkError, NotAllowedError: the author, or somebody without the right or the key.
        WireError: a file that is not the current release plus exactly this change, or a bad signature.
    """
    with hub.reading() as conn:
        hub.trusted.held(conn)  # may take a moment after a change: not while writing
        meant = store.get(conn, ident)
    area = meant.area if meant else ""
    with audit.refusals(hub, person=person.username, verb="sign", area=area, subject=f"proposal {ident}"):
        is_complete = _take_signature(hub, person, ident, digest, metadata)
    if not is_complete:
        return State.WAITING
    with hub.reading() as conn:
        hub.trusted.held(conn)  # now rather than in the request that brings the next alert
    return State.RELEASED


def _take_signature(hub: Hub, person: Person, ident: int, digest: str, metadata: bytes) -> bool:
    now = hub.now()
    with hub.writing() as conn:
        proposal = _waiting(conn, person, ident)
        if proposal.digest != digest:
            raise ChangedError
        if person.username in proposal.authors:
            raise OwnWorkError(N_("Whoever wrote it cannot approve it."))
        held = hub.trusted.held(conn)
        progress = add_new_signature(held, proposal, metadata, person.keys, now)
        store.keep_signatures(conn, ident, progress.metadata, sorted({*proposal.signers, person.username}))
        audit.note(conn, at=now, person=person.username, verb="sign", area=proposal.area, subject=proposal.kind,
                   detail=f"{proposal.role} v{progress.version} {digest}")  # fmt: skip
        if progress.is_complete:
            _release(hub, conn, proposal, progress, person, now)
    return progress.is_complete


def return_proposal(hub: Hub, person: Person, ident: int, reason: str) -> None:
    """Give a proposal back to its authors with a reason."""
    if not reason.strip() or len(reason) > MAX_REASON:
        raise BadInputError(N_("Say in a few words why it is returned."))
    now = hub.now()
    with hub.writing() as conn:
        proposal = _waiting(conn, person, ident)
        done = {"closed_at": now, "closed_by": person.username, "reason": reason.strip()}
        store.close(conn, ident, State.RETURNED, **done)
        audit.note(conn, at=now, person=person.username, verb="return", area=proposal.area, subject=proposal.kind,
                   detail=reason)  # fmt: skip


def waiting(conn: Connection, *, kind: str = "", area: str = "") -> list[Proposal]:
    """All that waits for signatures, of a kind, at and below an area."""
    return store.find(conn, kind=kind, area=area)


def waiting_for(conn: Connection, path: str) -> Proposal | None:
    """The waiting proposal that would change a target."""
    return next((proposal for proposal in store.find(conn) if path in proposal.targets), None)


def may_hear(conn: Connection, person: Person | None, sha256: str) -> bool:
    """Whether a blob belongs to a waiting proposal that this person may look at."""
    if person is None:
        return False
    seen = (proposal for proposal in store.find(conn) if person.may(Right.VIEW, proposal.area))
    return any(sha256 == blob for proposal in seen for blob, _ in blobs_of(proposal.kind, proposal.targets))


def _release(hub: Hub, conn: Connection, proposal: Proposal, progress: Progress, person: Person, now: UtcTime) -> None:
    release(hub, conn, role=proposal.role, version=progress.version, role_file=progress.metadata,
            targets=proposal.targets, kind=proposal.kind, area=proposal.area)  # fmt: skip
    done = {"closed_at": now, "closed_by": person.username, "version": progress.version}
    store.close(conn, proposal.id, State.RELEASED, **done)
    store.forget_signatures(conn, proposal.role)
    audit.note(conn, at=now, person=person.username, verb="release", area=proposal.area, subject=proposal.kind,
               detail=f"{proposal.role} v{progress.version}")  # fmt: skip


def _waiting(conn: Connection, person: Person, ident: int) -> Proposal:
    proposal = store.get(conn, ident)
    if proposal is None or not person.may(Right.VIEW, proposal.area):
        raise NotFoundError
    person.require(_sign_right(proposal), proposal.area)
    if proposal.state is not State.WAITING:
        raise ChangedError
    return proposal


def _sign_right(proposal: Proposal) -> Right:
    return SIGN_RIGHTS.get(proposal.kind, Right.APPROVE)


def _signable(held: Held, proposal: Proposal) -> Signable:
    current = held.roles.get(proposal.role)
    who = _authority(held, proposal.role)
    return Signable(
        proposal, current.version if current else 0, len(proposal.signers), who.threshold if who else 0,
        who.key_ids if who else frozenset(),
    )  # fmt: skip


def _authority(held: Held, role: str) -> Authority | None:
    """None where the province has delegated the role to nobody yet: then nobody can sign."""
    try:
        return authority(held, role)
    except UnknownKeyError:
        return None


def _check_blob(hub: Hub, sha256: str, size: int) -> None:
    path = blob_path(sha256, hub.config.blob_dir)
    if not path.is_file() or path.stat().st_size != size:
        raise BadInputError(N_("A recording of the programme is missing here; add it again."))
