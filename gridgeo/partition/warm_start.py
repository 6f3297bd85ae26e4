"""A warm start: today's grids, mended only where they must be, as the beginning of the search."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridgeo.blocks.faces import Floats, Integers
from gridgeo.blocks.slivers import locate_faces
from gridgeo.partition.atoms import Atoms, grow_labels
from gridgeo.partition.search import Task


def grids_today(blocks: gpd.GeoDataFrame, keep: gpd.GeoDataFrame) -> pd.Series:
    """Tell which of today's grids each block lies in.

    Parameters
    ----------
    blocks : GeoDataFrame
        Layer ``blocks``.
    keep : GeoDataFrame
        Blocks or grids with ``grid_id``; matched by ``block_id`` where all are known, else by place.

    Returns
    -------
    Series of str
        The grid of each block, missing outside all, by the blocks' index.
    """
    if "block_id" in keep and set(blocks["block_id"]) <= set(keep["block_id"]):
        today = keep.drop_duplicates("block_id").set_index("block_id")["grid_id"]
        known: pd.Series = blocks["block_id"].map(today).astype("str")
        return known
    found = locate_faces(blocks.geometry.representative_point().to_numpy(), keep.geometry.to_numpy())
    ids = np.array([*keep["grid_id"], None], dtype=object)
    return pd.Series(ids[found], index=blocks.index, dtype="str")


def mend_start(task: Task, home: Integers, *, seed: int) -> tuple[Integers, Task]:
    """Make today's grids a possible assignment.

    Parameters
    ----------
    task : Task
        The question; its counts are what a fresh start would use.
    home : array of int, one an atom
        Today's grid, numbered from 0; -1 for none.
    seed : int
        For the cuts.

    Returns
    -------
    start : array of int
        An assignment in which every grid hangs together within its region and every region has a possible number of
        grids; grids of today keep their number.
    task : Task
        The question with those counts and with today's grids as home.
    """
    atoms = task.atoms
    label = _largest_parts(atoms, home)
    label = grow_labels(atoms, label)
    counts = task.counts.copy()
    for region in range(len(counts)):
        nodes = np.flatnonzero(atoms.region == region)
        label, counts[region] = _fit_number(task, label, nodes, seed)
    return label, Task(atoms, task.low, task.high, task.objective, task.fixed, home, counts)


def _largest_parts(atoms: Atoms, home: Integers) -> Integers:
    """Keep of each grid the part within one region that holds most; the rest is free."""
    row = np.repeat(np.arange(len(atoms)), np.diff(atoms.start))
    same = (home[row] == home[atoms.end]) & (atoms.region[row] == atoms.region[atoms.end])
    same &= atoms.walkable & (home[row] >= 0)
    links = coo_array((np.ones(same.sum()), (row[same], atoms.end[same])), shape=(len(atoms),) * 2)
    _, part = connected_components(links, directed=False)
    held = np.bincount(part, weights=atoms.weight + 1e-6 * atoms.area)
    label = np.full(len(atoms), -1, dtype=np.int64)
    for grid in np.unique(home[home >= 0]).tolist():
        mine = np.flatnonzero(home == grid)
        best = part[mine][np.argmax(held[part[mine]])]
        label[mine[part[mine] == best]] = grid
    return label


def _fit_number(task: Task, label: Integers, nodes: Integers, seed: int) -> tuple[Integers, int]:
    """Split the heaviest or join the lightest grids of a region until their number is possible."""
    from gridgeo.partition import annealing  # noqa: PLC0415 - the compiler is slow to load and only needed here

    atoms = task.atoms
    label = label.copy()
    state = np.array([1 + (seed * 7919 + 12345) % 2147483646], dtype=np.int64)
    while True:
        grids, inverse = np.unique(label[nodes], return_inverse=True)
        held: Floats = np.bincount(inverse, weights=atoms.weight[nodes]).astype(float)
        total, count = float(held.sum()), len(grids)
        wanted = int(task.counts[atoms.region[nodes[0]]])
        possible = count * task.low <= total <= count * task.high
        if possible or count == wanted:
            return label, count
        if count < wanted:
            mine = nodes[inverse == int(np.argmax(held))]
            old, new = label[mine[0]], int(label.max()) + 1
            if len(mine) == 1:
                return label, count
            part = label.copy()
            annealing.bisect(part, new, 2, mine, task.graph, task.rule, 4, state)
            label[mine] = np.where(part[mine] == new, old, new)
        else:
            light = int(np.argmin(held))
            host = _lightest_neighbour(atoms, label, nodes[inverse == light], grids, held)
            if host < 0:
                return label, count
            label[nodes[inverse == light]] = host


def _lightest_neighbour(atoms: Atoms, label: Integers, mine: Integers, grids: Integers, held: Floats) -> int:
    spans = [np.arange(atoms.start[atom], atoms.start[atom + 1]) for atom in mine]
    at = np.concatenate(spans)
    near = np.unique(label[atoms.end[at[atoms.walkable[at]]]])
    near = near[np.isin(near, grids) & (near != label[mine[0]])]
    if len(near) == 0:
        return -1
    return int(near[np.argmin(held[np.searchsorted(grids, near)])])
