"""Open gates: the only ways through a barrier, and where the walk leads on from each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from gridgeo.compiler import compiled
from gridgeo.network.lines import GATE_TOLERANCE_M
from gridgeo.network.measure import Floats, Ints
from gridgeo.network.segments import SegmentGrid
from gridgeo.network.visibility import Obstacles, is_blocked, nearest_visible

_POINTS_AT_ONCE = 20_000


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


def find_gateways(gates: Floats, grid: SegmentGrid, obstacles: Obstacles, *, reach_m: float) -> Gateways:
    """Find where the walk leads on from each open gate.

    Parameters
    ----------
    gates : ndarray of float, shape (gates, 2)
        The open gates, in metres.
    grid : SegmentGrid
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
    beside, piece = obstacles.near(gates, np.full(len(gates), GATE_TOLERANCE_M))
    start = np.searchsorted(beside, np.arange(len(gates) + 1))
    reach = np.full(len(gates), reach_m)
    onward = nearest_visible(grid, obstacles, gates, within_m=reach, spare=(start, piece))
    return Gateways(gates, *onward, start, piece, reach_m, cKDTree(gates))


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
    for begin in range(0, len(xy), _POINTS_AT_ONCE):
        some = np.ascontiguousarray(xy[begin : begin + _POINTS_AT_ONCE])
        near = cKDTree(some).sparse_distance_matrix(gateways.tree, gateways.reach_m, output_type="ndarray")
        row, gate = near["i"].astype(np.int64), near["j"].astype(np.int64)
        through_m = near["v"] + gateways.onward_m[gate]
        good = np.flatnonzero(through_m <= gateways.reach_m)
        good = good[np.lexsort((gate[good], through_m[good], row[good]))]
        part = slice(begin, begin + _POINTS_AT_ONCE)
        pairs = (row[good], gate[good], through_m[good])
        spare = (gateways.piece_start, gateways.piece)
        _take_first(obstacles, some, *pairs, gateways.xy, spare, found[part], length[part])
    return found, length


@compiled
def _take_first(
    obstacles: Obstacles,
    xy: Floats,
    row: Ints,
    gate: Ints,
    through_m: Floats,
    gate_xy: Floats,
    spare: tuple[Ints, Ints],
    found: Ints,
    length: Floats,
) -> None:
    """Take for each point the first of its ways, in order, that no other barrier blocks."""
    for way in range(len(row)):
        point, by = row[way], gate[way]
        if found[point] < 0:
            passing = spare[1][spare[0][by] : spare[0][by + 1]]
            if not is_blocked(obstacles, xy[point, 0], xy[point, 1], gate_xy[by, 0], gate_xy[by, 1], passing):
                found[point], length[point] = by, through_m[way]
