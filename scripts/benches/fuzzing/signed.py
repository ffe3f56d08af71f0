"""The three signed parsers: metadata, envelopes and log batches. No mutant may say what nobody signed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from tuf.api.metadata import Root, Snapshot, Targets, Timestamp

from edge.store import Store
from edge.sync.alerts import Accepted, Alerts, Moment
from edge.sync.library import Holdings, StoredTemplate
from scripts.benches.fuzzing.province import HAMLET, Ground, log_batches, orders
from scripts.benches.fuzzing.trial import AcceptedChangeError, Seed, Verdict
from tests.builders import version_of
from wire.codec import encode
from wire.errors import WireError
from wire.playlog import Batch
from wire.trust.authority import delegator_of
from wire.trust.held import pin_root, verify_role
from wire.trust.orders import SignedOrder, verify_order
from wire.trust.refresh import Wanted, refresh, run
from wire.trust.rolefile import AnyRoleFile, metadata_file_name, parse_role_file, sha256_hex
from wire.trust.scope import DeviceScope
from wire.trust.succession import verify_next_root

Read = Callable[[bytes], AnyRoleFile]


class RoleFiles:
    """Each role's file by itself, as a device reads it: parsed, verified, held to what its kind may say.

    The same: the canonical bytes that are signed are those of the good file.
    """

    name = "metadata"

    def __init__(self, ground: Ground) -> None:
        held, files = ground.held, ground.province.files
        next_root = partial(verify_next_root, held.root)
        self._readers: dict[str, Read] = {"root.json": pin_root_file, "2.root.json": next_root}
        self.seeds = [Seed(held.root.raw, "root.json"), Seed(files["2.root.json"], "2.root.json")]
        for name, kind in ((Timestamp.type, Timestamp), (Snapshot.type, Snapshot)):
            self._readers[name] = partial(_read_online, held.root.signed, name, kind)
        for name in held.roles:
            delegator = delegator_of(held, name)
            province = held.province if name != Targets.type else None
            self._readers[name] = partial(verify_role, name, delegator=delegator, province=province)
        self.seeds += [Seed(raw, name) for name, raw in held.files.items() if name != Root.type]
        self._payloads = {seed.about: self._readers[seed.about](seed.raw).payload for seed in self.seeds}

    def judge(self, raw: bytes, seed: Seed) -> Verdict:
        try:
            file = self._readers[seed.about](raw)
        except WireError:
            return Verdict.REFUSED
        if file.payload != self._payloads[seed.about]:
            raise AcceptedChangeError(f"{seed.about} v{file.version} says something else")
        return Verdict.SAME

    def close(self) -> None:
        """Holds nothing."""


class Refreshes:
    """A whole refresh in which one file of the repository is a mutant.

    Whatever comes of it: every role that is held afterwards says, byte by byte of what is signed, what one of the good
    files says, and none is older than before.
    """

    name = "refresh"

    def __init__(self, ground: Ground) -> None:
        self._before = ground.before
        self._files = dict(ground.province.files)
        self._floor = ground.province.now
        released = [*self._files.items(), *ground.before.files.items()]
        self._known = {sha256_hex(_payload(name, raw)) for name, raw in released}
        self._scope = DeviceScope(HAMLET)
        newest = {name: metadata_file_name(name, version_of(raw)) for name, raw in ground.province.roles.items()}
        wanted = [*(newest[name] for name in ground.held.files if name != Root.type), "2.root.json"]
        self.seeds = [Seed(self._files[name], name) for name in wanted]

    def judge(self, raw: bytes, seed: Seed) -> Verdict:
        files: Mapping[str, bytes] = {**self._files, seed.about: raw}

        def bring(wanted: Wanted) -> bytes | None:
            return files.get(wanted.name, b"")[: wanted.max_bytes + 1] or None

        outcome = run(refresh(self._before, scope=self._scope, floor=self._floor), bring)
        held = outcome.held
        for file in (held.root, held.timestamp, held.snapshot, *held.roles.values()):
            if file is not None and sha256_hex(file.payload) not in self._known:
                raise AcceptedChangeError(f"{file.name} v{file.version} is held, and nobody signed it")
        for name, version in self._before.versions.items():
            if held.versions.get(name, 0) < version:
                raise AcceptedChangeError(f"{name} fell back from v{version}")
        return Verdict.REFUSED if outcome.refusals else Verdict.SAME

    def close(self) -> None:
        """Holds nothing."""


class Orders:
    """Emergency envelopes, as device and hub verify them.

    The same: the payload is that of the good envelope to the byte, and no key counts that had not signed it.
    """

    name = "orders"

    def __init__(self, ground: Ground) -> None:
        self._held, self._floor = ground.held, ground.province.now
        self.seeds = [Seed(raw, str(n)) for n, raw in enumerate(orders(ground))]
        self._signed = {seed.about: self._verify(seed.raw) for seed in self.seeds}

    def judge(self, raw: bytes, seed: Seed) -> Verdict:
        try:
            found = self._verify(raw)
        except WireError:
            return Verdict.REFUSED
        good = self._signed[seed.about]
        known = next((one for one in self._signed.values() if one.id == found.id), good)  # spliced from another seed
        if (found.id, found.order) != (known.id, known.order) or not found.key_ids <= known.key_ids:
            raise AcceptedChangeError(f"{found.order} by {sorted(found.key_ids)}")
        return Verdict.SAME

    def close(self) -> None:
        """Holds nothing."""

    def _verify(self, raw: bytes) -> SignedOrder:
        return verify_order(raw, self._held, floor=self._floor)


class Replays:
    """A device that has obeyed every good order: written in another way, none of them is a new one."""

    name = "replays"

    def __init__(self, ground: Ground, folder: Path) -> None:
        template = StoredTemplate(ground.template, sha256_hex(encode(ground.template)))
        self._holdings = Holdings(ground.placement, templates={ground.template.id: template})
        self._held, now = ground.held, ground.province.now
        self._moment = Moment(now=now, trusted=now, floor=now)
        self._alerts = Alerts(Store(folder / "replays.db"))
        self.seeds = [Seed(raw) for raw in orders(ground)]
        for seed in self.seeds:
            judged = self._judged(seed.raw)
            if not isinstance(judged, Accepted):
                raise ValueError(f"a good order was not obeyed: {judged}")  # noqa: TRY004 - not its type is wrong

    def judge(self, raw: bytes, seed: Seed) -> Verdict:  # noqa: ARG002 - the same for all
        if isinstance(self._judged(raw), Accepted):
            raise AcceptedChangeError("obeyed for a second time")
        return Verdict.REFUSED

    def close(self) -> None:
        """The store ends with its folder."""

    def _judged(self, raw: bytes) -> object:
        return self._alerts.judge(raw, self._held, self._holdings, self._moment)


class LogBatches:
    """Play-log batches as the hub opens them. The same: the verified batch is, row by row, one that was signed."""

    name = "log"

    def __init__(self, open_batch: Callable[[bytes], Batch]) -> None:
        self._open = open_batch
        self.seeds = [Seed(raw) for raw in log_batches()]
        self._known = {encode(open_batch(seed.raw)) for seed in self.seeds}

    def judge(self, raw: bytes, seed: Seed) -> Verdict:  # noqa: ARG002 - the same for all
        try:
            batch = self._open(raw)
        except WireError:
            return Verdict.REFUSED
        if encode(batch) not in self._known:
            raise AcceptedChangeError(f"{len(batch.rows)} rows of {batch.device} that it did not sign")
        return Verdict.SAME

    def close(self) -> None:
        """Holds nothing."""


def pin_root_file(raw: bytes) -> AnyRoleFile:
    return pin_root(raw).root


def _read_online(root: Root, name: str, kind: type[Timestamp | Snapshot], raw: bytes) -> AnyRoleFile:
    file: AnyRoleFile = parse_role_file(name, raw, kind)
    file.verify_by(root)
    return file


def _payload(file_name: str, raw: bytes) -> bytes:
    role = file_name.removesuffix(".json").rpartition(".")[2]
    kinds = {kind.type: kind for kind in (Root, Timestamp, Snapshot)}
    return parse_role_file(role, raw, kinds.get(role, Targets)).payload
