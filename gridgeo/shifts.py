"""The shifted coordinates of Chinese maps, GCJ-02 and BD-09, to WGS 84 and back, to well under a millimetre.

Maps published in China are drawn in GCJ-02, WGS 84 bent by a fixed smooth function of up to some 600 m; Baidu bends it
once more (BD-09). Neither has an EPSG code. The functions are those in common use since 2010 (constants of the
Krassovsky 1940 ellipsoid); the backward ones repeat the forward one until it gives the coordinates asked for.

Hong Kong, Macau and Taiwan, and all ground outside the rectangle of China, are not shifted. Their outlines here run
through the sea and along the Shenzhen River within some 300 m: enough to tell which side a town is on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from gridgeo.errors import CRSError

Datum = Literal["wgs84", "gcj02", "bd09"]
Floats = NDArray[np.float64]
Pair = tuple[Floats, Floats]

DATUMS: tuple[Datum, ...] = ("wgs84", "gcj02", "bd09")
"""What degrees in a Chinese file may be."""

_AXIS_M = 6378245.0
_ECCENTRICITY2 = 0.00669342162296594323
_WEST, _SOUTH, _EAST, _NORTH = 72.004, 0.8293, 137.8347, 55.8271
_BAIDU_TURN = np.pi * 3000 / 180
_BAIDU_LON, _BAIDU_LAT = 0.0065, 0.006
# Each round of the backward search shrinks the error at least a hundredfold: 600 m are below a nanometre after six.
_ROUNDS = 6

_HONG_KONG = (
    (113.82, 22.13), (114.52, 22.13), (114.52, 22.45), (114.36, 22.56), (114.26, 22.556), (114.232, 22.551),
    (114.222, 22.555), (114.190, 22.556), (114.165, 22.562), (114.150, 22.546), (114.130, 22.540), (114.112, 22.530),
    (114.090, 22.526), (114.075, 22.516), (114.055, 22.512), (114.030, 22.503), (113.995, 22.497), (113.945, 22.470),
    (113.880, 22.420), (113.82, 22.34),
)  # fmt: skip
_MACAU = (
    (113.528, 22.105), (113.61, 22.105), (113.61, 22.20), (113.567, 22.214), (113.549, 22.2165), (113.534, 22.212),
    (113.534, 22.18), (113.546, 22.155), (113.544, 22.13),
)  # fmt: skip
_TAIWAN = (
    (119.20, 23.00),
    (120.60, 21.70),
    (122.30, 21.70),
    (122.30, 25.50),
    (121.20, 25.50),
    (119.90, 24.60),
    (119.20, 23.80),
)


def shift(lon: ArrayLike, lat: ArrayLike, source: Datum, target: Datum) -> Pair:
    """Bring coordinates from one datum to another.

    Parameters
    ----------
    lon, lat : array_like of float, length n
        Degrees in the source datum.
    source, target : {'wgs84', 'gcj02', 'bd09'}
        From what to what.

    Returns
    -------
    lon, lat : ndarray of float64, length n
        Degrees in the target datum; NaN where the input is not finite.

    Raises
    ------
    CRSError
        If there is no such datum, or there are not as many longitudes as latitudes.

    Examples
    --------
    >>> lon, lat = shift([116.404], [39.915], "wgs84", "gcj02")
    >>> print(f"{lon[0]:.6f} {lat[0]:.6f}")
    116.410244 39.916404
    """
    for datum in (source, target):
        if datum not in DATUMS:
            raise CRSError("unknown_datum", value=datum, allowed=", ".join(DATUMS))
    east, north = np.asarray(lon, dtype="float64"), np.asarray(lat, dtype="float64")
    if east.shape != north.shape:
        raise CRSError("uneven_coordinates", lon=east.size, lat=north.size)
    known = np.isfinite(east) & np.isfinite(north)
    x, y = np.where(known, east, 0.0), np.where(known, north, 0.0)
    start, end = DATUMS.index(source), DATUMS.index(target)
    for step in range(start, end):
        x, y = (_bend, _bend_baidu)[step](x, y)
    for step in range(start - 1, end - 1, -1):
        x, y = (_unbend, _unbend_baidu)[step](x, y)
    return np.where(known, x, np.nan), np.where(known, y, np.nan)


def is_shifted(lon: ArrayLike, lat: ArrayLike) -> NDArray[np.bool_]:
    """Tell where maps in China are drawn shifted.

    Parameters
    ----------
    lon, lat : array_like of float, length n
        Degrees in WGS 84.

    Returns
    -------
    ndarray of bool, length n
        False in Hong Kong, Macau and Taiwan, and outside the rectangle around China.
    """
    x, y = np.asarray(lon, dtype="float64"), np.asarray(lat, dtype="float64")
    inside = (x >= _WEST) & (x <= _EAST) & (y >= _SOUTH) & (y <= _NORTH)
    for outline in (_HONG_KONG, _MACAU, _TAIWAN):
        area = shapely.Polygon(outline)
        shapely.prepare(area)
        inside = inside & ~shapely.contains_xy(area, x, y)
    return np.asarray(inside, dtype=bool)


def _bend(lon: Floats, lat: Floats) -> Pair:
    """WGS 84 to GCJ-02."""
    there = is_shifted(lon, lat)
    east, north = _offset(lon, lat)
    return lon + np.where(there, east, 0.0), lat + np.where(there, north, 0.0)


def _unbend(lon: Floats, lat: Floats) -> Pair:
    """GCJ-02 to WGS 84."""
    x, y = _reverse(_add_offset, lon, lat)
    # Along the edge of the shifted ground some places answer to two, or to none: the shifted answer comes first.
    stays = ~is_shifted(x, y) & ~is_shifted(lon, lat)
    return np.where(stays, lon, x), np.where(stays, lat, y)


def _add_offset(lon: Floats, lat: Floats) -> Pair:
    east, north = _offset(lon, lat)
    return lon + east, lat + north


def _offset(lon: Floats, lat: Floats) -> Pair:
    """Return the shift from WGS 84 to GCJ-02 in degrees."""
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    common = 20 * np.sin(6 * np.pi * x) + 20 * np.sin(2 * np.pi * x)
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east += (common + 20 * np.sin(np.pi * x) + 40 * np.sin(np.pi * x / 3)) * 2 / 3
    east += (150 * np.sin(np.pi * x / 12) + 300 * np.sin(np.pi * x / 30)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north += (common + 20 * np.sin(np.pi * y) + 40 * np.sin(np.pi * y / 3)) * 2 / 3
    north += (160 * np.sin(np.pi * y / 12) + 320 * np.sin(np.pi * y / 30)) * 2 / 3
    angle = np.radians(lat)
    narrowing = 1 - _ECCENTRICITY2 * np.sin(angle) ** 2
    per_degree_north = np.pi / 180 * _AXIS_M * (1 - _ECCENTRICITY2) / (narrowing * np.sqrt(narrowing))
    per_degree_east = np.pi / 180 * _AXIS_M / np.sqrt(narrowing) * np.cos(angle)
    return east / per_degree_east, north / per_degree_north


def _bend_baidu(lon: Floats, lat: Floats) -> Pair:
    """GCJ-02 to BD-09."""
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BAIDU_TURN)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BAIDU_TURN)
    return radius * np.cos(angle) + _BAIDU_LON, radius * np.sin(angle) + _BAIDU_LAT


def _unbend_baidu(lon: Floats, lat: Floats) -> Pair:
    """BD-09 to GCJ-02."""
    return _reverse(_bend_baidu, lon, lat)


def _reverse(forward: Callable[[Floats, Floats], Pair], lon: Floats, lat: Floats) -> Pair:
    """Find what `forward` brings to the coordinates given, by correcting a guess with its own error."""
    x, y = lon, lat
    for _ in range(_ROUNDS):
        east, north = forward(x, y)
        x, y = x + (lon - east), y + (lat - north)
    return x, y
