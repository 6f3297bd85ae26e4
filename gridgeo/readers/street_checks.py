"""What may be wrong with a street network as drawn: ends that do not meet, crossings without a vertex, islands."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from gridgeo.crs import require_metric
from gridgeo.errors import Fault

GAP_M = 2.0
"""Street ends nearer than this to another street are taken for meant to meet it."""

_TOUCH_M = 1e-6
_BESIDE_M = (0.5, 10.0)
_BESIDE_LENGTH_M = 60.0


def check_streets(
    streets: gpd.GeoDataFrame, *, gap_m: float = GAP_M, boundary: shapely.Geometry | None = None
) -> list[Fault]:
    """Name what may be wrong with a street network.

    Parameters
    ----------
    streets : GeoDataFrame of lines
        With ``street_id``, in metres; ``bridge``, ``tunnel``, ``layer`` where known.
    gap_m : float
        The largest gap between a street's end and another street that is named, in metres.
    boundary : Geometry, optional
        The district; a border that runs beside a street is named too.

    Returns
    -------
    list of Fault
        Gaps, crossings without a common vertex on one level, islands (all but the largest connected part), borders
        beside streets; empty when nothing is found.

    Raises
    ------
    CRSError
        If the streets are not in metres.
    """
    if len(streets) == 0:
        return []
    require_metric(streets, layer="streets")
    lines = np.asarray(streets.geometry.to_numpy(), dtype=object)
    faults = [*_find_gaps(streets, lines, gap_m), *_find_crossings(streets, lines), *_find_islands(lines)]
    if boundary is not None:
        faults += _find_beside(streets, lines, boundary)
    return faults


def _find_gaps(streets: gpd.GeoDataFrame, lines: NDArray[np.object_], gap_m: float) -> list[Fault]:
    """Find ends that no other street touches, but one nearly does."""
    parts, owner = shapely.get_parts(lines, return_index=True)
    ends = np.concatenate([shapely.get_point(parts, 0), shapely.get_point(parts, -1)])
    owner = np.concatenate([owner, owner])
    # Most ends meet another street at its very vertex; only the others are measured.
    lone = ~_is_shared(lines, shapely.get_x(ends) + 1j * shapely.get_y(ends))
    ends, owner = ends[lone], owner[lone]
    tree = shapely.STRtree(lines)
    end, street = tree.query(ends, predicate="dwithin", distance=gap_m)
    other = street != owner[end]
    end, street = end[other], street[other]
    away = shapely.distance(ends[end], lines[street])
    nearest = np.full(len(ends), np.inf)
    np.minimum.at(nearest, end, away)
    found = np.flatnonzero((nearest > _TOUCH_M) & np.isfinite(nearest))
    ids = streets["street_id"].to_numpy()
    return [
        Fault(
            key="street_gap",
            layer="streets",
            row=int(owner[at]) + 1,
            value=ids[owner[at]],
            values={"distance_m": round(float(nearest[at]), 2)},
        )
        for at in found
    ]


def _find_crossings(streets: gpd.GeoDataFrame, lines: NDArray[np.object_]) -> list[Fault]:
    """Find pairs on one level that cross where not both have a vertex."""
    level = np.zeros(len(streets))
    for column, sign in (("layer", 1.0), ("bridge", 100.0), ("tunnel", -100.0)):
        if column in streets:
            level = level + sign * np.nan_to_num(streets[column].to_numpy(dtype="float64", na_value=0.0))
    one, two = _pairs_apart(lines, level)
    if len(one) == 0:
        return []
    common, pair = shapely.get_parts(shapely.intersection(lines[one], lines[two]), return_index=True)
    point = shapely.get_dimensions(common) == 0
    common, pair = common[point], pair[point]
    apart = np.zeros(len(common))
    for side in (one[pair], two[pair]):
        street, at = np.unique(side, return_inverse=True)
        coordinates, owner = shapely.get_coordinates(lines[street], return_index=True)
        points = np.asarray(shapely.points(coordinates), dtype=object)
        vertices = np.asarray(shapely.multipoints(points, indices=owner), dtype=object)
        apart = np.maximum(apart, shapely.distance(common, vertices[at]))
    ids = streets["street_id"].to_numpy()
    return [
        Fault(key="street_crossing", layer="streets", row=int(one[each]) + 1, value=ids[two[each]])
        for each in np.unique(pair[apart > _TOUCH_M])
    ]


def _pairs_apart(lines: NDArray[np.object_], level: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the pairs of streets on one level of which two segments meet elsewhere than at an end of both.

    Two straight segments that share an end meet nowhere else, or lie on one another, which is no crossing.
    """
    coordinates, owner = shapely.get_coordinates(shapely.get_parts(lines), return_index=True)
    street = shapely.get_parts(lines, return_index=True)[1][owner]
    at = np.flatnonzero(owner[:-1] == owner[1:])
    start, end, street = _as_one(coordinates[at]), _as_one(coordinates[at + 1]), street[at]
    segments = np.asarray(shapely.linestrings(np.stack([coordinates[at], coordinates[at + 1]], axis=1)), dtype=object)
    tree = shapely.STRtree(segments)
    one, two = tree.query(segments)
    once = (street[one] < street[two]) & (level[street[one]] == level[street[two]])
    one, two = one[once], two[once]
    apart = (start[one] != start[two]) & (start[one] != end[two]) & (end[one] != start[two]) & (end[one] != end[two])
    one, two = one[apart], two[apart]
    met = shapely.intersects(segments[one], segments[two])
    pairs = np.unique(np.column_stack([street[one[met]], street[two[met]]]), axis=0)
    return pairs[:, 0], pairs[:, 1]


