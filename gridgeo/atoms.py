"""The partition's atoms: blocks with their weights, neighbours and streets, as arrays for the inner loops."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridgeo.edges import edge_strengths
from gridgeo.faces import Floats, Integers, border_lengths, share_borders

Flags = np.typing.NDArray[np.bool_]


@dataclass(frozen=True)
class Atoms:
    """What cannot be cut any further, and how it lies beside the rest.

    Parameters
    ----------
    of_block : array of int, one a block
        The atom of each block; an atom may hold several blocks.
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

    of_block: Integers
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
        Edges of these blocks, as `gridgeo.edges.find_edges` gives them; without them no border is a street and every
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
        return pairs.assign(strength=0.0, walkable=True), rim
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
    return pairs.assign(strength=strength).drop(columns="mass"), rim


def make_atoms(
    pairs: pd.DataFrame, rim: Floats, weight: Floats, area: Floats, community: Integers, *, low: float
) -> Atoms:
    """Join what nobody could walk to with its neighbour, and lay the rest out as arrays.

    Parameters
    ----------
    pairs : DataFrame
        What `pair_table` returned.
    rim, weight, area : array of float, one a block
        Metres on the district's border, households, square metres.
    community : array of int, one a block
        Grids never cross between communities.
    low : float
        A pocket that cannot be walked out of joins its neighbour unless it holds this much.

    Returns
    -------
    Atoms
        The arrays.
    """
    n = len(weight)
    inside = community[pairs["a"]] == community[pairs["b"]]
    foot = (
        inside.to_numpy() & pairs["walkable"].to_numpy()
        if isinstance(inside, pd.Series)
        else inside & pairs["walkable"].to_numpy()
    )
    of_block = np.arange(n)
    a, b = pairs["a"].to_numpy(), pairs["b"].to_numpy()
    length, strength = pairs["length"].to_numpy(), pairs["strength"].to_numpy()
    inside = community[a] == community[b]
    walkable = foot.copy()
    # Pockets: parts of a community that one cannot walk out of. The smallest joins first, over its longest border.
    for _ in range(n):
        links = coo_array((np.ones(walkable.sum()), (a[walkable], b[walkable])), shape=(n, n))
        count, part = connected_components(links, directed=False)
        held = np.bincount(part, weights=weight, minlength=count)
        loose = inside & (part[a] != part[b])
        poor = loose & (np.minimum(held[part[a]], held[part[b]]) < low)
        if not poor.any():
            break
        poorer = np.where(held[part[a]] <= held[part[b]], part[a], part[b])[poor]
        reach = coo_array((length[poor], (poorer, np.flatnonzero(poor))), shape=(count, len(a))).tocsr()
        moved = np.unique(poorer)
        chosen = [
            reach.indices[s:e][np.argmax(reach.data[s:e])]
            for s, e in zip(reach.indptr[moved], reach.indptr[moved + 1], strict=True)
        ]
        walkable[chosen] = True
    links = coo_array((np.ones(walkable.sum()), (a[walkable], b[walkable])), shape=(n, n))
    _, part = connected_components(links, directed=False)
    row, column = np.r_[a, b], np.r_[b, a]
    order = np.lexsort((column, row))
    start = np.searchsorted(row[order], np.arange(n + 1))
    both = np.r_[np.arange(len(a)), np.arange(len(a))][order]
    return Atoms(
        of_block=of_block,
        weight=weight.astype(float),
        area=area.astype(float),
        rim=rim.astype(float),
        region=part.astype(np.int64),
        start=start.astype(np.int64),
        end=column[order].astype(np.int64),
        length=length[both].astype(float),
        strength=strength[both].astype(float),
        walkable=walkable[both],
    )
