"""Faces: polygons that share their borders coordinate by coordinate, and the few operations that keep it so.

Every step from streets to blocks is done in one way: draw more lines, node all lines together, polygonize, give each
face a label, and dissolve the faces of one label. Since every face comes from one noded drawing, no gap and no overlap
can arise, whatever the label; a wrong label is at worst a border in a wrong place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Geometries = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Segments:
    """The borders of faces, cut at every vertex.

    Parameters
    ----------
    start, end : array of float, shape (n, 2)
        The segments' ends, in metres, the smaller end first.
    left, right : array of int, length n
        The faces on the two sides, `right` -1 where there is only one; in no order otherwise.
    """

    start: Floats
    end: Floats
    left: Integers
    right: Integers

    @property
    def length(self) -> Floats:
        """The segments' lengths in metres."""
        length: Floats = np.hypot(*(self.end - self.start).T)
        return length

    def where(self, mask: npt.NDArray[np.bool_]) -> Segments:
        """Return some of the segments.

        Parameters
        ----------
        mask : array of bool, length n
            Which ones.

        Returns
        -------
        Segments
            Those.
        """
        return Segments(self.start[mask], self.end[mask], self.left[mask], self.right[mask])

    def lines(self) -> Geometries:
        """Return the segments as geometries.

        Returns
        -------
        array of LineString, length n
            One line a segment.
        """
        return draw_segments(self.start, self.end)


def draw_segments(start: Floats, end: Floats) -> Geometries:
    """Draw lines of two points.

    Parameters
    ----------
    start, end : array of float, shape (n, 2)
        Their ends.

    Returns
    -------
    array of LineString, length n
        The lines.
    """
    drawn: Geometries = np.asarray(shapely.linestrings(np.stack([start, end], axis=1)), dtype=object)
    return drawn


def draw_points(xy: Floats) -> Geometries:
    """Draw points.

    Parameters
    ----------
    xy : array of float, shape (n, 2)
        Their coordinates.

    Returns
    -------
    array of Point, length n
        The points.
    """
    drawn: Geometries = np.asarray(shapely.points(xy), dtype=object)
    return drawn


def draw_faces(lines: Geometries) -> Geometries:
    """Node lines and return the faces they enclose.

    Parameters
    ----------
    lines : array of LineString or MultiLineString
        The drawing; lines may cross, touch and repeat.

    Returns
    -------
    array of Polygon
        The enclosed faces; lines with a free end bound none. Neighbours share every vertex of their border.
    """
    lines = lines[~(shapely.is_missing(lines) | shapely.is_empty(lines))]
    if len(lines) == 0:
        return np.empty(0, dtype=object)
    # union_all nodes; unlike shapely.node it survives empty lines and falls back to snapping when rounding bites.
    noded = shapely.get_parts(shapely.union_all(lines))
    faces: Geometries = shapely.get_parts(shapely.polygonize(noded))
    return faces


