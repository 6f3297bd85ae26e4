"""Walking distances between two sets of points, for all that are near enough."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from gridgeo.coverage import assess_coverage
from gridgeo.coverage.roster import pick_access
from gridgeo.errors import InputError
from gridgeo.matching.pairs import Pairs
from gridgeo.network import Network
from gridgeo.network.access import Access, snap_points
from gridgeo.network.measure import Flags, Floats, Ints, limit_units, to_metres
from gridgeo.network.reach import find_reach
from gridgeo.schema import check_layer

_AT_ONCE = 128
"""How many points are walked from at a time: each has its own copy of the streets around it."""


def require_people(layer: str, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a layer in the order of its ids, or refuse it with every fault named.

    Parameters
    ----------
    layer : str
        One of `gridgeo.schema.LAYERS`.
    frame : GeoDataFrame
        The layer, perhaps with further columns.

    Returns
    -------
    GeoDataFrame
        The rows ordered by id, so that an answer does not depend on the order of a table.

    Raises
    ------
    InputError
        If anything is wrong with it.
    """
    faults = check_layer(layer, frame)
    if faults:
        raise InputError("faults_in_layer", faults=faults, layer=layer, count=len(faults))
    column = f"{'need' if layer == 'needs' else 'household' if layer == 'households' else 'person'}_id"
    return frame.sort_values(column, key=lambda ids: ids.astype("str"), kind="stable").reset_index(drop=True)


def snap_known(network: Network, points: gpd.GeoDataFrame, *, layer: str) -> tuple[Ints, Access]:
    """Snap those points that have a position.

    Parameters
    ----------
    network : Network
        The network.
    points : GeoDataFrame of Point
        The points; a geometry may be missing.
    layer : str
        What they are called in an error.

    Returns
    -------
    rows : ndarray of int64
        The rows that have a position.
    access : Access
        Where these stand.
    """
    rows = np.flatnonzero(~(points.geometry.isna() | points.geometry.is_empty).to_numpy())
    return rows, snap_points(network, points.geometry.iloc[rows], layer=layer)


def walk_pairs(network: Network, askers: gpd.GeoDataFrame, givers: gpd.GeoDataFrame, *, cutoff_m: float) -> Pairs:
    """Find all pairs that are within walking distance.

    Parameters
    ----------
    network : Network
        The network.
    askers, givers : GeoDataFrame of Point
        The points; who has no position is in no pair.
    cutoff_m : float
        The greatest walking distance in metres, inclusive.

    Returns
    -------
    Pairs
        The pairs with their distance in whole millimetres, by asker and giver.
    """
    (asker_rows, asker), (giver_rows, giver) = (
        snap_known(network, points, layer=layer) for points, layer in ((askers, "needs"), (givers, "people"))
    )
    # A walk is as long there as back, so it is walked from the fewer.
    turned = len(asker_rows) < len(giver_rows)
    start, goal = (asker, giver) if turned else (giver, asker)
    found: list[tuple[Ints, Ints, Ints]] = []
    for begin in range(0, len(start.edge), _AT_ONCE):
        some = np.arange(begin, min(begin + _AT_ONCE, len(start.edge)))
        reach = find_reach(network, goal, pick_access(start, some), limit=limit_units(cutoff_m))
        found.append((reach.station + begin, reach.household, reach.units))
    one, other, units = (np.concatenate([part[at] for part in found] or [np.zeros(0, np.int64)]) for at in range(3))
    if turned:
        one, other = other, one
    pair_giver, pair_asker = giver_rows[one], asker_rows[other]
    order = np.lexsort((pair_giver, pair_asker))
    cost = np.rint(to_metres(units) * 1000).astype(np.int64)
    return Pairs(pair_asker[order], pair_giver[order], cost[order], len(askers), len(givers))


def nearest_walk(network: Network, askers: gpd.GeoDataFrame, givers: gpd.GeoDataFrame) -> Floats:
    """Measure the walk to the nearest giver, however far.

    Parameters
    ----------
    network : Network
        The network.
    askers, givers : GeoDataFrame of Point
        The points.

    Returns
    -------
    ndarray of float, shape (askers,)
        Metres; inf where no walk leads to one, or there is no position.
    """
    nearest = np.full(len(askers), np.inf)
    rows, there = (np.flatnonzero(~points.geometry.isna().to_numpy()) for points in (askers, givers))
    if len(rows) and len(there):
        homes, posts = askers.iloc[rows].geometry, givers.iloc[there].geometry
        coverage = assess_coverage(
            network,
            gpd.GeoDataFrame({"household_id": rows.astype(str)}, geometry=homes.to_numpy(), crs=homes.crs),
            gpd.GeoDataFrame({"station_id": there.astype(str)}, geometry=posts.to_numpy(), crs=posts.crs),
        )
        nearest[rows] = coverage.distance_m
    return nearest


def read_capacity(people: pd.DataFrame, *, default: int) -> Ints:
    """Return how much each person can take: whole numbers, what is not said as given.

    Parameters
    ----------
    people : DataFrame
        With ``capacity``, if anybody said.
    default : int
        For who did not say.

    Returns
    -------
    ndarray of int64, shape (people,)
        The capacities, rounded down.
    """
    if "capacity" not in people:
        return np.full(len(people), default, dtype=np.int64)
    said = pd.to_numeric(people["capacity"]).astype("float64")
    return np.floor(said.fillna(default).to_numpy()).astype(np.int64)


def same_unit(askers: gpd.GeoDataFrame, givers: gpd.GeoDataFrame, pairs: Pairs, within: str) -> Flags:
    """Tell which pairs are of one unit.

    Parameters
    ----------
    askers, givers : GeoDataFrame
        Both with the column ``<within>_id``.
    pairs : Pairs
        The pairs.
    within : str
        The level.

    Returns
    -------
    ndarray of bool, shape (pairs,)
        True where both name the same unit.

    Raises
    ------
    InputError
        If one of the two has no such column.
    """
    column = f"{within}_id"
    for layer, frame in (("households", askers), ("people", givers)):
        if column not in frame:
            raise InputError("missing_column", layer=layer, column=column)
    codes, _ = pd.factorize(pd.concat([askers[column], givers[column]], ignore_index=True))
    asker, giver = codes[: len(askers)][pairs.asker], codes[len(askers) :][pairs.giver]
    same: Flags = (asker == giver) & (asker >= 0)
    return same
