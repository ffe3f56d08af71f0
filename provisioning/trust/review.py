"""What a change of trust says, in lines that are read before signing: who gains, who loses, what stops at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tuf.api.metadata import Root, Targets

from provisioning.approval.words import N_, Words, instant
from provisioning.trust.changes import is_mirrored, short
from wire.trust.held import Held, delegations
from wire.trust.layout import parse_role_name
from wire.trust.rolefile import RoleFile, parse_role_file
from wire.trust.time_reset import FIELD

KINDS = {
    "root": N_("root of the province"), "targets": N_("holders of the province's roles"),
    "snapshot": N_("the hub's key (list)"), "timestamp": N_("the hub's key (time)"),
    "p": N_("the province's approvers"), "d": N_("registrar of devices"), "tpl": N_("alert templates"),
    "sw": N_("software"), "c": N_("approvers of the commune"), "v": N_("head of the hamlet"),
    "ea": N_("emergencies"), "ef": N_("free emergency text"), "ed": N_("drills"),
    "g": N_("group of communes"), "h": N_("list of hamlet heads"),
}  # fmt: skip


def review(held: Held, files: Mapping[str, bytes], _: Words) -> list[str]:
    """The lines, file by file. Raises MalformedError for what is no metadata."""
    lines: list[str] = []
    for role, raw in files.items():
        before = held.root if role == Root.type else held.roles.get(role)
        after = read_file(role, raw)
        until = instant(after.expires, _)
        lines.append(
            _("{role}: version {before} → {after}, valid until {until}", role=role,
              before=before.version if before else 0, after=after.version, until=until)
        )  # fmt: skip
        found = list(_differences(held, before.signed if before else None, after.signed, _))
        lines += [f"    {line}" for line in found or [_("nothing else changes (prolonged)")]]
    return lines + _stops(held, files, _)


def read_file(role: str, raw: bytes) -> RoleFile[Any]:
    return parse_role_file(role, raw, Root if role == Root.type else Targets)


def role_title(held: Held, role: str, _: Words) -> str:
    name = parse_role_name(role, held.province or "")
    kind = name.kind if name else role
    return f"{role} ({_(KINDS[kind])})" if kind in KINDS else role


def _differences(held: Held, before: Root | Targets | None, after: Root | Targets, _: Words) -> Iterator[str]:
    old, new = _holders(before), _holders(after)
    for role in dict.fromkeys((*old, *new)):
        if is_mirrored(held, role) and f"p{held.province}" not in new:
            continue    # says what the province's own line says
        was, now = old.get(role, (frozenset(), 0)), new.get(role, (frozenset(), 0))
        title = role_title(held, role, _)
        yield from (_("+ {key} may sign: {role}", key=short(key), role=title) for key in sorted(now[0] - was[0]))
        lost = sorted(was[0] - now[0])
        yield from (_("− {key} may not sign any more: {role}", key=short(key), role=title) for key in lost)
        if was[1] != now[1]:
            yield _("signatures needed: {before} → {after} ({role})", before=was[1], after=now[1], role=title)
    yield from _other(before, after, _)


def _other(before: Root | Targets | None, after: Root | Targets, _: Words) -> Iterator[str]:
    old, new = (side.unrecognized_fields.get(FIELD) if side else None for side in (before, after))
    if old != new and isinstance(new, dict):
        floor = instant(int(new["floor"]), _)
        yield _("clock reset for {devices}: not before {floor}", devices=", ".join(new["devices"]), floor=floor)
    old_targets = before.targets if isinstance(before, Targets) else {}
    new_targets = after.targets if isinstance(after, Targets) else {}
    yield from (_("other content: {path}", path=path) for path in sorted(old_targets.keys() | new_targets.keys())
                if old_targets.get(path) != new_targets.get(path))  # fmt: skip


def _stops(held: Held, files: Mapping[str, bytes], _: Words) -> list[str]:
    """What stops when the change is installed: files whose remaining signatures are too few."""
    changed = {role: read_file(role, raw) for role, raw in files.items() if role != Root.type}
    lines = []
    for name, file in {**held.roles, **changed}.items():
        for inner in delegations(file.signed):
            kept = held.roles.get(inner)
            if kept is None or inner in changed or name not in changed:
                continue
            result = file.signed.get_verification_result(inner, kept.payload, dict(kept.signatures))
            if not result.verified:
                lines.append(_("STOPS at once until it is signed again: {role}", role=role_title(held, inner, _)))
    return lines or [_("Nothing that is on air stops.")]


def _holders(signed: Root | Targets | None) -> dict[str, tuple[frozenset[str], int]]:
    if signed is None:
        return {}
    roles = signed.roles if isinstance(signed, Root) else delegations(signed)
    return {name: (frozenset(role.keyids), role.threshold) for name, role in roles.items()}

