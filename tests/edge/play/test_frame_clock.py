from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.play.frame_clock import JUMPS_BELIEVED, WINDOW, FrameClock, frames_to_ns, ns_to_frames

BUFFER = 480
MS = 1_000_000


def fed_clock(*, origin_ns: int, buffers: int = WINDOW) -> FrameClock:
    clock = FrameClock()
    for n in range(buffers):
        clock.observe(n * BUFFER, origin_ns + frames_to_ns(n * BUFFER))
    return clock


@given(st.integers(-10**12, 10**12))
def test_frames_and_nanoseconds_are_each_others_inverse(frame):
    assert ns_to_frames(frames_to_ns(frame)) == frame


def test_clock_maps_both_ways():
    clock = fed_clock(origin_ns=7_000_000_000)
    assert clock.ns_at(48_000) == 8_000_000_000
    assert clock.frame_at(8_000_000_000) == 48_000


def test_clock_believes_the_middle_of_scattered_sayings():
    clock = FrameClock()
    for n in range(99):
        clock.observe(n * BUFFER, frames_to_ns(n * BUFFER) + (-3 * MS, 0, 4 * MS)[n % 3])
    assert clock.ns_at(0) == 0


def test_one_wild_saying_is_no_jump():
    clock = fed_clock(origin_ns=0)
    clock.observe(WINDOW * BUFFER, 10**12)
    assert clock.ns_at(0) == 0


def test_clock_follows_a_stream_that_stood_still():
    clock = fed_clock(origin_ns=0)
    origins = []
    for n in range(WINDOW, WINDOW + JUMPS_BELIEVED):
        clock.observe(n * BUFFER, frames_to_ns(n * BUFFER) + 2_000 * MS)
        origins.append(clock.ns_at(0))
    assert origins == [0] * (JUMPS_BELIEVED - 1) + [2_000 * MS]


def test_clock_follows_a_crystal_that_is_wrong():
    clock = FrameClock()
    for n in range(10_000):     # 100 s at +100 ppm: the last seconds count
        clock.observe(n * BUFFER, round(frames_to_ns(n * BUFFER) * 0.9999))
    last = 9_999 * BUFFER
    assert abs(clock.ns_at(last) - round(frames_to_ns(last) * 0.9999)) < 0.3 * MS
