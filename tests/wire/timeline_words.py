"""Reads the table of `test_timeline_cases`: programmes and plans in words that a commune officer uses.

ngày 20/12/2026                               the broadcast day
cụm 08/00694 tiếng vi,hmn nhãn cho            (or: bảng …) the endpoint, whose id is c1
tin xã a 10:00 [nhạc] [từ …] [đến …]          an item and its length; "vi 10:00 + hmn 12:00" gives two renditions
mời tỉnh x · rút tỉnh x · thứ tự x a          offers, withdrawn, the commune's order of priority items
loạt tỉnh thoi-su s1 s2 · dự phòng xã n1 n2   series, reserve set
khung xã 17:00 60p [ưu tiên] [đúng giờ] [mọi lúc] [cho …] [lặp …]: a, tỉnh/x, loạt tỉnh/thoi-su, dự phòng
ký 15/12/2026 · hết hạn xã 20/12/2026 17:30   issued (else 5 days before), play_until (else 30 days after)
chính sách xã giờ 06:00-20:00 | tin 10:00 | tiếng vi | ngoại lệ 20/12/2026 21:00-22:00
ngày lễ xã 20/12/2026-22/12/2026 [im] [thay] [bỏ nhạc] [cho …]     and its own slots: khung lễ xã …
tắt tiếng 17:05-17:20 · nguồn pin 25 · giờ không rõ
→ 17:00:00-17:10:00 a [hmn]                   what plays, and
✗ 17:10:00 b window_ended                     what does not (`khung` for a whole slot)
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from wire.content import Image, Item, Rendition, Sound, Text, Video
from wire.policy import Hours, Policy, QuietException, policy_in_force
from wire.programme import (
    Offers,
    Play,
    PlayItem,
    PlayRelay,
    PlayReserve,
    PlaySeries,
    Programme,
    Recurrence,
    Series,
    Slot,
    SpecialDay,
)
from wire.timeline import DayPlan, Endpoint, Mute, Power, Situation, TimeQuality, plan_day, suppress
from wire.units import DAY, MINUTE, SECOND, UtcTime, at_local, day_start, moment

PROVINCE, COMMUNE = "08", "08/00694"
AREAS = {"thôn": "08/00694/07", "xã": COMMUNE, "tỉnh": PROVINCE}
WEEKDAYS = {"T2": 1, "T3": 2, "T4": 3, "T5": 4, "T6": 5, "T7": 6, "CN": 7}


def to_day(text: str) -> date:
    day, month, year = map(int, text.split("/"))
    return date(year, month, day)


def clock_ms(text: str) -> int:
    hours, minutes, seconds = map(int, (text + ":00").split(":")[:3])
    return (hours * 60 + minutes) * MINUTE + seconds * SECOND


def length_ms(text: str) -> int:
    minutes, seconds = map(int, text.split(":"))
    return minutes * MINUTE + seconds * SECOND


def instant(text: str) -> UtcTime:
    day, clock = text.split()
    return at_local(to_day(day), clock_ms(clock))


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def sound(ident: str, language: str, ms: int) -> Sound:
    return Sound(language=language, sha256=sha(f"{ident}-{language}"), size=1_000, duration_ms=ms)


@dataclass
class Story:
    """One case: what is given, and the plan that it must give."""

    slug: str
    title: str
    day: date = date(2026, 12, 20)
    endpoint: Endpoint = field(default_factory=lambda: Endpoint(COMMUNE, "c1"))
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    policies: list[Policy] = field(default_factory=list)
    mutes: list[Mute] = field(default_factory=list)
    power: Power = field(default_factory=Power.mains)
    quality: TimeQuality = TimeQuality.SYNCED
    plays: list[str] = field(default_factory=list)
    omissions: list[str] = field(default_factory=list)

    signed: date | None = None

    @property
    def issued(self) -> UtcTime:
        return day_start(self.signed or self.day - timedelta(days=5))

    def area(self, word: str) -> dict[str, Any]:
        empty = {"items": [], "slots": [], "order": [], "withdrawn": [], "offers": [], "series": [], "reserve": [],
                 "special": [], "special_slots": [], "play_until": None}  # fmt: skip
        return self.parts.setdefault(AREAS[word], empty)

    def situation(self) -> Situation:
        programmes = tuple(self._programme(area, parts) for area, parts in self.parts.items())
        return Situation(programmes, tuple(self.policies), self.endpoint, tuple(self.mutes))

    def plan(self) -> DayPlan:
        plan = plan_day(self.situation(), self.day)
        policy = policy_in_force(self.policies, self.endpoint.area)
        return suppress(plan, policy, self.power, self.quality)

    def _programme(self, area: str, parts: dict[str, Any]) -> Programme:
        special = [
            SpecialDay(id="le", title="Ngày lễ", slots=parts["special_slots"], **days) for days in parts["special"]
        ]
        return Programme(
            area=area, issued=self.issued, play_until=parts["play_until"] or UtcTime(self.issued + 30 * DAY),
            items=parts["items"], slots=parts["slots"],
            offers=Offers(parts["offers"], parts["series"]), order=parts["order"], withdrawn=parts["withdrawn"],
            reserve=parts["reserve"], special_days=special,
        )  # fmt: skip


def stories(table: str) -> list[Story]:
    """Cases are parted by lines `== slug | sentence`."""
    found: list[Story] = []
    for line in filter(None, (raw.strip() for raw in table.splitlines())):
        if line.startswith("== "):
            slug, title = line[3:].split(" | ")
            found.append(Story(slug, title))
        else:
            _read(found[-1], line)
    return found


def told(plan: DayPlan) -> tuple[list[str], list[str]]:
    """A plan in the words of the table."""

    def clock(at: UtcTime) -> str:
        return moment(at).strftime("%H:%M:%S")

    def name(what: str, language: str) -> str:
        return what if language in ("", "vi") else f"{what} {language}"

    plays = [
        f"{clock(p.start)}-{clock(p.end)} {name(p.item or p.source, p.rendition.language if p.rendition else '')}"
        for p in plan.plays
    ]
    omissions = [
        f"{clock(o.at)} {name(o.item or o.series or 'khung', o.language)} {o.why.code}" for o in plan.omissions
    ]
    return plays, omissions


def _read(story: Story, line: str) -> None:
    for start, read in _READERS.items():
        if line.startswith(start + " "):
            read(story, line[len(start) + 1 :])
            return
    raise ValueError(f"no such line: {line}")


def _endpoint(story: Story, text: str, kind: str) -> None:
    area = text.split(maxsplit=1)[0]
    languages = _after(text, "tiếng") or "vi"
    tags = _after(text, "nhãn") or ""
    story.endpoint = Endpoint(
        area, "c1", "board" if kind == "board" else "loudspeaker",
        frozenset(filter(None, tags.split(","))), tuple(languages.split(",")),
    )  # fmt: skip


def _item(story: Story, text: str) -> None:
    area, ident, rest = text.split(" ", 2)
    since, until = _after(rest, "từ", 2), _after(rest, "đến", 2)
    bounds = {"valid_from": instant(since) if since else UtcTime(0), "valid_until": instant(until) if until else None}
    sort = "music" if "nhạc" in rest else "entertainment" if "giải trí" in rest else "speech"
    story.area(area)["items"].append(
        Item(id=ident, title=ident, sort=sort, renditions=_renditions(ident, rest), **bounds)
    )


def _renditions(ident: str, text: str) -> list[Rendition]:
    found: list[Rendition] = []
    blob = {"sha256": sha(ident), "size": 1_000}
    for part in text.split(" + "):
        language = _first(r"^(vi|hmn|tyz)\b", part) or "vi"
        length = re.search(r"(?<![\d/] )\b(\d\d:\d\d)\b", part)
        if "ảnh" in part:
            found.append(Image(language=language, width_px=800, height_px=600, **blob))
        elif "chữ" in part:
            found.append(Text(language=language, text="chữ " * int(_after(part, "chữ") or "1")))
        elif "phim" in part and length:
            found.append(Video(language=language, width_px=8, height_px=6, duration_ms=length_ms(length[1]), **blob))
        elif length:
            found.append(sound(ident, language, length_ms(length[1])))
    return found


def _slot(story: Story, text: str, where: str = "slots") -> None:
    head, content = text.split(": ", 1)
    area, start, length = head.split()[:3]
    slots = story.area(area)[where]
    targets = _first(r" cho (\S+)", head)
    slots.append(
        Slot(
            id=f"{'l' if where != 'slots' else 'k'}{len(slots) + 1}", title=head, start_ms=clock_ms(start),
            length_ms=int(length.rstrip("p")) * MINUTE, when=recurrence(story.day, head),
            plays=[_play(area, name) for name in content.split(", ")], priority="ưu tiên" in head,
            fixed="đúng giờ" in head, any_time="mọi lúc" in head, targets=targets.split(",") if targets else ["*"],
        )
    )  # fmt: skip


def recurrence(day: date, head: str) -> Recurrence:
    """`lặp T2,T5` · `lặp ngày 31,-1` · `cách 2 tuần` · `từ …` · `đến …` · `trừ …` · `riêng …`; else daily."""
    first = _after(head, "từ")
    until, skipped, only = _after(head, "đến"), _after(head, "trừ"), _after(head, "riêng")
    weekdays = _first(r"lặp ((?:T\d|CN)(?:,(?:T\d|CN))*)", head)
    month_days = _first(r"lặp ngày (-?\d+(?:,-?\d+)*)", head)
    every = re.search(r"cách (\d+) (ngày|tuần|tháng)", head)
    freq = "weekly" if weekdays else "monthly" if month_days else "none" if only else "daily"
    if every:
        freq = {"ngày": "daily", "tuần": "weekly", "tháng": "monthly"}[every[2]]
    return Recurrence(
        first=(to_day(first) if first else day - timedelta(days=3)).isoformat(), freq=freq,
        interval=int(every[1]) if every else 1,
        weekdays=[WEEKDAYS[name] for name in weekdays.split(",")] if weekdays else [],
        month_days=[int(name) for name in month_days.split(",")] if month_days else [],
        until=to_day(until).isoformat() if until else None,
        exceptions=[to_day(name).isoformat() for name in skipped.split(",")] if skipped else [],
        dates=[to_day(name).isoformat() for name in only.split(",")] if only else [],
    )  # fmt: skip


def _play(area: str, text: str) -> Play:
    if text == "dự phòng":
        return PlayReserve()
    if text.startswith("tiếp sóng "):
        return PlayRelay(url="https://vov.vn/phat", duration_ms=int(text.split()[2].rstrip("p")) * MINUTE)
    word, _, name = text.removeprefix("loạt ").rpartition("/")
    source = AREAS.get(word or area, word)
    if text.startswith("loạt "):
        return PlaySeries(area=source, series=name)
    ident, _, digest = name.partition("#")
    return PlayItem(area=source, item=ident, digest=sha(digest) if digest else None)


def _policy(story: Story, text: str) -> None:
    area = AREAS[text.split(maxsplit=1)[0]]
    hours, longest, languages = _after(text, "giờ"), _after(text, "tin"), _after(text, "tiếng")
    exception = _after(text, "ngoại lệ", 2)
    changes: dict[str, Any] = {"hours": [_hours(hours)]} if hours else {}
    if longest:
        changes["max_item_ms"] = length_ms(longest)
    if languages:
        changes["languages"] = languages.split(",")
    if exception:
        day, stretch = exception.split()
        where = [_after(text, "ở") or COMMUNE]
        changes["exceptions"] = [QuietException(to_day(day).isoformat(), _hours(stretch), where, "Thử")]
    story.policies.append(Policy(area=area, issued=story.issued, **changes))


def _hours(text: str) -> Hours:
    start, end = text.split("-")
    return Hours(clock_ms(start), clock_ms(end))


def _special(story: Story, text: str) -> None:
    area, days = text.split()[:2]
    first, last = days.split("-")
    targets = _first(r" cho (\S+)", text)
    days = {"first": to_day(first).isoformat(), "last": to_day(last).isoformat(), "mute": " im" in text,
            "replace": " thay" in text, "drop": ["music"] if "bỏ nhạc" in text else [],
            "targets": targets.split(",") if targets else ["*"]}  # fmt: skip
    story.area(area)["special"].append(days)


def _mute(story: Story, text: str) -> None:
    start, end = text.split("-")
    story.mutes.append(Mute(at_local(story.day, clock_ms(start)), at_local(story.day, clock_ms(end))))


def _series(story: Story, text: str) -> None:
    area, ident, *items = text.split()
    story.area(area)["series"].append(Series(id=ident, title=ident, items=items))


def _extend(key: str) -> Any:
    def read(story: Story, text: str) -> None:
        area, *idents = text.split()
        story.area(area)[key] += idents

    return read


def _order(story: Story, text: str) -> None:
    story.area("xã")["order"] += text.split()


def _set(name: str, value: Any) -> Any:
    return lambda story, text: setattr(story, name, value(text))


def _until(story: Story, text: str) -> None:
    area, when = text.split(" ", 1)
    story.area(area)["play_until"] = instant(when)


def _after(text: str, word: str, count: int = 1) -> str | None:
    """The `count` words that follow a word."""
    return _first(rf"(?:^|\s){word}((?: [^\s:]+(?::\d\d)*(?:-[\d:]+)?){{{count}}})", text)


def _first(pattern: str, text: str) -> str | None:
    found = re.search(pattern, text)
    return found[1].strip() if found else None


_READERS: dict[str, Any] = {
    "→": lambda story, text: story.plays.append(text),
    "✗": lambda story, text: story.omissions.append(text),
    "ngày lễ": _special,
    "ngày": _set("day", to_day),
    "cụm": lambda story, text: _endpoint(story, text, "loudspeaker"),
    "bảng": lambda story, text: _endpoint(story, text, "board"),
    "tin": _item,
    "mời": _extend("offers"),
    "rút": _extend("withdrawn"),
    "dự phòng": _extend("reserve"),
    "thứ tự": _order,
    "loạt": _series,
    "khung lễ": lambda story, text: _slot(story, text, "special_slots"),
    "khung": _slot,
    "hết hạn": _until,
    "ký": _set("signed", to_day),
    "chính sách": _policy,
    "tắt tiếng": _mute,
    "nguồn pin": _set("power", lambda text: Power.battery(int(text))),
    "giờ không": _set("quality", lambda _: TimeQuality.FLOOR_ONLY),
}
