"""The command line. Every command takes ``--json`` and exits with 0 when done, 1 for bad data, 2 for bad use."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run ``gridgeo`` as the shell calls it."""
    for stream in (sys.stdout, sys.stderr):
        # A Windows console or a redirected file may be GBK or ASCII: Chinese must not make the program fail.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    _choose_language(sys.argv[1:])
    try:
        # Imported only now, since the help texts are worded when the commands are defined.
        from gridgeo.cli.commands import run  # noqa: PLC0415
    except KeyboardInterrupt:
        sys.exit(130)  # nothing has begun, so there is nothing to say
    sys.exit(run(sys.argv[1:]))


def _choose_language(arguments: list[str]) -> None:
    for position, argument in enumerate(arguments):
        name, _, value = argument.partition("=")
        if name == "--lang":
            value = value or "".join(arguments[position + 1 : position + 2])
            if value in ("zh", "en"):
                os.environ["GRIDGEO_LANG"] = value
