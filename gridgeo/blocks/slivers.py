"""Slivers: the strips between carriageways, at junctions and ramps, folded to their centreline.

A street drawn as two carriageways encloses a strip that is no block. Dropping the strip leaves a gap, and joining it to
one neighbour moves the block's border to the far carriageway. So each cluster of strips is shared among the real
blocks around it: every place goes to the block whose border is nearest (a Voronoi diagram of border samples), which
draws the border along the middle of the street.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely
from scipy.spatial import Delaunay, Voronoi, cKDTree

from gridgeo.blocks.faces import (
    Floats,
    Geometries,
    Integers,
    Segments,
    dissolve,
    draw_faces,
    draw_points,
    draw_segments,
    share_borders,
)

_CORNER_M = 0.5
_TOUCH_M = 1e-6
_ON_ROAD_M = 0.05
_ROAD_SHARE = 0.7


def find_slivers(faces: Geometries, *, width_m: float, area_m2: float = 0.0) -> npt.NDArray[np.bool_]:
    """Tell which faces are slivers.

    Parameters
    ----------
    faces : array of Polygon
        The faces, in metres.
    width_m : float
        A face in which no circle of this diameter fits is a sliver.
    area_m2 : float
        So is one of less area than this.

    Returns
    -------
    array of bool
        True for slivers.
    """
    sliver: npt.NDArray[np.bool_] = shapely.area(faces) < area_m2
    # A circle of radius r needs an area of at least pi r^2 and a box of 2r by 2r: spares most buffers.
    west, south, east, north = shapely.bounds(faces).T
    sliver |= np.minimum(east - west, north - south) < width_m - 2 * _TOUCH_M
    open_ = np.flatnonzero(~sliver)
    sliver[open_] = shapely.is_empty(shapely.buffer(faces[open_], _TOUCH_M - width_m / 2, quad_segs=4))
    return sliver


def find_road_ground(
    faces: Geometries,
    roads: Geometries,
    ramps: Geometries,
    buildings: Geometries,
    *,
    width_m: float = 30.0,
    area_m2: float = 10_000.0,
) -> npt.NDArray[np.bool_]:
    """Tell which faces are ground of great roads: medians between carriageways, the loops of interchanges.

    Wider strips stay blocks: folding them would put the border too far from either carriageway.

    Parameters
    ----------
    faces : array of Polygon
        The faces, in metres.
    roads : array of LineString
        Great roads, noded into the faces' borders.
    ramps : array of LineString
        Their ramps.
    buildings : array of Polygon
        A face with a building is a block.
    width_m : float
        A median is a face in which no circle of this diameter fits, with 70 % of its border along roads or ramps.
    area_m2 : float
        A loop is a face of less area than this, with 70 % of its border along ramps.

    Returns
    -------
    array of bool
        True for ground of roads.
    """
    median, loop = find_slivers(faces, width_m=width_m), shapely.area(faces) < area_m2
    found: npt.NDArray[np.bool_] = median | loop
    if not found.any():
        return found
    segments = share_borders(faces[found])
    on_ramp = _share_along(ramps, segments, int(found.sum()))
    on_road = _share_along(np.concatenate([roads, ramps]), segments, int(found.sum()))
    found[found] = (median[found] & (on_road >= _ROAD_SHARE)) | (loop[found] & (on_ramp >= _ROAD_SHARE))
    if len(buildings) and found.any():
        candidates = np.flatnonzero(found)
        place = shapely.point_on_surface(buildings)
        found[candidates[np.unique(shapely.STRtree(place).query(faces[candidates], predicate="intersects")[0])]] = False
    return found


def _share_along(lines: Geometries, segments: Segments, n: int) -> Floats:
    """Return which share of each face's border runs along lines."""
    middle = draw_points((segments.start + segments.end) / 2)
    on_line: npt.NDArray[np.bool_] = np.zeros(len(middle), dtype=bool)
    on_line[shapely.STRtree(lines).query(middle, predicate="dwithin", distance=_ON_ROAD_M)[0]] = True
    along, around = np.zeros(n), np.zeros(n)
    for side in (segments.left, segments.right):
        at = side >= 0
        np.add.at(around, side[at], segments.length[at])
        np.add.at(along, side[at], np.where(on_line, segments.length, 0.0)[at])
    share: Floats = along / around
    return share


