"""Where segments of streets or barriers lie: found exactly, for millions of points.

A uniform grid of squares holds the segments. A point looks into the squares its search circle touches; the circle
starts at half a square, where that is at most four squares, and doubles until something lies inside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gridgeo.network.measure import Floats, Ints, expand_ranges

_PAIRS_AT_ONCE = 1 << 15
_MOST_CELLS = 1 << 23
_CELL_M = (12.0, 100.0)
_HAIR = 1e-6
_FEW_POINTS = 1000


@dataclass(frozen=True, eq=False)
class SegmentGrid:
    """Segments by the squares they lie in. Make one with `index_segments`.

    Parameters
    ----------
    origin : tuple of float
        The lower left corner, in metres.
    cell_m : float
        The side of a square.
    columns, rows : int
        How many squares there are.
    start : ndarray of int64, shape (columns * rows + 1,)
        Where each square's segments start in the lists below.
    member : ndarray of int64
        The segments, square by square, each square's in order.
    shape : tuple of ndarray of float
        Of each member: x and y of its first end, dx and dy to its other end, and one over its length squared.
    """

    origin: tuple[float, float]
    cell_m: float
    columns: int
    rows: int
    start: Ints
    member: Ints
    shape: tuple[Floats, Floats, Floats, Floats, Floats]

    def near(self, xy: Floats, radius_m: float | Floats) -> tuple[Ints, Ints]:
        """Pair points with every member of the squares that a circle around them touches.

        Parameters
        ----------
        xy : ndarray of float, shape (points, 2)
            The points.
        radius_m : float or ndarray of float, shape (points,)
            The circles' radius in metres.

        Returns
        -------
        count : ndarray of int64, shape (points,)
            How many members each point is paired with.
        place : ndarray of int64
            Their places in `member`, point by point. Every segment within the radius is among them, perhaps more than
            once, and some beyond.
        """
        left = self._cell(xy[:, 0] - radius_m, 0, self.columns)
        right = self._cell(xy[:, 0] + radius_m, 0, self.columns) + 1
        low = self._cell(xy[:, 1] - radius_m, 1, self.rows)
        high = self._cell(xy[:, 1] + radius_m, 1, self.rows) + 1
        point, row = expand_ranges(low, high)
        row *= self.columns
        begin, end = self.start[row + left[point]], self.start[row + right[point]]
        _, place = expand_ranges(begin, end)
        per_point = np.add.reduceat(end - begin, np.cumsum(high - low) - (high - low)) if len(xy) else left
        return per_point, place

    def measure(self, place: Ints, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Measure from points to members, pair by pair.

        Parameters
        ----------
        place : ndarray of int64, shape (pairs,)
            Places in `member`.
        x, y : ndarray of float, shape (pairs,)
            The points; overwritten, because this is where most of the time goes.

        Returns
        -------
        share, square_m2 : ndarray of float, shape (pairs,)
            Where on the segment the nearest position is, and the square of the distance to it.
        """
        x0, y0, dx, dy, per_square = self.shape
        x -= x0[place]
        y -= y0[place]
        ax, ay = dx[place], dy[place]
        share = x * ax
        share += y * ay
        share *= per_square[place]
        np.clip(share, 0.0, 1.0, out=share)
        ax *= share
        ay *= share
        x -= ax
        y -= ay
        x *= x
        y *= y
        x += y
        return share, x

    def _cell(self, value: Floats, axis: int, count: int) -> Ints:
        cell = (value - self.origin[axis]) / self.cell_m
        return np.clip(np.floor(cell), 0, count - 1).astype(np.int64)


