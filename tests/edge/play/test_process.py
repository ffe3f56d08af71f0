"""The real process, heard through a virtual sound card."""
from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from edge.play.pipe import (
    EXIT_NO_DEVICE,
    EXIT_NO_LIBRARY,
    LINE_LIMIT,
    Cancel,
    Failed,
    Finished,
    Play,
    Quit,
    Ready,
    Refused,
    Started,
    Stopped,
    Trouble,
)
from edge.play.process import Gone, PlayGoneError
from edge.play.signals import make_attention
from edge.play.track import FADE_FRAMES, JOIN_FRAMES
from tests.rig.capture import RATE_HZ, find, make_noise
from tests.rig.cards import start_cards
from tests.rig.listen import listening
from tests.rig.starts import samples_of

ROOT = Path(__file__).resolve().parents[3]
LATENCY_S = 0.2         # latency is not what these tests are about, and the machine that runs them may be busy
SECOND_NS = 10**9
ABSOLUTE_S = 0.25       # the room's recorder knows absolute time to 35 ms, a fresh stream its latency little better


def start_in_room(start_play, room):
    listener = start_play(output="sounddevice", device="spk0", latency_s=LATENCY_S, environment=room.environment)
    listener.wait_for_event(Ready)
    return listener


def in_ns(seconds: float) -> int:
    return time.monotonic_ns() + int(seconds * SECOND_NS)


