"""Vietnamese first, English second: catalogue, choice of language, and how times and lengths are written.

Source texts are English; `locale/vi/LC_MESSAGES/hub.po` holds the Vietnamese. It is compiled here when the `.mo` is
missing or older, so that no page is half English because a step of the set-up was forgotten.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask, request, session
from flask_babel import Babel, gettext, ngettext

from hub.errors import ConfigError
from wire.units import DAY, HOUR, MINUTE, SECOND, UtcTime, moment

LOCALES = ("vi", "en")
DOMAIN = "hub"
COOKIE_LANGUAGE = "lang"
_FOLDER = Path(__file__).parent / "locale"


def init_app(app: Flask) -> None:
    """Languages and the filters that templates use for times."""
    compile_catalogues()
    app.config.update(
        BABEL_DEFAULT_LOCALE="vi", BABEL_DOMAIN=DOMAIN, BABEL_DEFAULT_TIMEZONE="Asia/Ho_Chi_Minh",
        BABEL_TRANSLATION_DIRECTORIES=str(_FOLDER),
    )  # fmt: skip
    Babel(app, locale_selector=choose_locale)
    app.jinja_env.filters.update(
        day=day_text, clock=clock_text, moment=moment_text, duration=length_text, ago=ago_text, of_day=of_day_text,
        number=number_text, iso_day=iso_day_text, weekday=weekday_of,
    )  # fmt: skip


def choose_locale() -> str:
    """What the person chose with the switch; Vietnamese for everybody else, whatever their browser says."""
    if not request:
        return "vi"
    chosen = session.get(COOKIE_LANGUAGE)
    return chosen if chosen in LOCALES else "vi"


def compile_catalogues(folder: Path = _FOLDER) -> None:
    """Write each .mo that is missing or older than its .po. Raises ConfigError where that cannot be done."""
    for po in sorted(folder.glob(f"*/LC_MESSAGES/{DOMAIN}.po")):
        mo = po.with_suffix(".mo")
        if mo.exists() and mo.stat().st_mtime_ns >= po.stat().st_mtime_ns:
            continue
        try:
            _compile(po, mo)
        except OSError as error:
            raise ConfigError("{path} cannot be written: run pybabel compile", path=mo) from error


def _compile(po: Path, mo: Path) -> None:
    with po.open("rb") as file:
        catalogue = read_po(file, locale=po.parts[-3], domain=DOMAIN)
    handle, name = tempfile.mkstemp(dir=mo.parent, suffix=".mo")
    with os.fdopen(handle, "wb") as out:
        write_mo(out, catalogue)
    Path(name).chmod(0o644)
    Path(name).replace(mo)


def day_text(instant: UtcTime | None) -> str:
    """20/12/2026"""
    return f"{moment(instant):%d/%m/%Y}" if instant else ""


def clock_text(instant: UtcTime | None, *, seconds: bool = False) -> str:
    """17:00, or 17:00:30 where the seconds count."""
    if not instant:
        return ""
    local = moment(instant)
    return f"{local:%H:%M:%S}" if seconds or local.second else f"{local:%H:%M}"


def moment_text(instant: UtcTime | None) -> str:
    """17:00 20/12/2026"""
    return f"{moment(instant):%H:%M %d/%m/%Y}" if instant else ""


def iso_day_text(text: str) -> str:
    """2026-12-20 as 20/12/2026"""
    return "/".join(reversed(text.split("-"))) if text else ""


def of_day_text(after_midnight_ms: int) -> str:
    """Milliseconds after midnight as 17:00 or 17:00:30."""
    seconds = after_midnight_ms // SECOND
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}"
    return f"{clock}:{seconds % 60:02}" if seconds % 60 else clock


def length_text(duration_ms: int) -> str:
    """A length as 3:05 or 1:02:05."""
    seconds = round(duration_ms / SECOND)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"


def ago_text(instant: UtcTime | None, now: UtcTime) -> str:
    """How long ago in words."""
    gone = max(0, now - (instant or now))
    if not instant:
        text = gettext("never")
    elif gone < 2 * MINUTE:
        text = gettext("just now")
    elif gone < 2 * HOUR:
        text = ngettext("%(num)s minute ago", "%(num)s minutes ago", gone // MINUTE)
    elif gone < 2 * DAY:
        text = ngettext("%(num)s hour ago", "%(num)s hours ago", gone // HOUR)
    else:
        text = ngettext("%(num)s day ago", "%(num)s days ago", gone // DAY)
    return str(text)


def number_text(value: int) -> str:
    """1.250.000"""
    return f"{value:,}".replace(",", ".")


def weekday_of(instant: UtcTime) -> int:
    """1 (Monday) to 7."""
    return moment(instant).isoweekday()
