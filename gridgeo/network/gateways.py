"""Open gates: the only ways through a barrier, and where the walk leads on from each."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.spatial import cKDTree

from gridgeo.network.lines import GATE_TOLERANCE_M
from gridgeo.network.measure import Floats, Ints, expand_ranges
from gridgeo.network.segments import SegmentGrid
from gridgeo.network.visibility import Obstacles, legs_blocked, nearest_visible


@dataclass(frozen=True, eq=False)
class Gateways:
    """Open gates. Make them with `find_gateways`.

    Parameters
    ----------
    xy : ndarray of float, shape (gates, 2)
        Where they are, in metres.
    segment : ndarray of int64, shape (gates,)
        The segment that the walk leads on to; -1 where none can be reached.
    share, onward_m : ndarray of float, shape (gates,)
        Where on the segment, and how far that is from the gate; inf where none can be reached.
    piece_start : ndarray of int64, shape (gates + 1,)
        Where each gate's pieces start in `piece`.
    piece : ndarray of int64
        The pieces of barrier that a gate stands in: they let pass who walks to it.
    reach_m : float
        The longest way through a gate.
    tree : cKDTree
        The gates, to be asked which are near.
    """

    xy: Floats
    segment: Ints
    share: Floats
    onward_m: Floats
    piece_start: Ints
    piece: Ints
    reach_m: float
    tree: cKDTree


def find_gateways(
    gates: Floats, grid: SegmentGrid, segment_xy: Floats, obstacles: Obstacles, *, reach_m: float
) -> Gateways:
    """Find where the walk leads on from each open gate.

    Parameters
    ----------
    gates : ndarray of float, shape (gates, 2)
        The open gates, in metres.
    grid, segment_xy : SegmentGrid and ndarray of float, shape (segments, 4)
        The streets' segments.
    obstacles : Obstacles
        The barriers.
    reach_m : float
        The longest way from a point through a gate to a street.

    Returns
    -------
    Gateways
        The gates.
    """
    beside, wall = obstacles.near(gates, np.full(len(gates), GATE_TOLERANCE_M))
    start = np.searchsorted(beside, np.arange(len(gates) + 1))
    segment, share, onward_m = nearest_visible(
        grid,
        segment_xy,
        obstacles,
        gates,
        within_m=np.full(len(gates), reach_m),
        start_m=np.zeros(len(gates)),
        spare=[wall[first:last] for first, last in pairwise(start)],
    )
    return Gateways(gates, segment, share, onward_m, start, wall, reach_m, cKDTree(gates))


def ways_through(gateways: Gateways, obstacles: Obstacles, xy: Floats) -> tuple[Ints, Floats]:
    """Find the shortest way from each point through an open gate to a street.

    Parameters
    ----------
    gateways : Gateways
        The open gates.
    obstacles : Obstacles
        The barriers.
    xy : ndarray of float, shape (points, 2)
        The points.

    Returns
    -------
    gate : ndarray of int64, shape (points,)
        The gate, of equally short ways the first; -1 where no way is short enough.
    through_m : ndarray of float, shape (points,)
        How long the way is; inf where there is none.
    """
    found, length = np.full(len(xy), -1, dtype=np.int64), np.full(len(xy), np.inf)
    near = cKDTree(xy).sparse_distance_matrix(gateways.tree, gateways.reach_m, output_type="ndarray")
    row, gate = near["i"].astype(np.int64), near["j"].astype(np.int64)
    through_m = near["v"] + gateways.onward_m[gate]
    good = through_m <= gateways.reach_m
    row, gate, through_m = row[good], gate[good], through_m[good]
    way, at = expand_ranges(gateways.piece_start[gate], gateways.piece_start[gate + 1])
    spare = np.sort(way * (1 << 32) + gateways.piece[at])
    free = ~legs_blocked(obstacles, xy[row], gateways.xy[gate], spare=spare)
    row, gate, through_m = row[free], gate[free], through_m[free]
    order = np.lexsort((gate, through_m, row))
    row, gate, through_m = row[order], gate[order], through_m[order]
    first = np.concatenate([[True], row[1:] != row[:-1]]) if len(row) else free[:0]
    found[row[first]], length[row[first]] = gate[first], through_m[first]
    return found, length
