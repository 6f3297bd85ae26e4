"""Opening a GeoPackage that may come from anyone: read only, nothing in it may run."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from gridgeo.errors import FileError, PlanError
from gridgeo.store import live
from gridgeo.texts import text

# What GDAL and QGIS put into a GeoPackage themselves: upkeep of the spatial index and of the row counts.
_USUAL_TRIGGER = re.compile(r"rtree_\w+|trigger_(insert|delete)_feature_count_\w+|gpkg_\w+|fk\w+|\w+_(insert|update)")
_USUAL_VIRTUAL = re.compile(r"\bUSING\s+(\"?rtree\"?|fts[345])\b", re.IGNORECASE)
# A column worked out on every read: no GeoPackage program makes one, and it may take for ever.
_COMPUTED = re.compile(r"\bAS\s*\(", re.IGNORECASE)
_MAGIC = b"SQLite format 3\x00"
_WAL = b"\x02\x02"


def open_readonly(path: Path) -> sqlite3.Connection:
    """Open a GeoPackage for reading, with everything in it that could run switched off.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    sqlite3.Connection
        A connection that cannot write and trusts no schema; close it.

    Raises
    ------
    FileError
        If there is no such file, or it is damaged.
    PlanError
        If it is not a GeoPackage.
    """
    if not path.is_file():
        raise FileError("missing_file", file=path)
    live.roll_back(path)
    try:
        with path.open("rb") as file:
            head = file.read(100)
    except OSError as error:
        raise FileError("unreadable_file", file=path.name, detail=error.strerror or error) from error
    if head[:16] != _MAGIC:
        raise PlanError("not_a_plan", file=path.name)
    mode = "immutable=1" if is_settled(path) else "mode=ro"
    database = sqlite3.connect(f"{path.resolve().as_uri()}?{mode}", uri=True, isolation_level=None)
    try:
        database.execute("PRAGMA trusted_schema = OFF")
        database.execute("PRAGMA cell_size_check = ON")
        found = database.execute("PRAGMA quick_check(1)").fetchone()
        listed = database.execute(
            "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'gpkg_contents'"
        ).fetchone()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        database.close()
        if live.is_held(error):
            raise FileError("file_held", file=path.name) from error
        raise FileError("unreadable_file", file=path.name, detail=text("store.damaged", detail=error)) from error
    if found != ("ok",):
        database.close()
        raise FileError("unreadable_file", file=path.name, detail=text("store.damaged", detail=found[0]))
    if listed != (1,):
        database.close()
        raise PlanError("not_a_plan", file=path.name)
    return database


def is_settled(path: Path) -> bool:
    """Tell whether a file is in the journal mode that QGIS leaves behind (WAL), with nothing left to be taken over.

    Where nothing may be written, such a file can only be read as one that nobody changes.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    bool
        True for such a file.
    """
    log = path.with_name(f"{path.name}-wal")
    with path.open("rb") as file:
        return file.read(20)[18:] == _WAL and not (log.exists() and log.stat().st_size)


def require_plain(database: sqlite3.Connection, path: Path) -> None:
    """Refuse a GeoPackage that holds more than tables: views can run for ever, triggers act on a save.

    Parameters
    ----------
    database : sqlite3.Connection
        From `open_readonly`.
    path : Path
        The file, for the error.

    Raises
    ------
    PlanError
        If it holds a view, a trigger that no GeoPackage program makes, an unusual virtual table, or a column that is
        worked out on reading.
    """
    with closing(database.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_master")) as rows:
        for kind, name, sql in rows:
            virtual = kind == "table" and re.match(r"\s*CREATE\s+VIRTUAL", sql, re.IGNORECASE)
            if (
                kind == "view"
                or (kind == "trigger" and not _USUAL_TRIGGER.fullmatch(name))
                or (kind == "table" and _COMPUTED.search(sql))
                or (virtual and not _USUAL_VIRTUAL.search(sql))
            ):
                raise PlanError("active_plan", file=path.name, name=name)
