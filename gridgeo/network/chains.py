"""Street segments joined to edges: a run of segments through vertices where nothing branches is one edge.

The fewer nodes, the faster every later question; no length changes, because lengths are whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridgeo.network.measure import Flags, Ints


@dataclass(frozen=True)
class Chains:
    """Segments joined to edges.

    Parameters
    ----------
    vertex_node : ndarray of int64, shape (vertices,)
        The node at a vertex; -1 inside an edge.
    edge_u, edge_v : ndarray of int64, shape (edges,)
        The nodes an edge runs from and to; equal for a loop.
    edge_cost : ndarray of int64, shape (edges,)
        Its length in units.
    segment_edge : ndarray of int64, shape (segments,)
        The edge a segment is part of.
    segment_from, segment_to : ndarray of int64, shape (segments,)
        How far along the edge, in units from its node u, the segment's first and second end lie.
    """

    vertex_node: Ints
    edge_u: Ints
    edge_v: Ints
    edge_cost: Ints
    segment_edge: Ints
    segment_from: Ints
    segment_to: Ints


def join_segments(
    first: Ints, second: Ints, cost: Ints, *, waits: tuple[Ints, Ints], vertices: int, keep: Flags
) -> Chains:
    """Join segments to edges wherever exactly two of them meet.

    Parameters
    ----------
    first, second : ndarray of int64, shape (segments,)
        The vertices of each segment; never the same vertex.
    cost : ndarray of int64, shape (segments,)
        Its length in units.
    waits : pair of ndarray of int64, shape (segments,)
        What is charged in units on top at its first and second vertex: it lies between the vertex and the segment.
    vertices : int
        How many vertices there are.
    keep : ndarray of bool, shape (vertices,)
        Vertices that stay nodes whatever meets there.

    Returns
    -------
    Chains
        The edges, and where on them each segment lies.
    """
    count = len(first)
    length, cost = cost, cost + waits[0] + waits[1]
    tail = np.concatenate([first, second])
    is_node = _choose_nodes(first, second, tail, vertices, keep)
    # A segment is two half-edges, h and its reverse h ± count. At a vertex inside an edge exactly two start; the one
    # before h is the reverse of the other.
    half = np.arange(2 * count)
    started = np.bincount(tail, weights=half, minlength=vertices).astype(np.int64)
    other = started[tail] - half
    before = np.where(other < count, other + count, other - count)
    root = is_node[tail]
    before = np.where(root, half, before)
    both = np.concatenate([cost, cost])
    way = np.where(root, 0, both[before])
    _jump_to_root(before, way, root)
    forward, backward = before[:count], before[count:]
    flip = backward < forward
    chosen = np.where(flip, backward, forward)
    is_chosen = np.zeros(2 * count, dtype=bool)
    is_chosen[chosen] = True
    edge_of_root = np.cumsum(is_chosen) - 1
    edges = int(is_chosen.sum())
    segment_edge = edge_of_root[chosen]
    edge_u, edge_v = np.zeros(edges, dtype=np.int64), np.zeros(edges, dtype=np.int64)
    vertex_node = np.where(is_node, np.cumsum(is_node) - 1, -1)
    edge_u[segment_edge] = vertex_node[tail[chosen]]
    edge_v[segment_edge] = vertex_node[tail[np.where(flip, forward, backward)]]
    edge_cost = np.bincount(segment_edge, weights=cost, minlength=edges).astype(np.int64)
    start = np.where(flip, way[count:] + cost, way[:count])
    inward = np.where(flip, -1, 1)
    start += inward * waits[0]
    return Chains(
        vertex_node=vertex_node,
        edge_u=edge_u,
        edge_v=edge_v,
        edge_cost=edge_cost,
        segment_edge=segment_edge,
        segment_from=start,
        segment_to=start + inward * length,
    )


_PASSING = 2
"""How many segments meet where nothing branches."""


def _choose_nodes(first: Ints, second: Ints, tail: Ints, vertices: int, keep: Flags) -> Flags:
    """Every vertex where not exactly two segments meet, and one of every ring that has no such vertex."""
    degree = np.bincount(tail, minlength=vertices)
    is_node: Flags = (degree > 0) & ((degree != _PASSING) | keep)
    links = coo_array((np.ones(len(first), dtype=np.int8), (first, second)), shape=(vertices, vertices))
    parts, part = connected_components(links, directed=False)
    has_node = np.zeros(parts, dtype=bool)
    has_node[part[is_node]] = True
    _, lowest = np.unique(part, return_index=True)
    is_node[lowest[~has_node & (np.bincount(part) > 1)]] = True
    return is_node


def _jump_to_root(before: Ints, way: Ints, root: Flags) -> None:
    """Let every half-edge point at the first of its chain, and sum the way to there, doubling the stride each round."""
    active = np.flatnonzero(~root[before])
    while len(active):
        target = before[active]
        step, onward = way[target], before[target]
        way[active] += step
        before[active] = onward
        active = active[~root[onward]]
