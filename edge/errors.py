"""Errors of the device's programs. Each leaf says who handles it; `permanent` says whether trying again can help.

Refusals of what others sent are `wire.errors`; a refusal is no failure of the device.
"""

from __future__ import annotations


class EdgeError(Exception):
    """Something on this device, or on the way to it, does not work."""

    permanent = False


class ConfigError(EdgeError):
    """The configuration cannot be used. The command line prints it and exits 2."""

    permanent = True


class IdentityError(EdgeError):
    """The device key is missing, unreadable or unsafe. The command line prints it and exits 1."""

    permanent = True


class StoreError(EdgeError):
    """A durable store cannot be read or written. The part that wrote keeps what it had and reports it."""


class DiskFullError(StoreError):
    """No room: the old programme goes on, and the fault `disk_full` is reported."""


class FetchError(EdgeError):
    """The hub, or the way to it, fails. The fetcher tries again with growing pauses."""


class WrongContentError(FetchError):
    """What was served is not what was signed (size or hash). Dropped, counted, asked for again later."""


class BundleError(EdgeError):
    """A stick or bundle file cannot be read or is not for this device. Written to the stick's status file."""

    permanent = True


class LinkError(EdgeError):
    """The broker cannot be used as configured. The agent goes on without it."""
