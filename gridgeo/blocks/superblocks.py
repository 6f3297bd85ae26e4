"""Superblocks and buildings: blocks that hold more than a grid may, and buildings that stand across a border."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from gridgeo.blocks.faces import Floats, Geometries, Integers, border_lengths, dissolve, draw_faces, share_borders
from gridgeo.blocks.slivers import find_slivers, fold_slivers, locate_faces, sample_lines, separate

_TOUCH_M = 1.0
_SPLIT_M2 = 1e-6
_INNER_WIDTH_M = 16.0
_INNER_M2 = 4_000.0
_ROUNDS = 4


def cluster_buildings(buildings: Geometries, *, touch_m: float = _TOUCH_M) -> Integers:
    """Group buildings that touch.

    Parameters
    ----------
    buildings : array of Polygon or MultiPolygon
        Footprints, in metres.
    touch_m : float
        Buildings no farther apart than this touch.

    Returns
    -------
    array of int
        The cluster of each building, numbered from 0.
    """
    if len(buildings) == 0:
        return np.empty(0, dtype=np.int64)
    one, other = shapely.STRtree(buildings).query(buildings, predicate="dwithin", distance=touch_m)
    links = coo_array((np.ones(len(one)), (one, other)), shape=(len(buildings),) * 2)
    clusters: Integers = connected_components(links, directed=False)[1].astype(np.int64)
    return clusters


def find_split_buildings(blocks: Geometries, buildings: Geometries) -> dict[int, int]:
    """Name the buildings that stand in more than one block.

    Parameters
    ----------
    blocks : array of Polygon
        Blocks, in metres.
    buildings : array of Polygon or MultiPolygon
        Footprints.

    Returns
    -------
    dict
        Building position → position of the block that holds most of it.
    """
    if len(buildings) == 0 or len(blocks) == 0:
        return {}
    building, block = shapely.STRtree(blocks).query(buildings, predicate="intersects")
    several = np.bincount(building, minlength=len(buildings))[building] > 1
    building, block = building[several], block[several]
    share = shapely.area(shapely.intersection(buildings[building], blocks[block]))
    inside = share > _SPLIT_M2
    building, block, share = building[inside], block[inside], share[inside]
    split = np.bincount(building, minlength=len(buildings))[building] > 1
    order = np.argsort(share[split], kind="stable")
    return dict(zip(building[split][order].tolist(), block[split][order].tolist(), strict=True))


def keep_buildings_whole(blocks: Geometries, buildings: Geometries) -> Geometries:
    """Lead the blocks' borders around the buildings that they cut.

    Parameters
    ----------
    blocks : array of Polygon
        Blocks that share their vertices, in metres.
    buildings : array of Polygon or MultiPolygon
        Footprints; those that overlap are moved together.

    Returns
    -------
    array of Polygon
        The blocks in their order, over the same ground, each building in the block that held most of it; empty where
        a block lay within a building.
    """
    for _ in range(_ROUNDS):
        split = find_split_buildings(blocks, buildings)
        if not split:
            break
        blocks = _lead_around(blocks, _overlapping(buildings, split))
    return blocks


def _overlapping(buildings: Geometries, split: dict[int, int]) -> list[shapely.Polygon]:
    """Unite each split building with every building it overlaps, so that none is freed at another's cost."""
    cut = buildings[list(split)]
    tree = shapely.STRtree(buildings)
    _, near = tree.query(cut, predicate="intersects")
    group = buildings[np.unique(np.r_[list(split), near])]
    clusters = _cluster_overlaps(group)
    united = [shapely.make_valid(shapely.union_all(group[clusters == number])) for number in range(clusters.max() + 1)]
    return [part for shape in united for part in shapely.get_parts(shape) if isinstance(part, shapely.Polygon)]


