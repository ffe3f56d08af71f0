"""Why a command or a page of this machine could not do what was asked. Each leaf says who handles it."""

from __future__ import annotations


class ProvisioningError(Exception):
    """Caught by the command line (one line, exit 1) and by the approval app (one message). `code` is stable."""

    code = "failed"

    def __init__(self, msgid: str, **values: object) -> None:
        """`msgid` is English; where `values` fill its gaps, the command line says it in the person's language."""
        self.detail = msgid.format_map(values) if values else msgid
        super().__init__(self.detail)
        self.msgid, self.values = msgid, values


class HubUnreachableError(ProvisioningError):
    """No answer, or none that makes sense. Trying again may help."""

    code = "hub_unreachable"


class HubRefusedError(ProvisioningError):
    """The hub answered with a refusal; `status` and `code` are its own."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code


def printable(text: str) -> str:
    """What others wrote, for a terminal: nothing in it moves the cursor, wipes a line or turns the order of letters."""
    return "".join(one if one.isprintable() else f"⟨U+{ord(one):04X}⟩" for one in text)
