"""Streets as one flat table of vertices: what a network is built from, and rebuilt from after an edit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import shapely

from gridgeo.errors import Fault, NetworkError
from gridgeo.network.checks import check_geometry
from gridgeo.network.columns import read_numbers
from gridgeo.network.measure import Flags, Floats, Ints

GATE_TOLERANCE_M = 1.0
"""A gate this near to a street stands on it."""

_CHORD_TOLERANCE_M = 0.001


@dataclass(frozen=True)
class Lines:
    """The vertices of many lines, one behind the other.

    Parameters
    ----------
    xy : ndarray of float, shape (vertices, 2)
        Coordinates in metres.
    line : ndarray of int64, shape (vertices,)
        The line a vertex belongs to.
    row : ndarray of int64, shape (vertices,)
        The row of the street a vertex belongs to.
    along_m : ndarray of float, shape (vertices,)
        Walking length from the line's start to the vertex.
    gate : ndarray of int64, shape (vertices,)
        The gate that stands on the vertex; -1 for none.
    """

    xy: Floats
    line: Ints
    row: Ints
    along_m: Floats
    gate: Ints

    def segments(self) -> Ints:
        """Return the vertices that a segment starts at; it ends at the next.

        Returns
        -------
        ndarray of int64
            Every vertex but the last of each line.
        """
        return np.flatnonzero(self.line[1:] == self.line[:-1])


def read_lines(streets: gpd.GeoDataFrame, *, rows: Ints) -> Lines:
    """Lay out streets as a table of vertices.

    Each line starts at its lesser end (by x, then y), so the direction it was drawn in does not matter.

    Parameters
    ----------
    streets : GeoDataFrame of LineString or MultiLineString
        The streets, in metres; ``length_m``, where present and not empty, is a line's true walking length.
    rows : ndarray of int64
        The rows that may be walked.

    Returns
    -------
    Lines
        Their vertices.

    Raises
    ------
    InputError
        If a geometry is missing, is no line, or has a coordinate that is not a finite number.
    NetworkError
        If a street's ``length_m`` is shorter than the straight line between its ends.
    """
    geometry = np.asarray(streets.geometry.array)[rows]
    check_geometry(geometry, layer="streets", wanted="line", rows=rows)
    parts, part_of = shapely.get_parts(geometry, return_index=True)
    xy, line = shapely.get_coordinates(parts, return_index=True)
    xy = _from_lesser_end(xy + 0.0, line)
    step = np.zeros(len(xy))
    step[1:] = np.where(line[1:] == line[:-1], np.hypot(*(xy[1:] - xy[:-1]).T), 0)
    along = _running_sum(step, line)
    if "length_m" in streets:
        told = read_numbers(streets, "length_m", layer="streets", missing=True)[rows]
        drawn = np.bincount(part_of[line], weights=step, minlength=len(rows))
        factor = np.where(np.isfinite(told) & (drawn > 0), told / np.where(drawn > 0, drawn, 1), 1.0)
        along = along * factor[part_of[line]]
    lines = Lines(xy=xy, line=line, row=rows[part_of[line]], along_m=along, gate=np.full(len(xy), -1, dtype=np.int64))
    _check_lengths(lines, streets)
    return lines


def place_gates(lines: Lines, points: Floats) -> Lines:
    """Give every gate that stands on a street a vertex there.

    Parameters
    ----------
    lines : Lines
        The streets.
    points : ndarray of float, shape (gates, 2)
        The gates, in metres.

    Returns
    -------
    Lines
        The streets with vertices added where a gate stands between two, and every gate's vertices marked.
    """
    if len(points) == 0 or len(lines.xy) == 0:
        return lines
    start = lines.segments()
    ends = np.stack([lines.xy[start], lines.xy[start + 1]], axis=1)
    tree = shapely.STRtree(np.asarray(shapely.linestrings(ends)))
    gate, hit = tree.query(shapely.points(points), predicate="dwithin", distance=GATE_TOLERANCE_M)
    a, d = ends[hit, 0], ends[hit, 1] - ends[hit, 0]
    length = np.maximum(np.hypot(*d.T), 1e-12)
    share = np.clip(((points[gate] - a) * d).sum(axis=1) / length**2, 0, 1)
    mark = lines.gate.copy()
    near_start, near_end = share * length <= GATE_TOLERANCE_M, (1 - share) * length <= GATE_TOLERANCE_M
    to_start = near_start & (~near_end | (share <= 0.5))  # noqa: PLR2004 (the nearer half)
    to_end = near_end & ~to_start
    mark[start[hit[to_start]]] = gate[to_start]
    mark[start[hit[to_end]] + 1] = gate[to_end]
    between = ~near_start & ~near_end
    gate, hit, share = gate[between], hit[between], share[between]
    spot = a[between] + share[:, None] * d[between]
    return insert_vertices(replace(lines, gate=mark), start[hit], share, spot, gate=gate)


def insert_vertices(lines: Lines, start: Ints, share: Floats, spot: Floats, *, gate: Ints | None = None) -> Lines:
    """Put further vertices into lines.

    Parameters
    ----------
    lines : Lines
        The lines.
    start : ndarray of int64, shape (n,)
        The vertex behind which each is put.
    share : ndarray of float, shape (n,)
        How far on the way to the next vertex, from 0 to 1.
    spot : ndarray of float, shape (n, 2)
        Where it is; off the line by rounding only.
    gate : ndarray of int64, shape (n,), optional
        The gate that stands on it.

    Returns
    -------
    Lines
        The lines with the vertices.
    """
    order = np.lexsort((share, start))
    start, share, spot = start[order], share[order], spot[order]
    gate = np.full(len(start), -1, dtype=np.int64) if gate is None else gate[order]
    way = lines.along_m[start] + share * (lines.along_m[start + 1] - lines.along_m[start])
    at = start + 1
    return Lines(
        xy=np.insert(lines.xy, at, spot, axis=0),
        line=np.insert(lines.line, at, lines.line[start]),
        row=np.insert(lines.row, at, lines.row[start]),
        along_m=np.insert(lines.along_m, at, way),
        gate=np.insert(lines.gate, at, gate),
    )


def keep_rows(lines: Lines, wanted: Flags) -> Lines:
    """Return the lines of certain streets only.

    Parameters
    ----------
    lines : Lines
        The lines.
    wanted : ndarray of bool, shape (streets,)
        Which streets to keep.

    Returns
    -------
    Lines
        Their vertices.
    """
    kept = wanted[lines.row]
    fields = {name: getattr(lines, name)[kept] for name in ("xy", "line", "row", "along_m", "gate")}
    return replace(lines, **fields)


def _check_lengths(lines: Lines, streets: gpd.GeoDataFrame) -> None:
    """Refuse an edge shorter than its chord: nobody walks less than straight."""
    start = lines.segments()
    chord = np.hypot(*(lines.xy[start + 1] - lines.xy[start]).T)
    short = chord - (lines.along_m[start + 1] - lines.along_m[start]) > _CHORD_TOLERANCE_M + 1e-6 * chord
    rows = np.unique(lines.row[start[short]])
    if len(rows):
        faults = [
            Fault(
                key="edge_too_short",
                layer="streets",
                row=int(row) + 1,
                column="length_m",
                value=float(streets["length_m"].iloc[row]),
            )
            for row in rows
        ]
        raise NetworkError("edges_too_short", faults=faults, count=len(faults))


def _running_sum(step: Floats, line: Ints) -> Floats:
    """Sum the steps from each line's own start, so that a line's length does not depend on the lines before it."""
    along: Floats = np.zeros(len(step))
    starts = np.flatnonzero(np.concatenate([[True], line[1:] != line[:-1]])) if len(line) else np.array([], dtype=int)
    position = np.arange(len(step)) - np.repeat(starts, np.diff([*starts, len(step)]))
    longest = int(position.max(initial=0))
    if longest < _FEW_VERTICES:
        # One round per place in the line: all first steps, then all second steps, …
        order = np.argsort(position, kind="stable")
        bounds = np.searchsorted(position[order], np.arange(longest + 2))
        for place in range(1, longest + 1):
            at = order[bounds[place] : bounds[place + 1]]
            along[at] = along[at - 1] + step[at]
        return along
    for first, last in zip(starts, [*starts[1:], len(step)], strict=True):
        along[first:last] = np.cumsum(step[first:last])
    return along


_FEW_VERTICES = 5000


def _from_lesser_end(xy: Floats, line: Ints) -> Floats:
    """Turn round every line whose last end is the lesser; a ring by its second and last but one vertex."""
    if len(xy) == 0:
        return xy
    starts = np.flatnonzero(np.concatenate([[True], line[1:] != line[:-1]]))
    stops = np.concatenate([starts[1:], [len(xy)]]) - 1
    head, tail = xy[starts], xy[stops]
    ring = (head == tail).all(axis=1) & (stops - starts > 1)
    head, tail = (
        np.where(ring[:, None], xy[np.minimum(starts + 1, stops)], head),
        np.where(ring[:, None], xy[np.maximum(stops - 1, starts)], tail),
    )
    turn = (tail[:, 0] < head[:, 0]) | ((tail[:, 0] == head[:, 0]) & (tail[:, 1] < head[:, 1]))
    which = np.repeat(np.arange(len(starts)), stops - starts + 1)
    at = np.arange(len(xy))
    return xy[np.where(turn[which], starts[which] + stops[which] - at, at)]
