"""What a device writes to a stick: its signed log, and a status that people read, in Vietnamese and without jargon."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.files import write_atomic
from wire.timeline import TimeQuality
from wire.units import UtcTime, moment

LOG_SUFFIX: Final = ".log"
STATUS_SUFFIX: Final = "-trang-thai.txt"

QUALITY: Final = {
    TimeQuality.SYNCED: "đúng (đã đồng bộ)",
    TimeQuality.RTC: "đúng (đồng hồ chạy pin)",
    TimeQuality.SAME_BOOT: "đúng từ lần bật máy này",
    TimeQuality.FLOOR_ONLY: "CHƯA CÓ GIỜ: chỉ phát tin khẩn cấp",
}
REASONS: Final = {
    "expired": "đã quá hạn ký",
    "out_of_date": "cũ hơn bản đang có",
    "bad_signature": "chữ ký không đúng",
    "unknown_key": "khoá ký lạ",
    "not_allowed": "người ký không có quyền ở đây",
    "malformed": "nội dung hỏng",
    "unknown_kind": "loại mới, máy này chưa hiểu",
    "missing": "gói thiếu tệp này",
    "gone": "không còn được phát hành",
    "revoked": "khoá ký đã bị thu hồi",
    "moved": "không còn thuộc nơi đặt máy",
}


@dataclass(frozen=True)
class Visit:
    """What came of one stick."""

    device: str
    area: str
    cluster: str
    now: UtcTime
    quality: TimeQuality
    bundle: str
    supplied_until: UtcTime
    taken: list[str]
    refused: list[tuple[str, str, str]]
    """What, code, detail."""
    missing: int = 0
    """Sounds that are still not here."""
    error: str = ""
    """Why the bundle was not taken at all, in English for the technician; empty if it was."""


def write_log(folder: Path, device: str, batches: Iterable[bytes]) -> int:
    """Write `<device>.log`, one signed batch a line; how many. Raises StoreError."""
    lines = list(batches)
    write_atomic(folder / f"{device}{LOG_SUFFIX}", b"".join(line + b"\n" for line in lines))
    return len(lines)


def write_status(folder: Path, visit: Visit) -> None:
    """Write `<device>-trang-thai.txt`. Raises StoreError."""
    text = "\r\n".join(_lines(visit)) + "\r\n"
    write_atomic(folder / f"{visit.device}{STATUS_SUFFIX}", b"\xef\xbb\xbf" + text.encode())


def _lines(visit: Visit) -> list[str]:
    place = f"{visit.cluster} ({visit.area})" if visit.cluster else "chưa được đặt ở cụm nào"
    lines = [
        f"Máy: {visit.device}",
        f"Cụm loa: {place}",
        f"Lúc: {_said(visit.now)}; giờ của máy: {QUALITY[visit.quality]}",
        f"Gói: {visit.bundle}",
    ]
    if visit.error:
        lines += ["KHÔNG NHẬN gói này. Máy vẫn phát chương trình đang có.", f"Lý do: {visit.error}"]
    lines += [f"ĐỦ NỘI DUNG ĐẾN: {_said(visit.supplied_until)}"]
    if visit.missing:
        lines += [f"Còn thiếu {visit.missing} tệp âm thanh; chương trình cũ vẫn phát."]
    lines += ["Đã nhận:", *(f"  - {what}" for what in visit.taken)] if visit.taken else ["Không có gì mới."]
    if visit.refused:
        lines += ["Không nhận:"]
        lines += [f"  - {what}: {REASONS.get(code, code)} ({detail})" for what, code, detail in visit.refused]
    return [*lines, f"Nhật ký phát: {visit.device}{LOG_SUFFIX} (nộp ở trang Gói USB)"]


def _said(instant: UtcTime) -> str:
    return f"{moment(instant):%H:%M ngày %d/%m/%Y}"
