"""TOML files that people write: programmes, scenarios, profiles. What is wrong with one is said in a sentence."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from gridgeo.errors import FileError

MOST_BYTES = 10_000_000
"""No file that a person writes is larger."""


def read_source(path: str | Path, *, most_bytes: int = MOST_BYTES) -> str:
    """Read a file's text.

    Parameters
    ----------
    path : str or Path
        The file.
    most_bytes : int, optional
        How large it may be.

    Returns
    -------
    str
        The text.

    Raises
    ------
    FileError
        If the file is missing, too large, cannot be read, or is no UTF-8.
    """
    path = Path(path)
    if not path.is_file():
        raise FileError("missing_file", file=str(path))
    if (size := path.stat().st_size) > most_bytes:
        raise FileError("toml_too_large", file=path.name, size=f"{size:,}", most=f"{most_bytes:,}")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError("toml_not_utf8", file=path.name) from error
    except OSError as error:
        raise FileError("unreadable_file", file=path.name, detail=error.strerror) from error


def parse_source(source: str, *, file: str) -> dict[str, Any]:
    """Read TOML text.

    Parameters
    ----------
    source : str
        The text.
    file : str
        What the error calls it.

    Returns
    -------
    dict
        What it says.

    Raises
    ------
    FileError
        If it is no TOML; the error says which line.
    """
    try:
        return tomllib.loads(source)
    except (RecursionError, ValueError) as error:  # wrong TOML, numbers of thousands of digits
        # tomllib says where in words only: "… (at line 4, column 9)", or at the end of the document.
        told = re.search(r"line (\d+)", str(error))
        raise FileError("toml_syntax", file=file, line=told[1] if told else source.count("\n") + 1) from error
