"""What if a station, a gate or a street were another: the new coverage from the old one, equal to a full run.

A station more can only better the nodes nearer to it in a straight line than they now are on foot to theirs; a station
less only concerns the nodes that walked to it. Everything else stays, and is shared with the coverage before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from gridgeo.coverage.assess import solve_coverage
from gridgeo.coverage.model import Coverage
from gridgeo.coverage.patched import Patched
from gridgeo.coverage.roster import Roster, check_stations, join_access, make_roster, pick_access
from gridgeo.errors import InputError
from gridgeo.network.access import ALONG_BITS, Access, place_on_segments, snap_points
from gridgeo.network.edits import close_streets, set_gates
from gridgeo.network.graph import Network
from gridgeo.network.measure import RANK_BITS, UNIT_BITS, Floats, Ints, expand_ranges, limit_units
from gridgeo.network.reach import find_reach
from gridgeo.network.routes import same_edge_pairs, seed_nodes, solve_nodes, split_keys

_SLACK_M = 1.0
"""Room for rounding in the straight-line test; it only ever lets more nodes be looked at."""


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
    if len(station) != 1:
        raise InputError("one_station", value=len(station))
    check_stations(station)
    access = snap_points(coverage.network, station, layer="stations")
    roster = coverage.roster.add(station, access)
    if roster is None:
        return _again(coverage, _fresh(coverage.roster, station, access))
    slot = len(roster.ids) - 1
    key, nodes, mine, rows = _offer(coverage, access, int(roster.rank[slot]))
    nearer = mine < _held_keys(coverage, roster, rows)
    rows, (units, _, _) = rows[nearer], split_keys(mine[nearer])
    return replace(
        coverage,
        roster=roster,
        slot=coverage.slot.put(rows, np.full(len(rows), slot)),
        units=coverage.units.put(rows, units),
        node_key=coverage.node_key.put(nodes, key),
        reached_by=_recount(coverage, access, 1),
    )


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
    if len(coverage.node_key.base) == 0:
        return _again(coverage, roster)
    access = pick_access(coverage.roster.access, np.array([slot]))
    key, nodes = _orphaned_nodes(coverage, roster, int(coverage.roster.rank[slot]))
    rows = _households_near(coverage, nodes, access)
    rows = rows[coverage.slot.get(rows) == slot]
    node_key = coverage.node_key.put(nodes, key)
    edges = np.unique(coverage.household_access.edge[rows])
    ends = np.unique(np.concatenate([coverage.network.edge_u[edges], coverage.network.edge_v[edges]]))
    found = _keys_through(coverage.network, coverage.household_access, rows, ends, node_key.get(ends))
    beside = np.flatnonzero(roster.active & np.isin(roster.access.edge, edges))
    neighbours = pick_access(roster.access, beside)
    found = np.minimum(found, _keys_on_edge(coverage.household_access, neighbours, roster.rank[beside], rows))
    units, rank, reached = split_keys(found)
    return replace(
        coverage,
        roster=roster,
        slot=coverage.slot.put(rows, np.where(reached, roster.slot_of_rank[rank], -1)),
        units=coverage.units.put(rows, units),
        node_key=node_key,
        reached_by=_recount(coverage, access, -1),
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
    check_stations(station)
    if len(station) != 1:
        raise InputError("one_station", value=len(station))
    return add_station(remove_station(coverage, str(station["station_id"].iloc[0])), station)


def change_gates(coverage: Coverage, is_open: dict[str, bool]) -> Coverage:
    """Return the coverage with certain gates opened or closed.

    Parameters
    ----------
    coverage : Coverage
        The coverage as it is.
    is_open : dict
        Gate id → whether it is open from now on.

    Returns
    -------
    Coverage
        What a full run on that network finds; only points near those gates are snapped again.

    Raises
    ------
    InputError
        If there is no such gate.
    """
    network = set_gates(coverage.network, is_open)
    xy = network.gates_xy(list(is_open))

    def move(access: Access) -> Access:
        reach = network.max_access_m + _SLACK_M
        near = np.zeros(len(access.xy), dtype=bool)
        for gate in xy:
            near |= np.abs(access.xy - gate).max(axis=1) <= reach
        return _snap_some(network, access, np.flatnonzero(near))

    return _on_network(coverage, network, move)


def shut_streets(coverage: Coverage, street_ids: list[str]) -> Coverage:
    """Return the coverage with certain streets closed.

    Parameters
    ----------
    coverage : Coverage
        The coverage as it is.
    street_ids : list of str
        The streets that can no longer be walked.

    Returns
    -------
    Coverage
        What a full run on that network finds.

    Raises
    ------
    InputError
        If there is no such street.
    NetworkError
        If no street is left.
    """
    network = close_streets(coverage.network, street_ids)
    return _on_network(coverage, network, lambda access: snap_points(network, access.xy))


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
    _, _, mine, rows = _offer(coverage, access, (1 << RANK_BITS) - 1)
    units, _, reached = split_keys(mine)
    return rows[reached], units[reached]


def _offer(coverage: Coverage, access: Access, rank: int) -> tuple[Floats, Ints, Floats, Ints]:
    """Offer one place to all: keys and nodes that it betters, keys and rows of the households near these."""
    key, nodes = _better_nodes(coverage, access, rank)
    rows = _households_near(coverage, nodes, access)
    mine = _keys_through(coverage.network, coverage.household_access, rows, nodes, key)
    direct = _keys_on_edge(coverage.household_access, access, np.array([rank]), rows)
    return key, nodes, np.minimum(mine, direct), rows


def _better_nodes(coverage: Coverage, access: Access, rank: int) -> tuple[Floats, Ints]:
    """Find the nodes that a new station is nearest to, with their new keys."""
    network = coverage.network
    node, key = seed_nodes(network, access, keys=np.array([rank], dtype=np.float64))
    if len(node) == 0:
        return key, node
    held = coverage.node_key.full
    straight_m = np.hypot(network.node_xy[:, 0] - access.xy[0, 0], network.node_xy[:, 1] - access.xy[0, 1])
    hopeful = straight_m - _SLACK_M <= held * (1 / (1 << (RANK_BITS + UNIT_BITS)))
    hopeful &= network.island_of_node == network.island_of_node[node[0]]
    nodes = np.flatnonzero(hopeful)
    found = _solve_among(network, nodes, node, key)
    better = found < held[nodes]
    return found[better], nodes[better]


def _orphaned_nodes(coverage: Coverage, roster: Roster, rank: int) -> tuple[Floats, Ints]:
    """Find the nodes that walked to a station that is gone, with their new keys."""
    network, held = coverage.network, coverage.node_key.full
    nodes = np.flatnonzero(np.isfinite(held))
    nodes = nodes[held[nodes].astype(np.int64) & ((1 << RANK_BITS) - 1) == rank]
    links = network.links
    begin, end = links.indptr[nodes].astype(np.int64), links.indptr[nodes + 1].astype(np.int64)
    at, link = expand_ranges(begin, end)
    outside = links.indices[link]
    lost = np.zeros(network.nodes, dtype=bool)
    lost[nodes] = True
    border = ~lost[outside]
    edge = np.maximum(roster.access.edge, 0)
    beside = roster.active & (lost[network.edge_u[edge]] | lost[network.edge_v[edge]])
    counted = np.flatnonzero(beside)
    seed, seed_key = seed_nodes(network, pick_access(roster.access, counted), keys=roster.rank[counted].astype(float))
    inside = lost[seed]
    node = np.concatenate([nodes[at[border]], seed[inside]])
    key = np.concatenate([held[outside[border]] + links.data[link[border]], seed_key[inside]])
    order = np.lexsort((key, node))
    first = np.concatenate([[True], node[order][1:] != node[order][:-1]]) if len(node) else order.astype(bool)
    return _solve_among(network, nodes, node[order][first], key[order][first]), nodes


def _solve_among(network: Network, nodes: Ints, seed: Ints, key: Floats) -> Floats:
    """Find the least keys on the part of the network that some nodes span; seeds elsewhere are left out."""
    links = network.links
    at, link = expand_ranges(links.indptr[nodes].astype(np.int64), links.indptr[nodes + 1].astype(np.int64))
    place = np.full(network.nodes, -1, dtype=np.int32)
    place[nodes] = np.arange(len(nodes))
    target = place[links.indices[link]]
    inside = target >= 0
    indptr = np.zeros(len(nodes) + 1, dtype=np.int32)
    np.cumsum(np.bincount(at[inside], minlength=len(nodes)), out=indptr[1:])
    part = csr_array((links.data[link[inside]], target[inside], indptr), shape=(len(nodes), len(nodes)))
    known = place[seed] >= 0
    return solve_nodes(part, place[seed[known]].astype(np.int64), key[known])


def _households_near(coverage: Coverage, nodes: Ints, access: Access) -> Ints:
    """List the households on the edges that meet at nodes, and on a station's own edge."""
    start, members = coverage.network.edges_at_node
    _, at = expand_ranges(start[nodes], start[nodes + 1])
    touched = np.unique(np.concatenate([members[at], access.edge[access.edge >= 0]]))
    order, code = coverage.household_access.by_edge
    _, place = expand_ranges(
        np.searchsorted(code, touched << ALONG_BITS), np.searchsorted(code, (touched + 1) << ALONG_BITS)
    )
    return order[place]


