"""Where segments of streets or barriers lie: found exactly, for millions of points.

A uniform grid of squares holds the segments. A point looks into its own square, then into the ring of squares around
it, and so on, until nothing nearer can lie farther out.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from gridgeo.compiler import compiled
from gridgeo.network.measure import Floats, Ints, expand_ranges

_MOST_CELLS = 1 << 23
_CELL_M = (12.0, 100.0)
_HAIR = 1e-6
_FEW_POINTS = 1000
_ROW_BITS = 32


class SegmentGrid(NamedTuple):
    """Segments by the squares they lie in. Make one with `index_segments`.

    Parameters
    ----------
    west, south : float
        The lower left corner, in metres.
    cell_m : float
        The side of a square.
    columns, rows : int
        How many squares there are.
    start : ndarray of int64, shape (columns * rows + 1,)
        Where each square's segments start in the lists below.
    member : ndarray of int64
        The segments, square by square, each square's in order.
    shape : ndarray of float, shape (members, 5)
        Of each member: x and y of its first end, dx and dy to its other end, and one over its length squared.
    """

    west: float
    south: float
    cell_m: float
    columns: int
    rows: int
    start: Ints
    member: Ints
    shape: Floats

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
        left = _cells_at(xy[:, 0] - radius_m - self.west, self.cell_m, self.columns)
        right = _cells_at(xy[:, 0] + radius_m - self.west, self.cell_m, self.columns) + 1
        low = _cells_at(xy[:, 1] - radius_m - self.south, self.cell_m, self.rows)
        high = _cells_at(xy[:, 1] + radius_m - self.south, self.cell_m, self.rows) + 1
        point, row = expand_ranges(low, high)
        row *= self.columns
        begin, end = self.start[row + left[point]], self.start[row + right[point]]
        _, place = expand_ranges(begin, end)
        per_point = np.add.reduceat(end - begin, np.cumsum(high - low) - (high - low)) if len(xy) else left
        return per_point, place

    def measure(self, place: Ints, xy: Floats) -> Floats:
        """Measure from points to members, pair by pair.

        Parameters
        ----------
        place : ndarray of int64, shape (pairs,)
            Places in `member`.
        xy : ndarray of float, shape (pairs, 2)
            The points.

        Returns
        -------
        ndarray of float, shape (pairs,)
            The squares of the distances.
        """
        x0, y0, dx, dy, per_square = self.shape[place].T
        x, y = xy[:, 0] - x0, xy[:, 1] - y0
        share = np.clip((x * dx + y * dy) * per_square, 0.0, 1.0)
        square: Floats = (x - share * dx) ** 2 + (y - share * dy) ** 2
        return square


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
    shape = np.column_stack([x[member], y[member], dx[member], dy[member], 1 / (length**2)[member]])
    return SegmentGrid(float(lower[0]), float(lower[1]), cell, columns, rows, start, member, shape)


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
    segment = np.full(len(xy), -1, dtype=np.int64)
    share, distance = np.zeros(len(xy)), np.full(len(xy), np.inf)
    _search_nearest(grid, np.ascontiguousarray(xy), sort_by_square(grid, xy), within_m, segment, share, distance)
    return segment, share, distance


def sort_by_square(grid: SegmentGrid, xy: Floats) -> Ints:
    """Order points square by square: neighbours look at the same segments while these are in the processor's cache.

    Parameters
    ----------
    grid : SegmentGrid
        The squares.
    xy : ndarray of float, shape (points, 2)
        The points, in metres.

    Returns
    -------
    ndarray of int64, shape (points,)
        The points' rows; as they are where there are only few.
    """
    rows = np.arange(len(xy))
    if len(xy) <= _FEW_POINTS:
        return rows
    east = _cells_at(xy[:, 0] - grid.west, grid.cell_m, grid.columns)
    north = _cells_at(xy[:, 1] - grid.south, grid.cell_m, grid.rows)
    code = ((north * grid.columns + east) << _ROW_BITS) + rows
    code.sort()
    code &= (1 << _ROW_BITS) - 1
    return code


def _cells_at(offset: Floats, cell_m: float, count: int) -> Ints:
    return np.clip(np.floor(offset / cell_m), 0, count - 1).astype(np.int64)


@compiled
def cell_at(offset: float, cell_m: float, count: int) -> int:
    """Return the column or row of squares at an offset from the grid's corner; the outermost one beyond its edge.

    Parameters
    ----------
    offset, cell_m : float
        The offset and the side of a square, in metres.
    count : int
        How many columns or rows there are.

    Returns
    -------
    int
        The column or row.
    """
    return int(min(max(np.floor(offset / cell_m), 0.0), count - 1.0))


@compiled
def clear_within(grid: SegmentGrid, x: float, y: float, column: int, row: int, ring: int) -> float:
    """Return how far around a point everything is looked at once the rings up to one are done.

    Parameters
    ----------
    grid : SegmentGrid
        The squares.
    x, y : float
        The point, in metres.
    column, row : int
        Its square.
    ring : int
        The last ring of squares that was looked at.

    Returns
    -------
    float
        Metres; inf when there is nothing farther out.
    """
    clear = np.inf
    if column - ring > 0:
        clear = min(clear, x - grid.west - (column - ring) * grid.cell_m)
    if column + ring < grid.columns - 1:
        clear = min(clear, (column + ring + 1) * grid.cell_m - (x - grid.west))
    if row - ring > 0:
        clear = min(clear, y - grid.south - (row - ring) * grid.cell_m)
    if row + ring < grid.rows - 1:
        clear = min(clear, (row + ring + 1) * grid.cell_m - (y - grid.south))
    return clear - _HAIR


@compiled
def ring_run(grid: SegmentGrid, column: int, row: int, ring: int, number: int) -> tuple[int, int]:
    """Return one of the runs of members that a ring of squares is made of.

    Parameters
    ----------
    grid : SegmentGrid
        The squares.
    column, row : int
        The square in the middle.
    ring : int
        How far out the ring lies. The square itself, ring 0, is one run; ring n is 4 n.
    number : int
        Which of its runs: first the lowest and the highest line, then the ends of the lines between.

    Returns
    -------
    int, int
        From where to before where it runs in `member`; nothing where it lies outside.
    """
    left, right = column - ring, column + ring
    if number < 2:  # noqa: PLR2004 (the lowest and the highest line)
        line = row - ring if number == 0 else row + ring
    else:
        line = row - ring + 1 + (number - 2) // 2
        left, right = (left, left) if number % 2 == 0 else (right, right)
    left, right = max(left, 0), min(right, grid.columns - 1)
    if line < 0 or line >= grid.rows or left > right:
        return 0, 0
    return grid.start[line * grid.columns + left], grid.start[line * grid.columns + right + 1]


@compiled
def _search_nearest(
    grid: SegmentGrid, xy: Floats, order: Ints, within_m: float, segment: Ints, share: Floats, distance: Floats
) -> None:
    for point in order:
        x, y = xy[point, 0], xy[point, 1]
        column = cell_at(x - grid.west, grid.cell_m, grid.columns)
        row = cell_at(y - grid.south, grid.cell_m, grid.rows)
        best, best_at, best_segment = np.inf, 0.0, -1
        ring, clear = 0, -1.0
        while clear <= within_m and (clear < 0 or best > clear * clear):
            for number in range(max(4 * ring, 1)):
                begin, end = ring_run(grid, column, row, ring, number)
                for at in range(begin, end):
                    dx, dy = grid.shape[at, 2], grid.shape[at, 3]
                    east, north = x - grid.shape[at, 0], y - grid.shape[at, 1]
                    along = min(max((east * dx + north * dy) * grid.shape[at, 4], 0.0), 1.0)
                    east -= along * dx
                    north -= along * dy
                    square = east * east + north * north
                    # Of equally near segments the first: their order does not depend on how streets were drawn.
                    if square < best or (square == best and grid.member[at] < best_segment):
                        best, best_at, best_segment = square, along, grid.member[at]
            clear = clear_within(grid, x, y, column, row, ring)
            ring += 1
        away = math.sqrt(best)
        if away <= within_m:
            segment[point], share[point], distance[point] = best_segment, best_at, away
