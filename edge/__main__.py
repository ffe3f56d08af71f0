"""`loa-edge`, or `python -m edge`: the command line, or one line about what is not installed."""

from __future__ import annotations

import sys


def main() -> int:
    """Imports happen here because their failure is what is to be explained."""
    try:
        from edge.cli import run_command  # noqa: PLC0415
    except ModuleNotFoundError as error:
        sys.stderr.write(f"loa-edge: {(error.name or '').split('.')[0]} is not installed; `pip install 'loa[edge]'` brings it\n")
        return 1
    return run_command(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