def index_segments(segment_xy: Floats, *, cell_m: float | None = None) -> SegmentGrid:
    """Sort segments into squares.

    Parameters
    ----------
    segment_xy : ndarray of float, shape (segments, 4)
        The segments, x and y of both ends; at least one, none without length.
    cell_m : float, optional
        The side of a square; by default a few times the mean segment.

    Returns
    -------
    SegmentGrid
        The index.
    """
    x, y = segment_xy[:, 0], segment_xy[:, 1]
    dx, dy = segment_xy[:, 2] - x, segment_xy[:, 3] - y
    length = np.hypot(dx, dy)
    lower = np.minimum(segment_xy[:, :2], segment_xy[:, 2:]).min(axis=0)
    width, height = np.maximum(np.maximum(segment_xy[:, :2], segment_xy[:, 2:]).max(axis=0) - lower, 1.0)
    cell = cell_m or float(np.clip(2.5 * length.mean(), *_CELL_M))
    cell = max(cell, float(np.sqrt(width * height / _MOST_CELLS)))
    columns, rows = int(width // cell) + 1, int(height // cell) + 1
    # Cut long segments into pieces no longer than a square, so that none fills squares it is nowhere near.
    pieces = np.maximum(np.ceil(length / cell), 1).astype(np.int64)
    segment, piece = expand_ranges(np.zeros(len(length), dtype=np.int64), pieces)
    share, share_to = piece / pieces[segment], (piece + 1) / pieces[segment]

    def cells(start: Floats, delta: Floats, axis: int, count: int) -> tuple[Ints, Ints]:
        one, other = start[segment] + share * delta[segment], start[segment] + share_to * delta[segment]
        # Widen by a hair: the rounding of a cut must not lose a square.
        low = (np.minimum(one, other) - lower[axis]) / cell - _HAIR
        high = (np.maximum(one, other) - lower[axis]) / cell + _HAIR
        return (np.clip(np.floor(side), 0, count - 1).astype(np.int64) for side in (low, high))  # type: ignore[return-value]

    left, right = cells(x, dx, 0, columns)
    low, high = cells(y, dy, 1, rows)
    of_row, row = expand_ranges(low, high + 1)
    of_cell, column = expand_ranges(left[of_row], right[of_row] + 1)
    code = (row[of_cell] * columns + column) * np.int64(len(length)) + segment[of_row[of_cell]]
    code.sort()
    code = code[np.concatenate([[True], code[1:] != code[:-1]])]
    cell_of, member = code // len(length), code % len(length)
    start = np.zeros(columns * rows + 1, dtype=np.int64)
    np.cumsum(np.bincount(cell_of, minlength=columns * rows), out=start[1:])
    return SegmentGrid(
        origin=(float(lower[0]), float(lower[1])),
        cell_m=cell,
        columns=columns,
        rows=rows,
        start=start,
        member=member,
        shape=(x[member], y[member], dx[member], dy[member], 1 / (length**2)[member]),
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
    # Neighbours one behind the other look at the same squares while these are still in the processor's cache.
    waiting = np.lexsort((cell[:, 0], cell[:, 1])) if count > _FEW_POINTS else np.arange(count)
    radius = min(grid.cell_m / 2, within_m)
    while len(waiting):
        left = []
        for some in _split(waiting, grid, radius):
            found, at, away = _nearest_of(grid, xy[some], radius)
            done = away <= radius
            chosen = some[done]
            segment[chosen], share[chosen], distance[chosen] = found[done], at[done], away[done]
            left.append(some[~done])
        waiting = np.concatenate(left)
        if radius >= within_m:
            break
        radius = min(radius * 2, within_m)
    return segment, share, distance


def _split(waiting: Ints, grid: SegmentGrid, radius_m: float) -> Iterator[Ints]:
    """Cut the points into runs of few enough pairs to stay in the processor's cache."""
    squares = (2 * radius_m / grid.cell_m + 1) ** 2
    filled = len(grid.member) / max(int((np.diff(grid.start) > 0).sum()), 1) if len(waiting) > _FEW_POINTS else 4.0
    step = max(int(_PAIRS_AT_ONCE / (squares * filled)), 16)
    for begin in range(0, len(waiting), step):
        yield waiting[begin : begin + step]


def _nearest_of(grid: SegmentGrid, xy: Floats, radius_m: float) -> tuple[Ints, Floats, Floats]:
    """Find the nearest segment of those in the squares around each point."""
    found = np.full(len(xy), -1, dtype=np.int64)
    at, away = np.zeros(len(xy)), np.full(len(xy), np.inf)
    count, place = grid.near(xy, radius_m)
    if len(place) == 0:
        return found, at, away
    share, square = grid.measure(place, np.repeat(xy[:, 0], count), np.repeat(xy[:, 1], count))
    owner = np.flatnonzero(count)
    count = count[owner]
    first = np.cumsum(count) - count
    least = np.minimum.reduceat(square, first)
    best = np.flatnonzero(square == np.repeat(least, count))
    point = np.searchsorted(first, best, side="right") - 1
    if len(best) > len(owner):
        # Of equally near segments the first: their order does not depend on how the streets were drawn.
        best = best[np.lexsort((grid.member[place[best]], point))]
        best = best[np.concatenate([[True], point[1:] != point[:-1]])]
    found[owner], at[owner], away[owner] = grid.member[place[best]], share[best], np.sqrt(least)
    return found, at, away
