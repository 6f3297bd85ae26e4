"""The walk from every household to its nearest station, and how many stations are within reach."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from gridgeo.coverage.roster import MOST_RANKS, Roster, pick_access
from gridgeo.network import Network
from gridgeo.network.access import Access
from gridgeo.network.measure import Floats, Ints, limit_units
from gridgeo.network.reach import reach_places
from gridgeo.network.residents import Residents
from gridgeo.network.routes import nearest_keys, split_keys

Counts: TypeAlias = npt.NDArray[np.int32]
"""Columns of small whole numbers: half the memory."""


def nearest_stations(network: Network, residents: Residents, roster: Roster) -> tuple[Counts, Ints, Floats]:
    """Find the station each household walks to.

    Parameters
    ----------
    network : Network
        The network.
    residents : Residents
        The households.
    roster : Roster
        The stations.

    Returns
    -------
    slot : ndarray of int32, shape (households,)
        The station's slot, place by place; -1 for none.
    units : ndarray of int64, shape (households,)
        How far it is, place by place; 0 for none.
    node_key : ndarray of float, shape (nodes,)
        The least key at every node; empty when more than one search was needed.
    """
    counted = np.flatnonzero(roster.active)
    if len(counted) <= MOST_RANKS:
        key, node_key = nearest_keys(network, residents, pick_access(roster.access, counted), roster.rank[counted])
        found, rank, _ = split_keys(key)
        # Nobody has rank 0, so who is not reached gets no slot.
        return roster.slot_of_rank[rank], found, node_key
    # Too many stations for one search: search in groups. Their order is that of the ranks, so the first group wins.
    counted = counted[np.lexsort((roster.ids[counted].astype(str), *roster.access.xy[counted].T[::-1]))]
    slot = np.full(len(residents.order), -1, dtype=np.int32)
    units = np.zeros(len(residents.order), dtype=np.int64)
    for begin in range(0, len(counted), MOST_RANKS):
        group = counted[begin : begin + MOST_RANKS]
        access = pick_access(roster.access, group)
        key, _ = nearest_keys(network, residents, access, np.arange(1, len(group) + 1))
        found, rank, reached = split_keys(key)
        nearer = reached & ((slot < 0) | (found < units))
        slot[nearer] = group[rank[nearer] - 1]
        units[nearer] = found[nearer]
    return slot, units, np.zeros(0)


def count_stations(
    network: Network, residents: Residents, stations: Access, cutoffs_m: tuple[float, ...]
) -> dict[float, Counts]:
    """Count the stations within each cutoff of each household.

    Parameters
    ----------
    network : Network
        The network.
    residents : Residents
        The households.
    stations : Access
        Where the stations stand.
    cutoffs_m : tuple of float
        The cutoffs in metres.

    Returns
    -------
    dict
        Cutoff → ndarray of int32, shape (households,), place by place.
    """
    _, place, units = reach_places(network, residents, stations, limit=limit_units(max(cutoffs_m)))
    count = len(residents.order)
    return {
        cutoff: np.bincount(place[units <= limit_units(cutoff)], minlength=count).astype(np.int32)
        for cutoff in cutoffs_m
    }
