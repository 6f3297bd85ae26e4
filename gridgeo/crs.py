"""Coordinates: which metric system a place is worked in, and the refusal of anything else.

Distances decide everything here, so the work is done in plane metres of the CGCS2000 three-degree zone nearest to the
place (the national system), or of its UTM zone outside China. See ``docs/adr/0001-crs.md``.
"""

from __future__ import annotations

from typing import TypeVar

import geopandas as gpd
import numpy as np
from pyproj import CRS

from gridgeo.errors import CRSError

Frame = TypeVar("Frame", gpd.GeoDataFrame, gpd.GeoSeries)

_WGS84 = CRS.from_epsg(4326)
_CGCS2000 = CRS.from_epsg(4490)
# Three-degree Gauss-Krüger zones without prefix: EPSG:4534 is centred on 75°E, then one each three degrees.
_FIRST_ZONE_EPSG, _FIRST_MERIDIAN, _LAST_MERIDIAN = 4534, 75, 135
_CHINA = (73.0, 17.0, 136.0, 54.0)
_POLE = 90.0


def metric_crs(lon: float, lat: float) -> CRS:
    """Return the metric system that a place is worked in.

    Parameters
    ----------
    lon, lat : float
        A point of the place in degrees (WGS 84 or CGCS2000).

    Returns
    -------
    pyproj.CRS
        The CGCS2000 three-degree Gauss-Krüger zone (EPSG:4534 to 4554) nearest to the place within China's extent,
        where its scale is off by less than 3.2 in 10,000; the WGS 84 / UTM zone elsewhere.
    """
    west, south, east, north = _CHINA
    if west <= lon <= east and south <= lat <= north:
        meridian = min(max(3 * round(lon / 3), _FIRST_MERIDIAN), _LAST_MERIDIAN)
        return CRS.from_epsg(_FIRST_ZONE_EPSG + (meridian - _FIRST_MERIDIAN) // 3)
    zone = int((lon + 180) // 6) % 60 + 1
    return CRS.from_epsg((32600 if lat >= 0 else 32700) + zone)


def to_metric(frame: Frame, crs: object = None, *, layer: str = "layer") -> Frame:
    """Project a layer to metres.

    WGS 84 is taken for CGCS2000 when the target is a CGCS2000 zone: the two agree within about a metre, everything in
    a plan moves together, and no distance between two things of one plan changes. No other datum is taken for another.

    Parameters
    ----------
    frame : GeoDataFrame or GeoSeries
        The layer, in any system that it states.
    crs : object, optional
        The target; by default a metric layer stays as it is, and a layer in degrees goes to `metric_crs`.
    layer : str, optional
        What the layer is called in an error.

    Returns
    -------
    GeoDataFrame or GeoSeries
        The layer in metres; the input is not changed.

    Raises
    ------
    CRSError
        If the layer states no system, the target is not in metres, or the layer's coordinates are no place on earth.
    """
    if frame.crs is None:
        raise CRSError("no_crs", layer=layer)
    if crs is None:
        if is_metric(frame.crs):
            return frame
        if len(frame) == 0:
            raise CRSError("not_metric", layer=layer, crs=frame.crs.name)
        west, south, east, north = (float(bound) for bound in frame.to_crs(_WGS84).total_bounds)
        if not (np.isfinite([west, south, east, north]).all() and south >= -_POLE and north <= _POLE):
            raise CRSError("no_ground", layer=layer)
        target = metric_crs((west + east) / 2, (south + north) / 2)
    else:
        target = CRS.from_user_input(crs)
    if not is_metric(target):
        raise CRSError("not_metric", layer=layer, crs=target.name)
    source = CRS.from_user_input(frame.crs)
    if source == target:
        return frame
    if source.is_bound:
        # A datum with parameters of its own leads to WGS 84 by them, and by nothing else.
        frame, source = frame.to_crs(_WGS84), _WGS84
    if _is_wgs84(source) and target.geodetic_crs == _CGCS2000.geodetic_crs:
        frame = frame.to_crs(_WGS84).set_crs(_CGCS2000, allow_override=True)
    return frame.to_crs(target)


def is_metric(crs: object) -> bool:
    """Tell whether a system's coordinates are plane metres.

    Parameters
    ----------
    crs : object
        Anything pyproj understands, or None.

    Returns
    -------
    bool
        True for a projected system in metres.
    """
    if crs is None:
        return False
    crs = CRS.from_user_input(crs)
    return bool(crs.is_projected) and all(np.isclose(axis.unit_conversion_factor, 1) for axis in crs.axis_info[:2])


def require_metric(frame: gpd.GeoDataFrame | gpd.GeoSeries, *, layer: str, crs: object = None) -> CRS:
    """Refuse a layer that is not in metres, or not in the system the others are in.

    Parameters
    ----------
    frame : GeoDataFrame or GeoSeries
        The layer.
    layer : str
        What it is called in the error.
    crs : object, optional
        The system it must be in.

    Returns
    -------
    pyproj.CRS
        The layer's system.

    Raises
    ------
    CRSError
        If the layer states no system, is not in metres, or is in another system than `crs`.
    """
    if frame.crs is None:
        raise CRSError("no_crs", layer=layer)
    found = CRS.from_user_input(frame.crs)
    if not is_metric(found):
        raise CRSError("not_metric", layer=layer, crs=found.name)
    if crs is not None and found != CRS.from_user_input(crs):
        wanted = CRS.from_user_input(crs)
        raise CRSError("crs_differs", layer=layer, crs=found.name, other="plan", other_crs=wanted.name)
    return found


def _is_wgs84(crs: CRS) -> bool:
    return crs.geodetic_crs is not None and crs.geodetic_crs.to_epsg() in {4326, 4979}