def _is_shared(lines: NDArray[np.object_], places: NDArray[np.complex128]) -> NDArray[np.bool_]:
    """Tell at which places several streets have a vertex."""
    coordinates, owner = shapely.get_coordinates(lines, return_index=True)
    vertex, known = pd.factorize(_as_one(coordinates))
    first, last = np.full(len(known), len(lines)), np.full(len(known), -1)
    np.minimum.at(first, vertex, owner)
    np.maximum.at(last, vertex, owner)
    at = pd.Index(known).get_indexer(pd.Index(places))
    return np.asarray((at >= 0) & (first[at] != last[at]))


def _as_one(coordinates: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Return each place as one number, which compares and hashes at once."""
    return np.asarray(coordinates[:, 0] + 1j * coordinates[:, 1])


def _find_islands(lines: NDArray[np.object_]) -> list[Fault]:
    """Find the parts that share no vertex with the largest one."""
    coordinates, owner = shapely.get_coordinates(lines, return_index=True)
    # Zero added: minus zero is another number to a hash.
    vertex = pd.factorize(_as_one(coordinates.round(6) + 0.0))[0] + len(lines)
    size = int(vertex.max()) + 1
    links = coo_matrix((np.ones(len(owner)), (owner, vertex)), shape=(size, size))
    _, label = connected_components(links, directed=False)
    label = label[: len(lines)]
    length = np.bincount(label, weights=shapely.length(lines), minlength=int(label.max()) + 1)
    largest = int(length.argmax())
    labels, first, count = np.unique(label, return_index=True, return_counts=True)
    return [
        Fault(
            key="street_island",
            layer="streets",
            row=int(row) + 1,
            values={"count": int(streets), "length_m": round(float(length[each]))},
        )
        for each, row, streets in zip(labels, first, count, strict=True)
        if each != largest
    ]


def _find_beside(streets: gpd.GeoDataFrame, lines: NDArray[np.object_], boundary: shapely.Geometry) -> list[Fault]:
    """Find streets that run a few metres beside the border for some length."""
    ring = shapely.boundary(boundary)
    near, far = (shapely.buffer(ring, width, cap_style="flat") for width in _BESIDE_M)
    strip = shapely.difference(far, near)
    shapely.prepare(strip)
    faults = []
    for at in np.flatnonzero(shapely.intersects(strip, lines)):
        beside = shapely.intersection(lines[at], strip)
        if shapely.length(beside) >= _BESIDE_LENGTH_M:
            middle = shapely.line_interpolate_point(shapely.get_parts(beside)[0], 0.5, normalized=True)
            values: dict[str, object] = {
                "distance_m": round(float(shapely.distance(middle, ring)), 1),
                "length_m": round(float(shapely.length(beside))),
            }
            street = streets["street_id"].iloc[at]
            faults.append(
                Fault(key="boundary_beside_street", layer="streets", row=int(at) + 1, value=street, values=values)
            )
    return faults
