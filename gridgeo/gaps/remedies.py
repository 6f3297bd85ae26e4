"""What would help: a gate opened, a missing link, a new post at a real place, each tried on the network."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
from scipy.spatial import cKDTree

from gridgeo.coverage import Coverage, change_gates
from gridgeo.coverage.whatif import offer_access
from gridgeo.gaps.corners import name_node, name_segment, open_corners
from gridgeo.network import Network
from gridgeo.network.access import Access, snap_points
from gridgeo.network.graph import gates_open
from gridgeo.network.measure import UNIT_BITS, Flags, Floats, Ints, limit_units, to_units
from gridgeo.network.reach import find_reach
from gridgeo.network.visibility import legs_blocked, pair_near
from gridgeo.plan import Plan

LINK_M = 80.0
"""A missing link is at most this long; anything longer is a new street."""

MOST_GATES = 40
"""How many closed gates are tried, those with most uncovered households nearby first."""

_LINKS_TRIED = 6
_LEAST_GAIN_M = 50.0
_ENOUGH = 0.5


@dataclass(frozen=True)
class Remedy:
    """What would cover households of an area.

    Parameters
    ----------
    kind : {'open_gate', 'missing_link', 'new_station'}
        What is done.
    place : str
        Where: the gate, the two streets, the place.
    households : int
        How many of the area's households it covers.
    is_enough : bool
        Whether that is at least half of them.
    length_m : float
        The length of a link; NaN for the others.
    """

    kind: str
    place: str
    households: int
    is_enough: bool
    length_m: float = float("nan")


def find_remedies(coverage: Coverage, plan: Plan, rows: Ints, area: Ints) -> list[Remedy | None]:
    """Find the cheapest remedy of each area.

    Parameters
    ----------
    coverage : Coverage
        Who is covered.
    plan : Plan
        The plan, for its places and gates' names.
    rows, area : ndarray of int64, shape (n,)
        The uncovered households, and the number of the area each lies in.

    Returns
    -------
    list of Remedy or None
        One for each area; None where nothing helps.
    """
    count = int(area.max(initial=-1)) + 1
    weight = coverage.weights
    area_of = np.full(len(weight), -1, dtype=np.int64)
    area_of[rows] = area
    total = np.bincount(area, weights=weight[rows], minlength=count)
    tries: list[list[Remedy]] = [[] for _ in range(count)]

    def note(kind: str, place: str, helped: Ints, *, only: int | None = None, length_m: float = float("nan")) -> None:
        helped = helped[area_of[helped] >= 0]
        gained = np.bincount(area_of[helped], weights=weight[helped], minlength=count)
        for number in np.flatnonzero(gained) if only is None else [only]:
            share = gained[number] / total[number]
            if share > 0:
                tries[number].append(Remedy(kind, place, round(gained[number]), bool(share >= _ENOUGH), length_m))

    for name, helped in _open_gates(coverage, rows):
        note("open_gate", name, helped)
    for number, name, length_m, helped in _add_links(coverage, rows, area):
        note("missing_link", name, helped, only=number, length_m=length_m)
    for name, helped in _open_posts(coverage, plan.places):
        note("new_station", name, helped)
    for number in range(count):
        if not tries[number]:
            for name, helped in open_corners(coverage, rows[area == number]):
                note("new_station", name, helped, only=number)
    return [_choose(options) for options in tries]


_COST = {"open_gate": 0, "missing_link": 1, "new_station": 2}


def _choose(options: list[Remedy]) -> Remedy | None:
    """Take the cheapest that is enough: a gate, then the shortest link, then a post; where none is, what covers most.

    Of equally cheap ones that which covers most is taken, then the first by name.
    """

    def cost(option: Remedy) -> tuple[int, float, int, str]:
        length_m = option.length_m if option.kind == "missing_link" else 0.0
        return _COST[option.kind], length_m, -option.households, option.place

    enough = [option for option in options if option.is_enough]
    if enough:
        return min(enough, key=cost)
    return min(options, key=lambda option: (-option.households, *cost(option)), default=None)


def _open_gates(coverage: Coverage, rows: Ints) -> list[tuple[str, Ints]]:
    """Try each closed gate near uncovered households: its name, and who is covered once it is open."""
    network = coverage.network
    if network.gates is None or len(rows) == 0:
        return []
    closed = network.gates[~gates_open(network.gates)]
    if len(closed) == 0:
        return []
    xy = np.column_stack([closed.geometry.x, closed.geometry.y])
    near = cKDTree(coverage.household_access.xy[rows]).query_ball_point(
        xy, coverage.cutoff_m + network.max_access_m, return_length=True
    )
    found = []
    for place in np.argsort(-near, kind="stable")[:MOST_GATES]:
        if near[place]:
            gate = closed.iloc[int(place)]
            after = change_gates(coverage, {gate["gate_id"]: True})
            name = gate.get("name")
            label = name if isinstance(name, str) and name else str(gate["gate_id"])
            found.append((label, np.flatnonzero(after.covered & ~coverage.covered)))
    return found


def _open_posts(coverage: Coverage, places: gpd.GeoDataFrame) -> list[tuple[str, Ints]]:
    """Try a post at each named real place: its name, and who is within the cutoff of it."""
    named = places[places["name"].notna() & (places["name"].astype("str").str.strip() != "")] if len(places) else places
    if len(named) == 0:
        return []
    access = snap_points(coverage.network, named, layer="places")
    limit = limit_units(coverage.cutoff_m)
    reach = find_reach(coverage.network, coverage.household_access, access, limit=limit)
    order = np.argsort(reach.station, kind="stable")
    bounds = np.searchsorted(reach.station[order], np.arange(len(named) + 1))
    names = named["name"].to_numpy()
    return [(str(names[row]), reach.household[order[bounds[row] : bounds[row + 1]]]) for row in range(len(named))]


def _add_links(coverage: Coverage, rows: Ints, area: Ints) -> list[tuple[int, str, float, Ints]]:
    """Try short links from where an area's walks are long to where they are short: area, streets, length, who gains."""
    network = coverage.network
    distance, _ = coverage.node_distances
    distance = distance / (1 << UNIT_BITS)
    near = network.node_tree.query_ball_point(coverage.household_access.xy[rows], network.max_access_m / 2)
    found = []
    for number in range(int(area.max(initial=-1)) + 1):
        nodes = np.unique(np.concatenate([[], *(near[row] for row in np.flatnonzero(area == number))]).astype(np.int64))
        for node, segment, share, length in _long_ways(network, nodes, distance, coverage.cutoff_m):
            spot, whole = _spot(network, segment, share), round(length, 1)
            access = _as_access(network, node, distance[node], segment, share, spot, length, distance)
            label = f"{name_segment(network, segment, spot)} – {name_node(network, node)}"
            found.append((number, label, whole, _gain(coverage, access)))
    return found


