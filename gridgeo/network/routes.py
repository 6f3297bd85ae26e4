"""Shortest walks: from all stations to every node at once, and from each station to all within its reach."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from gridgeo.errors import NetworkError
from gridgeo.network.access import Access
from gridgeo.network.graph import Network
from gridgeo.network.measure import MAX_UNITS, RANK_BITS, UNIT_BITS, Flags, Floats, Ints, expand_ranges


@dataclass(frozen=True, eq=False)
class Reach:
    """Every walk from a station to a household within a limit.

    Parameters
    ----------
    station, household : ndarray of int64, shape (pairs,)
        Who reaches whom: positions in the two tables; ordered by station.
    units : ndarray of int64, shape (pairs,)
        The walking distance in units.
    """

    station: Ints
    household: Ints
    units: Ints


def seed_nodes(network: Network, stations: Access, *, keys: Floats) -> tuple[Ints, Floats]:
    """Lead each station to both ends of its edge.

    Parameters
    ----------
    network : Network
        The network.
    stations : Access
        The stations; those off the network seed nothing.
    keys : ndarray of float, shape (stations,)
        What each station's keys start from: its rank.

    Returns
    -------
    node : ndarray of int64
        The nodes next to a station, each once.
    key : ndarray of float
        The least key there.
    """
    at = np.flatnonzero(stations.edge >= 0)
    edge, along, leg = stations.edge[at], stations.along[at], stations.leg[at]
    node = np.concatenate([network.edge_u[edge], network.edge_v[edge]])
    units = np.concatenate([leg + along, leg + network.edge_cost[edge] - along])
    key = (units << RANK_BITS).astype(np.float64) + np.concatenate([keys[at], keys[at]])
    order = np.lexsort((key, node))
    node, key = node[order], key[order]
    first = np.concatenate([[True], node[1:] != node[:-1]]) if len(node) else np.zeros(0, dtype=bool)
    return node[first], key[first]


def solve_nodes(links: csr_array, node: Ints, key: Floats, *, limit: float = np.inf) -> Floats:
    """Find the least key at every node.

    Parameters
    ----------
    links : csr_array, shape (nodes, nodes)
        The graph, in keys of rank 0.
    node, key : ndarray
        Where walks start, and with what.
    limit : float, optional
        Keys beyond this may stay unknown.

    Returns
    -------
    ndarray of float, shape (nodes,)
        The least key; inf where no walk leads.

    Raises
    ------
    NetworkError
        If a walk is longer than a key can hold.
    """
    count = links.shape[0]
    if len(node) == 0:
        return np.full(count, np.inf)
    # One more node, joined one way to every start, makes one search of many.
    graph = csr_array(
        (
            np.concatenate([links.data, key]),
            np.concatenate([links.indices, node.astype(np.int32)]),
            np.append(links.indptr, links.indptr[-1] + len(node)).astype(np.int32),
        ),
        shape=(count + 1, count + 1),
    )
    found: Floats = dijkstra(graph, directed=True, indices=count, limit=limit)[:count]
    longest = found[np.isfinite(found)].max(initial=0)
    if longest >= float(MAX_UNITS << RANK_BITS):
        raise NetworkError("walk_too_long", value=MAX_UNITS >> (UNIT_BITS + 10))
    return found


def household_keys(network: Network, node_key: Floats, households: Access, rows: Ints, edges: Ints) -> Floats:
    """Find the least key of households through the ends of their edges.

    Parameters
    ----------
    network : Network
        The network.
    node_key : ndarray of float, shape (nodes,)
        The least key at every node.
    households : Access
        The households.
    rows : ndarray of int64, shape (n,)
        Which households, all snapped.
    edges : ndarray of int64, shape (n,)
        Their edges.

    Returns
    -------
    ndarray of float, shape (n,)
        Their keys; inf where no walk leads.
    """
    scale = float(1 << RANK_BITS)
    along = households.along[rows].astype(np.float64)
    by_u = node_key[network.edge_u][edges] + along * scale
    by_v = node_key[network.edge_v][edges] + (network.edge_cost[edges] - along) * scale
    np.minimum(by_u, by_v, out=by_u)
    by_u += households.leg[rows] * scale
    return by_u


def same_edge_pairs(stations: Access, edges: Ints) -> tuple[Ints, Ints]:
    """Pair stations with the households on their own edge.

    Parameters
    ----------
    stations : Access
        The stations.
    edges : ndarray of int64
        The households' edges in order (`Access.by_edge`).

    Returns
    -------
    station, place : ndarray of int64
        Rows of the stations, and places in that order.
    """
    start = np.searchsorted(edges, stations.edge, side="left")
    stop = np.searchsorted(edges, stations.edge, side="right")
    stop = np.where(stations.edge >= 0, stop, start)
    return expand_ranges(start, stop)


def find_reach(network: Network, households: Access, stations: Access, *, limit: int) -> Reach:
    """Find every walk from a station to a household that is no longer than a limit.

    Each station is given a copy of the streets within the limit in a straight line, so that one search finds all.

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
    station, node, units = nodes_within(network, stations, limit)
    order, edges = households.by_edge
    pair_station, pair_edge, by_u, by_v = edges_within(network, stations, station, node, units)
    start, stop = np.searchsorted(edges, pair_edge, side="left"), np.searchsorted(edges, pair_edge, side="right")
    pair, place = expand_ranges(start, stop)
    row = order[place]
    along, leg = households.along[row], households.leg[row]
    cost = network.edge_cost[pair_edge][pair]
    way = np.minimum(by_u[pair] + along, by_v[pair] + cost - along)
    owner = pair_station[pair]
    same = stations.edge[owner] == households.edge[row]
    direct = stations.leg[owner] + np.abs(along - stations.along[owner])
    way = np.where(same, np.minimum(way, direct), way) + leg
    near = way <= limit
    return Reach(station=owner[near], household=row[near], units=way[near])


