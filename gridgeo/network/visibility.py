"""What can be reached in a straight line: barriers throw shadows on streets, and only open gates let a walk through.

Seen from a point, a straight piece of wall hides an interval of a street's segment. The hidden intervals of all walls
together leave the positions that can be reached; the nearest of them is found exactly, not by trying.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from gridgeo.network.measure import Flags, Floats, Ints, expand_ranges
from gridgeo.network.segments import SegmentGrid, index_segments

_TOUCH_M = 1e-6
"""A leg that ends this near to a barrier touches it and does not cross it."""

_SAME = 1e-12
_POINTS_AT_ONCE = 256
_PAIRS_AT_ONCE = 1 << 18


@dataclass(frozen=True, eq=False)
class Obstacles:
    """What no leg may cross. Make one with `find_obstacles`.

    Parameters
    ----------
    segment_xy : ndarray of float, shape (pieces, 4)
        The straight pieces of all barriers.
    barrier : ndarray of int64, shape (pieces,)
        The row of the barrier each is part of.
    grid : SegmentGrid
        The pieces, to be asked which are near.
    """

    segment_xy: Floats
    barrier: Ints
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
    rows = np.flatnonzero(usable)
    parts, of_row = shapely.get_parts(outline[rows], return_index=True)
    xy, part = shapely.get_coordinates(parts, return_index=True)
    start = np.flatnonzero((part[1:] == part[:-1]) & (xy[1:] != xy[:-1]).any(axis=1))
    if len(start) == 0:
        return None
    segment_xy = np.hstack([xy[start], xy[start + 1]])
    return Obstacles(segment_xy=segment_xy, barrier=rows[of_row[part[start]]], grid=index_segments(segment_xy))


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
    _, square = grid.measure(place, xy[point, 0], xy[point, 1])
    close = square <= (radius_m[point] + _TOUCH_M) ** 2
    code = np.sort(point[close] * (1 << 32) + grid.member[place[close]])
    code = code[np.concatenate([[True], code[1:] != code[:-1]])] if len(code) else code
    return code >> 32, code & 0xFFFFFFFF


def shadows(point: Floats, start: Floats, step: Floats, piece: Floats) -> tuple[Floats, Floats]:
    """Find the part of a segment that a straight piece of barrier hides from a point, pair by pair.

    Parameters
    ----------
    point : ndarray of float, shape (pairs, 2)
        Where one looks from.
    start, step : ndarray of float, shape (pairs, 2)
        The segment: its first end, and the way to the other.
    piece : ndarray of float, shape (pairs, 4)
        The piece of barrier.

    Returns
    -------
    low, high : ndarray of float, shape (pairs,)
        The hidden part as shares of the segment, past its ends (to -1 and 2 at most) where it is hidden to the end and
        on; nothing is hidden where ``high <= low``.
    """
    one, two = piece[:, :2] - point, piece[:, 2:] - point
    turn = _cross(one, two)
    left = turn < 0
    one, two = np.where(left[:, None], two, one), np.where(left[:, None], one, two)
    wall, seen = two - one, start - point
    length = np.hypot(*wall.T)
    # Hidden is what lies between the two lines of sight past the ends of the piece, and behind it.
    sides = (
        (_cross(one, seen), _cross(one, step)),
        (_cross(seen, two), _cross(step, two)),
        (-_cross(wall, seen - one) - _TOUCH_M * length, -_cross(wall, step)),
    )
    low, high = np.full(len(point), -1.0), np.full(len(point), 2.0)
    high[np.abs(turn) <= _TOUCH_M * length] = -1.0
    for value, slope in sides:
        flat = slope == 0
        at = -value / np.where(flat, 1.0, slope)
        low = np.where(slope > 0, np.maximum(low, at), low)
        high = np.where(slope < 0, np.minimum(high, at), high)
        high[flat & (value <= 0)] = -1.0
    return low, high


def legs_blocked(obstacles: Obstacles, xy: Floats, to_xy: Floats, *, spare: Ints | None = None) -> Flags:
    """Tell which straight legs meet a barrier on their way.

    Parameters
    ----------
    obstacles : Obstacles
        The barriers.
    xy, to_xy : ndarray of float, shape (legs, 2)
        Where the legs begin and end.
    spare : ndarray of int64, shape (k, 2), optional
        Pairs of a leg and a piece that lets it pass (the wall a gate stands in), as ``leg * 2**32 + piece``, ordered.

    Returns
    -------
    ndarray of bool, shape (legs,)
        True where a leg crosses a barrier or passes its very tip.
    """
    blocked = np.zeros(len(xy), dtype=bool)
    length = np.hypot(*(to_xy - xy).T)
    for begin in range(0, len(xy), _PAIRS_AT_ONCE):
        part = slice(begin, begin + _PAIRS_AT_ONCE)
        leg, piece = obstacles.near(xy[part], length[part])
        leg += begin
        if spare is not None and len(spare):
            code = leg * (1 << 32) + piece
            known = spare[np.minimum(np.searchsorted(spare, code), len(spare) - 1)] == code
            leg, piece = leg[~known], piece[~known]
        blocked[leg[_crosses(xy[leg], to_xy[leg], obstacles.segment_xy[piece])]] = True
    return blocked


def _crosses(xy: Floats, to_xy: Floats, piece: Floats) -> Flags:
    one, two = piece[:, :2] - xy, piece[:, 2:] - xy
    way, wall = to_xy - xy, two - one
    length = np.hypot(*wall.T)
    here, there = _cross(one, two), -_cross(wall, way - one)
    # `here` is positive when the wall runs counter-clockwise around the point; then `there` must lie behind it.
    sign = np.sign(here)
    apart = (np.abs(here) > _TOUCH_M * length) & (sign * there > _TOUCH_M * length)
    return np.asarray(apart & (sign * _cross(one, way) >= 0) & (sign * _cross(way, two) >= 0))


def nearest_visible(
    grid: SegmentGrid,
    segment_xy: Floats,
    obstacles: Obstacles,
    xy: Floats,
    *,
    within_m: Floats,
    start_m: Floats,
    spare: list[Ints] | None = None,
) -> tuple[Ints, Floats, Floats]:
    """Find the nearest position on a segment that can be reached in a straight line without crossing a barrier.

    Parameters
    ----------
    grid : SegmentGrid
        The segments.
    segment_xy : ndarray of float, shape (segments, 4)
        The same.
    obstacles : Obstacles
        The barriers.
    xy : ndarray of float, shape (points, 2)
        The points.
    within_m : ndarray of float, shape (points,)
        How far to look from each, inclusive.
    start_m : ndarray of float, shape (points,)
        Nothing can be reached nearer than this.
    spare : list of ndarray of int64, optional
        For each point, pieces of barrier that let it pass.

    Returns
    -------
    segment : ndarray of int64, shape (points,)
        The segment; -1 where none can be reached.
    share, distance_m : ndarray of float, shape (points,)
        Where on it, and how far.
    """
    segment = np.full(len(xy), -1, dtype=np.int64)
    share, distance = np.zeros(len(xy)), np.full(len(xy), np.inf)
    for begin in range(0, len(xy), _POINTS_AT_ONCE):
        waiting = np.arange(begin, min(begin + _POINTS_AT_ONCE, len(xy)))
        radius = np.minimum(np.maximum(start_m[waiting] * 1.5, grid.cell_m), within_m[waiting])
        while len(waiting):
            allowed = [spare[row] for row in waiting] if spare else None
            found, at, away = _visible_within(grid, segment_xy, obstacles, xy[waiting], radius, allowed)
            done = away <= radius
            segment[waiting[done]], share[waiting[done]], distance[waiting[done]] = found[done], at[done], away[done]
            more = ~done & (radius < within_m[waiting])
            waiting, radius = waiting[more], radius[more] * 2
            np.minimum(radius, within_m[waiting], out=radius)
    return segment, share, distance


def _visible_within(
    grid: SegmentGrid,
    segment_xy: Floats,
    obstacles: Obstacles,
    xy: Floats,
    radius_m: Floats,
    spare: list[Ints] | None,
) -> tuple[Ints, Floats, Floats]:
    point, segment = pair_near(grid, xy, radius_m)
    start, step = segment_xy[segment, :2], segment_xy[segment, 2:] - segment_xy[segment, :2]
    foot = np.clip(((xy[point] - start) * step).sum(axis=1) / (step**2).sum(axis=1), 0.0, 1.0)
    pair, low, high = _hidden_parts(obstacles, xy, radius_m, spare, point, start, step)
    best_share, best_leg = foot, np.full(len(point), np.inf)
    for to_lower in (True, False):
        share, reached = _leave_shadow(foot, pair, low, high, to_lower=to_lower)
        leg = np.where(reached, np.hypot(*(start + share[:, None] * step - xy[point]).T), np.inf)
        nearer = leg < best_leg
        best_share, best_leg = np.where(nearer, share, best_share), np.where(nearer, leg, best_leg)
    found = np.full(len(xy), -1, dtype=np.int64)
    at, away = np.zeros(len(xy)), np.full(len(xy), np.inf)
    order = np.lexsort((segment, best_leg, point))
    first = order[np.concatenate([[True], point[order][1:] != point[order][:-1]])] if len(order) else order
    first = first[np.isfinite(best_leg[first])]
    found[point[first]], at[point[first]], away[point[first]] = segment[first], best_share[first], best_leg[first]
    return found, at, away


def _hidden_parts(
    obstacles: Obstacles,
    xy: Floats,
    radius_m: Floats,
    spare: list[Ints] | None,
    point: Ints,
    start: Floats,
    step: Floats,
) -> tuple[Ints, Floats, Floats]:
    """List what is hidden of every pair of a point and a segment: pair, from, to."""
    looker, piece = obstacles.near(xy, radius_m)
    if spare is not None:
        code = np.concatenate([row * (1 << 32) + pieces for row, pieces in enumerate(spare)])
        kept = ~np.isin(looker * (1 << 32) + piece, code)
        looker, piece = looker[kept], piece[kept]
    bound = np.searchsorted(looker, np.arange(len(xy) + 1))
    parts: list[tuple[Ints, Floats, Floats]] = []
    load = np.cumsum(bound[point + 1] - bound[point])
    cuts = np.unique(np.searchsorted(load, np.arange(0, load[-1], _PAIRS_AT_ONCE) + 1)) if len(load) else load
    for first, last in zip(cuts, [*cuts[1:], len(point)], strict=False):
        some = np.arange(first, last)
        pair, at = expand_ranges(bound[point[some]], bound[point[some] + 1])
        pair = some[pair]
        low, high = shadows(xy[point[pair]], start[pair], step[pair], obstacles.segment_xy[piece[at]])
        real = (high > low) & (high >= 0) & (low <= 1)
        parts.append((pair[real], low[real], high[real]))
    if not parts:
        return np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0)
    pair, low, high = (np.concatenate(column) for column in zip(*parts, strict=True))
    return pair, low, high


def _leave_shadow(foot: Floats, pair: Ints, low: Floats, high: Floats, *, to_lower: bool) -> tuple[Floats, Flags]:
    """Move each foot along its segment, one way, until nothing hides it; tell where that succeeds."""
    share = foot.copy()
    while len(pair):
        here = share[pair]
        if to_lower:
            covers = (low < here) & (here <= high + _SAME)
            moved = np.full(len(share), np.inf)
            np.minimum.at(moved, pair[covers], low[covers])
        else:
            covers = (low - _SAME <= here) & (here < high)
            moved = np.full(len(share), -np.inf)
            np.maximum.at(moved, pair[covers], high[covers])
        if not covers.any():
            break
        share = np.where(np.isfinite(moved), moved, share)
    # Hidden past the end of the segment: nothing of it can be seen this way.
    return share, (share >= 0) & (share <= 1)


def _cross(one: Floats, two: Floats) -> Floats:
    return one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]
