"""Who lives in the demo's province: people, hamlets, clusters. Data only; `peopling` brings them to life.

Communes and codes are real (Tuyên Quang, 2025); people, hamlets' figures and devices are invented.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

PROVINCE = "08"
VALLEY = "08/02545"  # xã Tân Trào
MOUNTAIN = "08/00721"  # xã Đồng Văn


@dataclass(frozen=True)
class Hamlet:
    area: str
    name: str
    households: int
    languages: tuple[str, ...]


@dataclass(frozen=True)
class Person:
    """`roles` are rights on the hub (role at area); `keys` are trust roles that the person's key file holds."""

    username: str
    name: str
    job: str
    roles: tuple[tuple[str, str], ...] = ()
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Loudspeaker:
    device: str
    cluster: str
    name: str
    area: str
    languages: tuple[str, ...] = ("vi",)
    online: bool = True
    output: str = "wav"
    lat: float = 0.0
    lon: float = 0.0
    note: str = ""


HAMLETS = (
    Hamlet(f"{VALLEY}/01", "Thôn Tân Lập", 162, ("vi", "tyz")),
    Hamlet(f"{VALLEY}/02", "Thôn Bòng", 118, ("vi", "tyz")),
    Hamlet(f"{VALLEY}/03", "Thôn Cả", 94, ("vi",)),
    Hamlet(f"{MOUNTAIN}/01", "Tổ dân phố 1", 205, ("vi",)),
    Hamlet(f"{MOUNTAIN}/02", "Thôn Má Lé", 87, ("vi", "hmn")),
    Hamlet(f"{MOUNTAIN}/03", "Thôn Lùng Thàng", 41, ("vi", "hmn")),
)


def _commune_people(area: str, slug: str, names: tuple[str, str, str, str]) -> tuple[Person, ...]:
    code = area.rsplit("/", 1)[-1]
    part_timer, chair, deputy, head = names
    rights = (("approver", area), ("officer", area))
    keys = (f"c{code}", f"ea{code}", f"ef{code}", f"ed{code}")
    head_keys = (f"v{code}-02", f"ea{code}", f"ed{code}")
    return (
        Person(f"vanhoa-{slug}", part_timer, "Công chức văn hóa – xã hội", (("editor", area),)),
        Person(f"chutich-{slug}", chair, "Chủ tịch UBND xã", rights, keys),
        Person(f"phochutich-{slug}", deputy, "Phó Chủ tịch UBND xã", rights, keys),
        Person(f"truongthon-{slug}", head, "Trưởng thôn", (("viewer", f"{area}/02"),), head_keys),
    )


PROVINCE_KEYS = ("p08", "tpl", "sw", "root", "targets", "ea08", "ef08", "ed08")


def _province_person(username: str, name: str, job: str) -> Person:
    return Person(username, name, job, (("approver", PROVINCE), ("officer", PROVINCE)), PROVINCE_KEYS)


PEOPLE = (
    Person("bientap-tinh", "Nguyễn Thu Hà", "Biên tập viên Sở VHTTDL", (("editor", PROVINCE),)),
    _province_person("giamdoc-so", "Hoàng Văn Thắng", "Giám đốc Sở VHTTDL"),
    _province_person("phogiamdoc-so", "Trần Thị Lan", "Phó Giám đốc Sở VHTTDL"),
    _province_person("chanhvanphong", "Lý Văn Dũng", "Chánh Văn phòng Ban chỉ huy PCTT"),
    Person("dangky-thietbi", "Phạm Minh Tuấn", "Cán bộ đăng ký thiết bị", (("registrar", PROVINCE),), ("d08",)),
    Person("quantri-tinh", "Đặng Quốc Việt", "Quản trị hệ thống, Sở VHTTDL", (("admin", PROVINCE),)),
    *_commune_people(VALLEY, "tantrao", ("Ma Thị Hiền", "Hoàng Đức Soài", "Nông Văn Quý", "Viên Tiến Thụ")),
    *_commune_people(MOUNTAIN, "dongvan", ("Vàng Thị Mỷ", "Hoàng Văn Thịnh", "Giàng Mí Sính", "Sùng Chá Pó")),
)

