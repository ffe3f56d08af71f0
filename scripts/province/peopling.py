"""Brings the demo's province to life: what its people do in the first days, each on their own page.

Placements, policy, templates and programmes are proposed and signed as in earnest: two signatures for the province,
the chair's for a commune, the registrar's for a loudspeaker's place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from scripts.province import cast, staff
from scripts.province.browser import Browser
from scripts.province.processes import program, run
from scripts.province.recordings import can_speak, record_melody, record_voice
from scripts.province.stage import Stage
from wire.units import DAY, HOUR, LOCAL

EXCEPTION_DAYS = 30
SERIES_DAYS = 3
PROVINCE_APPROVERS = ("giamdoc-so", "phogiamdoc-so")
CHAIRS = {cast.VALLEY: "chutich-tantrao", cast.MOUNTAIN: "chutich-dongvan"}
PART_TIMERS = {cast.VALLEY: "vanhoa-tantrao", cast.MOUNTAIN: "vanhoa-dongvan"}
PROVINCE_EDITOR = "bientap-tinh"


@dataclass(frozen=True)
class Peopled:
    """Ids that the check and the flows go on with."""

    series: str
    items: Mapping[str, str]
    """Title to item id."""


def people(stage: Stage) -> Peopled:
    """Sign placements and policy, publish the provincial series and a template, and each commune's first programme."""
    stage.sign_all(["dangky-thietbi"], "placements")
    province = stage.staff(PROVINCE_EDITOR)
    propose_policy(stage)
    items: dict[str, str] = {}
    series = staff.add_series(province, cast.PROVINCE, cast.SERIES_TITLE)
    with ThreadPoolExecutor() as everybody:     # each at their own desk
        desks = [everybody.submit(publish_province, stage, province, series, items)]
        desks += [everybody.submit(publish_commune, stage, area, series, items) for area in CHAIRS]
        for desk in desks:
            desk.result()
    stage.mark_made()
    return Peopled(series, items)


