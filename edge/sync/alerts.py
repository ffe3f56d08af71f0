"""Which emergency orders are obeyed: verified, unexpired, unseen, meant for us; and the memory of those (design §5).

Replay is stopped by memory: ids of accepted alerts and cancels are kept until they expire; forgetting one raises
`em_floor`. The same judgement serves every carrier. `judge` is pure but for memory and never waits for a disk; what it
accepts is stored by `remember`, which the caller gives 100 ms before the first sound.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

import msgspec

from edge.store import Store, put_values
from edge.sync.library import Holdings, StoredTemplate
from wire.alert import MAX_ALERT_BYTES, MAX_VALIDITY_MS, Cancel, Start, check_current, check_start, is_drill, reaches
from wire.errors import NotAllowedError, OutOfDateError, UnknownKeyError, WireError
from wire.trust.held import Held
from wire.trust.orders import SignedOrder, verify_order
from wire.units import HOUR, UtcTime

HELD_LIMIT: Final = 8
STARTS_AN_HOUR: Final = 6
SEEN_LIMIT: Final = 10_000
"""Forgetting the oldest then raises `em_floor` early: a device that is flooded errs on the side of refusing replays."""
MOST_BY_ONE_KEY: Final = 500
"""Orders remembered of one key alone. More, dated years ahead, would raise `em_floor` beyond every honest order."""


class Seen(msgspec.Struct, frozen=True):
    """An accepted order as it is remembered."""

    id: str
    order: Start | Cancel
    key_ids: list[str]
    accepted_at: UtcTime
    raw: bytes = b""
    cancelled_at: UtcTime | None = None


@dataclass(frozen=True)
class Accepted:
    """A new order to obey. A start that a cancel had overtaken is `overtaken` and makes no sound."""

    seen: Seen
    overtaken: bool = False
    cancels: tuple[str, ...] = ()
    """Ids of running alerts that this order ends."""


@dataclass(frozen=True)
class Refused:
    """An order that is not obeyed. `id` is empty where not even that could be read."""

    id: str
    code: str
    detail: str


@dataclass(frozen=True)
class HeldBack:
    """Signed by keys that are not known here: to be judged again after a refresh."""

    detail: str


Judgement = Accepted | Refused | HeldBack


@dataclass(frozen=True)
class Moment:
    """When an envelope is judged: by the clock, by what the clock can be trusted to, by the floor."""

    now: UtcTime
    trusted: UtcTime
    floor: UtcTime
    is_after_refresh: bool = False
    """What is unknown now is not going to be known by waiting."""


@dataclass
class _Memory:
    em_floor: UtcTime
    seen: OrderedDict[str, Seen] = field(default_factory=OrderedDict)

    def cancel_of(self, ident: str, start: Start) -> Seen | None:
        """The cancel that ends an alert. One signed for drills ends drills alone."""
        return next((seen for seen in self.seen.values() if _ends(seen.order, ident, start)), None)


class Alerts:
    """The memory of one device. `judge`, `forget` and `running` belong to one thread, `remember` to another."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._memory = self._load()
        self._held: OrderedDict[bytes, None] = OrderedDict()

    def judge(self, raw: bytes, held: Held, holdings: Holdings, moment: Moment) -> Judgement:
        """What to do with an envelope. An accepted order is in memory from here on, so the next copy is a replay."""
        ident = ""
        try:
            signed = verify_order(raw, held, floor=moment.floor)
            ident = signed.id
            self._check(signed, holdings.area, moment)
            _check_template(signed.order, holdings)
        except UnknownKeyError as error:
            if moment.is_after_refresh:
                return Refused(ident, error.code, error.detail)
            self._hold(raw)
            return HeldBack(error.detail)
        except WireError as error:
            return Refused(ident, error.code, error.detail)
        return self._accept(signed, raw, moment.now)

    def remember(self, accepted: Accepted) -> None:
        """Store an accepted order durably. Raises StoreError."""
        seen = accepted.seen
        with self._store.change() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO seen (id, body) VALUES (?, ?)", (seen.id, msgspec.msgpack.encode(seen))
            )

    def forget(self, now: UtcTime) -> None:
        """Drop what expired. `em_floor` rises to the `issued` of what is forgotten, durably, before it is.

        An order is remembered for the longest validity there is, whatever its own: so `em_floor` refuses none that
        another officer issued earlier for longer.
        """
        with self._lock:
            gone = [seen for seen in self._memory.seen.values() if seen.order.issued + MAX_VALIDITY_MS <= now]
            too_many = len(self._memory.seen) - len(gone) - SEEN_LIMIT
            if too_many > 0:
                gone += sorted(self._memory.seen.values(), key=lambda seen: seen.order.issued)[:too_many]
            if not gone:
                return
            em_floor = max(self._memory.em_floor, *(seen.order.issued for seen in gone))
        with self._store.change() as connection:
            put_values(connection, em_floor=str(em_floor))
            connection.executemany("DELETE FROM seen WHERE id = ?", [(seen.id,) for seen in gone])
        with self._lock:
            self._memory.em_floor = UtcTime(em_floor)
            for seen in gone:
                self._memory.seen.pop(seen.id, None)

    def take_held(self) -> list[bytes]:
        """The envelopes held back, to be judged again; they are no longer held."""
        taken = list(self._held)
        self._held.clear()
        return taken

    def starts(self) -> list[Seen]:
        """Accepted alerts that are remembered, cancelled ones too."""
        with self._lock:
            return [seen for seen in self._memory.seen.values() if isinstance(seen.order, Start)]

    @property
    def known_ids(self) -> list[str]:
        """For the birth: the newest 100."""
        with self._lock:
            return list(self._memory.seen)[-100:]

    def _check(self, signed: SignedOrder, area: str, moment: Moment) -> None:
        order = signed.order
        if not reaches(order, area):
            raise NotAllowedError(f"for {order.area}, this device stands in {area or 'no area'}")
        if signed.id in self._memory.seen:
            raise OutOfDateError("seen before")
        check_current(order, now=moment.trusted, floor=moment.floor, em_floor=self._memory.em_floor)
        if len(signed.key_ids) < 2:
            self._check_share(signed)
            if isinstance(order, Start):
                self._check_rate(signed, moment.now)

    def _check_share(self, signed: SignedOrder) -> None:
        with self._lock:
            own = sum(set(seen.key_ids) == signed.key_ids for seen in self._memory.seen.values())
        if own >= MOST_BY_ONE_KEY:
            raise NotAllowedError(f"more than {MOST_BY_ONE_KEY} orders by one key; a second holder must sign")

    def _check_rate(self, signed: SignedOrder, now: UtcTime) -> None:
        """At most six starts an hour by one key alone, drills too; beyond that a second holder must agree."""
        lately = [
            seen for seen in self.starts()
            if seen.accepted_at > now - HOUR and signed.key_ids & set(seen.key_ids) and len(seen.key_ids) < 2
        ]  # fmt: skip
        if len(lately) >= STARTS_AN_HOUR:
            raise NotAllowedError(f"more than {STARTS_AN_HOUR} starts an hour by one key; a second holder must sign")

    def _accept(self, signed: SignedOrder, raw: bytes, now: UtcTime) -> Accepted:
        order = signed.order
        with self._lock:
            memory = self._memory
            if isinstance(order, Start):
                overtaken = memory.cancel_of(signed.id, order) is not None
                seen = Seen(signed.id, order, sorted(signed.key_ids), now, raw, now if overtaken else None)
                memory.seen[seen.id] = seen
                return Accepted(seen, overtaken=overtaken)
            seen = Seen(signed.id, order, sorted(signed.key_ids), now, raw)
            memory.seen[seen.id] = seen
            return Accepted(seen, cancels=self._cancel(order, now))

    def _cancel(self, order: Cancel, now: UtcTime) -> tuple[str, ...]:
        ended = []
        for ident in order.cancels:
            known = self._memory.seen.get(ident)
            if known is not None and known.cancelled_at is None and _ends(order, ident, known.order):
                self._memory.seen[ident] = msgspec.structs.replace(known, cancelled_at=now)
                ended.append(ident)
        return tuple(ended)

    def _hold(self, raw: bytes) -> None:
        if len(raw) <= MAX_ALERT_BYTES:
            self._held[raw] = None
            while len(self._held) > HELD_LIMIT:
                self._held.popitem(last=False)

    def _load(self) -> _Memory:
        memory = _Memory(UtcTime(int(self._store.get("em_floor") or 0)))
        for (body,) in self._store.rows("SELECT body FROM seen ORDER BY rowid"):
            seen = msgspec.msgpack.decode(body, type=Seen)
            memory.seen[seen.id] = seen
        for seen in list(memory.seen.values()):
            cancel = memory.cancel_of(seen.id, seen.order) if isinstance(seen.order, Start) else None
            if cancel is not None:
                memory.seen[seen.id] = msgspec.structs.replace(seen, cancelled_at=cancel.accepted_at)
        return memory


def message_of(start: Start, holdings: Holdings) -> StoredTemplate | None:
    """What an order says: the officers' own words, or the template of that name as it is held, if it is."""
    if start.own is not None:
        return StoredTemplate(start.own, start.template_sha256)
    return holdings.templates.get(start.template)


def _check_template(order: Start | Cancel, holdings: Holdings) -> None:
    """An alert whose template is not held yet is treated as one of an unknown key: fetch, then judge again."""
    if isinstance(order, Cancel):
        return
    stored = message_of(order, holdings)
    if stored is None or stored.sha256 != order.template_sha256:
        raise UnknownKeyError(f"template {order.template} of this version is not held")
    check_start(order, stored.template)


def _ends(order: Start | Cancel, ident: str, start: Start | Cancel) -> bool:
    if not isinstance(order, Cancel) or not isinstance(start, Start) or ident not in order.cancels:
        return False
    return not is_drill(order) or is_drill(start)
