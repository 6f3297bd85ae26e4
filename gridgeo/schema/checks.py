"""Layers complete, typed and checked: the check names every fault at once.

The checks are our own rather than a schema library's: see ``docs/adr/0005-own-schema-checks.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import lru_cache

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pandas.api import types
from pyproj import CRS

from gridgeo.errors import Fault, InputError
from gridgeo.schema.layers import LAYERS, Column, Layer

_GEOMETRY_TYPES: dict[str, tuple[str, ...]] = {
    "point": ("Point",),
    "line": ("LineString", "MultiLineString"),
    "polygon": ("Polygon", "MultiPolygon"),
}

MOST_COUNT, MOST_NUMBER = 10**9, 10**15
"""No layer counts more than this of anything, or measures more of it: a slip of the keyboard, or two cells in one."""


def empty_layer(name: str, crs: object) -> gpd.GeoDataFrame:
    """Return a layer without rows, with all its columns.

    Parameters
    ----------
    name : str
        One of `LAYERS`.
    crs : object
        Its coordinate reference system.

    Returns
    -------
    GeoDataFrame
        No rows, the layer's columns and a geometry.
    """
    return _empty_layer(name, None if crs is None else CRS.from_user_input(crs)).copy()


@lru_cache(maxsize=256)
def _empty_layer(name: str, crs: CRS | None) -> gpd.GeoDataFrame:
    """Make it once: a plan of few layers is mostly empty ones, and each takes as long as one of a thousand rows."""
    return complete_layer(name, gpd.GeoDataFrame({"geometry": []}, geometry="geometry", crs=crs))


def place_nowhere(name: str, frame: pd.DataFrame, crs: object) -> gpd.GeoDataFrame:
    """Give a plain table of a layer that needs no geometry an empty one.

    Parameters
    ----------
    name : str
        One of `LAYERS`.
    frame : DataFrame or GeoDataFrame
        The layer.
    crs : object
        The system of the plan.

    Returns
    -------
    GeoDataFrame
        The table with an empty geometry in every row; a layer that has geometries, or must have them, as it is.
    """
    layer = LAYERS[name]
    if isinstance(frame, gpd.GeoDataFrame) or (layer.placed and layer.geometry):
        return frame
    return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries([None] * len(frame), index=frame.index, crs=crs))


def complete_layer(name: str, frame: gpd.GeoDataFrame, *, personal: bool = False) -> gpd.GeoDataFrame:
    """Fill a layer's absent optional columns and set every column's type.

    Parameters
    ----------
    name : str
        One of `LAYERS`.
    frame : GeoDataFrame
        The layer; further columns are kept behind its own, but not of a layer about single persons: nobody knows
        what they tell of them.
    personal : bool, optional
        Whether columns that tell who somebody is are kept, where the layer has them.

    Returns
    -------
    GeoDataFrame
        The layer's columns in order, then the further ones, then the geometry; rows numbered from 0. Text is of
        dtype ``str``, counts ``int64``, numbers ``float64``, flags ``bool``, days ``str``. The input is not changed.
    """
    layer = LAYERS[name]
    data: dict[str, object] = {}
    for column in layer.columns:
        if column.personal and not (personal and column.name in frame):
            continue
        values = frame[column.name].reset_index(drop=True) if column.name in frame else None
        data[column.name] = _typed(column, values, len(frame))
    for extra in [] if layer.personal else frame.columns.drop(frame.geometry.name):
        data.setdefault(extra, frame[extra].reset_index(drop=True))
    geometry = frame.geometry.to_numpy() if layer.geometry else np.full(len(frame), None)
    return gpd.GeoDataFrame(data, geometry=geometry, crs=frame.crs)


def drop_personal(name: str, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a layer without the columns that tell who somebody is.

    Parameters
    ----------
    name : str
        One of `LAYERS`.
    frame : GeoDataFrame
        The layer.

    Returns
    -------
    GeoDataFrame
        The layer, without names and telephone numbers.
    """
    return frame.drop(columns=[each.name for each in LAYERS[name].columns if each.personal and each.name in frame])


