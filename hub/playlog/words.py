"""A row of the play log in words. Rows hold stable codes of the device; what is not known is shown as it came."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from hub.phrases import FAULTS, POWER
from hub.schedules.reasons import NameOf, reason_text
from wire.timeline import Reason, Why

CODES: dict[str, LazyString] = {
    "malformed": _l("The data was damaged or not understood."),
    "unknown_kind": _l("The data is of a newer kind than this device knows."),
    "bad_signature": _l("The signature is not good: nobody entitled signed it."),
    "unknown_key": _l("Signed with a key that the device does not know."),
    "expired": _l("It was too old."),
    "out_of_date": _l("It was older than what the device holds, or a copy of something it had heard before."),
    "not_allowed": _l("Whoever signed it was not entitled to say this here."),
    "not_stored": _l("It sounded, but could not be stored."),
    "content_missing": _l("The recording was not downloaded yet."),
    "no_sound": _l("No sound"),
    "no_sound_device": _l("No sound card"),
    "cancelled": _l("It was stopped."),
    "pre-empted": _l("Something more important went first."),
    "interrupted": _l("It was interrupted."),
    "broken_off": _l("The device was restarted in between."),
    "its time has passed": _l("Its time had passed."),
    "cancelled before it began": _l("It was stopped before it began."),
}
"""Why something was not accepted, or did not sound to its end."""

EVENTS: dict[str, LazyString] = {
    "start": _l("The device started."),
    "bundle": _l("A USB package was put in."),
    "content": _l("A recording was damaged and is fetched anew."),
    "clock": _l("The clock was set."),
    "clock_refused": _l("A wrong clock was refused"),
    "metadata": _l("Damaged data was set aside."),
    "dropped": _l("Data that is no longer good was set aside."),
    "ignored": _l("Data of a newer kind was left aside."),
    "quieter": _l("Switched off or turned down for a while."),
    "underrun": _l("The sound stuttered."),
    "alert": _l("An emergency message could not be stored; it sounds all the same."),
    "internal": _l("A fault in the device's program."),
    "log_fork": _l("The log contradicts itself: two devices may use one identity."),
    "new_chain": _l("A new log began: the storage was reset, exchanged or copied."),
    "refused": _l("A message of the device was not accepted."),
    "other_hardware": _l("The device runs on other hardware."),
    "hub_behind": _l("The device knows newer signed data than this hub"),
    "other_root": _l("The device trusts another province's key."),
    "duplicate_session": _l("Two devices use one identity"),
    "certificate": _l("The device's certificate was renewed"),
    "certificate_refused": _l("Asked for a certificate that it may not have"),
}

RUNGS: dict[str, LazyString] = {
    "programme": _l("The newest approved programme is in force."),
    "last_complete": _l("The newest programme is still being fetched; the one before goes on."),
    "reserve": _l("Content is missing; the reserve set takes its place."),
    "silence": _l("No programme is in force: it stays silent."),
}


_WHY: dict[str, Why] = {why.value: why for why in Why}


def detail_text(kind: str, detail: str, name_of: NameOf) -> str:
    """The detail of a row of this kind, in the reader's language."""
    if kind == "omitted":
        return _omitted(detail, name_of)
    if kind == "event":
        return event_text(detail)
    if kind in ("play", "alert"):
        return _ended(detail)
    return _code(detail.split(":", 1)[0].strip(), detail)


def event_text(detail: str) -> str:
    """What happened on the device."""
    word, _rest, rest = detail.partition(" ")
    parts = rest.split()
    if word in ("fault", "fault_began", "fault_ended") and parts:
        fault = FAULTS.get(parts[0])
        is_over = word == "fault_ended" or parts[1:2] == ["ends"]
        name = str(fault) if fault else parts[0]
        return str(_("Over: %(fault)s", fault=name) if is_over else _("Fault: %(fault)s", fault=name))
    if word == "power" and parts:
        kinds = {"mains": 1, "battery": 2}
        return str(_("Power: %(what)s", what=" ".join([str(POWER[kinds.get(parts[0], 0)]), *parts[1:]])))
    if word == "rung" and parts:
        return str(RUNGS.get(parts[0], detail))
    return str(EVENTS.get(word.rstrip(":"), detail))


def refusal_text(refusal: str) -> str:
    """A line of a stick's log that was not taken: "line 3: malformed: …" as `playlog.actions` writes it."""
    found = re.match(r"line (\d+): (\w+)", refusal)
    if found is None:
        return refusal
    return str(_("Line %(n)s: %(why)s", n=found[1], why=CODES.get(found[2], CODES["malformed"])))


def _omitted(detail: str, name_of: NameOf) -> str:
    try:
        said: dict[str, Any] = msgspec.json.decode(detail, type=dict)
    except msgspec.DecodeError:
        return _code(detail, detail)
    code = str(said.pop("why", ""))
    if code not in _WHY:
        return _code(code, code)
    return reason_text(Reason(_WHY[code], {k: v for k, v in said.items() if isinstance(v, str | int)}), name_of)


def _ended(detail: str) -> str:
    """A play says what chose it and, where it did not end by itself, why; only the second is news on a page."""
    words = detail.split(" ", 1)
    if words[0] == "reserve":
        return str(_("From the reserve set."))
    why = (words[1] if len(words) > 1 else "") if words[0] in _WHY else detail
    return _code(why, why)


def _code(code: str, otherwise: str) -> str:
    return str(CODES.get(code, otherwise))
