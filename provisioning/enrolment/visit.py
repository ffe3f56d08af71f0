"""One visit to one device: root, key, place, the registrar's signature, certificate. Every step may be done again.

The device is asked first what it is; if its request stands already, neither ticket nor place is asked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from provisioning.approval.words import N_
from provisioning.device_side import DeviceError, DeviceSide
from provisioning.enrolment import sticks
from provisioning.enrolment.memory import Memory
from provisioning.enrolment.telling import Say, StepError
from provisioning.errors import HubRefusedError
from provisioning.hub_api import HubApi
from wire.joining import Answer, JoinRequest, Kit, Place, Wish, read_join, spoken_digits
from wire.key_request import fingerprint

T = TypeVar("T")
POLL_S = 5.0
SHOWN = 20
EMPTY_CARD = "this card is empty"
"""In what `loa-edge enrol` says where nobody told it whom it replaces."""
TICKETS = frozenset({"ticket_unknown", "ticket_over", "ticket_used_up"})


@dataclass(frozen=True)
class Order:
    """What was given on the command line."""

    kit: Kit
    ticket: str = ""
    cluster: str = ""
    spare_of: str = ""
    stick: Path | None = None
    wait_s: float = 0


@dataclass
class Visit:
    """`run` returns once the device is in, waits for the registrar, or its request lies on the stick."""

    say: Say
    side: DeviceSide
    hub: HubApi
    memory: Memory
    order: Order

    def run(self) -> None:
        told = N_("The province's root of trust ends in {digits}. The label and the device must say the same.")
        self.say.step(1, told, digits=spoken_digits(self.memory.fingerprint))
        raw, join = self._request()
        if self.order.stick is not None:
            self._by_stick(self.order.stick, raw, join)
            return
        answer = self._ask(raw)
        self._give(answer)
        self._wait(raw, answer)

    # -- the device --

    def _request(self) -> tuple[bytes, JoinRequest]:
        self.say.step(2, N_("The device makes its key …"))
        try:
            raw = self.side.request(self.order.kit)
        except DeviceError as error:
            if EMPTY_CARD not in error.detail:
                raise
            raw = self.side.request(msgspec.structs.replace(self.order.kit, device=self._replaced()))
        join = read_join(raw)
        if join.root != self.memory.fingerprint:
            raise StepError(N_("This device trusts another root already (… {digits}). Take an empty card."),
                            digits=spoken_digits(join.root))  # fmt: skip
        self.say(N_("Device {device}, serial {serial}"), device=join.device, serial=join.serial)
        self.say(N_("Fingerprint of its key: {digits}"), digits=fingerprint(join.key))
        if not join.has_rtc:
            self.say(N_("No battery clock: shown as a defect until it has one."), mark=" ! ")
        return raw, join

    def _give(self, answer: Answer) -> None:
        """Whatever it is, the device may have it: while it waits it goes on by itself."""
        if answer.state in ("waiting", "placed"):
            self.side.take(answer)

    # -- the hub --

    def _ask(self, raw: bytes) -> Answer:
        self.say.step(3, N_("Ask the system …"))
        standing = self.hub.enrol(Wish(request=raw.decode()))
        if standing.state == "returned":
            self.say(N_("The registrar returned it: {reason}"), mark=" ! ", reason=standing.detail)
        if standing.state in ("waiting", "placed"):
            return standing
        return self.send(Wish(request=raw.decode(), cluster=self.order.cluster, spare_of=self.order.spare_of))

    def send(self, wish: Wish) -> Answer:
        """With the ticket; a place that nobody has named yet is chosen. What is replaced keeps its own."""
        if not (wish.cluster or wish.spare_of or read_join(wish.request.encode()).replaces):
            chosen = self._choose([place for place in self._places() if not place.device])
            wish = msgspec.structs.replace(wish, cluster=chosen.cluster)
        return self._permitted(lambda ticket: self.hub.enrol(msgspec.structs.replace(wish, ticket=ticket)))

    def _wait(self, raw: bytes, answer: Answer) -> None:
        if answer.state == "waiting":
            self.say.step(4, N_("Waiting for the registrar's signature: {place}"), place=answer.place or answer.cluster)
            self.say(N_("You may leave: the device goes on by itself once it is signed."))
            deadline = time.monotonic() + self.order.wait_s
            while answer.state == "waiting" and time.monotonic() < deadline:
                time.sleep(min(POLL_S, self.order.wait_s / 4))
                answer = self.hub.enrol(Wish(request=raw.decode()))
            self._give(answer)
        self._end(answer)

    def _end(self, answer: Answer) -> None:
        if answer.state == "placed":
            self.say.step(5, N_("Done. The device stands at {cluster}. Start it."), cluster=answer.cluster)
            self.say(N_("Label: {device} · root … {digits}"), device=answer.device,
                     digits=spoken_digits(self.memory.fingerprint))  # fmt: skip
        elif answer.state == "waiting":
            self.say(N_("Not signed yet. Run the same command again later, or let the device go on by itself."))
        else:
            raise StepError(N_("The registrar returned it: {reason}"), reason=answer.detail or answer.state)

    # -- choosing --

    def _ticket(self) -> str:
        given = self.order.ticket or self.memory.ticket or self.say.ask(N_("Permission (12 letters and digits)"))
        self.memory.keep_ticket(given)
        return given

    def _places(self) -> list[Place]:
        return self._permitted(self.hub.enrol_places)

    def _permitted(self, ask: Callable[[str], T]) -> T:
        try:
            return ask(self._ticket())
        except HubRefusedError as error:
            if error.code in TICKETS:
                self.memory.keep_ticket("")     # the next run asks for another
            raise

    def _replaced(self) -> str:
        """The id of the device that an empty card takes over: of who stands at a place."""
        if self.order.stick is not None:
            raise StepError(N_("Without a network, say which device this card replaces: --device ID"))
        standing = [place for place in self._places() if place.device]
        chosen = self.order.cluster or self._choose(standing).cluster
        found = next((place.device for place in standing if place.cluster == chosen), "")
        if not found:
            raise StepError(N_("No device stands at {cluster}."), cluster=chosen)
        return found

    def _choose(self, places: list[Place]) -> Place:
        """A number, or a part of a name to see fewer."""
        shown = places
        while True:
            if not shown:
                raise StepError(N_("No place is left for this permission."))
            for number, place in enumerate(shown[:SHOWN], start=1):
                self.say.out(f"   {number:>3}  {place.name} · {place.area}")
            typed = self.say.ask(N_("Number of the place, or part of its name"))
            if typed.isdecimal() and 1 <= int(typed) <= min(SHOWN, len(shown)):
                return shown[int(typed) - 1]
            narrowed = [place for place in places if typed.casefold() in f"{place.name} {place.area}".casefold()]
            shown = narrowed if typed and narrowed else places

    # -- the stick --

    def _by_stick(self, stick: Path, raw: bytes, join: JoinRequest) -> None:
        answer = sticks.find_answer(stick, join.device)
        if answer is not None:
            self.say.step(3, N_("The stick holds the answer."))
            self._give(answer)
            if answer.state != "waiting":
                self._end(answer)
                return
        wish = Wish(request=raw.decode(), cluster=self.order.cluster, spare_of=self.order.spare_of)
        path = sticks.write_wish(stick, join.device, wish)
        self.say.step(3, N_("Request written: {file}"), file=path)
        self.say(N_("Carry the stick to a network and run: loa-provision enrol submit --stick {stick}"), stick=stick)


@dataclass
class Submission:
    """A stick's requests, handed in where there is a network; the answers go back onto it."""

    say: Say
    hub: HubApi
    visit: Visit

    def run(self, stick: Path) -> int:
        """How many wait for the registrar still."""
        states = [self._send(stick, device, wish) for device, wish in sticks.wishes(stick, self._damaged)]
        if not states:
            raise StepError(N_("There is no request on {stick}."), stick=stick)
        return states.count("waiting")

    def _send(self, stick: Path, device: str, wish: Wish) -> str:
        self.say(N_("Device {device}"), mark="-->", device=device)
        answer = self.hub.enrol(Wish(request=wish.request))
        if answer.state not in ("waiting", "placed"):
            answer = self.visit.send(wish)
        if answer.state in ("waiting", "placed"):
            sticks.write_answer(stick, answer)
        told = {
            "waiting": N_("Waits for the registrar. Run this again later, before the stick goes back."),
            "placed": N_("Signed. The answer is on the stick: run loa-provision enrol --stick at the device."),
        }
        self.say(told.get(answer.state, N_("The registrar returned it: {reason}")), reason=answer.detail)
        return answer.state

    def _damaged(self, file: str, reason: str) -> None:
        self.say(N_("{file} is damaged: {reason}"), mark=" ! ", file=file, reason=reason)
