"""Layers with geometries, read inside the child process of `gridgeo.readers.bounded`."""

from __future__ import annotations

import os
import re
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from html import unescape
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyogrio
import shapely
from numpy.typing import NDArray
from pyogrio import raw as ogr
from pyogrio.errors import DataLayerError, DataSourceError

from gridgeo.errors import FileError
from gridgeo.readers.counts import count_rows, open_tables, require_kept_types
from gridgeo.readers.handing import Cells, Rows
from gridgeo.readers.sniff import Kind, refusal

MOST_VERTICES, MOST_PARTS, MOST_HOLES = 1_000_000, 100_000, 10_000
"""The most that one geometry may have: a hundred times what the outline of a city has."""

Found = tuple[list[str], list[Cells], NDArray[np.object_], str | None]
"""Names of columns, their cells, geometries, and the system they are in."""

_FULL_CELL = 250
# Kinds that hand whole columns over, several times as fast as row by row.
_BY_COLUMNS: frozenset[Kind] = frozenset({"gpkg", "fgb"})
# A system that PROJ has a name for needs not be looked into.
_NAMED = re.compile(r"[A-Za-z]+:\d+")
_DATA_NAME = re.compile(rb"(?P<start><(?:[\w.-]+:)?Data\s+name=([\"']))(?P<name>[^<>]*?)(?P<end>\2)")
_LINK = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?NetworkLink[\s>/]")


def read_vector(path: Path, kind: Kind, *, layer: str | None = None, first: bool = False) -> Rows:
    """Read one layer of a file of geometries.

    Parameters
    ----------
    path : Path
        The file.
    kind : str
        What `gridgeo.readers.sniff.sniff` found.
    layer : str, optional
        Which layer; needed where there are several.
    first : bool
        Whether to take the first one where there are several and none was said.

    Returns
    -------
    Rows
        Its rows, geometries in two dimensions.

    Raises
    ------
    FileError
        If it cannot be read, or has no such layer.
    """
    choices: list[str] = []
    counted: int | None = None
    try:
        if kind == "parquet":
            names, columns, shapes, crs = _read_parquet(path)
        else:
            choices = _list_layers(path, kind)
            chosen = _choose_layer(path, choices, choices[0] if first and choices and layer is None else layer)
            counted = count_rows(path, kind, chosen, len(choices))
            if kind == "gpkg":
                require_kept_types(path, chosen)
            names, columns, shapes, crs = _read_ogr(path, kind, chosen)
    except (DataSourceError, DataLayerError, shapely.errors.ShapelyError, RuntimeError, ValueError, TypeError) as error:
        if hasattr(error, "key"):
            raise
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise refusal(path, "library_says", detail=said.replace(f"{path.parent}{os.sep}", "")[:120]) from error
    if counted is not None and len(shapes) != counted:
        raise refusal(path, "rows_differ", read=len(shapes), said=counted)
    geometry = require_bearable(path, shapely.force_2d(shapes))
    dropped = tuple(_count_links(path)) if kind == "kml" else ()
    return Rows(kind, names, columns, np.arange(1, len(shapes) + 1), geometry, crs, dropped, tuple(choices))


def _read_ogr(path: Path, kind: Kind, layer: str) -> Found:
    # Latin-1 keeps every byte, so that the encoding can be told afterwards, from all of the text at once.
    encoding = "ISO-8859-1" if kind == "shp" else None
    columns: list[Cells]
    if kind in _BY_COLUMNS:
        said, table = ogr.read_arrow(path, layer=layer, datetime_as_string=True)
        # A text that is not UTF-8 is a fault of the file, and of nothing that comes after.
        table.validate(full=True)
        place = said["geometry_name"] or "wkb_geometry"
        names = [name for name in table.column_names if name != place]
        columns = [table.column(name) for name in names]
        drawn = table.column(place).to_pylist() if place in table.column_names else None
    else:
        with _plainly_named(path, kind) as (source, called):
            said, _, drawn, columns = ogr.read(source, layer=layer, encoding=encoding, datetime_as_string=True)
        names = [called.get(str(name), str(name)) for name in said["fields"]]
    if drawn is None:
        raise refusal(path, "no_layer")
    if kind == "shp":
        names, columns = _decode_shapefile(path, names, columns)
    with np.errstate(invalid="ignore"):
        # A geometry that cannot be drawn is no reason to drop its row: it becomes a row without one, which is named.
        shapes = shapely.from_wkb(np.asarray(drawn, dtype=object), on_invalid="ignore")
    return names, columns, shapes, _spell_out(said["crs"])


@contextmanager
def _plainly_named(path: Path, kind: Kind) -> Iterator[tuple[Path, dict[str, str]]]:
    """Give a KML with other names for its data, and what they stand for; any other file as it is.

    GDAL makes an underline of every byte that is not ASCII: 户数 and 人口 would be one column, with one's values lost.
    """
    called: dict[bytes, str] = {}

    def plain(found: re.Match[bytes]) -> bytes:
        alias = called.setdefault(found["name"], f"gridgeo_data_{len(called)}")
        return found["start"] + alias.encode() + found["end"]

    changed = _DATA_NAME.sub(plain, path.read_bytes()) if kind == "kml" else b""
    if not called:
        yield path, {}
        return
    with tempfile.TemporaryDirectory(prefix="gridgeo-") as folder:
        copy = Path(folder) / path.name
        copy.write_bytes(changed)
        yield copy, {alias: unescape(name.decode("utf-8", "replace")) for name, alias in called.items()}


