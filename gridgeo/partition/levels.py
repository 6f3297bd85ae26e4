"""Levels above the grids: communities from their official points, areas (片区) from communities.

Every level is a union of units of the level below, so levels nest by construction, however many a place has.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridgeo.blocks.edges import read_borders
from gridgeo.blocks.faces import Integers, unite
from gridgeo.blocks.slivers import locate_faces
from gridgeo.crs import require_metric
from gridgeo.errors import PartitionError
from gridgeo.partition.atoms import Atoms, grow_labels, make_atoms, pair_table
from gridgeo.partition.search import HOT, Objective, Task, search
from gridgeo.schema import complete_layer, require_layer

_LEAST, _MOST = 0.6, 1.5


def partition_communities(
    blocks: gpd.GeoDataFrame,
    households: gpd.GeoDataFrame,
    points: gpd.GeoDataFrame,
    *,
    level: str = "community",
    parent_id: str | None = None,
    seed: int = 0,
    effort: float = 1.0,
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Cut a district into communities around their official points, along the strongest streets.

    Parameters
    ----------
    blocks : GeoDataFrame
        Layer ``blocks`` with ``borders``.
    households : GeoDataFrame
        Layer ``households``: communities hold similar numbers, between 0.6 and 1.5 of the mean where possible.
    points : GeoDataFrame
        One point a community, with ``unit_id`` and, if known, ``name`` and ``code``; each lies in its own community.
    level, parent_id : str
        What the units say of themselves.
    seed : int
        Same seed, same communities.
    effort : float
        How long to search, as a multiple of the usual.

    Returns
    -------
    blocks : GeoDataFrame
        With ``community_id``.
    units : GeoDataFrame
        Layer ``units``: the communities, marked ``estimated``.

    Raises
    ------
    CRSError
        If the layers are not in one metric system.
    PartitionError
        If there are no blocks, or no point lies in one, or two points lie in one block.
    """
    blocks, households = require_layer("blocks", blocks), require_layer("households", households)
    crs = require_metric(blocks, layer="blocks")
    for layer, frame in (("households", households), ("units", points)):
        require_metric(frame, layer=layer, crs=crs)
    ground = blocks.geometry.to_numpy()
    home = locate_faces(points.geometry.to_numpy(), ground)
    inside = home >= 0
    if not inside.any() or len(np.unique(home[inside])) < inside.sum():
        raise PartitionError("bad_community_points")
    points, home = points[inside], home[inside]
    at = locate_faces(households.geometry.to_numpy(), ground)
    counts = households["households"].to_numpy(float)
    weight = np.bincount(at[at >= 0], weights=counts[at >= 0], minlength=len(blocks)).astype(float)
    pairs, rim = pair_table(blocks, read_borders(blocks))
    nowhere = np.zeros(len(blocks), dtype=np.int64)
    atoms = make_atoms(pairs, rim, weight, blocks.area.to_numpy(), nowhere, low=np.inf)
    label = np.full(len(blocks), -1, dtype=np.int64)
    label[home] = np.arange(len(home))
    label = grow_labels(atoms, label)
    stray = label >= len(home)
    if stray.any():
        places = shapely.point_on_surface(ground[stray])
        label[stray] = shapely.STRtree(ground[home]).nearest(places)
    fixed = np.zeros(len(blocks), dtype=bool)
    fixed[home] = True
    label = _search(atoms, label, fixed, len(home), seed, effort)
    ids = points["unit_id"].to_numpy(object)
    named = blocks.assign(community_id=pd.Series(ids[label], index=blocks.index, dtype="str"))
    units = _units_of(named, "community_id", level, parent_id)
    known = points.drop_duplicates("unit_id").set_index("unit_id")
    for column in ("name", "code"):
        if column in known:
            units[column] = units["unit_id"].map(known[column])
    return named, units


