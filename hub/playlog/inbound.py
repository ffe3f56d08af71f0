"""Log batches of devices, from the broker or from a stick: signature, chain, exactly once, in any order."""

from __future__ import annotations

from sqlalchemy import Connection

from hub import outbox
from hub.context import Hub
from hub.devices import store as devices
from hub.playlog import store
from hub.security import store as security
from wire.envelope import key_from_hex, open_envelope, peek
from wire.errors import BadSignatureError, MalformedError
from wire.playlog import LOG_TYPE, Batch, Logged, Row, encode_logged, read_batch, row_hash
from wire.topics import LOG, LOGGED
from wire.units import HOUR, UtcTime


def take_log(hub: Hub, raw: bytes, *, carrier: str | None = None) -> tuple[int, int]:
    """Store a signed batch; how many of its rows were new, and how many there are.

    The answer `logged` is queued in the same transaction.

    `carrier` is the device whose topic brought it; a batch may only come from its own device, or from a stick (None).

    Raises:
        MalformedError: not a batch, or a stretch that is not chained.
        BadSignatureError: not signed by the key that is registered for the device.
    """
    batch = open_batch(hub, raw)
    if carrier is not None and carrier != batch.device:
        raise BadSignatureError(f"{carrier} brings the log of {batch.device}")
    now = hub.now()
    with hub.writing() as conn:
        new = _store_batch(conn, batch, now)
        whole = store.chain(conn, batch.device, batch.chain)
        if carrier is not None and whole:
            devices.heard(conn, batch.device, now)
        if whole:
            answer = encode_logged(Logged(chain=batch.chain, seq=whole["whole_to"]))
            outbox.put(conn, LOGGED.of(batch.device), answer, now=now, lasts_ms=HOUR)
    return new, len(batch.rows)


def open_batch(hub: Hub, raw: bytes) -> Batch:
    """A batch, verified by the registered key of the device that it names. Raises as `take_log` does."""
    _kind, payload = peek(raw, LOG.max_bytes)
    device = read_batch(payload).device
    with hub.reading() as conn:
        key = devices.live_key(conn, device)
    if key is None:
        raise BadSignatureError(f"no device {device} is registered here")
    signed = open_envelope(raw, payload_type=LOG_TYPE, keys=[key_from_hex(key)], threshold=1, limit=LOG.max_bytes)
    return read_batch(signed)


def _store_batch(conn: Connection, batch: Batch, now: UtcTime) -> int:
    device = devices.device(conn, batch.device)
    if device is None:  # unregistered between the two transactions
        raise BadSignatureError(f"no device {batch.device} is registered here")
    _note_new_chain(conn, batch, now)
    chain = store.chain(conn, batch.device, batch.chain)
    if chain is None:
        raise MalformedError(f"chain {batch.chain} vanished")
    first, last = batch.rows[0].seq, batch.rows[-1].seq
    held = store.hashes(conn, batch.device, batch.chain, first - 1, last + 1)
    fork = _find_fork(batch.rows, held)
    if fork:
        devices.add_event(conn, batch.device, "log_fork", f"{batch.chain} {fork}", now)
        return 0
    new = [row for row in batch.rows if row.seq not in held]
    where = {"cluster": device["cluster"], "cluster_area": device["area"], "received_at": now}
    store.add_rows(conn, batch.device, batch.chain, new, **where)
    for row in new:
        _note_security(conn, batch.device, device["area"], row, now)
    whole = store.whole_to(conn, batch.device, batch.chain, chain["whole_to"])
    store.advance(conn, batch.device, batch.chain, whole_to=whole, highest=max(last, chain["highest"]))
    return len(new)


def _note_new_chain(conn: Connection, batch: Batch, now: UtcTime) -> None:
    """A second chain of one device is an event: its store was reset, swapped or cloned."""
    others = [c for c in store.chains_of(conn, batch.device) if c["chain"] != batch.chain]
    if store.add_chain(conn, batch.device, batch.chain, batch.serial, now) and others:
        last = others[-1]
        missing = f"{last['chain']} held to {last['whole_to']} of {last['highest']}"
        devices.add_event(conn, batch.device, "new_chain", f"{batch.chain} on {batch.serial}; before: {missing}", now)


def _note_security(conn: Connection, device: str, area: str, row: Row, now: UtcTime) -> None:
    """What the device itself refused, and what it had to forget."""
    kind = security.kind_of_refusal(row.detail.split(":", 1)[0].strip()) if row.kind == "refused" else None
    if row.kind == "gap":
        kind = security.Kind.LOG_LOST
    if kind:
        security.note(conn, kind, device, now=now, area=area, detail=row.detail)


def _find_fork(rows: list[Row], held: dict[int, tuple[str, str]]) -> int:
    """The first sequence at which these rows contradict what is held (0: none): two histories under one identity."""
    for row in rows:
        same = held.get(row.seq)
        before = held.get(row.seq - 1)
        after = held.get(row.seq + 1)
        if (same and same[0] != row_hash(row)) or (before and before[0] != row.previous) or (after and after[1] != row_hash(row)):  # fmt: skip # noqa: E501
            return row.seq
    return 0
