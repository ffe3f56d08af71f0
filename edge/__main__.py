"""`loa-edge`, or `python -m edge`: the command line, or one line about what is not installed."""

from __future__ import annotations

import sys


def main() -> int:
    """Imports happen here because their failure is what is to be explained."""
    # sqlite-utils imports numpy wherever it finds it, for a type that we do not use: 11 MB and a tenth of a second that
    # a small device does not have. Sound, which needs numpy, is a process of its own.
    sys.modules["numpy"] = None  # type: ignore[assignment]
    try:
        from edge.cli import run_command  # noqa: PLC0415
    except ModuleNotFoundError as error:
        name = (error.name or "").split(".")[0]
        sys.stderr.write(f"loa-edge: {name} is not installed; `pip install 'loa[edge]'` brings it\n")
        return 1
    return run_command(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
