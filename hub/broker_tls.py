"""mosquitto for a province: `loa-hub broker-config`. Nobody comes in without a certificate of the province's CA.

    mosquitto.conf  acl  crl.pem  server.crt  server.key  ca.crt

Written whole each time. `server.key` lies open, since mosquitto must read it; the worker's own key is sealed.
The worker writes `acl` and `crl.pem` again when a certificate is revoked, and sends mosquitto SIGHUP: the new CRL
refuses the next connection, and the line in the ACL silences the one that is open, both ways, at once. Who may say what
stands in `broker_rights`; a certificate's name is user name and client id.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Connection

from hub.broker_files import pattern_lines, write_file
from hub.certificates import actions, store
from hub.certificates.authority import CERTIFICATE_FILE, STATION_PREFIX, Authority, ends_at
from hub.config import Config
from hub.context import Hub
from hub.files import write_private
from hub.security.broker_log import LOG, BrokerLog
from wire.topics import ROOT, TOPICS
from wire.units import DAY

CONFIGURATION, ACL, CRL, PID_FILE = "mosquitto.conf", "acl", "crl.pem", "mosquitto.pid"
SERVER_CERTIFICATE, SERVER_KEY = "server.crt", "server.key"
WORKER_CERTIFICATE, WORKER_KEY = "hub.crt", "hub.key"
RENEW_MS = 60 * DAY
MAX_PACKET_BYTES = max(topic.max_bytes for topic in TOPICS) + 1024
QUEUED, INFLIGHT, CONNECTIONS = 1_000, 100, 20_000

log = logging.getLogger(__name__)


def write_broker_config(hub: Hub, folder: Path, *, names: list[str], address: str, port: int) -> Path:
    """Everything that mosquitto needs, in `folder`, and the worker's own certificate in DIR/ca; where its file is.

    `names`: host names and addresses under which devices reach it; it listens on `address`.
    """
    authority = actions.make_authority(hub)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _server_certificate(hub, authority, folder, names)
    _worker_certificate(hub, authority)
    write_file(folder / CERTIFICATE_FILE, authority.certificate_pem.decode())
    write_revoked(hub, folder)
    write_file(folder / CONFIGURATION, _configuration(folder, address, port))
    return folder / CONFIGURATION


def write_revoked(hub: Hub, folder: Path) -> None:
    """ACL and CRL as they are now. Who was once revoked stays so, also for a hub that was restored from before that."""
    authority = actions.load_authority(hub)
    with hub.reading() as conn:
        acl, ended = _acl(hub.config, conn), dict(store.revoked(conn))
    before = authority.revoked_in((folder / CRL).read_bytes()) if (folder / CRL).exists() else []
    write_file(folder / ACL, acl)
    write_file(folder / CRL, authority.revocation_list((dict(before) | ended).items(), now=hub.now()).decode())


class BrokerFiles:
    """Keeps the files of a running mosquitto as the certificates are. For the worker, which asks often."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._folder = Path(hub.config.broker_files) if hub.config.broker_files else None
        self._written: tuple[int, int, int, int] | None = None

    def renew(self) -> bool:
        """Write them again if a certificate was revoked or a station came since; whether that was so."""
        if self._folder is None:
            return False
        with self._hub.reading() as conn:
            now = store.state(conn, STATION_PREFIX)
        if now == self._written:
            return False
        write_revoked(self._hub, self._folder)
        self._written = now
        _reload(self._folder / PID_FILE)
        return True


def broker_log(hub: Hub) -> BrokerLog | None:
    """The log of the mosquitto that this hub looks after, if there is one."""
    folder = Path(hub.config.broker_files)
    return BrokerLog(hub, folder, lambda: _reload(folder / PID_FILE)) if hub.config.broker_files else None


def _reload(pid_file: Path) -> None:
    """SIGHUP to mosquitto; where it does not run, it reads the files when it starts."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
        pid = int(pid_file.read_text())
        if Path(f"/proc/{pid}/comm").read_text().strip() != "mosquitto":
            return
        try:
            os.kill(pid, signal.SIGHUP)
        except PermissionError:
            log.error("mosquitto runs as somebody else: send it SIGHUP, or revoked devices stay connected")  # noqa: TRY400


def _configuration(folder: Path, address: str, port: int) -> str:
    lines = [
        "per_listener_settings false",
        "persistence false",
        "allow_anonymous false",
        f"acl_file {folder / ACL}",
        f"pid_file {folder / PID_FILE}",
        "set_tcp_nodelay true",
        f"max_packet_size {MAX_PACKET_BYTES}",
        f"message_size_limit {MAX_PACKET_BYTES}",
        f"max_queued_messages {QUEUED}",
        f"max_inflight_messages {INFLIGHT}",
        "max_keepalive 600",
        "log_dest stderr",
        f"log_dest file {folder / LOG}",
        "log_type error",
        "log_type warning",
        "log_type notice",
        "log_type information",
        f"listener {port} {address}",
        f"max_connections {CONNECTIONS}",
        f"cafile {folder / CERTIFICATE_FILE}",
        f"certfile {folder / SERVER_CERTIFICATE}",
        f"keyfile {folder / SERVER_KEY}",
        f"crlfile {folder / CRL}",
        "tls_version tlsv1.2",
        "require_certificate true",
        "use_identity_as_username true",
        "use_username_as_clientid true",
    ]
    if os.geteuid() == 0:
        lines.insert(0, "user root")  # else it drops to `mosquitto`, who may not read a private folder
    return "\n".join(lines) + "\n"


def _acl(config: Config, conn: Connection) -> str:
    """The worker may everything, stations emergencies alone, the revoked nothing; all others as the patterns say."""
    known, live = store.known_names(conn), store.live_names(conn)
    lines = [f"user {config.broker_user}", f"topic readwrite {ROOT}/#", ""]
    for station in sorted(name for name in live if name.startswith(STATION_PREFIX)):
        others = [f"topic deny {ROOT}/{tree}/#" for tree in ("up", "dn", "ar", "live")]
        lines += [f"user {station}", *others, f"topic write {ROOT}/em/#", ""]
    for name in sorted(known - live):
        lines += [f"user {name}", "topic deny #", ""]
    return "\n".join([*lines, *pattern_lines()]) + "\n"


def _server_certificate(hub: Hub, authority: Authority, folder: Path, names: Iterable[str]) -> None:
    key, made = authority.issue_server(list(names), now=hub.now())
    write_private(folder / SERVER_KEY, key)
    write_file(folder / SERVER_CERTIFICATE, made.decode())


def _worker_certificate(hub: Hub, authority: Authority) -> None:
    """Kept as long as it lasts: a worker that runs goes on with it."""
    path = actions.ca_folder(hub) / WORKER_CERTIFICATE
    if path.exists() and ends_at(path.read_bytes()) - hub.now() > RENEW_MS:
        return
    key, made = authority.issue_client(hub.config.broker_user, now=hub.now())
    hub.keys.write(actions.ca_folder(hub) / WORKER_KEY, key)
    write_file(path, made.decode())
