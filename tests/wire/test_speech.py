"""What is written in official Vietnamese, and what the announcer says."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.speech import MAX_TEXT_CHARS, speakable
from wire.speech.abbreviations import ABBREVIATIONS, DOTTED
from wire.speech.numbers import cardinal, roman_value

NUMBERS = {
    0: "không",
    4: "bốn",
    10: "mười",
    14: "mười bốn",
    15: "mười lăm",
    20: "hai mươi",
    21: "hai mươi mốt",
    24: "hai mươi tư",
    65: "sáu mươi lăm",
    95: "chín mươi lăm",
    101: "một trăm linh một",
    105: "một trăm linh năm",
    115: "một trăm mười lăm",
    121: "một trăm hai mươi mốt",
    1_000: "một nghìn",
    1_005: "một nghìn không trăm linh năm",
    2_026: "hai nghìn không trăm hai mươi sáu",
    10_005: "mười nghìn không trăm linh năm",
    1_250_000: "một triệu hai trăm năm mươi nghìn",
    1_000_000_000: "một tỷ",
    1_000_000_001: "một tỷ không trăm linh một",
    25 * 10**11: "hai nghìn năm trăm tỷ",
    10**18: "một tỷ tỷ",
    2**53 + 1: "chín triệu không trăm linh bảy nghìn một trăm chín mươi chín tỷ hai trăm năm mươi tư triệu "
    "bảy trăm bốn mươi nghìn chín trăm chín mươi ba",
}

SPOKEN = {
    # Abbreviations
    "UBND xã": "Ủy ban nhân dân xã",
    "HĐND, MTTQ": "Hội đồng nhân dân, Mặt trận Tổ quốc",
    "trường THCS": "trường trung học cơ sở",
    "thẻ BHYT": "thẻ bảo hiểm y tế",
    "ATTT, CNTT-VT": "an toàn thông tin, công nghệ thông tin, viễn thông",
    "KH-UBND": "kế hoạch Ủy ban nhân dân",
    "BCH PCTT&TKCN": "Ban Chỉ huy phòng chống thiên tai và tìm kiếm cứu nạn",
    "PCTT & TKCN": "phòng chống thiên tai và tìm kiếm cứu nạn",
    "BCH Đảng bộ": "Ban Chấp hành Đảng bộ",
    "BĐ1": "báo động một",
    "BĐ1–3": "báo động một đến ba",
    "BĐ III": "báo động ba",
    "vượt BĐ2 0,05 m": "vượt báo động hai, không phẩy không năm mét",
    "QL2, QL 2C, QL.4A": "quốc lộ hai, quốc lộ hai xê, quốc lộ bốn A",
    "ĐT.176": "đường tỉnh một trăm bảy mươi sáu",
    "TP. Tuyên Quang": "thành phố Tuyên Quang",
    "TP.HCM": "thành phố Hồ Chí Minh",
    "TT. Na Hang": "thị trấn Na Hang",
    "TT Y tế": "trung tâm Y tế",
    "P. Minh Xuân": "phường Minh Xuân",
    "Đ/c A, ThS. Nam": "đồng chí A, thạc sĩ Nam",
    "VB, CV": "văn bản, công văn",
    "GD&ĐT, KT-XH": "giáo dục và đào tạo, kinh tế xã hội",
    "T2–T6, CN": "thứ hai đến thứ sáu, Chủ nhật",
    "người H'Mông": "người Mông",
    "rau, củ, v.v…": "rau, củ, vân vân",
    # Letters and capitals
    "THÔNG BÁO KHẨN": "thông báo khẩn",
    "BAN CHỈ HUY XÃ ĐẮK LẮK": "ban chỉ huy xã đắk lắk",
    "XYZ": "ích xì i dài dét",
    "WHO": "vê kép hát o",
    "H5N1": "hát năm en nờ một",
    "điểm b khoản 2": "điểm bê khoản hai",
    "Bộ Y tế, Ý kiến, Lý A Páo": "Bộ Y tế, Ý kiến, Lý A Páo",
    "COVID-19": "cô vít mười chín",
    "lớp 5A": "lớp năm A",
    # Documents
    "số 51/KH-UBND": "số năm mươi mốt, kế hoạch của Ủy ban nhân dân",
    "Kế hoạch số 51/KH-UBND": "Kế hoạch số năm mươi mốt, của Ủy ban nhân dân",
    "Kế hoạch số 51/KH-UBND của UBND tỉnh": "Kế hoạch số năm mươi mốt của Ủy ban nhân dân tỉnh",
    "Nghị định số 49/2024/NĐ-CP": "Nghị định số bốn mươi chín, năm hai nghìn không trăm hai mươi tư, của Chính phủ",
    "QĐ 135/QĐ-TTg": "quyết định một trăm ba mươi lăm, của Thủ tướng Chính phủ",
    "TT 39/2020/TT-BTTTT": "thông tư ba mươi chín, năm hai nghìn không trăm hai mươi, của Bộ Thông tin và Truyền thông",
    "Luật 116/2025/QH15": "Luật một trăm mười sáu, năm hai nghìn không trăm hai mươi lăm, Quốc hội khóa mười lăm",
    "Chỉ thị 05-CT/TW": "Chỉ thị năm, của Trung ương",
    "TCVN 11930:2017": "tiêu chuẩn Việt Nam một một chín ba không, năm hai nghìn không trăm mười bảy",
    # Times
    "17h00": "mười bảy giờ",
    "17g00": "mười bảy giờ",
    "17:00": "mười bảy giờ",
    "5h30": "năm giờ ba mươi phút",
    "05:05": "năm giờ năm phút",
    "lúc 17g": "lúc mười bảy giờ",
    "500 g": "năm trăm gam",
    "17 giờ 00 phút": "mười bảy giờ",
    "7h30-8h15": "bảy giờ ba mươi phút đến tám giờ mười lăm phút",
    "trong 72h": "trong bảy mươi hai giờ",
    "17h00 ngày 20/12": "mười bảy giờ ngày hai mươi tháng mười hai",
    # Dates
    "20/12": "ngày hai mươi tháng mười hai",
    "ngày 20/12/2026": "ngày hai mươi tháng mười hai năm hai nghìn không trăm hai mươi sáu",
    "20/12/2026": "ngày hai mươi tháng mười hai năm hai nghìn không trăm hai mươi sáu",
    "20-12-2026": "ngày hai mươi tháng mười hai năm hai nghìn không trăm hai mươi sáu",
    "2026-12-20": "ngày hai mươi tháng mười hai năm hai nghìn không trăm hai mươi sáu",
    "ngày 5/4": "ngày mùng năm tháng tư",
    "mùng 5/4": "mùng năm tháng tư",
    "ngày 5 tháng 4": "ngày mùng năm tháng tư",
    "mỗi ngày 5 lần": "mỗi ngày năm lần",
    "tháng 12/2026": "tháng mười hai năm hai nghìn không trăm hai mươi sáu",
    "quý IV/2026": "quý bốn năm hai nghìn không trăm hai mươi sáu",
    "từ 01–05/12": "từ ngày mùng một đến ngày mùng năm tháng mười hai",
    "20/12-25/12": "ngày hai mươi tháng mười hai đến ngày hai mươi lăm tháng mười hai",
    "31/11": "ba mươi mốt trên mười một",
    "thứ 2, thứ 4": "thứ hai, thứ tư",
    # Numbers, money, units
    "1.250.000 đ": "một triệu hai trăm năm mươi nghìn đồng",
    "1.250.000đ": "một triệu hai trăm năm mươi nghìn đồng",
    "5 triệu đ": "năm triệu đồng",
    "25.000 đ/kg": "hai mươi lăm nghìn đồng trên ki lô gam",
    "1,5 tỷ đồng": "một phẩy năm tỷ đồng",
    "26,35 m": "hai mươi sáu phẩy ba lăm mét",
    "26,05 m": "hai mươi sáu phẩy không năm mét",
    "120 mm/24h": "một trăm hai mươi mi li mét trên hai mươi tư giờ",
    "-5°C": "âm năm độ xê",
    "30 độ C": "ba mươi độ xê",
    "50-60%": "năm mươi đến sáu mươi phần trăm",
    "5 m³/s": "năm mét khối trên giây",
    "1.000 m2": "một nghìn mét vuông",
    "3 ha, 60 km/h": "ba héc ta, sáu mươi ki lô mét trên giờ",
    "1m65": "một mét sáu mươi lăm",
    "cấp 3, cấp III": "cấp ba, cấp ba",
    "cấp 8-9": "cấp tám đến chín",
    "khóa XIV": "khóa mười bốn",
    "lần thứ I": "lần thứ nhất",
    "117/124 xã": "một trăm mười bảy trên một trăm hai mươi tư xã",
    "8/10 thôn": "tám trên mười thôn",
    "danh sách 5,6,7": "danh sách năm, sáu, bảy",
    "phiên bản 2.1": "phiên bản hai chấm một",
    "05 hộ": "năm hộ",
    "mã 00694": "mã không không sáu chín bốn",
    # Telephones and addresses
    "0912345678": "không chín một hai ba bốn năm sáu bảy tám",
    "SĐT: 0912 345 678": "số điện thoại: không chín một hai, ba bốn năm, sáu bảy tám",
    "gọi 113 hoặc 114": "gọi một một ba hoặc một một bốn",
    "báo 113 hộ": "báo một trăm mười ba hộ",
    "tuyenquang.gov.vn": "tuyenquang chấm gov chấm vn",
    # Signs
    "và/hoặc": "và hoặc",
    "nam & nữ": "nam và nữ",
    "xã/phường": "xã phường",
    "đồng/hộ": "đồng trên hộ",
    "“trích dẫn” (trong ngoặc) 🙂": "trích dẫn, trong ngoặc",
    "I. MỤC ĐÍCH\n- 05 hộ dân": "một. mục đích.\nnăm hộ dân",
}


@pytest.mark.parametrize(("number", "words"), NUMBERS.items())
def test_number_is_said(number: int, words: str) -> None:
    assert cardinal(number) == words


@pytest.mark.parametrize(("written", "said"), SPOKEN.items())
def test_official_vietnamese_is_said_as_by_an_announcer(written: str, said: str) -> None:
    assert speakable(written) == said


@pytest.mark.parametrize(("written", "said"), SPOKEN.items())
def test_decomposed_letters_are_said_alike(written: str, said: str) -> None:
    assert speakable(unicodedata.normalize("NFD", written)) == said


def test_a_whole_notice_is_said() -> None:
    notice = (
        "UBND xã Hồng Thái thông báo: 17h00 ngày 20/12/2026, các hộ nộp 1.250.000 đ theo Kế hoạch số 51/KH-UBND. "
        "Mưa 120 mm/24h, mực nước 26,35 m."
    )
    assert speakable(notice) == (
        "Ủy ban nhân dân xã Hồng Thái thông báo: mười bảy giờ ngày hai mươi tháng mười hai năm hai nghìn không trăm "
        "hai mươi sáu, các hộ nộp một triệu hai trăm năm mươi nghìn đồng theo Kế hoạch số năm mươi mốt, của Ủy ban "
        "nhân dân. Mưa một trăm hai mươi mi li mét trên hai mươi tư giờ, mực nước hai mươi sáu phẩy ba lăm mét."
    )


def test_correction_comes_before_the_rules() -> None:
    corrections = {"TT": "trường tiểu học", "Ea Súp": "Ê a Súp", "QL2": "đường số 2"}
    assert speakable("TT Ea Súp, EA SÚP, QL2", corrections) == "trường tiểu học Ê a Súp, Ê a Súp, đường số hai"


def test_correction_touches_whole_words_only() -> None:
    assert speakable("Tân, Tâ, Tâm", {"Tâ": "tê a"}) == "Tân, tê a, Tâm"


@pytest.mark.parametrize("text", sorted({*ABBREVIATIONS.values(), *DOTTED.values()}))
def test_table_is_said_as_it_stands(text: str) -> None:
    assert speakable(text) == text


@pytest.mark.parametrize("numeral", ["IIII", "VX", "IC", "", "ABC"])
def test_malformed_roman_numeral_has_no_value(numeral: str) -> None:
    assert roman_value(numeral) is None


@pytest.mark.parametrize("piece", ["1", "1.", "1/", "-", " ", "A-", "a@", "\u0301", "IVX", "UBND 20/12 ", "("])
def test_longest_rubbish_is_read_in_bounded_time(piece: str) -> None:
    started = time.process_time()
    speakable(piece * MAX_TEXT_CHARS)
    assert time.process_time() - started < 10


def test_text_beyond_the_limit_is_not_read() -> None:
    assert speakable("a" * (MAX_TEXT_CHARS + 5)) == "a" * MAX_TEXT_CHARS


OFFICIAL = (
    "aăâbcdđeêghiklmnoôơpqrstuưvxyáàảãạếềểễệựAĂÂBCDĐEÊGHIKLMNOÔƠPQRSTUƯVXYWZFJ0123456789 .,;:!?-–/()%&°²³'\"\n+*@$_="
)


@given(st.text(max_size=80))
def test_any_text_is_said_without_digits(text: str) -> None:
    assert not [sign for sign in speakable(text) if sign.isdigit()]


@given(st.text(alphabet=OFFICIAL, max_size=80))
def test_what_was_said_is_said_the_same_again(text: str) -> None:
    said = speakable(text)
    assert speakable(said) == said


@given(st.text(alphabet=OFFICIAL, max_size=80))
def test_any_decomposed_text_is_said_alike(text: str) -> None:
    assert speakable(unicodedata.normalize("NFD", text)) == speakable(text)
