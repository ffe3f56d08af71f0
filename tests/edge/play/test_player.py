"""The timeline without a card: frames in, samples out."""
from __future__ import annotations

import numpy as np
import pytest

from edge.play.frame_clock import FrameClock, frames_to_ns
from edge.play.pipe import RATE_HZ, Cancel, Event, Failed, Finished, Gain, Play, Silence, Started, Stopped
from edge.play.player import TRACKS_LIMIT, Player
from edge.play.source import SignalSource
from edge.play.track import FADE_FRAMES, JOIN_FRAMES, Track
from tests.rig.capture import make_noise

BUFFER = 480
A, B, C = make_noise(1, 0.1), make_noise(2, 0.1), make_noise(3, 0.1)       # 4800 frames each
LENGTH = len(A)


class Timeline:
    """A player whose frame 0 is instant 0."""

    def __init__(self) -> None:
        self.clock = clock = FrameClock()
        clock.observe(0, 0)
        self.said: list[Event] = []
        self.player = Player(clock, self.said.append)
        self.frame = 0

    def play(self, id_: str, samples: np.ndarray, *, at_frame: int = 0, source: SignalSource | None = None,
             **options: object) -> None:
        command = Play(id=id_, source="signal:x", at_ns=frames_to_ns(at_frame), **options)
        self.player.submit(Track(command, source or SignalSource(samples)))

    def run(self, frames: int, *, buffer: int = BUFFER) -> np.ndarray:
        parts = []
        while frames > 0:
            part = np.full(min(buffer, frames), 99, dtype=np.int16)
            self.player.render(self.frame, part)
            parts.append(part)
            self.frame += len(part)
            frames -= len(part)
        return np.concatenate(parts)

    def said_of(self, id_: str) -> list[Event]:
        return [event for event in self.said if getattr(event, "id", None) == id_]


class LateSource(SignalSource):
    """Delivers only what was allowed, as a slow memory card does."""

    def __init__(self, samples: np.ndarray) -> None:
        super().__init__(samples)
        self.allowed = 0

    def ready(self, frame: int) -> int:
        return max(0, min(super().ready(frame), self.allowed - frame))


def steepest(samples: np.ndarray) -> int:
    return int(np.abs(np.diff(samples.astype(int))).max())


def silence(frames: int) -> np.ndarray:
    return np.zeros(frames, dtype=np.int16)


def test_nothing_to_play_is_silence():
    assert not Timeline().run(5000).any()


@pytest.mark.parametrize("buffer", [1, 7, 480, 1111, 9000, 20_000])
def test_play_lies_where_its_instant_says_whatever_the_buffer(buffer):
    line = Timeline()
    line.play("a", A, at_frame=1234)
    expected = np.concatenate([silence(1234), A, silence(1000)])
    assert np.array_equal(line.run(1234 + LENGTH + 1000, buffer=buffer), expected)
    assert line.said == [Started(id="a", at_ns=frames_to_ns(1234), frame=0),
                         Finished(id="a", at_ns=frames_to_ns(1234 + LENGTH), frames=LENGTH)]


def test_consecutive_plays_join_without_a_missing_or_doubled_sample():
    line = Timeline()
    line.play("a", A, at_frame=100)
    line.play("b", B, after="a")
    line.play("c", C, after="b")
    assert np.array_equal(line.run(100 + 3 * LENGTH + 50), np.concatenate([silence(100), A, B, C, silence(50)]))


def test_successor_ordered_within_the_last_buffer_still_joins():
    line = Timeline()
    line.play("a", A)
    first = line.run(LENGTH - 10)
    line.play("b", B, after="a", at_frame=10**6)
    assert np.array_equal(np.concatenate([first, line.run(LENGTH + 10)]), np.concatenate([A, B]))


def test_successor_of_a_play_that_failed_falls_back_to_its_instant():
    line = Timeline()
    line.play("a", A, at_frame=10**6)
    line.play("b", B, after="a", at_frame=960)
    line.player.submit(Cancel(id="a"))
    assert np.array_equal(line.run(960 + LENGTH), np.concatenate([silence(960), B]))


def test_successor_that_comes_late_joins_as_if_it_had_followed():
    line = Timeline()
    line.play("a", A)
    line.run(LENGTH + 960)
    line.play("b", B, after="a")
    heard = line.run(LENGTH - 960)
    assert np.array_equal(heard[JOIN_FRAMES:], B[960 + JOIN_FRAMES:])