def group_units(
    blocks: gpd.GeoDataFrame,
    n: int,
    *,
    of: str = "community_id",
    weight: str = "households",
    level: str = "area",
    parent_id: str | None = None,
    seed: int = 0,
    effort: float = 1.0,
) -> tuple[pd.Series, gpd.GeoDataFrame]:
    """Put units of one level together into `n` units of the level above.

    Parameters
    ----------
    blocks : GeoDataFrame
        Layer ``blocks`` with `of`, `weight` and, if known, ``borders``.
    n : int
        How many units to make.
    of : str
        The column that names each block's unit of the level below: ``community_id``, ``grid_id``, ….
    weight : str
        The column that the new units should hold similar sums of.
    level, parent_id : str
        What the new units say of themselves.
    seed : int
        Same seed, same units.
    effort : float
        How long to search, as a multiple of the usual.

    Returns
    -------
    parent : Series of str
        The new unit of each unit below, by its id.
    units : GeoDataFrame
        Layer ``units``: the new ones.

    Raises
    ------
    PartitionError
        If there are fewer units than wanted.
    """
    below, member = np.unique(blocks[of].astype(str), return_inverse=True)
    if not 0 < n <= len(below):
        raise PartitionError("bad_count", value=n, most=len(below))
    pairs, rim = pair_table(blocks, read_borders(blocks))
    low, high = member[pairs["a"]], member[pairs["b"]]
    table = pairs.assign(a=np.minimum(low, high), b=np.maximum(low, high), mass=pairs["length"] * pairs["strength"])
    table = (
        table[low != high].groupby(["a", "b"], as_index=False).agg({"length": "sum", "mass": "sum", "walkable": "any"})
    )
    table["strength"] = table["mass"] / table["length"].clip(lower=1e-9)
    rims, weights, areas = (
        np.bincount(member, weights=values, minlength=len(below)).astype(float)
        for values in (rim, blocks[weight].to_numpy(float), blocks.area.to_numpy())
    )
    atoms = make_atoms(table, rims, weights, areas, np.zeros(len(below), dtype=np.int64), low=np.inf)
    middle = max(float(atoms.weight.sum()) / n, 1e-9)
    nobody = np.full(len(below), -1, dtype=np.int64)
    free = np.zeros(len(below), dtype=bool)
    counts = _share_out(atoms, n)
    task = Task(atoms, _LEAST * middle, _MOST * middle, Objective(balance=1.0), free, nobody, counts)
    label, _ = search(task, seed=seed, effort=effort)
    number = _make_up(atoms, np.unique(label, return_inverse=True)[1], n)
    ids = np.array([f"{level}-{one + 1:02}" for one in range(number.max() + 1)], dtype=object)
    parent = pd.Series(ids[number], index=pd.Index(below, name=of), name=f"{level}_id", dtype="str")
    named = blocks.assign(**{f"{level}_id": blocks[of].astype(str).map(parent)})
    return parent, _units_of(named, f"{level}_id", level, parent_id)


def _share_out(atoms: Atoms, n: int) -> Integers:
    """Give each part that hangs together its share of the units, at least one each."""
    regions = int(atoms.region.max()) + 1
    held = np.bincount(atoms.region, weights=atoms.weight, minlength=regions)
    members = np.bincount(atoms.region, minlength=regions)
    counts = np.ones(regions, dtype=np.int64)
    for _ in range(n - regions):
        # A part of one unit cannot be two, however many live there.
        counts[int(np.argmax(np.where(counts < members, held / counts, -1.0)))] += 1
    return counts


def _make_up(atoms: Atoms, label: Integers, n: int) -> Integers:
    """Make up the number of units where the search, which weighs balance, made fewer because a few members are large.

    Of the heaviest unit that can spare one, the member goes whose leaving keeps the rest together and halves it best.
    """
    links = coo_array((np.ones(len(atoms.end)), (np.repeat(np.arange(len(atoms)), np.diff(atoms.start)), atoms.end)))
    graph = links.tocsr()
    label = label.copy()
    for unit in range(int(label.max()) + 1, n):
        held = np.bincount(label, weights=atoms.weight)
        best: tuple[float, float, int] | None = None
        for one in range(len(atoms)):
            rest = np.flatnonzero((label == label[one]) & (np.arange(len(atoms)) != one))
            if len(rest) == 0 or connected_components(graph[rest][:, rest], directed=False)[0] > 1:
                continue
            whole = float(held[label[one]])
            key = (-whole, abs(whole / 2 - float(atoms.weight[one])), one)
            best = key if best is None or key < best else best
        if best is None:
            break
        label[best[2]] = unit
    return label


def _search(atoms: Atoms, label: Integers, fixed: np.ndarray, n: int, seed: int, effort: float) -> Integers:
    middle = max(float(atoms.weight.sum()) / n, 1e-9)
    nobody = np.full(len(atoms), -1, dtype=np.int64)
    # One region for the annealing: communities may meet anywhere.
    whole = Atoms(
        atoms.weight, atoms.area, atoms.rim, np.zeros(len(atoms), dtype=np.int64),
        atoms.start, atoms.end, atoms.length, atoms.strength, atoms.walkable,
    )  # fmt: skip
    goal = Objective(balance=0.5, band=4.0, compactness=2.0)
    task = Task(whole, _LEAST * middle, _MOST * middle, goal, fixed, nobody, np.array([n], dtype=np.int64))
    found, _ = search(task, seed=seed, effort=effort, start=label, hot=HOT)
    return found


def _units_of(blocks: gpd.GeoDataFrame, column: str, level: str, parent_id: str | None) -> gpd.GeoDataFrame:
    shapes = {str(unit): unite(mine.geometry.to_numpy()) for unit, mine in blocks.groupby(column, sort=True)}
    frame = gpd.GeoDataFrame(
        {"unit_id": list(shapes), "level": level, "parent_id": parent_id, "estimated": True},
        geometry=list(shapes.values()),
        crs=blocks.crs,
    )
    return complete_layer("units", frame)
