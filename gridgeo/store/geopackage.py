"""The plan file: one GeoPackage with every layer, and one table that says what the plan is.

A plan is written to a new file beside the old one, checked, and put in its place in one step, so that a crash leaves
either the old plan or the new one, never half of either.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import astuple, fields
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj import CRS

from gridgeo.cell_types import find_loose_cell
from gridgeo.edit_log import EditRecord
from gridgeo.errors import FileError, GridgeoError, PlanError
from gridgeo.plan import Level, Name, Plan, PlanInfo, make_plan
from gridgeo.schema import LAYERS, place_nowhere
from gridgeo.store import guard, live
from gridgeo.store.migrations import SCHEMA_VERSION, Stored, migrate
from gridgeo.store.qgis import write_metadata, write_styles
from gridgeo.texts import text

_TABLE = "gridgeo_plan"
_IDENTIFIER = "What this plan is (gridgeo)"
_LOG = "edits"
_LOG_IDENTIFIER = "Every edit, in order (gridgeo)"
_LOG_COLUMNS = tuple(field.name for field in fields(EditRecord))
_MULTI = int(shapely.GeometryType.MULTIPOINT)
_TRIES = 5
_GEOMETRY = {"point": "Point", "line": "LineString", "polygon": "Polygon"}


def write_plan(plan: Plan, path: str | Path) -> None:
    """Write a plan to a GeoPackage.

    Parameters
    ----------
    plan : Plan
        The plan. The columns households learn from blocks and units are not stored: reading works them out again.
    path : str or Path
        Where to, ending in ``.gpkg``; a file that is there is replaced, in one step, only once the new one is whole.

    Raises
    ------
    FileError
        If it cannot be written; what was there is as it was.
    """
    path = require_target(path)
    draft = path.with_name(f".{path.stem}.{os.getpid()}.draft.gpkg")
    try:
        with _unhurried():
            for name, layer in plan.layers().items():
                _write_layer(draft, name, stored_layer(name, layer, plan.info), append=draft.exists())
        _write_info(draft, plan)
        _check_draft(draft, plan)
        _replace(draft, path)
    except (OSError, sqlite3.Error, RuntimeError) as error:
        if isinstance(error, GridgeoError):
            raise
        raise FileError("unwritable_file", file=path.name, detail=_reason(error)) from error
    finally:
        for leftover in (draft, *(draft.with_name(draft.name + end) for end in ("-journal", "-wal", "-shm"))):
            with suppress(OSError):
                leftover.unlink(missing_ok=True)


def read_plan(path: str | Path) -> Plan:
    """Read a plan from a GeoPackage.

    Parameters
    ----------
    path : str or Path
        The file; it is opened for reading only and never changed.

    Returns
    -------
    Plan
        The plan, checked and complete; `households` carry their block and units again.

    Raises
    ------
    FileError
        If there is no such file, or it is damaged.
    PlanError
        If it is not a plan, lacks a layer, or was written by a newer gridgeo.
    InputError
        If its layers have faults; all are named.
    """
    path = Path(path)
    with live.open_alone(path):
        for _ in range(_TRIES):
            version = live.file_version(path)
            plan = _read_once(path)
            if live.file_version(path) == version:
                return plan
    raise FileError("unreadable_file", file=path.name, detail=text("edits.busy"))


def _read_once(path: Path) -> Plan:
    with closing(guard.open_readonly(path)) as database:
        try:
            guard.require_plain(database, path)
            stored = _read_info(database, path)
            counts = _count_rows(database, version=int(stored["schema_version"]))
            edits = _read_log(database, path)
            for layer in counts:
                _require_fitting(database, path, layer)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            if live.is_held(error):
                raise FileError("file_held", file=path.name) from error
            raise FileError("unreadable_file", file=path.name, detail=_reason(error)) from error
    _, crs = _parse_info(stored, path)
    layers = {name: _read_layer(path, name, crs, count) for name, count in counts.items() if count}
    done = migrate(Stored(stored, layers))
    info, _ = _parse_info(done.rows, path)
    return make_plan(info, crs, edits=edits, base=stored.get("base"), **done.layers)


def read_log(path: str | Path) -> tuple[EditRecord, ...]:
    """Read only the log of a plan file.

    Parameters
    ----------
    path : str or Path
        The file; it is never changed.

    Returns
    -------
    tuple of EditRecord
        The log, see `gridgeo.edit_log`.

    Raises
    ------
    FileError
        If there is no such file, or it is damaged.
    PlanError
        If it is not a plan, or was written by a newer gridgeo.
    """
    path = Path(path)
    with live.open_alone(path), closing(guard.open_readonly(path)) as database:
        try:
            guard.require_plain(database, path)
            _read_info(database, path)
            return _read_log(database, path)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            if live.is_held(error):
                raise FileError("file_held", file=path.name) from error
            raise FileError("unreadable_file", file=path.name, detail=_reason(error)) from error


def require_target(path: str | Path) -> Path:
    """Refuse a place where no plan can be written, before anything is worked out for it.

    Parameters
    ----------
    path : str or Path
        Where a plan is to go.

    Returns
    -------
    Path
        Where it goes; through a link, the file the link stands for.

    Raises
    ------
    FileError
        If it does not end in ``.gpkg``, there is no such folder, or nothing may be written there.
    """
    path = Path(path)
    if path.suffix.lower() != ".gpkg":
        raise FileError("unwritable_file", file=path.name, detail=text("store.wrong_suffix"))
    path = path.resolve()
    if path.is_dir() or not path.parent.is_dir():
        detail = text("store.is_folder") if path.is_dir() else text("store.no_folder", folder=path.parent.name)
        raise FileError("unwritable_file", file=path.name, detail=detail)
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise FileError("unwritable_file", file=path.name, detail=text("store.folder_locked", folder=path.parent.name))
    if path.exists() and not os.access(path, os.W_OK):
        raise FileError("unwritable_file", file=path.name, detail=text("store.file_locked"))
    return path


def stored_layer(name: str, layer: gpd.GeoDataFrame, info: PlanInfo) -> gpd.GeoDataFrame:
    """Return what a plan file keeps of a layer: not what households learn from blocks and units.

    Parameters
    ----------
    name : str
        One of `gridgeo.schema.LAYERS`.
    layer : GeoDataFrame
        The layer.
    info : PlanInfo
        What the plan says of itself.

    Returns
    -------
    GeoDataFrame
        The layer without the columns that reading works out again.
    """
    if name != "households":
        return layer
    derived = {"block_id", "grid_id", *(f"{level.level}_id" for level in info.levels)}
    return layer.drop(columns=[column for column in layer.columns if column in derived])


def _write_layer(path: Path, name: str, layer: gpd.GeoDataFrame, *, append: bool) -> None:
    """Write one layer; of one geometry type where it can be, since QGIS splits a mixed one into several."""
    kinds, known = LAYERS[name].geometry, set(layer.geom_type.dropna())
    if not kinds:
        pyogrio.write_dataframe(pd.DataFrame(layer.drop(columns="geometry")), path, layer=name, append=append)
        return
    wanted = _GEOMETRY[kinds[0]] if len(kinds) == 1 else "Unknown"
    # Grids may fall into pieces by an edit, which writes into the table as it is.
    multi = len(kinds) == 1 and (name == "grids" or any(kind.startswith("Multi") for kind in known))
    pyogrio.write_dataframe(
        layer,
        path,
        layer=name,
        driver="GPKG",
        geometry_type=f"Multi{wanted}" if multi else wanted,
        promote_to_multi=multi,
        append=append,
        dataset_options={} if append else {"VERSION": "1.3"},
    )


@contextmanager
def _unhurried() -> Iterator[None]:
    """Have GDAL leave the draft's layers to the system's cache: the whole draft is brought to the disk at the end."""
    pyogrio.set_gdal_config_options({"OGR_SQLITE_SYNCHRONOUS": "OFF"})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_SQLITE_SYNCHRONOUS": None})


def _write_info(path: Path, plan: Plan) -> None:
    """Put the plan's own table into the draft, registered so that every GeoPackage program sees it."""
    rows = {
        "schema_version": str(SCHEMA_VERSION),
        "crs": plan.crs.to_wkt(),
        "info": json.dumps(_info_as_dict(plan.info), ensure_ascii=False),
        "base": plan.bases[-1],
    }
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = FULL")
        database.execute("BEGIN IMMEDIATE")
        database.execute(f"CREATE TABLE {_TABLE} (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, value TEXT)")
        database.executemany(f"INSERT INTO {_TABLE} (key, value) VALUES (?, ?)", rows.items())  # noqa: S608 - a constant
        database.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description) VALUES (?, 'attributes', ?, ?)",
            (_TABLE, _IDENTIFIER, plan.info.attribution),
        )
        _write_log(database, plan.edits)
        write_styles(database)
        write_metadata(database, plan)
        database.execute("COMMIT")


