"""Every word on a page is Vietnamese, from the catalogue, and one of those that `hub/locale/tu-dung.md` allows."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from hub import phrases
from hub.i18n import LOCALES, compile_catalogues
from hub.playlog.words import CODES
from hub.schedules.reasons import SENTENCES
from hub.security import store as security
from tests.hub.conftest import COMMUNE
from tests.hub.pages.conftest import give_sound, plain
from wire.playlog import Receipt
from wire.telemetry import FAULTS
from wire.timeline import Why

TOP = Path(__file__).resolve().parents[3]
CATALOGUE = TOP / "hub" / "locale" / "vi" / "LC_MESSAGES" / "hub.po"
WORDS = TOP / "hub" / "locale" / "tu-dung.md"
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None, "_l": None}
GAP = re.compile(r"%\((\w+)\)s|\{(\w+)\}")


@pytest.fixture(scope="module")
def catalogue():
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="vi")


def messages_of_the_source() -> set[object]:
    methods = [("**.py", "python"), ("**.html", "jinja2")]
    found = extract_from_dir(TOP / "hub", methods, keywords=KEYWORDS, options_map={"**.html": {"encoding": "utf-8"}})
    return {message for _file, _line, message, _comments, _context in found}


def tables() -> tuple[dict[str, str], list[str]]:
    use, avoid = WORDS.read_text("utf-8").split("## Không dùng")
    rows = re.compile(r"^\| (?!-|English|Không dùng)(.+?) \| (.+?) \|$", re.MULTILINE)
    return dict(rows.findall(use)), [row[0] for row in rows.findall(avoid)]


def texts(catalogue) -> list[str]:
    return [text for m in catalogue if m.id for text in (m.string if isinstance(m.string, tuple) else (m.string,))]


def test_every_message_of_the_source_is_translated(catalogue):
    known = {m.id: m.string for m in catalogue if m.id and not m.fuzzy}
    missing = {message for message in messages_of_the_source() if not known.get(message)}
    assert missing == set()
    assert all(text for text in texts(catalogue))


def test_the_catalogue_holds_nothing_that_nobody_says(catalogue):
    assert {m.id for m in catalogue if m.id} - messages_of_the_source() == set()


def test_every_gap_of_a_message_is_filled_in_the_translation_too(catalogue):
    def gaps(text):
        return {a or b for a, b in GAP.findall(text)}

    wrong = []
    for m in catalogue:
        if m.id:
            source = gaps(m.id[1] if isinstance(m.id, tuple) else m.id)
            wrong += [
                m.id for text in (m.string if isinstance(m.string, tuple) else (m.string,)) if gaps(text) != source
            ]
    assert wrong == []


def test_the_terms_stand_in_the_catalogue_as_they_were_fixed(catalogue):
    use, _avoid = tables()
    assert len(use) > 25
    assert {english: catalogue.get(english).string for english in use} == use


def test_no_message_uses_a_word_that_was_set_aside(catalogue):
    _use, avoid = tables()
    assert len(avoid) > 25
    found = [
        (phrase, text)
        for phrase in avoid
        for text in texts(catalogue)
        if re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", text, re.IGNORECASE)
    ]
    assert found == []


def test_sentence_case_and_no_shouting(catalogue):
    loud = [text for text in texts(catalogue) if len(text) > 8 and text.upper() == text]
    assert loud == []


def test_every_reason_fault_and_code_has_words():
    assert set(SENTENCES) == set(Why)
    assert set(phrases.FAULTS) == set(FAULTS)
    pattern = msgspec.json.schema(Receipt)["$defs"]["Receipt"]["properties"]["states"]["items"]["pattern"]
    assert set(phrases.RECEIPTS) == set(pattern.strip("^$()").split("|"))
    assert {"bad_signature", "expired", "out_of_date", "content_missing"} <= set(CODES)


def test_no_english_leaks_onto_a_vietnamese_page(box, desk, slot_fields, catalogue):
    """Every page with something on it: none of the source's messages of two words or more stands on it as it is."""
    box.add_cluster()
    box.add_device()
    person = desk("mai")
    ident = person.write("Tiêm phòng", essential="1", document_date="20/11/2026", valid_until="30/11/2026")
    give_sound(box, ident)
    person.post(
        "/schedules/slots/new", slot_fields(f"item:{COMMUNE}:{ident}", "reserve", repeat="weekly", weekdays=["2"])
    )
    slot = person.get("/schedules").text.split("/schedules/slots/kg-")[1].split('"')[0]
    english = [
        m.id for m in catalogue if isinstance(m.id, str) and " " in m.id and "%(" not in m.id and m.id not in m.string
    ]
    paths = ["/", "/items", "/items/new", f"/items/{ident}", f"/items/{ident}/edit", "/schedules",
             "/schedules/slots/new", f"/schedules/slots/kg-{slot}", "/schedules/series", "/schedules/settings",
             "/schedules/preview?cluster=cl-1", "/approvals", "/devices", "/devices/cl-1", "/devices/stick",
             "/alerts", "/help", "/nothing-here",
             "/items?area=08/00700", "/account", "/assessments"]  # fmt: skip
    with box.hub.writing() as conn:
        for kind in security.Kind:
            security.note(conn, kind, "loa-1", now=box.clock(), detail="birth")
    admin = desk("admin")
    asked = [(person, path) for path in paths]
    asked += [(admin, path) for path in ("/security", "/security/log", "/people", "/people/mai", "/assessments")]
    leaks = [
        (path, words) for who, path in asked for page in [plain(who.get(path))] for words in english if words in page
    ]
    assert leaks == []
    assert 'lang="vi"' in person.get("/").text


def test_english_is_complete_by_itself(desk):
    person = desk("mai")
    person.post("/language", {"lang": "en", "next": "/"})
    page = plain(person.get("/"))
    assert "Today" in page
    assert "To be looked after" in page


def test_the_catalogue_is_compiled_when_it_is_missing(tmp_path):
    folder = tmp_path / "vi" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "hub.po").write_bytes(CATALOGUE.read_bytes())
    compile_catalogues(tmp_path)
    assert (folder / "hub.mo").stat().st_size > 20_000
    assert LOCALES == ("vi", "en")
