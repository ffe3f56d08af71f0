"""Words that several pages repeat, each once. Vietnamese is in `locale/vi`; `locale/tu-dung.md` fixes the terms.

Tables map a stable code (of the wire, of a state, of a refusal) to what a person reads.
"""

from __future__ import annotations

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

Words = dict[str, LazyString]

# Note to translators: the names of the six fields are those of the national exchange (LoaiLinhVuc, CV 2455/BTTTT-TTCS).
FIELDS: dict[int, LazyString] = {
    1: _l("General information"),
    2: _l("Unscheduled information"),
    3: _l("Guidelines of the Party, policy and law of the State"),
    4: _l("Direction by the local Party committee and administration"),
    5: _l("Knowledge of science, technology, economy, culture and society"),
    6: _l("Good people, good deeds, models to follow"),
}

SORTS: Words = {"speech": _l("Speech"), "music": _l("Music"), "entertainment": _l("Entertainment")}

LEVELS: Words = {"central": _l("Central level"), "province": _l("Province"), "commune": _l("Commune")}

LANGUAGES: Words = {
    "vi": _l("Vietnamese"),
    "hmn": _l("Mông"),
    "tyz": _l("Tày"),
    "nut": _l("Nùng"),
    "ium": _l("Dao"),
    "mlc": _l("Cao Lan"),
    "pcc": _l("Giáy"),
    "pha": _l("Pà Thẻn"),
    "lbt": _l("La Chí"),
}

WEEKDAYS: dict[int, LazyString] = {
    1: _l("Monday"), 2: _l("Tuesday"), 3: _l("Wednesday"), 4: _l("Thursday"),
    5: _l("Friday"), 6: _l("Saturday"), 7: _l("Sunday"),
}  # fmt: skip

CLASSES: Words = {"ordinary": _l("Ordinary"), "priority": _l("Priority"), "emergency": _l("Emergency")}

PROGRAMME_STATES: Words = {
    "draft": _l("Draft"),
    "pending": _l("Waiting for approval"),
    "changed": _l("Changed since it was submitted"),
    "returned": _l("Returned"),
    "in_force": _l("In force"),
    "superseded": _l("Replaced by a newer one"),
    "empty": _l("Nothing yet"),
}

CLUSTER_STATES: Words = {
    "playing": _l("Playing"),
    "waiting": _l("Standing by"),
    "unlinked": _l("No network, still playing the downloaded programme"),
    "no_power": _l("No mains power"),
    "no_sound": _l("No sound"),
    "carried": _l("No coverage (carried by hand)"),
    "unheard": _l("No contact, and no content left"),
    "never": _l("Not in contact yet"),
    "unplaced": _l("No device"),
    "spare": _l("Spare device"),
}

DEFECTS: Words = {"no_rtc": _l("Board without a battery clock (RTC): after a power cut it does not know the time")}

TICKET_STATES: Words = {
    "open": _l("Can be used"),
    "used_up": _l("Used for all its devices"),
    "expired": _l("Over"),
    "ended": _l("Ended by hand"),
}

ROLES: Words = {
    "viewer": _l("Viewer"),
    "editor": _l("Editor"),
    "approver": _l("Approver"),
    "officer": _l("Officer for emergencies"),
    "technician": _l("Technician"),
    "registrar": _l("Registrar of devices"),
    "admin": _l("Administrator of accounts"),
}

ASSESSMENT_RESULTS: Words = {
    "passed": _l("Passed"),
    "conditions": _l("Passed with conditions"),
    "failed": _l("Failed"),
}

HEARD: Words = {
    "not_observed": _l("No device to check the sound yet"),
    "heard": _l("Sound heard"),
    "not_heard": _l("No sound heard"),
}

RECEIPTS: Words = {
    "received": _l("Received"),
    "verified": _l("Signature good"),
    "started": _l("Sounding"),
    "finished": _l("Finished"),
    "cancelled": _l("Stopped"),
    "refused": _l("Refused"),
    "not_stored": _l("Sounded, not stored"),
}

FAULTS: Words = {
    "no_sound_device": _l("No sound card"),
    "store_failing": _l("Storage is failing"),
    "disk_full": _l("Storage is full"),
    "no_time": _l("The device does not know the time"),
    "content_missing": _l("Some content is not downloaded yet"),
    "metadata_stale": _l("The approved data is old and needs to be renewed"),
    "duplicate_identity": _l("Two devices use one identity"),
    "play_restarting": _l("The player keeps restarting"),
    "clock_refused": _l("A wrong clock was refused"),
}

TIME_QUALITY: dict[int, LazyString] = {
    0: _l("Time unknown"),
    1: _l("Time kept since the last start"),
    2: _l("Time from the clock chip"),
    3: _l("Time confirmed"),
}

POWER: dict[int, LazyString] = {0: _l("Not measured"), 1: _l("Mains"), 2: _l("Battery")}
