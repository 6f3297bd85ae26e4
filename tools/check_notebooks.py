"""Refuse a notebook that keeps output: it would carry data, and change with every run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main() -> None:
    """Run nbstripout's check over every notebook and pass its verdict on."""
    notebooks = sorted(str(path) for path in Path("notebooks").glob("*.ipynb"))
    if notebooks:
        command = [sys.executable, "-m", "nbstripout", "--verify", *notebooks]
        sys.exit(subprocess.run(command, check=False).returncode)


if __name__ == "__main__":
    main()
