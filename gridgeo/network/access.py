"""Access: from a point to the nearest position on a street that can be reached from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import shapely

from gridgeo.crs import require_metric
from gridgeo.errors import Fault, InputError
from gridgeo.network.graph import Network
from gridgeo.network.measure import Floats, Ints, to_units
from gridgeo.network.segments import nearest_segments


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
    """

    xy: Floats
    edge: Ints
    along: Ints
    leg: Ints
    segment: Ints

    @property
    def snapped(self) -> np.ndarray:
        """Which points have a street within reach; shape (points,), bool."""
        return self.edge >= 0

    @cached_property
    def by_edge(self) -> tuple[Ints, Ints]:
        """The snapped points in the order of their edges, and their edges in that order."""
        order = np.argsort(self.edge, kind="stable")
        order = order[np.searchsorted(self.edge[order], 0) :]
        return order, self.edge[order]


def snap_points(
    network: Network, points: gpd.GeoDataFrame | gpd.GeoSeries | Floats, *, layer: str = "points"
) -> Access:
    """Snap points to the nearest position on a street.

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
    segment, share, distance = nearest_segments(network.segment_grid, xy, within_m=network.max_access_m)
    return place_on_segments(network, xy, segment, share, distance)


def place_on_segments(network: Network, xy: Floats, segment: Ints, share: Floats, leg_m: Floats) -> Access:
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
    leg_m : ndarray of float, shape (points,)
        The access leg's length in metres.

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
        leg=to_units(np.where(snapped, leg_m, 0.0)),
        segment=segment,
    )


def point_coordinates(points: gpd.GeoDataFrame | gpd.GeoSeries | Floats, *, layer: str, crs: object) -> Floats:
    """Return the coordinates of points, or refuse them with every fault named.

    Parameters
    ----------
    points : GeoDataFrame or GeoSeries of Point, or ndarray of float, shape (points, 2)
        The points.
    layer : str
        What they are called in an error.
    crs : object
        The system they must be in.

    Returns
    -------
    ndarray of float, shape (points, 2)
        Their x and y in metres.

    Raises
    ------
    InputError
        If a point is missing, is no point, or has a coordinate that is not a finite number.
    CRSError
        If the points are in another system.
    """
    if isinstance(points, np.ndarray):
        xy = points
        usable = np.ones(len(xy), dtype=bool)
    else:
        require_metric(points, layer=layer, crs=crs)
        geometry = np.asarray(points.geometry.array)
        kinds = shapely.get_type_id(geometry)
        usable = (kinds == 0) & ~shapely.is_empty(geometry)
        xy = np.column_stack([shapely.get_x(geometry), shapely.get_y(geometry)])
    faults = [Fault(key="empty_geometry", layer=layer, row=int(row) + 1) for row in np.flatnonzero(~usable)]
    broken = usable & ~np.isfinite(xy).all(axis=1)
    faults += [Fault(key="bad_coordinate", layer=layer, row=int(row) + 1) for row in np.flatnonzero(broken)]
    if faults:
        raise InputError("faults_in_layer", faults=faults, layer=layer, count=len(faults))
    return np.asarray(xy, dtype=np.float64)