def _cluster_overlaps(buildings: Geometries) -> Integers:
    """Group buildings that stand on common ground; a common wall is not enough."""
    one, other = shapely.STRtree(buildings).query(buildings, predicate="intersects")
    one, other = one[one < other], other[one < other]
    common = shapely.area(shapely.intersection(buildings[one], buildings[other])) > _SPLIT_M2
    shape = (len(buildings), len(buildings))
    links = coo_array((np.ones(common.sum()), (one[common], other[common])), shape=shape)
    clusters: Integers = connected_components(links, directed=False)[1].astype(np.int64)
    return clusters


def _lead_around(blocks: Geometries, shapes: list[shapely.Polygon]) -> Geometries:
    solid: Geometries = np.empty(len(shapes), dtype=object)
    solid[:] = [shapely.Polygon(shape.exterior) for shape in shapes]
    target = find_split_buildings(blocks, solid)
    solid = solid[list(target)]
    if len(solid) == 0:
        return blocks
    host = np.array(list(target.values()), dtype=np.int64)
    pieces = draw_faces(np.concatenate([share_borders(blocks).lines(), shapely.boundary(solid)]))
    place = shapely.point_on_surface(pieces)
    labels = locate_faces(place, blocks)
    pieces, place, labels = pieces[labels >= 0], place[labels >= 0], labels[labels >= 0]
    piece, shape = shapely.STRtree(solid).query(place, predicate="intersects")
    labels[piece] = host[shape]
    return dissolve(pieces, labels, len(blocks))


def split_superblocks(
    blocks: Geometries,
    heavy: npt.NDArray[np.bool_],
    sites: Geometries,
    site_weight: Floats,
    *,
    inner_ways: Geometries,
    most: float,
    part: float,
    apart: float | None = None,
    step_m: float = 2.0,
) -> tuple[Geometries, Integers]:
    """Split blocks that hold too much into parts, along inner ways and then between clusters of buildings.

    Parameters
    ----------
    blocks : array of Polygon
        Blocks that share their vertices, in metres.
    heavy : array of bool
        The blocks to split.
    sites : array of Point or Polygon
        Household points and buildings; what touches stays together while it holds no more than `apart`.
    site_weight : array of float
        Households of each site.
    inner_ways : array of LineString
        Ways and walls inside the blocks; where they enclose ground, they are borders before any other line.
    most : float
        A part between inner ways that holds more is split between buildings.
    part : float
        Parts between buildings are joined while their sum stays below this.
    apart : float, optional
        What a grid may hold: buildings that touch and hold more fall apart; by default `most`.
    step_m : float
        Distance between samples along the buildings' outlines.

    Returns
    -------
    blocks : array of Polygon
        The blocks and parts, over the same ground.
    parent : array of int
        The position in the input of the block each came from.
    """
    if not heavy.any():
        return blocks, np.arange(len(blocks))
    way_tree, site_tree = shapely.STRtree(inner_ways), shapely.STRtree(sites)
    parts: list[Geometries] = [blocks[~heavy]]
    parent = np.flatnonzero(~heavy).tolist()
    for number in np.flatnonzero(heavy).tolist():
        block = blocks[number]
        ways = inner_ways[way_tree.query(block, predicate="intersects")]
        for piece in _split_along(block, ways):
            at = site_tree.query(piece, predicate="intersects")
            # A footprint on the piece's border belongs to the piece that most of it stands in.
            at = at[shapely.intersects(piece, shapely.point_on_surface(sites[at]))]
            if site_weight[at].sum() > most:
                limit = most if apart is None else apart
                parts.append(_split_between(piece, sites[at], site_weight[at], limit, part, step_m))
            else:
                parts.append(np.array([piece], dtype=object))
            parent += [number] * len(parts[-1])
    return redraw(np.concatenate(parts)), np.array(parent, dtype=np.int64)


