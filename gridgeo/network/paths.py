"""The walk itself: which parts of which edges lead from one place to another, and how they are drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridgeo.network.access import Access
from gridgeo.network.gateways import ways_through
from gridgeo.network.graph import Network
from gridgeo.network.measure import RANK_BITS, Floats, Ints, expand_ranges, to_units
from gridgeo.network.routes import seed_nodes, solve_nodes


@dataclass(frozen=True, eq=False)
class Path:
    """A walk along edges, in walking order.

    Parameters
    ----------
    edge : ndarray of int64, shape (steps,)
        The edges walked.
    start, stop : ndarray of int64, shape (steps,)
        From where to where on each, in units from its node u.
    """

    edge: Ints
    start: Ints
    stop: Ints


def find_path(network: Network, origin: Access, target: Access) -> Path | None:
    """Find the shortest walk along the network from one place to another.

    Parameters
    ----------
    network : Network
        The network.
    origin, target : Access
        One place each.

    Returns
    -------
    Path or None
        The walk between the two positions on streets, access legs left out; None where there is none.
    """
    edge, along = int(origin.edge[0]), int(origin.along[0])
    if edge < 0 or int(target.edge[0]) < 0:
        return None
    node, key = seed_nodes(network, target, keys=np.zeros(1))
    found = solve_nodes(network.links, node, key) / (1 << RANK_BITS)
    ends = (int(network.edge_u[edge]), int(network.edge_v[edge]))
    ways = [(found[ends[0]] + along, 0), (found[ends[1]] + int(network.edge_cost[edge]) - along, 1)]
    if edge == int(target.edge[0]):
        ways.append((float(abs(along - int(target.along[0])) + int(target.leg[0])), -1))
    length, side = min(ways)
    if not np.isfinite(length):
        return None
    if side < 0:
        return Path(origin.edge, origin.along, target.along)
    seeds = dict(zip(node.tolist(), (key / (1 << RANK_BITS)).tolist(), strict=True))
    steps = [(edge, along, _end(network, edge, side))]
    last = ends[side]
    for onward, to_side in _follow(network, found, seeds, last):
        steps.append((onward, _end(network, onward, 1 - to_side), _end(network, onward, to_side)))
        last = int((network.edge_u, network.edge_v)[to_side][onward])
    goal, spot, leg = int(target.edge[0]), int(target.along[0]), int(target.leg[0])
    side = int(network.edge_u[goal] != last or leg + spot != seeds[last])
    steps.append((goal, _end(network, goal, side), spot))
    table = np.array([step for step in steps if step[1] != step[2]], dtype=np.int64).reshape(-1, 3)
    return Path(*table.T)


def _end(network: Network, edge: int, side: int) -> int:
    """Return the position of an edge's end: node u's is 0."""
    return int(network.edge_cost[edge]) if side else 0


def _follow(network: Network, found: Floats, seeds: dict[int, float], node: int) -> list[tuple[int, int]]:
    """Walk from a node to a seed along edges that are exactly as long as they bring it nearer: edge, end reached."""
    start, members = network.edges_at_node
    # Each node's way on from the node before it; a search, because edges without length may lead in a ring.
    came: dict[int, tuple[int, int, int]] = {node: (-1, -1, -1)}
    waiting = [node]
    while waiting:
        here = waiting.pop()
        if seeds.get(here) == found[here]:
            break
        for edge in members[start[here] : start[here + 1]].tolist():
            for side, other in enumerate((int(network.edge_u[edge]), int(network.edge_v[edge]))):
                if other not in came and found[other] + network.edge_cost[edge] == found[here]:
                    came[other] = (here, edge, side)
                    waiting.append(other)
    steps = []
    while came[here][0] >= 0:
        before, edge, side = came[here]
        steps.append((edge, side))
        here = before
    return steps[::-1]


def draw_path(network: Network, path: Path) -> tuple[Ints, Ints, Floats]:
    """Draw a walk.

    Parameters
    ----------
    network : Network
        The network.
    path : Path
        The walk.

    Returns
    -------
    segment : ndarray of int64, shape (pieces,)
        The segment that each piece is part of, in walking order.
    units : ndarray of int64, shape (pieces,)
        How far one has walked at the piece's end, in units from the path's start.
    ends : ndarray of float, shape (pieces, 2, 2)
        Where the piece begins and ends.
    """
    low, high = np.minimum(path.start, path.stop), np.maximum(path.start, path.stop)
    step, segment, ends, position = cut_segments(network, np.arange(len(low)), path.edge, low, high)
    back = (path.stop < path.start)[step]
    walked = np.cumsum(high - low) - (high - low)
    units = walked[step] + np.where(back, high[step] - position[:, 0], position[:, 1] - low[step])
    ends = np.where(back[:, None, None], ends[:, ::-1], ends)
    order = np.lexsort((units, step))
    return segment[order], units[order], ends[order]


def draw_leg(network: Network, access: Access) -> tuple[Floats, bool]:
    """Draw an access leg.

    Parameters
    ----------
    network : Network
        The network.
    access : Access
        One place that stands on the network.

    Returns
    -------
    xy : ndarray of float, shape (2 or 3, 2)
        From the point, by way of the gate if it leads through one, to the position on the street.
    by_gate : bool
        Whether it does.
    """
    ends = network.segment_xy[access.segment[0]]
    foot = ends[:2] + access.share[0] * (ends[2:] - ends[:2])
    straight = to_units(np.hypot(*(foot - access.xy[0]))[None])
    gateways, obstacles = network.gateways, network.obstacles
    if gateways is None or obstacles is None or abs(int(straight[0]) - int(access.leg[0])) <= 1:
        return np.stack([access.xy[0], foot]), False
    gate, _ = ways_through(gateways, obstacles, access.xy)
    return np.stack([access.xy[0], gateways.xy[gate[0]], foot]), True


def cut_segments(network: Network, owner: Ints, edge: Ints, low: Ints, high: Ints) -> tuple[Ints, Ints, Floats, Ints]:
    """Cut the drawn segments of edges to parts of them.

    Parameters
    ----------
    network : Network
        The network.
    owner, edge, low, high : ndarray of int64, shape (parts,)
        Whose part it is, of which edge, from where to where in units from node u.

    Returns
    -------
    owner, segment : ndarray of int64, shape (pieces,)
        Whose piece it is, and of which segment.
    ends : ndarray of float, shape (pieces, 2, 2)
        The piece, its end nearer to node u first.
    position : ndarray of int64, shape (pieces, 2)
        Where on the edge these ends are, in units from node u.
    """
    start, members = network.segments_of_edge
    part, at = expand_ranges(start[edge], start[edge + 1])
    segment = members[at]
    begin, end = network.segment_from[segment], network.segment_to[segment]
    first = np.maximum(np.minimum(begin, end), low[part])
    last = np.minimum(np.maximum(begin, end), high[part])
    some = last > first
    part, segment = part[some], segment[some]
    position = np.column_stack([first[some], last[some]])
    begin, length = begin[some].astype(np.float64), (end - begin)[some].astype(np.float64)
    a, d = network.segment_xy[segment, :2], network.segment_xy[segment, 2:] - network.segment_xy[segment, :2]
    ends = np.stack([a + ((p - begin) / length)[:, None] * d for p in position.T], axis=1)
    return owner[part], segment, ends, position
