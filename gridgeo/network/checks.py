"""Geometry is looked at once, where it comes in: what cannot be used is refused with every row named."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridgeo.crs import require_metric
from gridgeo.errors import Fault, InputError
from gridgeo.network.measure import Floats, Ints

FARTHEST_M = 1e8
"""No place on earth has a greater coordinate in metres, and floats still tell micrometres apart there."""

_KINDS = {"point": (0,), "line": (1, 5), "barrier": (1, 2, 3, 5, 6)}
_NAMES = {"point": "Point", "line": "LineString / MultiLineString", "barrier": "LineString / Polygon"}


def check_geometry(geometry: npt.NDArray[Any], *, layer: str, wanted: str, rows: Ints | None = None) -> None:
    """Refuse geometry that is missing, of another kind, or not finite.

    Parameters
    ----------
    geometry : ndarray of shapely geometries, shape (n,)
        The geometries.
    layer : str
        What they are called in the error.
    wanted : {'point', 'line', 'barrier'}
        The kind they must be of.
    rows : ndarray of int64, shape (n,), optional
        Their rows in the layer; by default from 0.

    Raises
    ------
    InputError
        If any cannot be used; the error's ``faults`` name every row.
    """
    missing = shapely.is_missing(geometry) | shapely.is_empty(geometry)
    wrong = ~missing & ~np.isin(shapely.get_type_id(geometry), _KINDS[wanted])
    xy, which = shapely.get_coordinates(geometry, return_index=True)
    broken, far = np.zeros(len(geometry), dtype=bool), np.zeros(len(geometry), dtype=bool)
    broken[which[~np.isfinite(xy).all(axis=1)]] = True
    far[which[(np.abs(xy) > FARTHEST_M).any(axis=1)]] = True
    faults = []
    bad = (missing, "empty_geometry"), (wrong, "wrong_geometry"), (broken & ~wrong, "bad_coordinate")
    for flags, key in (*bad, (far & ~wrong & ~broken, "far_coordinate")):
        for at in np.flatnonzero(flags):
            row = int(at if rows is None else rows[at]) + 1
            kind = geometry[at].geom_type if key == "wrong_geometry" else None
            faults.append(Fault(key=key, layer=layer, row=row, value=kind, values={"wanted": _NAMES[wanted]}))
    if faults:
        raise InputError("faults_in_layer", faults=faults, layer=layer, count=len(faults))


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
        faults = [
            Fault(key="bad_coordinate", layer=layer, row=int(row) + 1)
            for row in np.flatnonzero(~(np.abs(points) <= FARTHEST_M).all(axis=1))
        ]
        if faults:
            raise InputError("faults_in_layer", faults=faults, layer=layer, count=len(faults))
        return np.asarray(points, dtype=np.float64)
    if isinstance(points, pd.DataFrame) and getattr(points, "active_geometry_name", None) is None:
        raise InputError("not_geographic_frame", layer=layer)
    require_metric(points, layer=layer, crs=crs)
    geometry = np.asarray(points.geometry.array)
    check_geometry(geometry, layer=layer, wanted="point")
    return np.asarray(shapely.get_coordinates(geometry), dtype=np.float64)
