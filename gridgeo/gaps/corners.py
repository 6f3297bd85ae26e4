"""Places on streets, named by the streets there: where a post could stand when no real place helps."""

from __future__ import annotations

import numpy as np

from gridgeo.coverage import Coverage
from gridgeo.coverage.roster import pick_access
from gridgeo.network import Network
from gridgeo.network.access import Access
from gridgeo.network.measure import Flags, Floats, Ints, limit_units
from gridgeo.network.reach import find_reach

_UNKNOWN = "?"
_AROUND_M = 200.0

_MOST_SPOTS = 1000
"""So many of the spots on streets are tried at the most, evenly chosen."""

_MOST_COUNTED = 20_000
"""Of more households so many, evenly chosen, decide which place is best; what it covers is counted of all."""


def open_corners(coverage: Coverage, rows: Ints) -> list[tuple[str, Ints]]:
    """Try a post where streets meet near some households, and on the spots of the street where these stand.

    Parameters
    ----------
    coverage : Coverage
        Who is covered.
    rows : ndarray of int64
        The households.

    Returns
    -------
    list of tuple of str and ndarray of int64
        For each place where a post would cover somebody its name, of the two streets nearest to it, and the households
        within the cutoff of it; only the ones that cover most. Empty where no street is within reach.
    """
    network, homes = coverage.network, coverage.household_access
    rows = rows[homes.edge[rows] >= 0]
    places = _list_places(network, homes, rows)
    limit = limit_units(coverage.cutoff_m)
    counted = _thin(rows, _MOST_COUNTED)
    reach = find_reach(network, pick_access(homes, counted), places, limit=limit)
    gained = np.bincount(reach.station, weights=coverage.weights[counted[reach.household]], minlength=len(places.xy))
    if gained.max(initial=0) <= 0:
        return []
    best = np.array([np.argmax(gained)])
    helped = find_reach(network, homes, pick_access(places, best), limit=limit).household
    return [(" / ".join(names_near(network, places.xy[best[0]])[:2]), helped)]


def _list_places(network: Network, homes: Access, rows: Ints) -> Access:
    """List where a post is tried: corners first, for of places that cover equally many the first is taken."""
    nodes = np.unique(np.concatenate([network.edge_u[homes.edge[rows]], network.edge_v[homes.edge[rows]]]))
    start, members = network.edges_at_node
    beside = members[start[nodes]]
    along = np.where(network.edge_u[beside] == nodes, 0, network.edge_cost[beside])
    _, first = np.unique(np.column_stack([homes.edge[rows], homes.along[rows]]), axis=0, return_index=True)
    spots = _thin(rows[np.sort(first)], _MOST_SPOTS)
    xy = np.concatenate([network.node_xy[nodes], homes.xy[spots]])
    edge, along = np.append(beside, homes.edge[spots]), np.append(along, homes.along[spots])
    none = np.zeros(len(xy), dtype=np.int64)
    return Access(xy, edge, along, leg=none, segment=none - 1, share=none.astype(float))


def _thin(rows: Ints, most: int) -> Ints:
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def name_segment(network: Network, segment: int, spot: Floats) -> str:
    """Name the street of a segment; one without a name by the nearest that has one.

    Parameters
    ----------
    network : Network
        The network.
    segment : int
        The segment.
    spot : ndarray of float, shape (2,)
        A place on it.

    Returns
    -------
    str
        The name.
    """
    row = int(network.segment_row[segment])
    return str(network.streets["name"].iloc[row]) if _has_name(network)[row] else names_near(network, spot)[0]


def name_node(network: Network, node: int) -> str:
    """Name a street that meets at a node; where none has a name, the nearest that has one.

    Parameters
    ----------
    network : Network
        The network.
    node : int
        The node.

    Returns
    -------
    str
        The name.
    """
    start, members = network.edges_at_node
    first, of_edge = network.segments_of_edge
    for edge in members[start[node] : start[node + 1]]:
        rows = network.segment_row[of_edge[first[edge] : first[edge + 1]]]
        named = rows[_has_name(network)[rows]]
        if len(named):
            return str(network.streets["name"].iloc[int(named[0])])
    return names_near(network, network.node_xy[node])[0]


def names_near(network: Network, spot: Floats) -> list[str]:
    """List the names of streets around a place, the nearest first.

    Parameters
    ----------
    network : Network
        The network.
    spot : ndarray of float, shape (2,)
        The place.

    Returns
    -------
    list of str
        The nearest name, and further ones within 200 m, each once; a question mark where no street has a name.
    """
    named = np.flatnonzero(_has_name(network)[network.segment_row])
    if len(named) == 0:
        return [_UNKNOWN]
    ends = network.segment_xy[named]
    step = ends[:, 2:] - ends[:, :2]
    share = np.clip(((spot - ends[:, :2]) * step).sum(axis=1) / (step**2).sum(axis=1), 0, 1)
    away = np.hypot(*(ends[:, :2] + share[:, None] * step - spot).T)
    order = np.argsort(away, kind="stable")
    near = order[away[order] <= max(away[order[0]], _AROUND_M)]
    names = network.streets["name"].iloc[network.segment_row[named[near]]]
    return list(dict.fromkeys(names.astype("str")))


def _has_name(network: Network) -> Flags:
    if "name" not in network.streets:
        return np.zeros(len(network.streets), dtype=bool)
    names = network.streets["name"]
    return np.asarray(names.notna() & (names.astype("str").str.strip() != ""), dtype=bool)