def check_layer(name: str, frame: gpd.GeoDataFrame, *, file: str | None = None) -> list[Fault]:
    """Name everything that is wrong with a layer.

    Parameters
    ----------
    name : str
        One of `LAYERS`.
    frame : GeoDataFrame
        The layer as it came.
    file : str, optional
        The file it came from, for the faults.

    Returns
    -------
    list of Fault
        Every fault, row by row within each column; empty when the layer can be used.
    """
    layer = LAYERS[name]
    if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None:
        return [Fault(key="not_geographic_frame", layer=name, file=file)]
    faults = list(_geometry_faults(layer, frame, file)) if layer.geometry else []
    for column in layer.columns:
        if column.name in frame:
            faults += _column_faults(layer, column, frame[column.name].reset_index(drop=True), file)
        elif column.required:
            faults.append(Fault(key="missing_column", layer=name, file=file, column=column.name))
    return faults + list(_key_faults(layer, frame, file))


def require_layer(name: str, frame: gpd.GeoDataFrame, *, file: str | None = None) -> gpd.GeoDataFrame:
    """Return a layer complete and typed, or refuse it with every fault named.

    Parameters
    ----------
    name : str
        One of `LAYERS`.
    frame : GeoDataFrame
        The layer as it came.
    file : str, optional
        The file it came from, for the faults.

    Returns
    -------
    GeoDataFrame
        What `complete_layer` makes of it.

    Raises
    ------
    InputError
        If anything is wrong with it; the error's ``faults`` name everything.
    """
    faults = check_layer(name, frame, file=file)
    if faults:
        raise InputError("faults_in_layer", faults=faults, layer=name, count=len(faults))
    return complete_layer(name, frame)


def _typed(column: Column, values: pd.Series | None, length: int) -> object:
    if values is None:
        values = pd.Series([column.default] * length, dtype="str" if column.kind == "text" else "object")
    elif column.default is not None and values.isna().any():
        values = values.astype("object").where(values.notna(), column.default)
    if column.kind == "text" and values.dtype == "str":
        return values  # as a plan file gives it: three conversions of every text are most of a large plan's reading
    match column.kind:
        case "text":
            return values.astype("str").where(values.notna(), None).astype("str")
        case "count":
            return pd.to_numeric(values).astype("int64")
        case "number":
            return pd.to_numeric(values).astype("float64")
        case "bool":
            return values.astype("bool")
        case "date":
            return values.astype("object").map(_day, na_action="ignore").astype("str")


def _day(value: object) -> str | None:
    """Return a day as ISO text; None for what is none."""
    if isinstance(value, date):
        return value.isoformat()[:10]
    try:
        return date.fromisoformat(str(value).strip()).isoformat()
    except ValueError:
        return None


def _key_faults(layer: Layer, frame: gpd.GeoDataFrame, file: str | None) -> Iterator[Fault]:
    """Name rows that have the same key as one before, for a key of several columns."""
    if not layer.key or not set(layer.key) <= set(frame.columns):
        return
    keys = frame[list(layer.key)].reset_index(drop=True)
    repeated = keys.astype("str").duplicated() & keys.notna().all(axis=1)
    for row in np.flatnonzero(repeated):
        value = " / ".join(keys.loc[row].astype("str"))
        column = " / ".join(layer.key)
        yield Fault(key="duplicate_id", layer=layer.name, file=file, row=int(row) + 1, column=column, value=value)


