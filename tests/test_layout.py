"""The tree keeps its rules: doors, packages, sizes, and what must be mentioned where. Arrows are import-linter's."""

from __future__ import annotations

import ast
import tomllib
from functools import cache
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[1]
MOST_LINES = 400
PROGRAMS = ("wire", "edge", "hub", "provisioning")
SOURCES = sorted(path for program in PROGRAMS for path in (TOP / program).rglob("*.py"))

# One door per library (README, "Doors"): the modules in which it may be imported.
DOORS = {
    "paho": ("edge/link.py", "hub/link.py", "provisioning/broker.py"),
    "sounddevice": ("edge/play/sounddevice_out.py", "edge/play/stream_time.py"),
    "pyaudio": ("edge/play/pyaudio_out.py",),
    "sqlite_utils": ("edge/sync/", "edge/report/", "edge/store.py"),
    "sqlalchemy": ("hub/",),
    "flask": ("hub/", "provisioning/approval/"),
    "amqtt": ("hub/broker",),
    "fido2": ("hub/auth/passkeys.py",),
    "argon2": ("hub/auth/passwords.py",),
    "cryptography": (
        "wire/envelope.py", "wire/trust/passkey.py", "edge/identity.py", "edge/certificate.py",
        "hub/certificates/authority.py", "hub/publishing/online_keys.py", "hub/secrets/", "provisioning/keys.py",
    ),
    "tuf": ("wire/trust/", "wire/release.py", "provisioning/trust/", "edge/tuf_client.py"),
}  # fmt: skip


@cache
def imports_of(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("library", sorted(DOORS))
def test_a_library_is_imported_only_at_its_door(library):
    users = {path.relative_to(TOP).as_posix() for path in SOURCES if library in imports_of(path)}
    strangers = {user for user in users if not user.startswith(DOORS[library])}
    assert strangers == set()
    assert users, f"nobody imports {library}: take its door away"


def test_every_package_of_the_tree_is_in_the_wheel():
    listed = set(tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    folders = [path.parent.relative_to(TOP) for path in SOURCES if path.name == "__init__.py"]
    assert listed == {folder.as_posix().replace("/", ".") for folder in folders}


def test_every_module_says_what_it_is_for():
    texts = {path.relative_to(TOP).as_posix(): path.read_text() for path in SOURCES}
    assert [name for name, text in texts.items() if text and not ast.get_docstring(ast.parse(text))] == []


def test_no_source_file_holds_several_jobs():
    lines = {path.relative_to(TOP).as_posix(): len(path.read_text().splitlines()) for path in SOURCES}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


def test_every_folder_with_code_has_a_readme():
    folders = {path.relative_to(TOP).parts[0] for path in SOURCES} | {"scripts", "tests", "hardware"}
    assert [folder for folder in sorted(folders) if not (TOP / folder / "README.md").exists()] == []
