"""The door of every route: nothing is answered unless its view says who may come in.

Decorate each view with exactly one of `public`, `signed_in` or `needs(Right.X)`, below the route decorator. The right
is then held *somewhere*; a view or action that concerns an area also calls `person.require(right, area)`.
Pages carry the session in a cookie and a CSRF token in each form; programs send `Authorization: Bearer TOKEN`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from flask import Flask, abort, current_app, g, request, session
from flask_wtf import CSRFProtect

from hub.auth import actions
from hub.auth.roles import Person, Right
from hub.context import Hub
from hub.errors import FloodError, NotAllowedError, NotSignedInError, TooLargeError
from hub.limits import Limit, Limiter, caller_of
from hub.security import store as security

View = TypeVar("View", bound=Callable[..., object])
COOKIE_TOKEN = "token"  # noqa: S105 the key's name in the cookie
DEFAULT_BODY_BYTES = 256 * 1024
_ANYBODY, _PERSON = "anybody", "person"
_SAFE = ("GET", "HEAD", "OPTIONS")

csrf = CSRFProtect()


def public(view: View) -> View:
    """Anybody may come: devices, the login form, static files."""
    return _mark(view, "_door", _ANYBODY)


def machine(view: View) -> View:
    """Not a form of a page: no CSRF token. Only with `public`, and only where no cookie counts."""
    return _mark(view, "_machine", True)


def signed_in(view: View) -> View:
    """Every person that is signed in."""
    return _mark(view, "_door", _PERSON)


def needs(right: Right) -> Callable[[View], View]:
    """Persons that hold `right` for at least one area."""
    return lambda view: _mark(view, "_door", right)


def body_limit(size: int) -> Callable[[View], View]:
    """Take request bodies of up to `size` bytes instead of 256 KiB."""
    return lambda view: _mark(view, "_body_limit", size)


def limited(limit: Limit) -> Callable[[View], View]:
    """Counted as `limit`, not as a request of a page or (with `machine`) of a device."""
    return lambda view: _mark(view, "_limit", limit)


def current_hub() -> Hub:
    """The hub of the request that is being answered."""
    return cast("Hub", current_app.extensions["loa"])


def current_person() -> Person:
    """The person who asks. Raises NotSignedInError."""
    if g.get("person") is None:
        raise NotSignedInError
    return cast("Person", g.person)


def maybe_person() -> Person | None:
    """The person who asks, if signed in."""
    return cast("Person | None", g.get("person"))


def start_session(token: str) -> None:
    """Put a token of `actions.log_in` into the cookie."""
    session.clear()
    session[COOKIE_TOKEN] = token


def end_session() -> None:
    token = session.pop(COOKIE_TOKEN, None)
    session.clear()
    if token:
        actions.log_out(current_hub(), token)


def door_of(app: Flask, endpoint: str) -> str | None:
    """What a route asks for: "anybody", "person", a Right, or None where nobody may come. For the tests' walk."""
    if endpoint == "static" or endpoint.endswith(".static"):
        return _ANYBODY
    return getattr(app.view_functions[endpoint], "_door", None)


def origin() -> str:
    """The address that asks; behind a proxy, which `trusted_proxies` must count, that of its client."""
    return request.remote_addr or ""


def guard_request() -> None:
    """Before each request: limits, who asks, may they come in, and is a form really ours."""
    if request.endpoint is None:
        g.person = None
        _check_rate(Limit.REQUESTS)
        return  # 404 and 405 answer by themselves
    view = current_app.view_functions[request.endpoint]
    _limit_body(getattr(view, "_body_limit", DEFAULT_BODY_BYTES))
    g.person = None
    door = door_of(current_app, request.endpoint)
    by_token = request.headers.get("Authorization", "").startswith("Bearer ")
    is_machine = getattr(view, "_machine", False)
    if not is_machine:
        g.person = _who(by_token=by_token)
    _check_rate(getattr(view, "_limit", None) or (Limit.DEVICES if is_machine else Limit.REQUESTS))
    _check_door(door)
    if request.method not in _SAFE and not by_token and not is_machine:
        if None in request.form:  # a part without a name, as no browser sends it; flask-wtf stumbles over it
            abort(400)
        csrf.protect()


def _mark(view: View, name: str, value: object) -> View:
    setattr(view, name, value)
    return view


def _limit_body(limit: int) -> None:
    request.max_content_length = limit
    # Of a body without a length, werkzeug hands over what is within the limit as if it were the whole.
    if "Transfer-Encoding" in request.headers:
        abort(411)
    if (request.content_length or 0) > limit:
        raise TooLargeError("At most {mb} MB can be taken at once.", mb=max(1, limit // 1024**2))


def _check_rate(limit: Limit) -> None:
    """Raise FloodError for whoever asks too often, and note it once a window."""
    by_name = g.person is not None and limit in (Limit.REQUESTS, Limit.UPLOADS)
    who = g.person.username if by_name else caller_of(origin())
    answer = cast("Limiter", current_app.extensions["loa_limiter"]).ask(limit, who)
    if not answer.wait_s:
        return
    if answer.is_news:
        hub = current_hub()
        with hub.db.write() as conn:
            security.note(conn, security.Kind.TOO_MANY, who, now=hub.now(), detail=limit.value)
    raise FloodError(answer.wait_s)


def _who(*, by_token: bool) -> Person | None:
    token = request.headers["Authorization"][7:] if by_token else session.get(COOKIE_TOKEN)
    return actions.person_of(current_hub(), token) if token else None


def _check_door(door: str | None) -> None:
    if door == _ANYBODY:
        return
    person = current_person()
    if door is None or (door != _PERSON and not person.may(Right(door))):
        raise NotAllowedError