def propose_policy(stage: Stage) -> None:
    """The province's rules, with the signed exception that lets the demo sound at any hour."""
    today = datetime.now(LOCAL).date()
    days = [(today + timedelta(days=n - 1)).isoformat() for n in range(EXCEPTION_DAYS)]
    all_day = {"start_ms": 0, "end_ms": DAY}
    policy = {
        "area": cast.PROVINCE,
        "issued": now_ms(),
        "hours": [{"start_ms": HOUR * 11 // 2, "end_ms": HOUR * 21}],
        "max_volume": 90,
        "min_volume": 40,
        "exceptions": [
            {"day": day, "hours": all_day, "areas": [cast.VALLEY, cast.MOUNTAIN], "reason": "chạy thử hệ thống"}
            for day in days
        ],
    }
    propose(stage, "policy", "quy-dinh-tinh", policy)


def propose(stage: Stage, kind: str, name: str, content: dict[str, Any]) -> None:
    """What the province's editor does with a file and `loa-provision propose`."""
    path, password = stage.folder / f"{name}.json", stage.folder / "editor.password"
    path.write_text(json.dumps(content, ensure_ascii=False))
    password.touch(mode=0o600)
    password.write_text(stage.secrets[PROVINCE_EDITOR]["password"])
    run(program("loa-provision"), "propose", kind, path, "--hub", stage.hub_url, "--area", cast.PROVINCE,
        "--user", PROVINCE_EDITOR, "--password-file", password)  # fmt: skip
    password.unlink()


def publish_province(stage: Stage, province: Browser, series: str, items: dict[str, str]) -> None:
    """A provincial bulletin a day, offered as a series, and the flood template, signed by two."""
    today = datetime.now(LOCAL).date()
    for day in (today + timedelta(days=n) for n in range(SERIES_DAYS)):
        add_daily_bulletin(stage, province, series, day.strftime("%d/%m/%Y"), items)
    staff.submit(province, cast.PROVINCE)
    propose_template(stage, province)
    for kind in ("policy", "programme", "template"):  # one after another: two of them are releases of one role
        stage.sign_all(PROVINCE_APPROVERS, kind)


def add_daily_bulletin(stage: Stage, province: Browser, series: str, day: str, items: dict[str, str]) -> str:
    title = f"{cast.SERIES_TITLE} ngày {day}"
    text = f"Bản tin thời sự tỉnh Tuyên Quang ngày {day}. Ủy ban nhân dân tỉnh họp thường kỳ lúc 8h00."
    items[title] = write_spoken(stage, province, cast.PROVINCE, title, text, valid_from=day)
    staff.add_to_series(province, cast.PROVINCE, series, items[title])
    return items[title]


def write_spoken(stage: Stage, person: Browser, area: str, title: str, text: str, **fields: str) -> str:
    """A bulletin whose text the hub speaks; a melody where this machine cannot speak."""
    item = staff.write_item(person, area, title=title, text=text, **fields)
    if can_speak():
        staff.speak(person, item)
    else:
        melody = record_melody(stage.folder / f"{item}.wav", tune=title)
        staff.expect(staff.upload_sound(person, item, melody), "upload a sound")
    staff.sounds_of(person, item)
    return item


def propose_template(stage: Stage, province: Browser, flood: cast.EmergencyWords = cast.FLOOD) -> None:
    """The flood template with its recorded clips in Vietnamese and Mông."""
    spoken = {"message": {"vi": flood.vi, "hmn": flood.hmn}}
    spoken |= {ident: {"vi": words, "hmn": words} for ident, words in flood.choices.items()}
    clips = {name: record_clips(stage, province, name, texts) for name, texts in spoken.items()}
    template = {
        "id": flood.ident, "title": flood.title, "hazard": flood.hazard, "severity": flood.severity,
        "wordings": [
            {"language": one["language"], "text": getattr(flood, one["language"]),
             "parts": [{"blank": "ho"}, {"clip": one}]}
            for one in clips["message"]
        ],
        "blanks": [{
            "id": "ho",
            "choices": [
                {"id": ident, "text": {"vi": words, "hmn": words}, "clips": clips[ident]}
                for ident, words in flood.choices.items()
            ],
        }],
    }  # fmt: skip
    propose(stage, "template", flood.ident, template)


def record_clips(stage: Stage, province: Browser, name: str, texts: Mapping[str, str]) -> list[dict[str, Any]]:
    """Upload a recording in each language as sounds of one bulletin, and describe them as a template does."""
    item = staff.write_item(province, cast.PROVINCE, title=f"Mẩu ghi âm cảnh báo: {name}", text=texts["vi"])
    for language, text in texts.items():
        sound = record_voice(text, stage.folder / f"clip-{name}-{language}.wav")
        staff.expect(staff.upload_sound(province, item, sound, language=language), f"upload the clip {name}")
    return [clip_of(sound) for sound in staff.sounds_of(province, item, len(texts))]


def clip_of(sound: Mapping[str, Any]) -> dict[str, Any]:
    wanted = ("language", "sha256", "size", "duration_ms")
    return {"kind": "sound", **{name: sound[name] for name in wanted}}


def publish_commune(stage: Stage, area: str, series: str, items: dict[str, str]) -> None:
    """The part-timer writes and plans, the chair signs."""
    person = stage.staff(PART_TIMERS[area])
    bulletins = cast.BULLETINS[area]
    own = {bulletin.title: write_bulletin(stage, person, area, bulletin) for bulletin in bulletins}
    items.update(own)
    today = datetime.now(LOCAL).strftime("%d/%m/%Y")
    speech = tuple(f"item:{area}:{own[b.title]}" for b in bulletins if b.sort == "speech")
    plays = (*speech, f"series:{cast.PROVINCE}:{series}")
    for title, start in (("Chương trình buổi sáng", "05:30:00"), ("Chương trình buổi chiều", "17:00:00")):
        staff.add_slot(person, area, staff.SlotForm(title, start, "30", today, plays))
    music = [own[b.title] for b in bulletins if b.sort == "music"]
    staff.change_settings(person, area, reserve=music)
    staff.submit(person, area)
    stage.sign_all([CHAIRS[area]])


def write_bulletin(stage: Stage, person: Browser, area: str, bulletin: cast.Bulletin) -> str:
    fields = {"field": str(bulletin.field), "sort": bulletin.sort, **({"essential": "1"} if bulletin.essential else {})}
    if bulletin.sort == "music":
        item = staff.write_item(person, area, title=bulletin.title, text="", **fields)
        melody = record_melody(stage.folder / f"melody-{area[3:]}.wav", seconds=20)
        staff.expect(staff.upload_sound(person, item, melody), "upload music")
    else:
        item = write_spoken(stage, person, area, bulletin.title, bulletin.text, **fields)
    for language, text in bulletin.languages.items():
        recording = record_voice(text, stage.folder / f"{area[3:]}-{language}.wav")
        staff.expect(staff.upload_sound(person, item, recording, language=language), "upload a recording")
    staff.sounds_of(person, item, 1 + len(bulletin.languages))
    return item


def now_ms() -> int:
    return int(datetime.now(LOCAL).timestamp() * 1_000)
