"""What an edit does to a plan, row by row with the values before and after: exact both ways, and fit for a log."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridgeo.errors import PlanError
from gridgeo.plan import Plan
from gridgeo.redraw.ground import carry_ground, find_ground
from gridgeo.schema import LAYERS


@dataclass(frozen=True)
class Change:
    """One row of one layer that becomes another, comes or goes.

    Parameters
    ----------
    layer : str
        The layer.
    row : int
        The row's place in the layer: in the layer before for one that stays or goes, in the layer after for one that
        comes.
    before, after : mapping or None
        The values that change, by column; of a row that comes or goes all values, and None on the side where it is not
        there. Values are text, numbers, flags, None for a missing one, or geometries.
    """

    layer: str
    row: int
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


def reverse_changes(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return the changes that take others back.

    Parameters
    ----------
    changes : iterable of Change
        The changes.

    Returns
    -------
    tuple of Change
        Their reverse.
    """
    changes = tuple(changes)
    return tuple(
        Change(one.layer, _row_after(one, changes) if one.before and one.after else one.row, one.after, one.before)
        for one in changes
    )


def apply_changes(plan: Plan, changes: Iterable[Change], *, rev: int | None = None) -> Plan:
    """Make changes to a plan.

    Parameters
    ----------
    plan : Plan
        The plan; it stays as it is.
    changes : iterable of Change
        What changes. Rows change and go first, in the places they have; then rows come, in the places they get.
    rev : int, optional
        The record the changes stand in, for the error.

    Returns
    -------
    Plan
        The plan afterwards, in step: households know their new grids.

    Raises
    ------
    PlanError
        If the plan does not hold what the changes say it held before.
    """
    by_layer: dict[str, list[Change]] = {}
    for change in changes:
        by_layer.setdefault(change.layer, []).append(change)
    done = {name: _apply(getattr(plan, name), of_layer, name, rev) for name, of_layer in by_layer.items()}
    moved = [change for change in by_layer.get("blocks", []) if "grid_id" in (change.after or {})]
    if moved:
        rows = np.array([change.row for change in moved])
        grids = np.array([change.after["grid_id"] for change in moved if change.after is not None], dtype=object)
        done["households"] = _regrid(plan, done.get("households", plan.households), rows, grids)
    after = replace(plan, **done)
    carry_ground(plan, after)
    return after


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
    return {name: _plain(frame[name].array[row]) for name in (columns or frame.columns)}


def write_changes(changes: Iterable[Change]) -> str:
    """Write changes as JSON, always the same for the same changes.

    Parameters
    ----------
    changes : iterable of Change
        The changes.

    Returns
    -------
    str
        JSON; geometries as well-known binary in base 64, to the last bit.
    """
    listed = [[one.layer, one.row, _encode(one.before), _encode(one.after)] for one in changes]
    return json.dumps(listed, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))


def read_changes(written: str) -> tuple[Change, ...]:
    """Read what `write_changes` wrote.

    Parameters
    ----------
    written : str
        JSON.

    Returns
    -------
    tuple of Change
        The changes.
    """
    return tuple(
        Change(layer, row, _decode(before), _decode(after)) for layer, row, before, after in json.loads(written)
    )


def _row_after(change: Change, changes: tuple[Change, ...]) -> int:
    """Return where a row stands once rows before it went and came."""
    mine = [one for one in changes if one.layer == change.layer]
    row = change.row - sum(one.row < change.row for one in mine if one.after is None)
    for come in sorted(one.row for one in mine if one.before is None):
        row += come <= row
    return row


def _apply(frame: gpd.GeoDataFrame, changes: list[Change], layer: str, rev: int | None) -> gpd.GeoDataFrame:
    stay = [one for one in changes if one.before is not None and one.after is not None]
    go = [one for one in changes if one.after is None]
    come = sorted((one for one in changes if one.before is None), key=lambda one: one.row)
    _require_before(frame, [*stay, *go], layer, rev)
    columns: dict[str, Any] = {}
    for column in sorted({name for one in stay for name in one.after or {}}):
        mine = [one for one in stay if column in (one.after or {})]
        columns[column] = _put(frame[column], [one.row for one in mine], [(one.after or {})[column] for one in mine])
    if columns:
        frame = _with_columns(frame, columns)
    if go:
        keep = np.ones(len(frame), dtype=bool)
        keep[[one.row for one in go]] = False
        frame = frame[keep].reset_index(drop=True)
    if come:
        frame = _insert(frame, come)
    return frame


