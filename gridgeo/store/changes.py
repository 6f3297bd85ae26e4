"""Edits written into a plan file where it stands: only the rows they touch, in one SQLite transaction.

A crash at any moment leaves the state before or after: SQLite's rollback journal sees to that. The spatial index, the
counts and the extents that the format keeps are brought up to date by hand, since a file's triggers are not trusted.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from gridgeo.cell_types import quote_name
from gridgeo.errors import FileError, GridgeoError
from gridgeo.plan import Plan
from gridgeo.store import guard, live
from gridgeo.store.geopackage import stored_layer

_BUSY_S = 20.0
_POINT, _BOXED = 0x01, 0x03
_KINDS = ("bool", "int64", "float64", "str")
_MANY: MappingProxyType[str, Callable[[list[Any]], BaseGeometry]] = MappingProxyType(
    {
        "MULTIPOINT": shapely.MultiPoint,
        "MULTILINESTRING": shapely.MultiLineString,
        "MULTIPOLYGON": shapely.MultiPolygon,
    }
)


@dataclass(frozen=True)
class Head:
    """The state a plan file is in.

    Parameters
    ----------
    base : str or None
        What its log stands on, see `gridgeo.Plan.bases`; None in a file written before that was kept.
    rev : int
        How many records its log has.
    seal : str
        The seal of the last; empty before the first.
    """

    base: str | None
    rev: int
    seal: str


@dataclass
class Touched:
    """What differs in a layer from the one in the file.

    Parameters
    ----------
    cells : dict
        Row → the columns that changed in it.
    tail : int or None
        The first place at which a row came or went: from there on every row is written anew.
    """

    cells: dict[int, set[str]] = field(default_factory=dict)
    tail: int | None = None


def read_head(path: str | Path) -> Head:
    """Read which state a plan file is in.

    Parameters
    ----------
    path : str or Path
        The file; it is not changed.

    Returns
    -------
    Head
        Its state.

    Raises
    ------
    FileError
        If there is no such file, or it is damaged.
    PlanError
        If it is not a plan.
    """
    path = Path(path)
    if not path.is_file():
        raise FileError("missing_file", file=path)
    with live.open_alone(path), _open(path, "unreadable_file") as database:
        return _read_head(database)


def save_records(plan: Plan, path: str | Path, touched: Mapping[str, Touched], seen: Head) -> bool:
    """Bring a plan file to the state of a plan whose log goes on from the file's.

    Parameters
    ----------
    plan : Plan
        The plan.
    path : str or Path
        The file. Hold `gridgeo.store.hold_lock` meanwhile.
    touched : mapping
        Layer → what its log's records after those of the file changed.
    seen : Head
        The state of the file that `touched` is reckoned from.

    Returns
    -------
    bool
        Whether it was done; False when the file has to be written whole: it moved on since `seen`, or holds something
        that is not as `gridgeo.store.write_plan` leaves it. Then it is as it was.

    Raises
    ------
    FileError
        If the file cannot be written; it is as it was.
    PlanError
        If it holds what a plan does not hold.
    """
    path = Path(path)
    layers = {name: stored_layer(name, getattr(plan, name), plan.info) for name in touched}
    with live.open_alone(path), _open(path, "unwritable_file") as database:
        database.execute("BEGIN IMMEDIATE")
        guard.require_plain(database, path)
        tables = {name: _Table.find(database, name) for name in touched}
        if _read_head(database) != seen or not all(
            table is not None and table.fits(layers[name], touched[name]) for name, table in tables.items()
        ):
            return False
        with _without_triggers(database, [*touched, "edits", "gpkg_contents", "gpkg_ogr_contents"]):
            for name, table in tables.items():
                if table is None or not table.write(layers[name], touched[name]):
                    return False
            _append_log(database, plan, seen.rev)
            _stamp(database, [*touched, "edits"])
        database.execute("COMMIT")
    return True


@contextmanager
def _open(path: Path, key: str) -> Iterator[sqlite3.Connection]:
    """Open a plan file to be written; whatever is not committed by the end is taken back."""
    try:
        live.roll_back(path)
        where = f"file:{quote(str(path.resolve()))}?mode=rw"
        with closing(sqlite3.connect(where, uri=True, timeout=_BUSY_S, isolation_level=None)) as database:
            database.execute("PRAGMA trusted_schema = OFF")
            database.execute("PRAGMA synchronous = FULL")
            yield database
    except (OSError, sqlite3.Error, UnicodeError) as error:
        if isinstance(error, GridgeoError):
            raise
        if live.is_held(error):
            raise FileError("file_held", file=path.name) from error
        raise FileError(key, file=path.name, detail=str(error) or type(error).__name__) from error


def _read_head(database: sqlite3.Connection) -> Head:
    base = database.execute("SELECT value FROM gridgeo_plan WHERE key = 'base'").fetchone()
    if database.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'edits'").fetchone() is None:
        return Head(None, 0, "")
    last = database.execute("SELECT rev, seal FROM edits ORDER BY rev DESC LIMIT 1").fetchone()
    return Head(str(base[0]) if base else None, *(last or (0, "")))


@dataclass(frozen=True)
class _Table:
    """A layer's table in the file; `table`, `row` (its number) and `index` are names as SQL takes them."""

    database: sqlite3.Connection
    name: str
    table: str
    row: str
    index: str
    columns: frozenset[str]
    shape: str
    shape_kind: str
    srs: int

    @classmethod
    def find(cls, database: sqlite3.Connection, name: str) -> _Table | None:
        """Return a layer's table; None when it is not one that `write_plan` writes."""
        columns = database.execute(f"PRAGMA table_info({quote_name(name)})").fetchall()
        key = [column[1] for column in columns if column[5]]
        told = database.execute(
            "SELECT column_name, geometry_type_name, srs_id, z, m FROM gpkg_geometry_columns WHERE table_name = ?",
            (name,),
        ).fetchall()
        if len(key) != 1 or len(told) != 1 or told[0][3:] != (0, 0):
            return None
        shape, kind, srs = told[0][:3]
        index = f"rtree_{name}_{shape}"
        known = database.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (index,)).fetchone()
        plain = frozenset(column[1] for column in columns) - {key[0], shape}
        if known is None:
            return None
        table, row, tree = map(quote_name, (name, key[0], index))
        return cls(database, name, table, row, tree, plain, shape, str(kind).upper(), int(srs))

    def fits(self, layer: gpd.GeoDataFrame, touched: Touched) -> bool:
        """Tell whether the table has the layer's columns, row n under the key n + 1, and room for its geometries."""
        plain = layer.drop(columns=layer.geometry.name)
        counted, last = self.database.execute(
            f"SELECT (SELECT feature_count FROM gpkg_ogr_contents WHERE table_name = ?), max({self.row})"  # noqa: S608
            f" FROM {self.table}",
            (self.name,),
        ).fetchone()
        expected = len(layer) if touched.tail is None else counted
        return (
            self.columns == set(plain.columns)
            and all(str(kind) in _KINDS for kind in plain.dtypes)
            and counted == (last or 0) == expected
            and (touched.tail is None or touched.tail <= counted)
            and all(self._takes(layer.geometry.iloc[row]) for row in self._shapes_of(layer, touched))
        )

    def write(self, layer: gpd.GeoDataFrame, touched: Touched) -> bool:
        """Write what was touched; tell whether every row was where it should be."""
        shape = layer.geometry.name
        for row, names in touched.cells.items():
            if touched.tail is not None and row >= touched.tail:
                continue
            values = [
                self._blob(layer.geometry.iloc[row]) if name == shape else _plain(layer[name].array[row])
                for name in names
            ]
            told = ", ".join(f"{quote_name(self.shape if name == shape else name)} = ?" for name in names)
            order = f"UPDATE {self.table} SET {told} WHERE {self.row} = ?"  # noqa: S608 - names, quoted
            if self.database.execute(order, (*values, row + 1)).rowcount != 1:
                return False
        shaped = self._shapes_of(layer, touched)
        if touched.tail is not None:
            self._rewrite(layer, touched.tail)
        boxes = shapely.bounds(layer.geometry.to_numpy()[shaped])
        self.database.executemany(
            f"INSERT OR REPLACE INTO {self.index} VALUES (?, ?, ?, ?, ?)",  # noqa: S608 - a name, quoted
            [(row + 1, box[0], box[2], box[1], box[3]) for row, box in zip(shaped, boxes.tolist(), strict=True)],
        )
        if shaped or touched.tail is not None:
            extent = layer.total_bounds.tolist() if len(layer) else [None] * 4
            self.database.execute(
                "UPDATE gpkg_contents SET min_x = ?, min_y = ?, max_x = ?, max_y = ? WHERE table_name = ?",
                (*extent, self.name),
            )
        return True

    def _rewrite(self, layer: gpd.GeoDataFrame, tail: int) -> None:
        """Write the rows from a place on anew, since rows before them came or went."""
        (count,) = self.database.execute(
            "SELECT feature_count FROM gpkg_ogr_contents WHERE table_name = ?", (self.name,)
        ).fetchone()
        gone = [(row + 1,) for row in range(tail, count)]
        self.database.executemany(f"DELETE FROM {self.index} WHERE id = ?", gone)  # noqa: S608 - a name, quoted
        self.database.execute(f"DELETE FROM {self.table} WHERE {self.row} > ?", (tail,))  # noqa: S608 - names, quoted
        names = [name for name in layer.columns if name != layer.geometry.name]
        rows = layer.iloc[tail:]
        cells = [[_plain(value) for value in rows[name].array] for name in names]
        blobs = [self._blob(shape) for shape in rows.geometry]
        told = ", ".join([self.row, *(quote_name(name) for name in (self.shape, *names))])
        places = ", ".join("?" * (len(names) + 2))
        self.database.executemany(
            f"INSERT INTO {self.table} ({told}) VALUES ({places})",  # noqa: S608 - names, quoted
            zip(range(tail + 1, len(layer) + 1), blobs, *cells, strict=True),
        )
        self.database.execute(
            "UPDATE gpkg_ogr_contents SET feature_count = ? WHERE table_name = ?", (len(layer), self.name)
        )

    def _shapes_of(self, layer: gpd.GeoDataFrame, touched: Touched) -> list[int]:
        """Return the rows whose geometry is written."""
        end = len(layer) if touched.tail is None else touched.tail
        named = sorted(row for row, names in touched.cells.items() if layer.geometry.name in names and row < end)
        return [*named, *range(end, len(layer))]

    def _takes(self, shape: BaseGeometry | None) -> bool:
        if shape is None or shape.is_empty or shape.has_z:
            return False
        kind = shape.geom_type.upper()
        return self.shape_kind in (kind, f"MULTI{kind}", "GEOMETRY")

    def _blob(self, shape: BaseGeometry) -> bytes:
        """Return a geometry as GeoPackage's binary (OGC 12-128r19, clause 2.1.3), little-endian as GDAL writes it."""
        if self.shape_kind == f"MULTI{shape.geom_type.upper()}":
            shape = _MANY[self.shape_kind]([shape])
        if shape.geom_type == "Point":
            head = struct.pack("<2sBBi", b"GP", 0, _POINT, self.srs)
        else:
            west, south, east, north = shape.bounds
            head = struct.pack("<2sBBi4d", b"GP", 0, _BOXED, self.srs, west, east, south, north)
        return head + bytes(shapely.to_wkb(shape, byte_order=1))


