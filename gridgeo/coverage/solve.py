"""The walk from every household to its nearest station, and how many stations are within reach."""

from __future__ import annotations

import numpy as np

from gridgeo.coverage.roster import MOST_RANKS, Roster, pick_access
from gridgeo.network import Network
from gridgeo.network.access import Access
from gridgeo.network.measure import Floats, Ints, limit_units
from gridgeo.network.reach import find_reach
from gridgeo.network.routes import nearest_keys, split_keys


def nearest_stations(network: Network, households: Access, roster: Roster) -> tuple[Ints, Ints, Floats]:
    """Find the station each household walks to.

    Parameters
    ----------
    network : Network
        The network.
    households : Access
        Where they stand.
    roster : Roster
        The stations.

    Returns
    -------
    slot : ndarray of int64, shape (households,)
        The station's slot; -1 for none.
    units : ndarray of int64, shape (households,)
        How far it is; 0 for none.
    node_key : ndarray of float, shape (nodes,)
        The least key at every node; empty when more than one search was needed.
    """
    counted = np.flatnonzero(roster.active)
    if len(counted) <= MOST_RANKS:
        key, node_key = nearest_keys(network, households, pick_access(roster.access, counted), roster.rank[counted])
        found, rank, _ = split_keys(key)
        # Nobody has rank 0, so who is not reached gets no slot.
        return roster.slot_of_rank[rank], found, node_key
    # Too many stations for one search: search in groups. Their order is that of the ranks, so the first group wins.
    counted = counted[np.lexsort((roster.ids[counted].astype(str), *roster.access.xy[counted].T[::-1]))]
    slot = np.full(len(households.xy), -1, dtype=np.int64)
    units = np.zeros(len(households.xy), dtype=np.int64)
    for begin in range(0, len(counted), MOST_RANKS):
        group = counted[begin : begin + MOST_RANKS]
        access = pick_access(roster.access, group)
        key, _ = nearest_keys(network, households, access, np.arange(1, len(group) + 1))
        found, rank, reached = split_keys(key)
        nearer = reached & ((slot < 0) | (found < units))
        slot[nearer] = group[rank[nearer] - 1]
        units[nearer] = found[nearer]
    return slot, units, np.zeros(0)


def count_stations(
    network: Network, households: Access, roster: Roster, cutoffs_m: tuple[float, ...]
) -> dict[float, Ints]:
    """Count the stations within each cutoff of each household.

    Parameters
    ----------
    network : Network
        The network.
    households : Access
        Where they stand.
    roster : Roster
        The stations.
    cutoffs_m : tuple of float
        The cutoffs in metres.

    Returns
    -------
    dict
        Cutoff → ndarray of int64, shape (households,).
    """
    counted = pick_access(roster.access, np.flatnonzero(roster.active))
    reach = find_reach(network, households, counted, limit=limit_units(max(cutoffs_m)))
    count = len(households.xy)
    return {
        cutoff: np.bincount(reach.household[reach.units <= limit_units(cutoff)], minlength=count)
        for cutoff in cutoffs_m
    }
