"""What may lie on a disk when the power fails: the model, and the states that it allows after each operation.

Ordered as ext4 orders: names (create, rename, unlink, mkdir) and lengths set by truncate enter a journal in their
order; any fsync, of a file or a folder, commits the whole journal up to it; of a file it commits that file's bytes too.
What no fsync has committed may be there in part: names up to any point of the journal, of the bytes any subset of the
writes, and of a write any of its 512-byte sectors. It does not model a card that says that it has written and has not.
SQLite's index in shared memory (`-shm`) is left out: it is memory, mapped, and made anew after a power cut.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice

MARK = "user.mark"
IN_MEMORY = "-shm"
SECTOR = 512
Tree = dict[str, bytes]
"""The files of a state, by path."""


class Kind(Enum):
    CREATE = "create"
    WRITE = "write"
    TRUNCATE = "truncate"
    SYNC = "sync"
    SYNC_FOLDER = "sync folder"
    MKDIR = "mkdir"
    RENAME = "rename"
    UNLINK = "unlink"
    MARK = "mark"


NAMES = frozenset({Kind.CREATE, Kind.TRUNCATE, Kind.MKDIR, Kind.RENAME, Kind.UNLINK})
CHANGES = NAMES | {Kind.WRITE}


@dataclass(frozen=True)
class Op:
    """One operation as it reached the file system. `offset`: of a write; a truncate's length; a mark's number."""

    kind: Kind
    path: str = ""
    node: int = -1
    offset: int = 0
    data: bytes = b""
    to: str = ""
    mode: int = 0


@dataclass
class Disk:
    """Bytes by node, nodes by name. Nodes are numbered as they are created: real numbers are used again."""

    names: dict[str, int] = field(default_factory=dict)
    nodes: dict[int, bytearray] = field(default_factory=dict)

    def copy_for(self, changed: set[int]) -> Disk:
        """A disk of its own, but for the bytes of nodes that will not change."""
        nodes = {node: bytearray(data) if node in changed else data for node, data in self.nodes.items()}
        return Disk(dict(self.names), nodes)

    def apply(self, op: Op) -> None:
        match op.kind:
            case Kind.CREATE:
                self.names[op.path] = op.node
                self.nodes[op.node] = bytearray()
            case Kind.WRITE:
                self._write(op)
            case Kind.TRUNCATE:
                data = self.nodes.setdefault(op.node, bytearray())
                del data[op.offset :]
                data.extend(bytes(op.offset - len(data)))
            case Kind.RENAME if op.path in self.names:
                self.names[op.to] = self.names.pop(op.path)
            case Kind.UNLINK:
                self.names.pop(op.path, None)

    def tree(self) -> Tree:
        return {path: bytes(self.nodes.get(node, b"")) for path, node in self.names.items()}

    def _write(self, op: Op) -> None:
        data = self.nodes.setdefault(op.node, bytearray())
        if len(data) < op.offset:
            data.extend(bytes(op.offset - len(data)))
        data[op.offset : op.offset + len(op.data)] = op.data


@dataclass(frozen=True)
class CrashState:
    """One thing that may lie on the disk after `after` operations. `how` says what was made of the uncommitted ones."""

    after: int
    how: str
    tree: Tree


def numbered(ops: Sequence[Op], first: Tree) -> tuple[Disk, list[Op]]:
    """The disk before the first operation, and the operations with nodes of our own numbering."""
    disk = Disk()
    for node, (path, content) in enumerate(first.items()):
        disk.names[path] = node
        disk.nodes[node] = bytearray(content)
    node_of, names, count, told = {}, dict(disk.names), len(first), []
    for op in (one for one in ops if not one.path.endswith(IN_MEMORY)):
        if op.kind is Kind.CREATE:
            node_of[op.node] = names[op.path] = count
            count += 1
        elif op.kind is Kind.RENAME and op.path in names:
            names[op.to] = names.pop(op.path)
        elif op.kind in (Kind.WRITE, Kind.SYNC, Kind.TRUNCATE) and op.node not in node_of:
            node_of[op.node] = names[op.path]
        node = node_of.get(op.node, op.node)
        told.append(Op(op.kind, op.path, node, op.offset, op.data, op.to, op.mode))
    return disk, told


def crash_states(
    disk: Disk, ops: Sequence[Op], *, each: int, seed: str, wanted: Callable[[int, Op], bool] = lambda *_: True
) -> Iterator[CrashState]:
    """At most `each` states after every wanted operation. `disk` is changed to what is committed."""
    pending: list[Op] = []
    for number, op in enumerate(ops):
        if op.kind in CHANGES:
            pending.append(op)
        elif op.kind in (Kind.SYNC, Kind.SYNC_FOLDER):
            pending = _commit(disk, pending, op.node if op.kind is Kind.SYNC else None)
        if wanted(number, op):
            yield from _states_of(disk, pending, number, random.Random(f"{seed} {number}"), each)  # noqa: S311


def _commit(disk: Disk, pending: list[Op], node: int | None) -> list[Op]:
    """Names of the journal, and one file's bytes, become durable; what stays pending."""
    left = []
    for op in pending:
        if op.kind in NAMES or op.node == node:
            disk.apply(op)
        else:
            left.append(op)
    return left


def _states_of(disk: Disk, pending: list[Op], number: int, chance: random.Random, each: int) -> Iterator[CrashState]:
    if not pending:
        yield CrashState(number, "all committed", disk.tree())
        return
    touched = {op.node for op in pending}
    for how, kept in islice(_choices(pending, chance), each):
        found = disk.copy_for(touched)
        for op in kept:
            found.apply(op)
        yield CrashState(number, how, found.tree())


def _choices(pending: list[Op], chance: random.Random) -> Iterator[tuple[str, list[Op]]]:
    """The corners: nothing, names alone, everything; then everything but the last write whole; then by chance."""
    yield "dropped", []
    yield "names without bytes", [op for op in pending if op.kind in NAMES]
    yield "everything", pending
    yield "last write torn", [*pending[:-1], *_torn(pending[-1:], chance)]
    while True:
        yield "torn", _torn(_partly(pending, chance), chance)
        yield "partly", _partly(pending, chance)


def _partly(pending: list[Op], chance: random.Random) -> list[Op]:
    """Names up to some point of the journal, and any of the writes."""
    cut, share = chance.randint(0, len(pending)), chance.choice((0.2, 0.5, 0.8))
    return [op for n, op in enumerate(pending) if (n < cut if op.kind in NAMES else chance.random() < share)]


def _torn(ops: Sequence[Op], chance: random.Random) -> list[Op]:
    """Of every write only some sectors."""
    torn: list[Op] = []
    for op in ops:
        torn += _sectors(op, chance) if op.kind is Kind.WRITE else [op]
    return torn


def _sectors(op: Op, chance: random.Random) -> Iterator[Op]:
    """Cut where sectors of the disk begin, not where the write does."""
    at, end = op.offset, op.offset + len(op.data)
    while at < end:
        stop = min(end, (at // SECTOR + 1) * SECTOR)
        if chance.random() < 0.5:
            yield Op(Kind.WRITE, op.path, op.node, at, op.data[at - op.offset : stop - op.offset])
        at = stop
