"""What approvers, registrars and officers do in the approval app: the same interface that its page uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scripts.province.browser import Browser, Page
from scripts.province.processes import DemoError


@dataclass
class Approver:
    """A person who has signed in to the approval app, with the passphrase of their key file in mind."""

    browser: Browser
    passphrase: str
    csrf: str

    @classmethod
    def sign_in(cls, origin: str, username: str, password: str, passphrase: str) -> Approver:
        browser = Browser(origin)
        answer = browser.send_json("POST", "/api/login", {"username": username, "password": password})
        return cls(browser, passphrase, _expect(answer, f"sign in {username} at the approval app")["csrf"])

    def pending(self) -> list[dict[str, Any]]:
        return list(_expect(self.browser.send_json("GET", "/api/pending"), "see what waits")["pending"])

    def look(self, ident: str) -> dict[str, Any]:
        return _expect(self.browser.send_json("GET", f"/api/pending/{ident}"), "open a proposal")

    def sign(self, ident: str, digest: str) -> Page:
        """Sign what was looked at; the answer may be a refusal."""
        return self._post(f"/api/pending/{ident}/sign", {"digest": digest, "passphrase": self.passphrase})

    def sign_all(self, kind: str = "") -> int:
        """Look at and sign everything that waits for this person; how many."""
        waiting = [one for one in self.pending() if kind in ("", one["kind"])]
        for one in waiting:
            shown = self.look(str(one["id"]))
            if shown["refusals"]:
                raise DemoError(f"{one['title']} may not be signed: {'; '.join(shown['refusals'])}")
            _expect(self.sign(str(one["id"]), shown["digest"]), f"sign {one['title']}")
        return len(waiting)

    def start_alert(self, area: str, template: str, blanks: dict[str, str], **more: Any) -> str:
        """Read a template over for an area, then send it; the alert's id."""
        wish = {"area": area, "template": template, "blanks": blanks, **more}
        prepared = _expect(self._post("/api/emergency/prepare", wish), "read the alert over")
        sent = self._post("/api/emergency/start", {"order": prepared["order"], "passphrase": self.passphrase})
        return str(_expect(sent, "send the alert")["id"])

    def cancel_alert(self, alert: str) -> None:
        _expect(self._post("/api/emergency/cancel", {"id": alert, "passphrase": self.passphrase}), "cancel the alert")

    def receipts(self, alert: str) -> list[dict[str, Any]]:
        return list(_expect(self.browser.send_json("GET", f"/api/alerts/{alert}"), "read receipts")["receipts"])

    def _post(self, path: str, value: object) -> Page:
        return self.browser.send_json("POST", path, value, headers={"X-CSRF-Token": self.csrf})


def _expect(page: Page, deed: str) -> dict[str, Any]:
    if page.status >= 400:
        raise DemoError(f"could not {deed}: {page.status} {page.text[:300]}")
    return dict(page.data())