def _keys_through(network: Network, households: Access, rows: Ints, nodes: Ints, key: Floats) -> Floats:
    """Find the least keys of households through certain nodes, in order, whose keys are given."""
    if len(nodes) == 0:
        return np.full(len(rows), np.inf)
    edge, along, scale = households.edge[rows], households.along[rows], float(1 << RANK_BITS)

    def at(end: Ints) -> Floats:
        place = np.minimum(np.searchsorted(nodes, end), len(nodes) - 1)
        return np.where(nodes[place] == end, key[place], np.inf)

    by_u = at(network.edge_u[edge]) + along * scale
    by_v = at(network.edge_v[edge]) + (network.edge_cost[edge] - along) * scale
    found: Floats = np.minimum(by_u, by_v) + households.leg[rows] * scale
    return found


def _keys_on_edge(households: Access, stations: Access, ranks: Ints, rows: Ints) -> Floats:
    """Find the least keys of households straight along the edge that a station stands on, too."""
    found = np.full(len(rows), np.inf)
    station, at = same_edge_pairs(stations, pick_access(households, rows))
    row = rows[at]
    way = np.abs(stations.along[station] - households.along[row]) + stations.leg[station] + households.leg[row]
    np.minimum.at(found, at, ((way << RANK_BITS) + ranks[station]).astype(np.float64))
    return found