def fold_slivers(
    faces: Geometries, sliver: npt.NDArray[np.bool_], *, step_m: float = 5.0
) -> tuple[Geometries, Integers]:
    """Share slivers among the faces around them, along their centrelines.

    Parameters
    ----------
    faces : array of Polygon
        Faces that share their vertices, in metres.
    sliver : array of bool
        Which faces are slivers.
    step_m : float
        Distance between border samples.

    Returns
    -------
    faces : array of Polygon
        The faces that are no slivers, grown over the slivers: together they cover the same ground.
    kept : array of int
        Their positions in the input.
    """
    if sliver.all() and len(faces):
        sliver = sliver.copy()
        sliver[np.argmax(shapely.area(faces))] = False
    kept = np.flatnonzero(~sliver)
    if not sliver.any():
        return faces, kept
    segments = share_borders(faces)
    is_sliver = np.r_[sliver, False]
    left, right = is_sliver[segments.left], is_sliver[segments.right]
    border = segments.where((left != right) & (segments.right >= 0))
    points, owner = _sample(border, is_sliver, step_m)
    inside = segments.where(~(left & right))
    drawing = np.concatenate([inside.lines(), _separators(points, owner, faces[sliver])])
    pieces = draw_faces(drawing)
    labels = _label(pieces, faces, is_sliver, points, owner)
    pieces, labels = pieces[labels >= 0], labels[labels >= 0]
    number = np.full(len(faces), -1, dtype=np.int64)
    number[kept] = np.arange(len(kept))
    return dissolve(pieces, number[labels], len(kept)), kept


def _sample(border: Segments, is_sliver: npt.NDArray[np.bool_], step_m: float) -> tuple[Floats, Integers]:
    """Place samples along borders, each owned by the face beside the sliver."""
    owner = np.where(is_sliver[border.left], border.right, border.left)
    return sample_lines(border.start, border.end, owner, step_m)


def sample_lines(start: Floats, end: Floats, owner: Integers, step_m: float) -> tuple[Floats, Integers]:
    """Place samples along segments.

    Parameters
    ----------
    start, end : array of float, shape (n, 2)
        The segments' ends, in metres.
    owner : array of int, length n
        What each segment belongs to.
    step_m : float
        The largest distance between samples of one segment.

    Returns
    -------
    points : array of float, shape (m, 2)
        The samples; the first and last of a segment stand equally far from its ends, so that two segments that meet
        have their bisector run into the corner.
    owner : array of int, length m
        What each belongs to.
    """
    length = np.hypot(*(end - start).T)
    margin = np.minimum(_CORNER_M, length / 2)
    count = np.where(length <= 2 * _CORNER_M, 1, 1 + np.ceil((length - 2 * margin) / step_m)).astype(np.int64)
    which = np.repeat(np.arange(len(start)), count)
    nth = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    spacing = np.where(count > 1, (length - 2 * margin) / np.maximum(count - 1, 1), 0.0)
    along = (margin[which] + nth * spacing[which]) / np.maximum(length[which], 1e-12)
    return start[which] + along[:, None] * (end - start)[which], owner[which]


