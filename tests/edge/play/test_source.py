from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from edge.play.pipe import RATE_HZ
from edge.play.signals import make_signals
from edge.play.source import AHEAD_FRAMES, FileSource, Source, open_source, to_int16
from tests.rig.capture import make_noise

LIMIT_S = 5.0


def read(source: Source, begin: int, count: int, *, step: int = 480) -> np.ndarray:
    """Take `count` frames as a player would, giving the decoder time."""
    out = np.zeros(count, dtype=np.float32)
    done = 0
    give_up_at = time.monotonic() + LIMIT_S
    while done < count and source.error is None and source.ended_at != begin + done:
        assert time.monotonic() < give_up_at, "the source does not deliver"
        here = min(source.ready(begin + done), step, count - done)
        source.take(begin + done, out[done:done + here])
        done += here
    return out[:done].astype(np.int16)


def wait_until(happened) -> None:
    give_up_at = time.monotonic() + LIMIT_S
    while not happened():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


@pytest.mark.parametrize("name", ["wav", "flac", "opus"])
def test_file_comes_out_sample_exact(name, sounds):
    decoded, _ = soundfile.read(sounds[name], dtype="float32")
    source = FileSource(sounds[name], 0)
    assert np.array_equal(read(source, 0, 10**6), to_int16(decoded[:, None]))
    assert source.ended_at == len(decoded)


def test_file_longer_than_the_buffer_comes_out_whole(tmp_path):
    sound = make_noise(3, 2.7 * AHEAD_FRAMES / RATE_HZ)
    soundfile.write(tmp_path / "long.wav", sound, RATE_HZ)
    assert np.array_equal(read(FileSource(tmp_path / "long.wav", 0), 0, 10**7, step=4321), sound)


def test_decoder_stops_when_enough_lies_ready(tmp_path):
    soundfile.write(tmp_path / "long.wav", make_noise(3, 30.0), RATE_HZ)
    source = FileSource(tmp_path / "long.wav", 0)
    wait_until(lambda: source.ready(0) > AHEAD_FRAMES // 2)
    most = max(source.ready(0) for _ in range(1000))
    assert most <= AHEAD_FRAMES


@pytest.mark.parametrize("name", ["wav", "flac"])
def test_start_in_the_middle_is_exact(name, sounds):
    decoded, _ = soundfile.read(sounds[name], dtype="int16")
    assert np.array_equal(read(FileSource(sounds[name], 20_001), 20_001, 5_000), decoded[20_001:25_001])


def test_player_that_is_far_ahead_is_met_where_it_is(tmp_path):
    sound = make_noise(3, 60.0)
    soundfile.write(tmp_path / "long.flac", sound, RATE_HZ)
    source = FileSource(tmp_path / "long.flac", 0)
    wanted = 50 * RATE_HZ
    begin = wanted
    give_up_at = time.monotonic() + LIMIT_S
    while not source.ready(begin):
        assert time.monotonic() < give_up_at
        time.sleep(0.01)
        begin += 480            # time goes on
    assert begin - wanted < RATE_HZ // 2
    assert np.array_equal(read(source, begin, 1000), sound[begin:begin + 1000])


def test_stereo_is_mixed_to_one(tmp_path):
    left, right = make_noise(1, 0.1), make_noise(2, 0.1)
    soundfile.write(tmp_path / "two.wav", np.stack([left, right], axis=1), RATE_HZ)
    mixed = read(FileSource(tmp_path / "two.wav", 0), 0, 10**5)
    assert np.abs(mixed - (left.astype(int) + right) / 2).max() <= 0.5


def test_overshooting_codec_is_clipped_not_wrapped():
    assert to_int16(np.array([[1.2], [-1.2], [0.5]], dtype=np.float32)).tolist() == [32767, -32768, 16384]


@pytest.mark.parametrize(("content", "why"), [
    (b"", "bad.ogg"), (b"this is text" * 100, "bad.ogg"), (None, "bad.ogg"),
])
def test_bad_file_says_so(content, why, tmp_path):
    path = Path(tmp_path / "bad.ogg")
    if content is not None:
        path.write_bytes(content)
    source = FileSource(path, 0)
    wait_until(lambda: source.error is not None)
    assert source.error is not None
    assert why in source.error
    assert source.ready(0) == 0


def test_other_sample_rate_is_refused(tmp_path):
    soundfile.write(tmp_path / "slow.wav", make_noise(1, 0.1), 44_100)
    source = FileSource(tmp_path / "slow.wav", 0)
    wait_until(lambda: source.error is not None)
    assert source.error == "slow.wav: 44100 Hz instead of 48000"


@pytest.mark.parametrize("keep", [0.3, 0.7, 0.95])
def test_file_cut_short_ends_without_hanging(keep, sounds, tmp_path):
    whole = sounds["opus"].read_bytes()
    (tmp_path / "cut.ogg").write_bytes(whole[:int(len(whole) * keep)])
    source = FileSource(tmp_path / "cut.ogg", 0)
    sound = read(source, 0, 10**6)
    assert len(sound) < 1.3 * RATE_HZ


def test_signal_is_found_by_name():
    signals = make_signals()
    source = open_source("signal:drill", 0, signals)
    assert np.array_equal(read(source, 0, 10**6), signals["drill"])


@pytest.mark.parametrize("name", ["signal:none", "relative.ogg", "../x.ogg"])
def test_name_that_can_be_no_source_is_refused(name):
    with pytest.raises(ValueError, match=name):
        open_source(name, 0, {})
