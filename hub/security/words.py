"""Security events in words: what happened, and what to do about it."""

from __future__ import annotations

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from hub.playlog.words import CODES
from hub.security.store import Kind

DETAILS: dict[str, LazyString] = {
    "certificate verify failed": _l("The certificate is revoked, or another authority's."),
    "peer did not return a certificate": _l("Without any certificate."),
    "login": _l("Logging in"),
    "requests": _l("Pages and requests of programs"),
    "devices": _l("What devices fetch"),
    "uploads": _l("Uploads"),
    "birth": _l("It announced itself at the broker."),
}
"""Details that are always the same. `playlog.words.CODES` has the reasons of refusals."""


def detail_words(detail: str) -> str:
    """The detail of an event in the reader's language; as it came where there are no words for it."""
    code = detail.split(":", 1)[0].split(" ", 1)[0]
    after = detail.partition(": ")[2].split(" ", 1)[0]  # "log: bad_signature …" of a device's message
    return str(DETAILS.get(detail) or CODES.get(code) or CODES.get(after) or detail)


KINDS: dict[Kind, tuple[str, LazyString, LazyString]] = {
    Kind.AUDIT_BROKEN: (
        "bad", _l("The log of the system was changed"),
        _l(
            "Somebody changed or removed lines in the database. Keep the machine as it is, and tell the "
            "provincial department at once."
        ),
    ),
    Kind.LOG_FORK: (
        "bad", _l("A device's log contradicts itself: two devices may use one identity"),
        _l("Look at both places. Revoke the identity and enrol the real device anew."),
    ),
    Kind.DUPLICATE_DEVICE: (
        "bad", _l("Two devices use one identity"),
        _l(
            "A card was copied, or a key was stolen. Look at the cluster, revoke the identity and enrol the real "
            "device anew."
        ),
    ),
    Kind.OTHER_HARDWARE: (
        "bad", _l("A device runs on other hardware than it was registered with"),
        _l(
            "If the hardware was replaced, register the replacement. Otherwise the card was moved: look at the "
            "cluster."
        ),
    ),
    Kind.OTHER_ROOT: (
        "bad", _l("A device trusts another province's key"),
        _l("It obeys somebody else. Take it off the network, and enrol it anew from a clean card."),
    ),
    Kind.REVOKED_CALL: (
        "bad", _l("A revoked device tries to come back"),
        _l("It gets nothing. If it should not be in use any more, find it and switch it off."),
    ),
    Kind.REFUSED_SIGNATURE: (
        "bad", _l("Signatures that were not accepted"),
        _l(
            "Once may be an old key. Many, or orders straight to the broker: somebody tries to speak without "
            "being entitled. Ask the holder; revoke the key if in doubt."
        ),
    ),
    Kind.REPLAY: (
        "warn", _l("Old orders that were played again, and refused"),
        _l("Nothing sounded. If it goes on, somebody records and repeats what is sent on the network."),
    ),
    Kind.REFUSED_CERTIFICATE: (
        "warn", _l("Connections refused for want of a good certificate"),
        _l(
            "Revoked, foreign or missing. Compare with devices that are not heard any more; otherwise it is "
            "somebody who probes the system."
        ),
    ),
    Kind.LOCKOUT: (
        "warn", _l("Accounts locked after wrong passwords"),
        _l("Ask the person. If it was somebody else, give the account a new password."),
    ),
    Kind.PASSKEY_CLONE: (
        "bad", _l("A passkey for logging in may have been copied"),
        _l("The login was refused. Let the person remove this passkey and make a new one."),
    ),
    Kind.FLOOD: (
        "bad", _l("A device flooded the system; its registration was ended"),
        _l("Look at the device before it is enrolled anew: it was opened, or is broken."),
    ),
    Kind.TOO_MANY: (
        "warn", _l("Too many requests from one address or person"),
        _l(
            "They were refused and disturbed nobody. If an office works behind this address, raise the limit in "
            "the settings; otherwise block it at the firewall."
        ),
    ),
    Kind.BAD_UPLOAD: (
        "warn", _l("Uploaded files that were refused as harmful"),
        _l("Nothing was kept. Check the machine that the file came from."),
    ),
    Kind.NEW_CHAIN: (
        "warn", _l("A device began a new log: its storage was reset, exchanged or copied"),
        _l("If nobody worked on this device, look at it: its earlier log may be lost."),
    ),
    Kind.LOG_LOST: (
        "warn", _l("A device had to forget rows of its log"),
        _l("It was without a connection for too long. Fetch the log by stick in time."),
    ),
}  # fmt: skip
"""In the order of the page: how it is marked, what happened, what to do."""
