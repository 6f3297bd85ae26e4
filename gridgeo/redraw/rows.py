"""Frames read and changed row by row, fast: a column that edits look into is kept as a list of plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import shapely
from geopandas.array import from_shapely

from gridgeo.redraw.memory import notes_on

_CELLS, _KINDS = "cells", "kinds"


def read_cells(frame: gpd.GeoDataFrame, name: str) -> list[Any]:
    """Return a column as a list of plain values, read at most once.

    Parameters
    ----------
    frame : GeoDataFrame
        The layer.
    name : str
        The column.

    Returns
    -------
    list
        Text, numbers, flags, geometries, None for missing ones; not to be changed.
    """
    known: dict[str, list[Any]] = notes_on(frame).setdefault(_CELLS, {})
    if name not in known:
        known[name] = _list_values(frame[name])
    return known[name]


def read_row(frame: gpd.GeoDataFrame, row: int, columns: Iterable[str] | None = None) -> dict[str, Any]:
    """Return a row's values as changes hold them.

    Parameters
    ----------
    frame : GeoDataFrame
        The layer.
    row : int
        The row's place.
    columns : iterable of str, optional
        Which; all when left out.

    Returns
    -------
    dict
        Column → value; missing ones are None.
    """
    return {name: read_cells(frame, name)[row] for name in (columns or frame.columns)}


def set_rows(frame: gpd.GeoDataFrame, values: Mapping[str, Mapping[int, Any]]) -> gpd.GeoDataFrame:
    """Give rows new values.

    Parameters
    ----------
    frame : GeoDataFrame
        The layer; it stays as it is.
    values : mapping
        Column → row → value.

    Returns
    -------
    GeoDataFrame
        The layer with them.
    """
    cells = {}
    for name, by_row in values.items():
        column = list(read_cells(frame, name))
        kind = _kinds(frame)[name]
        for row, value in by_row.items():
            column[row] = _fitting(value, kind)
        cells[name] = column
    return set_columns(frame, cells)


def set_columns(frame: gpd.GeoDataFrame, cells: Mapping[str, list[Any]]) -> gpd.GeoDataFrame:
    """Exchange columns, their types kept.

    Parameters
    ----------
    frame : GeoDataFrame
        The layer; it stays as it is.
    cells : mapping
        Column → its values, as `read_cells` gives them.

    Returns
    -------
    GeoDataFrame
        The layer with them.
    """
    kinds = _kinds(frame)
    done = set_arrays(frame, {name: _as_array(column, kinds[name], frame) for name, column in cells.items()})
    notes_on(done)[_CELLS].update(cells)
    return done


def set_arrays(frame: gpd.GeoDataFrame, arrays: Mapping[str, Any]) -> gpd.GeoDataFrame:
    """Exchange columns for arrays of their types.

    Parameters
    ----------
    frame : GeoDataFrame
        The layer; it stays as it is.
    arrays : mapping
        Column → its new values.

    Returns
    -------
    GeoDataFrame
        The layer with them.
    """
    done = frame.copy(deep=False)
    for name, array in arrays.items():
        done.isetitem(frame.columns.get_loc(name), array)
    known = notes_on(frame).get(_CELLS, {})
    notes_on(done)[_CELLS] = {name: column for name, column in known.items() if name not in arrays}
    notes_on(done)[_KINDS] = _kinds(frame)
    return done


def pick_texts(texts: Sequence[str | None], places: npt.NDArray[np.int64], kind: object) -> Any:  # noqa: ANN401 (an array)
    """Make a column of text from few texts that stand in it many times.

    Parameters
    ----------
    texts : sequence of (str or None)
        The texts, the first of them None.
    places : ndarray of int
        Which of them stands in each row.
    kind : object
        The column's type.

    Returns
    -------
    ExtensionArray
        The column.
    """
    coded = [b"" if each is None else each.encode() for each in texts]
    widths = {len(each) for each in coded[1:]}
    if len(widths) > 1 or not places.all() or not any(widths):
        return pd.array(pa.array(texts, type=pa.large_string()).take(pa.array(places)), dtype=kind)
    # Ids are nearly always of one length: their bytes are laid out at once.
    (width,) = widths
    cells = np.array(coded, dtype=f"S{width}")[places]
    ends = np.arange(0, width * (len(places) + 1), width, dtype=np.int64)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(cells)]
    return pd.array(pa.Array.from_buffers(pa.large_string(), len(places), buffers), dtype=kind)


def exchange_rows(
    frame: gpd.GeoDataFrame, go: set[int], come: Iterable[tuple[int, Mapping[str, Any]]]
) -> gpd.GeoDataFrame:
    """Take rows out, then put rows in.

    Parameters
    ----------
    frame : GeoDataFrame
        The layer; it stays as it is.
    go : set of int
        The places of those that go.
    come : iterable of (int, mapping)
        The place that each gets, in order, and its values; a column not named is empty, zero or false.

    Returns
    -------
    GeoDataFrame
        The layer with them, rows numbered from 0.
    """
    come, kinds = list(come), _kinds(frame)
    cells = {}
    for name in frame.columns:
        column = [value for row, value in enumerate(read_cells(frame, name)) if row not in go]
        for row, values in come:
            column.insert(row, _fitting(values.get(name), kinds[name]))
        cells[name] = column
    arrays = {name: _as_array(column, kinds[name], frame) for name, column in cells.items()}
    shape = frame.geometry.name
    done = gpd.GeoDataFrame(arrays, geometry=shape, crs=frame.crs)
    notes_on(done)[_CELLS] = cells
    return done


def plain_value(value: object) -> Any:  # noqa: ANN401 (a cell)
    """Return a cell's value as changes hold it.

    Parameters
    ----------
    value : object
        The cell.

    Returns
    -------
    object
        Text, a number, a flag, a geometry, or None for a missing value.
    """
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return None if np.isnan(value) else float(value)
    return value


def same_value(one: object, two: object) -> bool:
    """Tell whether two values are the same to the last bit.

    Parameters
    ----------
    one, two : object
        Values as `plain_value` gives them.

    Returns
    -------
    bool
        Whether they are.
    """
    if isinstance(one, shapely.Geometry) and isinstance(two, shapely.Geometry):
        return one is two or bool(shapely.equals_identical(one, two))
    return type(one) is type(two) and one == two


def _kinds(frame: gpd.GeoDataFrame) -> dict[str, Any]:
    notes = notes_on(frame)
    if _KINDS not in notes:
        notes[_KINDS] = frame.dtypes.to_dict()
    kinds: dict[str, Any] = notes[_KINDS]
    return kinds


def _list_values(column: pd.Series) -> list[Any]:
    kind = column.dtype.kind
    if kind in "biu":
        return list(column.to_numpy().tolist())
    if kind == "f":
        return [None if value != value else value for value in column.to_numpy().tolist()]  # noqa: PLR0124 (NaN)
    return [plain_value(value) for value in column.to_numpy(dtype=object)]


def _fitting(value: Any, kind: Any) -> Any:  # noqa: ANN401 (a cell, a type of pandas)
    """Return a value as a column of a type gives it back."""
    match kind.kind:
        case "b":
            return bool(value)
        case "i" | "u":
            return 0 if value is None else int(value)
        case "f":
            return None if value is None else float(value)
    return value


def _as_array(values: list[Any], kind: Any, frame: gpd.GeoDataFrame) -> Any:  # noqa: ANN401 (an array of the type)
    if str(kind) == "geometry":
        shapes = np.empty(len(values), dtype=object)
        shapes[:] = values
        return from_shapely(shapes, crs=frame.crs)
    if kind.kind == "f":
        return np.array([np.nan if value is None else value for value in values], dtype=kind)
    if kind.kind in "biu":
        return np.array(values, dtype=kind)
    if kind == np.dtype(object):
        cells = np.empty(len(values), dtype=object)
        cells[:] = values
        return cells
    if kind == "str":
        return pd.array(pa.array(values, type=pa.large_string()), dtype=kind)
    return pd.array(values, dtype=kind)
