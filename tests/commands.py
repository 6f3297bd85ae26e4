"""The command line as its users meet it: a process; or the same inside this one, where starting it costs the most."""

import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from types import SimpleNamespace

from gridgeo.cli.commands import run
from gridgeo.texts import using_language


def call_gridgeo(*arguments, lang="en", cwd=None):
    """Run ``gridgeo`` in a process of its own; a warning there is an error."""
    environment = {**os.environ, "GRIDGEO_LANG": lang, "COLUMNS": "200", "PYTHONWARNINGS": "error"}
    command = [sys.executable, "-c", "from gridgeo.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, encoding="utf-8")


def call_inside(*arguments, lang="en"):
    """Ask the command line inside this process: the same words and exit code, without a second's loading."""
    said, complained = StringIO(), StringIO()
    with using_language(lang), redirect_stdout(said), redirect_stderr(complained):
        code = run([*map(str, arguments)])
    return SimpleNamespace(returncode=code, stdout=said.getvalue(), stderr=complained.getvalue())