def test_urgent_successor_that_comes_late_leaves_nothing_out():
    line = Timeline()
    line.play("signal", A, asap=True)
    line.run(LENGTH + 960)
    line.play("message", B, after="signal", asap=True)
    assert np.array_equal(line.run(LENGTH), B)


def test_late_play_joins_in_the_middle_softly():
    line = Timeline()
    line.run(2000)
    line.play("a", A, at_frame=500)
    heard = line.run(LENGTH - 1500)
    assert np.array_equal(heard[JOIN_FRAMES:], A[1500 + JOIN_FRAMES:])
    assert np.abs(heard[:24]).max() < np.abs(A).max() / 5
    assert line.said[0] == Started(id="a", at_ns=frames_to_ns(2000), frame=1500)


def test_play_that_is_over_before_it_could_begin_says_so():
    line = Timeline()
    line.run(10_000)
    line.play("a", A)
    assert not line.run(1000).any()
    assert line.said == [Failed(id="a", why="its time has passed")]


def test_only_the_frames_asked_for_are_played():
    line = Timeline()
    line.play("a", A, from_frame=1000, frames=2000, asap=True)
    heard = line.run(3000)
    assert np.array_equal(heard[JOIN_FRAMES:], np.concatenate([A[1000 + JOIN_FRAMES:3000], silence(1000)]))
    assert line.said[-1] == Finished(id="a", at_ns=frames_to_ns(2000), frames=2000)


def test_source_shorter_than_promised_ends_with_what_there_was():
    line = Timeline()
    line.play("a", A, frames=10**6)
    line.run(2 * LENGTH)
    assert line.said[-1] == Finished(id="a", at_ns=frames_to_ns(LENGTH), frames=LENGTH)


def test_urgent_play_begins_with_the_next_buffer_and_fades_out_the_rest():
    line = Timeline()
    line.play("music", np.full(LENGTH, 8000, dtype=np.int16))
    line.run(960)
    line.play("alert", B, asap=True, at_frame=1)
    heard = line.run(LENGTH).astype(int) - B
    assert steepest(heard[:FADE_FRAMES]) < 30       # what is left of the music goes down a straight line
    assert not heard[FADE_FRAMES:].any()
    assert line.said_of("music")[-1] == Stopped(id="music", at_ns=frames_to_ns(960 + FADE_FRAMES),
                                                frame=960 + FADE_FRAMES, why="pre-empted")
    assert line.said_of("alert")[0] == Started(id="alert", at_ns=frames_to_ns(960), frame=0)


def test_programme_sounds_on_until_the_urgent_source_is_there():
    line = Timeline()
    line.play("music", A)
    line.run(480)
    late = LateSource(B)
    line.play("alert", B, source=late, asap=True)
    assert np.array_equal(line.run(480), A[480:960])
    late.allowed = LENGTH
    line.run(480)
    assert line.said_of("alert") == [Started(id="alert", at_ns=frames_to_ns(960), frame=0)]


def test_cancel_fades_within_10_ms_and_does_not_click():
    line = Timeline()
    line.play("a", np.full(LENGTH, 20_000, dtype=np.int16))
    line.run(960)
    line.player.submit(Cancel(id="a"))
    heard = line.run(960)
    assert steepest(np.concatenate([[20_000], heard])) < 60
    assert not heard[480:].any()
    assert line.said[-1] == Stopped(id="a", at_ns=frames_to_ns(960 + FADE_FRAMES), frame=960 + FADE_FRAMES,
                                    why="cancelled")


def test_silence_ends_what_sounds_and_forgets_what_waits():
    line = Timeline()
    line.play("a", A)
    line.play("b", B, after="a")
    line.run(480)
    line.player.submit(Silence())
    line.run(480)
    assert not line.run(3 * LENGTH).any()
    assert line.said_of("b") == [Failed(id="b", why="cancelled before it began")]
    assert line.player.is_idle


def test_gain_is_applied_and_changes_without_a_click():
    line = Timeline()
    line.play("a", np.full(LENGTH, 20_000, dtype=np.int16), gain_db=-20)
    assert set(line.run(480)) == {2000}
    line.player.submit(Gain(id="a", gain_db=0))
    heard = line.run(960)
    assert steepest(heard) < 60
    assert set(heard[480:]) == {20_000}