def separate(points: Floats, owner: Integers) -> Geometries:
    """Draw the lines that are equally near to samples of two owners.

    Parameters
    ----------
    points : array of float, shape (m, 2)
        The samples, in metres.
    owner : array of int, length m
        What each belongs to.

    Returns
    -------
    array of LineString
        The edges of the Voronoi diagram between samples of different owners.
    """
    order = np.lexsort((points[:, 1], points[:, 0]))
    points, owner = points[order], owner[order]
    first = np.r_[True, (np.diff(points, axis=0) != 0).any(axis=1)] if len(points) else np.empty(0, bool)
    points, owner = points[first], owner[first]
    if len(points) < 4 or (owner == owner[0]).all():  # noqa: PLR2004 - Qhull's minimum in the plane
        return np.empty(0, dtype=object)
    origin = points.mean(axis=0)
    # Four far corners close every cell, so that no wanted edge runs to infinity.
    reach = 10 * float(np.abs(points - origin).max()) + 1000.0
    corners = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]]) * reach
    one, other, start, end = _ridges(np.concatenate([points - origin, corners]))
    owner = np.r_[owner, -1, -1, -1, -1]
    wanted = (owner[one] != owner[other]) & (owner[one] >= 0) & (owner[other] >= 0)
    lines = draw_segments(start[wanted] + origin, end[wanted] + origin)
    long: Geometries = lines[shapely.length(lines) > 0]
    return long


def _ridges(points: Floats) -> tuple[Integers, Integers, Floats, Floats]:
    """Return the edges of the Voronoi diagram: the points on either side, and its ends.

    The centres of the Delaunay triangles are the diagram's corners; asking for the triangles is 2.5 times as fast as
    asking Qhull for the diagram.
    """
    mesh = Delaunay(points)
    corner = points[mesh.simplices]
    b, c = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    twice = 2 * (b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0])
    if not twice.all():
        # A triangle without area, among points of one circle, has no centre of its own.
        diagram = Voronoi(points)
        ends = np.array(diagram.ridge_vertices)
        closed = (ends >= 0).all(axis=1)
        one, other = diagram.ridge_points[closed].T.astype(np.int64)
        return one, other, diagram.vertices[ends[closed, 0]], diagram.vertices[ends[closed, 1]]
    b_square, c_square = (b**2).sum(axis=1), (c**2).sum(axis=1)
    centre = corner[:, 0].copy()
    centre[:, 0] += (c[:, 1] * b_square - b[:, 1] * c_square) / twice
    centre[:, 1] += (b[:, 0] * c_square - c[:, 0] * b_square) / twice
    triangle, side = np.nonzero(mesh.neighbors > np.arange(len(corner))[:, None])
    one, other = (mesh.simplices[triangle, (side + turn) % 3].astype(np.int64) for turn in (1, 2))
    return one, other, centre[triangle], centre[mesh.neighbors[triangle, side]]


def _separators(points: Floats, owner: Integers, slivers: Geometries) -> Geometries:
    lines = separate(points, owner)
    if len(lines) == 0:
        return lines
    crossing = np.zeros(len(lines), dtype=bool)
    crossing[shapely.STRtree(slivers).query(lines, predicate="intersects")[0]] = True
    drawn: Geometries = lines[crossing]
    return drawn


def _label(
    pieces: Geometries, faces: Geometries, is_sliver: npt.NDArray[np.bool_], points: Floats, owner: Integers
) -> Integers:
    """Tell to which face each piece goes: its own, or the nearest sample's for a piece of a sliver."""
    place = shapely.point_on_surface(pieces)
    labels = locate_faces(place, faces)
    lost = (labels >= 0) & is_sliver[labels]
    if lost.any() and len(points):
        _, nearest = cKDTree(points).query(shapely.get_coordinates(place[lost]))
        labels[lost] = owner[nearest]
    return labels


def locate_faces(places: Geometries, faces: Geometries) -> Integers:
    """Tell in which face each point lies.

    Parameters
    ----------
    places : array of Point
        The points.
    faces : array of Polygon
        Faces that do not overlap.

    Returns
    -------
    array of int
        The face's position, the first of several for a point on a border; -1 outside all.
    """
    found = np.full(len(places), len(faces), dtype=np.int64)
    place, face = shapely.STRtree(faces).query(places, predicate="intersects")
    np.minimum.at(found, place, face)
    found[found == len(faces)] = -1
    return found
