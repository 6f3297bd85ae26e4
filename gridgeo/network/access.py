"""Access: from a point to the nearest position on a street that can be reached from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np

from gridgeo.network.checks import point_coordinates
from gridgeo.network.gateways import ways_through
from gridgeo.network.graph import Network
from gridgeo.network.measure import Floats, Ints, to_units
from gridgeo.network.residents import Residents, sort_residents
from gridgeo.network.segments import nearest_segments
from gridgeo.network.visibility import Obstacles, legs_blocked, nearest_visible


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
    def residents(self) -> Residents:
        """The points in the order of the edges they stand on."""
        return sort_residents(self.edge, self.along, self.leg)


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
    gate_m, reach = np.full(len(rows), np.inf), np.full(len(rows), network.max_access_m)
    gateways = network.gateways
    if gateways is not None:
        gate, gate_m = ways_through(gateways, obstacles, xy[rows])
        # Nobody looks farther than the way through a gate is long.
        np.minimum(reach, gate_m, out=reach)
        through = gate >= 0
        segment[rows] = np.where(through, gateways.segment[gate], -1)
        share[rows] = np.where(through, gateways.share[gate], 0.0)
    else:
        segment[rows] = -1
    direct = nearest_visible(network.segment_grid, obstacles, xy[rows], within_m=reach)
    leg_m[rows] = gate_m
    seen = direct[0] >= 0
    for held, found in zip((segment, share, leg_m), direct, strict=True):
        held[rows[seen]] = found[seen]


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
