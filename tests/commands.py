"""The command line as its users meet it: a process."""

import os
import subprocess
import sys


def call_gridgeo(*arguments, lang="en", cwd=None):
    """Run ``gridgeo`` in a process of its own; a warning there is an error."""
    environment = {**os.environ, "GRIDGEO_LANG": lang, "COLUMNS": "200", "PYTHONWARNINGS": "error"}
    command = [sys.executable, "-c", "from gridgeo.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, encoding="utf-8")
