"""Why something plays or does not, in words: one sentence for each code of `wire.timeline.Why`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from hub.i18n import clock_text, length_text, moment_text
from hub.phrases import SORTS
from wire.timeline import Reason, Why
from wire.units import UtcTime

SENTENCES: dict[Why, LazyString] = {
    Why.ITEM: _l("The slot names this bulletin."),
    Why.SERIES: _l("It is the newest valid bulletin of a series of %(area)s."),
    Why.RESERVE: _l("It belongs to the reserve set, which fills the slot."),
    Why.RELAY: _l("The slot relays %(url)s."),
    Why.LIVE: _l("The slot opens a live broadcast."),
    Why.SPECIAL_DAY: _l("The slot belongs to the special day %(special_day)s."),
    Why.FOLLOWS_ON: _l("It begins %(late_ms)s late, behind what plays first."),
    Why.HELD_FOR_FIXED: _l("It waits, so as not to run into the slot with a fixed time at %(fixed)s."),
    Why.CUT_BY_FIXED: _l("It ends early, because a slot with a fixed time begins at %(fixed)s."),
    Why.CUT_BY_MUTE: _l("It ends early, because the loudspeaker was switched off at %(muted)s."),
    Why.ALERT: _l("An emergency message sounds."),
    Why.ALERT_PAUSE: _l("Silence between two rounds of an emergency message."),
    Why.ALERT_SILENCED: _l("The button at the pole has silenced the emergency message."),
    Why.DRILL: _l("A drill sounds."),
    Why.DRILL_PAUSE: _l("Silence between two rounds of a drill."),
    Why.NOTHING_DUE: _l("Nothing is due now."),
    Why.SUPPRESSED: _l("What is due now may not sound."),
    Why.NOT_TARGETED: _l("The slot is meant for other loudspeakers or boards."),
    Why.ORDINARY_FROM_ABOVE: _l(
        "An ordinary slot of %(area)s plays only where the commune's own programme takes it up."
    ),
    Why.SPECIAL_DAY_MUTES: _l("The special day %(special_day)s of %(area)s silences the programme."),
    Why.SPECIAL_DAY_REPLACES: _l("The special day %(special_day)s of %(area)s replaces the programme."),
    Why.SPECIAL_DAY_DROPS: _l("The special day %(special_day)s of %(area)s leaves out: %(sort)s."),
    Why.NO_PROGRAMME: _l("There is no approved programme of %(area)s yet."),
    Why.NOT_ABOVE: _l("%(area)s is neither this unit nor one above it."),
    Why.NO_ITEM: _l("The approved programme of %(area)s does not have this bulletin."),
    Why.NO_SERIES: _l("%(area)s does not offer this series any more."),
    Why.NOT_OFFERED: _l("%(area)s does not offer this bulletin to the units below."),
    Why.WITHDRAWN: _l("%(area)s has withdrawn the bulletin."),
    Why.CHANGED: _l("The bulletin was changed after the slot had been approved."),
    Why.NOT_YET_VALID: _l("The bulletin is valid only from %(valid_from)s."),
    Why.NO_LONGER_VALID: _l("The bulletin was valid until %(valid_until)s."),
    Why.SERIES_EMPTY: _l("No bulletin of the series is valid at that time."),
    Why.RESERVE_EMPTY: _l("Nothing of the reserve set can play."),
    Why.NO_RENDITION: _l("The bulletin has no recording in a language of this cluster."),
    Why.PROGRAMME_NOT_BEGUN: _l("The programme of %(area)s is dated %(issued)s: it begins only then."),
    Why.PROGRAMME_ENDED: _l(
        "The approval of the programme of %(area)s ends at %(ends)s. It needs to be approved again."
    ),
    Why.QUIET_HOURS: _l("It would sound outside the permitted hours."),
    Why.TOO_LONG: _l("It lasts %(length_ms)s, longer than the %(max_ms)s that are permitted."),
    Why.WINDOW_ENDED: _l("The slot's time was over before its turn came."),
    Why.ACROSS_DAY_END: _l("It would run across 03:00, where the broadcast day ends."),
    Why.TOO_MANY: _l("Too much for one day."),
    Why.MUTED: _l("The loudspeaker is switched off until %(until)s."),
    Why.ON_BATTERY: _l("Mains power is lost; on battery only what is more important plays."),
    Why.BATTERY_LOW: _l("The battery is at %(percent)s %%: only emergency messages sound."),
    Why.TIME_UNKNOWN: _l("The device does not know the time: only emergency messages and slots for any time play."),
}

_MOMENTS = ("valid_from", "valid_until", "ends", "until", "muted", "issued")
_LENGTHS = ("late_ms", "length_ms", "max_ms")
NameOf = Callable[[str], str]


def reason_text(reason: Reason, name_of: NameOf) -> str:
    """The sentence in the reader's language. `name_of` gives an area's name."""
    words = {name: _word(name, value, name_of) for name, value in reason.params.items()}
    return str(SENTENCES[reason.code]) % _Gaps(words)


class _Gaps(dict[str, str]):
    """A gap without a value shows as dots rather than failing the page."""

    def __missing__(self, key: str) -> str:
        return "…"


def _word(name: str, value: str | int, name_of: NameOf) -> str:
    if name == "area":
        return name_of(str(value))
    if name == "sort":
        return str(SORTS.get(str(value), value))
    if isinstance(value, int) and name in _MOMENTS:
        return moment_text(UtcTime(value))
    if isinstance(value, int) and name == "fixed":
        return clock_text(UtcTime(value))
    if isinstance(value, int) and name in _LENGTHS:
        return length_text(value)
    return str(value)


def as_mapping(reason: Reason, name_of: NameOf) -> Mapping[str, object]:
    """For programs: code, parameters, and the same words that people read."""
    return {"code": reason.code.value, "params": dict(reason.params), "text": reason_text(reason, name_of)}