def _long_ways(network: Network, nodes: Ints, distance: Floats, cutoff_m: float) -> list[tuple[int, int, float, float]]:
    """List links from nodes to nearby streets by what they shorten: node, segment, share, length; the best few."""
    if len(nodes) == 0:
        return []
    on_ground = _on_ground(network)
    ends_aloft = network.segment_edge[~on_ground]
    aloft = np.zeros(network.nodes, dtype=bool)
    aloft[network.edge_u[ends_aloft]] = True
    aloft[network.edge_v[ends_aloft]] = True
    at, segment = pair_near(network.segment_grid, network.node_xy[nodes], np.full(len(nodes), LINK_M))
    node = nodes[at]
    ends = network.segment_xy[segment]
    step = ends[:, 2:] - ends[:, :2]
    xy = network.node_xy[node]
    share = np.clip(((xy - ends[:, :2]) * step).sum(axis=1) / (step**2).sum(axis=1), 0, 1)
    spot = ends[:, :2] + share[:, None] * step
    length = np.hypot(*(spot - xy).T)
    there = _distance_at(network, segment, share, distance)
    lower, higher = np.minimum(there, distance[node]), np.maximum(there, distance[node])
    reached = np.isfinite(lower) & on_ground[segment] & ~aloft[node]
    gain = np.where(reached, higher - np.where(reached, lower, 0) - length, 0.0)
    good = np.flatnonzero((gain > _LEAST_GAIN_M) & (length > 0) & (lower + length <= cutoff_m))
    if network.obstacles is not None and len(good):
        good = good[~legs_blocked(network.obstacles, xy[good], spot[good])]
    # Prefer what brings the far side nearest to a station.
    good = good[np.argsort((lower + length)[good], kind="stable")][:_LINKS_TRIED]
    return [(int(node[one]), int(segment[one]), float(share[one]), float(length[one])) for one in good]


def _on_ground(network: Network) -> Flags:
    """Tell which segments lie on the ground: a bridge or a tunnel is not joined by a path beside it."""
    aloft = np.zeros(len(network.streets), dtype=bool)
    for name in ("bridge", "tunnel", "layer"):
        if name in network.streets:
            aloft |= network.streets[name].to_numpy(dtype=np.float64) != 0
    return np.asarray(~aloft[network.segment_row])


def _distance_at(network: Network, segment: Ints, share: Floats, distance: Floats) -> Floats:
    """Measure from positions on segments to the nearest station, in metres."""
    edge = network.segment_edge[segment]
    begin, end = network.segment_from[segment], network.segment_to[segment]
    along = (begin + share * (end - begin)) / (1 << UNIT_BITS)
    rest = network.edge_cost[edge] / (1 << UNIT_BITS) - along
    return np.minimum(distance[network.edge_u[edge]] + along, distance[network.edge_v[edge]] + rest)


def _as_access(
    network: Network,
    node: int,
    node_m: float,
    segment: int,
    share: float,
    spot: Floats,
    length: float,
    distance: Floats,
) -> Access:
    """See a link from its far end: a station there whose leg is the walk from the link to the real station."""
    there = float(_distance_at(network, np.array([segment]), np.array([share]), distance)[0])
    if node_m <= there:
        edge = int(network.segment_edge[segment])
        begin, end = int(network.segment_from[segment]), int(network.segment_to[segment])
        along, place, walk = begin + round(share * (end - begin)), spot, node_m + length
    else:
        start, members = network.edges_at_node
        edge = int(members[start[node]])
        along = 0 if network.edge_u[edge] == node else int(network.edge_cost[edge])
        place, walk = network.node_xy[node], there + length
    one = np.array([0], dtype=np.int64)
    leg = to_units(np.array([walk]))
    return Access(xy=place[None, :], edge=one + edge, along=one + along, leg=leg, segment=one, share=np.zeros(1))


def _gain(coverage: Coverage, access: Access) -> Ints:
    """List who is covered when a walk starts at a place with a leg behind it."""
    rows, units = offer_access(coverage, access)
    return rows[(units <= limit_units(coverage.cutoff_m)) & ~coverage.covered[rows]]


def _spot(network: Network, segment: int, share: float) -> Floats:
    ends = network.segment_xy[segment]
    spot: Floats = ends[:2] + share * (ends[2:] - ends[:2])
    return spot