def _require_before(frame: gpd.GeoDataFrame, changes: list[Change], layer: str, rev: int | None) -> None:
    for change in changes:
        for column, expected in (change.before or {}).items():
            known = change.row < len(frame) and column in frame
            if not known or not _same(_plain(frame[column].array[change.row]), expected):
                raise PlanError("log_disagrees", layer=layer, row=change.row + 1, column=column, rev=rev or "–")


def _with_columns(frame: gpd.GeoDataFrame, columns: dict[str, Any]) -> gpd.GeoDataFrame:
    shapes = columns.pop(frame.geometry.name, None)
    changed = frame.assign(**columns) if columns else frame
    if shapes is not None:
        changed = changed.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs))
    return changed


def _put(series: pd.Series, rows: list[int], values: list[Any]) -> Any:  # noqa: ANN401 (an array of the column's type)
    array = series.array.copy()
    missing = np.nan if series.dtype.kind == "f" else None
    for row, value in zip(rows, values, strict=True):
        array[row] = missing if value is None else value
    return array


def _insert(frame: gpd.GeoDataFrame, come: list[Change]) -> gpd.GeoDataFrame:
    """Put rows in at the places they get; a column they do not name is empty, zero or false."""
    places = np.array([one.row for one in come])
    size = len(frame) + len(come)
    old = np.ones(size, dtype=bool)
    old[places] = False
    data: dict[str, Any] = {}
    for column in frame.columns:
        kind = frame[column].dtype
        cells = np.empty(size, dtype=object)
        cells[old] = frame[column].to_numpy(dtype=object)
        for place, one in zip(places, come, strict=True):
            cells[place] = (one.after or {}).get(column)
        if column == frame.geometry.name:
            geometry = cells
        elif kind.kind in "iub":
            data[column] = pd.Series([0 if cell is None else cell for cell in cells], dtype=kind)
        elif kind == np.dtype(object):
            data[column] = pd.Series(cells, dtype=object)
        else:
            data[column] = pd.Series(list(cells), dtype=kind)
    order = [name for name in frame.columns if name != frame.geometry.name]
    return gpd.GeoDataFrame({name: data[name] for name in order}, geometry=geometry, crs=frame.crs)[list(frame.columns)]


def _regrid(plan: Plan, households: gpd.GeoDataFrame, blocks: Any, grids: Any) -> gpd.GeoDataFrame:  # noqa: ANN401
    """Tell the households of some blocks which grid they now belong to."""
    ground = find_ground(plan)
    rows = [ground.households_of(int(block)) for block in blocks]
    each = np.repeat(grids, [len(some) for some in rows])
    every = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)
    if len(every) == 0:
        return households
    column = households["grid_id"].array.copy()
    column[every] = pd.array(each, dtype=households["grid_id"].dtype)
    return households.assign(grid_id=column)


def _plain(value: object) -> Any:  # noqa: ANN401 (a cell)
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return None if np.isnan(value) else float(value)
    return value


def _same(one: object, two: object) -> bool:
    if isinstance(one, shapely.Geometry) and isinstance(two, shapely.Geometry):
        return one is two or bool(shapely.equals_identical(one, two))
    return type(one) is type(two) and one == two


def _encode(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if values is None:
        return None
    coded: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, shapely.Geometry):
            coded[name] = {"wkb": base64.b64encode(shapely.to_wkb(value)).decode("ascii")}
        elif isinstance(value, pd.Timestamp):
            coded[name] = {"time": value.isoformat()}
        else:
            coded[name] = value
    return coded


def _decode(coded: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if coded is None:
        return None
    values: dict[str, Any] = {}
    for name, value in coded.items():
        if isinstance(value, dict):
            values[name] = (
                shapely.from_wkb(base64.b64decode(value["wkb"])) if "wkb" in value else pd.Timestamp(value["time"])
            )
        else:
            values[name] = value
    return values


def find_row(plan: Plan, layer: str, key: str) -> int | None:
    """Return where a row stands.

    Parameters
    ----------
    plan : Plan
        The plan.
    layer : str
        The layer.
    key : str
        The row's id.

    Returns
    -------
    int or None
        Its place; None when there is no such row.
    """
    found = np.flatnonzero((getattr(plan, layer)[LAYERS[layer].id_column] == key).to_numpy(dtype=bool))
    return int(found[0]) if len(found) else None
