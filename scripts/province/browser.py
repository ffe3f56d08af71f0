"""A person's browser without the window: pages, forms with their token, cookies, and the JSON of the approval app.

It does what a person's browser does and nothing that a person could not; names ending in .localhost go to loopback.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urljoin, urlsplit

import urllib3

from scripts.province.processes import DemoError

TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
MAX_REDIRECTS = 5


@dataclass(frozen=True)
class Page:
    """What came back: status, text, and the path that was finally shown."""

    status: int
    text: str
    path: str

    def data(self) -> Any:
        return json.loads(self.text)

    def token(self) -> str:
        found = TOKEN.search(self.text)
        if not found:
            raise DemoError(f"no form on {self.path}: {self.status}")
        return found.group(1)


class Browser:
    """One person's session with one server, `origin` being what the address bar would show."""

    def __init__(self, origin: str) -> None:
        parts = urlsplit(origin)
        self.origin = origin
        self._pool = urllib3.HTTPConnectionPool("127.0.0.1", parts.port, timeout=60, retries=False)
        self._host = parts.netloc
        self._cookies: dict[str, str] = {}

    def get(self, path: str, *, headers: dict[str, str] | None = None) -> Page:
        return self._request("GET", path, headers=headers)

    def post(self, path: str, fields: dict[str, Any], *, form: str | None = None, files: bool = False) -> Page:
        """Open the page that holds the form (`form`, else `path`), fill it in and send it."""
        token = self.get(form or path).token()
        body: dict[str, Any] | list[tuple[str, Any]] = [("csrf_token", token), *_pairs(fields)]
        return self._request("POST", path, fields=body, encode_multipart=files)

    def send_json(self, method: str, path: str, value: object = None, *, headers: dict[str, str] | None = None) -> Page:
        body = None if value is None else json.dumps(value).encode()
        sent = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Origin": self.origin,
            **(headers or {}),
        }
        return self._request(method, path, body=body, headers=sent)

    def _request(self, method: str, path: str, *, headers: dict[str, str] | None = None, **rest: Any) -> Page:
        for _ in range(MAX_REDIRECTS):
            sent = {"Host": self._host, "Accept-Language": "vi", "Referer": self.origin + path, **(headers or {})}
            if self._cookies:
                sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
            answer = self._pool.request(method, path, headers=sent, redirect=False, **rest)
            self._keep_cookies(answer)
            if answer.status not in (301, 302, 303):
                return Page(answer.status, answer.data.decode(errors="replace"), path)
            target = urlsplit(urljoin(self.origin + path, answer.headers["Location"]))
            method, path, rest = "GET", target.path + (f"?{target.query}" if target.query else ""), {}
        raise DemoError(f"{path} redirects without end")

    def _keep_cookies(self, answer: urllib3.BaseHTTPResponse) -> None:
        for header in answer.headers.getlist("Set-Cookie"):
            for name, morsel in SimpleCookie(header).items():
                self._cookies[name] = morsel.value


def _pairs(fields: dict[str, Any]) -> list[tuple[str, Any]]:
    """Form pairs; a list is a field sent several times, as ticked boxes are."""
    return [(name, one) for name, value in fields.items() for one in (value if isinstance(value, list) else [value])]