_FAR = np.int64(1 << 50)


def nodes_within(network: Network, stations: Access, limit: int) -> tuple[Ints, Ints, Ints]:
    """Pairs of a station and a node within the limit, ordered by both, with the distance in units."""
    at = np.flatnonzero(stations.edge >= 0)
    if len(at) == 0:
        none = np.zeros(0, dtype=np.int64)
        return none, none, none
    radius = limit / (1 << UNIT_BITS) + 1.0
    near = cKDTree(stations.xy[at]).sparse_distance_matrix(network.node_tree, radius, output_type="ndarray")
    station, node = at[near["i"]], near["j"].astype(np.int64)
    nodes = np.int64(max(network.nodes, 1))
    code = np.sort(station * nodes + node)
    station, node = code // nodes, code % nodes
    start, stop = network.links.indptr[node].astype(np.int64), network.links.indptr[node + 1].astype(np.int64)
    pair, link = expand_ranges(start, stop)
    target_code = station[pair] * nodes + network.links.indices[link]
    target = np.minimum(np.searchsorted(code, target_code), len(code) - 1)
    inside = code[target] == target_code if len(code) else np.zeros(0, dtype=bool)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(pair[inside], minlength=len(code)))])
    graph = csr_array(
        (network.links.data[link[inside]], target[inside].astype(np.int32), indptr.astype(np.int32)),
        shape=(len(code), len(code)),
    )
    edge = stations.edge[at]
    ends = np.concatenate([network.edge_u[edge], network.edge_v[edge]])
    units = np.concatenate(
        [stations.leg[at] + stations.along[at], stations.leg[at] + network.edge_cost[edge] - stations.along[at]]
    )
    seed_code = np.concatenate([at, at]) * nodes + ends
    order = np.lexsort((units, seed_code))
    seed_code, units = seed_code[order], units[order]
    first = np.concatenate([[True], seed_code[1:] != seed_code[:-1]])
    seed_code, units = seed_code[first], units[first]
    seed = np.minimum(np.searchsorted(code, seed_code), max(len(code) - 1, 0))
    known = (code[seed] == seed_code) & (units <= limit) if len(code) else np.zeros(len(seed), dtype=bool)
    key = (units[known] << RANK_BITS).astype(np.float64)
    found = solve_nodes(graph, seed[known], key, limit=float(limit << RANK_BITS))
    reached = np.isfinite(found)
    return station[reached], node[reached], found[reached].astype(np.int64) >> RANK_BITS


def edges_within(
    network: Network, stations: Access, station: Ints, node: Ints, units: Ints
) -> tuple[Ints, Ints, Ints, Ints]:
    """Pairs of a station and an edge that it reaches or stands on, with the distances to the edge's two ends."""
    start, members = network.edges_at_node
    pair, at = expand_ranges(start[node], start[node + 1])
    edges, nodes = np.int64(max(network.edges, 1)), np.int64(max(network.nodes, 1))
    own = np.flatnonzero(stations.edge >= 0)
    code = np.unique(np.concatenate([station[pair] * edges + members[at], own * edges + stations.edge[own]]))
    pair_station, pair_edge = code // edges, code % edges
    known = station * nodes + node

    def distance(end: Ints) -> Ints:
        wanted = pair_station * nodes + end[pair_edge]
        if len(known) == 0:
            return np.full(len(wanted), _FAR)
        place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        return np.where(known[place] == wanted, units[place], _FAR)

    return pair_station, pair_edge, distance(network.edge_u), distance(network.edge_v)


def nearest_keys(network: Network, households: Access, stations: Access, ranks: Ints) -> tuple[Floats, Floats]:
    """Find every household's least key, and every node's.

    Parameters
    ----------
    network : Network
        The network.
    households, stations : Access
        Where they stand.
    ranks : ndarray of int64, shape (stations,)
        The stations' ranks, from 1.

    Returns
    -------
    household_key : ndarray of float
        The least keys of the snapped households, in the order of `Access.by_edge`.
    node_key : ndarray of float, shape (nodes,)
        The least keys of the nodes.
    """
    node, key = seed_nodes(network, stations, keys=ranks.astype(np.float64))
    node_key = solve_nodes(network.links, node, key)
    order, edges = households.by_edge
    found = household_keys(network, node_key, households, order, edges)
    station, place = same_edge_pairs(stations, edges)
    row = order[place]
    direct = stations.leg[station] + np.abs(stations.along[station] - households.along[row]) + households.leg[row]
    np.minimum.at(found, place, (direct << RANK_BITS).astype(np.float64) + ranks[station])
    return found, node_key


def split_keys(key: Floats) -> tuple[Ints, Ints, Flags]:
    """Take keys apart.

    Parameters
    ----------
    key : ndarray of float
        Keys; inf for none.

    Returns
    -------
    units, rank : ndarray of int64
        Distance and rank; 0 where there is none.
    reached : ndarray of bool
        Where there is one.
    """
    reached = np.isfinite(key)
    whole = np.where(reached, key, 0).astype(np.int64)
    return whole >> RANK_BITS, whole & ((1 << RANK_BITS) - 1), reached
