"""Superblocks and buildings: blocks that hold more than a grid may, and buildings that stand across a border."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridgeo.faces import Floats, Geometries, Integers, border_lengths, dissolve, draw_faces, share_borders
from gridgeo.slivers import locate_faces, sample_lines, separate

_TOUCH_M = 1.0
_SPLIT_M2 = 1e-6
_GRAZE = 0.1
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
    return connected_components(links, directed=False)[1].astype(np.int64)


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
        The blocks, over the same ground, each building in the block that held most of it.
    """
    for _ in range(_ROUNDS):
        split = find_split_buildings(blocks, buildings)
        if not split:
            break
        blocks = _lead_around(blocks, _overlapping(buildings, split))
    return blocks


def _overlapping(buildings: Geometries, split: dict[int, int]) -> list[shapely.Geometry]:
    """Unite each split building with every building it overlaps, so that none is freed at another's cost."""
    cut = buildings[list(split)]
    tree = shapely.STRtree(buildings)
    _, near = tree.query(cut, predicate="intersects")
    group = buildings[np.unique(np.r_[list(split), near])]
    clusters = cluster_buildings(group, touch_m=0.0)
    united = [shapely.make_valid(shapely.union_all(group[clusters == number])) for number in range(clusters.max() + 1)]
    return [part for shape in united for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]


def _lead_around(blocks: Geometries, shapes: list[shapely.Geometry]) -> Geometries:
    solid = np.array([shapely.Polygon(shape.exterior) for shape in shapes], dtype=object)
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
    united = dissolve(pieces, labels, len(blocks))
    return united[~shapely.is_empty(united)]


def split_superblocks(
    blocks: Geometries,
    heavy: npt.NDArray[np.bool_],
    sites: Geometries,
    site_weight: Floats,
    *,
    inner_ways: Geometries | None = None,
    most: float,
    step_m: float = 2.0,
) -> tuple[Geometries, Integers]:
    """Split blocks that hold too much into parts, along inner ways and between clusters of buildings.

    Parameters
    ----------
    blocks : array of Polygon
        Blocks that share their vertices, in metres.
    heavy : array of bool
        The blocks to split.
    sites : array of Point or Polygon
        Buildings and household points; what touches stays together.
    site_weight : array of float
        Households of each site.
    inner_ways : array of LineString, optional
        Ways inside the blocks; where they enclose ground, they are borders before any other line.
    most : float
        Parts of less than this are joined while their sum stays below it.
    step_m : float
        Distance between samples along the sites' outlines.

    Returns
    -------
    blocks : array of Polygon
        The blocks and parts, over the same ground.
    parent : array of int
        The position in the input of the block each came from.
    """
    parent = np.arange(len(blocks))
    if not heavy.any():
        return blocks, parent
    lines = [share_borders(blocks).lines(), _separators(blocks, heavy, sites, site_weight, most, step_m)]
    if inner_ways is not None and len(inner_ways):
        way, _ = shapely.STRtree(blocks[heavy]).query(inner_ways, predicate="intersects")
        lines.append(inner_ways[np.unique(way)])
    pieces = draw_faces(np.concatenate(lines))
    owner = locate_faces(shapely.point_on_surface(pieces), blocks)
    pieces, owner = pieces[owner >= 0], owner[owner >= 0]
    parts = _join_parts(pieces, owner, heavy, sites, site_weight, most)
    count = int(parts.max()) + 1
    parent = np.empty(count, dtype=np.int64)
    parent[parts] = owner
    united = dissolve(pieces, parts, count)
    full = ~shapely.is_empty(united)
    return united[full], parent[full]


def _separators(
    blocks: Geometries,
    heavy: npt.NDArray[np.bool_],
    sites: Geometries,
    weight: Floats,
    most: float,
    step_m: float,
) -> Geometries:
    """Draw the lines halfway between the clusters of sites of each heavy block."""
    lines: list[Geometries] = []
    tree = shapely.STRtree(sites)
    for block in blocks[heavy]:
        at = tree.query(block, predicate="intersects")
        inside = sites[at]
        clusters = _clusters_of(inside, weight[at], most)
        start, end, owner = _outlines(inside, clusters)
        points, owner = sample_lines(start, end, owner, step_m)
        drawn = separate(points, owner)
        lines.append(drawn[shapely.intersects(block, drawn)] if len(drawn) else drawn)
    return np.concatenate(lines) if lines else np.empty(0, dtype=object)


