"""Where segments of streets or barriers lie: found exactly, for millions of points.

A uniform grid of squares holds the segments. A point looks into the squares its search circle touches; the circle
starts at half a square, where that is at most four squares, and doubles until something lies inside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridgeo.network.measure import Floats, Ints, expand_ranges

_PAIRS_AT_ONCE = 1 << 18
_MOST_CELLS = 1 << 23


@dataclass(frozen=True, eq=False)
class SegmentGrid:
    """Segments by the squares they lie in. Make one with `index_segments`.

    Parameters
    ----------
    segment_xy : ndarray of float, shape (segments, 4)
        The segments: x and y of both ends.
    origin : tuple of float
        The lower left corner, in metres.
    cell_m : float
        The side of a square.
    columns, rows : int
        How many squares there are.
    start : ndarray of int64, shape (columns * rows + 1,)
        Where each square's segments start in `member`.
    member : ndarray of int64
        The segments, square by square.
    """

    segment_xy: Floats
    origin: tuple[float, float]
    cell_m: float
    columns: int
    rows: int
    start: Ints
    member: Ints

    def near(self, xy: Floats, radius: float) -> tuple[Ints, Ints]:
        """Pair points with every segment in the squares that a circle around them touches.

        Parameters
        ----------
        xy : ndarray of float, shape (points, 2)
            The points.
        radius : float
            The circle's radius in metres.

        Returns
        -------
        point, segment : ndarray of int64
            Every segment within `radius` is there, and some beyond; ordered by point.
        """
        x0 = self._cell(xy[:, 0] - radius, 0, self.columns)
        x1 = self._cell(xy[:, 0] + radius, 0, self.columns)
        y0 = self._cell(xy[:, 1] - radius, 1, self.rows)
        y1 = self._cell(xy[:, 1] + radius, 1, self.rows)
        point, row = expand_ranges(y0, y1 + 1)
        base = row * self.columns
        line, at = expand_ranges(self.start[base + x0[point]], self.start[base + x1[point] + 1])
        return point[line], self.member[at]

    def _cell(self, value: Floats, axis: int, count: int) -> Ints:
        return np.clip(np.floor((value - self.origin[axis]) / self.cell_m), 0, count - 1).astype(np.int64)


def index_segments(segment_xy: Floats, *, cell_m: float | None = None) -> SegmentGrid:
    """Sort segments into squares.

    Parameters
    ----------
    segment_xy : ndarray of float, shape (segments, 4)
        The segments.
    cell_m : float, optional
        The side of a square; by default so that a square on a street holds few segments.

    Returns
    -------
    SegmentGrid
        The index.
    """
    x0, y0, x1, y1 = segment_xy.T
    length = np.hypot(x1 - x0, y1 - y0)
    lower = np.array([min(x0.min(), x1.min()), min(y0.min(), y1.min())])
    upper = np.array([max(x0.max(), x1.max()), max(y0.max(), y1.max())])
    width, height = np.maximum(upper - lower, 1.0)
    cell = cell_m or float(np.clip(np.sqrt(width * height / max(len(length), 1)), 10.0, 100.0))
    cell = max(cell, float(np.sqrt(width * height / _MOST_CELLS)))
    columns, rows = int(width // cell) + 1, int(height // cell) + 1
    # Cut long segments into pieces no longer than a square, so that none fills squares it is nowhere near.
    pieces = np.maximum(np.ceil(length / cell), 1).astype(np.int64)
    segment, piece = expand_ranges(np.zeros(len(length), dtype=np.int64), pieces)
    share = piece / pieces[segment]
    share_to = (piece + 1) / pieces[segment]
    dx, dy = (x1 - x0)[segment], (y1 - y0)[segment]
    # Widen by a hair: the rounding of a cut must not lose a square.
    hair = 1e-6 * cell

    def cells(start: Floats, delta: Floats, axis: int, count: int) -> tuple[Ints, Ints]:
        a, b = start[segment] + share * delta, start[segment] + share_to * delta
        low = np.floor((np.minimum(a, b) - hair - lower[axis]) / cell)
        high = np.floor((np.maximum(a, b) + hair - lower[axis]) / cell)
        return np.clip(low, 0, count - 1).astype(np.int64), np.clip(high, 0, count - 1).astype(np.int64)

    left, right = cells(x0, dx, 0, columns)
    low, high = cells(y0, dy, 1, rows)
    of_row, row = expand_ranges(low, high + 1)
    of_cell, column = expand_ranges(left[of_row], right[of_row] + 1)
    code = row[of_cell] * columns + column
    entry = np.unique(code * np.int64(len(length)) + segment[of_row[of_cell]])
    start = np.searchsorted(entry, np.arange(columns * rows + 1) * np.int64(len(length)))
    return SegmentGrid(
        segment_xy=segment_xy,
        origin=(float(lower[0]), float(lower[1])),
        cell_m=cell,
        columns=columns,
        rows=rows,
        start=start,
        member=entry % len(length),
    )


def nearest_segments(grid: SegmentGrid, xy: Floats, *, within_m: float) -> tuple[Ints, Floats, Floats]:
    """Find the segment nearest to each point.

    Parameters
    ----------
    grid : SegmentGrid
        The segments.
    xy : ndarray of float, shape (points, 2)
        The points, in metres.
    within_m : float
        How far to look, inclusive.

    Returns
    -------
    segment : ndarray of int64, shape (points,)
        The nearest segment, of equally near ones the first; -1 where none is within reach.
    share : ndarray of float, shape (points,)
        Where on it the nearest position is, from 0 at its first end to 1.
    distance_m : ndarray of float, shape (points,)
        How far that is; inf where none is within reach.
    """
    count = len(xy)
    segment = np.full(count, -1, dtype=np.int64)
    share, distance = np.zeros(count), np.full(count, np.inf)
    cell = np.floor((xy - np.array(grid.origin)) / grid.cell_m)
    waiting = np.lexsort((cell[:, 0], cell[:, 1]))
    radius = min(grid.cell_m / 2, within_m)
    while len(waiting):
        left = []
        step = max(int(_PAIRS_AT_ONCE / 8 * min(1.0, (grid.cell_m / radius) ** 2 / 4)), 1)
        for begin in range(0, len(waiting), step):
            some = waiting[begin : begin + step]
            found, at, away = _nearest_of(grid, xy[some], radius)
            done = away <= radius
            segment[some[done]], share[some[done]], distance[some[done]] = found[done], at[done], away[done]
            left.append(some[~done])
        waiting = np.concatenate(left)
        if radius >= within_m:
            break
        radius = min(radius * 2, within_m)
    return segment, share, distance


def _nearest_of(grid: SegmentGrid, xy: Floats, radius: float) -> tuple[Ints, Floats, Floats]:
    """Find the nearest segment of those in the squares around each point."""
    found = np.full(len(xy), -1, dtype=np.int64)
    at, away = np.zeros(len(xy)), np.full(len(xy), np.inf)
    point, segment = grid.near(xy, radius)
    if len(point) == 0:
        return found, at, away
    share, square = measure_legs(grid.segment_xy[segment], xy[point])
    first = np.flatnonzero(np.concatenate([[True], point[1:] != point[:-1]]))
    least = np.minimum.reduceat(square, first)
    size = np.diff([*first, len(point)])
    best = square == np.repeat(least, size)
    # Of equally near segments the first: its order does not depend on how the streets were drawn.
    chosen = np.minimum.reduceat(np.where(best, segment, np.iinfo(np.int64).max), first)
    pick = np.flatnonzero(best & (segment == np.repeat(chosen, size)))
    pick = pick[np.concatenate([[True], point[pick][1:] != point[pick][:-1]])]
    owner = point[first]
    found[owner], at[owner], away[owner] = chosen, share[pick], np.sqrt(least)
    return found, at, away


def measure_legs(segment_xy: Floats, xy: Floats) -> tuple[Floats, Floats]:
    """Measure from points to segments, pair by pair.

    Parameters
    ----------
    segment_xy : ndarray of float, shape (pairs, 4)
        The segments.
    xy : ndarray of float, shape (pairs, 2)
        The points.

    Returns
    -------
    share, square_m2 : ndarray of float, shape (pairs,)
        Where on the segment the nearest position is, and the square of the distance to it.
    """
    x0, y0 = segment_xy[:, 0], segment_xy[:, 1]
    dx, dy = segment_xy[:, 2] - x0, segment_xy[:, 3] - y0
    px, py = xy[:, 0] - x0, xy[:, 1] - y0
    share = np.clip((px * dx + py * dy) / (dx * dx + dy * dy), 0.0, 1.0)
    rx, ry = px - share * dx, py - share * dy
    return share, rx * rx + ry * ry