def _column_faults(layer: Layer, column: Column, values: pd.Series, file: str | None) -> Iterator[Fault]:
    def fault(key: str, row: object, **extra: object) -> Fault:
        at = int(str(row))
        return Fault(
            key=key,
            layer=layer.name,
            file=file,
            row=at + 1,
            column=column.name,
            value=_plain_number(values[at]),
            values=extra,
        )

    present = values.notna()
    if column.required:
        blank = ~present | (values.astype("str").str.strip() == "") if column.kind == "text" else ~present
        yield from (fault("missing_value", row) for row in np.flatnonzero(blank))
    if column.name == layer.id_column and not layer.key:
        repeated = values.astype("str").duplicated() & present
        yield from (fault("duplicate_id", row) for row in np.flatnonzero(repeated))
    if column.kind in ("count", "number"):
        numbers = pd.to_numeric(values, errors="coerce").astype("float64")
        not_number = present & numbers.isna()
        if column.kind == "count":
            not_number |= np.isfinite(numbers) & (numbers != np.floor(numbers))
        wanted = "whole_number" if column.kind == "count" else "number"
        yield from (fault("wrong_type", row, wanted=wanted) for row in np.flatnonzero(not_number))
        yield from (fault("not_finite", row) for row in np.flatnonzero(np.isinf(numbers)))
        most = MOST_COUNT if column.kind == "count" else MOST_NUMBER
        vast = np.isfinite(numbers) & (numbers.abs() > most)
        yield from (fault("too_large_value", row, most=f"{most:,}") for row in np.flatnonzero(vast))
        if column.minimum is not None:
            low = np.isfinite(numbers) & (numbers < column.minimum)
            yield from (fault("negative_value", row) for row in np.flatnonzero(low))
    if column.kind == "bool" and not types.is_bool_dtype(values):
        not_flag = present & ~values.isin([True, False, 0, 1])
        yield from (fault("wrong_type", row, wanted="truth") for row in np.flatnonzero(not_flag))
    if column.kind == "date":
        no_day = present & values.map(_day, na_action="ignore").isna()
        yield from (fault("no_day", row) for row in np.flatnonzero(no_day))
    if column.allowed:
        unknown = present & ~values.isin(column.allowed)
        allowed = ", ".join(column.allowed)
        yield from (fault("unknown_value", row, allowed=allowed) for row in np.flatnonzero(unknown))


def _plain_number(value: object) -> object:
    """Return a whole number without the decimals that a column of floats gives it."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) <= MOST_COUNT else value


def _geometry_faults(layer: Layer, frame: gpd.GeoDataFrame, file: str | None) -> Iterator[Fault]:
    geometry = np.asarray(frame.geometry.array)
    allowed = [kind for name in layer.geometry for kind in _GEOMETRY_TYPES[name]]
    nowhere = shapely.is_missing(geometry) | shapely.is_empty(geometry)
    empty = nowhere if layer.placed else np.zeros(len(geometry), dtype=bool)
    ids = [int(shapely.GeometryType[kind.upper()]) for kind in allowed]
    strange = ~nowhere & ~np.isin(shapely.get_type_id(geometry), ids)
    # The bounds pass over a single NaN among sound vertices, so every coordinate is looked at.
    coordinates, owner = shapely.get_coordinates(geometry, return_index=True)
    unfinished = np.zeros(len(geometry), dtype=bool)
    unfinished[owner[~np.isfinite(coordinates).all(axis=1)]] = True
    invalid = np.zeros(len(geometry), dtype=bool)
    asked = ~nowhere & ~strange & ~unfinished
    invalid[asked] = ~shapely.is_valid(geometry[asked])
    for row in np.flatnonzero(empty | strange | unfinished | invalid):
        at = {"layer": layer.name, "file": file, "row": int(row) + 1}
        if empty[row]:
            yield Fault(key="empty_geometry", **at)  # type: ignore[arg-type]
        elif strange[row]:
            values = {"wanted": " / ".join(allowed)}
            yield Fault(key="wrong_geometry", value=geometry[row].geom_type, values=values, **at)  # type: ignore[arg-type]
        elif unfinished[row]:
            yield Fault(key="bad_coordinate", **at)  # type: ignore[arg-type]
        else:
            yield Fault(key="broken_geometry", value=shapely.is_valid_reason(geometry[row]), **at)  # type: ignore[arg-type]
