"""Why bytes from another program are not taken. Each leaf says who handles it."""

from __future__ import annotations


class WireError(Exception):
    """Something that arrived is not accepted. `code` is stable and is what logs, receipts and pages translate."""

    code = "wire"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class MalformedError(WireError):
    """Not the agreed shape, or over a size limit. The receiver keeps what it had and reports it."""

    code = "malformed"


class UnknownKindError(WireError):
    """A kind or schema version that this program is too old for. Ignored, counted and reported."""

    code = "unknown_kind"


class BadSignatureError(WireError):
    """Too few good signatures of the keys that may sign this. Reported as a security event."""

    code = "bad_signature"


class UnknownKeyError(BadSignatureError):
    """Signed by keys that the held metadata does not name. Held, and judged again after a refresh."""

    code = "unknown_key"


class ExpiredError(WireError):
    """Too old to be installed or obeyed, by the floor or by its own `expires`."""

    code = "expired"


class OutOfDateError(WireError):
    """Older than what is held: a rollback, or a replay. Reported as a security event."""

    code = "out_of_date"


class NotAllowedError(WireError):
    """Well signed, by somebody who may not say this here (area, role, limit)."""

    code = "not_allowed"
