from __future__ import annotations

import pytest

from edge.play.pipe import (
    LINE_LIMIT,
    Cancel,
    Failed,
    Finished,
    Gain,
    PipeError,
    Play,
    Quit,
    Ready,
    Refused,
    Silence,
    Started,
    Stopped,
    Trouble,
    Underrun,
    decode_command,
    decode_event,
    encode,
)

COMMANDS = [
    Play(id="slot-1", source="/cache/ab.ogg", at_ns=5, from_frame=7, frames=9, gain_db=-3.5, after="slot-0"),
    Play(id="alert", source="signal:attention", asap=True),
    Play(id="begun-before-boot", source="/cache/ab.ogg", at_ns=-10**12),
    Cancel(id="slot-1"), Silence(), Gain(id="slot-1", gain_db=-6), Quit(),
]
EVENTS = [
    Ready(output="wav", device="x", latency_ms=20.0), Started(id="a", at_ns=1, frame=2), Failed(id="a", why="w"),
    Finished(id="a", at_ns=1, frames=3), Stopped(id="a", at_ns=1, frame=2, why="cancelled"), Underrun(count=1),
    Trouble(why="gone"), Refused(why="no"),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_command_comes_out_as_it_went_in(command):
    assert decode_command(encode(command)) == command


@pytest.mark.parametrize("event", EVENTS)
def test_event_comes_out_as_it_went_in(event):
    assert decode_event(encode(event)) == event


def test_message_is_one_line():
    line = encode(Play(id="two\nlines", source="/x"))
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")


@pytest.mark.parametrize("line", [
    b"", b"\n", b"not json\n", b"[]\n", b"\xff\xfe\n", b'{"do":"dance"}\n',
    b'{"do":"play","id":"a"}\n',                                        # no source
    b'{"do":"play","id":"","source":"/x"}\n',
    b'{"do":"play","id":"a","source":"/x","gain_db":40}\n',             # would deafen
    b'{"do":"play","id":"a","source":"/x","from_frame":-1}\n',
    b'{"do":"play","id":"a","source":"/x","at_ns":1e30}\n',
    b'{"do":"play","id":"a","source":"/x","surprise":1}\n',
    b'{"do":"cancel","id":"' + b"x" * LINE_LIMIT + b'"}\n',
])
def test_bad_line_is_refused(line):
    with pytest.raises(PipeError):
        decode_command(line)


def test_command_too_long_for_the_pipe_is_not_sent():
    with pytest.raises(PipeError):
        encode(Play(id="ố" * 2000, source="/x"))
