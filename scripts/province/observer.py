"""What a technician beside a loudspeaker can see of it: status, log, plan, and whether its WAV file holds sound."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import soundfile

from scripts.province.processes import wait_for
from scripts.province.stage import Stage


def status(stage: Stage, device: str) -> dict[str, Any]:
    return dict(json.loads(stage.edge(device, "status", "--json")))


def said(stage: Stage, device: str) -> dict[str, Any]:
    """What the running agent last said of itself, without asking another process."""
    path = stage.device_dir(device) / "status.json"
    return dict(json.loads(path.read_bytes())) if path.exists() else {}


def rows(stage: Stage, device: str, *, last: int = 200) -> list[dict[str, Any]]:
    return list(json.loads(stage.edge(device, "log", "--last", last, "--json")))


def plan(stage: Stage, device: str, *, days: int) -> dict[str, Any]:
    return dict(json.loads(stage.edge(device, "plan", "--days", days, "--json")))


def plays_of(stage: Stage, device: str, slot: str = "", *, since: int = 0, kind: str = "play") -> list[dict[str, Any]]:
    """Rows of sounds that began after `since`."""
    found = rows(stage, device)
    return [row for row in found if row["kind"] == kind and slot in ("", row["slot"]) and row["started"] >= since]


def wait_said(
    stage: Stage, device: str, holds: Callable[[dict[str, Any]], bool], what: str, *, limit_s: float = 60
) -> None:
    wait_for(lambda: holds(said(stage, device)), f"{device}: {what}", limit_s=limit_s)


def loudest(stage: Stage, device: str) -> float:
    """The largest sample of what the loudspeaker has said so far, 0 to 1."""
    samples, _ = soundfile.read(stage.device_dir(device) / "sound.wav", dtype="float32")
    return float(np.abs(samples).max()) if len(samples) else 0.0