def _write_log(database: sqlite3.Connection, edits: tuple[EditRecord, ...]) -> None:
    database.execute(
        f"CREATE TABLE {_LOG} (rev INTEGER PRIMARY KEY, time TEXT NOT NULL, who TEXT NOT NULL, kind TEXT NOT NULL,"
        " edit TEXT NOT NULL, changes TEXT NOT NULL, seal TEXT NOT NULL)"
    )
    places = ", ".join("?" * len(_LOG_COLUMNS))
    database.executemany(f"INSERT INTO {_LOG} VALUES ({places})", [astuple(record) for record in edits])  # noqa: S608 - ours
    database.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES (?, 'attributes', ?)",
        (_LOG, _LOG_IDENTIFIER),
    )


def _read_log(database: sqlite3.Connection, path: Path) -> tuple[EditRecord, ...]:
    """Read the log; a plan written before there were logs has none."""
    known = database.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (_LOG,)).fetchone()
    if known is None:
        return ()
    rows = database.execute(f"SELECT {', '.join(_LOG_COLUMNS)} FROM {_LOG} ORDER BY rev").fetchall()  # noqa: S608 - ours
    kinds = [int, *[str] * (len(_LOG_COLUMNS) - 1)]
    if any(type(value) is not kind for row in rows for value, kind in zip(row, kinds, strict=True)):
        raise PlanError("not_a_plan", file=path.name)
    return tuple(EditRecord(*row) for row in rows)


