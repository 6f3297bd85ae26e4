"""Layers with geometries, read inside the child process of `gridgeo.readers.bounded`."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError

from gridgeo.errors import FileError
from gridgeo.readers.counts import count_rows, open_tables
from gridgeo.readers.raw import ROW, RawLayer
from gridgeo.readers.sniff import Kind, refusal

MOST_VERTICES, MOST_PARTS, MOST_HOLES = 1_000_000, 100_000, 10_000
"""The most that one geometry may have: a hundred times what the outline of a city has."""

_FULL_CELL = 250
# Kinds that hand whole columns over, several times as fast as row by row.
_BY_COLUMNS: frozenset[Kind] = frozenset({"gpkg", "fgb"})
_LINK = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?NetworkLink[\s>/]")


def read_vector(path: Path, kind: Kind, *, layer: str | None = None, first: bool = False) -> RawLayer:
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
    RawLayer
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
            frame = gpd.read_parquet(path)
        else:
            choices = _list_layers(path, kind)
            chosen = _choose_layer(path, choices, choices[0] if first and choices and layer is None else layer)
            counted = count_rows(path, kind, chosen, len(choices))
            frame = _read_ogr(path, kind, chosen)
    except (DataSourceError, DataLayerError, shapely.errors.ShapelyError, RuntimeError, ValueError, TypeError) as error:
        if hasattr(error, "key"):
            raise
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise refusal(path, "library_says", detail=said.replace(f"{path.parent}{os.sep}", "")[:120]) from error
    if counted is not None and len(frame) != counted:
        raise refusal(path, "rows_differ", read=len(frame), said=counted)
    geometry = require_bearable(path, shapely.force_2d(frame.geometry.to_numpy()))
    table = pd.DataFrame(frame.drop(columns=frame.geometry.name)).reset_index(drop=True)
    table[ROW] = np.arange(1, len(table) + 1)
    shapes = gpd.GeoSeries(geometry, crs=frame.crs)
    dropped = tuple(_count_links(path)) if kind == "kml" else ()
    return RawLayer(path.name, kind, table, shapes, frame.crs, dropped, tuple(choices))


def _read_ogr(path: Path, kind: Kind, layer: str) -> gpd.GeoDataFrame:
    # Latin-1 keeps every byte, so that the encoding can be told afterwards, from all of the text at once.
    encoding = "ISO-8859-1" if kind == "shp" else None
    with np.errstate(invalid="ignore"):
        # A geometry that cannot be drawn is no reason to drop its row: it becomes a row without one, which is named.
        frame = pyogrio.read_dataframe(
            path, layer=layer, encoding=encoding, on_invalid="ignore", use_arrow=kind in _BY_COLUMNS
        )
    if not isinstance(frame, gpd.GeoDataFrame):
        raise refusal(path, "no_layer")
    return _decode_shapefile(path, frame) if kind == "shp" else frame


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


def _decode_shapefile(path: Path, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Decode names and cells: as strict UTF-8 when all of them are, else as GB 18030, whatever the file says of itself.

    A value cut in mid-character by a limit of 254 bytes is decoded up to the cut.
    """
    texts = [name for name in frame.columns if name != frame.geometry.name]
    columns = [name for name in texts if frame[name].dtype == object or isinstance(frame[name].dtype, pd.StringDtype)]
    data = [name.encode("latin-1") for name in texts]
    data += [value.encode("latin-1") for name in columns for value in frame[name].dropna()]
    encoding = next((each for each in ("utf-8", "gb18030") if _all_decode(data, each)), None)
    if encoding is None:
        raise refusal(path, "not_text")

    def decoded(value: object) -> object:
        return value.encode("latin-1").decode(encoding, "ignore").strip() if isinstance(value, str) else value

    changed = frame.assign(**{name: frame[name].map(decoded) for name in columns})
    return changed.rename(columns={name: str(decoded(name)) for name in texts})


def _all_decode(data: list[bytes], encoding: str) -> bool:
    for each in data:
        try:
            each.decode(encoding)
        except UnicodeDecodeError as error:
            # The cut end of a full cell is no evidence against an encoding.
            if not (len(each) >= _FULL_CELL and error.start >= len(each) - 3):
                return False
    return True
