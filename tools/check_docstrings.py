"""Check every public docstring of gridgeo against numpydoc's rules (those named in pyproject.toml)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main() -> None:
    """Run numpydoc's linter over the package and pass its verdict on."""
    files = sorted(str(path) for path in Path("gridgeo").rglob("*.py") if "node_modules" not in path.parts)
    command = [sys.executable, "-m", "numpydoc.hooks.validate_docstrings", *files]
    sys.exit(subprocess.run(command, check=False).returncode)


if __name__ == "__main__":
    main()
