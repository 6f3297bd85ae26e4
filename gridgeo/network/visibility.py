"""What can be reached in a straight line: barriers throw shadows on streets.

Seen from a point, a straight piece of wall hides a part of a street's segment. From the nearest position one goes along
the segment, either way, to the end of the shadow one stands in, and on while that lies in another one's: so the nearest
position in sight is found exactly, not by trying.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely

from gridgeo.compiler import compiled
from gridgeo.network.measure import Flags, Floats, Ints
from gridgeo.network.segments import SegmentGrid, cell_at, clear_within, index_segments, ring_run, sort_by_square

_TOUCH_M = 1e-6
"""A leg that ends this near to a barrier touches it and does not cross it."""

_SAME = 1e-12
_SECTORS = 128
_SECTOR_EDGE = 1e-6
_SEEN_M = 1e-3
_FIRST_LOOK_M = 25.0
_CELL_M = 25.0


class Obstacles(NamedTuple):
    """What no leg may cross. Make one with `find_obstacles`.

    Parameters
    ----------
    piece : ndarray of float, shape (pieces, 4)
        The straight pieces of all barriers: x and y of both ends.
    grid : SegmentGrid
        The same, to be asked which are near.
    """

    piece: Floats
    grid: SegmentGrid

    def near(self, xy: Floats, radius_m: Floats) -> tuple[Ints, Ints]:
        """Pair points with the pieces within a distance, and some beyond.

        Parameters
        ----------
        xy : ndarray of float, shape (points, 2)
            The points.
        radius_m : ndarray of float, shape (points,)
            How far to look around each.

        Returns
        -------
        point, piece : ndarray of int64
            The pairs, each once, ordered by both.
        """
        return pair_near(self.grid, xy, radius_m)


def find_obstacles(barriers: gpd.GeoDataFrame | None) -> Obstacles | None:
    """Take barriers apart into straight pieces.

    Parameters
    ----------
    barriers : GeoDataFrame of lines or polygons, or None
        The barriers, in metres. Of a polygon the outline counts.

    Returns
    -------
    Obstacles or None
        The pieces; None where there are none.
    """
    if barriers is None or len(barriers) == 0:
        return None
    geometry = np.asarray(barriers.geometry.array)
    usable = ~(shapely.is_missing(geometry) | shapely.is_empty(geometry))
    outline = np.where(shapely.get_dimensions(geometry) == _AREA, shapely.boundary(geometry), geometry)
    xy, part = shapely.get_coordinates(shapely.get_parts(outline[usable]), return_index=True)
    start = np.flatnonzero((part[1:] == part[:-1]) & (xy[1:] != xy[:-1]).any(axis=1))
    if len(start) == 0:
        return None
    piece = np.hstack([xy[start], xy[start + 1]])
    return Obstacles(piece=piece, grid=index_segments(piece, cell_m=_CELL_M))


_AREA = 2


def pair_near(grid: SegmentGrid, xy: Floats, radius_m: Floats) -> tuple[Ints, Ints]:
    """Pair points with the segments within a distance of their own, and some beyond.

    Parameters
    ----------
    grid : SegmentGrid
        The segments.
    xy : ndarray of float, shape (points, 2)
        The points.
    radius_m : ndarray of float, shape (points,)
        How far to look around each.

    Returns
    -------
    point, segment : ndarray of int64
        The pairs, each once, ordered by both.
    """
    count, place = grid.near(xy, radius_m)
    point = np.repeat(np.arange(len(xy)), count)
    square = grid.measure(place, xy[point])
    close = square <= (radius_m[point] + _TOUCH_M) ** 2
    code = np.sort(point[close] * (1 << 32) + grid.member[place[close]])
    code = code[np.concatenate([[True], code[1:] != code[:-1]])] if len(code) else code
    return code >> 32, code & 0xFFFFFFFF


def legs_blocked(obstacles: Obstacles, xy: Floats, to_xy: Floats) -> Flags:
    """Tell which straight legs meet a barrier on their way.

    Parameters
    ----------
    obstacles : Obstacles
        The barriers.
    xy, to_xy : ndarray of float, shape (legs, 2)
        Where the legs begin and end.

    Returns
    -------
    ndarray of bool, shape (legs,)
        True where a leg crosses a barrier or passes its very tip.
    """
    blocked = np.zeros(len(xy), dtype=bool)
    order = sort_by_square(obstacles.grid, xy)
    _search_blocked(obstacles, np.ascontiguousarray(xy), to_xy, order, blocked)
    return blocked


def nearest_visible(
    grid: SegmentGrid,
    obstacles: Obstacles,
    xy: Floats,
    *,
    within_m: Floats,
    spare: tuple[Ints, Ints] | None = None,
) -> tuple[Ints, Floats, Floats]:
    """Find the nearest position on a segment that can be reached in a straight line without crossing a barrier.

    Parameters
    ----------
    grid : SegmentGrid
        The segments.
    obstacles : Obstacles
        The barriers.
    xy : ndarray of float, shape (points, 2)
        The points.
    within_m : ndarray of float, shape (points,)
        How far to look from each, inclusive.
    spare : pair of ndarray of int64, optional
        Pieces of barrier that let certain points pass: where each point's start in a list, shape (points + 1,), and the
        list, each point's in order.

    Returns
    -------
    segment : ndarray of int64, shape (points,)
        The segment; -1 where none can be reached.
    share, distance_m : ndarray of float, shape (points,)
        Where on it, and how far.
    """
    segment = np.full(len(xy), -1, dtype=np.int64)
    share, distance = np.zeros(len(xy)), np.full(len(xy), np.inf)
    if spare is None:
        spare = (np.zeros(len(xy) + 1, dtype=np.int64), np.zeros(0, dtype=np.int64))
    _search_visible(grid, obstacles, np.ascontiguousarray(xy), within_m, spare, segment, share, distance)
    return segment, share, distance


@compiled
def squares_around(grid: SegmentGrid, x: float, y: float, to_x: float, to_y: float) -> tuple[int, int, int, int]:
    """Find the squares that a straight leg may touch.

    Parameters
    ----------
    grid : SegmentGrid
        The squares.
    x, y, to_x, to_y : float
        Where the leg begins and ends.

    Returns
    -------
    int, int, int, int
        The first and last column, the first and last row.
    """
    left = cell_at(min(x, to_x) - _TOUCH_M - grid.west, grid.cell_m, grid.columns)
    right = cell_at(max(x, to_x) + _TOUCH_M - grid.west, grid.cell_m, grid.columns)
    low = cell_at(min(y, to_y) - _TOUCH_M - grid.south, grid.cell_m, grid.rows)
    high = cell_at(max(y, to_y) + _TOUCH_M - grid.south, grid.cell_m, grid.rows)
    return left, right, low, high


@compiled
def is_blocked(obstacles: Obstacles, x: float, y: float, to_x: float, to_y: float, spare: Ints) -> bool:
    """Tell whether a straight leg meets a barrier on its way.

    Parameters
    ----------
    obstacles : Obstacles
        The barriers.
    x, y, to_x, to_y : float
        Where the leg begins and ends.
    spare : ndarray of int64
        Pieces of barrier that let it pass.

    Returns
    -------
    bool
        True where it crosses a barrier or passes its very tip.
    """
    grid, wall = obstacles.grid, obstacles.piece
    left, right, low, high = squares_around(grid, x, y, to_x, to_y)
    way_x, way_y = to_x - x, to_y - y
    for row in range(low, high + 1):
        for at in range(grid.start[row * grid.columns + left], grid.start[row * grid.columns + right + 1]):
            piece = grid.member[at]
            one_x, one_y = wall[piece, 0] - x, wall[piece, 1] - y
            two_x, two_y = wall[piece, 2] - x, wall[piece, 3] - y
            wall_x, wall_y = two_x - one_x, two_y - one_y
            touch = _TOUCH_M * math.hypot(wall_x, wall_y)
            # `here` is positive when the wall runs counter-clockwise around the point; then `there` must lie behind it.
            here = one_x * two_y - one_y * two_x
            there = (way_x - one_x) * wall_y - (way_y - one_y) * wall_x
            if here < 0:
                here, there = -here, -there
                one_x, one_y, two_x, two_y = two_x, two_y, one_x, one_y
            if (
                here > touch
                and there > touch
                and one_x * way_y - one_y * way_x >= 0
                and way_x * two_y - way_y * two_x >= 0
                and not _is_among(spare, piece)
            ):
                return True
    return False


@compiled
def _is_among(spare: Ints, piece: int) -> bool:
    for known in spare:  # noqa: SIM110 (the compiler knows no `any`)
        if known == piece:
            return True
    return False


@compiled
def _search_blocked(obstacles: Obstacles, xy: Floats, to_xy: Floats, order: Ints, blocked: Flags) -> None:
    none = order[:0]
    for leg in order:
        blocked[leg] = is_blocked(obstacles, xy[leg, 0], xy[leg, 1], to_xy[leg, 0], to_xy[leg, 1], none)


@compiled
def _search_visible(
    grid: SegmentGrid,
    obstacles: Obstacles,
    xy: Floats,
    within_m: Floats,
    spare: tuple[Ints, Ints],
    segment: Ints,
    share: Floats,
    distance: Floats,
) -> None:
    angle = np.arange(_SECTORS) * (2 * math.pi / _SECTORS)
    sight = np.column_stack((np.cos(angle), np.sin(angle), np.empty(_SECTORS)))
    for point in range(len(xy)):
        x, y = xy[point, 0], xy[point, 1]
        passing = spare[1][spare[0][point] : spare[0][point + 1]]
        # Most find a street nearby, or walls on all sides: far walls are looked at only when need be.
        reach = min(_FIRST_LOOK_M, within_m[point])
        while True:
            _draw_horizon(obstacles, x, y, reach, passing, sight)
            number, spot, leg = _look_around(grid, obstacles, x, y, reach, passing, sight)
            if number >= 0:
                segment[point], share[point], distance[point] = number, spot, leg
            if number >= 0 or reach >= within_m[point] or sight[:, 2].max() < reach:
                break
            reach = min(2 * reach, within_m[point])


@compiled
def _look_around(
    grid: SegmentGrid, obstacles: Obstacles, x: float, y: float, reach: float, passing: Ints, sight: Floats
) -> tuple[int, float, float]:
    """Find the nearest position in sight within a distance: segment, share, how far; -1 where there is none."""
    column = cell_at(x - grid.west, grid.cell_m, grid.columns)
    row = cell_at(y - grid.south, grid.cell_m, grid.rows)
    farthest = min(reach, sight[:, 2].max())
    best, best_at, best_segment = np.inf, 0.0, -1
    ring, clear = 0, -1.0
    while clear <= farthest and clear < best:
        for number in range(max(4 * ring, 1)):
            begin, end = ring_run(grid, column, row, ring, number)
            for at in range(begin, end):
                if _is_beyond(sight, x, y, grid.shape[at]):
                    continue
                for onward in (-1, 1):
                    spot, leg = _leave_shadows(obstacles, x, y, grid.shape[at], onward, min(reach, best), passing)
                    if leg < best or (leg == best and grid.member[at] < best_segment):
                        best, best_at, best_segment = leg, spot, grid.member[at]
        clear = clear_within(grid, x, y, column, row, ring)
        ring += 1
    return best_segment, best_at, best


@compiled
def _draw_horizon(obstacles: Obstacles, x: float, y: float, reach: float, passing: Ints, sight: Floats) -> None:
    """Find for each sector of directions how far one can see in it at most: to the nearest wall that fills it."""
    sight[:, 2] = reach
    grid, width = obstacles.grid, 2 * math.pi / _SECTORS
    left, right, low, high = squares_around(grid, x - reach, y - reach, x + reach, y + reach)
    for row in range(low, high + 1):
        for at in range(grid.start[row * grid.columns + left], grid.start[row * grid.columns + right + 1]):
            piece = obstacles.piece[grid.member[at]]
            one_x, one_y, two_x, two_y = piece[0] - x, piece[1] - y, piece[2] - x, piece[3] - y
            turn = one_x * two_y - one_y * two_x
            if turn < 0:
                one_x, one_y, two_x, two_y, turn = two_x, two_y, one_x, one_y, -turn
            wall_x, wall_y = two_x - one_x, two_y - one_y
            if turn <= _TOUCH_M * math.hypot(wall_x, wall_y) or _is_among(passing, grid.member[at]):
                continue
            begin, end = math.atan2(one_y, one_x), math.atan2(two_y, two_x)
            if end < begin:
                end += 2 * math.pi
            first, last = math.ceil(begin / width + _SECTOR_EDGE), math.floor(end / width - _SECTOR_EDGE)
            before = np.inf
            for edge in range(first, last + 1):
                away = turn / (sight[edge % _SECTORS, 0] * wall_y - sight[edge % _SECTORS, 1] * wall_x)
                if edge > first:
                    farther = max(before, away) + _SEEN_M
                    sight[(edge - 1) % _SECTORS, 2] = min(sight[(edge - 1) % _SECTORS, 2], farther)
                before = away


@compiled
def _is_beyond(sight: Floats, x: float, y: float, street: Floats) -> bool:
    """Tell whether a segment lies behind the horizon in every sector that it is seen in."""
    one_x, one_y = street[0] - x, street[1] - y
    two_x, two_y = one_x + street[2], one_y + street[3]
    if one_x * two_y - one_y * two_x < 0:
        one_x, one_y, two_x, two_y = two_x, two_y, one_x, one_y
    foot = min(max(-(one_x * (two_x - one_x) + one_y * (two_y - one_y)) * street[4], 0.0), 1.0)
    nearest = math.hypot(one_x + foot * (two_x - one_x), one_y + foot * (two_y - one_y))
    width = 2 * math.pi / _SECTORS
    begin, end = math.atan2(one_y, one_x), math.atan2(two_y, two_x)
    if end < begin:
        end += 2 * math.pi
    for sector in range(math.floor(begin / width - _SECTOR_EDGE), math.floor(end / width + _SECTOR_EDGE) + 1):
        if nearest <= sight[sector % _SECTORS, 2]:
            return False
    return True


@compiled
def _leave_shadows(
    obstacles: Obstacles, x: float, y: float, street: Floats, onward: int, limit: float, passing: Ints
) -> tuple[float, float]:
    """Go along a street from its nearest position, one way, until nothing hides it: where, and how far; or inf."""
    grid = obstacles.grid
    spot = min(max(((x - street[0]) * street[2] + (y - street[1]) * street[3]) * street[4], 0.0), 1.0)
    while True:
        to_x, to_y = street[0] + spot * street[2], street[1] + spot * street[3]
        leg = math.hypot(to_x - x, to_y - y)
        # What is no nearer than a position in sight already need not be looked at.
        if spot < 0 or spot > 1 or leg > limit:
            return spot, np.inf
        left, right, low_row, high_row = squares_around(grid, x, y, to_x, to_y)
        moved = spot
        for row in range(low_row, high_row + 1):
            for at in range(grid.start[row * grid.columns + left], grid.start[row * grid.columns + right + 1]):
                low, high = _shadow(x, y, street, obstacles.piece[grid.member[at]])
                if high <= low or _is_among(passing, grid.member[at]):
                    continue
                if onward < 0 and low < spot <= high + _SAME:
                    moved = min(moved, low)
                elif onward > 0 and low - _SAME <= spot < high:
                    moved = max(moved, high)
        if moved == spot:
            return spot, leg
        spot = moved


@compiled
def _shadow(x: float, y: float, street: Floats, piece: Floats) -> tuple[float, float]:
    """Find the part of a street that a piece of barrier hides, as shares of it; past its ends when hidden on and on."""
    one_x, one_y, two_x, two_y = piece[0] - x, piece[1] - y, piece[2] - x, piece[3] - y
    turn = one_x * two_y - one_y * two_x
    if turn < 0:
        one_x, one_y, two_x, two_y = two_x, two_y, one_x, one_y
    wall_x, wall_y = two_x - one_x, two_y - one_y
    touch = _TOUCH_M * math.hypot(wall_x, wall_y)
    low, high = -1.0, 2.0
    if abs(turn) <= touch:
        return low, low
    seen_x, seen_y = street[0] - x, street[1] - y
    step_x, step_y = street[2], street[3]
    # Hidden is what lies between the two lines of sight past the ends of the piece, and behind it.
    for side in range(3):
        if side == 0:
            value, slope = one_x * seen_y - one_y * seen_x, one_x * step_y - one_y * step_x
        elif side == 1:
            value, slope = seen_x * two_y - seen_y * two_x, step_x * two_y - step_y * two_x
        else:
            value = wall_y * (seen_x - one_x) - wall_x * (seen_y - one_y) - touch
            slope = wall_y * step_x - wall_x * step_y
        if slope > 0:
            low = max(low, -value / slope)
        elif slope < 0:
            high = min(high, -value / slope)
        elif value <= 0:
            return low, low
    return low, high
