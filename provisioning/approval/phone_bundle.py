"""Writes the approval app for phones: static files for an https origin of its own, which talk to one hub alone.

Serve them from another machine and administrator than the hub's: whoever can change them can make a phone sign. Every
build of the same version and hub is the same, so that `SHA256SUMS` can be compared by another person.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from provisioning.approval.words import LOCALE, SOURCE_LANGUAGE, Words
from provisioning.errors import ProvisioningError

HERE = Path(__file__).parent
SHARED_SCRIPTS = ("changes.js", "dom.js", "passkey.js")
SHARED_FILES = ("icon.svg", "station.css")
_HUB = re.compile(r"(https://[a-z0-9.-]{1,253}|http://(localhost|127\.0\.0\.1))(:[0-9]{1,5})?")


class BundleError(ProvisioningError):
    """The app cannot be written: the folder is taken, or the hub's address is not one."""

    code = "approval_bundle"


def policy(hub: str, *, framed: str = "") -> str:
    """The content security policy: nothing from elsewhere, no inline script, and one hub to talk to."""
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src blob:; "
        f"connect-src 'self' {hub}; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; "
        f"trusted-types 'none'{framed}"
    )


def write_phone_bundle(out: Path, hub: str) -> list[str]:
    """Write the app into a new folder; the names of its files. Raises BundleError."""
    if not _HUB.fullmatch(hub):
        raise BundleError(f"{hub[:80]!r}: a phone needs the hub's https origin, without a path")
    files = _files(hub)
    try:
        out.mkdir(parents=True)
    except OSError as error:
        raise BundleError(f"{out}: {error.strerror}") from error
    for name, content in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(content)
    return sorted(files)


def headers(hub: str) -> dict[str, str]:
    """What the web server must send with every file; a policy in the page itself cannot forbid frames."""
    return {
        "Content-Security-Policy": policy(hub, framed="; frame-ancestors 'none'"),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Strict-Transport-Security": "max-age=63072000",
        "Cache-Control": "no-cache",
    }


def _files(hub: str) -> dict[str, bytes]:
    scripts = [*sorted((HERE / "phone" / "js").glob("*.js")), *(HERE / "static" / "js" / one for one in SHARED_SCRIPTS)]
    page = (HERE / "phone" / "index.html").read_text("utf-8").replace("{csp}", policy(hub))
    languages = [SOURCE_LANGUAGE, *(folder.name for folder in LOCALE.iterdir() if folder.name != SOURCE_LANGUAGE)]
    files = {
        "index.html": page.encode(),
        "config.json": _json({"hub": hub}),
        **{f"js/{path.name}": path.read_bytes() for path in scripts},
        **{name: (HERE / "static" / name).read_bytes() for name in SHARED_FILES},
        **{f"words/{language}.json": _json(dict(Words.load(language).catalogue)) for language in sorted(languages)},
    }
    sums = "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    lines = "".join(f'add_header {name} "{value}" always;\n' for name, value in headers(hub).items())
    return {**files, "SHA256SUMS": sums.encode(), "nginx-headers.conf": lines.encode()}


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True).encode()
