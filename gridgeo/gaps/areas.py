"""Uncovered households that belong together, and the ground they stand on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree
from scipy.spatial import Delaunay, cKDTree

from gridgeo.network.measure import Floats, Ints
from gridgeo.network.visibility import Obstacles, legs_blocked

MARGIN_M = 30.0
"""How far the band around an area's households and what links them reaches."""

_MOST_PAIRED = 3000
"""Among up to so many spots every pair is looked at; among more, neighbours come first."""

_MOST_DRAWN = 2000
"""An area of more spots is drawn from squares of `_SQUARE_M`, not from a band around each of them."""

_SQUARE_M = 15.0
_AT_ONCE = 500


def join_spots(
    xy: Floats, obstacles: Obstacles | None, *, join_m: float, most_paired: int = _MOST_PAIRED
) -> tuple[Ints, Ints]:
    """Give each spot the number of its area, and return the links that hold areas together.

    Parameters
    ----------
    xy : ndarray of float, shape (n, 2)
        The spots, in metres, none twice.
    obstacles : Obstacles or None
        What no link may cross.
    join_m : float
        The longest link, in metres.
    most_paired : int
        Among up to so many spots every pair is looked at. Among more, first only neighbours of the Delaunay
        triangulation, in which whatever short links can join is joined where nothing stands between (it holds the
        shortest tree), then, around obstacles, the pairs that still lie apart. The areas are the same.

    Returns
    -------
    area : ndarray of int64, shape (n,)
        Numbers from zero, in the order of each area's first spot.
    links : ndarray of int64, shape (k, 2)
        The spots each link joins: a tree for each area.
    """
    if len(xy) == 0:
        return np.zeros(0, dtype=np.int64), np.zeros((0, 2), dtype=np.int64)
    if len(xy) <= most_paired:
        pairs = _open_pairs(xy, cKDTree(xy).query_pairs(join_m, output_type="ndarray"), obstacles)
    else:
        pairs = _open_pairs(xy, _neighbours(xy, join_m), obstacles)
        if obstacles is not None:
            pairs = np.concatenate([pairs, *_pairs_around(xy, obstacles, _areas(xy, pairs), join_m)])
    length = np.hypot(*(xy[pairs[:, 0]] - xy[pairs[:, 1]]).T)
    # A link of no length would be none to the tree.
    links = coo_array((length + 1e-6, (pairs[:, 0], pairs[:, 1])), shape=(len(xy), len(xy)))
    tree = minimum_spanning_tree(links.tocsr()).tocoo()
    return _areas(xy, pairs), np.column_stack([tree.row, tree.col]).astype(np.int64)


def _areas(xy: Floats, pairs: Ints) -> Ints:
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(xy), len(xy)))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)


def _open_pairs(xy: Floats, pairs: Ints, obstacles: Obstacles | None) -> Ints:
    if obstacles is None or len(pairs) == 0:
        return pairs
    return pairs[~legs_blocked(obstacles, xy[pairs[:, 0]], xy[pairs[:, 1]])]


def _neighbours(xy: Floats, join_m: float) -> Ints:
    """Return pairs that are near enough, the edges of the shortest tree among them: short ones of the triangulation."""
    # Around their middle: with coordinates of millions of metres, rounding has the triangulation leave out spots.
    at = xy - xy.mean(axis=0)
    # Spots on one line have no triangles: a ring of four far away gives them some, and no edge of it is short.
    reach = 2 * (np.ptp(xy, axis=0).max() + join_m)
    mesh = Delaunay(np.concatenate([at, reach * np.array([(-1.0, -1.1), (1.2, -1.0), (1.0, 1.3), (-1.1, 1.0)])]))
    corners = mesh.simplices.astype(np.int64)
    edges = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]], _left_out(mesh, at, join_m)])
    edges = edges[edges.max(axis=1) < len(xy)]
    # Each once: by one number a pair, which sorts much faster than two.
    pair = np.sort(edges.min(axis=1) * len(xy) + edges.max(axis=1))
    low, high = np.divmod(pair[np.diff(pair, prepend=-1) > 0], len(xy))
    near = np.hypot(*(xy[low] - xy[high]).T) <= join_m
    return np.column_stack([low[near], high[near]])


