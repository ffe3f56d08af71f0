"""Everything of one device that needs no thread and no network, built bottom up from its folder.

The agent adds what runs; `loa-edge plan`, `status` and `bundle` use it as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge.clock import DeviceClock
from edge.config import Config
from edge.errors import StoreError
from edge.identity import Identity, load_identity
from edge.plan.inputs import decode_mutes, turned_down
from edge.sense.board import read_serial
from edge.store import Store
from edge.sync.alerts import Alerts
from edge.sync.cache import Cache
from edge.sync.library import Library
from edge.sync.refresh import Me, Syncer
from edge.sync.truststore import TrustStore
from wire.timeline import Mute

NS_PER_S = 1_000_000_000
STATE_FILE = "state.db"


@dataclass(frozen=True)
class Parts:
    """The durable half of a device."""

    folder: Path
    config: Config
    identity: Identity
    me: Me
    store: Store
    clock: DeviceClock
    trust: TrustStore
    library: Library
    cache: Cache
    syncer: Syncer
    alerts: Alerts
    boot_id: str

    def mutes(self) -> tuple[Mute, ...]:
        return decode_mutes(self.store.get("mutes"))

    def volume_percent(self) -> int:
        """The configured volume, or what an editor turned it down to within the last 30 days."""
        return min(self.config.volume_percent, turned_down(self.store.get("turned_down"), self.clock.now()))


def build_parts(folder: Path, config: Config) -> Parts:
    """Open a device's folder. Raises ConfigError, IdentityError, StoreError."""
    identity = load_identity(folder)
    me = Me(config.device, identity.public_hex, serial_of(config))
    store = Store(folder / STATE_FILE)
    boot_id = boot_id_of(config)
    clock = DeviceClock(store, boot_id=boot_id, system_offset_ns=round(config.rig.clock_offset_s * NS_PER_S))
    trust = TrustStore(store, folder)
    trust.bind(clock)
    library = Library(store, folder)
    cache = Cache(folder, free_floor_mb=config.store.free_floor_mb)
    syncer = Syncer(store, trust, library, clock, me)
    return Parts(folder, config, identity, me, store, clock, trust, library, cache, syncer, Alerts(store), boot_id)


def serial_of(config: Config) -> str:
    """The hardware's serial: read from it where it has one. Nothing, and so no programme, where that fails."""
    return read_serial(config.serial_file) if config.serial_file else config.serial or config.device


def boot_id_of(config: Config) -> str:
    """Which boot this is. Raises StoreError."""
    if config.rig.boot_id:
        return config.rig.boot_id
    try:
        return Path(config.boot_id).read_text().strip()[:64]
    except OSError as error:
        raise StoreError(f"boot_id {config.boot_id}: {error.strerror}") from error
