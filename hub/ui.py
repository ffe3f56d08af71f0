"""What every staff page needs: menu, the unit that is being looked at, names of areas, and the switch of language.

Pages take the unit from `?area=`; it is remembered for the session, and is never one that the person may not see.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from flask import Flask, request, session
from flask_babel import LazyString, get_locale
from flask_babel import lazy_gettext as _l
from sqlalchemy import Connection

from hub.areas import store as areas
from hub.auth import guard
from hub.auth import store as persons
from hub.auth.roles import Person, Right
from hub.errors import NotAllowedError, NotFoundError
from hub.phrases import HEARD, LANGUAGES, LEVELS, SORTS, WEEKDAYS
from wire.areas import AREA, ancestry, parent

REMEMBERED_AREA = "area"
PROGRAMME_DEPTH = 1
"""Provinces and communes have programmes; a hamlet's loudspeakers play its commune's."""


@dataclass(frozen=True)
class MenuEntry:
    endpoint: str
    label: LazyString
    short: LazyString
    icon: str
    programmes_only: bool = False


MENU = (
    MenuEntry("dashboard.today", _l("Today"), _l("Today"), "today"),
    MenuEntry("items.listing", _l("Bulletins"), _l("Bulletins"), "items", programmes_only=True),
    MenuEntry("schedules.overview", _l("Programme"), _l("Programme"), "schedule", programmes_only=True),
    MenuEntry("alerts.running", _l("Emergency"), _l("Emergency"), "alert"),
    MenuEntry("devices.listing", _l("Loudspeakers and boards"), _l("Loudspeakers"), "devices"),
)


def init_app(app: Flask) -> None:
    app.context_processor(_for_templates)
    app.jinja_env.globals.update(
        LANGUAGES=LANGUAGES, LEVELS=LEVELS, SORTS=SORTS, WEEKDAYS=WEEKDAYS, HEARD=HEARD, Right=Right
    )


def pick_area(conn: Connection, person: Person, right: Right = Right.VIEW) -> str:
    """The unit that this page is about: asked for, else remembered, else the person's own.

    Raises NotAllowedError or NotFoundError for one that was asked for and may not be seen, or does not exist.
    """
    asked = request.values.get("area", "").strip()
    if asked:
        if not AREA.fullmatch(asked) or areas.get(conn, asked) is None:
            raise NotFoundError
        person.require(right, asked)
        session[REMEMBERED_AREA] = asked
        return asked
    remembered = session.get(REMEMBERED_AREA, "")
    if remembered and person.may(right, remembered):
        return str(remembered)
    held = person.areas(right)
    if not held:
        raise NotAllowedError
    return held[0]


def programme_area(conn: Connection, person: Person, right: Right = Right.VIEW) -> str:
    """Like `pick_area`, for what only provinces and communes have. From a hamlet one is led to its commune."""
    area = pick_area(conn, person, right)
    path = ancestry(area)[: PROGRAMME_DEPTH + 1][-1]
    person.require(right, path)
    return path


def area_choices(conn: Connection, person: Person) -> list[tuple[str, str]]:
    """Units with a programme that the person may look at: (path, name), the province first."""
    found = [row for held in person.areas() for row in areas.below(conn, held)]
    return [(row["path"], row["name"]) for row in found if row["path"].count("/") <= PROGRAMME_DEPTH]


def area_name(path: str) -> str:
    """The name of an area on a page; the path itself where there is none."""
    return _once("loa.area_names", areas.names).get(path, path)


def full_area_name(path: str) -> str:
    """Hamlet and commune: "Thôn Bòng, Xã Tân Trào"."""
    above = parent(path)
    return f"{area_name(path)}, {area_name(above)}" if above and "/" in above else area_name(path)


def person_name(username: str) -> str:
    """A person's full name on a page; the user name where there is nobody of that name any more."""
    return _once("loa.person_names", persons.names).get(username, username)


def safe_next(target: str | None, fallback: str) -> str:
    """A path of this site to go on to; anything else would let a foreign link borrow our login page."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or any(c in target for c in "\r\n"):
        return fallback
    parts = urlsplit(target)
    return fallback if parts.scheme or parts.netloc else target


def wants_fragment() -> bool:
    """Whether htmx asks for a part of a page."""
    return request.headers.get("HX-Request") == "true"


def _once(key: str, read: Callable[[Connection], dict[str, str]]) -> dict[str, str]:
    """Names from the store, read once a request."""
    if key not in request.environ:
        with guard.current_hub().reading() as conn:
            request.environ[key] = read(conn)
    return cast("dict[str, str]", request.environ[key])


def _for_templates() -> dict[str, Any]:
    person = guard.maybe_person()
    hub = guard.current_hub()
    return {
        "person": person,
        "menu": _menu(person) if person else (),
        "language": str(get_locale() or "vi"),
        "approval_url": hub.config.approval_url,
        "now": hub.now(),
        "area_name": area_name,
        "full_area_name": full_area_name,
        "person_name": person_name,
    }


def _menu(person: Person) -> tuple[MenuEntry, ...]:
    """Without bulletins and programmes for somebody who only looks after a hamlet."""
    has_programmes = any(area.count("/") <= PROGRAMME_DEPTH for area in person.areas())
    return tuple(entry for entry in MENU if has_programmes or not entry.programmes_only)
