"""Trợ giúp: one short page for the first days."""

from __future__ import annotations

from flask import Blueprint, render_template

from hub.auth import guard

blueprint = Blueprint("help", __name__)


@blueprint.get("/help")
@guard.signed_in
def page() -> str:
    return render_template("dashboard/help.html", area="")
