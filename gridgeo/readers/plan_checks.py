"""What may be wrong with a plan that was put together of several files: what one layer alone does not show."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridgeo.errors import Fault
from gridgeo.plan import Plan
from gridgeo.schema import LAYERS

FAR_M = 1000.0
"""A household further than this from every street is remarked on."""

BARE_M = 500.0
BARE_SHARE = 0.25
"""More than this share of the district further than that from every street is remarked on: streets may be missing."""

LEAST_M2 = 1.0
"""Overlaps and gaps between units below this come from rounding and are passed over."""


def check_import(plan: Plan) -> list[Fault]:
    """Name what does not stop an import but should be looked at.

    Parameters
    ----------
    plan : Plan
        The plan just made.

    Returns
    -------
    list of Fault
        Units of one level that overlap or leave gaps, stations on one point, identifiers that differ by zeros in front,
        households outside the district or far from every street, a large part of the district without streets.
    """
    return [
        *_unit_faults(plan),
        *_coinciding(plan),
        *_alike(plan),
        *_outside(plan),
        *_far_households(plan),
        *_bare_ground(plan),
    ]


def _unit_faults(plan: Plan) -> Iterator[Fault]:
    """Compare the units of each level below the highest with each other and with the district."""
    for level in plan.info.levels[1:]:
        units = plan.units[plan.units["level"] == level.level]
        if len(units) == 0:
            continue
        shapes, ids = units.geometry.to_numpy(), units["unit_id"].to_numpy()
        one, two = shapely.STRtree(shapes).query(shapes, predicate="intersects")
        one, two = one[one < two], two[one < two]
        common = shapely.area(shapely.intersection(shapes[one], shapes[two]))
        for at in np.flatnonzero(common > LEAST_M2):
            values = {"one": ids[one[at]], "other": ids[two[at]], "level": str(level.name)}
            yield Fault(
                key="units_overlap",
                layer="units",
                row=int(units.index[two[at]]) + 1,
                value=round(common[at]),
                values=values,
            )
        left = shapely.get_parts(shapely.difference(plan.district, shapely.union_all(shapes)))
        areas = shapely.area(left)
        areas = areas[areas > LEAST_M2]
        if len(areas):
            values = {"level": str(level.name), "count": len(areas), "largest": round(float(areas.max()))}
            yield Fault(key="units_gap", layer="units", value=round(float(areas.sum())), values=values)


def _coinciding(plan: Plan) -> Iterator[Fault]:
    ids = plan.stations["station_id"].to_numpy()
    first: dict[tuple[float, ...], int] = {}
    for row, at in enumerate(shapely.get_coordinates(plan.stations.geometry.to_numpy()).round(2).tolist()):
        other = first.setdefault(tuple(at), row)
        if other != row:
            yield Fault(
                key="stations_coincide", layer="stations", row=row + 1, value=ids[row], values={"other": ids[other]}
            )


def _alike(plan: Plan) -> Iterator[Fault]:
    """Find identifiers that a spreadsheet may have made of one another."""
    for layer in ("households", "stations", "units"):
        ids = plan.layers()[layer][LAYERS[layer].id_column].reset_index(drop=True)
        plain = ids.str.lstrip("0")
        again = plain.duplicated() & (plain != "")
        if not again.any():
            continue
        first = pd.Series(ids.to_numpy(), index=plain).groupby(level=0).first()
        for row in np.flatnonzero(again):
            yield Fault(
                key="ids_alike", layer=layer, row=int(row) + 1, value=ids[row], values={"other": first[plain[row]]}
            )


def _outside(plan: Plan) -> Iterator[Fault]:
    """Find households beyond the district's border: counted, but never of a grid. `check_plan` asks the blocks."""
    ids = plan.households["household_id"].to_numpy()
    points = plan.households.geometry.to_numpy()
    shapely.prepare(plan.district)
    beyond = np.flatnonzero(~shapely.intersects(plan.district, points))
    for row, distance in zip(beyond, shapely.distance(plan.district, points[beyond]), strict=True):
        values: dict[str, object] = {"distance_m": round(float(distance), 1)}
        yield Fault(key="household_beyond", layer="households", row=int(row) + 1, value=ids[row], values=values)


def _far_households(plan: Plan) -> list[Fault]:
    if len(plan.streets) == 0 or len(plan.households) == 0:
        return []
    points, lines = plan.households.geometry.to_numpy(), plan.streets.geometry.to_numpy()
    # Who has a street's vertex in the same square is near a street; only the others are measured.
    far = np.flatnonzero(~np.isin(_squares(points), np.unique(_squares(lines))))
    _, away = shapely.STRtree(lines).query_nearest(points[far], return_distance=True, all_matches=False)
    far, away = far[away > FAR_M], away[away > FAR_M]
    return [
        Fault(
            key="household_far",
            layer="households",
            row=int(at) + 1,
            value=plan.households["household_id"].iloc[at],
            values={"distance_m": round(float(distance))},
        )
        for at, distance in zip(far, away, strict=True)
    ]


def _squares(shapes: NDArray[np.object_]) -> NDArray[np.int64]:
    """Return a number for the square that each vertex lies in; no two points of a square are `FAR_M` apart."""
    column, row = np.floor(shapely.get_coordinates(shapes) / (0.7 * FAR_M)).astype("int64").T
    return np.asarray(column * 2**32 + row)


def _bare_ground(plan: Plan) -> Iterator[Fault]:
    """Measure on a lattice of some 1,600 points how much of the district lies far from every street."""
    if len(plan.streets) == 0:
        return
    west, south, east, north = shapely.bounds(plan.district)
    step = max(east - west, north - south) / 40
    x, y = np.meshgrid(np.arange(west + step / 2, east, step), np.arange(south + step / 2, north, step))
    points = np.asarray(shapely.points(x.ravel(), y.ravel()), dtype=object)
    points = points[shapely.intersects(plan.district, points)]
    tree = shapely.STRtree(plan.streets.geometry.to_numpy())
    near = tree.query_nearest(points, max_distance=BARE_M, all_matches=False)[0]
    share = 1 - len(near) / max(len(points), 1)
    if share > BARE_SHARE:
        values: dict[str, object] = {"percent": round(100 * share), "distance_m": round(BARE_M)}
        yield Fault(key="bare_ground", layer="streets", values=values)
