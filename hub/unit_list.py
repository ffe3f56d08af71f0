"""`loa-hub import FILE`: enters people, hamlets, clusters and devices of a unit from one list.

Each entry goes through the same action as on its own; running it again corrects what is there. The file may hold first
passwords: it should be readable by its owner alone, and be erased afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from hub.areas import actions as areas
from hub.auth import actions as auth
from hub.auth.keyfile import read_public_key
from hub.auth.roles import Grant, Person
from hub.context import Hub
from hub.devices import actions as devices
from hub.errors import BadInputError
from wire.content import AreaPath, Ident, Language

MAX_BYTES = 8 * 1024 * 1024
Name = Annotated[str, Meta(min_length=1, max_length=200)]


class Hamlet(Struct, frozen=True, forbid_unknown_fields=True):
    path: AreaPath
    name: Name
    households: int | None = None
    languages: list[Language] = []


class Cluster(Struct, frozen=True, forbid_unknown_fields=True):
    id: Ident
    area: AreaPath
    name: Name
    lat: float | None = None
    lon: float | None = None
    languages: list[Language] = msgspec.field(default_factory=lambda: ["vi"])
    tags: list[str] = []
    note: str = ""


class NewPerson(Struct, frozen=True, forbid_unknown_fields=True):
    username: Ident
    name: Name
    password: str
    roles: list[str] = []
    """ROLE:AREA each."""
    keys: list[str] = []
    """Files with public halves of signing keys."""


class Device(Struct, frozen=True, forbid_unknown_fields=True):
    request: str
    """File made by `loa-edge init`."""
    cluster: Ident


class UnitList(Struct, frozen=True, forbid_unknown_fields=True):
    """What the file holds, entered in this order."""

    hamlets: list[Hamlet] = []
    clusters: list[Cluster] = []
    people: list[NewPerson] = []
    devices: list[Device] = []


def read_list(path: Path) -> UnitList:
    """Decode a list. Raises BadInputError naming the entry that is wrong."""
    if path.stat().st_size > MAX_BYTES:
        raise BadInputError("{path} is larger than {limit} bytes", path=path, limit=MAX_BYTES)
    try:
        return msgspec.json.decode(path.read_bytes(), type=UnitList)
    except msgspec.DecodeError as error:
        raise BadInputError("{path}: {reason}", path=path, reason=error) from error


def enter(hub: Hub, person: Person, unit: UnitList, *, grant_of: Callable[[str], Grant]) -> None:
    """Enter everything; stops at the first entry that is refused, keeping those before it."""
    for hamlet in unit.hamlets:
        areas.put_hamlet(
            hub, person, hamlet.path, name=hamlet.name, households=hamlet.households, languages=hamlet.languages
        )
    for cluster in unit.clusters:
        devices.put_cluster(hub, person, cluster.id, **{f: getattr(cluster, f) for f in Cluster.__struct_fields__[1:]})
    for new in unit.people:
        held = [grant_of(role) for role in new.roles]
        keys = [read_public_key(Path(key)) for key in new.keys]
        auth.add_person(hub, username=new.username, name=new.name, password=new.password, held=held, keys=keys)
    for device in unit.devices:
        devices.register_device(hub, person, Path(device.request).read_bytes(), cluster=device.cluster)
