"""The reader's language (HUB-DESK builds this out)."""

from __future__ import annotations

from flask import Flask
from flask_babel import Babel


def init_app(app: Flask) -> None:
    Babel(app, default_locale="vi", default_timezone="Asia/Ho_Chi_Minh", locale_selector=lambda: "vi")
