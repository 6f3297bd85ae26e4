"""What each station reaches within a limit, station by station: nodes, parts of edges, households.

Each station is given a copy of the streets within the limit in a straight line, so that one search finds all walks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from gridgeo.network.access import Access
from gridgeo.network.graph import Network
from gridgeo.network.measure import RANK_BITS, UNIT_BITS, Flags, Ints, expand_ranges
from gridgeo.network.residents import Residents
from gridgeo.network.routes import solve_nodes

_FAR = np.int64(1 << 50)


@dataclass(frozen=True, eq=False)
class Reach:
    """Every walk from a station to a household within a limit.

    Parameters
    ----------
    station, household : ndarray of int64, shape (pairs,)
        Who reaches whom: positions in the two tables.
    units : ndarray of int64, shape (pairs,)
        The walking distance in units.
    """

    station: Ints
    household: Ints
    units: Ints


@dataclass(frozen=True, eq=False)
class EdgeParts:
    """Parts of edges that stations reach within a limit.

    Parameters
    ----------
    station, edge : ndarray of int64, shape (parts,)
        Who reaches a part of which edge.
    low, high : ndarray of int64, shape (parts,)
        From where to where, in units from the edge's node u; parts of one station and edge do not overlap.
    by_u, by_v : ndarray of int64, shape (parts,)
        How far from the station the edge's ends are, in units; very far where they are beyond the limit.
    """

    station: Ints
    edge: Ints
    low: Ints
    high: Ints
    by_u: Ints
    by_v: Ints


def find_reach(network: Network, households: Access, stations: Access, *, limit: int) -> Reach:
    """Find every walk from a station to a household that is no longer than a limit.

    Parameters
    ----------
    network : Network
        The network.
    households, stations : Access
        Where they stand.
    limit : int
        The limit in units, inclusive.

    Returns
    -------
    Reach
        The walks.
    """
    station, place, units = reach_places(network, households.residents, stations, limit=limit)
    return Reach(station=station, household=households.residents.order[place], units=units)


def reach_places(network: Network, residents: Residents, stations: Access, *, limit: int) -> tuple[Ints, Ints, Ints]:
    """Do what `find_reach` does for households in the order of their edges.

    Parameters
    ----------
    network : Network
        The network.
    residents : Residents
        The households.
    stations : Access
        Where the stations stand.
    limit : int
        The limit in units, inclusive.

    Returns
    -------
    station, place, units : ndarray of int64, shape (pairs,)
        Who reaches whom, and how long the walk is; ordered by station and place.
    """
    owner, edge, by_u, by_v = _edges_within(network, stations, limit)
    by_v += network.edge_cost[edge]
    pair, place = residents.on_edges(edge)
    along = residents.along[place]
    way = np.minimum(by_u[pair] + along, by_v[pair] - along)
    own = np.flatnonzero((stations.edge[owner] == edge)[pair])
    station = owner[pair[own]]
    way[own] = np.minimum(way[own], np.abs(along[own] - stations.along[station]) + stations.leg[station])
    way += residents.leg[place]
    near = np.flatnonzero(way <= limit)
    return owner[pair[near]], place[near], way[near]


def reach_edges(network: Network, stations: Access, *, limit: int) -> EdgeParts:
    """Find the parts of edges within a limit of each station.

    Parameters
    ----------
    network : Network
        The network.
    stations : Access
        Where the stations stand.
    limit : int
        The limit in units, inclusive.

    Returns
    -------
    EdgeParts
        The parts; those of a single point are left out unless the edge's end or the station itself is that point.
    """
    station, edge, by_u, by_v = _edges_within(network, stations, limit)
    cost = network.edge_cost[edge]
    none = cost + 1
    from_u = np.where(by_u <= limit, limit - by_u, -1)
    from_v = np.where(by_v <= limit, cost - (limit - by_v), none)
    own: Flags = (stations.edge[station] == edge) & (stations.leg[station] <= limit)
    spare = limit - stations.leg[station]
    low = np.where(own, np.maximum(stations.along[station] - spare, 0), none)
    high = np.where(own, np.minimum(stations.along[station] + spare, cost), -1)
    # The part around the station itself grows together with what is reached from the ends.
    joins_u, joins_v = own & (low <= from_u), own & (high >= from_v)
    from_u = np.where(joins_u, np.maximum(from_u, high), from_u)
    from_v = np.where(joins_v, np.minimum(from_v, low), from_v)
    own &= ~joins_u & ~joins_v
    whole = from_u >= from_v
    from_u, from_v = np.where(whole, cost, from_u), np.where(whole, none, from_v)
    starts = np.concatenate([np.zeros_like(cost), np.maximum(from_v, 0), low])
    stops = np.concatenate([np.minimum(from_u, cost), cost, high])
    some = np.flatnonzero(np.concatenate([from_u >= 0, from_v <= cost, own]))
    pair = some % len(edge) if len(edge) else some
    return EdgeParts(station[pair], edge[pair], starts[some], stops[some], by_u[pair], by_v[pair])


def _nodes_within(network: Network, stations: Access, limit: int) -> tuple[Ints, Ints, Ints]:
    """Pair stations with the nodes within the limit, ordered by both, with the distance in units."""
    at = np.flatnonzero(stations.edge >= 0)
    nodes = np.int64(max(network.nodes, 1))
    radius = limit / (1 << UNIT_BITS) + 1.0
    near = cKDTree(stations.xy[at]).sparse_distance_matrix(network.node_tree, radius, output_type="ndarray")
    code = np.sort(at[near["i"]] * nodes + near["j"])
    if len(code) == 0:
        return code, code, code
    station, node = code // nodes, code % nodes
    links = network.links
    pair, link = expand_ranges(links.indptr[node].astype(np.int64), links.indptr[node + 1].astype(np.int64))
    target, inside = _look_up(code, station[pair] * nodes + links.indices[link])
    indptr = np.zeros(len(code) + 1, dtype=np.int32)
    np.cumsum(np.bincount(pair[inside], minlength=len(code)), out=indptr[1:])
    graph = csr_array((links.data[link[inside]], target[inside].astype(np.int32), indptr), shape=(len(code), len(code)))
    edge, leg, along = stations.edge[at], stations.leg[at], stations.along[at]
    ends = np.concatenate([network.edge_u[edge], network.edge_v[edge]])
    units = np.concatenate([leg + along, leg + network.edge_cost[edge] - along])
    seed, known = _look_up(code, np.concatenate([at, at]) * nodes + ends)
    known &= units <= limit
    seed, units = seed[known], units[known]
    order = np.lexsort((units, seed))
    seed, units = seed[order], units[order]
    first = np.concatenate([[True], seed[1:] != seed[:-1]]) if len(seed) else known[:0]
    key = (units[first] << RANK_BITS).astype(np.float64)
    found = solve_nodes(graph, seed[first], key, limit=float(limit << RANK_BITS))
    reached = np.isfinite(found)
    return station[reached], node[reached], found[reached].astype(np.int64) >> RANK_BITS


def _edges_within(network: Network, stations: Access, limit: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Pair stations with the edges they reach or stand on, with the distances to each edge's two ends."""
    station, node, units = _nodes_within(network, stations, limit)
    start, members = network.edges_at_node
    pair, at = expand_ranges(start[node], start[node + 1])
    edges, nodes = np.int64(max(network.edges, 1)), np.int64(max(network.nodes, 1))
    own = np.flatnonzero(stations.edge >= 0)
    code = np.unique(np.concatenate([station[pair] * edges + members[at], own * edges + stations.edge[own]]))
    pair_station, pair_edge = code // edges, code % edges
    known = station * nodes + node

    def distance(end: Ints) -> Ints:
        place, there = _look_up(known, pair_station * nodes + end[pair_edge])
        return np.where(there, units[place] if len(units) else _FAR, _FAR)

    return pair_station, pair_edge, distance(network.edge_u), distance(network.edge_v)


def _look_up(ordered: Ints, wanted: Ints) -> tuple[Ints, Flags]:
    """Find values in an ordered list: their places, and which are there."""
    if len(ordered) == 0:
        return np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=bool)
    place = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
    return place, np.asarray(ordered[place] == wanted)
