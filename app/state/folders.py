"""Where plans are edited: in place, or in a copy in the user's own folder."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from gridgeo.readers import bundled_places, bundled_plan_path

HOME_VARIABLE = "GRIDGEO_HOME"
"""Where copies of plans go that cannot be written where they lie; the user's data folder when it is not set."""


def edit_path(source: Path) -> Path:
    """Return where edits of a plan are saved.

    Parameters
    ----------
    source : Path
        The plan file.

    Returns
    -------
    Path
        The file itself where it can be written; else a copy in the user's folder: what belongs to the installation
        is never changed.
    """
    source = source.resolve()
    bundled = source in {bundled_plan_path(name).resolve() for name in bundled_places()}
    writable = os.access(source.parent, os.W_OK) and (not source.exists() or os.access(source, os.W_OK))
    if bundled:
        return user_folder() / source.name
    # Plans of one name may lie in several folders.
    folder = hashlib.sha256(str(source.parent).encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return source if writable else user_folder() / f"{source.stem}-{folder}.gpkg"


def user_folder() -> Path:
    """Return the folder for what a user makes of plans that cannot be written where they lie.

    Returns
    -------
    Path
        The folder; it may not exist yet.
    """
    if own := os.environ.get(HOME_VARIABLE):
        return Path(own)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "gridgeo"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "gridgeo"
