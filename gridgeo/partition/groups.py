"""Building groups (楼栋党小组, 微网格): the level below the grid, neighbouring buildings put together."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from gridgeo.blocks.faces import Floats, Geometries, Integers, dissolve, draw_faces, unite
from gridgeo.blocks.slivers import locate_faces, separate
from gridgeo.crs import require_metric
from gridgeo.errors import PartitionError
from gridgeo.partition.codes import number_places
from gridgeo.schema import complete_layer, require_layer


def group_buildings(
    blocks: gpd.GeoDataFrame,
    households: gpd.GeoDataFrame,
    *,
    buildings: gpd.GeoDataFrame | None = None,
    households_per_group: tuple[float, float] = (60, 140),
    level: str = "group",
) -> tuple[pd.Series, gpd.GeoDataFrame]:
    """Divide each grid into groups of neighbouring buildings.

    A grid's buildings are cut in two along its longer side, where the households divide best, until each part is a
    group. So groups nest in grids, and no two of one grid reach into each other.

    Parameters
    ----------
    blocks : GeoDataFrame
        Layer ``blocks`` with ``grid_id``.
    households : GeoDataFrame
        Layer ``households``.
    buildings : GeoDataFrame, optional
        Layer ``buildings``: all households in one stay in one group. Without it each point stands for a building.
    households_per_group : (float, float)
        The band; about four groups a grid by default. A building above it is a group of its own.
    level : str
        What the groups say of themselves.

    Returns
    -------
    group : Series of str
        The group of each household, by ``household_id``; missing outside all grids.
    units : GeoDataFrame
        Layer ``units``: the groups, ``parent_id`` their grid, with ``households`` and ``buildings`` (how many). The
        ground of a grid is shared out halfway between its groups; that is for the eye, the list counts.

    Raises
    ------
    CRSError
        If the layers are not in one metric system.
    InputError
        If a layer has faults.
    PartitionError
        If the band is none.
    """
    low, high = float(households_per_group[0]), float(households_per_group[1])
    if not (0 < low <= high < np.inf):
        raise PartitionError("bad_band", low=households_per_group[0], high=households_per_group[1])
    blocks, households = require_layer("blocks", blocks), require_layer("households", households)
    crs = require_metric(blocks, layer="blocks")
    require_metric(households, layer="households", crs=crs)
    points = households.geometry.to_numpy()
    block = locate_faces(points, blocks.geometry.to_numpy())
    grid = np.r_[blocks["grid_id"].to_numpy(object), None][block]
    house = np.arange(len(points))
    if buildings is not None and len(buildings):
        require_metric(buildings, layer="buildings", crs=crs)
        inside = locate_faces(points, buildings.geometry.to_numpy())
        house = np.where(inside >= 0, len(points) + inside, house)
    group = np.full(len(points), None, dtype=object)
    units: list[gpd.GeoDataFrame] = []
    for grid_id, mine in blocks[blocks["grid_id"].notna()].groupby("grid_id", sort=True):
        rows = np.flatnonzero(grid == grid_id)
        if len(rows) == 0:
            continue
        xy, weight = shapely.get_coordinates(points[rows]), households["households"].to_numpy(float)[rows]
        # One site a building: the middle of its points.
        _, site = np.unique(house[rows], return_inverse=True)
        held: Floats = np.bincount(site, weights=weight).astype(float)
        sums = np.stack([np.bincount(site, weights=xy[:, axis]) for axis in (0, 1)], axis=1)
        middle: Floats = sums / np.bincount(site)[:, None].astype(float)
        part = _divide(middle, held, (low + high) / 2)[site]
        shapes = _share_ground(unite(mine.geometry.to_numpy()), xy, part)
        frame = gpd.GeoDataFrame(
            {
                "parent_id": grid_id,
                "level": level,
                "estimated": bool(households["estimated"].iloc[rows].any()),
                "households": np.bincount(part, weights=weight).astype(np.int64),
                "buildings": [len(np.unique(site[part == one])) for one in range(part.max() + 1)],
            },
            geometry=shapes,
            crs=crs,
        )
        ids = np.array([f"{grid_id}-{rank + 1:02}" for rank in number_places(frame)], dtype=object)
        units.append(frame.assign(unit_id=ids))
        group[rows] = ids[part]
    told = pd.Series(group, index=households["household_id"], name=f"{level}_id", dtype="str")
    if not units:
        raise PartitionError("no_households")
    return told, complete_layer("units", gpd.GeoDataFrame(pd.concat(units, ignore_index=True), crs=crs))


def _divide(xy: Floats, weight: Floats, middle: float) -> Integers:
    """Cut sites in two along their longer side, again and again, into parts of about the middle of the band."""
    part = np.zeros(len(xy), dtype=np.int64)
    stack = [(np.arange(len(xy)), max(1, round(float(weight.sum()) / middle)))]
    used = 0
    while stack:
        mine, count = stack.pop()
        count = min(count, len(mine))
        if count <= 1:
            part[mine] = used
            used += 1
            continue
        axis = int(np.argmax(np.ptp(xy[mine], axis=0)))
        order = mine[np.lexsort((xy[mine, 1 - axis], xy[mine, axis]))]
        before = np.cumsum(weight[order])[:-1]
        share = before / max(weight[mine].sum(), 1e-9) * count
        left = np.clip(np.round(share), 1, count - 1)
        # The cut that parts whole groups best, and of these the one nearest the middle.
        at = int(np.argmin(np.abs(share - left) + 0.1 * np.abs(left - count / 2)))
        stack += [(order[: at + 1], int(left[at])), (order[at + 1 :], count - int(left[at]))]
    return part


def _share_ground(ground: shapely.Geometry, xy: Floats, part: Integers) -> Geometries:
    """Share a grid's ground out halfway between its groups."""
    count = int(part.max()) + 1
    if count == 1:
        return np.array([ground], dtype=object)
    lines = separate(xy, part)
    pieces = draw_faces(np.concatenate([shapely.get_parts(shapely.boundary(np.array([ground]))), lines]))
    place = shapely.point_on_surface(pieces)
    inside = shapely.intersects(ground, place)
    pieces, place = pieces[inside], place[inside]
    _, nearest = cKDTree(xy).query(shapely.get_coordinates(place))
    return dissolve(pieces, part[nearest], count)
