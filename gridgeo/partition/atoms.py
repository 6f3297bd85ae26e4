"""The partition's atoms: blocks with their weights, neighbours and streets, as arrays for the inner loops."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridgeo.blocks.edges import edge_strengths
from gridgeo.blocks.faces import Floats, Integers, border_lengths, share_borders

Flags = np.typing.NDArray[np.bool_]


@dataclass(frozen=True)
class Atoms:
    """What cannot be cut any further, and how it lies beside the rest.

    Parameters
    ----------
    weight, area, rim : array of float, one an atom
        Households (or workload), square metres, and metres on the district's border.
    region : array of int, one an atom
        Grids do not reach from one region into another: a community, or a part of it that one can walk through.
    start, end : array of int
        Neighbours in compressed rows: those of atom ``i`` are ``end[start[i]:start[i + 1]]``.
    length, strength : array of float, one a neighbour
        The common border in metres, and how well it serves as a border between grids (0 to 1).
    walkable : array of bool, one a neighbour
        Whether one can walk across.
    """

    weight: Floats
    area: Floats
    rim: Floats
    region: Integers
    start: Integers
    end: Integers
    length: Floats
    strength: Floats
    walkable: Flags

    def __len__(self) -> int:
        return len(self.weight)


def pair_table(blocks: gpd.GeoDataFrame, edges: pd.DataFrame | None) -> tuple[pd.DataFrame, Floats]:
    """List the pairs of neighbouring blocks.

    Parameters
    ----------
    blocks : GeoDataFrame
        Layer ``blocks``, sharing vertices.
    edges : DataFrame, optional
        Edges of these blocks, as `gridgeo.blocks.find_edges` gives them; without them no border is a street and every
        border can be walked across.

    Returns
    -------
    pairs : DataFrame
        ``a``, ``b`` (positions, a < b), ``length``, ``strength``, ``walkable``.
    rim : array of float
        Each block's metres on the district's border.
    """
    n = len(blocks)
    if edges is None:
        segments = share_borders(blocks.geometry.to_numpy())
        alone = segments.right < 0
        rim = np.bincount(segments.left[alone], weights=segments.length[alone], minlength=n)
        shared = border_lengths(segments, n)
        up = shared.row < shared.col
        pairs = pd.DataFrame({"a": shared.row[up], "b": shared.col[up], "length": shared.data[up]})
        return pairs.assign(strength=0.0, walkable=True), rim.astype(float)
    place = pd.Series(np.arange(n), index=blocks["block_id"].to_numpy())
    a, b = edges["block_a"].map(place), edges["block_b"].map(place)
    alone = b.isna().to_numpy()
    length = edges["length_m"].to_numpy(float)
    rim = np.bincount(a[alone].to_numpy(np.int64), weights=length[alone], minlength=n)
    rows = pd.DataFrame(
        {
            "a": np.minimum(a, b)[~alone].astype(np.int64),
            "b": np.maximum(a, b)[~alone].astype(np.int64),
            "length": length[~alone],
            "mass": (length * edge_strengths(edges))[~alone],
            "walkable": edges["on_foot"].to_numpy(bool)[~alone],
        }
    )
    rows = rows[rows["a"] != rows["b"]]
    pairs = rows.groupby(["a", "b"], as_index=False).agg({"length": "sum", "mass": "sum", "walkable": "any"})
    strength = pairs["mass"] / pairs["length"].clip(lower=1e-9)
    return pairs.assign(strength=strength).drop(columns="mass"), rim.astype(float)


def make_atoms(
    pairs: pd.DataFrame, rim: Floats, weight: Floats, area: Floats, community: Integers, *, low: float
) -> Atoms:
    """Lay blocks out as arrays, in regions that one can walk through.

    Parameters
    ----------
    pairs : DataFrame
        What `pair_table` returned.
    rim, weight, area : array of float, one a block
        Metres on the district's border, households, square metres.
    community : array of int, one a block
        Grids never cross between communities.
    low : float
        A pocket that cannot be walked out of and holds less than this is opened to its neighbour.

    Returns
    -------
    Atoms
        The arrays.
    """
    n = len(weight)
    a, b = pairs["a"].to_numpy(np.int64), pairs["b"].to_numpy(np.int64)
    length, strength = pairs["length"].to_numpy(float), pairs["strength"].to_numpy(float)
    inside = community[a] == community[b]
    walkable = _open_pockets(a, b, length, inside, inside & pairs["walkable"].to_numpy(bool), weight, low)
    row, column = np.r_[a, b], np.r_[b, a]
    order = np.lexsort((column, row))
    both = np.tile(np.arange(len(a)), 2)[order]
    return Atoms(
        weight=weight.astype(float),
        area=area.astype(float),
        rim=rim.astype(float),
        region=link_parts(a, b, walkable, n),
        start=np.searchsorted(row[order], np.arange(n + 1)).astype(np.int64),
        end=column[order].astype(np.int64),
        length=length[both],
        strength=strength[both],
        walkable=walkable[both],
    )


def _open_pockets(
    a: Integers, b: Integers, length: Floats, inside: Flags, walkable: Flags, weight: Floats, low: float
) -> Flags:
    """Open, for each part that holds too little for a grid, its longest border within the community."""
    n = len(weight)
    walkable = walkable.copy()
    for _ in range(n):
        part = link_parts(a, b, walkable, n)
        held = np.bincount(part, weights=weight)
        poor = inside & (part[a] != part[b]) & (np.minimum(held[part[a]], held[part[b]]) < low)
        if not poor.any():
            break
        edge = np.flatnonzero(poor)
        poorer = np.where(held[part[a]] <= held[part[b]], part[a], part[b])[edge]
        # The poorest part goes first: what it joins may then be rich enough to stay alone.
        order = np.lexsort((-length[edge], held[poorer]))
        first = poorer[order[0]]
        if held[first] == 0:
            _, leading = np.unique(poorer[order], return_index=True)
            empty = order[leading][held[poorer[order[leading]]] == 0]
            walkable[edge[empty]] = True
        else:
            walkable[edge[order[0]]] = True
    return walkable


def link_parts(a: Integers, b: Integers, linked: Flags, n: int) -> Integers:
    """Give one number to all that links hold together.

    Parameters
    ----------
    a, b : array of int
        The ends of each link.
    linked : array of bool
        Which links count.
    n : int
        How many things are linked.

    Returns
    -------
    array of int, length n
        The part of each, from 0.
    """
    links = coo_array((np.ones(linked.sum()), (a[linked], b[linked])), shape=(n, n))
    part: Integers = connected_components(links, directed=False)[1].astype(np.int64)
    return part


def grow_labels(atoms: Atoms, label: Integers) -> Integers:
    """Let grids grow over free atoms, the longest border first.

    Parameters
    ----------
    atoms : Atoms
        What is put together.
    label : array of int, one an atom
        The grid of each atom, -1 for free ones.

    Returns
    -------
    array of int
        The grids, grown; ground of a region that no grid reaches becomes a grid of its own.
    """
    label = label.copy()
    row = np.repeat(np.arange(len(atoms)), np.diff(atoms.start))
    usable = atoms.walkable & (atoms.region[row] == atoms.region[atoms.end])
    while (label < 0).any():
        edge = usable & (label[row] < 0) & (label[atoms.end] >= 0)
        if not edge.any():
            lost = np.flatnonzero(label < 0)
            label[lost[atoms.region[lost] == atoms.region[lost[0]]]] = label.max() + 1
            continue
        order = np.flatnonzero(edge)[np.argsort(-atoms.length[edge], kind="stable")]
        _, first = np.unique(row[order], return_index=True)
        label[row[order[first]]] = label[atoms.end[order[first]]]
    return label


def pick_atoms(atoms: Atoms, nodes: Integers) -> Atoms:
    """Return some atoms alone; their borders on the others become rim.

    Parameters
    ----------
    atoms : Atoms
        All.
    nodes : array of int
        Which ones, in their order.

    Returns
    -------
    Atoms
        Those, in one region.
    """
    number = np.full(len(atoms), -1, dtype=np.int64)
    number[nodes] = np.arange(len(nodes))
    row = np.repeat(np.arange(len(atoms)), np.diff(atoms.start))
    inside = (number[row] >= 0) & (number[atoms.end] >= 0)
    leaving = (number[row] >= 0) & ~inside
    rim = atoms.rim + np.bincount(row[leaving], weights=atoms.length[leaving], minlength=len(atoms))
    return Atoms(
        weight=atoms.weight[nodes],
        area=atoms.area[nodes],
        rim=rim[nodes],
        region=np.zeros(len(nodes), dtype=np.int64),
        start=np.searchsorted(number[row[inside]], np.arange(len(nodes) + 1)).astype(np.int64),
        end=number[atoms.end[inside]],
        length=atoms.length[inside],
        strength=atoms.strength[inside],
        walkable=atoms.walkable[inside],
    )


def take_out(pairs: pd.DataFrame, rim: Floats, free: Flags) -> tuple[pd.DataFrame, Floats]:
    """Leave blocks out of the search whose grid is settled.

    Parameters
    ----------
    pairs, rim : DataFrame, array of float
        What `pair_table` returned.
    free : array of bool, one a block
        The blocks that stay in.

    Returns
    -------
    pairs : DataFrame
        The pairs of free blocks, numbered among themselves.
    rim : array of float
        Their borders on the district's edge or on a settled block.
    """
    a, b = pairs["a"].to_numpy(np.int64), pairs["b"].to_numpy(np.int64)
    number = np.cumsum(free) - 1
    rim = rim.copy()
    for one, other in ((a, b), (b, a)):
        beside = free[one] & ~free[other]
        np.add.at(rim, one[beside], pairs["length"].to_numpy(float)[beside])
    both = free[a] & free[b]
    kept = pairs[both].assign(a=number[a[both]], b=number[b[both]])
    return kept.reset_index(drop=True), rim[free]