def _check_draft(path: Path, plan: Plan) -> None:
    """Read the draft back: a full disk or a size limit may have cut it without a word."""
    with closing(guard.open_readonly(path)) as database:
        counts = _count_rows(database)
        if len(_read_log(database, path)) != len(plan.edits):
            raise FileError("unwritable_file", file=path.name, detail=text("store.cut_short"))
    for name, layer in plan.layers().items():
        if counts[name] != len(layer):
            raise FileError("unwritable_file", file=path.name, detail=text("store.cut_short"))


def _replace(draft: Path, path: Path) -> None:
    if path.exists():
        shutil.copymode(path, draft)
    with draft.open("rb+") as file:
        os.fsync(file.fileno())
    with live.open_alone(path):
        live.clear_journal(path)
        draft.replace(path)
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _read_info(database: sqlite3.Connection, path: Path) -> dict[str, str]:
    known = database.execute(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ? COLLATE NOCASE", (_TABLE,)
    ).fetchone()
    if known is None:
        raise PlanError("not_a_plan", file=path.name)
    rows = dict(database.execute(f"SELECT key, value FROM {_TABLE}").fetchall())  # noqa: S608 - a constant
    version = str(rows.get("schema_version", ""))
    if not (version.isascii() and version.isdigit() and int(version) > 0):
        raise PlanError("not_a_plan", file=path.name)
    if int(version) > SCHEMA_VERSION:
        raise PlanError("newer_plan", file=path.name, found=version, known=SCHEMA_VERSION)
    return rows


