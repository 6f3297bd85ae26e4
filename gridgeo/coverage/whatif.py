"""What if a station were another: the new coverage from the old one, equal to a full run.

A station more can only better the nodes nearer to it in a straight line than they now are on foot to theirs; a station
less only concerns the nodes that walked to it. Everything else stays, and is shared with the coverage before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from gridgeo.coverage.assess import solve_coverage
from gridgeo.coverage.model import Coverage
from gridgeo.coverage.pages import Pages
from gridgeo.coverage.roster import Roster, join_access, make_roster, pick_access
from gridgeo.errors import InputError
from gridgeo.network.access import Access, snap_points
from gridgeo.network.columns import require_distinct
from gridgeo.network.graph import Network
from gridgeo.network.measure import RANK_BITS, UNIT_BITS, Floats, Ints, expand_ranges, limit_units
from gridgeo.network.routes import seed_nodes, solve_nodes, split_keys

_SLACK_M = 1.0
"""Room for rounding in the straight-line test; it only ever lets more nodes be looked at."""

_KEY_SCALE = float(1 << RANK_BITS)
_METRES_PER_KEY = 1 / (1 << (RANK_BITS + UNIT_BITS))


@dataclass(frozen=True, eq=False)
class Offer:
    """What one place offers: whom it could serve, and how far it would be for them.

    Parameters
    ----------
    nodes : ndarray of int64
        The nodes it is worth walking to.
    node_key : ndarray of float
        Their keys from there.
    places : ndarray of int64
        The households on the edges around them, in the order of `Residents`.
    key : ndarray of float
        Their keys from there.
    """

    nodes: Ints
    node_key: Floats
    places: Ints
    key: Floats


def add_station(coverage: Coverage, station: gpd.GeoDataFrame) -> Coverage:
    """Return the coverage with one station more.

    Parameters
    ----------
    coverage : Coverage
        The coverage as it is.
    station : GeoDataFrame of Point
        One row, named by ``station_id``, in the network's system.

    Returns
    -------
    Coverage
        What a full run with this station finds.

    Raises
    ------
    InputError
        If there is not exactly one row, its id is taken, or its point cannot be used.
    CRSError
        If it is in another system.
    """
    return _with(coverage, station, _snap(coverage, station))


def remove_station(coverage: Coverage, station_id: str) -> Coverage:
    """Return the coverage with one station less.

    Parameters
    ----------
    coverage : Coverage
        The coverage as it is.
    station_id : str
        The station that goes, or is closed.

    Returns
    -------
    Coverage
        What a full run without it finds; without any station nobody is covered.

    Raises
    ------
    InputError
        If there is no such station.
    """
    slot = coverage.roster.find(station_id)
    roster = coverage.roster.remove(slot)
    if len(coverage.node_key) == 0:
        return _again(coverage, roster)
    access, rank = pick_access(coverage.roster.access, np.array([slot])), int(coverage.roster.rank[slot])
    worth = np.full(len(coverage.node_key), _limit_key(max(coverage.cutoffs_m)))
    lost = _make_offer(coverage, access, rank, worth=worth)
    node_key, orphans = _without(coverage, roster, rank)
    edges = _edges_around(coverage.network, orphans, access)
    places, key = _keys_on_edges(coverage, edges, node_key, roster.access, roster.rank, np.flatnonzero(roster.active))
    mine = np.flatnonzero(coverage.slot.get(places) == slot)
    places, (units, rank_now, reached) = places[mine], split_keys(key[mine])
    return replace(
        coverage,
        roster=roster,
        slot=coverage.slot.put(places, np.where(reached, roster.slot_of_rank[rank_now], -1)),
        units=coverage.units.put(places, units),
        node_key=node_key,
        reached_by=_recount(coverage, lost, -1),
    )


def move_station(coverage: Coverage, station: gpd.GeoDataFrame) -> Coverage:
    """Return the coverage with one station elsewhere.

    Parameters
    ----------
    coverage : Coverage
        The coverage as it is.
    station : GeoDataFrame of Point
        One row: the station at its new place, under its old ``station_id``.

    Returns
    -------
    Coverage
        What a full run with the station there finds.

    Raises
    ------
    InputError
        If there is no such station, or the new place cannot be used.
    CRSError
        If it is in another system.
    """
    access = _snap(coverage, station)
    return _with(remove_station(coverage, str(station["station_id"].iloc[0])), station, access)


def offer_access(coverage: Coverage, access: Access) -> tuple[Ints, Ints]:
    """Find who would walk less if a walk could start at a place.

    Parameters
    ----------
    coverage : Coverage
        The coverage as it is.
    access : Access
        One place on the network; its leg is the walk that lies behind it.

    Returns
    -------
    rows, units : ndarray of int64
        The households concerned, and how far it would be for them; some of them may be nearer as it is.
    """
    offer = _make_offer(coverage, access, (1 << RANK_BITS) - 1, worth=coverage.node_key)
    units, _, reached = split_keys(offer.key)
    return coverage.household_access.residents.order[offer.places[reached]], units[reached]


def _snap(coverage: Coverage, station: gpd.GeoDataFrame) -> Access:
    """Find where one station stands on the network."""
    if len(station) != 1:
        raise InputError("one_station", value=len(station))
    require_distinct(station, "station_id", layer="stations")
    return snap_points(coverage.network, station, layer="stations")


def _with(coverage: Coverage, station: gpd.GeoDataFrame, access: Access) -> Coverage:
    """Return the coverage with one station more, whose place is known."""
    roster = coverage.roster.add(station, access)
    if roster is None:
        return _again(coverage, _fresh(coverage.roster, station, access))
    slot = len(roster.ids) - 1
    held, limit = coverage.node_key, _limit_key(max(coverage.cutoffs_m))
    offer = _make_offer(coverage, access, int(roster.rank[slot]), worth=np.maximum(held, limit))
    nearer = np.flatnonzero(offer.key < _held_keys(coverage, roster, offer.places))
    places = offer.places[nearer]
    node_key = held.copy()
    node_key[offer.nodes] = np.minimum(held[offer.nodes], offer.node_key)
    return replace(
        coverage,
        roster=roster,
        slot=coverage.slot.put(places, np.full(len(places), slot)),
        units=coverage.units.put(places, split_keys(offer.key[nearer])[0]),
        node_key=node_key,
        reached_by=_recount(coverage, offer, 1),
    )


def _limit_key(cutoff_m: float) -> float:
    """Return the least key that lies beyond a cutoff."""
    return float((limit_units(cutoff_m) + 1) << RANK_BITS)


def _make_offer(coverage: Coverage, access: Access, rank: int, *, worth: Floats) -> Offer:
    """Walk from one place to all nodes that it reaches with a lesser key than is worth knowing there."""
    network, ranks = coverage.network, np.array([rank])
    seed, key = seed_nodes(network, access, keys=ranks.astype(np.float64))
    nodes, found = seed[:0], key[:0]
    if len(seed):
        straight_m = np.hypot(network.node_xy[:, 0] - access.xy[0, 0], network.node_xy[:, 1] - access.xy[0, 1])
        hopeful = straight_m - _SLACK_M <= worth * _METRES_PER_KEY
        hopeful &= network.island_of_node == network.island_of_node[seed[0]]
        nodes = np.flatnonzero(hopeful)
        found = solve_among(network, nodes, seed, key)
        useful = found < worth[nodes]
        nodes, found = nodes[useful], found[useful]
    around = np.full(network.nodes, np.inf)
    around[nodes] = found
    edges = _edges_around(network, nodes, access)
    places, key = _keys_on_edges(coverage, edges, around, access, ranks, np.flatnonzero(access.edge >= 0))
    return Offer(nodes, found, places, key)


def _without(coverage: Coverage, roster: Roster, rank: int) -> tuple[Floats, Ints]:
    """Find the keys of all nodes without one station, and the nodes that walked to it."""
    network, held = coverage.network, coverage.node_key
    nodes = np.flatnonzero(np.isfinite(held))
    nodes = nodes[held[nodes].astype(np.int64) & ((1 << RANK_BITS) - 1) == rank]
    links = network.links
    at, link = expand_ranges(links.indptr[nodes].astype(np.int64), links.indptr[nodes + 1].astype(np.int64))
    outside = links.indices[link]
    lost = np.zeros(network.nodes, dtype=bool)
    lost[nodes] = True
    border = np.flatnonzero(~lost[outside])
    edge = roster.access.edge
    beside = roster.active & (edge >= 0) & (lost[network.edge_u[edge]] | lost[network.edge_v[edge]])
    counted = np.flatnonzero(beside)
    seed, seed_key = seed_nodes(network, pick_access(roster.access, counted), keys=roster.rank[counted].astype(float))
    inside = lost[seed]
    node = np.concatenate([nodes[at[border]], seed[inside]])
    key = np.concatenate([held[outside[border]] + links.data[link[border]], seed_key[inside]])
    order = np.lexsort((key, node))
    node, key = node[order], key[order]
    first = np.concatenate([[True], node[1:] != node[:-1]]) if len(node) else order.astype(bool)
    node_key = held.copy()
    node_key[nodes] = solve_among(network, nodes, node[first], key[first])
    return node_key, nodes


def solve_among(network: Network, nodes: Ints, seed: Ints, key: Floats) -> Floats:
    """Find the least keys on the part of the network that some nodes span.

    Parameters
    ----------
    network : Network
        The network.
    nodes : ndarray of int64, shape (n,)
        The nodes, in ascending order.
    seed, key : ndarray, shape (seeds,)
        Where walks start, and with what; seeds that are not among the nodes are left out.

    Returns
    -------
    ndarray of float, shape (n,)
        The least keys by walks among these nodes only; inf where there is none.
    """
    links = network.links
    at, link = expand_ranges(links.indptr[nodes].astype(np.int64), links.indptr[nodes + 1].astype(np.int64))
    place = np.full(network.nodes, -1, dtype=np.int32)
    place[nodes] = np.arange(len(nodes), dtype=np.int32)
    target = place[links.indices[link]]
    inside = np.flatnonzero(target >= 0)
    indptr = np.zeros(len(nodes) + 1, dtype=np.int32)
    np.cumsum(np.bincount(at[inside], minlength=len(nodes)), out=indptr[1:])
    part = csr_array((links.data[link[inside]], target[inside], indptr), shape=(len(nodes), len(nodes)))
    known = place[seed] >= 0
    return solve_nodes(part, place[seed[known]].astype(np.int64), key[known])


def _edges_around(network: Network, nodes: Ints, access: Access) -> Ints:
    """List the edges that meet at nodes, and a station's own, in ascending order."""
    start, members = network.edges_at_node
    _, at = expand_ranges(start[nodes], start[nodes + 1])
    return np.unique(np.concatenate([members[at], access.edge[access.edge >= 0]]))


