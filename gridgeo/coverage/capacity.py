"""Full stations: who is near enough but finds no room.

Coverage itself knows no capacity: a household within the cutoff of a station is covered. This is the question after it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from gridgeo.compiler import compiled
from gridgeo.coverage.model import Coverage
from gridgeo.coverage.walks import name_causes
from gridgeo.errors import InputError
from gridgeo.network.columns import read_numbers
from gridgeo.network.measure import Floats, Ints, limit_units, to_metres
from gridgeo.network.reach import Reach, find_reach


def allocate_capacity(coverage: Coverage) -> pd.DataFrame:
    """Give households room at stations, the nearest first.

    All pairs of a household and a station within the cutoff of it are gone through, from the shortest walk to the
    longest; of equal walks the household comes first that stands farther west, then south, then in the order given, and
    then the station that wins equal distances. A household that has no room yet takes it where all who stand at its
    point still fit; where they do not, the next pair is tried. So nobody is sent past a nearer station that has room,
    points are not divided, and a station without a capacity takes everybody.

    Parameters
    ----------
    coverage : Coverage
        The coverage; its stations have a column ``capacity`` (how many households each can serve; empty for no limit),
        its households may have ``households`` (how many stand at the point; 1 when there is no such column).

    Returns
    -------
    DataFrame
        Indexed by ``household_id`` in the order given: ``station_id`` (where there is room, missing for none),
        ``distance_m`` (the walk there, inf for none), ``served``, ``cause`` (empty when served; ``station_full`` for a
        covered household that found no room; else ``too_far``, ``no_path`` or ``island``, see `gridgeo.Walk`).

    Raises
    ------
    InputError
        If the stations have no capacity, or one is no number from zero.
    """
    stations, residents = coverage.stations, coverage.household_access
    if "capacity" not in stations:
        raise InputError("missing_column", layer="stations", column="capacity")
    room = read_numbers(stations, "capacity", layer="stations", missing=True, least=0)
    room = np.where(np.isnan(room), np.inf, room)
    slots = np.flatnonzero(coverage.roster.active)
    reach = find_reach(
        coverage.network, residents, coverage.roster.counted_access, limit=limit_units(coverage.cutoff_m)
    )
    count = len(residents.xy)
    pairs = order_walks(coverage, reach)
    found, units = np.full(count, -1, dtype=np.int64), np.zeros(count, dtype=np.int64)
    take_room(reach.station[pairs], reach.household[pairs], reach.units[pairs], coverage.weights, room, found, units)
    served = found >= 0
    cause = np.full(count, "", dtype=object)
    cause[coverage.covered & ~served] = "station_full"
    far = np.flatnonzero(~coverage.covered)
    cause[far] = name_causes(coverage, far)
    names = coverage.roster.ids[slots][found]
    names[~served] = None
    distance = np.where(served, to_metres(units), np.inf)
    answer = {"station_id": pd.array(names, dtype="str"), "distance_m": distance, "served": served}
    return pd.DataFrame(answer | {"cause": pd.array(cause, dtype="str")}, index=coverage.households.index)


def order_walks(coverage: Coverage, reach: Reach) -> Ints:
    """Put walks into the order in which households take room.

    Parameters
    ----------
    coverage : Coverage
        The coverage.
    reach : Reach
        Its walks, of the stations that count.

    Returns
    -------
    ndarray of int64, shape (walks,)
        Their positions: by length, then by household from west to east and south to north, then by station.
    """
    slots, residents = np.flatnonzero(coverage.roster.active), coverage.household_access
    count = len(residents.xy)
    order = np.lexsort((coverage.roster.ids[slots].astype(str), *coverage.roster.access.xy[slots].T[::-1]))
    station_place, household_place = np.empty(len(slots), dtype=np.int64), np.empty(count, dtype=np.int64)
    station_place[order] = np.arange(len(slots))
    household_place[np.lexsort((residents.xy[:, 1], residents.xy[:, 0]))] = np.arange(count)
    return np.lexsort((station_place[reach.station], household_place[reach.household], reach.units))


@compiled
def take_room(
    station: Ints, household: Ints, walk: Ints, amount: Floats, room: Floats, found: Ints, units: Ints
) -> None:
    """Give households room, walk after walk, where all who stand at a point fit.

    Parameters
    ----------
    station, household, walk : ndarray of int64, shape (walks,)
        The walks in their order, and how long each is.
    amount : ndarray of float, shape (households,)
        How many stand at each point.
    room : ndarray of float, shape (stations,)
        How many each station can still take; changed.
    found, units : ndarray of int64, shape (households,)
        The station of each, -1 for none yet, and the walk there; changed.
    """
    for pair in range(len(station)):
        home, post = household[pair], station[pair]
        if found[home] < 0 and amount[home] <= room[post]:
            room[post] -= amount[home]
            found[home], units[home] = post, walk[pair]