@contextmanager
def _without_triggers(database: sqlite3.Connection, tables: list[str]) -> Iterator[None]:
    """Put triggers aside for the length of a ``with`` block: they call functions of GDAL, or come from anyone."""
    places = ", ".join("?" * len(tables))
    found = database.execute(
        f"SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ({places})",  # noqa: S608 - places
        tables,
    ).fetchall()
    for name, _ in found:
        database.execute(f"DROP TRIGGER {quote_name(name)}")
    yield
    for _, made_by in found:
        database.execute(made_by)


def _append_log(database: sqlite3.Connection, plan: Plan, known: int) -> None:
    rows = [astuple(record) for record in plan.edits[known:]]
    database.executemany(
        "INSERT INTO edits (rev, time, who, kind, edit, changes, seal) VALUES (?, ?, ?, ?, ?, ?, ?)", rows
    )


def _stamp(database: sqlite3.Connection, tables: list[str]) -> None:
    database.executemany(
        "UPDATE gpkg_contents SET last_change = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE table_name = ?",
        [(name,) for name in tables],
    )


def _plain(value: object) -> Any:  # noqa: ANN401 (a cell)
    if value is None or value is pd.NA or value != value:  # noqa: PLR0124 (only NaN differs from itself)
        return None
    return value.item() if isinstance(value, np.generic) else value
