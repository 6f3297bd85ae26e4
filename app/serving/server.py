"""Start the app: on this computer only, telling nobody, showing no traceback."""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
from pathlib import Path

from app.parts.theme import theme_options
from app.state.access import Rules, find_sign_in, read_rules
from app.state.environment import HOST, HOSTS_VARIABLE, LANGUAGE_VARIABLE, PLAN_VARIABLE, SIGN_IN_VARIABLE, UPLOAD_MB
from app.state.settings import config_folder, read_settings
from gridgeo.errors import FileError
from gridgeo.store import read_plan
from gridgeo.texts import text, using_language

PORT = 8501
ENTRY = Path(__file__).parents[1] / "asgi.py"

# Streamlit's own defaults listen on every interface, send usage statistics and show tracebacks to the browser.
FLAGS = {
    "server.address": HOST,
    "server.headless": "true",
    "server.fileWatcherType": "none",
    "server.runOnSave": "false",
    "server.enableCORS": "true",
    "server.enableXsrfProtection": "true",
    "server.enableStaticServing": "false",
    "server.maxUploadSize": str(UPLOAD_MB),
    "browser.serverAddress": HOST,
    "client.showErrorDetails": "none",
    "client.toolbarMode": "minimal",
    "global.developmentMode": "false",
    # Streamlit would else show a module's texts that stand by themselves.
    "runner.magicEnabled": "false",
    # A full collection after every run, a look for others' edits among them, holds up all sessions for a third of a
    # second: twenty of them would leave the server no time for anything else. Python collects by itself.
    "runner.postScriptGC": "false",
    "logger.level": "warning",
    "logger.enableRich": "false",
    "logger.hideWelcomeMessage": "true",
    "client.disableDataExport": "true",
    "client.showErrorLinks": "false",
    "server.enableAgentApi": "false",
    "browser.gatherUsageStats": "false",
}


def server_arguments(port: int, sign_in: Path | None = None, rules: Rules | None = None) -> list[str]:
    """Return what Streamlit's own command line is given.

    Parameters
    ----------
    port : int
        The port to listen on.
    sign_in : Path, optional
        The office's sign-in file.
    rules : Rules, optional
        What it says.

    Returns
    -------
    list of str
        The arguments of ``streamlit``.
    """
    flags = {**FLAGS, **theme_options(read_settings().theme), "server.port": str(port)}
    # Named even where there is none: Streamlit would else take one from the folder it happens to run in.
    flags["secrets.files"] = str(sign_in or config_folder() / "signin.toml")
    if rules is not None and rules.address:
        flags["server.address"] = rules.address
    arguments = ["run", str(ENTRY), *(f"--{name}={value}" for name, value in flags.items() if value is not None)]
    hosts = rules.hosts if rules is not None else ()
    return [*arguments, *(f"--server.corsAllowedOrigins={way}://{host}" for host in hosts for way in ("https", "http"))]


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
        If the plan or the office's sign-in file cannot be read.
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
    sign_in = find_sign_in()
    rules = read_rules(sign_in) if sign_in is not None else None
    given = {
        PLAN_VARIABLE: str(plan.absolute()) if plan is not None else "",
        LANGUAGE_VARIABLE: lang or "",
        SIGN_IN_VARIABLE: str(sign_in.absolute()) if sign_in is not None else "",
        HOSTS_VARIABLE: " ".join(rules.hosts) if rules is not None else "",
    }
    os.environ.update(given)
    print(_greeting(port, lang), flush=True)  # noqa: T201 - a command speaks on the terminal
    # Here rather than above: Streamlit is an extra, and slow to import for a command that only fails.
    from streamlit.web import cli  # noqa: PLC0415

    # In this process rather than a child: whoever ends this one ends the server too.
    cli.main(server_arguments(port, sign_in, rules), standalone_mode=False)
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
