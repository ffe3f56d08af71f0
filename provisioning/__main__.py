"""Entry of `loa-provision`. Says in one line when the extra `provisioning` is not installed."""

from __future__ import annotations

import importlib
import sys

EXTRAS = ("babel", "bcrypt", "click", "flask", "urllib3")


def main() -> None:
    """Run the command line and end with its exit code."""
    try:
        importlib.import_module("bcrypt")  # cryptography needs it for key files and would say so only in mid-ceremony
        cli = importlib.import_module("provisioning.cli")
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in EXTRAS:
            raise
        sys.exit(f"loa-provision needs {error.name}: install it with  pip install 'loa[provisioning]'")
    sys.exit(cli.run())


if __name__ == "__main__":
    main()
