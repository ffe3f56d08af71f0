"""What a line of the log of the system says, in words. A verb that is not here is shown as it is."""

from __future__ import annotations

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

VERBS: dict[str, LazyString] = {
    "alert": _l("Emergency order handed in"),
    "alert-refused": _l("Emergency order refused"),
    "assessment": _l("Security assessment entered"),
    "certificate": _l("Certificate issued"),
    "certificate-revoke": _l("Certificate revoked"),
    "cluster": _l("Cluster entered or corrected"),
    "hamlet": _l("Hamlet entered or corrected"),
    "item-changed": _l("Bulletin changed"),
    "item-new": _l("Bulletin written"),
    "item-removed": _l("Bulletin removed"),
    "login": _l("Logged in"),
    "login-failed": _l("Wrong password"),
    "login-passkey": _l("Logged in with a passkey"),
    "passkey-new": _l("Passkey added"),
    "passkey-removed": _l("Passkey removed"),
    "password": _l("Own password changed"),
    "person": _l("Account entered by command"),
    "person-closed": _l("Account closed"),
    "person-new": _l("Account opened"),
    "person-opened": _l("Account opened again"),
    "person-password": _l("New password given"),
    "person-roles": _l("Roles changed"),
    "register": _l("Device registered"),
    "release": _l("Released for broadcast"),
    "return": _l("Returned"),
    "revoke": _l("Registration of a device ended"),
    "sign": _l("Signed in the approval app"),
    "sign-refused": _l("Signature refused"),
    "sound": _l("Sound added"),
    "sound-removed": _l("Sound removed"),
    "stick": _l("Log taken in from a stick"),
    "submit": _l("Sent for approval"),
    "trust": _l("Signed metadata taken in"),
}
