"""What the approval app tells a person when something cannot be done: sentences to translate, with a stable code."""

from __future__ import annotations

from provisioning.approval.words import N_, Words
from provisioning.errors import HubRefusedError, HubUnreachableError, ProvisioningError
from wire.errors import WireError


class StationError(ProvisioningError):
    """A refusal of the app itself. `status` is HTTP's."""

    def __init__(self, msgid: str, *, code: str = "refused", status: int = 400, **values: object) -> None:
        super().__init__(msgid, **values)
        self.code, self.status = code, status


CHANGED = N_("It was changed after you looked. Look at it again before signing.")
OWN_WORK = N_("Whoever made it cannot approve it. Another approver must sign.")
HUB_WORDS = {
    "changed": CHANGED,
    "own_work": OWN_WORK,
    "not_signed_in": N_("The session with the system has ended. Sign in again."),
}


def changed() -> StationError:
    return StationError(CHANGED, code="changed", status=409)


def tell(error: ProvisioningError | WireError, _: Words) -> tuple[int, str, str]:
    """HTTP status, code and sentence of anything that went wrong."""
    match error:
        case StationError():
            return error.status, error.code, _(error.msgid, **error.values)
        case HubRefusedError():
            words = HUB_WORDS.get(error.code)
            return error.status, error.code, _(words) if words else error.detail
        case HubUnreachableError():
            said = _(
                "The source information system cannot be reached. Nothing was sent. Check the network and try again."
            )
            return 502, error.code, f"{said} ({error.detail})"
        case WireError():
            return 409, error.code, _("What the system holds does not verify: {reason}", reason=error.detail)
        case _:
            return 409, error.code, error.detail
