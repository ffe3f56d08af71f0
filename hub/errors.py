"""Why the hub does not do what was asked. One tree; `hub.web.answers` turns it into a page or problem+json.

`message` is an English msgid marked with `N_`, translated when it is shown; `params` fill its {gaps}.
"""

from __future__ import annotations


def N_(text: str) -> str:  # noqa: N802
    """Mark a message for the catalogue without translating it yet (babel keyword `N_`)."""
    return text


class HubError(Exception):
    """Something that the person or program that asked can be told. `code` is stable, `status` is HTTP's."""

    code = "error"
    status = 400

    def __init__(self, message: str, **params: object) -> None:
        super().__init__(message.format(**params) if params else message)
        self.message = message
        self.params = params


class BadInputError(HubError):
    """A field or file is not acceptable; nothing was stored. Shown beside the form."""

    code = "bad_input"


class NotSignedInError(HubError):
    """No session. Pages redirect to the login form."""

    code = "not_signed_in"
    status = 401

    def __init__(self, message: str = N_("Please log in."), **params: object) -> None:
        super().__init__(message, **params)


class NotAllowedError(HubError):
    """Signed in, but not entitled to this here."""

    code = "not_allowed"
    status = 403

    def __init__(self, message: str = N_("This is outside your rights."), **params: object) -> None:
        super().__init__(message, **params)


class NotFoundError(HubError):
    """No such thing, or none that this person may see."""

    code = "not_found"
    status = 404

    def __init__(self, message: str = N_("There is no such thing here."), **params: object) -> None:
        super().__init__(message, **params)


class ConflictError(HubError):
    """The state is no longer the one that was shown; look again and decide again."""

    code = "conflict"
    status = 409


class ChangedError(ConflictError):
    """What is being signed or edited changed since it was shown."""

    code = "changed"

    def __init__(self, message: str = N_("It has changed since it was shown. Look at it again."), **p: object) -> None:
        super().__init__(message, **p)


class TooLargeError(HubError):
    code = "too_large"
    status = 413


class TooManyError(HubError):
    """Tried too often."""

    code = "too_many"
    status = 429


class FloodError(TooManyError):
    """More requests than one caller may make. Answered shortly, as it may be one of thousands."""

    code = "flood"

    def __init__(self, wait_s: int) -> None:
        super().__init__(N_("Too many requests at once. Try again in {n} seconds."), n=wait_s)
        self.wait_s = wait_s


class ConfigError(HubError):
    """The hub cannot start like this. Printed in one line by the command."""

    code = "config"
    status = 500
