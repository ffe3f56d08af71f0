"""Counts what passes between a device and its servers, and says what a day of it comes to.

A proxy forwards bytes and keeps them; afterwards they are told apart: MQTT packets by their headers, refreshes by the
first file that each of them asks for. Pure but for the proxy.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

CHUNK = 65_536
PUBLISH, PINGREQ, PINGRESP = 3, 12, 13
REFRESH = b"GET /tuf/metadata/timestamp.json "
DAY_S = 86_400


@dataclass
class Conversation:
    """One TCP connection: what the device sent, and what it got."""

    sent: bytearray = field(default_factory=bytearray)
    got: bytearray = field(default_factory=bytearray)

    @property
    def size(self) -> int:
        return len(self.sent) + len(self.got)


class CountingProxy:
    """Listens on a free port of loopback, forwards to `target_port`, until `close`."""

    def __init__(self, target_port: int) -> None:
        self.conversations: list[Conversation] = []
        self._target = ("127.0.0.1", target_port)
        self._sockets: list[socket.socket] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Nobody is let in any more, and whoever is in is sent away."""
        for one in (self._door, *self._sockets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                inner, _ = self._door.accept()
                outer = socket.create_connection(self._target)
            except OSError:
                return
            talk = Conversation()
            self.conversations.append(talk)
            self._sockets += [inner, outer]
            for pair in ((inner, outer, talk.sent), (outer, inner, talk.got)):
                threading.Thread(target=_copy, args=pair, daemon=True).start()


def _copy(source: socket.socket, sink: socket.socket, kept: bytearray) -> None:
    with contextlib.suppress(OSError):
        sink.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while chunk := source.recv(CHUNK):
            kept += chunk
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)


@dataclass(frozen=True)
class Packet:
    """An MQTT packet: its kind, its size on the wire, and the topic of a PUBLISH."""

    kind: int
    size: int
    topic: str = ""


def mqtt_packets(stream: bytes) -> Iterator[Packet]:
    """The packets of one direction, as far as they are whole."""
    at = 0
    while at + 2 <= len(stream):
        length, shift, head = 0, 0, 1
        while at + head < len(stream):
            byte = stream[at + head]
            length |= (byte & 0x7F) << shift
            shift, head = shift + 7, head + 1
            if byte < 0x80:
                break
        end = at + head + length
        if end > len(stream):
            return
        yield Packet(stream[at] >> 4, head + length, _topic(stream[at] >> 4, stream[at + head : end]))
        at = end


def _topic(kind: int, body: bytes) -> str:
    return body[2 : 2 + int.from_bytes(body[:2], "big")].decode() if kind == PUBLISH else ""


@dataclass(frozen=True)
class Traffic:
    """Bytes of TCP payload, both ways, of what happens at rest: once, or each time."""

    connect: int
    """Everything on the broker's connection that is neither ping nor health: connect, subscribe, birth, its answers."""
    ping: float
    health: float
    refresh: float

    def a_day(self, *, connects: float, pings: float, healths: float, refreshes: float) -> dict[str, float]:
        """What so many of each come to."""
        return {
            "connect": self.connect * connects,
            "ping": self.ping * pings,
            "health": self.health * healths,
            "refresh": self.refresh * refreshes,
        }


def read_traffic(broker: list[Conversation], hub: list[Conversation], health_topic: str) -> Traffic:
    """Raises ValueError where a kind of exchange did not happen in the time that was watched."""
    packets = [p for talk in broker for way in (talk.sent, talk.got) for p in mqtt_packets(bytes(way))]
    pings = [p.size for p in packets if p.kind in (PINGREQ, PINGRESP)]
    healths = [p.size for p in packets if p.topic == health_topic]
    refreshes = sum(bytes(talk.sent).count(REFRESH) for talk in hub)
    if not (pings and healths and refreshes):
        raise ValueError(f"{len(pings)} pings, {len(healths)} health messages, {refreshes} refreshes: watch for longer")
    return Traffic(
        connect=sum(talk.size for talk in broker) - sum(pings) - sum(healths),
        ping=2 * sum(pings) / len(pings),
        health=sum(healths) / len(healths),
        refresh=sum(talk.size for talk in hub) / refreshes,
    )