def share_borders(faces: Geometries) -> Segments:
    """Tell which faces lie on either side of every border segment.

    Parameters
    ----------
    faces : array of Polygon or MultiPolygon
        Faces that share their vertices, such as those of `draw_faces`.

    Returns
    -------
    Segments
        Every border segment once.
    """
    if len(faces) == 0:
        none = np.empty((0, 2))
        return Segments(none, none, np.empty(0, np.int64), np.empty(0, np.int64))
    parts, part_face = shapely.get_parts(faces, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    points, point_ring = shapely.get_coordinates(rings, return_index=True)
    same = point_ring[1:] == point_ring[:-1]
    first, second = points[:-1][same], points[1:][same]
    face = part_face[ring_part[point_ring[:-1][same]]].astype(np.int64)
    swap = (first[:, 0] > second[:, 0]) | ((first[:, 0] == second[:, 0]) & (first[:, 1] > second[:, 1]))
    start, end = np.where(swap[:, None], second, first), np.where(swap[:, None], first, second)
    order = np.lexsort((end[:, 1], end[:, 0], start[:, 1], start[:, 0]))
    start, end, face = start[order], end[order], face[order]
    twin = (start[1:] == start[:-1]).all(axis=1) & (end[1:] == end[:-1]).all(axis=1)
    is_first = np.ones(len(start), dtype=bool)
    is_first[1:] = ~twin
    right = np.full(len(start), -1, dtype=np.int64)
    right[:-1][twin] = face[1:][twin]
    return Segments(start[is_first], end[is_first], face[is_first], right[is_first])


def border_lengths(segments: Segments, n: int) -> coo_array:
    """Return how long a border every two faces share.

    Parameters
    ----------
    segments : Segments
        The faces' borders.
    n : int
        The number of faces.

    Returns
    -------
    sparse array of float, shape (n, n)
        Metres, symmetric, without duplicates; nothing on the diagonal.
    """
    inner = segments.where((segments.right >= 0) & (segments.left != segments.right))
    row, column = np.r_[inner.left, inner.right], np.r_[inner.right, inner.left]
    shared = coo_array((np.tile(inner.length, 2), (row, column)), shape=(n, n))
    shared.sum_duplicates()
    return shared


def dissolve(faces: Geometries, labels: Integers, n: int) -> Geometries:
    """Unite the faces of each label, and see to it that each label is in one piece.

    Parameters
    ----------
    faces : array of Polygon
        Faces that share their vertices.
    labels : array of int
        A label from 0 to `n` - 1 for each face.
    n : int
        The number of labels.

    Returns
    -------
    array of Polygon, length n
        One polygon a label, empty for a label without faces. Pieces cut off from their label's largest one went to the
        neighbour they share most border with.
    """
    labels = heal_labels(faces, labels)
    order = np.argsort(labels, kind="stable")
    bounds = np.searchsorted(labels[order], np.arange(n + 1))
    united = np.empty(n, dtype=object)
    for label in range(n):
        mine = faces[order[bounds[label] : bounds[label + 1]]]
        united[label] = mine[0] if len(mine) == 1 else unite(mine)
    return united


def unite(faces: Geometries) -> shapely.Geometry:
    """Unite faces that share their vertices, without moving any.

    Parameters
    ----------
    faces : array of Polygon
        The faces.

    Returns
    -------
    Polygon or MultiPolygon
        Their union; a plain polygon when it is in one piece.
    """
    if len(faces) == 0:
        return shapely.Polygon()
    try:
        union = shapely.coverage_union_all(faces)
    except shapely.GEOSException:
        # Not a coverage: faces made elsewhere may overlap. The check says where.
        union = shapely.union_all(faces)
    parts = shapely.get_parts(union)
    return parts[0] if len(parts) == 1 else union


def heal_labels(faces: Geometries, labels: Integers) -> Integers:
    """Give the loose pieces of each label to the neighbour they share most border with.

    Parameters
    ----------
    faces : array of Polygon
        Faces that share their vertices.
    labels : array of int
        A label from 0 for each face.

    Returns
    -------
    array of int
        Labels whose faces hang together along borders, not only at points; a piece that touches no other label stays.
    """
    labels = labels.copy()
    segments = share_borders(faces)
    segments = segments.where((segments.right >= 0) & (segments.left != segments.right))
    area = shapely.area(faces)
    for _ in range(len(faces)):
        same = labels[segments.left] == labels[segments.right]
        links = coo_array((np.ones(same.sum()), (segments.left[same], segments.right[same])), shape=(len(faces),) * 2)
        count, piece = connected_components(links, directed=False)
        piece_area = np.bincount(piece, weights=area, minlength=count)
        piece_label = np.empty(count, dtype=np.int64)
        piece_label[piece] = labels
        largest = np.lexsort((-piece_area, piece_label))
        main = np.zeros(count, dtype=bool)
        main[largest[np.r_[True, np.diff(piece_label[largest]) != 0]]] = True
        if main.all():
            break
        # Only pieces beside a main piece move in this round, so that no two loose pieces swap labels for ever.
        left, right = piece[segments.left], piece[segments.right]
        loose, host = np.r_[left, right], np.r_[right, left]
        length = np.tile(segments.length, 2)
        beside = ~main[loose] & main[host]
        if not beside.any():
            break
        shared = coo_array((length[beside], (loose[beside], host[beside])), shape=(count, count)).tocsr()
        shared.sum_duplicates()
        move = np.full(count, -1, dtype=np.int64)
        for row in np.unique(loose[beside]):
            span = slice(shared.indptr[row], shared.indptr[row + 1])
            move[row] = piece_label[shared.indices[span][np.argmax(shared.data[span])]]
        moved = move[piece]
        labels = np.where(moved >= 0, moved, labels)
    return labels
