"""The authority table: everything that a device obeys, who may order it, whose key signs it, what a stolen hub gains.

The same rows stand in SECURITY.md (a test compares them) and cover every topic towards devices, every command, every
role and every kind of signed message (a test counts them). What is not in the table is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

ANYBODY = "nobody"


@dataclass(frozen=True)
class Obeyed:
    """One row. `names` are the message's own names on the wire: role kinds, commands, topics, payload kinds."""

    message: str
    names: tuple[str, ...]
    ordered_by: str
    signed_by: str
    does: str
    stolen_hub: str
    makes_sound: bool = False


AUTHORITY = (
    Obeyed(
        "next root", ("root",), "the province's root holders, m of n", "root (old and new threshold)",
        "says who the province is", "nothing; may withhold it",
    ),
    Obeyed(
        "targets", ("targets",), "the targets holders, m of n", "targets",
        "names the holders of p, d, e-roles, tpl, sw", "nothing; may withhold it until it expires",
    ),
    Obeyed(
        "time reset", ("time_reset",), "the targets holders", "targets",
        "lowers the floor of the devices that it names, once", "nothing",
    ),
    Obeyed(
        "groups and hamlet roles", ("g", "h"), "the province's approvers, 2 of n", "p",
        "name the holders of c-, v- and the communes' e-roles", "nothing; may withhold them",
    ),
    Obeyed(
        "provincial programme and policy", ("p",), "the province's approvers, 2 of n", "p",
        "sounds inside the envelope; sets hours and volumes", "nothing; may withhold them", makes_sound=True,
    ),
    Obeyed(
        "commune programme and policy", ("c",), "the commune's approvers, not the author", "c",
        "sounds inside the envelope, 45 days at most; may only tighten the policy", "nothing; may withhold them",
        makes_sound=True,
    ),
    Obeyed(
        "placements", ("d",), "the registrar", "d",
        "moves a device between areas and clusters; names its key and hardware", "nothing",
    ),
    Obeyed(
        "swaps of a programme", ("swap",), "the commune's approvers", "c",
        "puts a spare that d placed in the commune at the place of one of its clusters", "nothing",
    ),
    Obeyed(
        "alert templates", ("tpl",), "the template holders, 2 of n", "tpl",
        "words and clips of an alert; silent until an alert names them", "nothing",
    ),
    Obeyed(
        "start of an alert, its cancel", ("ea", "start", "cancel", "emergency", "envelope"), "an officer of the area",
        "ea; two keys beyond six starts an hour, and while targets is expired",
        "sounds at once, within its repeat budget; a cancel silences it", "nothing; may withhold it", makes_sound=True,
    ),
    Obeyed(
        "free text, a blank of letters", ("ef",), "two officers of the area", "ef, 2 of n at least",
        "as an alert, in words of its own; a cancel needs one officer",
        "nothing; may withhold it, and what one has signed",
        makes_sound=True,
    ),
    Obeyed(
        "drill", ("ed",), "an officer of the area", "ed",
        "sounds as a drill, within the hours of priority; mutes bind it", "nothing", makes_sound=True,
    ),
    Obeyed(
        "timestamp, snapshot", ("timestamp", "snapshot"), "the hub", "the hub's online keys",
        "say which versions there are", "freeze; fast-forward by a million versions, undone by evict-hub",
    ),
    Obeyed(
        "attested time", ("time",), "the hub", "timestamp",
        "moves the clock, by an hour a boot where another source is known; never raises the floor alone",
        "programmes at the wrong hour on a device without any other source, as long as it lies",
    ),
    Obeyed(
        "mute until, volume down, stop", ("quieter",), "any editor of the area", ANYBODY,
        "less sound, never of class emergency, 30 days at most; listed for the head",
        "silence of ordinary and priority sound for 30 days after the last lie",
    ),
    Obeyed(
        "come and refresh, send health, send log from", ("refresh", "health", "log", "versions"), "anybody", ANYBODY,
        "harmless; 30 commands a minute at most", "traffic",
    ),
    Obeyed(
        "rows are safe", ("logged",), "the hub", ANYBODY,
        "moves the send cursor only; rows stay 90 days", "delay of rows",
    ),
    Obeyed(
        "sound and picture files", ("blob",), "whoever signed the hash", ANYBODY,
        "nothing by themselves; hashed before they count and before they play", "nothing; may withhold them",
    ),
    Obeyed(
        "a stick", ("bundle",), "whoever carries it", "as each file in it",
        "brings the same files and orders (.dsse) under the same rules, with 60 days of grace", "nothing",
    ),
    Obeyed(
        "enrolment's answer, certificate", ("certificate",), "the hub",
        "the province's CA; the device checks its own key",
        "names the broker and admits to it", "delay; another broker is as good as a stolen one",
    ),
    Obeyed(
        "software", ("sw",), "the software holders, 2 of n", "sw", "not obeyed by this version", "nothing",
    ),
    Obeyed(
        "a hamlet head's own words", ("v",), "the hamlet's head", "v", "not obeyed by this version", "nothing",
    ),
    Obeyed(
        "relay, live", ("relay", "live"), "the programme's signer", "c or p",
        "not obeyed by this version: has no place in the sound path", "nothing",
    ),
)  # fmt: skip
