"""Edits of stations, gates, streets, barriers and household counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from gridgeo.errors import InputError
from gridgeo.plan import Plan
from gridgeo.redraw.assign import require_row
from gridgeo.redraw.changes import Change, find_row
from gridgeo.redraw.edits import Edit
from gridgeo.redraw.grids import Draft, set_values
from gridgeo.redraw.ground import find_ground
from gridgeo.redraw.rows import read_row

JOIN_M = 10.0
"""A new street joins the street that one of its ends is this near to."""

_SAME_VERTEX_M = 0.5
_RING = 4


def edit_station(plan: Plan, edit: Edit) -> Draft:
    """Add, move, remove, open or close a station, or change what is known of it.

    Parameters
    ----------
    plan : Plan
        The plan.
    edit : Edit
        ``station``, and ``at`` or the columns of the layer.

    Returns
    -------
    Draft
        The changes.

    Raises
    ------
    InputError
        If the station does not exist, or one of its id exists already.
    """
    station, at = edit.get("station"), edit.get("at")
    if edit.kind == "add_station":
        said = {name: value for name, value in edit.values if name not in ("station", "at")}
        known = {"station_id": station, "open": True, "estimated": False, **said, "geometry": shapely.Point(at)}
        return Draft((_new_row(plan, "stations", station, known),))
    row = require_row(plan, "stations", station)
    match edit.kind:
        case "remove_station":
            return Draft((Change("stations", row, read_row(plan.stations, row), None),))
        case "move_station":
            return Draft(_set_shape(plan, "stations", row, shapely.Point(at)))
        case "open_station" | "close_station":
            return Draft(set_values(plan, "stations", row, {"open": edit.kind == "open_station"}))
        case _:
            after = {name: value for name, value in edit.values if name != "station"}
            return Draft(set_values(plan, "stations", row, after))


def edit_gate(plan: Plan, edit: Edit) -> Draft:
    """Open or close a gate.

    Parameters
    ----------
    plan : Plan
        The plan.
    edit : Edit
        ``gate``, and ``hours`` when it opens.

    Returns
    -------
    Draft
        The change.

    Raises
    ------
    InputError
        If the gate does not exist.
    """
    row = require_row(plan, "gates", edit.get("gate"))
    after: dict[str, object] = {"open": edit.kind == "open_gate"}
    if edit.get("hours") is not None:
        after["hours"] = edit.get("hours")
    return Draft(set_values(plan, "gates", row, after))


def edit_street(plan: Plan, edit: Edit) -> Draft:
    """Close a street to walking, open it again, or add one.

    A new street joins the walkable streets that its ends are near to (`JOIN_M`): the end moves onto the street, which
    gets a vertex there. It does not join what it crosses in between, like a bridge.

    Parameters
    ----------
    plan : Plan
        The plan.
    edit : Edit
        ``street``, and for a new one ``line``, ``street_class`` (``footway`` when left out), ``name``, ``bridge``,
        ``tunnel``.

    Returns
    -------
    Draft
        The changes.

    Raises
    ------
    InputError
        If the street does not exist, one of its id exists already, or a new one joins no other.
    """
    street = edit.get("street")
    if edit.kind != "add_street":
        row = require_row(plan, "streets", street)
        return Draft(set_values(plan, "streets", row, {"walkable": edit.kind == "open_street"}))
    points = [np.array(point, dtype=np.float64) for point in edit.get("line")]
    shapes = plan.streets.geometry.to_numpy().copy()
    joined: dict[int, shapely.Geometry] = {}
    walkable = plan.streets["walkable"].to_numpy(dtype=bool)
    for end in (0, -1):
        found = _join_end(shapes, walkable, points[end])
        if found is not None:
            host, points[end], shape = found
            if shape is not shapes[host]:
                shapes[host] = joined[host] = shape
    if all(np.array_equal(points[end], edit.get("line")[end]) for end in (0, -1)) and not _touches(
        shapes[walkable], points
    ):
        raise InputError("street_not_joined", value=street, distance_m=f"{JOIN_M:g}")
    known = {
        "street_id": street,
        "name": edit.get("name"),
        "street_class": edit.get("street_class") or "footway",
        "walkable": True,
        "bridge": bool(edit.get("bridge")),
        "tunnel": bool(edit.get("tunnel")),
        "layer": 0.0,
        "geometry": shapely.LineString([tuple(point) for point in points]),
    }
    changes = [one for row in sorted(joined) for one in _set_shape(plan, "streets", row, joined[row])]
    return Draft((*changes, _new_row(plan, "streets", street, known)))


def edit_barrier(plan: Plan, edit: Edit) -> Draft:
    """Add or remove a barrier.

    Parameters
    ----------
    plan : Plan
        The plan.
    edit : Edit
        ``barrier``, and for a new one ``line`` (a polygon when its last point is the first), ``barrier_kind``,
        ``name``.

    Returns
    -------
    Draft
        The change.

    Raises
    ------
    InputError
        If the barrier does not exist, one of its id exists already, or a polygon crosses itself.
    """
    barrier = edit.get("barrier")
    if edit.kind == "remove_barrier":
        row = require_row(plan, "barriers", barrier)
        return Draft((Change("barriers", row, read_row(plan.barriers, row), None),))
    points = edit.get("line")
    ring = points[0] == points[-1] and len(points) >= _RING
    shape = shapely.Polygon(points) if ring else shapely.LineString(points)
    if not shape.is_valid:
        raise InputError("barrier_crosses_itself", value=barrier)
    known = {
        "barrier_id": barrier,
        "barrier_kind": edit.get("barrier_kind"),
        "name": edit.get("name"),
        "geometry": shape,
    }
    return Draft((_new_row(plan, "barriers", barrier, known),))


def set_households(plan: Plan, edit: Edit) -> Draft:
    """Change how many households and people live at a point; its block and grid are counted anew.

    Parameters
    ----------
    plan : Plan
        The plan.
    edit : Edit
        ``household``, and the counts that change.

    Returns
    -------
    Draft
        The changes.

    Raises
    ------
    InputError
        If there is no such household point.
    """
    row = require_row(plan, "households", edit.get("household"))
    counts = {name: value for name, value in edit.values if name != "household"}
    changes = list(set_values(plan, "households", row, counts))
    block = find_ground(plan).place.get(str(plan.households["block_id"].iloc[row]))
    if not changes or block is None:
        return Draft(tuple(changes))
    new = _recount_block(plan, block, row, changes[0].after or {})
    changes += set_values(plan, "blocks", block, new)
    return Draft((*changes, *_recount_grid(plan, block, new)))


def _recount_block(plan: Plan, block: int, row: int, counts: Mapping[str, Any]) -> dict[str, object]:
    """Add a block's households and persons up with one point changed, as `gridgeo.partition` does."""
    members = find_ground(plan).households_of(block)
    new: dict[str, object] = {}
    for name in ("households", "persons"):
        if name in counts and name in plan.blocks:
            values = plan.households[name].fillna(0).to_numpy(np.float64)[members]
            values[members == row] = float(counts[name])
            total = float(np.bincount(np.zeros(len(values), dtype=np.int64), weights=values)[0])
            new[name] = round(total) if name == "households" else total
    if "households" in new and "load" in plan.blocks and (plan.blocks["load"] == plan.blocks["households"]).all():
        new["load"] = float(str(new["households"]))
    return new