def split_sprawling(
    blocks: Geometries,
    buildings: Geometries,
    *,
    compactness: float = 0.2,
    area_m2: float = 20_000.0,
    spacing_m: float = 150.0,
) -> tuple[Geometries, Integers]:
    """Cut blocks that wind around others, verges and river banks above all, across into stretches.

    Whole, such a block would draw its grid out along with it.

    Parameters
    ----------
    blocks : array of Polygon
        Blocks that share their vertices, in metres.
    buildings : array of Polygon or MultiPolygon
        Footprints, which stay whole.
    compactness : float
        A block of less (Polsby-Popper: 1 for a circle, 0.2 for a strip 12 times as long as wide) is cut.
    area_m2 : float
        A smaller one is not.
    spacing_m : float
        About how long a stretch is.

    Returns
    -------
    blocks : array of Polygon
        The blocks and stretches, over the same ground.
    parent : array of int
        The position in the input of the block each came from.
    """
    area = shapely.area(blocks)
    winding = (4 * np.pi * area < compactness * shapely.length(blocks) ** 2) & (area >= area_m2)
    middles = [_stretch_middles(blocks[number], spacing_m) for number in np.flatnonzero(winding)]
    sites = np.concatenate([buildings, *middles])
    weight = np.r_[np.zeros(len(buildings)), np.ones(len(sites) - len(buildings))]
    no_ways = np.empty(0, dtype=object)
    parts, parent = split_superblocks(blocks, winding, sites, weight, inner_ways=no_ways, most=1, part=1)
    return _join_narrow(parts, parent)


def _join_narrow(parts: Geometries, parent: Integers) -> tuple[Geometries, Integers]:
    """Give stretches too narrow for a block back to the longest neighbour from the same block."""
    for _ in range(_ROUNDS):
        narrow = find_slivers(parts, width_m=_INNER_WIDTH_M) & (np.bincount(parent)[parent] > 1)
        if not narrow.any():
            break
        shared = border_lengths(share_borders(parts), len(parts))
        beside = (parent[shared.row] == parent[shared.col]) & narrow[shared.row]
        row, host, length = shared.row[beside], shared.col[beside], shared.data[beside]
        label = np.arange(len(parts))
        taken = np.zeros(len(parts), dtype=bool)
        for at in np.argsort(-length, kind="stable").tolist():
            # Each piece takes part in one joining a round, so that none follows another in a circle.
            if not taken[row[at]] and not taken[host[at]]:
                label[row[at]] = host[at]
                taken[[row[at], host[at]]] = True
        kept, label = np.unique(label, return_inverse=True)
        parts, parent = dissolve(parts, label.astype(np.int64), len(kept)), parent[kept]
    return parts, parent


def _stretch_middles(block: shapely.Polygon, spacing_m: float) -> Geometries:
    """Return a point in each piece of a block that a square lattice makes; the small ones count for nothing."""
    west, south, east, north = shapely.bounds(block)
    x, y = np.meshgrid(np.arange(west, east, spacing_m), np.arange(south, north, spacing_m))
    cells = shapely.box(x.ravel(), y.ravel(), x.ravel() + spacing_m, y.ravel() + spacing_m)
    pieces = shapely.get_parts(shapely.intersection(cells, block))
    large = shapely.area(pieces) > spacing_m**2 / 10
    points: Geometries = shapely.point_on_surface(pieces[large])
    return points


def redraw(faces: Geometries) -> Geometries:
    """Give faces that fit together a common drawing again, so that they share every vertex.

    Parameters
    ----------
    faces : array of Polygon
        Faces whose borders lie on each other, with or without common vertices.

    Returns
    -------
    array of Polygon
        The faces in their order; each ground in one of them.
    """
    pieces = draw_faces(shapely.boundary(faces))
    owner = locate_faces(shapely.point_on_surface(pieces), faces)
    return dissolve(pieces[owner >= 0], owner[owner >= 0], len(faces))


def _split_along(block: shapely.Polygon, ways: Geometries) -> Geometries:
    """Split a block along the ways inside it; what they enclose of little ground is shared among the rest."""
    if len(ways) == 0:
        return np.array([block], dtype=object)
    faces = draw_faces(np.concatenate([np.array([block.boundary], dtype=object), ways]))
    faces = faces[shapely.intersects(block, shapely.point_on_surface(faces))]
    small = find_slivers(faces, width_m=_INNER_WIDTH_M, area_m2=_INNER_M2)
    folded, _ = fold_slivers(faces, small)
    return folded


