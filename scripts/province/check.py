"""`scripts/demo --check`: the story of the README, unattended, by the pages and interfaces that people use.

Slots are placed seconds ahead by the form that staff use; nothing but the power cut fakes the time.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from scripts.province import cast, observer, peopling, staff
from scripts.province.browser import Browser
from scripts.province.check_alert import tell_alerts
from scripts.province.peopling import CHAIRS, PART_TIMERS, PROVINCE_EDITOR, Peopled
from scripts.province.processes import DemoError, program, wait_for
from scripts.province.processes import run as run_command
from scripts.province.recordings import record_melody
from scripts.province.settings import after_power_cut, device_settings, on_battery, write_settings
from scripts.province.stage import Stage
from scripts.province.story import Story, must
from wire.units import LOCAL

FIRST_IN_S = 16
SECOND_AFTER_S = 22
SLOT_LIMIT_S = 30
PLAN_DAYS = 14
DAY_END_HOUR = 3
STORY_S = 300
LATEST_START_MS = 120
BY_NAME = {one.device: one for one in cast.LOUDSPEAKERS}
VALLEY_ONE, VALLEY_TWO, ON_BATTERY, MONG, CARRIED = (
    "loa-tantrao-01", "loa-tantrao-02", "loa-dongvan-01", "loa-dongvan-02", "loa-dongvan-03",
)  # fmt: skip


@dataclass
class Scene:
    """What one step leaves for the next."""

    stage: Stage
    peopled: Peopled
    first: datetime = field(default_factory=lambda: datetime.now(LOCAL))
    second: datetime = field(default_factory=lambda: datetime.now(LOCAL))
    items: dict[str, str] = field(default_factory=dict)
    taken: int = 0


def run(stage: Stage) -> int:
    """Play the story; the exit status. Children are ended by the caller."""
    _keep_clear_of_day_end()
    story = Story()
    try:
        _tell(story, stage)
    except DemoError as error:
        print(f"loa demo: {error}", flush=True)
    return story.end()


def _tell(story: Story, stage: Stage) -> None:
    scene = story.need("a province is set up, its placements, policy and programmes signed", lambda: _set_up(stage))
    person = stage.staff(PART_TIMERS[cast.VALLEY])
    story.step("text renamed .mp3 is refused with its reason, nothing stored", lambda: _refuse_rubbish(scene, person))
    story.need("staff writes a bulletin, has it spoken, uploads another", lambda: _write(scene, person))
    story.need("the cluster without coverage is fed by one file", lambda: _carry(scene))
    story.step("with the chair absent, the next provincial bulletin comes by stick", lambda: _carry_next(scene))
    story.step(f"cut off, it plans {PLAN_DAYS} days as the hub previews them", lambda: _same_plan(scene))
    story.need("staff puts them on the programme, and sees what will play and why", lambda: _plan(scene, person))
    story.step("the author is offered nothing to sign", lambda: _author_cannot_sign(scene))
    story.step("what changed since it was shown is not signed", lambda: _changed_is_not_signed(scene, person))
    story.need("a different person signs in the approval app", lambda: _approve(scene))
    story.step("the commune's loudspeakers hold it, and no others", lambda: _held_there_alone(scene))
    stage.kill_hub()
    story.step("hub and broker killed: the slot plays on its second, gaplessly", lambda: _plays_alone(scene))
    story.step("kill -9 during play: it resumes where the programme is, repeats nothing", lambda: _resumed(scene))
    _cut_power(scene)
    story.step("power cut, clock at 1970, with a battery clock: plays on time", lambda: _plays_by_rtc(scene))
    story.step("the same without a battery clock: silent, and says why", lambda: _silent_without_time(scene))
    story.step("two recordings of one item play in the cluster's languages", lambda: _two_languages(scene))
    story.step("on battery below 30 % the programme is silent, and says why", lambda: _silent_on_battery(scene))
    story.step("the carried cluster plays, and writes its signed log to the stick", lambda: _carried_plays(scene))
    story.need("hub and broker return, and every row arrives once", lambda: _rows_arrive(scene))
    story.step("the stick's log is taken in exactly once", lambda: _log_once(scene))
    story.step("the page shows what a loudspeaker played, and when", lambda: _page_shows(scene, person))
    tell_alerts(story, stage)


# -- before the network dies -------------------------------------------------------------------------------------


def _set_up(stage: Stage) -> Scene:
    stage.make()
    stage.make_devices(cast.LOUDSPEAKERS, lambda one: write_settings(_settings(stage, one)))
    stage.start_hub()
    stage.start_station()
    peopled = peopling.people(stage)
    for one in cast.LOUDSPEAKERS:
        stage.start_device(one.device)
    return Scene(stage, peopled)


def _settings(stage: Stage, one: cast.Loudspeaker) -> dict[str, Any]:
    settings = device_settings(stage, one)
    return on_battery(settings, stage.device_dir(one.device), 22) if one.device == ON_BATTERY else settings


def _refuse_rubbish(scene: Scene, person: Browser) -> None:
    text = scene.stage.folder / "not-a-sound.mp3"
    text.write_text("Đây là văn bản, không phải âm thanh.\n" * 40)
    item = staff.write_item(person, cast.VALLEY, title="Tệp hỏng", text="")
    answer = staff.upload_sound(person, item, text)
    sounds = person.get(f"/items/{item}/sounds", headers={"Accept": "application/json"}).data()
    said = [job["message"] for job in sounds["jobs"] if job["message"]]
    must(answer.status >= 400 or said, "the upload was not refused")
    must(not sounds["sounds"], "something of it was stored")


def _write(scene: Scene, person: Browser) -> None:
    spoken = peopling.write_spoken(
        scene.stage, person, cast.VALLEY, "Họp thôn tối nay", "19h00 tối nay, mời bà con họp tại nhà văn hóa thôn."
    )
    music = staff.write_item(person, cast.VALLEY, title="Nhạc kết", text="", sort="music")
    melody = record_melody(scene.stage.folder / "closing.wav", seconds=6)
    staff.expect(staff.upload_sound(person, music, melody, shown_name="Nhạc kết 'số 1' 🎵.wav"), "upload a recording")
    staff.sounds_of(person, music)
    scene.items = {"spoken": spoken, "music": music}


def _plan(scene: Scene, person: Browser) -> None:
    scene.first = _second(datetime.now(LOCAL) + timedelta(seconds=FIRST_IN_S))
    scene.second = scene.first + timedelta(seconds=SECOND_AFTER_S)
    own = tuple(f"item:{cast.VALLEY}:{scene.items[name]}" for name in ("spoken", "music"))
    series = f"series:{cast.PROVINCE}:{scene.peopled.series}"
    staff.add_slot(person, cast.VALLEY, _slot("Thông báo của thôn", scene.first, own))
    staff.add_slot(person, cast.VALLEY, _slot("Bản tin tỉnh", scene.second, (series,)))
    staff.submit(person, cast.VALLEY)
    corn = f"item:{cast.MOUNTAIN}:{scene.peopled.items[cast.CORN_SEED.title]}"
    mountain = scene.stage.staff(PART_TIMERS[cast.MOUNTAIN])
    staff.add_slot(mountain, cast.MOUNTAIN, _slot("Tin của xã", scene.second, (corn, series)))
    staff.submit(mountain, cast.MOUNTAIN)
    day = _broadcast_day(scene.first)
    draft = person.get(
        f"/schedules/preview?cluster=cl-02545-01&day={day}&source=draft", headers={"Accept": "application/json"}
    )
    planned = [play for play in draft.data()["plays"] if play["start"] == _ms(scene.first)]
    must(len(planned) == 1 and planned[0]["item"] == scene.items["spoken"], "the preview does not show the bulletin")
    must(planned[0]["why"][0]["text"], "the preview does not say why")


def _author_cannot_sign(scene: Scene) -> None:
    must(not scene.stage.approver(PART_TIMERS[cast.VALLEY]).pending(), "the author may sign")


def _changed_is_not_signed(scene: Scene, person: Browser) -> None:
    chair = scene.stage.approver(CHAIRS[cast.VALLEY])
    waiting = next(one for one in chair.pending() if one["kind"] == "programme")
    shown = chair.look(str(waiting["id"]))
    staff.change_settings(person, cast.VALLEY, reserve=[scene.items["music"]])
    staff.submit(person, cast.VALLEY)
    answer = chair.sign(str(waiting["id"]), shown["digest"])
    must(answer.status == 409, f"a signature for what is gone was answered {answer.status}")


def _approve(scene: Scene) -> None:
    for chair in CHAIRS.values():
        must(scene.stage.approver(chair).sign_all("programme") == 1, f"{chair} had not one programme to sign")


def _held_there_alone(scene: Scene) -> None:
    stage = scene.stage
    for device in (VALLEY_ONE, VALLEY_TWO):
        observer.wait_said(
            stage, device, lambda s: s["versions"].get("c02545") == 2 and not s["missing"], "the programme"
        )
    observer.wait_said(stage, MONG, lambda s: s["versions"].get("c00721") == 2, "its own programme")
    must("c02545" not in observer.status(stage, MONG)["roles"], f"{MONG} fetched the other commune's programme")
    names = {path.name for path in (stage.device_dir(MONG) / "blobs").rglob("*") if path.is_file()}
    sounds = staff.sounds_of(stage.staff(PART_TIMERS[cast.VALLEY]), scene.items["spoken"])
    must(sounds[0]["sha256"] not in names, f"{MONG} holds the other commune's sound")
    _bundle(scene, "khung-gio-moi.loab")
    observer.wait_said(
        stage, CARRIED, lambda s: s["versions"].get("c00721") == 2 and not s["missing"], "a newer bundle"
    )


def _carry(scene: Scene) -> None:
    _bundle(scene, "tuan-nay.loab")
    observer.wait_said(
        scene.stage, CARRIED, lambda s: s["versions"].get("c00721") == 1 and not s["missing"], "the bundle"
    )
    told = scene.stage.stick_dir / f"{CARRIED}-trang-thai.txt"
    wait_for(lambda: told.exists() and "/20" in told.read_text("utf-8-sig"), "until when the cluster is supplied")


def _carry_next(scene: Scene) -> None:
    stage, day = scene.stage, datetime.now(LOCAL).date() + timedelta(days=peopling.SERIES_DAYS)
    editor = stage.staff(PROVINCE_EDITOR)
    shown = day.strftime("%d/%m/%Y")
    item = peopling.add_daily_bulletin(stage, editor, scene.peopled.series, shown, dict(scene.peopled.items))
    staff.submit(editor, cast.PROVINCE)
    stage.sign_all(peopling.PROVINCE_APPROVERS, "programme")
    _bundle(scene, "them-ban-tin.loab")

    def planned() -> bool:
        plan = observer.plan(stage, CARRIED, days=peopling.SERIES_DAYS + 2)
        return any(play["item"] == item and play["here"] for play in plan["plays"])

    wait_for(planned, f"{CARRIED} to plan the bulletin of {shown}", limit_s=60, every_s=0.3)


def _bundle(scene: Scene, name: str) -> None:
    stage = scene.stage
    stage.stick_dir.mkdir(exist_ok=True)
    run_command(program("loa-provision"), "bundle", "--hub", stage.hub_url, "--root", stage.trust_dir / "root.json",
        "--device", CARRIED, "--area", cast.MOUNTAIN, "--out", stage.stick_dir / name,
        "--cache", stage.folder / "bundle-cache")  # fmt: skip


def _same_plan(scene: Scene) -> None:
    plan = observer.plan(scene.stage, CARRIED, days=PLAN_DAYS)
    person = scene.stage.staff(PART_TIMERS[cast.MOUNTAIN])
    first = datetime.fromisoformat(plan["first"]).date()
    days = [(first + timedelta(days=n)).isoformat() for n in range(PLAN_DAYS)]
    here = {day: [play["key"] for play in plan["plays"] if play["day"] == day] for day in days}
    there = {day: [play["key"] for play in staff.preview(person, "cl-00721-03", day)["plays"]] for day in days}
    differ = [day for day in days if here[day] != there[day]]
    must(not differ, f"device and hub differ on {differ}")
    must(all(here.values()), "a day without any play")


# -- without hub and broker --------------------------------------------------------------------------------------


def _plays_alone(scene: Scene) -> None:
    stage, second = scene.stage, BY_NAME[VALLEY_TWO].device
    _wait_until(scene.first + timedelta(seconds=2))
    observer.wait_said(stage, VALLEY_ONE, lambda s: s["sounding"], "sound in its slot", limit_s=3)
    stage.processes.kill_parent(second)
    stage.start_device(second)
    plays = _when_played(scene, VALLEY_ONE, scene.first, 2)
    must([play["item"] for play in plays] == [scene.items["spoken"], scene.items["music"]], f"it played {_told(plays)}")
    late = plays[0]["started"] - _ms(scene.first)
    must(abs(late) <= LATEST_START_MS, f"it began {late} ms beside its second")
    must(plays[1]["started"] == plays[0]["ended"], f"{plays[1]['started'] - plays[0]['ended']} ms between two items")
    must(all(play["complete"] for play in plays), "an item was not complete")
    must(observer.loudest(stage, VALLEY_ONE) > 0.05, "its WAV file is silent")


def _resumed(scene: Scene) -> None:
    """Whatever it played, it played where the undisturbed neighbour was, up to the end, and nothing of it twice."""
    plays, whole = _when_played(scene, VALLEY_TWO, scene.first, 2), _plays(scene, VALLEY_ONE, scene.first)
    begins = {play["item"]: play["started"] for play in whole}
    must(len(plays) >= 2, f"it played {_told(plays)}")
    for play in plays:
        late = play["offset_ms"] - (play["started"] - begins[play["item"]])
        must(abs(late) <= LATEST_START_MS, f"{play['title']} was {late} ms beside its place")
    must(any(play["offset_ms"] > LATEST_START_MS for play in plays), "nothing was resumed in the middle")
    must(abs(plays[-1]["ended"] - whole[-1]["ended"]) <= LATEST_START_MS, "it did not end with its neighbour")
    ends = [play["ended"] or play["started"] for play in plays]
    must(all(end <= after["started"] for end, after in zip(ends, plays[1:], strict=False)), "something sounded twice")


def _cut_power(scene: Scene) -> None:
    stage = scene.stage
    for device, rtc in ((VALLEY_ONE, str(stage.rtc_path)), (VALLEY_TWO, "")):
        stage.processes.kill(device)
        settings = device_settings(stage, BY_NAME[device])
        stage.configure(device, write_settings(after_power_cut(settings, now_s=time.time(), rtc=rtc)))
        stage.start_device(device)


def _plays_by_rtc(scene: Scene) -> None:
    plays = _when_played(scene, VALLEY_ONE, scene.second, 1)
    must(len(plays) == 1 and plays[0]["complete"], f"it played {_told(plays)}")
    late = abs(plays[0]["started"] - _ms(scene.second))
    must(late <= 1_000, f"it began {late} ms beside its second")


def _silent_without_time(scene: Scene) -> None:
    status = observer.status(scene.stage, VALLEY_TWO)
    must(status["time_quality"] == "floor_only" and "no_time" in status["faults"], f"it says {status['time_quality']}")
    must(not _plays(scene, VALLEY_TWO, scene.second), "it played without knowing the time")
    said = [row["detail"] for row in observer.rows(scene.stage, VALLEY_TWO) if "no_time" in row["detail"]]
    must(said, "its log does not say why")


def _two_languages(scene: Scene) -> None:
    plays = _when_played(scene, MONG, scene.second, 2)
    corn = scene.peopled.items[cast.CORN_SEED.title]
    sounds = [play["sha256"] for play in plays if play["item"] == corn]
    must(len(sounds) == 2 and sounds[0] != sounds[1], f"it played {_told(plays)}")


def _silent_on_battery(scene: Scene) -> None:
    must(not _plays(scene, ON_BATTERY, scene.second), "it played on an empty battery")
    omitted = [row for row in observer.rows(scene.stage, ON_BATTERY) if row["kind"] == "omitted"]
    must(any("battery" in row["detail"] for row in omitted), f"it says {[row['detail'] for row in omitted]}")


def _carried_plays(scene: Scene) -> None:
    plays = _when_played(scene, CARRIED, scene.second, 2)
    must(len(plays) >= 2 and all(play["complete"] for play in plays), f"it played {_told(plays)}")
    _wait_log_on_stick(scene)


def _wait_log_on_stick(scene: Scene) -> None:
    """The stick comes back: whatever was logged meanwhile is written to it."""
    stick = scene.stage.stick_dir
    (stick / "tuan-nay.loab").rename(stick / "lai-den.loab")
    log = stick / f"{CARRIED}.log"
    last = observer.status(scene.stage, CARRIED)["last_seq"]
    wait_for(lambda: log.exists() and log.stat().st_mtime > time.time() - 20 and last > 0, "the log on the stick")


# -- hub and broker return ---------------------------------------------------------------------------------------


def _rows_arrive(scene: Scene) -> None:
    stage = scene.stage
    stage.start_hub()
    for device in (VALLEY_ONE, VALLEY_TWO):
        stage.processes.stop(device)
        stage.configure(device, write_settings(_settings(stage, BY_NAME[device])))
        stage.start_device(device)
    for device in (VALLEY_ONE, VALLEY_TWO, ON_BATTERY, MONG):
        wait_for(lambda d=device: _is_logged(stage, d), f"all rows of {device}", limit_s=60, every_s=0.5)


def _is_logged(stage: Stage, device: str) -> bool:
    status = observer.status(stage, device)
    return bool(status["logged_seq"] == status["last_seq"])


def _log_once(scene: Scene) -> None:
    path = scene.stage.stick_dir / f"{CARRIED}.log"
    first = _submit_log(scene, path)
    again = _submit_log(scene, path)
    must("0 new" not in first and "0 new" in again, f"first: {first}; again: {again}")


def _submit_log(scene: Scene, path: Path) -> str:
    return run_command(
        program("loa-provision"), "bundle", "--language", "en", "submit", path, "--hub", scene.stage.hub_url
    )


def _page_shows(scene: Scene, person: Browser) -> None:
    page = staff.expect(person.get("/devices/cl-02545-01"), "open the cluster's page")
    must("Họp thôn tối nay" in page.text, "the bulletin is not in the play log")
    must(scene.first.strftime("%H:%M:%S") in page.text or scene.first.strftime("%H:%M") in page.text, "nor its time")


# -- helpers -----------------------------------------------------------------------------------------------------


def _slot(title: str, start: datetime, plays: tuple[str, ...]) -> staff.SlotForm:
    first = _broadcast_day(start)
    shown = f"{first[8:]}/{first[5:7]}/{first[:4]}" if start.hour >= DAY_END_HOUR else start.strftime("%d/%m/%Y")
    return staff.SlotForm(title, start.strftime("%H:%M:%S"), "1", shown, plays)


def _plays(scene: Scene, device: str, start: datetime) -> list[dict[str, Any]]:
    """What a loudspeaker has played of a slot, until the next slot of the story."""
    until = _ms(start) + SECOND_AFTER_S * 1_000 - 500
    found = observer.plays_of(scene.stage, device, since=_ms(start) - 1_500)
    return [play for play in found if play["started"] < until]


def _when_played(scene: Scene, device: str, start: datetime, count: int) -> list[dict[str, Any]]:
    """The same, when `count` sounds have ended; what there is when they take too long."""
    _wait_until(start)
    deadline = datetime.now(LOCAL) + timedelta(seconds=SLOT_LIMIT_S)
    plays: list[dict[str, Any]] = []
    while sum(1 for play in plays if play["ended"]) < count and datetime.now(LOCAL) < deadline:
        time.sleep(0.5)
        plays = _plays(scene, device, start)
    return plays


def _told(plays: list[dict[str, Any]]) -> list[str]:
    return [f"{p['title']} from {p['offset_ms']} ms {'whole' if p['complete'] else 'cut'}" for p in plays]


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000)


def _broadcast_day(moment: datetime) -> str:
    return (moment - timedelta(hours=DAY_END_HOUR)).date().isoformat()


def _wait_until(moment: datetime) -> None:
    time.sleep(max(0.0, moment.timestamp() - time.time()))


def _keep_clear_of_day_end() -> None:
    """The broadcast day ends at 03:00: a story that would straddle it waits."""
    now = datetime.now(LOCAL)
    end = now.replace(hour=DAY_END_HOUR, minute=0, second=0, microsecond=0)
    if 0 < (end - now).total_seconds() < STORY_S:
        print("waiting for the end of the broadcast day at 03:00 …", flush=True)
        _wait_until(end + timedelta(seconds=1))
