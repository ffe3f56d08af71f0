"""Lets approval apps of other origins ask the interface of programs from a browser (Fetch standard, CORS).

Nobody by default: `approval_origins` names each. Only what signing needs is answered, and never with the cookie: an app
brings its own token, so a page of that origin can do nothing in the name of who is signed in to the hub's pages.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from flask import Flask, Response, request

_REACH = re.compile(
    r"/api/(login|logout|pending(/\d{1,10}(/(signature|return))?)?)|/tuf/(metadata|targets)/.+|/blobs/[0-9a-f]{64}"
)
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "600",
}


def init_app(app: Flask, origins: Sequence[str]) -> None:
    """Answer preflights of these origins, and let them read the answers."""
    allowed = frozenset(origins)

    def answer_preflight() -> Response | None:
        is_preflight = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        return Response(status=204, headers=_PREFLIGHT) if is_preflight and _is_let_in(allowed) else None

    def let_read(response: Response) -> Response:
        if not _REACH.fullmatch(request.path):
            return response
        response.vary.add("Origin")
        if _is_let_in(allowed):
            response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
        return response

    app.before_request(answer_preflight)
    app.after_request(let_read)


def _is_let_in(allowed: frozenset[str]) -> bool:
    return request.headers.get("Origin") in allowed and _REACH.fullmatch(request.path) is not None
