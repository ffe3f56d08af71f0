"""Ten seconds of `scripts/bench fuzz`, and parsers with planted faults, each of which must be found."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.benches.fuzz import repeat, save
from scripts.benches.fuzzing import engine
from scripts.benches.fuzzing.engine import GROWTH_MB, PEAK_MB, Share, make_mutant, run_trials
from scripts.benches.fuzzing.pool import all_trials
from scripts.benches.fuzzing.trial import AcceptedChangeError, Finding, Seed, Verdict
from tests.builders import make_province, make_template
from wire.alert import read_order
from wire.envelope import peek
from wire.errors import WireError

TOP = Path(__file__).parents[2]
TEN_SECONDS = 10 / 60
SIGNED = ("metadata", "orders", "log")
UNSIGNED = ("refresh", "replays", "programme", "messages", "mqtt", "http", "answers")


def test_ten_seconds_find_nothing():
    command = [sys.executable, "-m", "scripts.benches.fuzz", "--json", "--minutes", str(TEN_SECONDS)]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert list(report)[:5] == ["bench", "figures", "peers", "runs", "machine"]
    assert set(report["figures"]) == {"mutants", "per_s", "findings"}
    assert report["figures"]["findings"] == 0
    tried = {name: sum(report["details"][name].values()) for name in (*SIGNED, *UNSIGNED)}
    assert all(tried.values()), tried
    assert report["figures"]["mutants"] == sum(tried.values())
    # Were everything refused, or nothing, the trials would try something else than the parsers.
    assert all({"refused", "same"} <= set(report["details"][name]) for name in SIGNED)


def test_every_trial_takes_its_good_input():
    """One that refused everything would never find that a change is accepted."""
    with all_trials() as trials:
        assert [trial.name for trial in trials[:3]] == list(SIGNED)
        for trial in trials[:4]:
            assert {trial.judge(seed.raw, seed) for seed in trial.seeds} == {Verdict.SAME}
        for trial in trials[5:]:
            assert Verdict.TAKEN in {trial.judge(seed.raw, seed) for seed in trial.seeds}


# --- planted faults ---------------------------------------------------------------------------------------------------


class Planted:
    """A trial of a parser with a fault."""

    name = "planted"

    def __init__(self, judge: Callable[[bytes], Verdict], good: list[bytes]) -> None:
        self._judge = judge
        self.seeds = [Seed(raw) for raw in good]

    def judge(self, raw: bytes, seed: Seed) -> Verdict:
        return self._judge(raw)

    def close(self) -> None:
        """Holds nothing."""


@pytest.fixture(scope="module")
def envelopes() -> list[bytes]:
    province, template = make_province(), make_template()
    return [province.start_alert("08", template), province.cancel_alert("08", ["ab" * 32])]


@pytest.fixture(autouse=True)
def one_is_enough(monkeypatch):
    monkeypatch.setattr(engine, "MOST_FINDINGS", 1)


def first_finding(judge: Callable[[bytes], Verdict], good: list[bytes], *, seconds: float = 20.0) -> Finding:
    tally = run_trials([Planted(judge, good)], Share("planted"), seconds=seconds, turn_s=0.2)
    assert tally.findings, tally.verdicts
    return tally.findings[0]


def test_a_parser_that_forgets_the_signature_is_found(envelopes):
    known = [read_order(peek(raw, 1 << 16)[1]) for raw in envelopes]

    def forgets(raw: bytes) -> Verdict:
        try:
            order = read_order(peek(raw, 1 << 16)[1])
        except WireError:
            return Verdict.REFUSED
        if order not in known:
            raise AcceptedChangeError(str(order))
        return Verdict.SAME

    assert first_finding(forgets, envelopes).kind == "accepted"


def test_a_parser_that_stumbles_is_found_and_its_input_repeats(envelopes, tmp_path):
    def stumbles(raw: bytes) -> Verdict:
        return Verdict.TAKEN if json.loads(raw.decode("ascii")) else Verdict.REFUSED

    finding = first_finding(stumbles, envelopes)
    assert finding.kind == "crash"
    (path,) = save([finding], tmp_path, "planted")
    head, _, raw = path.read_bytes().partition(b"\n")
    assert (json.loads(head)["number"], raw) == (finding.number, finding.raw)
    again, _seed = make_mutant("planted", Planted(stumbles, envelopes), finding.number)
    assert again == finding.raw
    with pytest.raises(ValueError, match="no trial"):  # a planted trial is none of the bench's
        repeat(path)


def test_a_saved_input_of_the_bench_is_judged_again(tmp_path):
    good = b'{"not": "an envelope"}'
    (path,) = save([Finding("orders", "crash", "made up", 7, "0", good)], tmp_path, "x")
    assert repeat(path) == "refused"


def test_a_parser_that_works_without_end_is_found(envelopes, monkeypatch):
    monkeypatch.setattr(engine, "CPU_LIMIT_S", 0.05)

    def counts(raw: bytes) -> Verdict:
        end = time.process_time() + (0.1 if b"[[[[" in raw else 0)
        while time.process_time() < end:
            pass
        return Verdict.REFUSED

    assert first_finding(counts, envelopes).kind == "slow"


def test_a_parser_that_hangs_is_found(envelopes, monkeypatch):
    monkeypatch.setattr(engine, "HANG_S", 0.3)

    def hangs(raw: bytes) -> Verdict:
        if b"[[[[" in raw:
            time.sleep(60)
        return Verdict.REFUSED

    assert first_finding(hangs, envelopes).kind == "slow"


def test_a_parser_that_keeps_what_it_read_is_found(envelopes):
    kept = []

    def keeps(_raw: bytes) -> Verdict:
        kept.append(b"x" * 100_000 * len(kept[:1000]))
        time.sleep(0.002)
        return Verdict.REFUSED

    finding = first_finding(keeps, envelopes, seconds=4)
    assert (finding.kind, sum(map(len, kept)) > GROWTH_MB * 1e6) == ("memory", True)


def test_a_parser_that_unpacks_without_limit_is_found(envelopes):
    seen = []

    def unpacks(raw: bytes) -> Verdict:
        seen.append(raw)
        if len(seen) > engine.WARM + 50:
            len(b"x" * (2 * PEAK_MB * 1024 * 1024))
        return Verdict.REFUSED

    assert first_finding(unpacks, envelopes).kind == "memory"
