"""A real Chromium for the approval app: the app on a free port, a narrow page, and a virtual authenticator."""

from __future__ import annotations

import datetime as dt
import functools
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from playwright.sync_api import CDPSession, Page

from provisioning.approval.context import Station
from provisioning.approval.phone_bundle import headers, write_phone_bundle
from provisioning.approval.station import create_station, make_station_server
from tests.browser import chromium
from tests.fakes.hub import PASSWORD

PHONE = {"width": 390, "height": 844}
AUTHENTICATOR = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving_station(station: Station) -> Iterator[str]:
    """The app at its own origin until the block ends."""
    server = make_station_server(create_station(station), station.config.port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield station.config.origin
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


PHONE_HOST = "duyet.loa.test"
ON_THE_WAY = (f"--host-resolver-rules=MAP {PHONE_HOST} 127.0.0.1", "--ignore-certificate-errors")
"""Arguments for a browser that finds the phone's origin on this machine and takes its self-made certificate."""


@contextmanager
def serving_phone_bundle(folder: Path, hub: str, port: int) -> Iterator[str]:
    """The app for phones as a plain web server gives it: https, the bundle's own headers, nothing behind."""
    write_phone_bundle(folder / "app", hub)

    class Handler(SimpleHTTPRequestHandler):
        def end_headers(self) -> None:
            for name, value in headers(hub).items():
                self.send_header(name, value)
            super().end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), functools.partial(Handler, directory=str(folder / "app")))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(folder))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"https://{PHONE_HOST}:{port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _certificate(folder: Path) -> Path:
    key, name = generate_private_key(SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, PHONE_HOST)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - dt.timedelta(1)).not_valid_after(now + dt.timedelta(9))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(PHONE_HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "server.pem"
    path.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    return path


@contextmanager
def open_page(*arguments: str, **context: Any) -> Iterator[Page]:
    """A page in a fresh browser; what its script or its policy complains about fails the test."""
    with chromium(*arguments) as browser:
        opened = browser.new_context(**{"viewport": PHONE, **context}).new_page()
        complaints: list[str] = []
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on("console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None)
        opened.set_default_timeout(30_000)
        yield opened
    assert complaints == []


class Authenticator:
    """The page's virtual authenticator: its person answers, declines, or fails to be verified."""

    def __init__(self, page: Page) -> None:
        self._cdp: CDPSession = page.context.new_cdp_session(page)
        self._cdp.send("WebAuthn.enable")
        self._ident = self._cdp.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})["authenticatorId"]

    def verify(self, *, succeeds: bool) -> None:
        """Whether fingerprint, face or PIN will be right from now on."""
        self._cdp.send("WebAuthn.setUserVerified", {"authenticatorId": self._ident, "isUserVerified": succeeds})

    def credentials(self) -> list[dict[str, Any]]:
        found = self._cdp.send("WebAuthn.getCredentials", {"authenticatorId": self._ident})
        return list(found["credentials"])


def sign_in(page: Page, username: str) -> None:
    page.fill("#username", username)
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("nav")


def is_too_wide(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
