"""Shortest walks from all stations at once: to every node, and to every household."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from gridgeo.errors import NetworkError
from gridgeo.network.access import Access
from gridgeo.network.graph import Network
from gridgeo.network.measure import MAX_UNITS, RANK_BITS, UNIT_BITS, Flags, Floats, Ints
from gridgeo.network.residents import Residents

_KEY_SCALE = float(1 << RANK_BITS)
_PLACES_AT_ONCE = 1 << 15


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


def same_edge_pairs(stations: Access, residents: Residents) -> tuple[Ints, Ints]:
    """Pair stations with the households on their own edge.

    Parameters
    ----------
    stations : Access
        The stations.
    residents : Residents
        The households.

    Returns
    -------
    station, place : ndarray of int64
        The pairs: rows of the stations, places of the households.
    """
    snapped = np.flatnonzero(stations.edge >= 0)
    station, place = residents.on_edges(stations.edge[snapped])
    return snapped[station], place


def nearest_keys(network: Network, residents: Residents, stations: Access, ranks: Ints) -> tuple[Floats, Floats]:
    """Find every household's least key, and every node's.

    Parameters
    ----------
    network : Network
        The network.
    residents : Residents
        The households.
    stations : Access
        Where the stations stand.
    ranks : ndarray of int64, shape (stations,)
        The stations' ranks, from 1.

    Returns
    -------
    household_key : ndarray of float, shape (households,)
        The least keys, place by place; inf where no walk leads.
    node_key : ndarray of float, shape (nodes,)
        The least keys of the nodes.
    """
    node, key = seed_nodes(network, stations, keys=ranks.astype(np.float64))
    node_key = solve_nodes(network.links, node, key)
    by_u = node_key[network.edge_u]
    by_v = node_key[network.edge_v] + network.edge_cost * _KEY_SCALE
    start = residents.start[1:]
    found = np.empty(len(residents.order))
    found[: start[0]] = np.inf
    # Some edges at a time, so that what is worked on stays in the processor's cache.
    cuts = np.unique(np.searchsorted(start, [*range(int(start[0]), len(found), _PLACES_AT_ONCE), len(found)]))
    for first, last in pairwise(cuts.tolist()):
        part = slice(start[first], start[last])
        count = start[first + 1 : last + 1] - start[first:last]
        along = residents.along[part] * _KEY_SCALE
        least = np.repeat(by_u[first:last], count)
        least += along
        other = np.repeat(by_v[first:last], count)
        other -= along
        np.minimum(least, other, out=least)
        np.add(least, residents.leg[part] * _KEY_SCALE, out=found[part])
    station, place = same_edge_pairs(stations, residents)
    direct = stations.leg[station] + np.abs(stations.along[station] - residents.along[place]) + residents.leg[place]
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
    whole = (key if reached.all() else np.where(reached, key, 0)).astype(np.int64)
    return whole >> RANK_BITS, whole & ((1 << RANK_BITS) - 1), reached
