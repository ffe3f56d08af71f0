"""Serves the web application with gunicorn in this process: one process, threads (`loa-hub web`)."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

from hub.app import create_app
from hub.config import Config
from hub.context import Hub
from hub.errors import ConfigError


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, config: Config) -> None:
        self._config = config
        super().__init__()

    def load_config(self) -> None:
        settings: dict[str, Any] = {
            "bind": f"{self._config.host}:{self._config.port}",
            "worker_class": "gthread",
            "workers": 1,
            "threads": self._config.threads,
            "timeout": 60,
            "graceful_timeout": 3,
            "keepalive": 15,
            "loglevel": self._config.log_level.lower(),
            "limit_request_line": 4_094,
            "limit_request_fields": 60,
            "limit_request_field_size": 8_190,
            "control_socket_disable": True,
            "proc_name": "loa-hub-web",
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        app = create_app(self._config)
        hub: Hub = app.extensions["loa"]
        with contextlib.suppress(ConfigError), hub.reading() as conn:  # a hub without a root still shows its pages
            hub.trusted.held(conn)  # now rather than in the request that brings the first alert
        return app


def run_web(config: Config) -> None:
    """Serve until SIGTERM or SIGINT. Raises ConfigError where the address is taken."""
    _check_address(config)
    _Server(config).run()


def _check_address(config: Config) -> None:
    """Left to itself gunicorn tries for five seconds and then says it in many lines."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.host, config.port))
        except OSError as error:
            where = f"{config.host}:{config.port}"
            raise ConfigError("{where}: {reason}", where=where, reason=error.strerror or error) from error
