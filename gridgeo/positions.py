"""Where people, needs, enterprises and stations are: their position, block, grid and units."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridgeo.errors import InputError
from gridgeo.plan import Plan, locate_in_units

PLACED = ("enterprises", "people", "needs", "stations")
"""Layers whose rows `place_layer` gives a position."""

_BY_REFERENCE = {"station": "stations", "household": "households"}


def place_layer(plan: Plan, layer: str) -> gpd.GeoDataFrame:
    """Give each row of a layer its position and units, as far as they are known.

    Parameters
    ----------
    plan : Plan
        The plan.
    layer : {'enterprises', 'people', 'needs', 'stations'}
        The layer.

    Returns
    -------
    GeoDataFrame
        The layer with a point in each row: its own, else that of the station it names by ``station_id``, else that of
        the household it names by ``household_id``, else none; ``position`` tells which (``"own"``, ``"station"``,
        ``"household"``, ``""``). And with ``block_id``, ``grid_id`` and ``<level>_id`` for each level above: what the
        row itself says of its grid or unit wins over where its point lies.

    Raises
    ------
    InputError
        If rows of that layer have no position.
    """
    if layer not in PLACED:
        raise InputError("unknown_choice", value=layer, allowed=", ".join(PLACED))
    frame: gpd.GeoDataFrame = getattr(plan, layer)
    shapes = frame.geometry.to_numpy().copy()
    position = np.where(shapely.is_missing(shapes), "", "own").astype(object)
    for name, other in _BY_REFERENCE.items():
        column = f"{name}_id"
        if column not in frame or layer == other:
            continue
        points: gpd.GeoDataFrame = getattr(plan, other)
        place = pd.Index(points[column]).get_indexer(pd.Index(frame[column]))
        found = (position == "") & (place >= 0) & frame[column].notna().to_numpy()
        shapes[found] = points.geometry.to_numpy()[place[found]]
        position[found] = name
    placed = frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=plan.crs))
    placed = locate_in_units(plan, placed.assign(position=pd.Series(position, index=frame.index, dtype="str")))
    return _own_units(plan, frame, placed)


def _own_units(plan: Plan, frame: gpd.GeoDataFrame, placed: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Let the grid and the unit that rows name themselves win over where their points lie."""
    above = [level.level for level in plan.info.levels[:-1]]
    units = plan.units.drop_duplicates("unit_id").set_index("unit_id")
    named = frame["unit_id"] if "unit_id" in frame else pd.Series(np.nan, index=frame.index, dtype="str")
    if "grid_id" in frame:
        said = frame["grid_id"].notna()
        placed["grid_id"] = frame["grid_id"].where(said, placed["grid_id"])
        community = plan.grids.drop_duplicates("grid_id").set_index("grid_id")["community_id"]
        named = named.where(named.notna(), frame["grid_id"].map(community))
    current = named.where(named.isin(units.index))
    for level in reversed(above):
        here = current.map(units["level"]) == level
        column = f"{level}_id"
        placed[column] = current.where(here, placed[column]).astype("str")
        current = current.where(~here, current.map(units["parent_id"]))
    return placed
