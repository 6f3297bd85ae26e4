"""Start the app: on this computer only, telling nobody, showing no traceback."""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
from pathlib import Path

from gridgeo.errors import FileError
from gridgeo.store import read_plan
from gridgeo.texts import text, using_language

HOST = "127.0.0.1"
PORT = 8501
ENTRY = Path(__file__).parent / "asgi.py"
LANGUAGE_VARIABLE = "GRIDGEO_APP_LANG"
PLAN_VARIABLE = "GRIDGEO_APP_PLAN"

# Streamlit's own defaults listen on every interface, send usage statistics and show tracebacks to the browser.
FLAGS = {
    "server.address": HOST,
    "server.headless": "true",
    "server.fileWatcherType": "none",
    "server.runOnSave": "false",
    "server.enableCORS": "true",
    "server.enableXsrfProtection": "true",
    "server.enableStaticServing": "false",
    "server.maxUploadSize": "200",
    "browser.serverAddress": HOST,
    "browser.gatherUsageStats": "false",
    "client.showErrorDetails": "none",
    "client.toolbarMode": "minimal",
    "global.developmentMode": "false",
    "logger.level": "warning",
    "logger.enableRich": "false",
    "logger.hideWelcomeMessage": "true",
    "theme.base": "light",
    "theme.font": "Noto Sans SC, Source Han Sans SC, Noto Sans CJK SC, Microsoft YaHei, PingFang SC, sans-serif",
    "theme.primaryColor": "#0072B2",
    "theme.textColor": "#1f2933",
    "theme.backgroundColor": "#ffffff",
    "theme.secondaryBackgroundColor": "#f4f6f8",
    "theme.baseRadius": "8px",
    "theme.baseFontSize": "16",
}


def server_arguments(port: int) -> list[str]:
    """Return what Streamlit's own command line is given.

    Parameters
    ----------
    port : int
        The port to listen on.

    Returns
    -------
    list of str
        The arguments of ``streamlit``.
    """
    flags = [f"--{name}={value}" for name, value in {**FLAGS, "server.port": str(port)}.items()]
    return ["run", str(ENTRY), *flags]


def serve(plan: Path | None, *, port: int = PORT, lang: str | None = None) -> int:
    """Serve the app until it is ended.

    Parameters
    ----------
    plan : Path or None
        The plan file; it is read once here, so that a broken one is told of before a browser opens.
    port : int
        The port to listen on.
    lang : {'zh', 'en'}, optional
        The language the app starts in; by default each browser's own.

    Returns
    -------
    int
        0 when it was ended, 1 when it could not run.

    Raises
    ------
    GridgeoError
        If the plan cannot be read.
    """
    if importlib.util.find_spec("streamlit") is None:
        print(text("app.server.no_streamlit"), file=sys.stderr)  # noqa: T201 - a command speaks on the terminal
        return 1
    if plan is not None:
        if not plan.is_file():
            raise FileError("missing_file", file=str(plan))
        read_plan(plan)
    if not _is_free(port):
        print(text("app.server.port_taken", port=port), file=sys.stderr)  # noqa: T201 - a command speaks
        return 1
    given = {PLAN_VARIABLE: str(plan.absolute()) if plan is not None else "", LANGUAGE_VARIABLE: lang or ""}
    os.environ.update(given)
    print(_greeting(port, lang), flush=True)  # noqa: T201 - a command speaks on the terminal
    # Here rather than above: Streamlit is an extra, and slow to import for a command that only fails.
    from streamlit.web import cli  # noqa: PLC0415

    # In this process rather than a child: whoever ends this one ends the server too.
    cli.main(server_arguments(port), standalone_mode=False)
    return 0


def _greeting(port: int, lang: str | None) -> str:
    if lang is None:
        return text("app.server.ready", host=HOST, port=port)
    with using_language(lang):
        return text("app.server.ready", host=HOST, port=port)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