def _clusters_of(sites: Geometries, weight: Floats, most: float) -> Integers:
    """Group touching sites; a group that holds too much falls apart into what overlaps."""
    clusters = cluster_buildings(sites)
    held = np.bincount(clusters, weights=weight)
    single = cluster_buildings(sites, touch_m=0.0) if (held > most).any() else clusters
    apart = np.where(held[clusters] > most, len(held) + single, clusters)
    if (np.bincount(single, weights=weight)[single] > most).any():
        own = _hosts(sites)
        apart = np.where(held[clusters] > most, len(held) + own, clusters)
    return np.unique(apart, return_inverse=True)[1].astype(np.int64)


def _hosts(sites: Geometries) -> Integers:
    """Group each point with the footprint it stands in, and nothing else."""
    group = np.arange(len(sites))
    point = np.flatnonzero(shapely.get_type_id(sites) == 0)
    solid = np.flatnonzero(shapely.get_type_id(sites) != 0)
    which, host = shapely.STRtree(sites[solid]).query(sites[point], predicate="intersects")
    group[point[which]] = solid[host]
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


def _join_parts(
    pieces: Geometries,
    owner: Integers,
    heavy: npt.NDArray[np.bool_],
    sites: Geometries,
    site_weight: Floats,
    most: float,
) -> Integers:
    """Join the pieces of each block, the longest common border first, while a part holds no more than `most`.

    A piece without households always joins; pieces that share a cluster of sites join whatever they hold.
    """
    weight = np.zeros(len(pieces))
    place = shapely.point_on_surface(sites)
    at = locate_faces(place, pieces)
    np.add.at(weight, at[at >= 0], site_weight[at >= 0])
    group = np.arange(len(pieces))

    def root(piece: int) -> int:
        while group[piece] != piece:
            group[piece] = group[group[piece]]
            piece = int(group[piece])
        return piece

    def join(one: int, other: int) -> None:
        one, other = sorted((root(one), root(other)))
        if one != other:
            group[other] = one
            weight[one] += weight[other]

    first: dict[int, int] = {}
    for piece, block in enumerate(owner.tolist()):
        if not heavy[block]:
            join(first.setdefault(block, piece), piece)
    site, piece_of = _crossings(sites, pieces)
    for one, (number, piece) in enumerate(zip(site, piece_of, strict=True)):
        if one and site[one - 1] == number and owner[piece] == owner[piece_of[one - 1]]:
            join(int(piece_of[one - 1]), int(piece))
    shared = border_lengths(share_borders(pieces), len(pieces))
    inner = (owner[shared.row] == owner[shared.col]) & heavy[owner[shared.row]] & (shared.row < shared.col)
    row, column, length = shared.row[inner], shared.col[inner], shared.data[inner]
    order = np.argsort(-length, kind="stable")
    # Small parts first look for room, then parts without households go to whoever borders them most.
    for limit in (most, np.inf):
        for edge in order.tolist():
            one, other = root(int(row[edge])), root(int(column[edge]))
            empty = min(weight[one], weight[other]) == 0
            if one != other and weight[one] + weight[other] <= limit and (empty or limit < np.inf):
                join(one, other)
    roots = np.array([root(piece) for piece in range(len(pieces))])
    return np.unique(roots, return_inverse=True)[1].astype(np.int64)


def _crossings(sites: Geometries, pieces: Geometries) -> tuple[Integers, Integers]:
    """List the pieces that each footprint covers some ground of."""
    solid = np.flatnonzero(shapely.get_type_id(sites) != 0)
    site, piece = shapely.STRtree(pieces).query(sites[solid], predicate="intersects")
    if len(site) == 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    share = shapely.area(shapely.intersection(sites[solid][site], pieces[piece]))
    # A separator may graze a footprint; the border is led around it afterwards.
    real = share > _GRAZE * shapely.area(sites[solid][site])
    site, piece = site[real], piece[real]
    order = np.lexsort((piece, site))
    return site[order].astype(np.int64), piece[order].astype(np.int64)
