from __future__ import annotations

import os
import signal
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from edge.play.pipe import RATE_HZ
from edge.play.wav_out import BLOCK_FRAMES, HEADER_BYTES, WavFile
from tests.rig.capture import make_noise

SOUND = make_noise(1, 0.5)
QUIET = np.zeros(BLOCK_FRAMES, dtype=np.int16)
ROOMY = 10**7
ROOT = Path(__file__).resolve().parents[3]


def content(path: Path) -> np.ndarray:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE_HZ)
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")


def test_file_is_valid_after_every_block(tmp_path):
    file = WavFile(tmp_path / "out.wav", bytes_limit=ROOMY)
    for n in range(5):
        file.append(SOUND)
        assert np.array_equal(content(tmp_path / "out.wav"), np.tile(SOUND, n + 1))
    file.close()


def test_silence_is_shortened_to_a_second(tmp_path):
    file = WavFile(tmp_path / "out.wav", bytes_limit=ROOMY)
    file.append(SOUND)
    for _ in range(10 * RATE_HZ // BLOCK_FRAMES):
        file.append(QUIET)
    file.append(SOUND)
    file.close()
    expected = np.concatenate([SOUND, np.zeros(RATE_HZ, dtype=np.int16), SOUND])
    assert np.array_equal(content(tmp_path / "out.wav"), expected)


def test_file_begins_with_the_first_sound(tmp_path):
    file = WavFile(tmp_path / "out.wav", bytes_limit=ROOMY)
    file.append(QUIET)
    file.append(SOUND)
    file.close()
    assert np.array_equal(content(tmp_path / "out.wav"), SOUND)


def test_next_process_goes_on_after_the_last(tmp_path):
    for _ in range(2):
        file = WavFile(tmp_path / "out.wav", bytes_limit=ROOMY)
        file.append(SOUND)
        file.close()
    assert np.array_equal(content(tmp_path / "out.wav"), np.tile(SOUND, 2))


def test_full_file_makes_way_and_one_predecessor_is_kept(tmp_path):
    file = WavFile(tmp_path / "out.wav", bytes_limit=HEADER_BYTES + SOUND.nbytes)
    for n in range(1, 4):
        file.append(SOUND // n)
    file.close()
    assert np.array_equal(content(tmp_path / "out.wav"), SOUND // 3)
    assert np.array_equal(content(tmp_path / "out.1.wav"), SOUND // 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.1.wav", "out.wav"]


def test_foreign_file_is_not_written_over(tmp_path):
    path = tmp_path / "letter.wav"
    path.write_bytes(b"dear grandmother, " * 10)
    with pytest.raises(FileExistsError):
        WavFile(path, bytes_limit=ROOMY)
    assert path.read_bytes() == b"dear grandmother, " * 10


WRITE_FOR_EVER = """
import sys, numpy
from pathlib import Path
from edge.play.wav_out import WavFile
file = WavFile(Path(sys.argv[1]), bytes_limit=10**9)
block = numpy.arange(1, 961, dtype=numpy.int16)
while True:
    file.append(block)
    print("written", flush=True)
"""


def test_file_is_valid_after_kill_and_is_continued(tmp_path):
    path = tmp_path / "out.wav"
    writer = subprocess.Popen([sys.executable, "-c", WRITE_FOR_EVER, str(path)], stdout=subprocess.PIPE, cwd=ROOT)
    for _ in range(300):
        writer.stdout.readline()
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    sound = content(path)
    assert len(sound) >= 300 * 960
    assert np.array_equal(sound, np.resize(np.arange(1, 961), len(sound)))
    file = WavFile(path, bytes_limit=10**9)
    file.append(SOUND)
    file.close()
    assert np.array_equal(content(path)[-len(SOUND):], SOUND)
