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
    return {name: plain_value(frame[name].array[row]) for name in (columns or frame.columns)}


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
    columns = _checked(frame, [*stay, *go], layer, rev)
    changed = {name for one in stay for name in one.after or {}}
    for name in changed:
        mine = [(one.row, (one.after or {})[name]) for one in stay if name in (one.after or {})]
        columns[name] = _put(columns[name], mine)
    if changed:
        frame = frame.assign(**{name: columns[name] for name in sorted(changed)})
    if go:
        keep = np.ones(len(frame), dtype=bool)
        keep[[one.row for one in go]] = False
        frame = frame[keep].reset_index(drop=True)
    if come:
        frame = _insert(frame, come)
    return frame


def _checked(frame: gpd.GeoDataFrame, changes: list[Change], layer: str, rev: int | None) -> dict[str, Any]:
    """Return the columns that changes touch, after checking that they hold what the changes say they held."""
    columns: dict[str, Any] = {}
    for change in changes:
        for name, expected in (change.before or {}).items():
            if name not in columns and name in frame:
                columns[name] = frame[name].array
            known = name in columns and change.row < len(frame)
            if not known or not same_value(plain_value(columns[name][change.row]), expected):
                raise PlanError("log_disagrees", layer=layer, row=change.row + 1, column=name, rev=rev or "–")
    return columns


def _put(array: Any, values: list[tuple[int, Any]]) -> Any:  # noqa: ANN401 (an array of the column's type)
    array = array.copy()
    missing = np.nan if array.dtype.kind == "f" else None
    for row, value in values:
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
    ids = getattr(plan, layer)[LAYERS[layer].id_column].tolist()
    return ids.index(key) if key in ids else None
