"""Gap areas: uncovered households that belong together, with people, cause, nearest station and cheapest remedy."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from gridgeo.coverage import Coverage
from gridgeo.coverage.summary import PEOPLE
from gridgeo.network.measure import Ints, require_positive
from gridgeo.plan import Plan

JOIN_M = 120.0
"""Uncovered households this near to each other, with no barrier between, belong to one gap area."""

_MARGIN_M = 30.0
_CAUSES = {"beyond_cutoff": "too_far", "unreachable": "island", "unsnapped": "no_path"}


def find_gaps(coverage: Coverage, plan: Plan, *, join_m: float = JOIN_M) -> gpd.GeoDataFrame:
    """Group uncovered households into areas, the worst first.

    Parameters
    ----------
    coverage : Coverage
        Who is covered.
    plan : Plan
        The plan the households come from; its barriers part areas.
    join_m : float, optional
        How near two households of one area are, in metres.

    Returns
    -------
    GeoDataFrame of polygons
        ``gap_id``, ``rank`` (1 for the most uncovered households), ``households``, ``persons``, ``elderly``,
        ``children``, ``disabled``, ``low_income``, ``cause``, ``station_id`` (the nearest on foot, missing where none
        can be reached), ``distance_m`` (median walk to it), ``remedy``.

    Raises
    ------
    InputError
        If `join_m` is not above zero.
    """
    join_m = require_positive(join_m, key="bad_join")
    table = coverage.households
    rows = np.flatnonzero(~table["covered"].to_numpy())
    xy = coverage.household_access.xy[rows]
    area = _group(xy, plan, join_m)
    counted = [name for name in ("households", *PEOPLE) if name in table]
    people = table.iloc[rows][counted].astype(np.float64).groupby(area).sum(skipna=False)
    causes = pd.Series(table["reason"].to_numpy()[rows]).groupby(area).agg(lambda reason: reason.mode()[0])
    station = pd.Series(table["station_id"].to_numpy()[rows]).groupby(area).agg(_most_common)
    distance = pd.Series(table["distance_m"].to_numpy()[rows]).groupby(area).median()
    shapes = [
        shapely.MultiPoint(xy[area == number]).buffer(_MARGIN_M) for number in range(int(area.max(initial=-1)) + 1)
    ]
    gaps = gpd.GeoDataFrame(
        people.assign(
            cause=causes.map(_CAUSES).astype("str"),
            station_id=station.astype("str"),
            distance_m=distance,
            remedy="new_station",
        ),
        geometry=shapes,
        crs=coverage.network.crs,
    )
    gaps = gaps.sort_values(["households"], ascending=False, kind="stable").reset_index(drop=True)
    gaps.insert(0, "gap_id", [f"gap-{number + 1}" for number in range(len(gaps))])
    gaps.insert(1, "rank", np.arange(len(gaps)) + 1)
    return gaps


def _group(xy: np.ndarray, plan: Plan, join_m: float) -> Ints:
    """Give each household the number of its area: linked by short lines that cross no barrier."""
    if len(xy) == 0:
        return np.zeros(0, dtype=np.int64)
    pairs = cKDTree(xy).query_pairs(join_m, output_type="ndarray")
    if len(plan.barriers) and len(pairs):
        tree = shapely.STRtree(plan.barriers.geometry.to_numpy())
        crossed = tree.query(shapely.linestrings(xy[pairs]), predicate="intersects")[0]
        pairs = np.delete(pairs, np.unique(crossed), axis=0)
    links = coo_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(xy), len(xy)))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)


def _most_common(values: pd.Series) -> object:
    mode = values.dropna().mode()
    return mode[0] if len(mode) else None