def test_two_loud_plays_clip_instead_of_wrapping():
    line = Timeline()
    for id_ in "ab":
        line.play(id_, np.full(LENGTH, 30_000, dtype=np.int16))
    assert set(line.run(LENGTH)) == {32767}


def test_programme_whose_source_is_slow_keeps_its_time():
    line = Timeline()
    source = LateSource(A)
    line.play("a", A, source=source)
    source.allowed = 480
    assert np.array_equal(line.run(960), np.concatenate([A[:480], silence(480)]))
    source.allowed = LENGTH
    assert np.array_equal(line.run(480), A[960:1440])
    assert line.player.holes == 1


def test_alert_whose_source_is_slow_leaves_nothing_out():
    line = Timeline()
    source = LateSource(A)
    line.play("a", A, source=source, asap=True)
    source.allowed = 480
    line.run(960)
    source.allowed = LENGTH
    assert np.array_equal(line.run(480), A[480:960])


def test_source_that_breaks_in_the_middle_is_stopped_with_its_reason():
    line = Timeline()
    source = LateSource(A)
    source.ended_at = None
    line.play("a", A, source=source)
    source.allowed = 700
    line.run(480)
    source.error = "a.ogg: broken"
    line.run(480)
    assert line.said[-1] == Stopped(id="a", at_ns=frames_to_ns(700), frame=700, why="a.ogg: broken")


def test_interrupted_programme_joins_where_time_is():
    line = Timeline()
    line.play("first", C, at_frame=0)
    line.play("a", A, after="first")
    line.run(LENGTH + 480)
    line.player.interrupt(line.frame, frames_to_ns(line.frame))
    line.frame += 1000                      # the card was away that long
    heard = line.run(LENGTH - 1480)
    assert np.array_equal(heard[JOIN_FRAMES:], A[1480 + JOIN_FRAMES:])
    assert line.said_of("a")[1:3] == [
        Stopped(id="a", at_ns=frames_to_ns(LENGTH + 480), frame=480, why="interrupted"),
        Started(id="a", at_ns=frames_to_ns(LENGTH + 1480), frame=1480)]


def test_programme_that_lags_behind_its_time_catches_up():
    line = Timeline()
    sound = make_noise(4, 3.0)
    line.play("a", sound)
    line.run(RATE_HZ // 2)
    line.clock.reset()
    line.clock.observe(0, 100_000_000)      # every frame is heard 100 ms later than was thought
    line.run(RATE_HZ)
    assert line.said[1:] == [
        Stopped(id="a", at_ns=1_100_000_000, frame=RATE_HZ, why="interrupted"),
        Started(id="a", at_ns=1_100_000_000, frame=RATE_HZ + 4800)]
    assert np.array_equal(line.run(480), sound[line.frame - 480 + 4800:][:480])


def test_alert_is_never_cut_to_keep_step():
    line = Timeline()
    line.play("a", make_noise(4, 3.0), asap=True)
    line.run(RATE_HZ // 2)
    line.clock.reset()
    line.clock.observe(0, 100_000_000)
    line.run(RATE_HZ)
    assert len(line.said) == 1


def test_interrupted_alert_goes_on_where_it_was():
    line = Timeline()
    line.play("a", A, asap=True)
    line.run(480)
    line.player.interrupt(line.frame, 0)
    line.frame += 1000
    heard = line.run(LENGTH - 480)
    assert np.array_equal(heard[JOIN_FRAMES:], A[480 + JOIN_FRAMES:])
    assert line.said[-1] == Finished(id="a", at_ns=frames_to_ns(1000 + LENGTH), frames=LENGTH - 480)


def test_same_id_twice_is_refused():
    line = Timeline()
    line.play("a", A, at_frame=10**6)
    line.play("a", B)
    line.run(480)
    assert line.said == [Failed(id="a", why="a play of this id is under way")]


def test_too_many_plays_are_refused():
    line = Timeline()
    for n in range(TRACKS_LIMIT + 1):
        line.play(str(n), A, at_frame=10**6)
    line.run(480)
    assert [event.id for event in line.said] == [str(TRACKS_LIMIT)]


def test_broken_track_does_not_end_the_others():
    line = Timeline()
    broken = LateSource(A)
    broken.take = None
    broken.allowed = LENGTH
    line.play("bad", A, source=broken)
    line.play("good", B)
    assert np.array_equal(line.run(LENGTH), B)
    assert line.said_of("bad")[-1] == Failed(id="bad", why="internal error, see the log")
