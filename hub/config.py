"""Settings: defaults, then DIR/hub.toml, then LOA_HUB_<KEY> in the environment; checked once, then frozen."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from hub.errors import ConfigError

PREFIX = "LOA_HUB_"
FILE = "hub.toml"
_ADDRESS = re.compile(r"[0-9.]+")
Port = Annotated[int, Meta(ge=0, le=65535)]


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """Every setting of the hub. `dir` holds database, blobs, keys and sockets, unless said otherwise."""

    dir: str
    province: Annotated[str, Meta(pattern="^[0-9a-z]{1,10}$")] = "08"
    database: str = ""
    """SQLAlchemy URL; empty: SQLite in DIR/hub.db."""
    host: str = "127.0.0.1"
    port: Port = 8080
    threads: Annotated[int, Meta(ge=1, le=200)] = 24
    """Answering threads of the web process. Each open stream of events holds one."""
    secure_cookies: bool = False
    """True where people reach the hub by https."""
    approval_url: Annotated[str, Meta(pattern="^(https?://[^\\s]+)?$", max_length=200)] = "http://duyet.localhost:8090/"
    """Where people find the approval app; pages link to it."""
    approval_origins: list[Annotated[str, Meta(pattern=r"^https://[a-z0-9.-]{1,253}(:\d{1,5})?$")]] = []
    """Origins of approval apps on other machines, which may ask the interface of programs from a browser."""
    master_key_file: str = ""
    """The key of everything secret here, outside DIR; empty: beside DIR, as DIR.key."""
    backup_dir: str = ""
    """Where `loa-hub backup` writes, unless told otherwise; a disk of another machine."""
    backup_keep: Annotated[int, Meta(ge=1, le=1_000)] = 14
    """So many of this hub's newest backups stay there."""
    clamd_socket: str = ""
    """Unix socket of clamd, which then sees every recording that is uploaded; empty: there is none."""
    public_address: Annotated[
        str, Meta(pattern=r"^(https://[a-z0-9.-]{1,253}(:\d{1,5})?|http://localhost(:\d{1,5})?)?$")
    ] = ""
    """Where people reach the hub's pages, without a path; empty: nobody can log in with a passkey."""
    trusted_proxies: Annotated[int, Meta(ge=0, le=3)] = 0
    """How many proxies of our own stand in front and name their client (X-Forwarded-For); else all have one address."""
    limit_logins_per_minute: Annotated[int, Meta(ge=0)] = 30
    """From one address; 0 in any of the four: without limit."""
    limit_requests_per_minute: Annotated[int, Meta(ge=0)] = 600
    """Of one person, or of one address where nobody is logged in."""
    limit_device_requests_per_minute: Annotated[int, Meta(ge=0)] = 6_000
    """From one address, behind which a mobile network may have hundreds of devices."""
    limit_uploads_per_hour: Annotated[int, Meta(ge=0)] = 120
    """Of one person."""
    session_hours: Annotated[int, Meta(ge=1, le=720)] = 12
    broker_host: str = "127.0.0.1"
    broker_port: Port = 1883
    device_broker: Annotated[str, Meta(pattern=r"^([A-Za-z0-9.:-]{1,253}:\d{1,5})?$")] = ""
    """HOST:PORT at which devices find the broker, told at enrolment; empty: as the worker does."""
    broker_user: str = "hub"
    broker_ca: str = ""
    """File with the CA of the broker's certificate; empty: no TLS."""
    broker_certificate: str = ""
    broker_key: str = ""
    broker_files: str = ""
    """Folder of `loa-hub broker-config`, whose mosquitto runs as the hub's own user: the worker keeps it up to date."""
    broker_keepalive_s: Annotated[int, Meta(ge=10, le=3600)] = 60
    stations: list[str] = []
    """Broker accounts `station-…` for officers' stations, each with a file DIR/<name>.password."""
    unheard_after_s: Annotated[int, Meta(ge=60)] = 40 * 60
    """A device that said nothing for so long counts as unheard (health comes every 15 minutes)."""
    log_level: Annotated[str, Meta(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"

    @property
    def root(self) -> Path:
        return Path(self.dir)

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{self.root / 'hub.db'}"

    @property
    def blob_dir(self) -> Path:
        return self.root / "blobs"

    @property
    def online_dir(self) -> Path:
        """The snapshot and timestamp keys, the only keys of the trust tree that the hub has."""
        return self.root / "online"

    @property
    def master_key(self) -> Path:
        """Outside the data folder. Raises ConfigError where it is said to lie inside."""
        path = Path(self.master_key_file).absolute() if self.master_key_file else Path(f"{self.root}.key")
        if path.is_relative_to(self.root):
            raise ConfigError("The master key must lie outside {path}: it would go with every copy", path=self.root)
        return path

    @property
    def secret_file(self) -> Path:
        """Key of the session cookies, sealed."""
        return self.root / "secret.key"

    @property
    def broker_password_file(self) -> Path:
        return self.root / f"{self.broker_user}.password"

    @property
    def work_dir(self) -> Path:
        """For uploads and transcoding; emptied at start."""
        return self.root / "work"


def load_config(directory: Path, file: Path | None = None, environ: Mapping[str, str] = os.environ) -> Config:
    """Read and check the settings. Raises ConfigError naming the setting that is wrong."""
    values: dict[str, Any] = {**_from_file(file or directory / FILE, must_exist=file is not None)}
    values.update(_from_environment(environ))
    values["dir"] = str(directory.resolve())
    try:
        return _checked(msgspec.convert(values, Config))
    except msgspec.ValidationError as error:
        raise ConfigError("Setting not accepted: {reason}", reason=error) from error


def _checked(config: Config) -> Config:
    """The hub's pages must have another name than the approval app, whose passkeys they could otherwise ask for."""
    ours = urlsplit(config.public_address).hostname or ""
    for address in (config.approval_url, *config.approval_origins):
        theirs = urlsplit(address).hostname or ""
        if ours and theirs and (ours == theirs or ours.endswith(f".{theirs}")):
            raise ConfigError("public_address: the pages must not stand under {name}, the approval app", name=theirs)
    if _ADDRESS.fullmatch(ours):
        raise ConfigError("public_address: a passkey needs a name, {name} is an address", name=ours)
    return config


def _from_file(path: Path, *, must_exist: bool) -> dict[str, Any]:
    if not path.exists() and not must_exist:
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError("{path} cannot be read: {reason}", path=path, reason=error) from error


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """Settings named LOA_HUB_…; LOA_HUB_DIR is the command's. Lists are separated by commas."""
    fields = {field.name: field.type for field in msgspec.structs.fields(Config)}
    found: dict[str, Any] = {}
    for key, text in environ.items():
        name = key.removeprefix(PREFIX).lower()
        if key.startswith(PREFIX) and name in fields and name != "dir":
            found[name] = _typed(text, default=getattr(Config(dir=""), name))
    return found


def _typed(text: str, *, default: object) -> object:
    if isinstance(default, bool):
        return text.lower() in ("1", "true", "yes")
    if isinstance(default, int):
        return int(text) if text.lstrip("-").isdigit() else text
    if isinstance(default, list):
        return [part.strip() for part in text.split(",") if part.strip()]
    return text
