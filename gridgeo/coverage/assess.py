"""Coverage from scratch: all households, all stations, one search.

A household is covered when its walking distance is at most the cutoff, inclusive, whole millimetres compared. The
decision is made household by household on the network, never by a polygon.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np

from gridgeo.coverage.model import Coverage
from gridgeo.coverage.patched import column
from gridgeo.coverage.roster import Roster, check_stations, make_roster
from gridgeo.coverage.solve import count_stations, nearest_stations
from gridgeo.errors import InputError, MissingDataError
from gridgeo.network import Network
from gridgeo.network.access import Access, snap_points
from gridgeo.network.measure import require_positive


def assess_coverage(
    network: Network,
    households: gpd.GeoDataFrame,
    stations: gpd.GeoDataFrame,
    *,
    cutoff_m: float | tuple[float, ...] = 300.0,
) -> Coverage:
    """Find for every household the nearest station on foot, and whether it is within the cutoff.

    Walking distance = the leg from the station to its street + the way along the network + the leg to the household.
    Among stations equally far the westernmost wins (then the southernmost, then the first by id).

    Parameters
    ----------
    network : Network
        The network.
    households : GeoDataFrame of Point
        The households, in the network's system; ``household_id`` names them, ``households`` counts how many stand at
        the point (1 when there is no such column).
    stations : GeoDataFrame of Point
        The stations, in the network's system, named by ``station_id``.
    cutoff_m : float or tuple of float, optional
        The greatest walking distance that counts as covered, inclusive, in metres; several are assessed in one pass,
        and the first decides `Coverage.households`.

    Returns
    -------
    Coverage
        The answer for every household.

    Raises
    ------
    MissingDataError
        If there is no station or no household.
    InputError
        If a point cannot be used, a ``station_id`` is missing or repeated, or a cutoff is not above zero.
    CRSError
        If a layer is not in the network's system.
    """
    cutoffs = _check_cutoffs(cutoff_m)
    for layer, frame in (("households", households), ("stations", stations)):
        if len(frame) == 0:
            raise MissingDataError("missing_layer", layer=layer)
    check_stations(stations)
    household_access = snap_points(network, households, layer="households")
    roster = make_roster(stations, snap_points(network, stations, layer="stations"))
    return solve_coverage(network, households, household_access, roster, cutoffs_m=cutoffs)


def solve_coverage(
    network: Network,
    households: gpd.GeoDataFrame,
    household_access: Access,
    roster: Roster,
    *,
    cutoffs_m: tuple[float, ...],
) -> Coverage:
    """Assess coverage of points that are snapped already.

    Parameters
    ----------
    network : Network
        The network.
    households : GeoDataFrame
        The households.
    household_access : Access
        Where they stand.
    roster : Roster
        The stations and where they stand.
    cutoffs_m : tuple of float
        The cutoffs; the first decides.

    Returns
    -------
    Coverage
        The answer for every household.
    """
    slot, units, node_key = nearest_stations(network, household_access, roster)
    counts = count_stations(network, household_access, roster, cutoffs_m)
    return Coverage(
        network=network,
        source=households,
        roster=roster,
        household_access=household_access,
        slot=column(slot),
        units=column(units),
        node_key=column(node_key),
        reached_by={cutoff: column(counts[cutoff].astype(np.int32)) for cutoff in cutoffs_m},
        cutoff_m=cutoffs_m[0],
    )


def _check_cutoffs(cutoff_m: float | tuple[float, ...]) -> tuple[float, ...]:
    given = tuple(cutoff_m) if isinstance(cutoff_m, (tuple, list)) else (cutoff_m,)
    if not given:
        raise InputError("bad_cutoff", value="()")
    return tuple(dict.fromkeys(require_positive(cutoff, key="bad_cutoff") for cutoff in given))
