"""Serves the web application with gunicorn in this process: one process, threads (`loa-hub web`)."""

from __future__ import annotations

from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from hub.app import create_app
from hub.config import Config


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
        return create_app(self._config)


def run_web(config: Config) -> None:
    """Serve until SIGTERM or SIGINT."""
    _Server(config).run()
