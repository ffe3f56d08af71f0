"""Alerts as the hub tells of them: only what verifies here counts; receipts are what loudspeakers reported."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from provisioning.approval import emergency
from provisioning.approval import words as say
from provisioning.approval.faults import StationError
from provisioning.approval.proposals import Desk
from provisioning.approval.words import N_, Words
from provisioning.errors import HubRefusedError
from wire.alert import Cancel, Start, ends_everywhere
from wire.errors import WireError
from wire.trust.orders import SignedOrder

STATES = {
    "received": N_("received"), "verified": N_("verified"), "started": N_("sounding"), "finished": N_("finished"),
    "cancelled": N_("silenced"), "refused": N_("refused"), "not_stored": N_("not stored"),
}  # fmt: skip
FAULTY = frozenset({"refused", "not_stored"})


def alerts(at_desk: Desk, _: Words, sent: Sequence[bytes], *, is_hub_there: bool) -> list[dict[str, Any]]:
    """All starts that verify here, the newest first; while the hub is away, those of them that this session sent."""
    listed = at_desk.hub.alerts() if is_hub_there else [{"envelope": base64.b64encode(raw).decode()} for raw in sent]
    orders = _orders(at_desk, listed)
    cancels = [signed.order for signed in orders if isinstance(signed.order, Cancel)]
    starts = [(signed, signed.order) for signed in orders if isinstance(signed.order, Start)]
    entries = [alert_entry(at_desk, signed, start_of, cancels, _) for signed, start_of in starts]
    return sorted(entries, key=lambda entry: -int(entry["issued"]))


def waiting(at_desk: Desk, _: Words) -> list[dict[str, Any]]:
    """Orders that a colleague has signed and that wait for another officer, as far as they verify here."""
    own, found = {key.key_id for key in at_desk.keys}, []
    for listed in _half_signed(at_desk):
        try:
            envelope = str(listed.get("envelope", ""))
            half = emergency.look_at(at_desk, base64.b64decode(envelope))
        except (WireError, ValueError):
            continue
        if isinstance(half.signed.order, Start):
            entry = alert_entry(at_desk, half.signed, half.signed.order, [], _)
            found.append({**entry, "envelope": envelope, "is_mine": bool(own & half.signed.key_ids)})
    return found


def _half_signed(at_desk: Desk) -> list[dict[str, Any]]:
    try:
        return at_desk.hub.half_signed()
    except HubRefusedError:
        return []  # an older hub keeps none; it is no reason to send nothing


def _orders(at_desk: Desk, listed: Iterable[Mapping[str, Any]]) -> list[SignedOrder]:
    found = []
    for alert in listed:
        try:
            found.append(emergency.read_envelope(at_desk, str(alert.get("envelope", ""))))
        except (WireError, ValueError):
            continue  # not signed by anybody who may: it is no alert, whatever the hub calls it
    return found


def cancels_of(at_desk: Desk, alert: Mapping[str, Any]) -> list[Cancel]:
    """The order that ends an alert, if the hub names one and it verifies here."""
    ident = str(alert.get("cancelled_by") or "")
    named = [at_desk.hub.alert(ident)] if ident else []
    return [signed.order for signed in _orders(at_desk, named) if isinstance(signed.order, Cancel)]


def read_start(at_desk: Desk, envelope: str) -> tuple[SignedOrder, Start]:
    """The start in an envelope of the hub, verified. Raises StationError or WireError."""
    try:
        signed = emergency.read_envelope(at_desk, envelope)
    except ValueError as error:
        raise StationError(N_("What the system holds as this alert is none."), code="no_alert", status=409) from error
    if not isinstance(signed.order, Start):
        raise StationError(N_("What the system holds as this alert is none."), code="no_alert", status=409)
    return signed, signed.order


def alert_entry(
    at_desk: Desk, signed: SignedOrder, order: Start, cancels: Iterable[Cancel], _: Words
) -> dict[str, Any]:
    titles = {one.sha256: one.template.title for one in emergency.templates(at_desk)}
    return {
        "id": signed.id,
        "title": order.own.title if order.own else titles.get(order.template_sha256, order.template),
        "area": order.area,
        "role": order.role,
        "drill": order.role.startswith(emergency.DRILL_KIND),
        "issued": order.issued,
        "issued_text": say.instant(order.issued, _),
        "expires": order.expires,
        "expires_text": say.instant(order.expires, _),
        "over": order.expires <= at_desk.store.now(),
        "cancelled": any(
            signed.id in end.cancels and ends_everywhere(end.role, end.area, order.role, order.area) for end in cancels
        ),
    }


def receipts(given: object, _: Words) -> list[dict[str, Any]]:
    """What each loudspeaker reported, the ones in trouble first."""
    rows = [row for row in given if isinstance(row, dict)] if isinstance(given, list) else []
    told = [_receipt(row, _) for row in rows]
    return sorted(told, key=lambda row: (not row["is_fault"], row["cluster"], row["device"]))


def _receipt(row: Mapping[str, Any], _: Words) -> dict[str, Any]:
    states = [str(state) for state in row.get("states", [])]
    at = row.get("at")
    return {
        "device": str(row.get("device", "")),
        "cluster": str(row.get("cluster_name") or row.get("cluster") or ""),
        "states": states,
        "states_text": ", ".join(_(STATES.get(state, state)) for state in states) or _("has not answered"),
        "at": at,
        "at_text": say.time_stamp(at) if isinstance(at, int) else "",
        "detail": str(row.get("detail", "")),
        "is_fault": not states or bool(FAULTY & set(states)),
    }