def _held_keys(coverage: Coverage, roster: Roster, rows: Ints) -> Floats:
    slot = coverage.slot.get(rows)
    key = (coverage.units.get(rows) << RANK_BITS) + roster.rank[slot]
    return np.where(slot >= 0, key.astype(np.float64), np.inf)


def _recount(coverage: Coverage, access: Access, step: int) -> dict[float, Patched]:
    """Count one station more or less for everybody within its reach."""
    limit = limit_units(max(coverage.cutoffs_m))
    reach = find_reach(coverage.network, coverage.household_access, access, limit=limit)
    counts = {}
    for cutoff, count in coverage.reached_by.items():
        rows = reach.household[reach.units <= limit_units(cutoff)]
        counts[cutoff] = count.put(rows, count.get(rows) + step)
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


def _on_network(coverage: Coverage, network: Network, move: Callable[[Access], Access]) -> Coverage:
    """Run in full on another network, with the points moved there."""
    roster = replace(coverage.roster, access=move(coverage.roster.access))
    whole = solve_coverage(
        network,
        coverage.source,
        move(coverage.household_access),
        roster,
        cutoffs_m=coverage.cutoffs_m,
        asked=coverage.asked,
    )
    return whole.at(coverage.cutoff_m)


def _snap_some(network: Network, access: Access, rows: Ints) -> Access:
    """Place points on a network of the same segments, snapping only some anew."""
    anew = snap_points(network, access.xy[rows])
    fields = {name: getattr(access, name).copy() for name in ("segment", "share", "leg")}
    for name, values in fields.items():
        values[rows] = getattr(anew, name)
    return place_on_segments(network, access.xy, fields["segment"], fields["share"], fields["leg"])
