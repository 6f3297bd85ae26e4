"""Access: from a point to the nearest position on a street that can be reached from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
from scipy.spatial import cKDTree

from gridgeo.network.checks import point_coordinates
from gridgeo.network.graph import Network
from gridgeo.network.lines import GATE_TOLERANCE_M
from gridgeo.network.measure import Floats, Ints, expand_ranges, to_units
from gridgeo.network.segments import nearest_segments
from gridgeo.network.visibility import Obstacles, legs_blocked, nearest_visible

ALONG_BITS = 40
"""A position along an edge is below 2**40 units: no edge is longer than 4,194 km."""


@dataclass(frozen=True, eq=False)
class Access:
    """Where points stand on a network.

    Parameters
    ----------
    xy : ndarray of float, shape (points, 2)
        The points, in metres.
    edge : ndarray of int64, shape (points,)
        The edge each stands on; -1 where none can be reached.
    along : ndarray of int64, shape (points,)
        How far along the edge from its node u, in units.
    leg : ndarray of int64, shape (points,)
        The length of the access leg in units.
    segment : ndarray of int64, shape (points,)
        The segment it stands on; -1 where none.
    share : ndarray of float, shape (points,)
        Where on the segment, from 0 to 1.
    """

    xy: Floats
    edge: Ints
    along: Ints
    leg: Ints
    segment: Ints
    share: Floats

    @property
    def snapped(self) -> np.ndarray:
        """Which points have a street within reach; shape (points,), bool."""
        return self.edge >= 0

    @cached_property
    def by_edge(self) -> tuple[Ints, Ints]:
        """The snapped points ordered by edge and along it, and ``edge << ALONG_BITS | along`` in that order."""
        code = (self.edge << ALONG_BITS) + self.along
        order = np.argsort(code)
        code = code[order]
        off = int(np.searchsorted(code, 0))
        return order[off:], code[off:]


def snap_points(
    network: Network, points: gpd.GeoDataFrame | gpd.GeoSeries | Floats, *, layer: str = "points"
) -> Access:
    """Snap points to the nearest position on a street that can be reached.

    The leg is a straight line that crosses no barrier; where the straight way to the nearest position is blocked, the
    nearest position in sight is taken, or the way through an open gate: straight to the gate and straight on to a
    street, whichever is shorter.

    Parameters
    ----------
    network : Network
        The network.
    points : GeoDataFrame or GeoSeries of Point, or ndarray of float, shape (points, 2)
        The points, in the network's system.
    layer : str, optional
        What they are called in an error.

    Returns
    -------
    Access
        Where each stands; a point with no street within ``network.max_access_m`` has edge -1.

    Raises
    ------
    InputError
        If a point is missing, is no point, or has a coordinate that is not a finite number.
    CRSError
        If the points are in another system.
    """
    xy = point_coordinates(points, layer=layer, crs=network.crs)
    segment, share, leg_m = nearest_segments(network.segment_grid, xy, within_m=network.max_access_m)
    if network.obstacles is not None:
        _walk_round(network, network.obstacles, xy, segment, share, leg_m)
    leg = to_units(np.where(segment >= 0, leg_m, 0.0))
    return place_on_segments(network, xy, segment, share, leg)


def _walk_round(
    network: Network, obstacles: Obstacles, xy: Floats, segment: Ints, share: Floats, leg_m: Floats
) -> None:
    """Put in place of every leg that a barrier blocks the shortest one that none does."""
    snapped = np.flatnonzero(segment >= 0)
    ends = network.segment_xy[segment[snapped]]
    foot = ends[:, :2] + share[snapped, None] * (ends[:, 2:] - ends[:, :2])
    rows = snapped[legs_blocked(obstacles, xy[snapped], foot)]
    if len(rows) == 0:
        return
    reach = np.full(len(rows), network.max_access_m)
    gate_segment, gate_share, gate_m = _through_gates(network, obstacles, xy[rows])
    # Nobody looks farther than the way through a gate is long.
    np.minimum(reach, gate_m, out=reach)
    direct = nearest_visible(
        network.segment_grid, network.segment_xy, obstacles, xy[rows], within_m=reach, start_m=leg_m[rows]
    )
    seen = direct[0] >= 0
    segment[rows] = np.where(seen, direct[0], gate_segment)
    share[rows] = np.where(seen, direct[1], gate_share)
    leg_m[rows] = np.where(seen, direct[2], gate_m)


def _through_gates(network: Network, obstacles: Obstacles, xy: Floats) -> tuple[Ints, Floats, Floats]:
    """Find the shortest way through an open gate to a street: segment, share, length; -1 and inf where none is."""
    segment, share = np.full(len(xy), -1, dtype=np.int64), np.zeros(len(xy))
    leg_m = np.full(len(xy), np.inf)
    gates = network.open_gates_xy
    if len(gates) == 0:
        return segment, share, leg_m
    beside, wall = obstacles.near(gates, np.full(len(gates), GATE_TOLERANCE_M))
    pieces = np.bincount(beside, minlength=len(gates))
    begin = np.cumsum(pieces) - pieces
    on_segment, on_share, onward_m = nearest_visible(
        network.segment_grid,
        network.segment_xy,
        obstacles,
        gates,
        within_m=np.full(len(gates), network.max_access_m),
        start_m=np.zeros(len(gates)),
        spare=[wall[first : first + count] for first, count in zip(begin, pieces, strict=True)],
    )
    row, gate, through_m = _ways_to_gates(xy, gates, onward_m, network.max_access_m)
    way, at = expand_ranges(begin[gate], begin[gate] + pieces[gate])
    spare = np.sort(way * (1 << 32) + wall[at])
    free = ~legs_blocked(obstacles, xy[row], gates[gate], spare=spare)
    row, gate, through_m = row[free], gate[free], through_m[free]
    # The shortest way through a gate of each point; of equally long ones the first gate.
    order = np.lexsort((gate, through_m, row))
    row, gate, through_m = row[order], gate[order], through_m[order]
    first = np.concatenate([[True], row[1:] != row[:-1]]) if len(row) else free[:0]
    row, gate = row[first], gate[first]
    segment[row], share[row], leg_m[row] = on_segment[gate], on_share[gate], through_m[first]
    return segment, share, leg_m


def _ways_to_gates(xy: Floats, gates: Floats, onward_m: Floats, reach: float) -> tuple[Ints, Ints, Floats]:
    """Pair points with the gates through which a street is within reach: point, gate, length of the way."""
    near = cKDTree(xy).sparse_distance_matrix(cKDTree(gates), reach, output_type="ndarray")
    through_m = near["v"] + onward_m[near["j"]]
    good = through_m <= reach
    return near["i"][good].astype(np.int64), near["j"][good].astype(np.int64), through_m[good]


def place_on_segments(network: Network, xy: Floats, segment: Ints, share: Floats, leg: Ints) -> Access:
    """Turn positions on segments into positions on edges.

    Parameters
    ----------
    network : Network
        The network.
    xy : ndarray of float, shape (points, 2)
        The points.
    segment : ndarray of int64, shape (points,)
        The segment each stands on; -1 for none.
    share : ndarray of float, shape (points,)
        Where on it, from 0 to 1.
    leg : ndarray of int64, shape (points,)
        The access leg's length in units.

    Returns
    -------
    Access
        Where each stands.
    """
    snapped = segment >= 0
    at = np.where(snapped, segment, 0)
    start, stop = network.segment_from[at], network.segment_to[at]
    along = start + np.rint(share * (stop - start)).astype(np.int64)
    return Access(
        xy=xy,
        edge=np.where(snapped, network.segment_edge[at], -1),
        along=np.where(snapped, along, 0),
        leg=np.where(snapped, leg, 0),
        segment=segment,
        share=share,
    )
