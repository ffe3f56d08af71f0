"""What a change of trust says, in lines that are read before signing: who gains, who loses, what stops at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tuf.api.metadata import Root, Targets

from provisioning.approval.words import N_, Words, instant
from provisioning.trust.changes import is_mirrored, short
from wire.trust.held import Held, delegations
from wire.trust.layout import group_communes, parse_role_name
from wire.trust.rolefile import RoleFile, parse_role_file
from wire.trust.time_reset import EVERYBODY, reset_of

Holders = tuple[frozenset[str], int]
NOBODY: Holders = (frozenset(), 0)
KINDS = {
    "root": N_("root of the province"), "targets": N_("holders of the province's roles"),
    "snapshot": N_("the hub's key (list)"), "timestamp": N_("the hub's key (time)"),
    "p": N_("the province's approvers"), "d": N_("registrar of devices"), "tpl": N_("alert templates"),
    "sw": N_("software"), "c": N_("approvers of the commune"), "v": N_("head of the hamlet"),
    "ea": N_("emergencies"), "ef": N_("free emergency text"), "ed": N_("drills"),
    "g": N_("group of communes"), "h": N_("list of hamlet heads"),
}  # fmt: skip


def review(held: Held, files: Mapping[str, bytes], _: Words) -> list[str]:
    """The lines, file by file; `untold` finds what they leave unsaid. Raises MalformedError for what is no metadata."""
    lines: list[str] = []
    targets = read_file(Targets.type, files[Targets.type]) if Targets.type in files else held.roles[Targets.type]
    province = _holders(targets.signed).get(f"p{held.province}", NOBODY)
    for role, raw in files.items():
        before = held.root if role == Root.type else held.roles.get(role)
        after = read_file(role, raw)
        until = instant(after.expires, _)
        lines.append(
            _("{role}: version {before} → {after}, valid until {until}", role=role,
              before=before.version if before else 0, after=after.version, until=until)
        )  # fmt: skip
        found = list(_differences(held, before.signed if before else None, after.signed, province, _))
        lines += [f"    {line}" for line in found or [_("nothing else changes (prolonged)")]]
    return lines + _stops(held, files, _)


def read_file(role: str, raw: bytes) -> RoleFile[Any]:
    return parse_role_file(role, raw, Root if role == Root.type else Targets)


def role_title(held: Held, role: str, _: Words) -> str:
    name = parse_role_name(role, held.province or "")
    kind = name.kind if name else role
    return f"{role} ({_(KINDS[kind])})" if kind in KINDS else role


def _differences(
    held: Held, before: Root | Targets | None, after: Root | Targets, province: Holders, _: Words
) -> Iterator[str]:
    """`province`: its holders once the change is installed, who also sign groups and lists of hamlets."""
    old, new = _holders(before), _holders(after)
    for role in dict.fromkeys((*old, *new)):
        was, now = old.get(role, NOBODY), new.get(role, NOBODY)
        if is_mirrored(held, role) and now == province:
            continue    # says what the province's own line says
        title = role_title(held, role, _)
        yield from (_("+ {key} may sign: {role}", key=short(key), role=title) for key in sorted(now[0] - was[0]))
        lost = sorted(was[0] - now[0])
        yield from (_("− {key} may not sign any more: {role}", key=short(key), role=title) for key in lost)
        if was[1] != now[1]:
            yield _("signatures needed: {before} → {after} ({role})", before=was[1], after=now[1], role=title)
        if len(now[0]) < now[1]:
            yield _("NOBODY can sign until another holder is added: {role}", role=title)
    yield from _joining(held, before, after, _)
    reset, known = (reset_of(side) if side else None for side in (after, before))
    if reset is not None and reset != known:
        floor = instant(reset.floor, _)
        names = [_("all devices") if name == EVERYBODY else name for name in reset.devices]
        yield _("clock reset for {devices}: not before {floor}", devices=", ".join(names), floor=floor)


def _joining(held: Held, before: Root | Targets | None, after: Root | Targets, _: Words) -> Iterator[str]:
    """Communes that come into a group or leave one."""
    old, new = (_communes(held, side) for side in (before, after))
    for group in dict.fromkeys((*old, *new)):
        come, gone = new.get(group, frozenset()) - old.get(group, frozenset()), old.get(group, frozenset()) - new.get(
            group, frozenset()
        )
        yield from (_("+ {area} joins {group}", area=area, group=group) for area in sorted(come))
        yield from (_("− {area} leaves {group}", area=area, group=group) for area in sorted(gone))


def _communes(held: Held, signed: Root | Targets | None) -> dict[str, frozenset[str]]:
    found = delegations(signed) if isinstance(signed, Targets) else {}
    return {name: group_communes(one, held.province or "") for name, one in found.items() if name.startswith("g")}


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


def _holders(signed: Root | Targets | None) -> dict[str, Holders]:
    if signed is None:
        return {}
    roles = signed.roles if isinstance(signed, Root) else delegations(signed)
    return {name: (frozenset(role.keyids), role.threshold) for name, role in roles.items()}