def _recount_grid(plan: Plan, block: int, new: dict[str, object]) -> tuple[Change, ...]:
    grid = plan.blocks["grid_id"].iloc[block]
    row = find_row(plan, "grids", grid) if isinstance(grid, str) else None
    if row is None:
        return ()
    members = np.flatnonzero((plan.blocks["grid_id"] == grid).to_numpy(dtype=bool))
    after: dict[str, object] = {}
    for name, value in new.items():
        if name in plan.grids:
            held = plan.blocks[name].to_numpy()[members]
            held = np.where(members == block, np.asarray(value, dtype=held.dtype), held)
            after[name] = held.sum().item()
    return set_values(plan, "grids", row, after)


def _new_row(plan: Plan, layer: str, key: str, known: dict[str, Any]) -> Change:
    if find_row(plan, layer, key) is not None:
        raise InputError("item_exists", layer=layer, value=key)
    frame = getattr(plan, layer)
    values: dict[str, Any] = {}
    for name in frame.columns:
        value = known["geometry"] if name == frame.geometry.name else known.get(name)
        if value is None and frame[name].dtype.kind in "iub":
            value = False if frame[name].dtype.kind == "b" else 0
        elif value is not None and frame[name].dtype.kind == "f":
            value = float(value)
        values[name] = value
    return Change(layer, len(frame), None, values)


def _set_shape(plan: Plan, layer: str, row: int, shape: shapely.Geometry) -> tuple[Change, ...]:
    frame: gpd.GeoDataFrame = getattr(plan, layer)
    before = frame.geometry.iloc[row]
    if shapely.equals_identical(before, shape):
        return ()
    name = frame.geometry.name
    return (Change(layer, row, {name: before}, {name: shape}),)


def _join_end(
    shapes: np.ndarray, walkable: np.ndarray, end: np.ndarray
) -> tuple[int, np.ndarray, shapely.Geometry] | None:
    """Find the street an end is near to: its row, where the end moves, and the street with a vertex there."""
    point = shapely.Point(end)
    away = np.where(walkable, shapely.distance(shapes, point), np.inf)
    if len(away) == 0 or away.min() > JOIN_M:
        return None
    host = int(np.argmin(away))
    parts = list(shapely.get_parts(shapes[host]))
    part = int(np.argmin([each.distance(point) for each in parts]))
    corners = np.array(parts[part].coords)[:, :2]
    to_corner = np.hypot(*(corners - end).T)
    foot = np.array(parts[part].interpolate(parts[part].project(point)).coords[0])[:2]
    nearest = int(np.argmin(np.hypot(*(corners - foot).T)))
    if np.hypot(*(corners[nearest] - foot)) <= _SAME_VERTEX_M or to_corner.min() == 0:
        return host, corners[nearest], shapes[host]
    step = corners[1:] - corners[:-1]
    share = np.clip(((foot - corners[:-1]) * step).sum(axis=1) / np.maximum((step**2).sum(axis=1), 1e-18), 0, 1)
    gap = np.hypot(*(corners[:-1] + share[:, None] * step - foot).T)
    at = int(np.argmin(gap)) + 1
    parts[part] = shapely.LineString(np.insert(corners, at, foot, axis=0))
    shape = parts[0] if len(parts) == 1 else shapely.MultiLineString(parts)
    return host, foot, shape


def _touches(shapes: np.ndarray, points: list[np.ndarray]) -> bool:
    """Tell whether a drawn line already shares a vertex with a street."""
    vertices = {tuple(corner) for corner in shapely.get_coordinates(shapes).tolist()}
    return any(tuple(point.tolist()) in vertices for point in points)
