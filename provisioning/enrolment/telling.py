"""How a technician on a pole is spoken to: one short line in Vietnamese, the same in English below it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import click

from provisioning.approval.words import N_, Words
from provisioning.device_side import DeviceError
from provisioning.errors import HubRefusedError, HubUnreachableError, ProvisioningError

STEPS = 5
NO_CLOCK = "no battery clock"
"""In what `loa-edge enrol` says of a board without one."""

REASONS = {
    "ticket_unknown": N_("This permission is not known. Type it again."),
    "ticket_over": N_("This permission has ended. Ask the registrar for a new one."),
    "ticket_used_up": N_("This permission has been used for all its devices."),
    "ticket_scope": N_("This permission is for another area."),
    "known_device": N_("This device is in use already. For other hardware use: loa-provision replace"),
    "not_found": N_("There is no such place or device."),
    "not_registered": N_("This device is not registered."),
}


class StepError(ProvisioningError):
    """A step that cannot be gone; `msgid` and `values` say why in both languages."""

    code = "step"

    def __init__(self, msgid: str, **values: object) -> None:
        super().__init__(msgid.format_map(values) if values else msgid)
        self.msgid, self.values = msgid, values


@dataclass(frozen=True)
class Say:
    """Prints both languages. `first` comes first, and alone where it is English."""

    first: Words
    out: Callable[[str], None] = click.echo

    @classmethod
    def load(cls, language: str) -> Say:
        return cls(Words.load(language))

    def __call__(self, msgid: str, *, mark: str = "", **values: object) -> None:
        english = msgid.format_map(values) if values else msgid
        told = self.first(msgid, **values)
        self.out(f"{mark or '   '} {told}")
        if told != english:
            self.out(f"     {english}")

    def step(self, number: int, msgid: str, **values: object) -> None:
        self(msgid, mark=f"[{number}/{STEPS}]", **values)

    def ask(self, msgid: str, *, hidden: bool = False) -> str:
        return str(click.prompt(self.both(msgid), hide_input=hidden, prompt_suffix=": ")).strip()

    def both(self, msgid: str) -> str:
        told = self.first(msgid)
        return told if told == msgid else f"{told} / {msgid}"

    def failure(self, error: ProvisioningError) -> None:
        """Why it does not go on, and that nothing is lost by running it again."""
        match error:
            case StepError(msgid=msgid, values=values):
                self(msgid, mark="!!!", **values)
            case HubRefusedError(code=code) if code in REASONS:
                self(REASONS[code], mark="!!!")
            case HubRefusedError():
                self(N_("The system refuses: {reason}"), mark="!!!", reason=error.detail)
            case HubUnreachableError():
                self(N_("No network to the system ({reason}). Try again, or take a stick: --stick FOLDER"), mark="!!!",
                     reason=error.detail)  # fmt: skip
            case DeviceError(detail=said) if NO_CLOCK in said:
                self(N_("This board has no battery clock. Mend it, or add --no-rtc: then it is shown as a defect."),
                     mark="!!!")  # fmt: skip
            case DeviceError():
                self(N_("The device says: {reason}"), mark="!!!", reason=error.detail)
            case _:
                self(N_("It does not go on: {reason}"), mark="!!!", reason=error.detail)
        self(N_("Nothing is lost. Run the same command again."))
