"""Streets that were drawn without nodes: a vertex where lines cross, meet or nearly meet, level by level."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from gridgeo.network.lines import Lines, insert_vertices
from gridgeo.network.measure import Floats, Ints

NEAR_M = 0.01
"""Ends this near to each other, or to another line, are meant to meet."""


def join_crossings(lines: Lines, *, levels: Floats) -> Lines:
    """Give lines of one level a common vertex wherever they cross or touch.

    Parameters
    ----------
    lines : Lines
        The lines.
    levels : ndarray of float, shape (streets,)
        The level of each street; lines of different levels do not meet, except where they share a vertex already.

    Returns
    -------
    Lines
        The lines with the vertices they were missing.
    """
    lines = _unite_ends(lines, levels)
    start = lines.segments()
    ends = np.stack([lines.xy[start], lines.xy[start + 1]], axis=1)
    shapes = np.asarray(shapely.linestrings(ends))
    one, other = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=NEAR_M)
    level = levels[lines.row[start]]
    some = (one != other) & (level[one] == level[other])
    one, other = one[some], other[some]
    # An end of the one on the other: the other gets the very same vertex.
    segment, spot = [], []
    touched = np.zeros(len(one), dtype=bool)
    for side in (0, 1):
        point = ends[one, side]
        near = shapely.distance(shapely.points(point), shapes[other]) <= NEAR_M
        touched |= near
        segment.append(other[near])
        spot.append(point[near])
    # A true crossing: both get the same new vertex, worked out once per pair.
    mutual = touched | _reverse_touched(one, other, touched)
    cross = np.flatnonzero(~mutual & (one < other))
    meeting = np.asarray(shapely.intersection(shapes[one[cross]], shapes[other[cross]]))
    is_point = shapely.get_type_id(meeting) == 0
    cross, where = cross[is_point], shapely.get_coordinates(meeting[is_point])
    segment += [one[cross], other[cross]]
    spot += [where, where]
    return _insert(lines, start, ends, np.concatenate(segment), np.concatenate(spot))


def _reverse_touched(one: Ints, other: Ints, touched: np.ndarray) -> np.ndarray:
    """Tell for each pair whether the same pair the other way round touches."""
    size = np.int64(max(one.max(initial=0), other.max(initial=0)) + 1)
    return np.isin(one * size + other, (other * size + one)[touched])


def _insert(lines: Lines, start: Ints, ends: Floats, segment: Ints, spot: Floats) -> Lines:
    a, d = ends[segment, 0], ends[segment, 1] - ends[segment, 0]
    square = (d**2).sum(axis=1)
    real = square > 0
    share = np.zeros(len(segment))
    share[real] = ((spot - a) * d).sum(axis=1)[real] / square[real]
    fresh = real & (spot != a).any(axis=1) & (spot != ends[segment, 1]).any(axis=1) & (share > 0) & (share < 1)
    segment, share, spot = segment[fresh], share[fresh], spot[fresh]
    order = np.lexsort((spot[:, 1], spot[:, 0], share, segment))
    segment, share, spot = segment[order], share[order], spot[order]
    again = np.zeros(len(segment), dtype=bool)
    again[1:] = (segment[1:] == segment[:-1]) & (spot[1:] == spot[:-1]).all(axis=1)
    return insert_vertices(lines, start[segment[~again]], share[~again], spot[~again])


def _unite_ends(lines: Lines, levels: Floats) -> Lines:
    """Move ends of lines that nearly meet onto the same spot, the westernmost."""
    start = np.concatenate([[True], lines.line[1:] != lines.line[:-1]])
    stop = np.append(start[1:], True)
    at = np.flatnonzero(start | stop)
    pairs = cKDTree(lines.xy[at]).query_pairs(NEAR_M, output_type="ndarray")
    level = levels[lines.row[at]]
    pairs = pairs[level[pairs[:, 0]] == level[pairs[:, 1]]]
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(at), len(at)))
    group = connected_components(links, directed=False)[1]
    order = np.lexsort((lines.xy[at, 1], lines.xy[at, 0], group))
    first = order[np.concatenate([[True], group[order][1:] != group[order][:-1]])]
    xy = lines.xy.copy()
    xy[at] = lines.xy[at[first]][group]
    return replace(lines, xy=xy)
