"""What the numbers in two coordinate columns are: degrees or metres, which first, which zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS, Transformer
from pyproj.crs import BoundCRS
from pyproj.crs.coordinate_operation import ToWGS84Transformation
from pyproj.exceptions import ProjError

from gridgeo.errors import CRSError
from gridgeo.shifts import Datum, shift

Floats = NDArray[np.float64]

# China with some sea, in degrees; and its northings in metres.
_LON, _LAT = (70.0, 138.0), (3.0, 55.0)
_NORTHING = (300_000.0, 6_200_000.0)
_EASTING = (100_000.0, 900_000.0)
_THREE_DEGREE, _SIX_DEGREE = range(25, 46), range(13, 24)
_PREFIX_M = 1_000_000.0
_NEAR_DEG = 1.0
_REFUSED_DATUMS = ("Beijing 1954", "Xian 1980", "Beijing_1954", "Xian_1980", "New Beijing")
# The ellipsoids of those two, Krassowsky's and the IAG's of 1975, under whatever name a program has given the datum.
_REFUSED_AXES_M = (6_378_245.0, 6_378_140.0)
_CGCS2000 = frozenset({"China 2000", "China_2000", "China Geodetic Coordinate System 2000"})
_PARAMETERS = re.compile(r"\s*[A-Za-z]+:\d+\s*\+towgs84=\s*[-+.\d]+(\s*,\s*[-+.\d]+){2}((\s*,\s*[-+.\d]+){4})?\s*")


@dataclass(frozen=True)
class Axes:
    """What two columns of numbers are.

    Parameters
    ----------
    kind : {'degrees', 'zone'}
        Degrees, or metres of a Gauss-Krüger zone.
    swapped : bool
        Whether the first column is the north (latitude, or X of Chinese surveys).
    zone : int, optional
        The zone prefix, where the eastings carry one: 25 to 45 three-degree, 13 to 23 six-degree.
    """

    kind: Literal["degrees", "zone"]
    swapped: bool
    zone: int | None = None


def find_axes(x: ArrayLike, y: ArrayLike) -> Axes:
    """Tell what two columns of numbers are, from the ranges that Chinese coordinates lie in.

    Parameters
    ----------
    x, y : array_like of float, length n
        The columns as they came; NaN is passed over.

    Returns
    -------
    Axes
        Degrees or zone metres, and whether north comes first.

    Raises
    ------
    CRSError
        If the numbers are neither, or not all of one kind, or of more than one zone.

    Examples
    --------
    >>> find_axes([39.99], [116.32])
    Axes(kind='degrees', swapped=True, zone=None)
    >>> find_axes([39442000.0], [4429000.0])
    Axes(kind='zone', swapped=False, zone=39)
    """
    first, second = np.asarray(x, dtype="float64"), np.asarray(y, dtype="float64")
    known = np.isfinite(first) & np.isfinite(second)
    first, second = first[known], second[known]
    if len(first) == 0:
        raise CRSError("no_coordinates")
    for swapped, (east, north) in ((False, (first, second)), (True, (second, first))):
        if _all_within(east, _LON) and _all_within(north, _LAT):
            return Axes("degrees", swapped)
        zones = np.unique(np.floor(east / _PREFIX_M).astype("int64"))
        if _all_within(north, _NORTHING) and _all_within(east % _PREFIX_M, _EASTING):
            if len(zones) > 1:
                raise CRSError("several_zones", zones=", ".join(str(zone) for zone in zones))
            zone = int(zones[0])
            if zone == 0:
                return Axes("zone", swapped)
            if zone in _THREE_DEGREE or zone in _SIX_DEGREE:
                return Axes("zone", swapped, zone)
    raise CRSError("strange_coordinates", x=_example(first), y=_example(second))


def is_north_first(
    x: ArrayLike,
    y: ArrayLike,
    *,
    datum: Datum | None = None,
    crs: object = None,
    district: tuple[float, float, float, float] | None = None,
) -> bool:
    """Tell which of two columns is the north, where their system has been said.

    Parameters
    ----------
    x, y : array_like of float, length n
        The columns as they came; NaN is passed over.
    datum, crs : optional
        What was said, see `to_degrees`.
    district : tuple of float, optional
        West, south, east and north of the place in degrees. The order counts that brings every point near it; where
        neither or both do, what the ranges say.

    Returns
    -------
    bool
        Whether the first column is the north.

    Raises
    ------
    CRSError
        As `find_axes`, where the district does not tell.
    """
    if district is not None:
        first, second = np.asarray(x, dtype="float64"), np.asarray(y, dtype="float64")
        known = np.isfinite(first) & np.isfinite(second)
        west, south, east, north = district
        across, up = (west - _NEAR_DEG, east + _NEAR_DEG), (south - _NEAR_DEG, north + _NEAR_DEG)
        led = []
        for columns in ((first, second), (second, first)):
            lon, lat = to_degrees(columns[0][known], columns[1][known], datum=datum, crs=crs)
            led.append(_all_within(lon, across) and _all_within(lat, up))
        if led[0] != led[1]:
            return led[1]
    return find_axes(x, y).swapped


def odd_rows(x: ArrayLike, y: ArrayLike) -> NDArray[np.bool_]:
    """Tell which rows are of another kind than most: exchanged, in another system, or misspelt.

    Parameters
    ----------
    x, y : array_like of float, length n
        The columns as they came; NaN is passed over.

    Returns
    -------
    ndarray of bool, length n
        True for those rows; none where no kind is that of more than half of all.
    """
    first, second = np.asarray(x, dtype="float64"), np.asarray(y, dtype="float64")
    known = np.isfinite(first) & np.isfinite(second)
    kinds = []
    for east, north in ((first, second), (second, first)):
        with np.errstate(invalid="ignore"):
            degrees = _within(east, _LON) & _within(north, _LAT)
            metres = _within(north, _NORTHING) & _within(east % _PREFIX_M, _EASTING)
        kinds += [degrees, metres]
    usual = max(kinds, key=lambda kind: int(kind.sum()))
    return known & ~usual if 2 * usual.sum() > known.sum() else np.zeros(len(first), dtype=bool)


def zone_crs(zone: int) -> CRS:
    """Return the CGCS2000 system whose eastings carry a zone prefix.

    Parameters
    ----------
    zone : int
        25 to 45 for three-degree zones, 13 to 23 for six-degree zones.

    Returns
    -------
    pyproj.CRS
        EPSG:4513 to 4533, or EPSG:4491 to 4501.

    Raises
    ------
    CRSError
        If there is no such zone.
    """
    if zone in _THREE_DEGREE:
        return CRS.from_epsg(4513 + zone - _THREE_DEGREE.start)
    if zone in _SIX_DEGREE:
        return CRS.from_epsg(4491 + zone - _SIX_DEGREE.start)
    raise CRSError("unknown_zone", value=zone)


def nearest_zones(lon: float) -> list[CRS]:
    """Return the CGCS2000 systems without prefix that a place may have been surveyed in.

    Parameters
    ----------
    lon : float
        The place's longitude in degrees.

    Returns
    -------
    list of pyproj.CRS
        Of the three-degree zones (EPSG:4534 to 4554) the nearest and its two neighbours, nearest first. A six-degree
        zone with the same central meridian gives the same coordinates.
    """
    meridians = sorted(range(75, 138, 3), key=lambda meridian: abs(meridian - lon))[:3]
    return [CRS.from_epsg(4534 + (meridian - 75) // 3) for meridian in meridians]


def to_degrees(x: ArrayLike, y: ArrayLike, *, datum: Datum | None = None, crs: object = None) -> tuple[Floats, Floats]:
    """Bring coordinates to WGS 84 degrees (CGCS2000 degrees are taken for them: they agree within about a metre).

    Parameters
    ----------
    x, y : array_like of float, length n
        East and north.
    datum : {'wgs84', 'gcj02', 'bd09'}, optional
        What degrees are in; without `crs`.
    crs : object, optional
        Any system pyproj knows; without `datum`.

    Returns
    -------
    lon, lat : ndarray of float64, length n
        Degrees.

    Raises
    ------
    CRSError
        If the system is on a datum of its own (Beijing 1954, Xi'an 1980) that only a guess leads away from.
    """
    east, north = np.asarray(x, dtype="float64"), np.asarray(y, dtype="float64")
    if crs is None:
        return shift(east, north, datum or "wgs84", "wgs84")
    source = require_known_datum(crs)
    target = source.geodetic_crs if is_cgcs2000(source) and not source.is_bound else CRS.from_epsg(4326)
    lon, lat = Transformer.from_crs(source, target, always_xy=True, allow_ballpark=False).transform(east, north)
    return np.asarray(lon, dtype="float64"), np.asarray(lat, dtype="float64")


def require_known_datum(crs: object) -> CRS:
    """Refuse a system from which nobody can get to CGCS2000 without local parameters.

    Parameters
    ----------
    crs : object
        Anything pyproj understands; or ``EPSG:n+towgs84=dx,dy,dz``, also with ``rx,ry,rz,s`` (metres, seconds, parts
        per million, position vector), for a system whose parameters the surveying department has given.

    Returns
    -------
    pyproj.CRS
        The system.

    Raises
    ------
    CRSError
        If pyproj does not know it, or it is on Beijing 1954, Xi'an 1980 or another datum without parameters: PROJ would
        silently use a ballpark that is off by up to some 100 m.
    """
    try:
        found = (
            _with_parameters(crs) if isinstance(crs, str) and _PARAMETERS.fullmatch(crs) else CRS.from_user_input(crs)
        )
    except (RuntimeError, ValueError, TypeError) as error:
        raise CRSError("unknown_crs", value=crs) from error
    if found.is_bound or is_cgcs2000(found):
        return found
    geodetic = found.geodetic_crs
    datum = geodetic.datum.name if geodetic is not None and geodetic.datum is not None else found.name
    ellipsoid = 0.0 if found.ellipsoid is None else found.ellipsoid.semi_major_metre
    if any(name.lower() in datum.lower() for name in _REFUSED_DATUMS) or ellipsoid in _REFUSED_AXES_M:
        raise CRSError("datum_without_parameters", value=found.name)
    try:
        Transformer.from_crs(found, 4326, always_xy=True, allow_ballpark=False)
    except ProjError as error:
        raise CRSError("datum_without_parameters", value=found.name) from error
    return found


def is_cgcs2000(crs: CRS) -> bool:
    """Tell whether a system is on CGCS2000, also when a program has named it in its own way.

    Parameters
    ----------
    crs : pyproj.CRS
        The system.

    Returns
    -------
    bool
        True for CGCS2000.
    """
    geodetic = crs.geodetic_crs
    return geodetic is not None and geodetic.datum is not None and geodetic.datum.name.removeprefix("D_") in _CGCS2000


def _with_parameters(said: str) -> CRS:
    name, _, numbers = said.replace(" ", "").partition("+towgs84=")
    parameters = [float(number) for number in numbers.split(",")]
    source = CRS.from_user_input(name)
    if source.geodetic_crs is None:
        raise ValueError(said)
    shift_by = ToWGS84Transformation(source.geodetic_crs, *parameters)
    return BoundCRS(source_crs=source, target_crs=CRS.from_epsg(4326), transformation=shift_by)


def _within(values: Floats, bounds: tuple[float, float]) -> NDArray[np.bool_]:
    return np.asarray((values >= bounds[0]) & (values <= bounds[1]))


def _all_within(values: Floats, bounds: tuple[float, float]) -> bool:
    return bool(_within(values, bounds).all())


def _example(values: Floats) -> str:
    return f"{values[0]:.10g}"