def _split_between(
    piece: shapely.Polygon, sites: Geometries, weight: Floats, most: float, part: float, step_m: float
) -> Geometries:
    """Split ground halfway between clusters of buildings, and join the cells up to a size."""
    clusters = _clusters_of(sites, weight, most)
    start, end, owner = _outlines(sites, clusters)
    points, owner = sample_lines(start, end, owner, step_m)
    lines = separate(points, owner)
    pieces = draw_faces(np.concatenate([np.array([piece.boundary], dtype=object), lines]))
    place = shapely.point_on_surface(pieces)
    inside = shapely.intersects(piece, place)
    pieces, place = pieces[inside], place[inside]
    _, nearest = cKDTree(points).query(shapely.get_coordinates(place))
    cells = dissolve(pieces, owner[nearest], int(clusters.max()) + 1)
    held: Floats = np.bincount(clusters, weights=weight, minlength=len(cells)).astype(float)
    full = ~shapely.is_empty(cells)
    cells, held = cells[full], held[full]
    group = _join_cells(cells, held, part)
    return dissolve(cells, group, int(group.max()) + 1)


def _clusters_of(sites: Geometries, weight: Floats, most: float) -> Integers:
    """Group touching sites; a group that holds too much falls apart into what stands on common ground."""
    clusters = cluster_buildings(sites)
    held = np.bincount(clusters, weights=weight)
    apart = np.where(held[clusters] > most, len(held) + _hosts(sites), clusters)
    return np.unique(apart, return_inverse=True)[1].astype(np.int64)


def _hosts(sites: Geometries) -> Integers:
    """Group footprints that overlap, and each point with the footprint it stands in."""
    group = np.arange(len(sites))
    point = np.flatnonzero(shapely.get_type_id(sites) == 0)
    solid = np.flatnonzero(shapely.get_type_id(sites) != 0)
    group[solid] = len(sites) + _cluster_overlaps(sites[solid])
    which, host = shapely.STRtree(sites[solid]).query(sites[point], predicate="intersects")
    group[point[which]] = group[solid[host]]
    return group


def _outlines(sites: Geometries, clusters: Integers) -> tuple[Floats, Floats, Integers]:
    """Cut the sites' outlines into segments; a point is a segment of no length."""
    points, site = shapely.get_coordinates(sites, return_index=True)
    kind = shapely.get_type_id(sites)
    single = kind[site] == 0
    rings, ring_site = shapely.get_rings(sites[kind != 0], return_index=True)
    ring_site = np.flatnonzero(kind != 0)[ring_site]
    vertex, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    start = np.concatenate([points[single], vertex[:-1][same]])
    end = np.concatenate([points[single], vertex[1:][same]])
    return start, end, np.r_[clusters[site[single]], clusters[ring_site[ring[:-1][same]]]]


def _join_cells(cells: Geometries, held: Floats, most: float) -> Integers:
    """Join neighbouring cells, those that share most of their border first, while they hold no more than `most`.

    A cell of no households joins whatever is beside it.
    """
    weight, group = held.copy(), np.arange(len(cells))
    around = shapely.length(cells)
    shared = border_lengths(share_borders(cells), len(cells))
    up = shared.row < shared.col
    row, column, length = shared.row[up], shared.col[up], shared.data[up]
    closeness = length / np.minimum(around[row], around[column])
    for edge in np.argsort(-closeness, kind="stable").tolist():
        one, other = int(group[row[edge]]), int(group[column[edge]])
        together = weight[one] + weight[other]
        if one != other and (together <= most or min(weight[one], weight[other]) == 0):
            group[group == other] = one
            weight[one] = together
    return np.unique(group, return_inverse=True)[1].astype(np.int64)