LOUDSPEAKERS = (
    Loudspeaker("loa-tantrao-01", "cl-02545-01", "Cụm loa Tân Lập", f"{VALLEY}/01", output="card",
                lat=21.8146, lon=105.4601),
    Loudspeaker("loa-tantrao-02", "cl-02545-02", "Cụm loa thôn Bòng", f"{VALLEY}/02", lat=21.8082, lon=105.4517),
    Loudspeaker("loa-tantrao-03", "cl-02545-03", "Cụm loa thôn Cả", f"{VALLEY}/03", output="broken",
                lat=21.8190, lon=105.4480,
                note="có lỗi: không tìm thấy thiết bị âm thanh"),
    Loudspeaker("loa-dongvan-01", "cl-00721-01", "Cụm loa chợ Đồng Văn", f"{MOUNTAIN}/01", lat=23.2784, lon=105.3620),
    Loudspeaker("loa-dongvan-02", "cl-00721-02", "Cụm loa Má Lé", f"{MOUNTAIN}/02", ("vi", "hmn"),
                lat=23.3049, lon=105.3211),
    Loudspeaker("loa-dongvan-03", "cl-00721-03", "Cụm loa Lùng Thàng", f"{MOUNTAIN}/03", ("hmn", "vi"), online=False,
                lat=23.3311, lon=105.3077, note="không có sóng: nhận nội dung bằng USB"),
)  # fmt: skip


@dataclass(frozen=True)
class Bulletin:
    """A text that the part-timer writes; `languages` beside Vietnamese get a recording of their own."""

    title: str
    text: str
    field: int = 1
    essential: bool = False
    sort: str = "speech"
    languages: dict[str, str] = dataclasses.field(default_factory=dict)


GREETING = Bulletin(
    "Lời chào đầu chương trình",
    "Đây là đài truyền thanh xã Tân Trào. Kính chào bà con.",
)
SWINE_FEVER = Bulletin(
    "Tiêm phòng dịch tả lợn châu Phi",
    "Ủy ban nhân dân xã thông báo: từ 7h30 ngày 25/11/2026, tổ thú y tiêm phòng cho đàn lợn tại nhà văn hóa thôn. "
    "Đề nghị bà con theo Thông báo số 51/TB-UBND đưa lợn đến đúng giờ. Hỗ trợ 1.250.000 đ mỗi hộ nghèo.",
    field=2,
    essential=True,
)
CORN_SEED = Bulletin(
    "Phát giống ngô vụ xuân",
    "UBND xã Đồng Văn phát giống ngô vụ xuân tại Nhà văn hóa thôn Má Lé, từ 8h00 đến 11h00 ngày 28/11/2026. "
    "Mỗi hộ mang theo căn cước công dân.",
    field=5,
    essential=True,
    languages={"hmn": "Xeem Đồng Văn muab noob pob kws rau pej xeem hauv zos Má Lé, thaum yim teev sawv ntxov."},
)
FOLK_TUNE = Bulletin("Nhạc dân ca", "", sort="music")
BULLETINS = {VALLEY: (GREETING, SWINE_FEVER, FOLK_TUNE), MOUNTAIN: (CORN_SEED, FOLK_TUNE)}
SERIES_TITLE = "Bản tin thời sự tỉnh"


@dataclass(frozen=True)
class EmergencyWords:
    """An emergency template's words; {ho} is the blank, filled from `choices`."""

    ident: str
    title: str
    hazard: str
    severity: int
    vi: str
    hmn: str
    choices: dict[str, str]


FLOOD = EmergencyWords(
    ident="xa-lu-thuy-dien",
    title="Thủy điện xả lũ khẩn cấp",
    hazard="lũ, xả lũ",
    severity=4,
    vi="{ho} xả lũ khẩn cấp. Bà con ở vùng thấp ven sông di chuyển ngay lên nơi cao.",
    hmn="{ho} tso dej. Cov neeg nyob ze dej mus rau qhov siab tam sim no.",
    choices={"tuyen-quang": "Hồ thủy điện Tuyên Quang", "nho-que": "Hồ thủy điện Nho Quế"},
)
