"""A technician's bench for tests: real devices (`edge.enrolling`) in folders, with a battery clock that a test sets."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from edge.enrolling import enrol_device, take_answer
from edge.identity import Identity, load_identity
from wire.joining import Answer, JoinRequest, Kit, Wish, read_join

HUB = "http://127.0.0.1:9"


@dataclass
class Bench:
    """Boards whose clock and serial number are files of their own."""

    folder: Path
    root: bytes
    hub: str = HUB
    kits: dict[str, Kit] = field(default_factory=dict)

    def board(self, name: str, *, serial: str = "", has_rtc: bool = True, rtc: str = "1795000000") -> Kit:
        """A kit for hardware of this name; making it again is soldering another board."""
        here = self.folder / f"{name}.hardware"
        here.mkdir(exist_ok=True)
        (here / "rtc").unlink(missing_ok=True)
        if has_rtc:
            (here / "rtc").write_text(rtc)
        (here / "serial").write_text(serial or f"sn-{name}")
        output = '[output]\nkind = "sounddevice"\n'
        text = f'name = "test"\ntitle = "T"\nrtc = "{here}/rtc"\nserial = "{here}/serial"\n{output}'
        self.kits[name] = Kit(
            root=self.root.decode(), hub=self.hub, board="test", board_file=text, without_rtc=not has_rtc
        )
        return self.kits[name]

    def device_dir(self, name: str) -> Path:
        return self.folder / name

    def request(self, name: str, **more: Any) -> bytes:
        kit = msgspec.structs.replace(self.kits.get(name) or self.board(name), device=name, **more)
        return enrol_device(self.device_dir(name), kit)

    def join(self, name: str, **more: Any) -> JoinRequest:
        return read_join(self.request(name, **more))

    def wish(self, name: str, ticket: str = "", cluster: str = "", *, spare_of: str = "", **more: Any) -> Wish:
        return Wish(request=self.request(name, **more).decode(), ticket=ticket, cluster=cluster, spare_of=spare_of)

    def identity(self, name: str) -> Identity:
        return load_identity(self.device_dir(name))

    def take(self, name: str, answer: Answer) -> list[str]:
        return list(take_answer(self.device_dir(name), answer))