def _count_rows(database: sqlite3.Connection, *, version: int = SCHEMA_VERSION) -> dict[str, int]:
    """Count the rows of each layer of the file; a layer that came with a later format is left out where absent."""
    counts = {}
    for name, layer in LAYERS.items():
        listed = database.execute(
            "SELECT 1 FROM gpkg_contents JOIN sqlite_master ON name = table_name WHERE type = 'table' AND name = ?",
            (name,),
        ).fetchone()
        if listed is None and layer.since > version:
            continue
        if listed is None:
            raise PlanError("missing_layer", layer=name)
        counts[name] = int(database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0])  # noqa: S608 - ours
    return counts


def _require_fitting(database: sqlite3.Connection, path: Path, layer: str) -> None:
    """Refuse a cell that another program left in a column of another type: it would be read as 0."""
    if found := find_loose_cell(database, layer):
        row, column, kind = found
        detail = text("store.loose_cell", layer=layer, row=row, column=column, kind=kind)
        raise FileError("unreadable_file", file=path.name, detail=detail)


def _read_layer(path: Path, name: str, crs: CRS, count: int) -> gpd.GeoDataFrame:
    try:
        options = {"IMMUTABLE": "YES"} if guard.is_settled(path) else {}
        layer = pyogrio.read_dataframe(path, layer=name, use_arrow=True, **options)
    except (DataSourceError, DataLayerError, RuntimeError, ValueError) as error:
        raise FileError("unreadable_file", file=path.name, detail=_reason(error)) from error
    if not LAYERS[name].geometry:
        layer = place_nowhere(name, pd.DataFrame(layer), crs)
    if not isinstance(layer, gpd.GeoDataFrame):
        raise PlanError("missing_layer", layer=name)
    if len(layer) != count:
        raise FileError("unreadable_file", file=path.name, detail=text("store.rows_lost", layer=name))
    shapes = layer.geometry.to_numpy().copy()
    lone = (shapely.get_type_id(shapes) >= _MULTI) & (shapely.get_num_geometries(shapes) == 1)
    # Of one part, and only made a multi-part geometry to be of its layer's type.
    shapes[lone] = shapely.get_geometry(shapes[lone], 0)
    # The system stands in the plan's own table in full; the file's copy of it went through GDAL.
    return layer.set_geometry(gpd.GeoSeries(shapes, index=layer.index, crs=crs))


def _info_as_dict(info: PlanInfo) -> dict[str, object]:
    return {
        "name": _name_as_dict(info.name),
        "levels": [{"level": level.level, "name": _name_as_dict(level.name)} for level in info.levels],
        "attribution": info.attribution,
        "notes": [_name_as_dict(note) for note in info.notes],
        "personal": info.personal,
        "programme": info.programme,
    }


def _name_as_dict(name: Name) -> dict[str, str]:
    return {"zh": name.zh, "en": name.en}


def _parse_info(stored: Mapping[str, str], path: Path) -> tuple[PlanInfo, CRS]:
    try:
        said = json.loads(stored["info"])
        info = PlanInfo(
            name=Name(**said["name"]),
            levels=tuple(Level(level["level"], Name(**level["name"])) for level in said["levels"]),
            attribution=said["attribution"],
            notes=tuple(Name(**note) for note in said["notes"]),
            personal=bool(said.get("personal", False)),
            programme=str(said.get("programme", "")),
        )
        return info, CRS.from_wkt(stored["crs"])
    except (KeyError, TypeError, ValueError, RuntimeError, RecursionError) as error:
        raise PlanError("not_a_plan", file=path.name) from error


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).splitlines()[0][:120] if str(error) else type(error).__name__