def _read_parquet(path: Path) -> Found:
    import geopandas as gpd  # noqa: PLC0415 - only the child that reads this kind pays for it

    frame = gpd.read_parquet(path)
    table = frame.drop(columns=frame.geometry.name)
    cells = [table.iloc[:, at] for at in range(table.shape[1])]
    columns: list[Cells] = [
        each.to_numpy() if each.dtype == object else pa.array(each, from_pandas=True) for each in cells
    ]
    crs = None if frame.crs is None else frame.crs.to_json()
    return [str(name) for name in table.columns], columns, frame.geometry.to_numpy(), crs


def _spell_out(crs: str | None) -> str | None:
    """Return a system as JSON, unless PROJ has a name for it: what a file says of it is read in this process alone."""
    if crs is None or _NAMED.fullmatch(crs):
        return crs
    from pyproj import CRS  # noqa: PLC0415 - few files need it

    return CRS.from_user_input(crs).to_json()


def require_bearable(path: Path, shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Refuse geometries that no office draws, and that would keep everything behind them busy for hours.

    Parameters
    ----------
    path : Path
        The file, for the error.
    shapes : ndarray of Geometry, length n
        Its geometries.

    Returns
    -------
    ndarray of Geometry, length n
        The geometries; collections within collections are taken out, since they can be nested without end.

    Raises
    ------
    FileError
        If one has too many vertices, parts or holes.
    """
    parts, owner = shapely.get_parts(shapes, return_index=True)
    nested = owner[shapely.get_type_id(parts) == shapely.GeometryType.GEOMETRYCOLLECTION]
    if len(nested):
        shapes = shapes.copy()
        shapes[nested] = None
    holes = np.bincount(owner, np.maximum(shapely.get_num_interior_rings(parts), 0), len(shapes))
    for why, most, counts in (
        ("too_many_vertices", MOST_VERTICES, shapely.get_num_coordinates(shapes)),
        ("too_many_parts", MOST_PARTS, np.bincount(owner, minlength=len(shapes))),
        ("too_many_holes", MOST_HOLES, holes),
    ):
        if len(counts) and counts.max() > most:
            raise refusal(path, why, row=int(counts.argmax()) + 1, count=int(counts.max()), most=most)
    return shapes


def _count_links(path: Path) -> Iterator[dict[str, object]]:
    """Tell of links to other files, which are never followed."""
    links = len(_LINK.findall(path.read_bytes()))
    if links:
        yield {"row": None, "why": "network_link", "value": links}


def _list_layers(path: Path, kind: Kind) -> list[str]:
    if kind == "gpkg":
        return _tables(path)
    if kind == "shp":
        return [path.stem]
    return [str(name) for name, shape in pyogrio.list_layers(path) if shape is not None]


def _choose_layer(path: Path, names: list[str], layer: str | None) -> str:
    if layer is not None:
        if layer not in names:
            raise FileError("no_such_sheet", file=path.name, sheet=layer, allowed=", ".join(names))
        return layer
    if len(names) > 1:
        raise FileError("several_sheets", file=path.name, allowed=", ".join(names), first=names[0])
    if not names:
        raise refusal(path, "no_layer")
    return names[0]


def _tables(path: Path) -> list[str]:
    """Return the layers of a GeoPackage that are tables: a view may run for ever."""
    with closing(open_tables(path)) as database:
        try:
            if database.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise refusal(path, "damaged")
            listed = database.execute(
                "SELECT table_name FROM gpkg_contents JOIN sqlite_master ON name = table_name "
                "WHERE type = 'table' AND data_type = 'features' AND sql NOT LIKE '%VIRTUAL%'"
            ).fetchall()
            kinds = database.execute("SELECT type FROM sqlite_master WHERE name LIKE 'gpkg\\_%' ESCAPE '\\'").fetchall()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise refusal(path, "damaged") from error
    if ("view",) in kinds:
        raise refusal(path, "damaged")
    return [str(name) for (name,) in listed]


def _decode_shapefile(path: Path, names: list[str], columns: list[Cells]) -> tuple[list[str], list[Cells]]:
    """Decode names and cells: as strict UTF-8 when all of them are, else as GB 18030, whatever the file says of itself.

    A value cut in mid-character by a limit of 254 bytes is decoded up to the cut.
    """
    data = [name.encode("latin-1") for name in names]
    data += [cell.encode("latin-1") for cells in columns for cell in cells if isinstance(cell, str)]
    encoding = next((each for each in ("utf-8", "gb18030") if _all_decode(data, each)), None)
    if encoding is None:
        raise refusal(path, "not_text")

    def decoded(said: str) -> str:
        return said.encode("latin-1").decode(encoding, "ignore").strip()

    def decode(cells: Cells) -> Cells:
        if not isinstance(cells, np.ndarray) or cells.dtype != object:
            return cells
        return np.array([decoded(cell) if isinstance(cell, str) else cell for cell in cells], dtype=object)

    return [decoded(name) for name in names], [decode(cells) for cells in columns]


def _all_decode(data: list[bytes], encoding: str) -> bool:
    for each in data:
        try:
            each.decode(encoding)
        except UnicodeDecodeError as error:
            # The cut end of a full cell is no evidence against an encoding.
            if not (len(each) >= _FULL_CELL and error.start >= len(each) - 3):
                return False
    return True
