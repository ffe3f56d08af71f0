"""What the agent and the `play` process say to each other: one JSON object a line, both ways.

Commands go to the process's standard input, events come from its standard output. All instants are nanoseconds of
CLOCK_MONOTONIC (`time.monotonic_ns()`), which both share: a step of the wall clock never reaches the sound. Frames are
samples of one channel at 48 kHz. Starting the process is left to `process`, obeying the commands to `deck`.
"""
from __future__ import annotations

from typing import Annotated, Final, TypeVar

import msgspec

RATE_HZ: Final = 48_000
FRAMES_PER_MS: Final = RATE_HZ // 1000
LINE_LIMIT: Final = 4096        # bytes with the newline; also PIPE_BUF, up to which a pipe takes all or nothing
SIGNAL_PREFIX: Final = "signal:"

EXIT_FAILED: Final = 1
EXIT_NO_LIBRARY: Final = 3      # the audio library, or PortAudio below it, is not installed
EXIT_NO_DEVICE: Final = 4       # no such output, or it cannot be opened, at start
EXIT_STUCK: Final = 5           # the sound system hangs in a call: only a new process helps

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Instant = Annotated[int, msgspec.Meta(ge=-2**62, le=2**62)]      # below 0: before the machine was switched on
FrameCount = Annotated[int, msgspec.Meta(ge=0, le=2**40)]
GainDb = Annotated[float, msgspec.Meta(ge=-90, le=12)]


class PipeError(ValueError):
    """A line that is no command or no event; the caller says so and goes on with the next line."""


class Play(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", tag="play", forbid_unknown_fields=True):
    """Let frame `from_frame` of the source leave the speaker at `at_ns`; what is late joins in the middle.

    `asap`: begin with the next buffer instead, leave nothing out, and fade out whatever else sounds.
    `after`: begin at the sample that follows the end of that play; if it never sounded, as without `after`.
    """

    id: Id
    source: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]     # absolute path, or `signal:` and a name
    at_ns: Instant = 0
    from_frame: FrameCount = 0
    frames: FrameCount = 0          # how many to play; 0: to the end of the source
    gain_db: GainDb = 0.0
    asap: bool = False
    after: Id | None = None


class Cancel(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", tag="cancel", forbid_unknown_fields=True):
    """End one play, or forget it if it has not begun."""

    id: Id


class Silence(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", tag="silence", forbid_unknown_fields=True):
    """Cancel every play."""


class Gain(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", tag="gain", forbid_unknown_fields=True):
    """Set one play's loudness, within 10 ms."""

    id: Id
    gain_db: GainDb


class Quit(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", tag="quit", forbid_unknown_fields=True):
    """Fade out and exit 0, as the end of standard input does."""


class Ready(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag="ready"):
    """The output runs: at the start, and again after each `trouble`."""

    output: str
    device: str
    latency_ms: float


class Started(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag="started"):
    """Source frame `frame`, the first that sounds, left the speaker at `at_ns`. Comes again when a play is resumed."""

    id: str
    at_ns: int
    frame: int


class Finished(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag="finished"):
    """The play ended by itself at `at_ns`; `frames` have sounded since it last started."""

    id: str
    at_ns: int
    frames: int


class Stopped(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag="stopped"):
    """The play was ended before source frame `frame`. Reasons are below; after `interrupted` it may start again."""

    id: str
    at_ns: int
    frame: int
    why: str


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag="failed"):
    """The play never sounded, or nothing more of it will: a bad source, or its time has passed."""

    id: str
    why: str


class Underrun(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag="underrun"):
    """So many holes in the sound since the process started; the sound system itself counts too few."""

    count: int


class Trouble(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag="trouble"):
    """The sound card or server is gone. The process goes on trying; `ready` says when it is back."""

    why: str


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag="refused"):
    """A line was no valid command."""

    why: str


Command = Play | Cancel | Silence | Gain | Quit
Event = Ready | Started | Finished | Stopped | Failed | Underrun | Trouble | Refused

# `Stopped.why`
CANCELLED: Final = "cancelled"
PREEMPTED: Final = "pre-empted"
INTERRUPTED: Final = "interrupted"
# `Failed.why` that the agent may want to tell apart
TOO_LATE: Final = "its time has passed"
NEVER_BEGAN: Final = "cancelled before it began"

_M = TypeVar("_M")

_commands: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)
_events: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
_encoder = msgspec.json.Encoder()


def encode(message: Command | Event) -> bytes:
    """One line. Raises `PipeError` if it would be longer than `LINE_LIMIT`."""
    line = _encoder.encode(message) + b"\n"
    if len(line) > LINE_LIMIT:
        raise PipeError(f"a line of {len(line)} bytes, the limit is {LINE_LIMIT}")
    return line


def decode_command(line: bytes) -> Command:
    return _decode(_commands, line)


def decode_event(line: bytes) -> Event:
    return _decode(_events, line)


def _decode(decoder: msgspec.json.Decoder[_M], line: bytes) -> _M:
    if len(line) > LINE_LIMIT:
        raise PipeError(f"a line longer than {LINE_LIMIT} bytes")
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PipeError(str(error)) from error
