"""Text read out: the normaliser, espeak-ng and the preparation together."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from hub.content.espeak import VOICES, prepare_speech, speak
from hub.content.loudness import MAX_TRUE_PEAK_DB, TARGET_LUFS
from hub.content.refusals import Refusal, SoundRefusedError
from wire.speech import MAX_TEXT_CHARS

NOTICE = "UBND xã thông báo: 17h00 ngày 20/12/2026, họp thôn. Mưa 120 mm/24h."


@pytest.mark.parametrize("voice", VOICES)
def test_notice_becomes_a_sound_at_the_target(voice: str, work: Path) -> None:
    sound = prepare_speech(NOTICE, work, voice=voice)
    assert sound.duration_ms * 48 == len(soundfile.read(sound.path)[0])
    assert 8_000 < sound.duration_ms < 20_000
    assert abs(sound.loudness_lufs - TARGET_LUFS) <= 0.5
    assert sound.true_peak_db <= MAX_TRUE_PEAK_DB
    assert list(work.iterdir()) == [sound.path]


def test_peaks_of_the_voice_are_not_cut_off(work: Path) -> None:
    data, _rate = soundfile.read(speak(NOTICE, work))
    assert 0.1 < abs(data).max() < 0.99


def test_abbreviation_sounds_like_its_words(work: Path) -> None:
    short, words = speak("UBND", work), speak("Ủy ban nhân dân", work)
    assert short.read_bytes() == words.read_bytes()


def test_slower_is_longer(work: Path) -> None:
    slow, fast = speak(NOTICE, work, speed=100), speak(NOTICE, work, speed=200)
    assert soundfile.info(slow).duration > 1.3 * soundfile.info(fast).duration


@pytest.mark.parametrize("text", ["-w /tmp/x", "$(id) `id` ; rm -rf ~", "<speak>xin</speak>", "[[h@'loU]]", "--help"])
def test_text_is_never_an_instruction(text: str, work: Path) -> None:
    wav = speak(text, work)
    assert list(work.iterdir()) == [wav]
    assert soundfile.info(wav).duration > 0.2


@pytest.mark.parametrize(
    ("text", "voice", "why"),
    [
        ("", "vi", Refusal.NO_WORDS),
        (" \n🙂 … ", "vi", Refusal.NO_WORDS),
        ("a" * (MAX_TEXT_CHARS + 1), "vi", Refusal.TEXT_TOO_LONG),
        ("xin chào", "../../x", Refusal.VOICE),
    ],
)
def test_what_cannot_be_read_out_is_refused(text: str, voice: str, why: Refusal, work: Path) -> None:
    with pytest.raises(SoundRefusedError) as caught:
        speak(text, work, voice=voice)
    assert caught.value.code == why
    assert list(work.iterdir()) == []


def test_missing_program_is_named(monkeypatch: pytest.MonkeyPatch, work: Path, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SoundRefusedError, match="espeak-ng") as caught:
        speak("xin chào", work)
    assert caught.value.code == Refusal.NO_PROGRAM
    assert list(work.iterdir()) == []
