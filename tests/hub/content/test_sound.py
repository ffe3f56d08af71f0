"""What becomes of recordings that people upload: real ffmpeg, real speech."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
import soundfile

from hub.content import ffmpeg
from hub.content.loudness import MAX_TRUE_PEAK_DB, TARGET_LUFS
from hub.content.programs import ProgramLimits
from hub.content.refusals import MESSAGES, Refusal, SoundRefusedError
from hub.content.sniff import SoundFormat
from hub.content.sound import SoundLimits, prepare_sound
from tests.hub.content import samples

LIMITS = ProgramLimits()


def refusal(source: Path, work: Path, **limits: object) -> Refusal:
    """Why a file is refused; the work folder must be as empty as before."""
    with pytest.raises(SoundRefusedError) as caught:
        prepare_sound(source, work, limits=SoundLimits(**limits))  # type: ignore[arg-type]
    assert list(work.iterdir()) == []
    return caught.value.code


def written(tmp_path: Path, data: bytes, name: str = "sound.mp3") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", samples.FORMATS)
def test_every_format_is_taken(name: str, spoken: Path, tmp_path: Path, work: Path) -> None:
    suffix, options = samples.FORMATS[name]
    source = tmp_path / f"source.{suffix}"
    samples.ffmpeg("-i", spoken, *options, source)
    sound = prepare_sound(source, work)
    data, rate = soundfile.read(sound.path)
    spoken_ms = soundfile.info(spoken).duration * 1000
    assert (rate, data.ndim, soundfile.info(sound.path).subtype) == (48_000, 1, "OPUS")
    assert sound.duration_ms * 48 == len(data)
    assert sound.duration_ms % 20 == 0
    assert abs(sound.duration_ms - spoken_ms) < 150
    assert (sound.size, sound.sha256) == (
        sound.path.stat().st_size,
        hashlib.sha256(sound.path.read_bytes()).hexdigest(),
    )
    assert list(work.iterdir()) == [sound.path]


@pytest.mark.parametrize("gain_db", [-20, -10, 0])
def test_speech_reaches_the_target_loudness_below_the_ceiling(
    gain_db: int, spoken: Path, tmp_path: Path, work: Path
) -> None:
    source = tmp_path / "source.wav"
    samples.ffmpeg("-i", spoken, "-af", f"volume={gain_db}dB", "-c:a", "pcm_s24le", source)
    sound = prepare_sound(source, work)
    measured = ffmpeg.measure(sound.path, SoundFormat.OPUS, work, LIMITS, max_s=60).loudness
    assert abs(measured.lufs - TARGET_LUFS) <= 0.5
    assert measured.true_peak_db <= MAX_TRUE_PEAK_DB
    assert (sound.loudness_lufs, sound.true_peak_db) == (measured.lufs, measured.true_peak_db)


def test_peaky_sound_stays_below_the_ceiling_rather_than_reach_the_target(tmp_path: Path, work: Path) -> None:
    source = tmp_path / "clicks.wav"
    clicks = "aevalsrc='if(lt(mod(t,0.5),0.0005),0.9,0.004*sin(2000*t))':d=4:s=48000"
    samples.ffmpeg("-f", "lavfi", "-i", clicks, source)
    sound = prepare_sound(source, work)
    assert sound.true_peak_db <= MAX_TRUE_PEAK_DB
    assert sound.loudness_lufs < TARGET_LUFS


def test_very_quiet_sound_is_raised_by_the_greatest_gain_only(tmp_path: Path, work: Path) -> None:
    quiet = samples.tone(tmp_path / "quiet.wav", 3, "-c:a", "pcm_s24le", volume=0.04)
    sound = prepare_sound(quiet, work)
    before = ffmpeg.measure(quiet, SoundFormat.WAV, work, LIMITS, max_s=60).loudness
    assert before.lufs < TARGET_LUFS - 24
    assert abs(sound.loudness_lufs - (before.lufs + 24)) <= 0.3


def test_gain_is_constant(tmp_path: Path, work: Path) -> None:
    source = tmp_path / "steps.wav"
    steps = "aevalsrc='if(lt(t,2),0.05,0.2)*sin(2*PI*500*t)':d=4:s=48000"
    samples.ffmpeg("-f", "lavfi", "-i", steps, source)
    data, rate = soundfile.read(prepare_sound(source, work).path)
    quiet, loud = max(data[rate : rate + 4800]), max(data[3 * rate : 3 * rate + 4800])
    assert loud == pytest.approx(4 * quiet, rel=0.05)


def test_same_recording_gives_the_same_blob_in_a_file_of_its_own(spoken: Path, work: Path) -> None:
    first, second = prepare_sound(spoken, work), prepare_sound(spoken, work)
    assert first.sha256 == second.sha256
    assert first.path != second.path


def test_tags_of_the_source_are_not_passed_on(spoken: Path, tmp_path: Path, work: Path) -> None:
    tagged = tmp_path / "tagged.mp3"
    samples.ffmpeg("-i", spoken, "-metadata", "artist=Nguyen Van Secret", tagged)
    assert b"Secret" in tagged.read_bytes()
    assert b"Secret" not in prepare_sound(tagged, work).path.read_bytes()


def test_mp3_with_a_cover_picture_is_sound(spoken: Path, tmp_path: Path, work: Path) -> None:
    cover, source = tmp_path / "cover.png", tmp_path / "covered.mp3"
    samples.ffmpeg("-f", "lavfi", "-i", "color=red:s=800x800:d=1", "-frames:v", "1", cover)
    samples.ffmpeg(
        "-i", spoken, "-i", cover, "-map", "0", "-map", "1", "-c:v", "copy", "-disposition:v", "attached_pic", source
    )
    assert prepare_sound(source, work).original_format == SoundFormat.MP3


def test_wav_of_a_program_that_wrote_into_a_pipe_is_taken(tmp_path: Path, work: Path) -> None:
    assert prepare_sound(written(tmp_path, samples.wav_bytes(2, streamed=True)), work).duration_ms == 2_000


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", Refusal.EMPTY),
        ("Thông báo: 17h00 họp thôn.\n".encode() * 50, Refusal.TEXT),
        ("Thông báo".encode("utf-16"), Refusal.TEXT),
        (b"%PDF-1.7\n\x00\x01\x02", Refusal.DOCUMENT),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), Refusal.DOCUMENT),
        (b"PK\x03\x04" + bytes(100), Refusal.ARCHIVE),
        (b"Rar!\x1a\x07\x01\x00" + bytes(100), Refusal.ARCHIVE),
        (b"\x1a\x45\xdf\xa3" + bytes(100), Refusal.VIDEO),
        (bytes(range(256)) * 40, Refusal.UNKNOWN),
        (bytes(4096), Refusal.UNKNOWN),
        (b"ID3\x04\x00\x00\x00\x00\x00\x0a" + bytes(10), Refusal.TRUNCATED),
        (b"OggS", Refusal.CODEC),
        (b"RIFF\x24\x00\x00\x00WAVE", Refusal.TRUNCATED),
        (b"fLaC" + bytes(200), Refusal.DAMAGED),
    ],
)
def test_what_is_no_recording_is_refused_by_what_it_is(data: bytes, why: Refusal, tmp_path: Path, work: Path) -> None:
    assert refusal(written(tmp_path, data), work) == why


PLAYLISTS = (
    "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "ffconcat version 1.0\nfile '/etc/passwd'\n",
    "file '/etc/passwd'\n",
    "[playlist]\nFile1=/etc/passwd\n",
)


@pytest.mark.parametrize("text", PLAYLISTS)
def test_playlist_naming_other_files_is_refused(text: str, tmp_path: Path, work: Path) -> None:
    assert refusal(written(tmp_path, text.encode()), work) == Refusal.PLAYLIST


@pytest.mark.parametrize("kind", SoundFormat)
@pytest.mark.parametrize("text", PLAYLISTS[:2])
def test_ffmpeg_itself_does_not_follow_a_playlist(text: str, kind: SoundFormat, tmp_path: Path, work: Path) -> None:
    secret = samples.tone(tmp_path / "secret.wav", 2)
    playlist = written(tmp_path, text.replace("/etc/passwd", str(secret)).encode())
    with pytest.raises(SoundRefusedError):
        ffmpeg.measure(playlist, kind, work, LIMITS, max_s=60)


def test_zip_renamed_is_refused(spoken: Path, tmp_path: Path, work: Path) -> None:
    assert refusal(written(tmp_path, samples.zip_of(spoken)), work) == Refusal.ARCHIVE


def test_video_is_refused(tmp_path: Path, work: Path) -> None:
    video = tmp_path / "film.mp4"
    samples.ffmpeg("-f", "lavfi", "-i", "testsrc=d=2:s=64x64", "-f", "lavfi", "-i", "sine=d=2", "-c:a", "aac", video)
    assert refusal(video, work) == Refusal.VIDEO


def test_film_without_sound_is_refused(tmp_path: Path, work: Path) -> None:
    video = tmp_path / "mute.m4a"
    samples.ffmpeg("-f", "lavfi", "-i", "testsrc=d=2:s=64x64", "-f", "mp4", video)
    assert refusal(video, work) == Refusal.VIDEO


def test_file_with_subtitles_alone_is_refused(tmp_path: Path, work: Path) -> None:
    subtitles, source = tmp_path / "words.srt", tmp_path / "words.m4a"
    subtitles.write_text("1\n00:00:00,000 --> 00:00:03,000\nxin\n")
    samples.ffmpeg("-i", subtitles, "-c:s", "mov_text", "-f", "mp4", source)
    assert refusal(source, work) == Refusal.NO_AUDIO


@pytest.mark.parametrize("mark", [b"drms", b"enca"])
def test_protected_recording_is_refused(mark: bytes, spoken: Path, tmp_path: Path, work: Path) -> None:
    source = tmp_path / "bought.m4a"
    samples.ffmpeg("-i", spoken, "-c:a", "aac", source)
    source.write_bytes(source.read_bytes().replace(b"mp4a", mark, 1))
    assert refusal(source, work) == Refusal.ENCRYPTED


def test_coding_that_is_not_on_the_list_is_refused(tmp_path: Path, work: Path) -> None:
    source = tmp_path / "sound.wav"
    samples.tone(source, 2, "-c:a", "adpcm_swf", "-ar", "22050")
    assert refusal(source, work) == Refusal.CODEC


def test_a_tenth_of_a_second_is_refused(tmp_path: Path, work: Path) -> None:
    assert refusal(samples.tone(tmp_path / "short.wav", 0.1), work) == Refusal.TOO_SHORT


def test_three_hours_are_refused(tmp_path: Path, work: Path) -> None:
    assert refusal(samples.zero_wav(tmp_path / "long.wav", 3 * 3600), work) == Refusal.TOO_LONG


def test_long_sound_that_does_not_say_so_is_refused(tmp_path: Path, work: Path) -> None:
    source = samples.tone(tmp_path / "long.aac", 20, "-c:a", "aac", "-f", "adts")
    assert refusal(source, work, max_ms=10_000) == Refusal.TOO_LONG


def test_longest_allowed_sound_is_taken_and_the_next_frame_is_not(tmp_path: Path, work: Path) -> None:
    limits = SoundLimits(max_ms=3_000)
    exact = prepare_sound(samples.tone(tmp_path / "exact.wav", 3), work, limits=limits)
    assert exact.duration_ms == 3_000
    exact.path.unlink()
    assert refusal(samples.tone(tmp_path / "longer.wav", 3.02), work, max_ms=3_000) == Refusal.TOO_LONG


@pytest.mark.parametrize("suffix", ["wav", "mp3", "opus"])
def test_silence_is_refused(suffix: str, tmp_path: Path, work: Path) -> None:
    assert refusal(samples.silence(tmp_path / f"silence.{suffix}", 5), work) == Refusal.SILENT


def test_wav_that_claims_to_be_longer_is_refused_as_cut(tmp_path: Path, work: Path) -> None:
    assert refusal(written(tmp_path, samples.wav_bytes(2, declared=20)), work) == Refusal.TRUNCATED


def test_wav_that_claims_to_be_shorter_is_refused(tmp_path: Path, work: Path) -> None:
    assert refusal(written(tmp_path, samples.wav_bytes(20, declared=2)), work) == Refusal.LENGTH_LIES


def test_mp3_that_claims_to_be_longer_is_refused_as_cut(spoken: Path, tmp_path: Path, work: Path) -> None:
    samples.ffmpeg("-i", spoken, tmp_path / "whole.mp3")
    data = samples.with_xing_frames((tmp_path / "whole.mp3").read_bytes(), 3)
    assert refusal(written(tmp_path, data), work) == Refusal.TRUNCATED


def test_mp3_that_claims_to_be_shorter_is_taken_whole(spoken: Path, tmp_path: Path, work: Path) -> None:
    samples.ffmpeg("-i", spoken, tmp_path / "whole.mp3")
    data = samples.with_xing_frames((tmp_path / "whole.mp3").read_bytes(), 0.3)
    sound = prepare_sound(written(tmp_path, data), work)
    assert abs(sound.duration_ms - soundfile.info(spoken).duration * 1000) < 150


@pytest.mark.parametrize("name", ["wav", "mp3", "m4a", "ogg vorbis", "opus", "flac"])
def test_recording_cut_in_the_middle_is_refused(name: str, spoken: Path, tmp_path: Path, work: Path) -> None:
    suffix, options = samples.FORMATS[name]
    source = tmp_path / f"source.{suffix}"
    samples.ffmpeg("-i", spoken, *options, source)
    data = source.read_bytes()
    assert refusal(written(tmp_path, data[: len(data) // 2], f"cut.{suffix}"), work) == Refusal.TRUNCATED


def test_damaged_recording_is_refused(spoken: Path, tmp_path: Path, work: Path) -> None:
    source = tmp_path / "source.flac"
    samples.ffmpeg("-i", spoken, source)
    data = bytearray(source.read_bytes())
    for place in range(9_000, len(data), 2_000):
        data[place : place + 40] = b"\xa5" * 40
    assert refusal(written(tmp_path, bytes(data)), work) == Refusal.DAMAGED


def test_too_large_file_is_refused_before_it_is_read(tmp_path: Path, work: Path) -> None:
    assert refusal(written(tmp_path, b"x" * 1_001), work, max_bytes=1_000) == Refusal.TOO_LARGE


def test_file_that_needs_too_much_time_is_given_up(spoken: Path, work: Path) -> None:
    assert refusal(spoken, work, programs=ProgramLimits(wall_s=0.001)) == Refusal.TOO_SLOW


def test_file_that_needs_too_much_processor_is_given_up(tmp_path: Path, work: Path) -> None:
    long = samples.zero_wav(tmp_path / "long.wav", 1_800, rate=48_000)
    assert refusal(long, work, programs=ProgramLimits(cpu_s=1)) == Refusal.TOO_SLOW


def test_encoder_cannot_fill_the_disk(spoken: Path, work: Path) -> None:
    assert refusal(spoken, work, programs=ProgramLimits(file_bytes=8_192)) in {Refusal.TOO_SLOW, Refusal.DAMAGED}


def test_missing_ffmpeg_is_named(monkeypatch: pytest.MonkeyPatch, spoken: Path, work: Path, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "")
    with pytest.raises(SoundRefusedError) as caught:
        prepare_sound(spoken, work)
    assert caught.value.code == Refusal.NO_PROGRAM
    assert list(work.iterdir()) == []


def test_ffmpeg_of_the_package_serves_where_debian_has_none(
    monkeypatch: pytest.MonkeyPatch, spoken: Path, work: Path, tmp_path: Path
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("nice", "prlimit"):
        (tools / name).symlink_to(shutil.which(name) or "")
    monkeypatch.setenv("PATH", str(tools))
    assert "imageio" in ffmpeg.find_ffmpeg()
    sound = prepare_sound(spoken, work)
    assert abs(sound.loudness_lufs - TARGET_LUFS) <= 0.5
    assert sound.duration_ms * 48 == len(soundfile.read(sound.path)[0])


def test_every_refusal_has_its_own_message() -> None:
    assert sorted(MESSAGES) == sorted(Refusal)
    assert len(set(MESSAGES.values())) == len(Refusal)