def _keys_on_edges(
    coverage: Coverage, edges: Ints, node_key: Floats, stations: Access, ranks: Ints, counted: Ints
) -> tuple[Ints, Floats]:
    """Find the least keys of everybody on some edges, through their ends and straight along from stations on them."""
    network, residents = coverage.network, coverage.household_access.residents
    which, places = residents.on_edges(edges)
    along = residents.along[places] * _KEY_SCALE
    key = node_key[network.edge_u[edges]][which]
    key += along
    other = (node_key[network.edge_v[edges]] + network.edge_cost[edges] * _KEY_SCALE)[which]
    other -= along
    np.minimum(key, other, out=key)
    leg = residents.leg[places]
    key += leg * _KEY_SCALE
    own = stations.edge[counted]
    at = np.searchsorted(edges, own)
    here = np.flatnonzero(np.append(edges, -1)[at] == own)
    for station, edge in zip(counted[here], at[here], strict=True):
        run = slice(*np.searchsorted(which, (edge, edge + 1)))
        way = np.abs(residents.along[places[run]] - stations.along[station]) + leg[run] + stations.leg[station]
        np.minimum(key[run], way * _KEY_SCALE + ranks[station], out=key[run])
    return places, key


def _held_keys(coverage: Coverage, roster: Roster, places: Ints) -> Floats:
    slot = coverage.slot.get(places)
    key = (coverage.units.get(places) << RANK_BITS) + roster.rank[slot]
    return np.where(slot >= 0, key.astype(np.float64), np.inf)


def _recount(coverage: Coverage, offer: Offer, step: int) -> dict[float, Pages]:
    """Count one station more or less for everybody within its reach."""
    counts = {}
    for cutoff, count in coverage.reached_by.items():
        places = offer.places[offer.key < _limit_key(cutoff)]
        counts[cutoff] = count.put(places, count.get(places) + step)
    return counts


def _again(coverage: Coverage, roster: Roster) -> Coverage:
    """Run in full, with the points where they are."""
    whole = solve_coverage(
        coverage.network,
        coverage.source,
        coverage.household_access,
        roster,
        cutoffs_m=coverage.cutoffs_m,
        asked=coverage.asked,
    )
    return whole.at(coverage.cutoff_m)


def _fresh(roster: Roster, station: gpd.GeoDataFrame, access: Access) -> Roster:
    """Rank all stations anew, with one more."""
    counted = pick_access(roster.access, np.flatnonzero(roster.active))
    stations = gpd.GeoDataFrame(pd.concat([roster.stations, station], ignore_index=True), crs=roster.stations.crs)
    return make_roster(stations, join_access(counted, access))