@pytest.fixture(scope="module")
def long_noise(tmp_path_factory):
    path = tmp_path_factory.mktemp("long") / "noise.flac"
    soundfile.write(path, make_noise(9, 30.0) // 2, RATE_HZ)
    return path


def test_opus_flac_and_wav_join_without_a_missing_or_doubled_sample(start_play, room, sounds):
    order = ["wav", "opus", "flac"]
    with listening(room, "room") as ear:
        listener = start_in_room(start_play, room)
        listener.play.send(Play(id="wav", source=str(sounds["wav"]), at_ns=in_ns(1)))
        listener.play.send(Play(id="opus", source=str(sounds["opus"]), after="wav"))
        listener.play.send(Play(id="flac", source=str(sounds["flac"]), after="opus"))
        listener.wait_for_event(Finished, id="flac")
        listener.play.close()
    expected = np.concatenate([samples_of(sounds[name]) for name in order])
    heard = ear.capture.channels[0]
    begin = find(heard, expected[:RATE_HZ // 5])
    assert begin is not None
    assert np.array_equal(heard[begin:begin + len(expected)], expected)
    assert not heard[begin + len(expected):].any()


def test_late_play_joins_where_it_should_be_sounding(start_play, room, long_noise):
    with listening(room, "room") as ear:
        listener = start_in_room(start_play, room)
        at_ns = in_ns(-10)
        listener.play.send(Play(id="late", source=str(long_noise), at_ns=at_ns))
        started = listener.wait_for_event(Started, id="late")
        time.sleep(0.5)
        listener.play.close()
    assert started.frame == pytest.approx((started.at_ns - at_ns) * RATE_HZ / SECOND_NS, abs=2)
    pattern = samples_of(long_noise)[started.frame + JOIN_FRAMES:][:RATE_HZ // 4]
    heard_s = ear.capture.heard_at(0, pattern, started.at_ns / 1e9 - 1, started.at_ns / 1e9 + 2)
    assert heard_s == pytest.approx(started.at_ns / 1e9 + JOIN_FRAMES / RATE_HZ, abs=ABSOLUTE_S)


def test_cancel_is_heard_as_a_short_fade(start_play, room, tmp_path):
    tone = (10_000 * np.sin(2 * np.pi * 200 * np.arange(5 * RATE_HZ) / RATE_HZ)).astype(np.int16)
    soundfile.write(tmp_path / "tone.wav", tone, RATE_HZ)
    with listening(room, "room") as ear:
        listener = start_in_room(start_play, room)
        listener.play.send(Play(id="tone", source=str(tmp_path / "tone.wav"), asap=True))
        listener.wait_for_event(Started, id="tone")
        listener.play.send(Cancel(id="tone"))
        stopped = listener.wait_for_event(Stopped, id="tone")
        listener.play.close()
    heard = ear.capture.channels[0].astype(int)
    sounding = np.flatnonzero(heard)
    begin, end = sounding[0], sounding[-1]
    assert end - begin + 1 == pytest.approx(stopped.frame, abs=3)       # to the sample what the process says
    assert np.abs(np.diff(heard)).max() <= np.abs(np.diff(tone.astype(int))).max() * 1.2
    assert np.array_equal(heard[begin:end - FADE_FRAMES], tone[1:][:end - FADE_FRAMES - begin])
    assert stopped.why == "cancelled"


def test_alert_preempts_the_programme_and_its_message_follows_gapless(start_play, room, sounds, long_noise):
    with listening(room, "room") as ear:
        listener = start_in_room(start_play, room)
        listener.play.send(Play(id="programme", source=str(long_noise), at_ns=in_ns(0)))
        listener.wait_for_event(Started, id="programme")
        listener.play.send(Play(id="signal", source="signal:attention", asap=True))
        listener.play.send(Play(id="message", source=str(sounds["opus"]), asap=True, after="signal"))
        assert listener.wait_for_event(Stopped, id="programme").why == "pre-empted"
        listener.wait_for_event(Finished, id="message")
        listener.play.close()
    signal_sound, message = make_attention()[FADE_FRAMES:], samples_of(sounds["opus"])
    heard = ear.capture.channels[0]
    joined_at = find(heard, message[:RATE_HZ])          # the signal repeats itself, the message does not
    assert joined_at is not None
    assert np.array_equal(heard[joined_at - len(signal_sound):joined_at], signal_sound)
    assert np.array_equal(heard[joined_at:joined_at + len(message)], message)


def test_killed_process_is_noticed_and_its_successor_joins_in(start_play, room, long_noise):
    with listening(room, "room") as ear:
        at_ns = in_ns(1)
        play = Play(id="item", source=str(long_noise), at_ns=at_ns)
        first = start_in_room(start_play, room)
        first.play.send(play)
        first.wait_for_event(Started, id="item")
        os.kill(first.play.pid, signal.SIGKILL)
        assert first.wait_for_event(Gone) == Gone(exit_code=-signal.SIGKILL)
        with pytest.raises(PlayGoneError):
            first.play.send(play)
        second = start_in_room(start_play, room)
        second.play.send(play)
        started = second.wait_for_event(Started, id="item")
        time.sleep(0.5)
        second.play.close()
    assert started.frame == pytest.approx((started.at_ns - at_ns) * RATE_HZ / SECOND_NS, abs=2)
    pattern = samples_of(long_noise)[started.frame + JOIN_FRAMES:][:RATE_HZ // 4]
    heard_s = ear.capture.heard_at(0, pattern, started.at_ns / 1e9 - 1, started.at_ns / 1e9 + 2)
    assert heard_s == pytest.approx(started.at_ns / 1e9, abs=ABSOLUTE_S)


def test_lost_sound_server_is_trouble_and_the_programme_is_joined_when_it_is_back(start_play, long_noise):
    with start_cards("dac") as cards:
        with listening(cards, "dac"):
            listener = start_play(output="sounddevice", device="dac0", latency_s=LATENCY_S,
                                  environment=cards.environment)
            listener.wait_for_event(Ready)
            at_ns = in_ns(0.5)
            listener.play.send(Play(id="item", source=str(long_noise), at_ns=at_ns))
            listener.wait_for_event(Started, id="item")
            cards.stop_card("dac")
            listener.wait_for_event(Trouble)
            assert listener.wait_for_event(Stopped, id="item").why == "interrupted"
        cards.start_card("dac")
        with listening(cards, "dac") as ear:
            listener.wait_for_event(Ready)
            listener.wait_for_event(Started, id="item")
            time.sleep(2.5)
            ended_ns = time.monotonic_ns()
            listener.play.close()
    when_ns = ended_ns - SECOND_NS // 2
    frame = (when_ns - at_ns) * RATE_HZ // SECOND_NS
    heard_s = ear.capture.heard_at(0, samples_of(long_noise)[frame:frame + RATE_HZ // 4],
                                   when_ns / 1e9 - 0.3, when_ns / 1e9 + 0.5)
    assert heard_s == pytest.approx(when_ns / 1e9, abs=0.02)


def test_end_of_input_fades_out_and_exits_0(start_play, tmp_path, long_noise):
    path = tmp_path / "out.wav"
    listener = start_play(output="wav", wav=str(path))
    listener.play.send(Play(id="item", source=str(long_noise), asap=True))
    listener.wait_for_event(Started, id="item")
    assert listener.play.close() == 0
    assert listener.wait_for_event(Stopped, id="item").why == "cancelled"
    assert listener.wait_for_event(Gone) == Gone(exit_code=0)
    sound, whole = samples_of(path), samples_of(long_noise)
    end = int(np.flatnonzero(sound)[-1])
    assert np.array_equal(sound[:end - FADE_FRAMES], whole[:end - FADE_FRAMES])
    assert np.abs(sound[end - 20:end + 1]).max() < 2000


def test_quit_exits_0(start_play, tmp_path):
    listener = start_play(output="wav", wav=str(tmp_path / "out.wav"))
    listener.wait_for_event(Ready)
    listener.play.send(Quit())
    assert listener.wait_for_event(Gone) == Gone(exit_code=0)


def test_bad_file_fails_and_the_next_plays(start_play, tmp_path, sounds):
    (tmp_path / "bad.ogg").write_bytes(b"x" * 1000)
    listener = start_play(output="wav", wav=str(tmp_path / "out.wav"))
    listener.play.send(Play(id="bad", source=str(tmp_path / "bad.ogg"), asap=True))
    listener.play.send(Play(id="good", source=str(sounds["wav"]), asap=True, after="bad"))
    assert "bad.ogg" in listener.wait_for_event(Failed, id="bad").why
    listener.wait_for_event(Finished, id="good")
    assert listener.play.close() == 0
    assert np.array_equal(np.trim_zeros(samples_of(tmp_path / "out.wav")), np.trim_zeros(samples_of(sounds["wav"])))


@pytest.mark.parametrize("line", [b"nonsense\n", b"x" * (3 * LINE_LIMIT) + b"\n", b'{"do":"dance"}\n', b"\xff\n"])
def test_bad_line_is_refused_and_the_next_obeyed(line, start_play, tmp_path):
    listener = start_play(output="wav", wav=str(tmp_path / "out.wav"))
    listener.wait_for_event(Ready)
    for begin in range(0, len(line), LINE_LIMIT):
        os.write(listener.play._stdin.fileno(), line[begin:begin + LINE_LIMIT])
    listener.play.send(Play(id="next", source="signal:none"))
    listener.wait_for_event(Refused)
    assert isinstance(listener.wait_for(lambda _: True), Failed)        # refused once, not once a part


def run_play(*options: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "edge.play", *options], cwd=ROOT, stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, env=environment, check=False, timeout=30)


def test_no_such_device_is_one_clear_line_and_its_own_exit_code(room):
    ended = run_play("--device", "spk9", environment=room.environment)
    ours = [line for line in ended.stderr.splitlines() if line.startswith("play ")]     # ALSA writes there too
    assert ended.returncode == EXIT_NO_DEVICE
    assert ours == ["play CRITICAL cannot open the sound device 'spk9': PortAudio lists no such output"]
    assert ended.stdout == ""


def test_missing_library_is_one_clear_line_and_its_own_exit_code(tmp_path):
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')\n")
    ended = run_play(environment={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert ended.returncode == EXIT_NO_LIBRARY
    assert ended.stderr == "play CRITICAL --output sounddevice cannot be used: PortAudio library not found\n"


@pytest.mark.parametrize("options", [["--output", "wav"], ["--wav", "x.wav"], ["--latency", "9"], ["--output", "tape"]])
def test_wrong_usage_exits_2(options):
    assert run_play(*options).returncode == 2
