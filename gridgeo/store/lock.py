"""One writer at a time: a lock beside the plan file that the system lets go when its holder dies."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gridgeo.errors import FileError
from gridgeo.texts import text

_PATIENCE_S = 20.0
_STEP_S = 0.02


@contextmanager
def hold_lock(path: str | Path, *, patience_s: float = _PATIENCE_S) -> Iterator[None]:
    """Keep every other gridgeo from writing a plan for the length of a ``with`` block.

    Parameters
    ----------
    path : str or Path
        The plan file.
    patience_s : float, optional
        How many seconds to wait for another writer.

    Yields
    ------
    None
        While the lock is held.

    Raises
    ------
    FileError
        If another writer does not finish in time, or the folder cannot be written to.
    """
    path = Path(path).resolve()
    beside = path.with_name(f".{path.name}.lock")
    deadline = time.monotonic() + patience_s
    while (handle := _take(beside, path)) is None:
        if time.monotonic() > deadline:
            raise FileError("unwritable_file", file=path.name, detail=text("edits.busy"))
        time.sleep(_STEP_S)
    try:
        yield
    finally:
        # Removed while still held; who waits for it sees that and takes a new one.
        with suppress(OSError):
            beside.unlink()
        os.close(handle)


def _take(beside: Path, path: Path) -> int | None:
    try:
        handle = os.open(beside, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise FileError("unwritable_file", file=path.name, detail=error.strerror) from error
    try:
        _lock(handle)
        if os.fstat(handle).st_ino == beside.stat().st_ino:
            return handle
    except OSError:
        pass
    os.close(handle)
    return None


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
