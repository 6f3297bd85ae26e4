"""``python -m app [PLAN] [--port N] [--lang zh|en]``: what ``gridgeo app`` runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from app.serving.server import PORT, serve
from gridgeo.errors import GridgeoError
from gridgeo.texts import LANGUAGES, text


def main(arguments: list[str] | None = None) -> int:
    """Serve the app as the command line asks.

    Parameters
    ----------
    arguments : list of str, optional
        The arguments; the process's own when left out.

    Returns
    -------
    int
        The exit code: 0 when done, 1 for bad data.
    """
    parser = argparse.ArgumentParser(prog="gridgeo app", description=text("app.server.description"))
    parser.add_argument("plan", nargs="?", type=Path, help=text("app.server.plan"))
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--lang", choices=LANGUAGES)
    chosen = parser.parse_args(arguments)
    try:
        return serve(chosen.plan, port=chosen.port, lang=chosen.lang)
    except GridgeoError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command speaks on the terminal
        return 1


if __name__ == "__main__":
    sys.exit(main())
