"""What a slot form may offer: bulletins and series of the unit and of those above it, and places to play."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import Connection

from hub.areas import store as areas
from hub.content import store as content
from hub.devices import store as devices
from hub.devices.state import SPARE_TAG
from hub.schedules import store
from hub.schedules.surroundings import released_programmes
from hub.ui import area_name
from wire.areas import ancestry, parent
from wire.programme import PlayItem

MAX_CHOICES = 300


@dataclass(frozen=True)
class Group:
    """A heading in a list of choices, and (code, words) below it."""

    title: str
    options: list[tuple[str, str]]


def play_choices(conn: Connection, area: str) -> list[Group]:
    """Codes as `model.play_code` writes them."""
    found = content.find(conn, content.Search(areas=(area,)), limit=MAX_CHOICES)
    sounds = content.sounds(conn, [bulletin.id for bulletin in found])
    own = [
        (f"item:{area}:{b.id}", b.title if sounds[b.id] else _("%(title)s (no sound yet)", title=b.title))
        for b in found
    ]
    series = [(f"series:{area}:{s.id}", _("Series: %(title)s", title=s.title)) for s in store.series(conn, area)]
    groups = [Group(_("Bulletins of this unit"), own), Group(_("Series of this unit"), series)]
    groups += [_offered(conn, above) for above in reversed(ancestry(area)[:-1])]
    groups.append(Group(_("Other"), [("reserve", _("Reserve set"))]))
    return [group for group in groups if group.options]


def offered_items(conn: Connection, area: str) -> list[tuple[str, str, str]]:
    """Bulletins and series that units above offer: (code, title, unit)."""
    return [
        (code, title, above) for above in reversed(ancestry(area)[:-1]) for code, title in _offered(conn, above).options
    ]


def cluster_choices(conn: Connection, area: str) -> list[tuple[str, str]]:
    rows = devices.clusters_below(conn, area)
    return [(f"cluster:{row['id']}", row["name"]) for row in rows if SPARE_TAG not in row["tags"]]


def hamlet_choices(conn: Connection, area: str) -> list[tuple[str, str]]:
    """Units directly below: the communes of the province, the hamlets of a commune that have a cluster or not."""
    return [(f"area:{row['path']}", row["name"]) for row in areas.children(conn, area)]


def place_choices(conn: Connection, area: str) -> list[tuple[str, str]]:
    return [*cluster_choices(conn, area), *hamlet_choices(conn, area)]


def own_bulletins(conn: Connection, area: str) -> list[tuple[str, str]]:
    found = content.find(conn, content.Search(areas=(area,)), limit=MAX_CHOICES)
    return [(bulletin.id, bulletin.title) for bulletin in found]


def priority_items(conn: Connection, area: str) -> list[tuple[str, str]]:
    """Items (id, title) that may collide in class priority: of the draft's own slots, and of slots in force above."""
    own = {p.item for s in store.slots(conn, area) if s.slot.priority for p in s.slot.plays if isinstance(p, PlayItem)}
    found = [(ident, bulletin.title) for ident, bulletin in content.several(conn, sorted(own)).items()]
    for programme in released_programmes(conn, ancestry(area)[:-1]):
        named = {p.item for slot in programme.slots if slot.priority for p in slot.plays if isinstance(p, PlayItem)}
        found += [(item.id, item.title) for item in programme.items if item.id in named]
    return sorted(dict(found).items(), key=lambda entry: entry[1])


def titles(conn: Connection, area: str) -> dict[str, str]:
    """What each play code is called, those that are no choice any more left out."""
    return {code: words for group in play_choices(conn, area) for code, words in group.options}


def _offered(conn: Connection, above: str) -> Group:
    programmes = released_programmes(conn, [above])
    options: list[tuple[str, str]] = []
    for programme in programmes:
        options += [(f"series:{above}:{s.id}", _("Series: %(title)s", title=s.title)) for s in programme.offers.series]
        named = [programme.item(ident) for ident in programme.offers.items]
        options += [(f"item:{above}:{item.id}", item.title) for item in named if item]
    heading = area_name(above) if parent(above) else _("From the province")
    return Group(heading, options)
