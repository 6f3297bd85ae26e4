"""The plan file while it is in use: who may open it, what a crash left beside it, and whether it changed meanwhile."""

from __future__ import annotations

import sqlite3
import threading
from collections import defaultdict
from contextlib import closing
from pathlib import Path

from gridgeo.errors import FileError
from gridgeo.texts import text

_BUSY_S = 20.0
_COUNTER = slice(24, 28)

_opening: defaultdict[Path, threading.RLock] = defaultdict(threading.RLock)


def open_alone(path: Path) -> threading.RLock:
    """Keep other threads of this program from opening a plan file.

    SQLite's locks on POSIX systems belong to the process: whoever closes the file, also GDAL or a plain ``open``,
    silently lets go the lock that a save in another thread relies on.

    Parameters
    ----------
    path : Path
        The plan file.

    Returns
    -------
    threading.RLock
        To be held (``with``) while the file is open.
    """
    return _opening[path.resolve()]


def roll_back(path: Path) -> None:
    """Take back what a save that was killed left half done; SQLite does it, but only for who may write.

    Parameters
    ----------
    path : Path
        The plan file.

    Raises
    ------
    FileError
        If that cannot be done here.
    """
    if not path.with_name(f"{path.name}-journal").exists():
        return
    try:
        with closing(sqlite3.connect(path.resolve(), timeout=_BUSY_S, isolation_level=None)) as database:
            database.execute("PRAGMA trusted_schema = OFF")
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise FileError("unreadable_file", file=path.name, detail=text("store.half_saved")) from error


def is_held(error: Exception) -> bool:
    """Tell whether a file could not be used only because another program, QGIS say, holds it just now.

    Parameters
    ----------
    error : Exception
        What SQLite raised.

    Returns
    -------
    bool
        Whether waiting would help.
    """
    # What Python itself says in SQLite's name, of text that is no UTF-8, has no code.
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def clear_journal(path: Path) -> None:
    """Leave no journal of an old plan file beside the new one that takes its place.

    Parameters
    ----------
    path : Path
        The plan file.
    """
    try:
        roll_back(path)
    except FileError:  # damaged beyond that; it goes anyway
        path.with_name(f"{path.name}-journal").unlink(missing_ok=True)


def file_version(path: Path) -> tuple[int, int, bytes] | None:
    """Return what changes whenever somebody writes a plan file.

    Parameters
    ----------
    path : Path
        The plan file.

    Returns
    -------
    tuple
        The file's number and time, and SQLite's own count of its changes; None when it cannot be opened.
    """
    try:
        state = path.stat()
        with path.open("rb") as file:
            return state.st_ino, state.st_mtime_ns, file.read(_COUNTER.stop)[_COUNTER]
    except OSError:
        return None
