"""`loa-hub`: starts the command line, or says in one line that the extra `hub` is missing."""

from __future__ import annotations

import sys


def main() -> None:
    try:
        from hub.cli import run  # noqa: PLC0415 what is missing is only found out by trying
    except ModuleNotFoundError as error:
        sys.exit(f"loa-hub: {error.name} is missing: pip install 'loa[hub]'")
    sys.exit(run())


if __name__ == "__main__":
    main()