def _left_out(mesh: Delaunay, at: Floats, join_m: float) -> Ints:
    """Pair spots that the triangulation still left out, too near to others to be told apart, with all around them."""
    lost = mesh.coplanar[:, 0].astype(np.int64)
    lost = lost[lost < len(at)]
    if len(lost) == 0:
        return np.zeros((0, 2), dtype=np.int64)
    around = cKDTree(at).query_ball_point(at[lost], join_m * (1 + 1e-9))
    pairs = np.column_stack([np.repeat(lost, [len(each) for each in around]), np.concatenate(around).astype(np.int64)])
    return np.asarray(pairs[pairs[:, 0] != pairs[:, 1]], dtype=np.int64)


def _pairs_around(xy: Floats, obstacles: Obstacles, area: Ints, join_m: float) -> Iterator[Ints]:
    """Find open pairs of different areas: both ends lie near the obstacle that keeps their neighbours apart."""
    near = np.unique(obstacles.near(xy, np.full(len(xy), join_m))[0])
    near = near[np.argsort(xy[near, 0], kind="stable")]
    tree = cKDTree(xy[near])
    for start in range(0, len(near), _AT_ONCE):
        some = near[start : start + _AT_ONCE]
        found = cKDTree(xy[some]).sparse_distance_matrix(tree, join_m, output_type="ndarray")
        pairs = np.column_stack([some[found["i"]], near[found["j"]]]).astype(np.int64)
        pairs = pairs[(pairs[:, 0] < pairs[:, 1]) & (area[pairs[:, 0]] != area[pairs[:, 1]])]
        yield _open_pairs(xy, pairs, obstacles)


def draw_outlines(xy: Floats, area: Ints, links: Ints, count: int) -> list[shapely.Geometry]:
    """Draw each area as a band around its spots and what links them.

    Parameters
    ----------
    xy : ndarray of float, shape (n, 2)
        The spots.
    area : ndarray of int64, shape (n,)
        The area each lies in.
    links : ndarray of int64, shape (k, 2)
        The links, from `join_spots`.
    count : int
        How many areas there are.

    Returns
    -------
    list of shapely.Geometry
        A shape for each area; of one with very many spots it may reach some metres further.
    """
    if count == 0:
        return []
    lines = np.asarray(shapely.linestrings(xy[links])) if len(links) else np.zeros(0, dtype=object)
    shapes: npt.NDArray[np.object_] = np.concatenate([np.asarray(shapely.points(xy)), lines])
    owner = np.concatenate([area, area[links[:, 0]]]) if len(links) else area
    order = np.argsort(owner, kind="stable")
    cuts = np.searchsorted(owner[order], np.arange(1, count))
    return [_band(shapes[mine]) for mine in np.split(order, cuts)]


def _band(shapes: npt.NDArray[np.object_]) -> shapely.Geometry:
    if len(shapes) <= 2 * _MOST_DRAWN:
        return shapely.union_all(shapely.buffer(shapes, MARGIN_M))
    # Squares of one lattice join along their sides at once, where a union of bands would take minutes.
    at = shapely.get_coordinates(shapely.segmentize(shapes, _SQUARE_M / 2))
    squares = np.unique(np.floor(at / _SQUARE_M), axis=0) * _SQUARE_M
    ground = shapely.coverage_union_all(
        shapely.box(squares[:, 0], squares[:, 1], squares[:, 0] + _SQUARE_M, squares[:, 1] + _SQUARE_M)
    )
    return shapely.buffer(ground, MARGIN_M - _SQUARE_M / 2)
